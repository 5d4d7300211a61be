/*
 * Resizing, of no more than what is kept.
 */
#ifndef ALX_IMAGE_RESIZE_H
#define ALX_IMAGE_RESIZE_H

#include <alexnet_cl/image.h>
#include <stdbool.h>

/* The part of the resized picture that is wanted. Only it is computed, so that the resized picture
 * itself may be of any size. */
struct alx_resize_window {
    size_t full_w, full_h; /* of the resized picture */
    size_t left, top, width, height;
};

/* Writes the window [height, width, channels] of 8-bit samples: R, G, B, or with `luma` one channel
 * that is made before resizing. Beside `out` it takes memory in proportion to the picture's width
 * and height, not to its area. */
enum alx_status alx_image_resize(const struct alx_image *image, enum alx_filter filter, bool luma,
                                 const struct alx_resize_window *window, uint8_t *out);

#endif
