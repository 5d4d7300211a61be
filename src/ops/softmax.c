#include <math.h>

#include "net/shape.h"
#include "ops/op.h"

void alx_softmax_reference(const struct alx_layer_info *info, size_t batch,
                           const struct alx_reference *r)
{
    size_t channels = info->in.channels, pixels = info->in.height * info->in.width;
    for (size_t i = 0; i < batch * pixels; i++) {
        size_t first = i / pixels * channels * pixels + i % pixels;
        double largest = -INFINITY, sum = 0;
        for (size_t c = 0; c < channels; c++)
            largest = fmax(largest, (double)r->in[first + c * pixels]);
        for (size_t c = 0; c < channels; c++)
            sum += exp((double)r->in[first + c * pixels] - largest);
        for (size_t c = 0; c < channels; c++) {
            double value = exp((double)r->in[first + c * pixels] - largest) / sum;
            r->out[first + c * pixels] = value;
            if (r->magnitude)
                r->magnitude[first + c * pixels] = value;
        }
    }
}

static enum alx_status describe(const struct alx_problem *p, const struct alx_params *params,
                                struct alx_recipe *recipe)
{
    size_t pixels = p->batch * p->info->out.height * p->info->out.width;
    alx_recipe_begin(recipe, p, params);
    return alx_recipe_add(recipe, &(struct alx_launch){
                                      .file = "softmax.cl",
                                      .kernel = "softmax_channels",
                                      .args = {{ALX_ROLE_IN, 0}, {ALX_ROLE_OUT, 0}},
                                      .arg_count = 2,
                                      .global = {pixels * params->lanes, 1, 1},
                                      .local = {params->lanes, 1, 1},
                                  });
}

const struct alx_algorithm alx_softmax = {
    .kind = ALX_LAYER_SOFTMAX,
    .name = "direct",
    .file = "softmax.cl",
    .summary = "one work-group an image",
    .supports = alx_supports_all,
    .choose = alx_choose_lanes,
    .candidates = alx_lane_candidates,
    .input_layout = alx_any_input_layout,
    .describe = describe,
};
