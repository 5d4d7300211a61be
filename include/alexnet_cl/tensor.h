/*
 * Values where they lie.
 */
#ifndef ALEXNET_CL_TENSOR_H
#define ALEXNET_CL_TENSOR_H

#include <stddef.h>

enum alx_dtype { ALX_DTYPE_F32, ALX_DTYPE_F16, ALX_DTYPE_BF16 };

/* The values of one tensor where they lie, little-endian, row-major. `data` is borrowed and need
 * not be aligned. */
struct alx_tensor_view {
    const void *data;
    enum alx_dtype dtype;
    size_t elems;
};

#endif
