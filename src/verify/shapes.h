/*
 * Shapes on which every algorithm is tried: odd sizes, channels that no block divides, strides
 * beyond the kernel, 1x1, groups of 1, 2, 3 and one channel each, batches of 1 to 5.
 */
#ifndef ALX_VERIFY_SHAPES_H
#define ALX_VERIFY_SHAPES_H

#include <alexnet_cl/net.h>

struct alx_verify_shape {
    struct alx_shape in;
    struct alx_layer layer;
    struct alx_layer pool; /* behind an LRN layer; kernel_h 0: none */
    size_t batch;
};

size_t alx_verify_shape_count(enum alx_layer_kind kind);
struct alx_verify_shape alx_verify_shape(enum alx_layer_kind kind, size_t index);

#endif
