#include "net/shape.h"
#include "ops/op.h"
#include "util/memory.h"

double alx_activate(const struct alx_layer *l, double sum)
{
    double limit = (double)(float)l->relu_limit; /* as kernels have it */
    if (l->kind != ALX_LAYER_RELU && l->activation != ALX_ACTIVATION_RELU)
        return sum;
    if (sum < 0)
        return 0;
    return limit > 0 && sum > limit ? limit : sum;
}

void alx_relu_reference(const struct alx_layer_info *info, size_t batch,
                        const struct alx_reference *r)
{
    for (size_t i = 0; i < batch * alx_shape_elems(info->out); i++) {
        r->out[i] = alx_activate(&info->layer, (double)r->in[i]);
        if (r->magnitude)
            r->magnitude[i] = 0; /* exact */
    }
}

static enum alx_status describe(const struct alx_problem *p, const struct alx_params *params,
                                struct alx_recipe *recipe)
{
    struct alx_shape out = p->info->out;
    alx_recipe_begin(recipe, p, params);
    return alx_recipe_add(recipe, &(struct alx_launch){
                                      .file = "elementwise.cl",
                                      .kernel = "elementwise_relu",
                                      .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_OUT, 0}},
                                      .arg_count = 2,
                                      .global = {alx_round_up(out.channels, params->lanes),
                                                 out.width, p->batch * out.height},
                                      .local = {params->lanes, 1, 1},
                                  });
}

const struct alx_algorithm alx_relu = {
    .kind = ALX_LAYER_RELU,
    .name = "direct",
    .file = "elementwise.cl",
    .summary = "not fused into the layer before",
    .supports = alx_supports_all,
    .choose = alx_choose_lanes,
    .candidates = alx_lane_candidates,
    .input_layout = alx_any_input_layout,
    .describe = describe,
};
