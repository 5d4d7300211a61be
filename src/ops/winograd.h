/*
 * Winograd's minimal filtering F(m, r): m outputs of a correlation with r taps from m + r - 1
 * multiplications,
 *
 *   y = at [(g w) * (bt d)]    at [m][m + r - 1], g [m + r - 1][r], bt [m + r - 1][m + r - 1]
 *
 * The matrices are exact: integers over one denominator each (cl/cook_toom.py).
 */
#ifndef ALX_OPS_WINOGRAD_H
#define ALX_OPS_WINOGRAD_H

#include "ops/op.h"

enum { ALX_WINOGRAD_MAX_M = 4, ALX_WINOGRAD_MAX_R = 5, ALX_WINOGRAD_MAX_N = 8 };

struct alx_winograd {
    size_t m, r;
    int at[ALX_WINOGRAD_MAX_M][ALX_WINOGRAD_MAX_N], at_denominator;
    int g[ALX_WINOGRAD_MAX_N][ALX_WINOGRAD_MAX_R], g_denominator;
    int bt[ALX_WINOGRAD_MAX_N][ALX_WINOGRAD_MAX_N], bt_denominator;
};

/* All that there are; NULL past the end. */
const struct alx_winograd *alx_winograd_at(size_t index);
/* NULL when there is none. */
const struct alx_winograd *alx_winograd_find(size_t m, size_t r);

/* A layer as a convolution of stride 1 over its input's channels and phases (positions modulo the
 * stride); square kernels and strides only. */
struct alx_winograd_geometry {
    size_t stride;  /* phases along one axis */
    size_t r;       /* taps along one axis */
    size_t group_k; /* channels times phases of a group */
    bool along_x;   /* vectors of the input lie along x, else along channels */
};
struct alx_winograd_geometry alx_winograd_geometry(const struct alx_layer_info *info);
/* Tiles of an image. */
size_t alx_winograd_tiles(const struct alx_layer_info *info, size_t tile);

/* Whether there are matrices for the layer's kernel and stride. */
bool alx_winograd_possible(const struct alx_layer *layer);
/* alx_algorithm.input_layout */
struct alx_layout alx_winograd_layout(const struct alx_problem *problem,
                                      const struct alx_params *params);
/* Values of transformed input from one point to the next, for `tiles` tiles. */
size_t alx_winograd_step(size_t tiles, const struct alx_winograd_geometry *geometry);
/* The macros of winograd_input, for passes of `images` images; `step` as above. */
void alx_winograd_macros(struct alx_text *options, const struct alx_problem *problem,
                         const struct alx_params *params, size_t images, size_t step);

/* Transforms a row of weights [IN / groups, KH, KW], in double, into [n * n][group_k], n = tile +
 * r - 1, with k counted as in cl/winograd.cl. */
void alx_winograd_transform(const struct alx_layer_info *info, size_t tile, const float *row,
                            float *out);
/* alx_algorithm.magnify for outputs computed with F(tile, r): the sums of absolute values that go
 * through the transforms. */
enum alx_status alx_winograd_magnify(const struct alx_problem *problem,
                                     const struct alx_params *params,
                                     const struct alx_reference *reference);

#endif
