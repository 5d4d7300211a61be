/*
 * Values where they lie in a model's file.
 */
#ifndef ALX_TENSOR_VIEW_H
#define ALX_TENSOR_VIEW_H

#include <alexnet_cl/tensor.h>

/* Values `first` .. `first + count - 1` of a view as float32; of I8, the whole numbers. */
void alx_view_read(struct alx_tensor_view view, size_t first, size_t count, float *out);

/* The index of the first value that is NaN or infinite, or `elems` when all are finite. */
size_t alx_view_first_not_finite(struct alx_tensor_view view);

#endif
