#include <math.h>
#include <stdlib.h>

#include "net/shape.h"
#include "ops/op.h"
#include "ops/window.h"
#include "util/error.h"
#include "util/memory.h"

/* Channels of the window below and above its own; an even window reaches further up (ONNX). */
static size_t below(const struct alx_layer *l)
{
    return (l->lrn_size - 1) / 2;
}

static size_t above(const struct alx_layer *l)
{
    return l->lrn_size / 2;
}

static size_t group_channels(const struct alx_layer_info *info)
{
    return info->in.channels / info->layer.groups;
}

void alx_lrn_reference(const struct alx_layer_info *info, size_t batch,
                       const struct alx_reference *r)
{
    const struct alx_layer *l = &info->layer;
    size_t channels = info->in.channels, pixels = info->in.height * info->in.width;
    for (size_t i = 0; i < batch * channels * pixels; i++) {
        size_t c = i / pixels % channels, group = c - c % group_channels(info);
        size_t first = c > group + below(l) ? c - below(l) : group;
        size_t last = alx_min(c + above(l), group + group_channels(info) - 1);
        double sum = 0;
        for (size_t j = first; j <= last; j++) {
            double value =
                (double)r->in[i + (j - c) * pixels]; /* wraps around to the right place */
            sum += value * value;
        }
        r->out[i] = (double)r->in[i] / pow(l->lrn_k + l->lrn_alpha * sum, l->lrn_beta);
        if (r->magnitude)
            r->magnitude[i] = fabs(r->out[i]);
    }
}

enum alx_status alx_lrn_pool_reference(const struct alx_problem *p, const struct alx_reference *r)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t elems = p->batch * alx_shape_elems(p->pool->in);
    double *out = NULL, *magnitude = NULL;
    float *values = NULL, *magnitudes = NULL;
    ALX_TRY(alx_alloc(elems, sizeof *out, "a reference", &out));
    ALX_TRY(alx_alloc(elems, sizeof *magnitude, "a reference", &magnitude));
    ALX_TRY(alx_alloc(elems, sizeof *values, "a reference", &values));
    ALX_TRY(alx_alloc(elems, sizeof *magnitudes, "a reference", &magnitudes));
    alx_lrn_reference(p->info, p->batch,
                      &(struct alx_reference){r->in, NULL, NULL, out, magnitude});
    for (size_t i = 0; i < elems; i++) {
        values[i] = (float)out[i];
        magnitudes[i] = (float)magnitude[i];
    }
    /* The largest of a window is off by at most the largest error in it. */
    if (r->magnitude)
        alx_pool_reference(p->pool, p->batch,
                           &(struct alx_reference){.in = magnitudes, .out = r->magnitude});
    alx_pool_reference(p->pool, p->batch, &(struct alx_reference){.in = values, .out = r->out});
error:
    free(magnitudes);
    free(values);
    free(magnitude);
    free(out);
    return status;
}

static void add_macros(struct alx_recipe *recipe, const struct alx_problem *p,
                       const struct alx_params *params)
{
    const struct alx_layer *l = &p->info->layer;
    alx_recipe_begin(recipe, p, params);
    /* hexadecimal: exact, and the same in every locale */
    alx_text_add(&recipe->options,
                 " -DGROUPS=%zu -DBELOW=%zu -DABOVE=%zu -DALPHA=%af -DBETA=%af -DK=%af "
                 "-DBETA_IS_075=%d",
                 l->groups, below(l), above(l), (double)(float)l->lrn_alpha,
                 (double)(float)l->lrn_beta, (double)(float)l->lrn_k, l->lrn_beta == 0.75);
}

/* --- a row of pixels, vectors of channels --- */

/* The widest vector that lies in one group wherever it begins. */
static size_t widest_vector(const struct alx_problem *p, const struct alx_traits *t)
{
    return alx_power_of_two_divisor(group_channels(p->info), t->vector);
}

static bool row_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    return !t->simt && !p->pool && widest_vector(p, t) >= 4;
}

static struct alx_params row_choose(const struct alx_problem *p, const struct alx_traits *t)
{
    return (struct alx_params){.lanes = 1, .vector = widest_vector(p, t)};
}

static void row_candidates(const struct alx_problem *p, const struct alx_traits *t,
                           struct alx_candidates *out)
{
    struct alx_params params = out->list[0];
    (void)p, (void)t;
    for (params.vector /= 2; params.vector >= 4; params.vector /= 2)
        alx_candidates_add(out, &params);
}

static struct alx_layout row_input_layout(const struct alx_problem *p,
                                          const struct alx_params *params)
{
    (void)params;
    return (struct alx_layout){p->info->in.channels, 0};
}

static enum alx_status row_describe(const struct alx_problem *p, const struct alx_params *params,
                                    struct alx_recipe *recipe)
{
    add_macros(recipe, p, params);
    alx_text_add(&recipe->options, " -DLRN_ROW");
    return alx_recipe_add(recipe, &(struct alx_launch){
                                      .file = "lrn.cl",
                                      .kernel = "lrn_row",
                                      .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_OUT, 0}},
                                      .arg_count = 2,
                                      .global = {p->batch * p->info->out.height, 1, 1},
                                      .local = {1, 1, 1},
                                  });
}

const struct alx_algorithm alx_lrn_row = {
    .kind = ALX_LAYER_LRN,
    .name = "row",
    .file = "lrn.cl",
    .summary = "vectors of channels, shifted by loading",
    .supports = row_supports,
    .choose = row_choose,
    .candidates = row_candidates,
    .input_layout = row_input_layout,
    .describe = row_describe,
};

/* --- with the max-pool behind it --- */

static bool pool_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    enum { MOST_ROW_BYTES = 128 << 10 }; /* in private memory */
    return !t->simt && p->pool && widest_vector(p, t) >= 2 &&
           p->info->in.width * p->info->in.channels * sizeof(float) <= MOST_ROW_BYTES;
}

static struct alx_params pool_choose(const struct alx_problem *p, const struct alx_traits *t)
{
    struct alx_params params = row_choose(p, t);
    /* Long strips compute little twice, but there should be enough of them for every unit. */
    params.rows =
        alx_min(p->info->out.height, alx_ceil_div(p->batch * p->info->out.height, 4 * t->units));
    return params;
}

static void pool_candidates(const struct alx_problem *p, const struct alx_traits *t,
                            struct alx_candidates *out)
{
    struct alx_params params = out->list[0];
    (void)t;
    for (params.rows = 1; params.rows < p->info->out.height; params.rows *= 2)
        alx_candidates_add(out, &params);
    params.rows = p->info->out.height;
    alx_candidates_add(out, &params);
}

static enum alx_status pool_describe(const struct alx_problem *p, const struct alx_params *params,
                                     struct alx_recipe *recipe)
{
    add_macros(recipe, p, params);
    alx_window_macros(&recipe->options, &p->pool->layer);
    alx_text_add(&recipe->options, " -DLRN_POOL -DSTRIP=%zu", params->rows);
    return alx_recipe_add(
        recipe, &(struct alx_launch){
                    .file = "lrn.cl",
                    .kernel = "lrn_pool",
                    .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_OUT, 0}},
                    .arg_count = 2,
                    .global = {p->batch * alx_ceil_div(p->info->out.height, params->rows), 1, 1},
                    .local = {1, 1, 1},
                });
}

const struct alx_algorithm alx_lrn_pool = {
    .kind = ALX_LAYER_LRN,
    .name = "pooled",
    .file = "lrn.cl",
    .summary = "with the max-pool behind it in one pass",
    .supports = pool_supports,
    .choose = pool_choose,
    .candidates = pool_candidates,
    .input_layout = row_input_layout,
    .describe = pool_describe,
};

/* --- one output a work-item --- */

static bool element_supports(const struct alx_problem *p, const struct alx_traits *t)
{
    /* Beyond, too much would be computed again. */
    enum { MOST_WINDOWS = 4 };
    const struct alx_layer *pool = p->pool ? &p->pool->layer : NULL;
    return !pool || (t->simt && pool->kernel_h * pool->kernel_w <=
                                    MOST_WINDOWS * pool->stride_h * pool->stride_w);
}

static enum alx_status element_describe(const struct alx_problem *p,
                                        const struct alx_params *params, struct alx_recipe *recipe)
{
    struct alx_shape out = p->info->out;
    add_macros(recipe, p, params);
    if (p->pool)
        alx_window_macros(&recipe->options, &p->pool->layer);
    alx_text_add(&recipe->options, p->pool ? " -DLRN_POOL_ELEMENT" : " -DLRN_ELEMENT");
    return alx_recipe_add(recipe, &(struct alx_launch){
                                      .file = "lrn.cl",
                                      .kernel = p->pool ? "lrn_pool_element" : "lrn_element",
                                      .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_OUT, 0}},
                                      .arg_count = 2,
                                      .global = {alx_round_up(out.channels, params->lanes),
                                                 out.width, p->batch * out.height},
                                      .local = {params->lanes, 1, 1},
                                  });
}

const struct alx_algorithm alx_lrn_element = {
    .kind = ALX_LAYER_LRN,
    .name = "element",
    .file = "lrn.cl",
    .summary = "one output a work-item, also of a max-pool behind it",
    .supports = element_supports,
    .choose = alx_choose_lanes,
    .candidates = alx_lane_candidates,
    .input_layout = alx_any_input_layout,
    .describe = element_describe,
};
