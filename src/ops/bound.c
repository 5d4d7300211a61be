/*
 * How large rounding errors may be: facts and reasons for each kind of layer.
 */
#include <float.h>
#include <math.h>

#include "net/shape.h"
#include "ops/op.h"

/* Unit roundoff of float32. */
#define U 0x1p-24

double alx_reference_bound(const struct alx_algorithm *algorithm, const struct alx_layer_info *info,
                           enum alx_precision precision, double magnitude)
{
    const struct alx_layer *l = &info->layer;
    const struct alx_weight_shape w = alx_layer_weight_shape(info);
    double k = (double)(w.in_channels * w.kernel_h * w.kernel_w);
    double channels = (double)info->out.channels;
    switch (l->kind) {
    case ALX_LAYER_CONV:
    case ALX_LAYER_FC:
        /* 2 more: the scale, and its rounding in the reference; 16: the transforms' roundings */
        k = fmin(4 * sqrt(k), k + 1) + (precision == ALX_PRECISION_INT8 ? 2 : 0) +
            (algorithm->magnify ? 16 : 0);
        return k * U * magnitude;
    case ALX_LAYER_LRN:
        /* A sum of squares (n + 1 roundings, damped by beta), then a power: 16 ulp where pow()
         * makes it. */
        return ((double)l->lrn_size + 40) * U * magnitude + DBL_MIN;
    case ALX_LAYER_AVG_POOL:
        /* a sum of the window, a division of 2.5 ulp */
        return ((double)(l->kernel_h * l->kernel_w) + 5) * U * magnitude;
    case ALX_LAYER_SOFTMAX:
        /* exp() to 3 ulp of a rounded difference of at most 4, a sum, a division of 2.5 ulp */
        return (32 + fmin(4 * sqrt(channels), channels)) * U * magnitude;
    default:
        return 0;
    }
}
