/* From a picture file in memory to pixels: the only user of stb_image. */
#include <alexnet_cl/image.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "image/format.h"
#include "image/stb_config.h"
#include "util/error.h"
#include "util/memory.h"

/* What stb_image may allocate for one picture: enough for the largest that is read in nearly all
 * forms (100 megapixels of 16-bit RGBA take 1.6 GB), and for small ones in proportion, so that a
 * file which unpacks to more than its header says ends early. */
enum { BYTES_A_PIXEL = 32, SPARE_BYTES = 1024 * 1024 };
static const size_t most_memory_bytes = (size_t)2 << 30;

/* Stands before each block. */
union block {
    size_t bytes;
    max_align_t align;
};

static _Thread_local struct {
    size_t bytes, limit;
    bool exceeded, exhausted;
} memory;

/* Zeroed: the decoder reads some of its fields before it writes them. */
static void *stb_malloc(size_t bytes)
{
    memory.exceeded = memory.exceeded || bytes > memory.limit - memory.bytes;
    union block *block = memory.exceeded ? NULL : calloc(1, sizeof *block + bytes);
    if (!block) {
        memory.exhausted = true;
        return NULL;
    }
    block->bytes = bytes;
    memory.bytes += bytes;
    return block + 1;
}

static void stb_free(void *data)
{
    union block *block = data;
    if (!block)
        return;
    memory.bytes -= block[-1].bytes;
    free(block - 1);
}

static void *stb_realloc(void *data, size_t bytes)
{
    void *larger = stb_malloc(bytes);
    if (larger && data) {
        memcpy(larger, data, alx_min(bytes, ((union block *)data)[-1].bytes));
        stb_free(data);
    }
    return larger;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MALLOC(bytes)        stb_malloc(bytes)
#define STBI_REALLOC(data, bytes) stb_realloc(data, bytes)
#define STBI_FREE(data)           stb_free(data)
#define STBI_ASSERT(condition)    ((condition) ? (void)0 : abort())
#define STBI_MAX_DIMENSIONS       ALX_IMAGE_MAX_PIXELS /* the area has been checked */
#ifdef __ARM_NEON
#define STBI_NEON
#endif
#pragma GCC diagnostic ignored "-Wunused-function" /* which is looked for at the file's end */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include ALX_STB_IMAGE_H
#pragma GCC diagnostic pop

/* Samples of `channels` (grey, grey and alpha, RGB, RGB and alpha) as RGB. */
static void to_rgb(const void *samples, bool sixteen_bits, size_t channels, struct alx_image *image)
{
    const uint8_t *bytes = samples;
    const uint16_t *words = samples;
    uint32_t most = sixteen_bits ? 65535 : 255;
    bool grey = channels < 3, alpha = channels % 2 == 0;
    for (size_t i = 0; i < image->width * image->height; i++)
        for (size_t c = 0; c < 3; c++) {
            size_t at = i * channels + (grey ? 0 : c), last = i * channels + channels - 1;
            uint32_t value = sixteen_bits ? words[at] : bytes[at];
            uint32_t opacity = !alpha ? most : sixteen_bits ? words[last] : bytes[last];
            image->rgb[3 * i + c] = sixteen_bits || opacity != most
                                        ? alx_over_white(value, opacity, most)
                                        : (uint8_t)value;
        }
}

static size_t memory_limit(const struct alx_checked *checked)
{
    /* A JPEG's planes are whole blocks of up to 32 x 32. */
    size_t pixels = alx_round_up(checked->width, 32) * alx_round_up(checked->height, 32);
    return alx_min(most_memory_bytes, BYTES_A_PIXEL * pixels + 2 * checked->bytes + SPARE_BYTES);
}

static enum alx_status decode_failed(const struct alx_picture *picture, const char *kind)
{
    if (memory.exceeded)
        return alx_fail(ALX_STATUS_IMAGE_TOO_LARGE,
                        "%s: needs more than the %zu MiB of memory that a %s of its size may take",
                        picture->what, memory.limit >> 20, kind);
    if (memory.exhausted)
        return alx_fail(ALX_STATUS_NO_MEMORY, "%s: no memory to decode it", picture->what);
    return alx_format_damaged(picture, kind, stbi_failure_reason());
}

static enum alx_status decode_checked(const struct alx_picture *picture, const char *kind,
                                      const struct alx_checked *checked, struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_image image = {0};
    int width = 0, height = 0, channels = 0;
    memory.limit = memory_limit(checked);
    memory.bytes = 0;
    memory.exceeded = memory.exhausted = false;
    void *samples = checked->sixteen_bits
                        ? (void *)stbi_load_16_from_memory(checked->data, (int)checked->bytes,
                                                           &width, &height, &channels, 0)
                        : (void *)stbi_load_from_memory(checked->data, (int)checked->bytes, &width,
                                                        &height, &channels, 0);
    if (!samples)
        return decode_failed(picture, kind);
    if ((size_t)width != checked->width || (size_t)height != checked->height || channels < 1 ||
        channels > 4) {
        status = alx_format_damaged(picture, kind, "its size changed while it was decoded");
        goto error;
    }
    ALX_TRY(alx_image_create(checked->width, checked->height, &image));
    to_rgb(samples, checked->sixteen_bits, (size_t)channels, &image);
    *out = image;
error:
    stbi_image_free(samples);
    return status;
}

static enum alx_status decode_compressed(const struct alx_picture *picture, enum alx_format format,
                                         struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_checked checked = {0};
    struct alx_image image = {0};
    bool jpeg = format == ALX_FORMAT_JPEG;
    ALX_TRY(jpeg ? alx_jpeg_check(picture, &checked) : alx_png_check(picture, &checked));
    ALX_TRY(decode_checked(picture, jpeg ? "JPEG" : "PNG", &checked, &image));
    ALX_TRY(alx_image_orient(&image, checked.orientation));
    *out = image;
    image = (struct alx_image){0};
error:
    alx_image_free(&image);
    free(checked.owned);
    return status;
}

enum alx_status alx_image_decode(const char *what, const uint8_t *bytes, size_t byte_count,
                                 struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_picture picture = {.what = what, .data = bytes, .bytes = byte_count};
    enum alx_format format;
    if (!byte_count)
        return alx_fail(ALX_STATUS_IMAGE_EMPTY, "%s: the file is empty", what);
    if (byte_count > ALX_IMAGE_MAX_FILE_BYTES)
        return alx_fail(ALX_STATUS_IMAGE_TOO_LARGE, "%s: larger than the limit of %d MiB", what,
                        ALX_IMAGE_MAX_FILE_BYTES >> 20);
    ALX_TRY(alx_format_recognise(&picture, &format));
    switch (format) {
    case ALX_FORMAT_BMP:
        return alx_bmp_read(&picture, out);
    case ALX_FORMAT_PNM:
        return alx_pnm_read(&picture, out);
    default:
        return decode_compressed(&picture, format, out);
    }
error:
    return status;
}
