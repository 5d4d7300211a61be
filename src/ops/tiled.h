/*
 * Products of matrices in tiles that a work-group shares (conv_tiled in cl/conv.cl): what the
 * algorithms that use it have in common. For devices whose work-items run in step.
 */
#ifndef ALX_OPS_TILED_H
#define ALX_OPS_TILED_H

#include "ops/op.h"

/* A product of `rows` by `columns` sums over `k`, `parallel` times. */
struct alx_tiled_shape {
    size_t rows, columns, k, parallel;
    bool may_split; /* k, over several work-groups */
};

/* Lanes, the tile of a lane, how lanes share and over how many groups k is split: those that cost
 * least on a device with these traits. */
void alx_choose_tiled(const struct alx_tiled_shape *shape, const struct alx_traits *traits,
                      struct alx_params *params);
/* Adds the other tiles of which nothing spills; the rest of their values is that of `base`. */
void alx_tiled_candidates(const struct alx_tiled_shape *shape, const struct alx_traits *traits,
                          const struct alx_params *base, struct alx_candidates *out);
/* Whether lanes have a way to share tiles: sub-groups, or enough local memory for every tile. */
bool alx_tiled_possible(const struct alx_traits *traits);
/* Output channels of a panel, and rows of a work-group. */
size_t alx_tiled_panel(const struct alx_params *params);
size_t alx_tiled_rows(const struct alx_params *params);
/* The macros of conv_tiled; sums that others finish lie `product_offset` into the workspace. */
void alx_tiled_macros(struct alx_text *options, const struct alx_params *params, size_t rows,
                      size_t points, size_t product_offset);

#endif
