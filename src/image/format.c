#include "image/format.h"

#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

/* What a file looks like: `bytes` at `offset`. The first row that fits counts. */
struct signature {
    size_t offset, count;
    const char *bytes;
    const char *name;
};

/* In the order of enum alx_format; a PNM is P5 or P6. */
static const struct signature readable[] = {
    {0, 2, "\xff\xd8", "JPEG"},
    {0, 8, "\x89PNG\r\n\x1a\n", "PNG"},
    {0, 2, "BM", "BMP"},
};

static const struct signature known[] = {
    {0, 4, "GIF8", "a GIF picture"},
    {0, 4, "II*\0", "a TIFF picture"},
    {0, 4, "MM\0*", "a TIFF picture"},
    {0, 4, "II+\0", "a TIFF picture"},
    {0, 4, "MM\0+", "a TIFF picture"},
    {8, 4, "WEBP", "a WebP picture"},
    {4, 8, "ftypavif", "an AVIF picture"},
    {4, 8, "ftypavis", "an AVIF picture"},
    {4, 8, "ftypheic", "a HEIC picture"},
    {4, 8, "ftypheix", "a HEIC picture"},
    {4, 8, "ftyphevc", "a HEIC picture"},
    {4, 8, "ftypmif1", "a HEIF picture"},
    {4, 8, "ftypmsf1", "a HEIF picture"},
    {4, 4, "ftyp", "a video"},
    {0, 12, "\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"},
    {0, 4, "\xff\x4f\xff\x51", "a JPEG 2000 picture"},
    {0, 12, "\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"},
    {0, 2, "\xff\x0a", "a JPEG XL picture"},
    {0, 4, "8BPS", "a Photoshop picture"},
    {0, 4, "\0\0\1\0", "an icon"},
    {0, 4, "qoif", "a QOI picture"},
    {0, 4, "\x76\x2f\x31\x01", "an OpenEXR picture"},
    {0, 2, "#?", "a Radiance picture"},
    {0, 4, "DDS ", "a DirectDraw texture"},
    {0, 8, "gimp xcf", "a GIMP picture"},
    {0, 5, "%PDF-", "a PDF document"},
    {0, 4, "%!PS", "a PostScript document"},
    {0, 4, "PK\3\4", "a zip archive"},
    {0, 2, "\x1f\x8b", "a gzip file"},
    {0, 4,
     "\x7f"
     "ELF",
     "a program"},
    {0, 2, "P1", "a PBM picture as text"},
    {0, 2, "P2", "a PGM picture as text"},
    {0, 2, "P3", "a PPM picture as text"},
    {0, 2, "P4", "a PBM picture"},
    {0, 2, "P7", "a PAM picture"},
    {0, 2, "PF", "a PFM picture"},
    {0, 2, "Pf", "a PFM picture"},
};

/* `least`: how many of the signature's bytes must be there; a file may end within them. */
static bool matches(const struct signature *signature, const struct alx_picture *picture,
                    size_t least)
{
    if (picture->bytes < signature->offset + least)
        return false;
    size_t count = alx_min(signature->count, picture->bytes - signature->offset);
    return !memcmp(picture->data + signature->offset, signature->bytes, count);
}

static bool is_text(const struct alx_picture *picture)
{
    for (size_t i = 0; i < alx_min(picture->bytes, 1024); i++) {
        uint8_t c = picture->data[i];
        if (c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f')
            return false;
    }
    return true;
}

static const char *looks_like(const struct alx_picture *picture)
{
    char start[1025] = {0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (matches(&known[i], picture, known[i].count))
            return known[i].name;
    if (!is_text(picture))
        return NULL;
    memcpy(start, picture->data, alx_min(picture->bytes, sizeof start - 1));
    return alx_text_contains(start, "<svg") ? "an SVG drawing" : "text";
}

enum alx_status alx_format_recognise(const struct alx_picture *picture, enum alx_format *out)
{
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
        if (matches(&readable[i], picture, i == ALX_FORMAT_BMP ? 2 : 1)) {
            *out = (enum alx_format)i;
            return ALX_STATUS_OK;
        }
    if (picture->bytes >= 3 && picture->data[0] == 'P' &&
        (picture->data[1] == '5' || picture->data[1] == '6') && picture->data[2] <= '#') {
        *out = ALX_FORMAT_PNM;
        return ALX_STATUS_OK;
    }
    const char *name = looks_like(picture);
    if (!name)
        return alx_fail(ALX_STATUS_IMAGE_UNSUPPORTED,
                        "%s: not a picture of a kind that is read (JPEG, PNG, BMP, PGM, PPM)",
                        picture->what);
    return alx_fail(ALX_STATUS_IMAGE_UNSUPPORTED,
                    "%s: %s, which is not read; convert it to PNG or JPEG", picture->what, name);
}

enum alx_status alx_format_check_size(const struct alx_picture *picture, uint64_t width,
                                      uint64_t height)
{
    if (!width || !height)
        return alx_fail(ALX_STATUS_IMAGE_CORRUPT, "%s: a picture without pixels (%llu x %llu)",
                        picture->what, (unsigned long long)width, (unsigned long long)height);
    if (width > ALX_IMAGE_MAX_PIXELS / height)
        return alx_fail(ALX_STATUS_IMAGE_TOO_LARGE,
                        "%s: %llu x %llu pixels are more than the %d million that are read; "
                        "make it smaller",
                        picture->what, (unsigned long long)width, (unsigned long long)height,
                        ALX_IMAGE_MAX_PIXELS / 1000000);
    return ALX_STATUS_OK;
}

enum alx_status alx_format_damaged(const struct alx_picture *picture, const char *kind,
                                   const char *why)
{
    return alx_fail(ALX_STATUS_IMAGE_CORRUPT, "%s: damaged %s: %s", picture->what, kind, why);
}

enum alx_status alx_image_create(size_t width, size_t height, struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    uint8_t *rgb = NULL;
    ALX_TRY(alx_alloc(width * height, 3, "a picture", &rgb));
    *out = (struct alx_image){.width = width, .height = height, .rgb = rgb};
error:
    return status;
}

void alx_image_free(struct alx_image *image)
{
    free(image->rgb);
    *image = (struct alx_image){0};
}

uint8_t alx_over_white(uint32_t value, uint32_t alpha, uint32_t most)
{
    uint64_t sum = (uint64_t)value * alpha + (uint64_t)most * (most - alpha);
    uint64_t whole = (uint64_t)most * most;
    return (uint8_t)((sum * 255 + whole / 2) / whole);
}
