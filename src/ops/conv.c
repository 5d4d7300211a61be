/*
 * Convolutions, and fully connected layers as convolutions over their whole input.
 */
#include <math.h>

#include "alx_config.h"
#include "net/shape.h"
#include "ops/conv.h"
#include "ops/window.h"
#include "util/error.h"
#include "util/memory.h"

/* --- the reference --- */

void alx_conv_reference_at(const struct alx_layer_info *info, const struct alx_reference *r,
                           size_t i)
{
    const struct alx_layer l = alx_window_of(info);
    struct alx_shape in = info->in, out = info->out;
    size_t group_in = in.channels / l.groups, group_out = out.channels / l.groups;
    size_t x = i % out.width, y = i / out.width % out.height;
    size_t o = i / (out.width * out.height) % out.channels, n = i / alx_shape_elems(out);
    double bias = r->biases ? (double)r->biases[o] : 0, sum = bias, magnitude = fabs(bias);
    const float *w = r->weights + o * group_in * l.kernel_h * l.kernel_w;
    for (size_t c = 0; c < group_in; c++)
        for (size_t ky = 0; ky < l.kernel_h; ky++)
            for (size_t kx = 0; kx < l.kernel_w; kx++, w++) {
                /* unsigned: a position before the input is a huge one */
                size_t iy = y * l.stride_h + ky * l.dilation_h - l.pad_top;
                size_t ix = x * l.stride_w + kx * l.dilation_w - l.pad_left;
                if (iy >= in.height || ix >= in.width)
                    continue;
                size_t channel = n * in.channels + o / group_out * group_in + c;
                double product =
                    (double)r->in[(channel * in.height + iy) * in.width + ix] * (double)*w;
                sum += product;
                magnitude += fabs(product);
            }
    r->out[i] = alx_activate(&l, sum);
    if (r->magnitude)
        r->magnitude[i] = magnitude;
}

void alx_conv_reference(const struct alx_layer_info *info, size_t batch,
                        const struct alx_reference *r)
{
    for (size_t i = 0; i < batch * alx_shape_elems(info->out); i++)
        alx_conv_reference_at(info, r, i);
}

/* --- shared by the algorithms --- */

void alx_conv_macros(struct alx_recipe *recipe, const struct alx_problem *p)
{
    const struct alx_layer l = alx_window_of(p->info);
    alx_window_macros(&recipe->options, &l);
    alx_text_add(
        &recipe->options,
        " -DDILATION_H=%zu -DDILATION_W=%zu -DGROUPS=%zu -DACTIVATION=%d -DROWS_PADDED=%zu",
        l.dilation_h, l.dilation_w, l.groups, l.activation == ALX_ACTIVATION_RELU,
        recipe->weights.groups * recipe->weights.group_panels * recipe->weights.panel_rows);
}

struct alx_weight_format alx_conv_weights(const struct alx_problem *p, size_t panel_rows,
                                          size_t k_vector, size_t block)
{
    struct alx_weight_shape w = alx_layer_weight_shape(p->info);
    size_t groups = p->info->layer.groups;
    return (struct alx_weight_format){
        .panel_rows = panel_rows,
        .k_vector = k_vector,
        .block = block,
        .k_elems = w.in_channels * w.kernel_h * w.kernel_w,
        .groups = groups,
        .group_panels = alx_ceil_div(w.out_channels / groups, panel_rows),
        .precision = p->precision,
    };
}

struct alx_layout alx_conv_window_layout(const struct alx_problem *p,
                                         const struct alx_params *params)
{
    const struct alx_layer l = alx_window_of(p->info);
    size_t group_in = p->info->in.channels / l.groups;
    struct alx_layout layout = alx_layout_for(p->info->in, params->block, alx_window_halo(&l));
    if (layout.block % group_in && group_in % layout.block)
        layout.block = alx_power_of_two_divisor(group_in, 16);
    return layout;
}

size_t alx_conv_group_block(const struct alx_problem *p)
{
    return alx_min(p->in.block, p->info->in.channels / p->info->layer.groups);
}

/* --- direct --- */

static struct alx_params direct_choose(const struct alx_problem *p, const struct alx_traits *t)
{
    size_t group_out = p->info->out.channels / p->info->layer.groups;
    struct alx_params params = {.lanes = t->lanes, .vector = t->vector, .vectors = 1};
    if (t->simt) {
        /* A tile of 8 pixels by 1 channel a lane: few registers, and enough groups to fill a device
         * at batch 1. */
        while (params.lanes > 8 && params.lanes >= 2 * group_out)
            params.lanes /= 2;
        params.pixels = 8;
    } else {
        /* 6 x 2 of 16 registers, 14 x 2 of 32: the sums, a panel's vectors, and one input value. */
        params.vectors = group_out > t->vector ? 2 : 1;
        params.pixels = t->registers >= 32 ? 14 : 6;
    }
    size_t pixels = p->batch * p->info->out.height * p->info->out.width;
    params.pixels = alx_min(params.pixels, pixels);
    return params;
}

/* Tiles that use at least a third of the registers. */
static void direct_cpu_candidates(const struct alx_problem *p, const struct alx_traits *t,
                                  struct alx_candidates *out)
{
    static const size_t pixels[] = {2, 3, 4, 6, 8, 9, 10, 12, 14, 20, 28};
    size_t group_out = p->info->out.channels / p->info->layer.groups;
    size_t all = p->batch * p->info->out.height * p->info->out.width;
    struct alx_params params = out->list[0];
    for (params.vectors = 1; params.vectors <= 3; params.vectors++) {
        if ((params.vectors - 1) * t->vector >= group_out)
            break;
        for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++) {
            params.pixels = alx_min(pixels[i], all);
            if (params.pixels <= alx_most_rows(params.vectors, t) &&
                3 * pixels[i] * params.vectors >= t->registers)
                alx_candidates_add(out, &params);
        }
    }
}

/* Up to 32 sums a lane, which leaves every GPU enough registers for several groups. */
static void direct_simt_candidates(const struct alx_problem *p, const struct alx_traits *t,
                                   struct alx_candidates *out)
{
    enum { MOST_SUMS = 32 };
    static const size_t pixels[] = {4, 8, 14, 16};
    size_t group_out = p->info->out.channels / p->info->layer.groups;
    size_t all = p->batch * p->info->out.height * p->info->out.width;
    struct alx_params params = out->list[0];
    for (params.lanes = 8; params.lanes <= t->max_lanes; params.lanes *= 2)
        for (params.vectors = 1; params.vectors <= 4; params.vectors *= 2)
            for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++) {
                params.pixels = alx_min(pixels[i], all);
                if (params.vectors * params.lanes < 2 * group_out &&
                    params.pixels * params.vectors <= MOST_SUMS)
                    alx_candidates_add(out, &params);
            }
}

static void direct_candidates(const struct alx_problem *p, const struct alx_traits *t,
                              struct alx_candidates *out)
{
    (t->simt ? direct_simt_candidates : direct_cpu_candidates)(p, t, out);
}

static enum alx_status direct_describe(const struct alx_problem *p, const struct alx_params *params,
                                       struct alx_recipe *recipe)
{
    const struct alx_layer l = alx_window_of(p->info);
    size_t block = alx_conv_group_block(p);
    size_t panel = params->vectors * params->lanes * params->vector;
    bool merged = block == p->in.block && l.dilation_w == 1;
    size_t pixels = p->batch * p->info->out.height * p->info->out.width;
    recipe->weights = alx_conv_weights(p, panel, 1, block);
    alx_recipe_begin(recipe, p, params);
    alx_conv_macros(recipe, p);
    alx_text_add(&recipe->options, " -DCONV_DIRECT -DPIXELS=%zu -DVECTORS=%zu -DUNROLL=%zu",
                 params->pixels, params->vectors,
                 alx_divisor(merged ? l.kernel_w * block : block, 12));
    return alx_recipe_add_panels(
        recipe, "conv.cl", "conv_direct",
        (const size_t[]){params->lanes, alx_ceil_div(pixels, params->pixels), 1}, params->lanes, 0);
}

const struct alx_algorithm alx_conv_direct = {
    .kind = ALX_LAYER_CONV,
    .name = "direct",
    .file = "conv.cl",
    .summary = "register tiles on blocked channels",
    .supports = alx_supports_all,
    .choose = direct_choose,
    .candidates = direct_candidates,
    .input_layout = alx_conv_window_layout,
    .describe = direct_describe,
};

const struct alx_algorithm alx_fc_direct = {
    .kind = ALX_LAYER_FC,
    .name = "direct",
    .file = "conv.cl",
    .summary = "register tiles of images by channels",
    .supports = alx_supports_all,
    .choose = direct_choose,
    .candidates = direct_candidates,
    .input_layout = alx_conv_window_layout,
    .describe = direct_describe,
};

/* --- naive: the safe kernel --- */

static enum alx_status naive_describe(const struct alx_problem *p, const struct alx_params *params,
                                      struct alx_recipe *recipe)
{
    struct alx_weight_shape w = alx_layer_weight_shape(p->info);
    size_t pixels = p->info->out.height * p->info->out.width;
    recipe->weights = alx_conv_weights(p, 1, w.in_channels * w.kernel_h * w.kernel_w, 1);
    alx_recipe_begin(recipe, p, params);
    alx_conv_macros(recipe, p);
    alx_text_add(&recipe->options, " -DCONV_NAIVE");
    return alx_recipe_add_panels(recipe, "conv.cl", "conv_naive",
                                 (const size_t[]){alx_round_up(pixels, params->lanes), 1, p->batch},
                                 params->lanes, 1);
}

const struct alx_algorithm alx_conv_naive = {
    .kind = ALX_LAYER_CONV,
    .name = "naive",
    .file = "conv.cl",
    .summary = "the safe kernel",
    .safe = true,
    .supports = alx_supports_all,
    .choose = alx_choose_lanes,
    .candidates = alx_lane_candidates,
    .input_layout = alx_any_input_layout,
    .describe = naive_describe,
};

const struct alx_algorithm alx_fc_naive = {
    .kind = ALX_LAYER_FC,
    .name = "naive",
    .file = "conv.cl",
    .summary = "the safe kernel",
    .safe = true,
    .supports = alx_supports_all,
    .choose = alx_choose_lanes,
    .candidates = alx_lane_candidates,
    .input_layout = alx_any_input_layout,
    .describe = naive_describe,
};

/* --- im2col and CLBlast --- */

static bool clblast_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    struct alx_weight_shape w = alx_layer_weight_shape(p->info);
    size_t weights = w.out_channels * w.in_channels * w.kernel_h * w.kernel_w;
    size_t columns = weights / w.out_channels * p->info->out.height * p->info->out.width;
    return ALX_HAVE_CLBLAST && t->clblast && p->precision == ALX_PRECISION_FP32 &&
           weights <= t->max_alloc_bytes / 4 && columns <= t->max_alloc_bytes / 8;
}

static enum alx_status clblast_describe(const struct alx_problem *p,
                                        const struct alx_params *params, struct alx_recipe *recipe)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_layer *l = &p->info->layer;
    struct alx_weight_shape w = alx_layer_weight_shape(p->info);
    size_t k = w.in_channels * w.kernel_h * w.kernel_w;
    size_t pixels = p->info->out.height * p->info->out.width;
    size_t group_out = w.out_channels / l->groups;
    size_t product = k * pixels; /* the columns lie before it in the workspace */
    recipe->weights = alx_conv_weights(p, w.out_channels / l->groups, k, 1);
    recipe->work_elems = product + w.out_channels * pixels;
    alx_recipe_begin(recipe, p, params);
    alx_conv_macros(recipe, p);
    alx_text_add(&recipe->options, " -DCONV_IM2COL -DPRODUCT_OFFSET=%zu", product);
    for (size_t n = 0; n < p->batch; n++) {
        for (size_t g = 0; g < l->groups; g++) {
            ALX_TRY(
                alx_recipe_add(recipe, &(struct alx_launch){
                                           .file = "conv.cl",
                                           .kernel = "conv_im2col",
                                           .args = {{ALX_ROLE_IN, 0},
                                                    {ALX_ROLE_WORK, 0},
                                                    {ALX_ROLE_INT, (cl_int)n},
                                                    {ALX_ROLE_INT, (cl_int)g}},
                                           .arg_count = 4,
                                           .global = {alx_round_up(pixels, params->lanes), k, 1},
                                           .local = {params->lanes, 1, 1},
                                       }));
            ALX_TRY(
                alx_recipe_add(recipe, &(struct alx_launch){
                                           .gemm = {.m = group_out,
                                                    .n = pixels,
                                                    .k = k,
                                                    .a = ALX_ROLE_WEIGHTS,
                                                    .b = ALX_ROLE_WORK,
                                                    .c = ALX_ROLE_WORK,
                                                    .a_offset = g * group_out * k,
                                                    .b_offset = 0,
                                                    .c_offset = product + g * group_out * pixels,
                                                    .a_stride = k,
                                                    .b_stride = pixels,
                                                    .c_stride = pixels},
                                       }));
        }
        ALX_TRY(alx_recipe_add(
            recipe, &(struct alx_launch){
                        .file = "conv.cl",
                        .kernel = "conv_epilogue",
                        .args = {{ALX_ROLE_WORK, 0},
                                 {ALX_ROLE_BIAS, 0},
                                 {ALX_ROLE_OUT, 0},
                                 {ALX_ROLE_INT, (cl_int)n}},
                        .arg_count = 4,
                        .global = {alx_round_up(pixels, params->lanes), w.out_channels, 1},
                        .local = {params->lanes, 1, 1},
                    }));
    }
error:
    return status;
}

const struct alx_algorithm alx_conv_clblast = {
    .kind = ALX_LAYER_CONV,
    .name = "clblast",
    .file = "conv.cl",
    .summary = "im2col and a GEMM of CLBlast",
    .supports = clblast_supports,
    .suits = alx_suits_simt,
    .choose = alx_choose_lanes,
    .input_layout = alx_any_input_layout,
    .describe = clblast_describe,
};
