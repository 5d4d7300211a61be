/*
 * Fully connected layers as matrix times vector, and by CLBlast; as convolutions they are in
 * conv.c.
 */
#include "alx_config.h"
#include "net/shape.h"
#include "ops/compact.h"
#include "ops/pack.h"
#include "util/error.h"
#include "util/memory.h"

static struct alx_weight_format weight_format(const struct alx_problem *p, size_t panel_rows,
                                              size_t k_vector)
{
    return (struct alx_weight_format){
        .panel_rows = panel_rows,
        .k_vector = k_vector,
        .block = p->in.block, /* k in the order in which the input lies */
        .k_elems = alx_shape_elems(p->info->in),
        .groups = 1,
        .group_panels = alx_ceil_div(p->info->layer.out_channels, panel_rows),
        .precision = p->precision,
    };
}

static int has_relu(const struct alx_problem *p)
{
    return p->info->layer.activation == ALX_ACTIVATION_RELU;
}

/* What is asked for ahead of need still lies in the first cache when it is needed. */
enum { LINE_BYTES = 64, AHEAD_BYTES = 3584, COMPACT_BITS = 28 };

/* --- GEMV --- */

static bool gemv_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    (void)t;
    return p->batch <= 4;
}

/* Reading less is worth the work of unpacking, which a CPU does while it waits for memory. */
static size_t compact_bits(const struct alx_problem *p, const struct alx_params *params)
{
    bool possible = p->precision == ALX_PRECISION_FP32 && params->rows % ALX_COMPACT_ROWS == 0;
    return possible ? COMPACT_BITS : 0;
}

static struct alx_params gemv_choose(const struct alx_problem *p, const struct alx_traits *t)
{
    enum { SIMT_SUMS = 32 };
    struct alx_params params = {
        .lanes = t->lanes, .vector = t->vector, .images = p->batch, .prefetch = t->prefetch};
    if (t->simt) {
        params.rows = 2; /* many groups, so that a large device is filled */
        /* 16 bytes of weights at a time, while there are registers for the sums */
        params.vector = 16 / alx_pack_value_bytes(p->precision);
        while (params.vector > 4 && params.rows * params.images * params.vector > SIMT_SUMS)
            params.vector /= 2;
        return params;
    }
    /* Sums in half of the registers; enough panels to keep every unit busy to the end. */
    params.rows = alx_max(1, t->registers / 2 / alx_max(1, p->batch));
    params.rows = alx_power_of_two_divisor(64, params.rows);
    if (p->precision == ALX_PRECISION_FP32 && params.rows > ALX_COMPACT_ROWS)
        params.rows = ALX_COMPACT_ROWS; /* registers to unpack with */
    while (params.rows > 2 && p->info->layer.out_channels / params.rows < 4 * t->units)
        params.rows /= 2;
    params.bits = compact_bits(p, &params);
    return params;
}

static void gemv_candidates(const struct alx_problem *p, const struct alx_traits *t,
                            struct alx_candidates *out)
{
    struct alx_params params = out->list[0];
    size_t most = t->simt ? 8 : t->registers - 2;
    for (params.rows = 1; params.rows <= 16 && params.rows * p->batch <= most; params.rows *= 2)
        if (t->simt)
            for (params.lanes = 16; params.lanes <= t->max_lanes; params.lanes *= 2)
                alx_candidates_add(out, &params);
        else
            for (params.prefetch = 0; params.prefetch <= t->prefetch; params.prefetch++) {
                params.bits = 0;
                alx_candidates_add(out, &params);
                params.bits = compact_bits(p, &params);
                alx_candidates_add(out, &params);
            }
}

static enum alx_status gemv_describe(const struct alx_problem *p, const struct alx_params *params,
                                     struct alx_recipe *recipe)
{
    size_t step_bytes = params->rows * params->vector * alx_pack_value_bytes(p->precision);
    recipe->weights = weight_format(p, params->rows, params->vector);
    recipe->weights.compact = params->bits == COMPACT_BITS;
    if (recipe->weights.compact)
        step_bytes = step_bytes / ALX_COMPACT_ROWS * ALX_COMPACT_WORDS;
    alx_recipe_begin(recipe, p, params);
    alx_text_add(
        &recipe->options,
        " -DFC_GEMV -DK_ELEMS=%zu -DROWS=%zu -DIMAGES=%zu -DACTIVATION=%d -DROWS_PADDED=%zu"
        " -DPREFETCH=%zu -DAHEAD_BYTES=%d",
        recipe->weights.k_elems, params->rows, params->images, has_relu(p),
        recipe->weights.group_panels * params->rows,
        params->prefetch ? alx_ceil_div(step_bytes, LINE_BYTES) : 0, AHEAD_BYTES);
    return alx_recipe_add_panels(recipe, "fc.cl", "fc_gemv", (const size_t[]){params->lanes, 1, 1},
                                 params->lanes, 0);
}

const struct alx_algorithm alx_fc_gemv = {
    .kind = ALX_LAYER_FC,
    .name = "gemv",
    .file = "fc.cl",
    .summary = "one stream of weights a work-group",
    .supports = gemv_supports,
    .choose = gemv_choose,
    .candidates = gemv_candidates,
    .input_layout = alx_any_input_layout,
    .describe = gemv_describe,
};

/* --- GEMM --- */

static bool gemm_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    (void)p;
    return !t->simt;
}

static struct alx_params gemm_choose(const struct alx_problem *p, const struct alx_traits *t)
{
    enum { MOST_IMAGES = 64 }; /* their sums stay in the cache */
    size_t passes = alx_ceil_div(p->batch, MOST_IMAGES);
    struct alx_params params = {.lanes = 1,
                                .vector = t->vector,
                                .images = alx_ceil_div(p->batch, passes),
                                .prefetch = t->prefetch};
    alx_choose_register_tile(params.images, p->info->layer.out_channels, passes, t, &params);
    return params;
}

static void gemm_candidates(const struct alx_problem *p, const struct alx_traits *t,
                            struct alx_candidates *out)
{
    struct alx_params params = out->list[0];
    for (size_t images = 16; images <= 128 && images < 2 * p->batch; images *= 2) {
        params.images = alx_ceil_div(p->batch, alx_ceil_div(p->batch, images));
        for (params.vectors = 1; params.vectors <= 3; params.vectors++) {
            /* the most rows, and half of them, in tiles of nearly equal size */
            size_t most = alx_min(params.images, alx_most_rows(params.vectors, t));
            for (size_t rows = most; rows && 3 * rows >= most; rows /= 2) {
                params.rows = alx_ceil_div(params.images, alx_ceil_div(params.images, rows));
                alx_candidates_add(out, &params);
            }
        }
    }
}

static enum alx_status gemm_describe(const struct alx_problem *p, const struct alx_params *params,
                                     struct alx_recipe *recipe)
{
    enum { K_BLOCK = 512 }; /* of 48 channels' weights: 96 KiB */
    size_t panel = params->vectors * params->vector, images = alx_min(params->images, p->batch);
    size_t rows = alx_min(params->rows, images), tiles = alx_ceil_div(images, rows);
    recipe->weights = weight_format(p, panel, 1);
    size_t unroll = alx_power_of_two_divisor(recipe->weights.k_elems, 8);
    size_t lines = alx_ceil_div(unroll * panel * alx_pack_value_bytes(p->precision), LINE_BYTES);
    alx_recipe_begin(recipe, p, params);
    alx_text_add(&recipe->options,
                 " -DFC_GEMM -DK_ELEMS=%zu -DROWS=%zu -DVECTORS=%zu -DIMAGES=%zu -DACTIVATION=%d"
                 " -DROWS_PADDED=%zu -DUNROLL=%zu -DK_BLOCK=%d -DPREFETCH=%zu",
                 recipe->weights.k_elems, rows, params->vectors, images, has_relu(p),
                 recipe->weights.group_panels * panel, unroll, K_BLOCK,
                 params->prefetch ? alx_ceil_div(lines, tiles) : 0);
    return alx_recipe_add_panels(recipe, "fc.cl", "fc_gemm",
                                 (const size_t[]){1, alx_ceil_div(p->batch, images), 1}, 1, 0);
}

const struct alx_algorithm alx_fc_gemm = {
    .kind = ALX_LAYER_FC,
    .name = "gemm",
    .file = "fc.cl",
    .summary = "register tiles of images by channels, blocks of k",
    .supports = gemm_supports,
    .choose = gemm_choose,
    .candidates = gemm_candidates,
    .input_layout = alx_any_input_layout,
    .describe = gemm_describe,
};

/* --- CLBlast --- */

static bool clblast_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    return ALX_HAVE_CLBLAST && t->clblast && p->precision == ALX_PRECISION_FP32;
}

static enum alx_status clblast_describe(const struct alx_problem *p,
                                        const struct alx_params *params, struct alx_recipe *recipe)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t k = alx_shape_elems(p->info->in), rows = p->info->layer.out_channels;
    recipe->weights = weight_format(p, 1, k);
    recipe->work_elems = p->batch * rows;
    alx_recipe_begin(recipe, p, params);
    alx_text_add(&recipe->options, " -DFC_EPILOGUE -DK_ELEMS=%zu -DACTIVATION=%d", k, has_relu(p));
    ALX_TRY(alx_recipe_add(recipe, &(struct alx_launch){
                                       .per_panel = true,
                                       .gemm = {.m = p->batch,
                                                .n = rows,
                                                .k = k,
                                                .b_transposed = true,
                                                .a = ALX_ROLE_IN,
                                                .b = ALX_ROLE_WEIGHTS,
                                                .c = ALX_ROLE_WORK,
                                                .a_stride = k,
                                                .b_stride = k,
                                                .c_stride = rows},
                                   }));
    ALX_TRY(alx_recipe_add(recipe,
                           &(struct alx_launch){
                               .file = "fc.cl",
                               .kernel = "fc_epilogue",
                               .args = {{ALX_ROLE_WORK, 0}, {ALX_ROLE_BIAS, 0}, {ALX_ROLE_OUT, 0}},
                               .arg_count = 3,
                               .global = {alx_round_up(rows, params->lanes), p->batch, 1},
                               .local = {params->lanes, 1, 1},
                           }));
error:
    return status;
}

const struct alx_algorithm alx_fc_clblast = {
    .kind = ALX_LAYER_FC,
    .name = "clblast",
    .file = "fc.cl",
    .summary = "a GEMM of CLBlast",
    .supports = clblast_supports,
    .suits = alx_suits_simt,
    .choose = alx_choose_lanes,
    .input_layout = alx_any_input_layout,
    .describe = clblast_describe,
};
