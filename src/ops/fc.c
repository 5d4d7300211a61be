/*
 * Fully connected layers as matrix times vector, and by CLBlast; as convolutions they are in
 * conv.c.
 */
#include "alx_config.h"
#include "net/shape.h"
#include "ops/op.h"
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

/* --- GEMV --- */

static bool gemv_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    (void)t;
    return p->batch <= 4;
}

static struct alx_params gemv_choose(const struct alx_problem *p, const struct alx_traits *t)
{
    struct alx_params params = {.lanes = t->lanes, .vector = t->vector, .images = p->batch};
    if (t->simt)
        params.vector = 4; /* 16 bytes a lane */
    /* As many sums as registers hold beside a vector of input an image. */
    params.rows = params.images >= 4 ? 2 : params.images >= 2 ? 4 : 8;
    if (t->simt)
        params.rows = 2; /* many groups, so that a large device is filled */
    return params;
}

static enum alx_status gemv_describe(const struct alx_problem *p, const struct alx_params *params,
                                     struct alx_recipe *recipe)
{
    recipe->weights = weight_format(p, params->rows, params->vector);
    alx_recipe_begin(recipe, p, params);
    alx_text_add(
        &recipe->options,
        " -DFC_GEMV -DK_ELEMS=%zu -DROWS=%zu -DIMAGES=%zu -DACTIVATION=%d -DROWS_PADDED=%zu",
        recipe->weights.k_elems, params->rows, params->images, has_relu(p),
        recipe->weights.group_panels * params->rows);
    return alx_recipe_add(recipe, &(struct alx_launch){
                                      .file = "fc.cl",
                                      .kernel = "fc_gemv",
                                      .args = {{ALX_ROLE_IN, 0},
                                               {ALX_ROLE_WEIGHTS, 0},
                                               {ALX_ROLE_BIAS, 0},
                                               {ALX_ROLE_OUT, 0},
                                               {ALX_ROLE_FIRST_PANEL, 0}},
                                      .arg_count = 5,
                                      .global = {params->lanes, 1, 1},
                                      .local = {params->lanes, 1, 1},
                                      .per_panel = true,
                                      .panel_axis = 0,
                                  });
}

const struct alx_algorithm alx_fc_gemv = {
    .kind = ALX_LAYER_FC,
    .name = "gemv",
    .file = "fc.cl",
    .summary = "one stream of weights a work-group",
    .supports = gemv_supports,
    .choose = gemv_choose,
    .input_layout = alx_any_input_layout,
    .describe = gemv_describe,
};

/* --- CLBlast --- */

static bool clblast_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    (void)t;
    return ALX_HAVE_CLBLAST && p->precision == ALX_PRECISION_FP32;
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
    .choose = alx_choose_lanes,
    .input_layout = alx_any_input_layout,
    .describe = clblast_describe,
};
