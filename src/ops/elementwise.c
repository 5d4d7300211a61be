#include "net/shape.h"
#include "ops/op.h"
#include "util/memory.h"

void alx_relu_reference(const struct alx_layer_info *info, size_t batch,
                        const struct alx_reference *r)
{
    for (size_t i = 0; i < batch * alx_shape_elems(info->out); i++) {
        r->out[i] = r->in[i] < 0 ? 0 : (double)r->in[i];
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
