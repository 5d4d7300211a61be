/* Pictures whose pixels lie in the file as they are: BMP, and the binary PGM and PPM. (The packaged
 * stb_image reads 16-bit PNM past the end of its buffer and takes no account of PNM's largest value
 * or of gaps in a BMP, so these few lines are the safer ones.) */
#include <string.h>

#include "image/format.h"
#include "util/error.h"
#include "util/memory.h"

/* The bits of one channel in a pixel of 16, 24 or 32 bits. */
struct mask {
    uint32_t bits, shift, most;
};

struct bmp {
    size_t width, height, offset, row_bytes;
    size_t header_end; /* the palette begins here */
    unsigned depth;    /* bits a pixel */
    bool top_down;
    struct mask red, green, blue, alpha; /* alpha.bits 0: none */
    const uint8_t *palette;
    size_t colours, colour_bytes;
};

static enum alx_status damaged_bmp(const struct alx_picture *picture, const char *why)
{
    return alx_format_damaged(picture, "BMP", why);
}

static uint32_t number(const uint8_t *bytes, size_t count)
{
    uint32_t value = 0;
    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

static struct mask mask_of(uint32_t bits)
{
    struct mask mask = {.bits = bits};
    if (bits) {
        mask.shift = (uint32_t)__builtin_ctz(bits);
        mask.most = bits >> mask.shift;
    }
    return mask;
}

static uint32_t masked(uint32_t pixel, struct mask mask)
{
    return (pixel & mask.bits) >> mask.shift;
}

static uint8_t to_byte(uint32_t value, uint32_t most)
{
    return (uint8_t)(((uint64_t)value * 255 + most / 2) / most);
}

/* Where red, green, blue and perhaps alpha lie in a pixel. */
static enum alx_status read_masks(const struct alx_picture *picture, bool given, size_t header,
                                  struct bmp *bmp)
{
    uint32_t bits[4] = {0xff0000, 0xff00, 0xff, 0};
    if (given) {
        size_t count = header >= 56 ? 4 : 3; /* behind the first 40 bytes, in the header or not */
        if (header < 52)
            bmp->header_end += 12;
        if (bmp->header_end > picture->bytes)
            return damaged_bmp(picture, "it ends early");
        for (size_t i = 0; i < count; i++)
            bits[i] = number(picture->data + 54 + 4 * i, 4);
    } else if (bmp->depth == 16) {
        bits[0] = 0x7c00;
        bits[1] = 0x3e0;
        bits[2] = 0x1f;
    }
    if (!bits[0] || !bits[1] || !bits[2])
        return damaged_bmp(picture, "a colour has no bits");
    bmp->red = mask_of(bits[0]);
    bmp->green = mask_of(bits[1]);
    bmp->blue = mask_of(bits[2]);
    bmp->alpha = mask_of(bits[3]);
    return ALX_STATUS_OK;
}

/* The fields of the old header of 12 bytes or of one of the newer ones, all of which begin alike.
 */
static enum alx_status read_fields(const struct alx_picture *picture, struct bmp *bmp,
                                   uint32_t *compression, uint32_t *colours)
{
    const uint8_t *data = picture->data;
    bool old = number(data + 14, 4) == 12;
    if (picture->bytes < (old ? 26 : 54))
        return damaged_bmp(picture, "it ends early");
    uint32_t height = old ? number(data + 20, 2) : number(data + 22, 4);
    bmp->width = old ? number(data + 18, 2) : number(data + 18, 4);
    bmp->top_down = !old && height >> 31;
    bmp->height = bmp->top_down ? 0 - height : height;
    bmp->depth = number(data + (old ? 24 : 28), 2);
    bmp->colour_bytes = old ? 3 : 4;
    *compression = old ? 0 : number(data + 30, 4);
    *colours = old ? 0 : number(data + 46, 4);
    return ALX_STATUS_OK;
}

static enum alx_status read_bmp_header(const struct alx_picture *picture, struct bmp *bmp)
{
    enum alx_status status = ALX_STATUS_OK;
    const uint8_t *data = picture->data;
    uint32_t compression = 0, colours = 0;
    if (picture->bytes < 26 || picture->bytes < number(data + 2, 4))
        return damaged_bmp(picture, "it is shorter than its header says");
    size_t header = number(data + 14, 4);
    bmp->offset = number(data + 10, 4);
    bmp->header_end = 14 + header;
    if (header != 12 && header != 40 && header != 52 && header != 56 && header != 64 &&
        header != 108 && header != 124)
        return damaged_bmp(picture, "its header is of an unknown size");
    ALX_TRY(read_fields(picture, bmp, &compression, &colours));
    ALX_TRY(alx_format_check_size(picture, bmp->width, bmp->height));
    if (compression != 0 && compression != 3)
        return alx_fail(ALX_STATUS_IMAGE_UNSUPPORTED,
                        "%s: a compressed BMP, which is not read; convert it to PNG",
                        picture->what);
    bool direct = bmp->depth == 16 || bmp->depth == 24 || bmp->depth == 32;
    if (!direct && bmp->depth != 1 && bmp->depth != 4 && bmp->depth != 8)
        return damaged_bmp(picture, "its pixels are of an unknown size");
    if (direct)
        ALX_TRY(read_masks(picture, compression == 3, header, bmp));
    bmp->row_bytes = alx_ceil_div(bmp->width * bmp->depth, 32) * 4;
    if (bmp->offset < bmp->header_end || bmp->offset > picture->bytes ||
        bmp->row_bytes * bmp->height > picture->bytes - bmp->offset)
        return damaged_bmp(picture, "it is shorter than its header says");
    if (!direct) {
        size_t room = (bmp->offset - bmp->header_end) / bmp->colour_bytes;
        bmp->palette = data + bmp->header_end;
        bmp->colours = alx_min(room, colours ? colours : (size_t)1 << bmp->depth);
    }
error:
    return status;
}

/* Some programs write an alpha channel of zeros and mean none. */
static bool alpha_is_used(const struct bmp *bmp, const uint8_t *pixels)
{
    for (size_t y = 0; bmp->alpha.bits && y < bmp->height; y++)
        for (size_t x = 0; x < bmp->width; x++) {
            size_t bytes = bmp->depth / 8;
            if (number(pixels + y * bmp->row_bytes + x * bytes, bytes) & bmp->alpha.bits)
                return true;
        }
    return false;
}

static void read_direct_row(const struct bmp *bmp, bool alpha, const uint8_t *row, uint8_t *rgb)
{
    size_t bytes = bmp->depth / 8;
    for (size_t x = 0; x < bmp->width; x++, rgb += 3) {
        uint32_t pixel = number(row + x * bytes, bytes);
        rgb[0] = to_byte(masked(pixel, bmp->red), bmp->red.most);
        rgb[1] = to_byte(masked(pixel, bmp->green), bmp->green.most);
        rgb[2] = to_byte(masked(pixel, bmp->blue), bmp->blue.most);
        if (alpha) {
            uint8_t opacity = to_byte(masked(pixel, bmp->alpha), bmp->alpha.most);
            for (size_t c = 0; c < 3; c++)
                rgb[c] = alx_over_white(rgb[c], opacity, 255);
        }
    }
}

static void read_palette_row(const struct bmp *bmp, const uint8_t *row, uint8_t *rgb)
{
    size_t depth = bmp->depth;
    for (size_t x = 0; x < bmp->width; x++, rgb += 3) {
        size_t shift = 8 - depth - x * depth % 8;
        size_t index = row[x * depth / 8] >> shift & ((1u << depth) - 1);
        const uint8_t *colour = bmp->palette + index * bmp->colour_bytes;
        for (size_t c = 0; c < 3; c++)
            rgb[c] = index < bmp->colours ? colour[2 - c] : 0;
    }
}

enum alx_status alx_bmp_read(const struct alx_picture *picture, struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct bmp bmp = {0};
    struct alx_image image = {0};
    ALX_TRY(read_bmp_header(picture, &bmp));
    ALX_TRY(alx_image_create(bmp.width, bmp.height, &image));
    const uint8_t *pixels = picture->data + bmp.offset;
    bool alpha = alpha_is_used(&bmp, pixels);
    for (size_t y = 0; y < bmp.height; y++) {
        const uint8_t *row = pixels + (bmp.top_down ? y : bmp.height - 1 - y) * bmp.row_bytes;
        uint8_t *rgb = image.rgb + 3 * y * bmp.width;
        if (bmp.palette)
            read_palette_row(&bmp, row, rgb);
        else
            read_direct_row(&bmp, alpha, row, rgb);
    }
    *out = image;
error:
    return status;
}

/* The next number of a PNM header, behind white space and comments. */
static bool read_decimal(const struct alx_picture *picture, size_t *at, uint32_t *out)
{
    const uint8_t *data = picture->data;
    uint64_t value = 0;
    bool comment = false;
    while (*at < picture->bytes &&
           (comment || data[*at] == '#' || (data[*at] && strchr(" \t\n\v\f\r", data[*at])))) {
        comment = (comment || data[*at] == '#') && data[*at] != '\n' && data[*at] != '\r';
        ++*at;
    }
    size_t begin = *at;
    while (*at < picture->bytes && data[*at] >= '0' && data[*at] <= '9' && value <= UINT32_MAX)
        value = 10 * value + data[(*at)++] - '0';
    *out = (uint32_t)value;
    return *at > begin && value <= UINT32_MAX;
}

enum alx_status alx_pnm_read(const struct alx_picture *picture, struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_image image = {0};
    uint32_t width, height, most;
    size_t at = 2;
    if (!read_decimal(picture, &at, &width) || !read_decimal(picture, &at, &height) ||
        !read_decimal(picture, &at, &most) || !most || most > 65535 || at == picture->bytes)
        return alx_format_damaged(picture, "PNM", "its header is malformed");
    at++; /* one white space */
    ALX_TRY(alx_format_check_size(picture, width, height));
    bool colour = picture->data[1] == '6';
    size_t sample_bytes = most > 255 ? 2 : 1;
    size_t channels = colour ? 3 : 1;
    if ((size_t)width * height * channels * sample_bytes > picture->bytes - at)
        return alx_format_damaged(picture, "PNM", "it is shorter than its header says");
    ALX_TRY(alx_image_create(width, height, &image));
    const uint8_t *sample = picture->data + at;
    for (size_t i = 0; i < 3 * image.width * image.height; i++) {
        uint32_t value = sample_bytes == 2 ? (uint32_t)sample[0] << 8 | sample[1] : sample[0];
        image.rgb[i] = to_byte(value < most ? value : most, most);
        if (colour || i % 3 == 2)
            sample += sample_bytes;
    }
    *out = image;
error:
    return status;
}
