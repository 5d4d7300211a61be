/*
 * Values where they lie.
 */
#ifndef ALEXNET_CL_TENSOR_H
#define ALEXNET_CL_TENSOR_H

#include <stddef.h>

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* I8: whole numbers that a scale for each output channel belongs to, see alx_model_scales(). */
enum alx_dtype {
    ALX_DTYPE_F32,
    ALX_DTYPE_F16,
    ALX_DTYPE_BF16,
    ALX_DTYPE_I8,
    ALX_DTYPE_COUNT,
};

/* "F32", "F16", "BF16", "I8". Never NULL. */
ALX_API const char *alx_dtype_name(enum alx_dtype dtype);
/* Bytes of one value. */
ALX_API size_t alx_dtype_bytes(enum alx_dtype dtype);

/* The values of one tensor where they lie, little-endian, row-major. `data` is borrowed and need
 * not be aligned. */
struct alx_tensor_view {
    const void *data;
    enum alx_dtype dtype;
    size_t elems;
};

/* The smallest and the largest value, NaN left out; both 0 when there is none. */
struct alx_value_range {
    float smallest, largest;
};
ALX_API struct alx_value_range alx_value_range(struct alx_tensor_view view);

#ifdef __cplusplus
}
#endif

#endif
