/*
 * Sliding windows: what convolution and pooling share.
 */
#ifndef ALX_OPS_WINDOW_H
#define ALX_OPS_WINDOW_H

#include "ops/op.h"

/* The layer with its window; a fully connected layer gets one over its whole input. */
struct alx_layer alx_window_of(const struct alx_layer_info *info);
/* The halo that covers the padding on all sides. */
size_t alx_window_halo(const struct alx_layer *layer);
/* KERNEL_H KERNEL_W STRIDE_H STRIDE_W PAD_TOP PAD_LEFT. */
void alx_window_macros(struct alx_text *options, const struct alx_layer *layer);

#endif
