#include <math.h>
#include <string.h>

#include "model/model.h"
#include "model/preprocess.h"
#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/random.h"

/* He's initialisation keeps the variance from layer to layer where half of the values are cut by
 * ReLU: 2 / fan-in, which a uniform distribution up to sqrt(6 / fan-in) has. */
static size_t fill_layer(const struct alx_layer_info *info, uint64_t *state, float *values,
                         struct alx_slot *slot)
{
    struct alx_weight_shape w = alx_layer_weight_shape(info);
    size_t fan_in = w.in_channels * w.kernel_h * w.kernel_w, weights = fan_in * w.out_channels;
    size_t biases = info->parameters - weights;
    float range = weights ? sqrtf(6.0f / (float)fan_in) : 0;
    for (size_t i = 0; i < weights; i++)
        values[i] = alx_random_float(state, -range, range);
    for (size_t i = 0; i < biases; i++)
        values[weights + i] = alx_random_float(state, 0, 0.1f);
    slot->weights = (struct alx_tensor_view){values, ALX_DTYPE_F32, weights};
    slot->biases = (struct alx_tensor_view){values + weights, ALX_DTYPE_F32, biases};
    return weights + biases;
}

enum alx_status alx_model_create_random(const alx_net *net, uint64_t seed, alx_model **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_model *model = NULL;
    size_t used = 0;
    ALX_TRY(alx_model_create(alx_net_name(net), "", "random", &model));
    ALX_TRY(alx_model_set_net(model, net));
    ALX_TRY(alx_alloc(alx_net_parameters(net), sizeof *model->values, "random weights",
                      &model->values));
    for (size_t i = 0; i < alx_net_layer_count(net); i++)
        used += fill_layer(alx_net_layer(net, i), &seed, model->values + used, &model->slots[i]);
    ALX_TRY(alx_labels_number(alx_shape_elems(alx_net_output(net)), &model->labels));
    model->numbered = true;
    alx_preprocess_assume(net, NULL, &model->preprocess);
    *out = model;
    model = NULL;
error:
    alx_model_destroy(&model);
    return status;
}
