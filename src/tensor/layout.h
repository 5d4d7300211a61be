/*
 * Where a tensor's elements lie.
 *
 * One formula covers all layouts: channels come in blocks, blocks before rows, and every image row
 * and column is surrounded by a halo of zeros, which spares a convolution the test for its border:
 *
 *   index(n, c, y, x) = (((n * C/B + c/B) * (H + 2h) + y + h) * (W + 2h) + x + h) * B + c%B
 *
 * B = 1 is NCHW, B = C is NHWC, B = 16 is nChw16c. B always divides C.
 */
#ifndef ALX_TENSOR_LAYOUT_H
#define ALX_TENSOR_LAYOUT_H

#include <alexnet_cl/net.h>

struct alx_layout {
    size_t block; /* B: channels that lie side by side */
    size_t halo;  /* h: zeros around each plane, in elements */
};

/* Elements of one image, halo included. */
size_t alx_layout_elems(struct alx_shape shape, struct alx_layout layout);
size_t alx_layout_index(struct alx_shape shape, struct alx_layout layout, size_t n, size_t c,
                        size_t y, size_t x);
bool alx_layout_equal(struct alx_layout a, struct alx_layout b);
/* "NCHW", "NHWC", "nChw16c", with "+2" for a halo of 2. */
void alx_layout_name(struct alx_shape shape, struct alx_layout layout, char *out, size_t out_bytes);

/* Copies one image between plain [C, H, W] and its place in a tensor, whose halo becomes zero. */
void alx_layout_store(struct alx_shape shape, struct alx_layout layout, const float *plain,
                      float *image);
void alx_layout_load(struct alx_shape shape, struct alx_layout layout, const float *image,
                     float *plain);

#endif
