/*
 * What the algorithms that compute convolutions by cl/conv.cl share.
 */
#ifndef ALX_OPS_CONV_H
#define ALX_OPS_CONV_H

#include "ops/op.h"

/* The macros that cl/conv.cl lists at its head; the recipe has its format of weights. */
void alx_conv_macros(struct alx_recipe *recipe, const struct alx_problem *problem);
/* Panels of `panel_rows` output channels, k in the order of an input with this block. */
struct alx_weight_format alx_conv_weights(const struct alx_problem *problem, size_t panel_rows,
                                          size_t k_vector, size_t block);
/* With a halo over the padding, and blocks that do not cross groups: for kernels that go through
 * windows without tests. */
struct alx_layout alx_conv_window_layout(const struct alx_problem *problem,
                                         const struct alx_params *params);
/* The channels of a block that belong to one group. */
size_t alx_conv_group_block(const struct alx_problem *problem);

#endif
