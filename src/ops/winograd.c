/*
 * Convolutions by Winograd's minimal filtering; what it computes is said in cl/winograd.cl.
 */
#include "ops/winograd.h"

#include <math.h>

#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"

/* Points along one axis of a tile. */
static size_t side_of(size_t tile, const struct alx_winograd_geometry *g)
{
    return tile + g->r - 1;
}

/* --- choosing --- */

bool alx_winograd_possible(const struct alx_layer *l)
{
    return l->kernel_h == l->kernel_w && l->stride_h == l->stride_w && l->dilation_h == 1 &&
           l->dilation_w == 1 && alx_winograd_find(2, alx_ceil_div(l->kernel_h, l->stride_h));
}

static bool supports(const struct alx_problem *p, const struct alx_traits *t)
{
    return !t->simt && alx_winograd_possible(&p->info->layer);
}

enum { MOST_IMAGES = 4 };

/* Images of a pass: weights are read again by every pass, but its transformed input should not be
 * the larger of the two. */
static size_t images_of(const struct alx_problem *p, size_t tile)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    size_t in = alx_winograd_tiles(p->info, tile) * g.group_k * p->info->layer.groups;
    size_t weights = g.group_k * p->info->out.channels;
    size_t images = alx_max(1, alx_min(MOST_IMAGES, weights / (2 * in)));
    return alx_ceil_div(p->batch, alx_ceil_div(p->batch, images));
}

/* What an image costs, in operations for each input channel of a group and output channel: the
 * products, reading the weights (a byte takes the time of 8 operations, of which prefetching hides
 * half), and the transforms, which handle each point of a tile once. */
static double cost_of(const struct alx_problem *p, size_t tile)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    double points = (double)(side_of(tile, &g) * side_of(tile, &g));
    double tiles = (double)alx_winograd_tiles(p->info, tile), images = (double)images_of(p, tile);
    double group_out = (double)(p->info->out.channels / p->info->layer.groups);
    return points * (tiles * (2 + 32 / (double)g.group_k + 32 / group_out) + 16 / images);
}

static double direct_cost(const struct alx_problem *p)
{
    const struct alx_layer *l = &p->info->layer;
    double taps = (double)(l->kernel_h * l->kernel_w);
    double phases = (double)(l->stride_h * l->stride_w);
    double pixels = (double)(p->info->out.height * p->info->out.width);
    return taps / phases * (2 * pixels + 16 / (double)p->batch);
}

/* The smallest tile, which is the most accurate, of those that cost nearly the least. */
static size_t tile_of(const struct alx_problem *p)
{
    double least = INFINITY;
    for (size_t tile = 2; tile <= ALX_WINOGRAD_MAX_M; tile++)
        least = fmin(least, cost_of(p, tile));
    size_t tile = 2;
    while (cost_of(p, tile) > 1.05 * least)
        tile++;
    return tile;
}

static size_t input_vector(const struct alx_winograd_geometry *g, size_t vector)
{
    enum { MOST_ROWS = 4 };
    size_t divisor = alx_power_of_two_divisor(
        g->along_x ? g->stride : g->group_k / (g->stride * g->stride), vector);
    /* Whole rows of phases lie one after the other in k. */
    return g->along_x && divisor == g->stride
               ? alx_min(vector, divisor * alx_min(divisor, MOST_ROWS))
               : divisor;
}

static bool suits(const struct alx_problem *p, const struct alx_traits *t)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    return input_vector(&g, t->vector) >= 4 && p->info->out.channels / p->info->layer.groups >= 8 &&
           cost_of(p, tile_of(p)) < direct_cost(p);
}

enum { SCRATCH_BYTES = 512 << 10 }; /* a core's second cache or near it */

/* Tiles of a work-item: as many as fit into `scratch_bytes`, but enough work-items to keep every
 * unit busy; and rows that divide them evenly. */
static void cut_tiles(const struct alx_problem *p, const struct alx_traits *t, size_t scratch_bytes,
                      struct alx_params *params)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    size_t tiles = params->images * alx_winograd_tiles(p->info, params->tile);
    size_t n = side_of(params->tile, &g), panel = params->vectors * params->vector;
    size_t groups = p->info->layer.groups, group_out = p->info->out.channels / groups;
    size_t panels = groups * alx_ceil_div(group_out, panel);
    size_t blocks = alx_max(alx_ceil_div(tiles * n * n * panel * sizeof(float), scratch_bytes),
                            alx_ceil_div(4 * t->units, panels));
    params->tiles = alx_max(alx_min(tiles, params->rows), alx_ceil_div(tiles, blocks));
    params->rows = alx_ceil_div(params->tiles, alx_ceil_div(params->tiles, params->rows));
}

/* Whether the next layer would not find the output in caches anyway. Lines must be written at once:
 * halves of them would be read first after all. */
static bool is_streamed(const struct alx_problem *p, const struct alx_traits *t)
{
    enum { LINE_BYTES = 64, CACHED_BYTES = 4 << 20 };
    return t->vector * sizeof(float) >= LINE_BYTES &&
           p->batch * alx_shape_elems(p->info->out) * sizeof(float) >= CACHED_BYTES;
}

/* The same for a launch that does all of it: a work-item keeps what it transformed, too, and reads
 * the weights of a whole group, which pays for enough tiles only. */
static bool cut_whole(const struct alx_problem *p, const struct alx_traits *t,
                      struct alx_params *params)
{
    enum { FEWEST_TILES = 24 }; /* for the weights that are read */
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    size_t tiles = p->batch * alx_winograd_tiles(p->info, params->tile);
    size_t n = side_of(params->tile, &g), panel = params->vectors * params->vector;
    size_t tile_bytes = n * n * (g.group_k + panel) * sizeof(float);
    size_t blocks = alx_max(alx_ceil_div(tiles * tile_bytes, SCRATCH_BYTES),
                            alx_ceil_div(2 * t->units, p->info->layer.groups));
    size_t most = params->rows;
    params->whole = 1;
    params->images = p->batch;
    params->tiles = alx_ceil_div(tiles, blocks);
    for (size_t rows = most; 2 * rows >= most; rows--) /* fewest that are computed in vain */
        if (alx_round_up(params->tiles, rows) < alx_round_up(params->tiles, params->rows))
            params->rows = rows;
    return params->tiles >= FEWEST_TILES;
}

static struct alx_params choose(const struct alx_problem *p, const struct alx_traits *t)
{
    size_t groups = p->info->layer.groups, group_out = p->info->out.channels / groups;
    struct alx_params params = {
        .lanes = 1, .vector = t->vector, .tile = tile_of(p), .prefetch = t->prefetch};
    params.stream = is_streamed(p, t);
    params.images = images_of(p, params.tile);
    size_t tiles = params.images * alx_winograd_tiles(p->info, params.tile);
    alx_choose_register_tile(tiles, group_out, groups, t, &params);
    struct alx_params whole = params;
    if (cut_whole(p, t, &whole))
        return whole;
    cut_tiles(p, t, SCRATCH_BYTES, &params);
    return params;
}

static void whole_candidates(const struct alx_problem *p, const struct alx_traits *t,
                             struct alx_candidates *out)
{
    struct alx_params params = out->list[0];
    for (params.tile = 2; params.tile <= ALX_WINOGRAD_MAX_M; params.tile++)
        for (params.vectors = 1; params.vectors <= 3; params.vectors++) {
            params.rows = alx_min(p->batch * alx_winograd_tiles(p->info, params.tile),
                                  alx_most_rows(params.vectors, t));
            if (cut_whole(p, t, &params)) {
                alx_candidates_add(out, &params);
                params.stream = !params.stream;
                alx_candidates_add(out, &params);
            }
        }
}

/* Each tile by images of a pass, vectors, and the scratch of a work-item. */
static void candidates(const struct alx_problem *p, const struct alx_traits *t,
                       struct alx_candidates *out)
{
    static const size_t scratch_bytes[] = {128 << 10, 512 << 10, 2 << 20};
    struct alx_params params = out->list[0];
    params.whole = 0;
    for (params.tile = 2; params.tile <= ALX_WINOGRAD_MAX_M; params.tile++)
        for (size_t images = 1; images < 2 * alx_min(MOST_IMAGES, p->batch); images *= 2)
            for (params.vectors = 1; params.vectors <= 3; params.vectors++)
                for (size_t i = 0; i < sizeof scratch_bytes / sizeof *scratch_bytes; i++) {
                    params.images = alx_ceil_div(p->batch, alx_ceil_div(p->batch, images));
                    params.rows = alx_min(params.images * alx_winograd_tiles(p->info, params.tile),
                                          alx_most_rows(params.vectors, t));
                    cut_tiles(p, t, scratch_bytes[i], &params);
                    alx_candidates_add(out, &params);
                }
    params = out->list[0];
    params.stream = !params.stream;
    alx_candidates_add(out, &params);
    whole_candidates(p, t, out);
}

struct alx_layout alx_winograd_layout(const struct alx_problem *p, const struct alx_params *params)
{
    (void)params;
    return (struct alx_layout){alx_winograd_geometry(p->info).along_x ? 1 : p->info->in.channels,
                               0};
}

/* --- describing --- */

size_t alx_winograd_step(size_t tiles, const struct alx_winograd_geometry *g)
{
    return tiles * g->group_k + 16;
}

void alx_winograd_macros(struct alx_text *options, const struct alx_problem *p,
                         const struct alx_params *params, size_t images, size_t step)
{
    const struct alx_layer *l = &p->info->layer;
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    alx_text_add(options,
                 " -DGROUPS=%zu -DPAD_TOP=%zu -DPAD_LEFT=%zu -DACTIVATION=%d -DTILE=%zu"
                 " -DKERNEL=%zu -DSTRIDE=%zu -DIMAGES=%zu -DALONG_X=%d -DIN_STEP=%zu",
                 l->groups, l->pad_top, l->pad_left, l->activation == ALX_ACTIVATION_RELU,
                 params->tile, g.r, g.stride, images, g.along_x, step);
}

/* Values that follow from the parameters. */
struct shape {
    size_t n, images, tiles, block, rows, panel, unroll, lines, item_k, in_k, step;
};

static struct shape shape_of(const struct alx_problem *p, const struct alx_params *params)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    struct shape s = {.n = side_of(params->tile, &g), .images = alx_min(params->images, p->batch)};
    s.tiles = s.images * alx_winograd_tiles(p->info, params->tile);
    s.block = alx_min(params->tiles, s.tiles);
    s.rows = alx_min(params->rows, s.block);
    s.panel = params->vectors * params->vector;
    s.unroll = alx_divisor(g.group_k, 8);
    /* While one point's weights are used, the next point's are asked for. */
    s.lines = params->prefetch ? alx_ceil_div(alx_ceil_div(s.unroll * s.panel, 16),
                                              alx_ceil_div(s.block, s.rows))
                               : 0;
    s.step = alx_winograd_step(params->whole ? s.block : s.tiles, &g);
    s.in_k = p->info->layer.groups * g.group_k;
    s.item_k = alx_round_up(alx_min(s.in_k, 64), input_vector(&g, params->vector));
    return s;
}

/* One launch for all. */
static enum alx_status add_whole(const struct alx_problem *p, const struct shape *s,
                                 struct alx_recipe *recipe)
{
    alx_text_add(&recipe->options, " -DWHOLE=1 -DX_SPACE=__private");
    return alx_recipe_add(
        recipe, &(struct alx_launch){
                    .file = "winograd.cl",
                    .kernel = "winograd_whole",
                    .args = {{ALX_ROLE_IN, 0},
                             {ALX_ROLE_WEIGHTS, 0},
                             {ALX_ROLE_BIAS, 0},
                             {ALX_ROLE_OUT, 0},
                             {ALX_ROLE_FIRST_PANEL, 0},
                             {ALX_ROLE_PANELS, 0}},
                    .arg_count = 6,
                    .global = {p->info->layer.groups, alx_ceil_div(s->tiles, s->block), 1},
                    .local = {1, 1, 1},
                    .per_panel = true,
                    .panel_axis = 3,
                });
}

/* Two launches for every few images: the weights are read for all of their tiles. */
static enum alx_status add_passes(const struct alx_problem *p, const struct shape *s,
                                  struct alx_recipe *recipe)
{
    enum alx_status status = ALX_STATUS_OK;
    recipe->work_elems = p->info->layer.groups * s->n * s->n * s->step;
    for (size_t done = 0; done < p->batch; done += s->images) {
        /* The last pass begins earlier, so that it is whole. */
        cl_int first = (cl_int)alx_min(done, p->batch - s->images);
        ALX_TRY(alx_recipe_add(
            recipe, &(struct alx_launch){
                        .file = "winograd.cl",
                        .kernel = "winograd_input",
                        .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_WORK, 0}, {ALX_ROLE_INT, first}},
                        .arg_count = 3,
                        .global = {alx_ceil_div(s->in_k, s->item_k), s->tiles, 1},
                        .local = {1, 1, 1},
                    }));
        ALX_TRY(alx_recipe_add(recipe, &(struct alx_launch){
                                           .file = "winograd.cl",
                                           .kernel = "winograd_multiply",
                                           .args = {{ALX_ROLE_WORK, 0},
                                                    {ALX_ROLE_WEIGHTS, 0},
                                                    {ALX_ROLE_BIAS, 0},
                                                    {ALX_ROLE_OUT, 0},
                                                    {ALX_ROLE_FIRST_PANEL, 0},
                                                    {ALX_ROLE_INT, first}},
                                           .arg_count = 6,
                                           .global = {1, alx_ceil_div(s->tiles, s->block), 1},
                                           .local = {1, 1, 1},
                                           .per_panel = true,
                                           .panel_axis = 0,
                                       }));
    }
error:
    return status;
}

static enum alx_status describe(const struct alx_problem *p, const struct alx_params *params,
                                struct alx_recipe *recipe)
{
    const struct alx_layer *l = &p->info->layer;
    const struct alx_winograd_geometry g = alx_winograd_geometry(p->info);
    const struct shape s = shape_of(p, params);
    recipe->weights = (struct alx_weight_format){
        .panel_rows = s.panel,
        .k_vector = 1,
        .k_elems = s.n * s.n * g.group_k,
        .groups = l->groups,
        .group_panels = alx_ceil_div(p->info->out.channels / l->groups, s.panel),
        .precision = ALX_PRECISION_FP32, /* halves are no faster, and less accurate */
        .transform = alx_winograd_transform,
        .tile = params->tile,
    };
    alx_recipe_begin(recipe, p, params);
    alx_winograd_macros(&recipe->options, p, params, s.images, s.step);
    alx_text_add(&recipe->options,
                 " -DIN_VECTOR=%zu -DITEM_K=%zu -DBLOCK=%zu -DROWS=%zu -DVECTORS=%zu -DUNROLL=%zu"
                 " -DPREFETCH=%zu -DSTREAM=%zu",
                 input_vector(&g, params->vector), s.item_k, s.block, s.rows, params->vectors,
                 s.unroll, s.lines, params->stream);
    return params->whole ? add_whole(p, &s, recipe) : add_passes(p, &s, recipe);
}

const struct alx_algorithm alx_conv_winograd = {
    .kind = ALX_LAYER_CONV,
    .name = "winograd",
    .file = "winograd.cl",
    .summary = "minimal filtering, fewer multiplications",
    .supports = supports,
    .suits = suits,
    .choose = choose,
    .candidates = candidates,
    .input_layout = alx_winograd_layout,
    .describe = describe,
    .magnify = alx_winograd_magnify,
};
