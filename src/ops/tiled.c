/*
 * Convolutions and fully connected layers as products of matrices in shared tiles; what the kernel
 * computes is said in cl/conv.cl.
 */
#include "ops/tiled.h"

#include <math.h>

#include "net/shape.h"
#include "ops/conv.h"
#include "ops/window.h"
#include "util/error.h"
#include "util/memory.h"

/* --- the tile --- */

size_t alx_tiled_panel(const struct alx_params *params)
{
    return params->columns * params->vectors * params->vector;
}

size_t alx_tiled_rows(const struct alx_params *params)
{
    return params->lanes / params->columns * params->rows;
}

bool alx_tiled_possible(const struct alx_traits *t)
{
    enum { LARGEST_TILE_BYTES = 8 << 10 };
    return t->simt && (t->block_read_lanes || t->local_bytes >= LARGEST_TILE_BYTES);
}

/* Sums that a lane may hold. Of the 64 floats that 16 lanes have each on Intel's GPUs, or the 128
 * of 8 lanes, a quarter: compilers read the weights of many steps ahead. Through local memory as
 * many as leave several groups' registers on a unit. docs/registers.md shows that nothing spills.
 */
static size_t most_sums(const struct alx_params *params)
{
    enum { LOCAL_SUMS = 32, SUB_GROUP_SUMS = 256 };
    return params->sub_group ? SUB_GROUP_SUMS / params->lanes : LOCAL_SUMS;
}

/* Work-groups that one unit needs at the same time to hide what it waits for. */
enum { GROUPS_A_UNIT = 4 };

/* The time of a product, in multiply-adds of a lane: as many rounds as work-groups need units. */
static double cost_of(const struct alx_tiled_shape *s, const struct alx_traits *t,
                      const struct alx_params *params)
{
    enum { LAUNCH = 4000 }; /* a kernel more, which adds the parts */
    double tile = (double)(params->rows * params->vectors * params->vector);
    double loads = (double)(params->rows + params->vectors * params->vector);
    double part = (double)(alx_ceil_div(s->k, params->split));
    size_t groups = alx_ceil_div(s->rows, alx_tiled_rows(params)) *
                    alx_ceil_div(s->columns, alx_tiled_panel(params)) * s->parallel * params->split;
    double at_once = (double)(GROUPS_A_UNIT * t->units);
    /* Beyond a few rounds, groups fill in for one another. */
    double rounds = (double)groups / at_once;
    rounds = rounds < 4 ? ceil(rounds) : rounds;
    /* Every part is written, and read again. */
    double parts = params->split > 1
                       ? LAUNCH + 8 * (double)(s->rows * s->columns * s->parallel * params->split) /
                                      (at_once * (double)params->lanes)
                       : 0;
    return rounds * part * (tile + 0.5 * loads + 2) + parts;
}

/* Along channels, so that a group's tile is as square as its lanes allow. */
static size_t columns_of(size_t lanes)
{
    size_t columns = 1;
    while (columns * columns < lanes)
        columns *= 2;
    return columns;
}

enum { MOST_PARTS = 16, MOST_VECTORS = 2 };

/* How lanes share: through local memory, or by a sub-group's reads of blocks. Returns the most rows
 * of a lane: through local memory, each row more needs registers for where lanes fetch it. */
static size_t set_sharing(const struct alx_traits *t, bool blocks, struct alx_params *params)
{
    enum { SUB_GROUP_ROWS = 16, LOCAL_ROWS = 4 };
    params->sub_group = blocks;
    params->lanes = blocks ? t->block_read_lanes : t->lanes;
    params->columns = blocks ? params->lanes : columns_of(params->lanes);
    params->vector = blocks ? 1 : 4;
    return blocks ? SUB_GROUP_ROWS : LOCAL_ROWS;
}

static bool is_possible(const struct alx_tiled_shape *shape, const struct alx_traits *t,
                        const struct alx_params *params)
{
    enum { LEAST_K = 64 }; /* of a part */
    size_t parts = params->split * shape->rows * shape->columns * shape->parallel;
    bool divides = shape->may_split && shape->k / params->split >= LEAST_K &&
                   parts <= t->max_alloc_bytes / 4 / sizeof(float);
    return params->rows * params->vectors * params->vector <= most_sums(params) &&
           (params->split == 1 || divides);
}

void alx_choose_tiled(const struct alx_tiled_shape *shape, const struct alx_traits *t,
                      struct alx_params *params)
{
    struct alx_params tried = *params;
    double least = INFINITY;
    const size_t most_rows = set_sharing(t, t->block_read_lanes > 0, &tried);
    for (tried.vectors = 1; tried.vectors <= MOST_VECTORS; tried.vectors *= 2)
        for (tried.rows = most_rows; tried.rows >= 2; tried.rows /= 2)
            for (tried.split = 1; tried.split <= MOST_PARTS; tried.split++) {
                double cost = cost_of(shape, t, &tried);
                if (is_possible(shape, t, &tried) && cost < least) {
                    least = cost;
                    *params = tried;
                }
            }
}

void alx_tiled_candidates(const struct alx_tiled_shape *shape, const struct alx_traits *t,
                          const struct alx_params *base, struct alx_candidates *out)
{
    static const size_t splits[] = {1, 2, 3, 4, 6, 8, 12, MOST_PARTS};
    struct alx_params params = *base;
    for (int blocks = t->block_read_lanes > 0; blocks >= 0; blocks--) {
        const size_t most_rows = set_sharing(t, blocks, &params);
        for (params.vectors = 1; params.vectors <= MOST_VECTORS; params.vectors *= 2)
            for (params.rows = most_rows; params.rows >= 2; params.rows /= 2)
                for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
                    params.split = splits[i];
                    if (is_possible(shape, t, &params))
                        alx_candidates_add(out, &params);
                }
    }
}

void alx_tiled_macros(struct alx_text *options, const struct alx_params *params, size_t rows,
                      size_t points, size_t product_offset)
{
    alx_text_add(
        options,
        " -DCONV_TILED -DROW_COUNT=%zu -DROWS=%zu -DVECTORS=%zu -DCOLUMNS=%zu -DSUB_GROUP=%zu"
        " -DSPLIT=%zu -DPRODUCTS=%zu -DPRODUCT_OFFSET=%zu",
        rows, params->rows, params->vectors, params->columns, params->sub_group, params->split,
        points, product_offset);
}

/* --- the algorithms --- */

static bool supports(const struct alx_problem *p, const struct alx_traits *t)
{
    (void)p;
    return alx_tiled_possible(t);
}

static size_t row_count(const struct alx_problem *p)
{
    return p->batch * p->info->out.height * p->info->out.width;
}

static struct alx_tiled_shape shape_of(const struct alx_problem *p)
{
    struct alx_weight_shape w = alx_layer_weight_shape(p->info);
    size_t groups = p->info->layer.groups;
    return (struct alx_tiled_shape){.rows = row_count(p),
                                    .columns = w.out_channels / groups,
                                    .k = w.in_channels * w.kernel_h * w.kernel_w,
                                    .parallel = groups,
                                    .may_split = true};
}

static struct alx_params choose(const struct alx_problem *p, const struct alx_traits *t)
{
    const struct alx_tiled_shape shape = shape_of(p);
    struct alx_params params = {0};
    alx_choose_tiled(&shape, t, &params);
    return params;
}

static void candidates(const struct alx_problem *p, const struct alx_traits *t,
                       struct alx_candidates *out)
{
    const struct alx_tiled_shape shape = shape_of(p);
    alx_tiled_candidates(&shape, t, &out->list[0], out);
}

static enum alx_status describe(const struct alx_problem *p, const struct alx_params *params,
                                struct alx_recipe *recipe)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t rows = row_count(p), channels = p->info->out.channels;
    bool split = params->split > 1;
    recipe->weights = alx_conv_weights(p, alx_tiled_panel(params), 1, alx_conv_group_block(p));
    recipe->work_elems = split ? params->split * rows * channels : 0;
    alx_recipe_begin(recipe, p, params);
    alx_conv_macros(recipe, p);
    alx_tiled_macros(&recipe->options, params, rows, 1, 0);
    ALX_TRY(alx_recipe_add_panels(
        recipe, "conv.cl", "conv_tiled",
        (const size_t[]){params->lanes, alx_ceil_div(rows, alx_tiled_rows(params)), params->split},
        params->lanes, 0));
    if (split) {
        recipe->launches[0].args[3].role = ALX_ROLE_WORK; /* instead of the output */
        ALX_TRY(alx_recipe_add(
            recipe, &(struct alx_launch){
                        .file = "conv.cl",
                        .kernel = "conv_tiled_sum",
                        .args = {{ALX_ROLE_WORK, 0}, {ALX_ROLE_BIAS, 0}, {ALX_ROLE_OUT, 0}},
                        .arg_count = 3,
                        .global = {alx_round_up(channels, params->lanes), rows, 1},
                        .local = {params->lanes, 1, 1},
                    }));
    }
error:
    return status;
}

const struct alx_algorithm alx_conv_tiled = {
    .kind = ALX_LAYER_CONV,
    .name = "tiled",
    .file = "conv.cl",
    .summary = "a product of matrices, tiles shared by a work-group",
    .supports = supports,
    .choose = choose,
    .candidates = candidates,
    .input_layout = alx_conv_window_layout,
    .describe = describe,
};

const struct alx_algorithm alx_fc_tiled = {
    .kind = ALX_LAYER_FC,
    .name = "tiled",
    .file = "conv.cl",
    .summary = "a product of matrices, tiles shared by a work-group",
    .supports = supports,
    .choose = choose,
    .candidates = candidates,
    .input_layout = alx_conv_window_layout,
    .describe = describe,
};
