/*
 * Picture files: recognised, and walked from end to end before a decoder sees them.
 *
 * stb_image takes much for granted and goes on where data end early. What is given to it has passed
 * alx_jpeg_check() or alx_png_check(): every length lies inside the file, every table fits, and the
 * data reach to the last pixel. Pictures whose pixels lie in the file as they are (BMP, PNM) are
 * read here.
 */
#ifndef ALX_IMAGE_FORMAT_H
#define ALX_IMAGE_FORMAT_H

#include <alexnet_cl/image.h>
#include <stdbool.h>

enum alx_format { ALX_FORMAT_JPEG, ALX_FORMAT_PNG, ALX_FORMAT_BMP, ALX_FORMAT_PNM };

/* A picture file in memory, borrowed; `what` names it in messages. */
struct alx_picture {
    const char *what;
    const uint8_t *data;
    size_t bytes;
};

/* By the first bytes. IMAGE_UNSUPPORTED says what else they look like. */
enum alx_status alx_format_recognise(const struct alx_picture *picture, enum alx_format *out);

/* IMAGE_CORRUPT without pixels, IMAGE_TOO_LARGE with more than ALX_IMAGE_MAX_PIXELS. */
enum alx_status alx_format_check_size(const struct alx_picture *picture, uint64_t width,
                                      uint64_t height);

/* IMAGE_CORRUPT with the line `WHAT: damaged KIND: WHY`. */
enum alx_status alx_format_damaged(const struct alx_picture *picture, const char *kind,
                                   const char *why);

/* A file that holds together, in the form that is decoded. */
struct alx_checked {
    size_t width, height;
    unsigned orientation; /* EXIF, 1 to 8; 1: upright */
    bool sixteen_bits;    /* a sample */
    const uint8_t *data;  /* borrowed from the picture, or `owned` */
    size_t bytes;
    uint8_t *owned; /* NULL, or a mended copy; free() */
};

/* The mended copy of a JPEG ends with an end marker and says how its four inks are coded. */
enum alx_status alx_jpeg_check(const struct alx_picture *picture, struct alx_checked *out);
/* The mended copy of a PNG holds only the chunks that pixels depend on, and a palette of 256. */
enum alx_status alx_png_check(const struct alx_picture *picture, struct alx_checked *out);

enum alx_status alx_bmp_read(const struct alx_picture *picture, struct alx_image *out);
enum alx_status alx_pnm_read(const struct alx_picture *picture, struct alx_image *out);

/* Allocates an image whose size has been checked. */
enum alx_status alx_image_create(size_t width, size_t height, struct alx_image *out);

/* The orientation that EXIF data (a TIFF header and its directory) tell; 1 when they tell none. */
unsigned alx_exif_orientation(const uint8_t *tiff, size_t bytes);
/* Turns and mirrors a picture of that orientation upright. */
enum alx_status alx_image_orient(struct alx_image *image, unsigned orientation);

/* A sample of `value` of 0..most over white, as 0..255; `alpha` of 0..most. most <= 65535. */
uint8_t alx_over_white(uint32_t value, uint32_t alpha, uint32_t most);

#endif
