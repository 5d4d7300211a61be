#include <alexnet_cl/net.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"

enum { MAX_LAYERS = 4096 };

struct alx_net {
    char *name;
    struct alx_shape input;
    size_t layer_count;
    struct alx_layer_info *layers;
    uint64_t parameters, macs;
};

const char *alx_layer_kind_name(enum alx_layer_kind kind)
{
    static const char *const names[] = {
        [ALX_LAYER_CONV] = "conv",         [ALX_LAYER_FC] = "fc",
        [ALX_LAYER_LRN] = "lrn",           [ALX_LAYER_MAX_POOL] = "max-pool",
        [ALX_LAYER_AVG_POOL] = "avg-pool", [ALX_LAYER_RELU] = "relu",
        [ALX_LAYER_DROPOUT] = "dropout",   [ALX_LAYER_SOFTMAX] = "softmax",
    };
    return (size_t)kind < ALX_LAYER_KIND_COUNT ? names[kind] : "unknown";
}

static enum alx_status check_names(const char *net_name, const struct alx_layer *layers,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!layers[i].name[0] || !memchr(layers[i].name, 0, ALX_NAME_BYTES))
            return alx_fail(ALX_STATUS_MODEL, "network %s: layer %zu has no proper name", net_name,
                            i + 1);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(layers[i].name, layers[j].name))
                return alx_fail(ALX_STATUS_MODEL, "network %s: two layers are named %s", net_name,
                                layers[i].name);
    }
    return ALX_STATUS_OK;
}

enum alx_status alx_net_create(const char *name, struct alx_shape input,
                               const struct alx_layer *layers, size_t layer_count, alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_net *net = NULL;
    if (!layer_count || layer_count > MAX_LAYERS)
        return alx_fail(ALX_STATUS_MODEL, "network %s: %zu layers; 1 to %d are possible", name,
                        layer_count, MAX_LAYERS);
    if (!input.channels || !input.height || !input.width || input.channels > ALX_MAX_DIM ||
        input.height > ALX_MAX_DIM || input.width > ALX_MAX_DIM)
        return alx_fail(ALX_STATUS_MODEL, "network %s: the input %zux%zux%zu is out of range", name,
                        input.height, input.width, input.channels);
    ALX_TRY(check_names(name, layers, layer_count));
    ALX_TRY(alx_alloc(1, sizeof *net, "a network", &net));
    ALX_TRY(alx_copy_string(name, &net->name));
    ALX_TRY(alx_alloc(layer_count, sizeof *net->layers, "a network", &net->layers));
    net->input = input;
    net->layer_count = layer_count;
    for (size_t i = 0; i < layer_count; i++) {
        struct alx_layer_info *info = &net->layers[i];
        ALX_TRY(alx_layer_infer(name, &layers[i], i ? info[-1].out : input, info));
        net->parameters += info->parameters;
        net->macs += info->macs;
    }
    *out = net;
    net = NULL;
error:
    alx_net_destroy(&net);
    return status;
}

void alx_net_destroy(alx_net **net)
{
    if (!*net)
        return;
    free((*net)->layers);
    free((*net)->name);
    free(*net);
    *net = NULL;
}

const char *alx_net_name(const alx_net *net)
{
    return net->name;
}

struct alx_shape alx_net_input(const alx_net *net)
{
    return net->input;
}

struct alx_shape alx_net_output(const alx_net *net)
{
    return net->layers[net->layer_count - 1].out;
}

size_t alx_net_layer_count(const alx_net *net)
{
    return net->layer_count;
}

const struct alx_layer_info *alx_net_layer(const alx_net *net, size_t index)
{
    return &net->layers[index];
}

uint64_t alx_net_parameters(const alx_net *net)
{
    return net->parameters;
}

uint64_t alx_net_macs(const alx_net *net)
{
    return net->macs;
}
