#include "model/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

void alx_chain_begin(struct alx_chain *chain, const char *name, struct alx_shape input)
{
    *chain = (struct alx_chain){.name = name, .shape = input, .input = input};
}

void alx_chain_free(struct alx_chain *chain)
{
    free(chain->layers);
    *chain = (struct alx_chain){0};
}

enum alx_status alx_chain_add(struct alx_chain *chain, const struct alx_layer *layer)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer_info info;
    ALX_TRY(alx_layer_infer(chain->name, layer, chain->shape, &info));
    if (chain->count == chain->capacity) {
        size_t capacity = chain->capacity ? 2 * chain->capacity : 32;
        struct alx_layer *layers = NULL;
        ALX_TRY(alx_alloc(capacity, sizeof *layers, "the network", &layers));
        if (chain->count)
            memcpy(layers, chain->layers, chain->count * sizeof *layers);
        free(chain->layers);
        chain->layers = layers;
        chain->capacity = capacity;
    }
    chain->layers[chain->count++] = *layer;
    chain->shape = info.out;
error:
    return status;
}

struct alx_layer *alx_chain_open_layer(struct alx_chain *chain)
{
    struct alx_layer *last = chain->count ? &chain->layers[chain->count - 1] : NULL;
    if (!last || (last->kind != ALX_LAYER_CONV && last->kind != ALX_LAYER_FC) ||
        last->activation != ALX_ACTIVATION_NONE)
        return NULL;
    return last;
}

enum alx_status alx_chain_add_relu(struct alx_chain *chain, const char *name, double limit)
{
    struct alx_layer relu = {.kind = ALX_LAYER_RELU, .relu_limit = limit};
    struct alx_layer *open = alx_chain_open_layer(chain);
    if (open) {
        open->activation = ALX_ACTIVATION_RELU;
        open->relu_limit = limit;
        return ALX_STATUS_OK;
    }
    snprintf(relu.name, sizeof relu.name, "%s", name);
    return alx_chain_add(chain, &relu);
}

enum alx_status alx_chain_finish(const struct alx_chain *chain, alx_net **out)
{
    return alx_net_create(chain->name, chain->input, chain->layers, chain->count, out);
}

static bool is_taken(const struct alx_chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->count; i++)
        if (!strcmp(chain->layers[i].name, name))
            return true;
    return false;
}

void alx_chain_name(const struct alx_chain *chain, enum alx_layer_kind kind,
                    char out[ALX_NAME_BYTES])
{
    static const char *const words[] = {
        [ALX_LAYER_CONV] = "conv",     [ALX_LAYER_FC] = "fc",         [ALX_LAYER_LRN] = "norm",
        [ALX_LAYER_MAX_POOL] = "pool", [ALX_LAYER_AVG_POOL] = "pool", [ALX_LAYER_RELU] = "relu",
        [ALX_LAYER_DROPOUT] = "drop",  [ALX_LAYER_SOFTMAX] = "prob",
    };
    size_t number = kind == ALX_LAYER_CONV || kind == ALX_LAYER_FC;
    for (size_t i = 0; i < chain->count; i++)
        number += chain->layers[i].kind == ALX_LAYER_CONV || chain->layers[i].kind == ALX_LAYER_FC;
    if (kind == ALX_LAYER_SOFTMAX)
        snprintf(out, ALX_NAME_BYTES, "%s", words[kind]);
    else
        snprintf(out, ALX_NAME_BYTES, "%s%zu", words[kind], number);
    for (size_t i = 2; is_taken(chain, out); i++)
        snprintf(out, ALX_NAME_BYTES, "%s%zu_%zu", words[kind], number, i);
}

bool alx_chain_join_layers(struct alx_layer *layer, size_t towers, bool split)
{
    bool conv = layer->kind == ALX_LAYER_CONV;
    size_t groups = layer->groups ? layer->groups : 1;
    if (conv && !split && groups != 1 && towers > 1)
        return false;
    if (conv)
        layer->out_channels *= towers;
    if (split && (conv || layer->kind == ALX_LAYER_LRN))
        layer->groups = towers * groups;
    return true;
}

enum alx_status alx_chain_join_values(struct alx_source *source,
                                      const struct alx_tensor_view *views, size_t count,
                                      struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t elems = views[0].elems;
    float *kept = NULL;
    if (count == 1) {
        *out = views[0];
        return status;
    }
    ALX_TRY(alx_source_keep(source, count * elems, &kept));
    for (size_t i = 0; i < count; i++)
        alx_view_read(views[i], 0, elems, kept + i * elems);
    *out = (struct alx_tensor_view){kept, ALX_DTYPE_F32, count * elems};
error:
    return status;
}

enum alx_status alx_chain_scale(struct alx_source *source, const double *scale, const double *shift,
                                size_t outputs, struct alx_tensor_view *weight,
                                struct alx_tensor_view *bias)
{
    enum alx_status status = ALX_STATUS_OK;
    float *weights = NULL, *biases = NULL;
    size_t row = weight->elems / outputs;
    ALX_TRY(alx_source_keep(source, weight->elems, &weights));
    ALX_TRY(alx_source_keep(source, outputs, &biases));
    alx_view_read(*weight, 0, row * outputs, weights);
    if (bias->elems)
        alx_view_read(*bias, 0, outputs, biases);
    for (size_t o = 0; o < outputs; o++) {
        biases[o] = (float)(scale[o] * (double)biases[o] + shift[o]);
        for (size_t i = 0; i < row; i++)
            weights[o * row + i] = (float)(scale[o] * (double)weights[o * row + i]);
    }
    *weight = (struct alx_tensor_view){weights, ALX_DTYPE_F32, weight->elems};
    *bias = (struct alx_tensor_view){biases, ALX_DTYPE_F32, outputs};
error:
    return status;
}
