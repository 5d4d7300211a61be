/*
 * What a layer makes of its input: shape rules and costs, for one image.
 */
#ifndef ALX_NET_SHAPE_H
#define ALX_NET_SHAPE_H

#include <alexnet_cl/net.h>

/* The largest tensor and weight count that a network may have: far below what size_t arithmetic on
 * bytes overflows. */
enum { ALX_MAX_DIM = 1 << 20 };
#define ALX_MAX_ELEMS ((uint64_t)1 << 40)

/* Replaces zeros by their meaning (stride 1, groups 1, ...), then fills shapes and costs of `layer`
 * reading `in`. MODEL with a message that names network and layer when there is no such layer. */
enum alx_status alx_layer_infer(const char *net_name, const struct alx_layer *layer,
                                struct alx_shape in, struct alx_layer_info *out);

/* C * H * W. */
size_t alx_shape_elems(struct alx_shape shape);

/* Shape [OUT, IN / groups, KH, KW] of conv's weights and fc's, which is a convolution over its
 * whole input. */
struct alx_weight_shape {
    size_t out_channels, in_channels, kernel_h, kernel_w;
};
/* All zero for layers without weights. */
struct alx_weight_shape alx_layer_weight_shape(const struct alx_layer_info *info);

#endif
