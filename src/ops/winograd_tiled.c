/*
 * Convolutions by Winograd's minimal filtering where work-items run in step: the transforms are
 * kernels of their own, and the points are multiplied in tiles that a work-group shares.
 */
#include <math.h>

#include "net/shape.h"
#include "ops/pack.h"
#include "ops/tiled.h"
#include "ops/winograd.h"
#include "util/error.h"
#include "util/memory.h"

/* Points along one axis beyond which a work-item's tile does not fit into its registers. */
enum { MOST_SIDE = 6 };

static bool supports(const struct alx_problem *p, const struct alx_traits *t)
{
    return alx_tiled_possible(t) && alx_winograd_possible(&p->info->layer);
}

/* Values in the workspace: transformed input and products. */
static size_t work_elems(const struct alx_problem *p, size_t tile, size_t images)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    size_t n = tile + g.r - 1, tiles = images * alx_winograd_tiles(p->info, tile);
    return n * n *
           (p->info->layer.groups * alx_winograd_step(tiles, &g) + tiles * p->info->out.channels);
}

/* Images of a pass: weights are read again by every pass, but the workspace is part of a buffer,
 * and memory is not only for it. */
static size_t images_of(const struct alx_problem *p, const struct alx_traits *t, size_t tile)
{
    enum { MOST_BYTES = 128 << 20 };
    size_t bytes = alx_min(MOST_BYTES, t->max_alloc_bytes / 4);
    size_t most = alx_max(1, bytes / sizeof(float) / work_elems(p, tile, 1));
    return alx_ceil_div(p->batch, alx_ceil_div(p->batch, alx_min(most, p->batch)));
}

/* A value that is moved takes the time of so many multiply-adds. */
static double move_cost(const struct alx_traits *t)
{
    return t->unified ? 24 : 48;
}

/* What the batch costs: products, and values that are written and read. */
static double cost_of(const struct alx_problem *p, const struct alx_traits *t, size_t tile)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    double n = (double)(tile + g.r - 1), group_k = (double)g.group_k;
    double passes = (double)alx_ceil_div(p->batch, images_of(p, t, tile));
    double tiles = (double)(p->batch * alx_winograd_tiles(p->info, tile));
    double channels = (double)p->info->out.channels;
    return n * n * (tiles * channels * group_k + move_cost(t) * passes * group_k * channels) +
           2 * move_cost(t) * (double)(p->batch * work_elems(p, tile, 1));
}

/* What a device could compute while it starts one more kernel: units have 8 lanes on Intel's GPUs,
 * about 64 on others. */
static double launch_cost(const struct alx_traits *t)
{
    enum { LAUNCH_CYCLES = 5000 };
    return LAUNCH_CYCLES * (double)t->units * (t->block_read_lanes ? 8 : 64);
}

static double tiled_cost(const struct alx_problem *p, const struct alx_traits *t)
{
    struct alx_weight_shape w = alx_layer_weight_shape(p->info);
    return (double)(p->batch * p->info->macs) +
           move_cost(t) * (double)alx_pack_value_bytes(p->precision) / sizeof(float) *
               (double)(w.out_channels * w.in_channels * w.kernel_h * w.kernel_w);
}

/* The smallest tile, which is the most accurate, of those that cost nearly the least. */
static size_t tile_of(const struct alx_problem *p, const struct alx_traits *t)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    size_t best = 2;
    for (size_t tile = 3; tile <= ALX_WINOGRAD_MAX_M && tile + g.r - 1 <= MOST_SIDE; tile++)
        if (cost_of(p, t, tile) < 0.95 * cost_of(p, t, best))
            best = tile;
    return best;
}

static bool suits(const struct alx_problem *p, const struct alx_traits *t)
{
    size_t tile = tile_of(p, t), passes = alx_ceil_div(p->batch, images_of(p, t, tile));
    /* Three launches a pass; without, most often two. */
    double launches = (double)(3 * passes) - 2;
    return cost_of(p, t, tile) + launches * launch_cost(t) < tiled_cost(p, t);
}

static struct alx_tiled_shape product_shape(const struct alx_problem *p, size_t tile, size_t images)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    size_t n = tile + g.r - 1, groups = p->info->layer.groups;
    return (struct alx_tiled_shape){.rows = images * alx_winograd_tiles(p->info, tile),
                                    .columns = p->info->out.channels / groups,
                                    .k = g.group_k,
                                    .parallel = groups * n * n};
}

static struct alx_params choose(const struct alx_problem *p, const struct alx_traits *t)
{
    size_t tile = tile_of(p, t), images = images_of(p, t, tile);
    struct alx_params params = {.tile = tile, .images = images};
    const struct alx_tiled_shape shape = product_shape(p, tile, images);
    alx_choose_tiled(&shape, t, &params);
    return params;
}

static void candidates(const struct alx_problem *p, const struct alx_traits *t,
                       struct alx_candidates *out)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    struct alx_params params = out->list[0];
    for (params.tile = 2; params.tile <= ALX_WINOGRAD_MAX_M && params.tile + g.r - 1 <= MOST_SIDE;
         params.tile++) {
        params.images = images_of(p, t, params.tile);
        const struct alx_tiled_shape shape = product_shape(p, params.tile, params.images);
        alx_tiled_candidates(&shape, t, &params, out);
    }
}

static enum alx_status add_launches(const struct alx_problem *p, const struct alx_params *params,
                                    const struct alx_tiled_shape *shape, cl_int first,
                                    struct alx_recipe *recipe)
{
    enum alx_status status = ALX_STATUS_OK;
    const size_t lanes = params->lanes, groups = p->info->layer.groups;
    const struct alx_launch input = {
        .file = "winograd.cl",
        .kernel = "winograd_input",
        .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_WORK, 0}, {ALX_ROLE_INT, first}},
        .arg_count = 3,
        .global = {alx_round_up(groups * shape->k, lanes), shape->rows, 1},
        .local = {lanes, 1, 1},
    };
    const struct alx_launch multiply = {
        .file = "conv.cl",
        .kernel = "conv_tiled",
        .args = {{ALX_ROLE_WORK, 0},
                 {ALX_ROLE_WEIGHTS, 0},
                 {ALX_ROLE_BIAS, 0},
                 {ALX_ROLE_WORK, 0},
                 {ALX_ROLE_FIRST_PANEL, 0}},
        .arg_count = 5,
        .global = {lanes, alx_ceil_div(shape->rows, alx_tiled_rows(params)),
                   shape->parallel / groups},
        .local = {lanes, 1, 1},
        .per_panel = true,
    };
    const struct alx_launch output = {
        .file = "winograd.cl",
        .kernel = "winograd_output",
        .args = {{ALX_ROLE_WORK, 0}, {ALX_ROLE_BIAS, 0}, {ALX_ROLE_OUT, 0}, {ALX_ROLE_INT, first}},
        .arg_count = 4,
        .global = {alx_round_up(p->info->out.channels, lanes), shape->rows, 1},
        .local = {lanes, 1, 1},
    };
    ALX_TRY(alx_recipe_add(recipe, &input));
    ALX_TRY(alx_recipe_add(recipe, &multiply));
    ALX_TRY(alx_recipe_add(recipe, &output));
error:
    return status;
}

static enum alx_status describe(const struct alx_problem *p, const struct alx_params *params,
                                struct alx_recipe *recipe)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    size_t images = alx_min(params->images, p->batch), panel = alx_tiled_panel(params);
    size_t groups = p->info->layer.groups;
    const struct alx_tiled_shape shape = product_shape(p, params->tile, images);
    struct alx_params whole = *params; /* nobody would add up parts of k */
    whole.split = 1;
    size_t points = shape.parallel / groups;
    /* products are stored in aligned vectors */
    size_t step = alx_winograd_step(shape.rows, &g);
    size_t transformed = alx_round_up(groups * points * step, 16);
    recipe->weights = (struct alx_weight_format){
        .panel_rows = panel,
        .k_vector = 1,
        .k_elems = points * g.group_k,
        .groups = groups,
        .group_panels = alx_ceil_div(shape.columns, panel),
        .precision = ALX_PRECISION_FP32, /* halves would be less accurate */
        .transform = alx_winograd_transform,
        .tile = params->tile,
    };
    recipe->work_elems = transformed + points * shape.rows * p->info->out.channels;
    alx_recipe_begin(recipe, p, params);
    alx_winograd_macros(&recipe->options, p, params, images, step);
    alx_tiled_macros(&recipe->options, &whole, shape.rows, points, transformed);
    alx_text_add(&recipe->options, " -DIN_VECTOR=1 -DITEM_K=1 -DPANEL_ROWS=%zu -DK_ELEMS=%zu",
                 panel, g.group_k);
    /* The last pass begins earlier, so that it is whole. */
    for (size_t done = 0; done < p->batch; done += images)
        ALX_TRY(add_launches(p, params, &shape, (cl_int)alx_min(done, p->batch - images), recipe));
error:
    return status;
}

const struct alx_algorithm alx_conv_winograd_tiled = {
    .kind = ALX_LAYER_CONV,
    .name = "winograd-tiled",
    .file = "winograd.cl",
    .summary = "minimal filtering, points multiplied in shared tiles",
    .supports = supports,
    .suits = suits,
    .choose = choose,
    .candidates = candidates,
    .input_layout = alx_winograd_layout,
    .describe = describe,
    .magnify = alx_winograd_magnify,
};
