/*
 * Weights from a model's order into a device's.
 */
#ifndef ALX_OPS_PACK_H
#define ALX_OPS_PACK_H

#include "ops/op.h"
#include "tensor/view.h"

/* Bytes of one weight. */
size_t alx_pack_value_bytes(enum alx_precision precision);
/* Bytes of one panel. */
size_t alx_pack_panel_bytes(const struct alx_weight_format *format);
/* Panels of the layer. */
size_t alx_pack_panel_count(const struct alx_weight_format *format);
/* Rows of biases and scales: whole panels. */
size_t alx_pack_padded_rows(const struct alx_weight_format *format);

/* What packing needs to know of a layer. */
struct alx_pack {
    const struct alx_layer_info *info;
    struct alx_weight_format format;
    struct alx_tensor_view weights, biases; /* biases.elems 0: none */
    struct alx_tensor_view scales;          /* of the rows, when weights are I8 */
};

/* Writes panels first .. first + count - 1 to `out`, each value read once. */
enum alx_status alx_pack_weights(const struct alx_pack *pack, size_t first, size_t count,
                                 void *out);
/* Writes biases and scales: 2 * padded rows. Scales are 1 unless the precision is int8: then those
 * of the weights, or what alx_quantise_scale() says. */
enum alx_status alx_pack_biases(const struct alx_pack *pack, float *out);

/* Replaces a row of weights by what the device computes with at this precision. */
void alx_pack_round_row(float *values, size_t count, enum alx_precision precision);

#endif
