/*
 * Caffe's layers that go into the weights before them: batch normalisation, its scale, and weights
 * that are stored transposed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/caffe.h"
#include "model/chain.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

struct alx_source_tensor *alx_caffe_find_blob(const struct alx_source *source,
                                              const struct alx_caffe_layer *layer, const char *part)
{
    char name[ALX_NAME_BYTES + 16];
    alx_span_text(layer->name, name, ALX_NAME_BYTES);
    size_t length = strlen(name);
    snprintf(name + length, sizeof name - length, ".%s", part);
    return source->tensor_count ? alx_source_find(source, name) : NULL;
}

/* The layer before `layer` that wrote what it reads, be it under the name that a Split gave it;
 * NULL when there is none. */
static const struct alx_caffe_layer *writer_of(const struct alx_caffe_net *net,
                                               const struct alx_caffe_layer *layer)
{
    struct alx_span name = layer->bottoms.list[0];
    while (layer-- > net->layers) {
        if (!alx_caffe_has_name(&layer->tops, name))
            continue;
        if (layer->kind != ALX_CAFFE_SPLIT)
            return layer;
        name = layer->bottoms.list[0];
    }
    return NULL;
}

static bool has_weights(const struct alx_caffe_layer *layer)
{
    return layer->kind == ALX_CAFFE_CONVOLUTION || layer->kind == ALX_CAFFE_INNER_PRODUCT;
}

static bool is_folded(const struct alx_caffe_layer *layer)
{
    return layer->kind == ALX_CAFFE_BATCH_NORM || layer->kind == ALX_CAFFE_SCALE;
}

const struct alx_caffe_layer *alx_caffe_find_target(const struct alx_caffe_net *net,
                                                    const struct alx_caffe_layer *layer)
{
    do
        layer = writer_of(net, layer);
    while (layer && is_folded(layer));
    return layer && has_weights(layer) ? layer : NULL;
}

/* What a channel's values become: scale * x + shift. */
struct line {
    double *scale, *shift; /* owned, one a channel */
    size_t channels;
};

/* Blob `part` as one value a channel, or as `one` value; NULL in `*out` when it is not there. */
static enum alx_status read_channels(const struct alx_caffe_layer *layer, const char *part,
                                     size_t count, struct alx_source *source, bool *found,
                                     double *out)
{
    struct alx_source_tensor *tensor = alx_caffe_find_blob(source, layer, part);
    *found = tensor != NULL;
    if (!tensor)
        return ALX_STATUS_OK;
    if (tensor->view.elems != count)
        return alx_caffe_refuse(layer, "its blobs do not fit the layer before it");
    for (size_t i = 0; i < count; i++) {
        float value;
        alx_view_read(tensor->view, i, 1, &value);
        out[i] = (double)value;
    }
    tensor->used = true;
    return ALX_STATUS_OK;
}

/* (x - mean / f) / sqrt(variance / f + eps); f is how many images the sums stand for, 0: none. */
static enum alx_status read_batch_norm(const struct alx_caffe_net *net,
                                       const struct alx_caffe_layer *layer,
                                       struct alx_source *source, struct line *line)
{
    static const struct alx_wire_row rows[] = {{3, ALX_WIRE_REAL, 0}};
    enum alx_status status = ALX_STATUS_OK;
    double eps = 1e-5, factor = 0;
    bool has_mean, has_variance, has_factor;
    ALX_TRY(alx_wire_read(net->file, layer->batch_norm, "a batch normalisation", rows, 1, &eps));
    ALX_TRY(read_channels(layer, "blob0", line->channels, source, &has_mean, line->shift));
    ALX_TRY(read_channels(layer, "blob1", line->channels, source, &has_variance, line->scale));
    ALX_TRY(read_channels(layer, "blob2", 1, source, &has_factor, &factor));
    if (!has_mean || !has_variance || !has_factor)
        return alx_caffe_refuse(layer, "has no mean, variance and factor");
    factor = factor == 0 ? 0 : 1 / factor;
    for (size_t i = 0; i < line->channels; i++) {
        line->scale[i] = 1 / sqrt(line->scale[i] * factor + eps);
        line->shift[i] *= -factor * line->scale[i];
    }
error:
    return status;
}

static enum alx_status read_scale(const struct alx_caffe_net *net,
                                  const struct alx_caffe_layer *layer, struct alx_source *source,
                                  struct line *line)
{
    struct scale {
        int64_t axis, axes;
        bool bias;
    } p = {.axis = 1, .axes = 1};
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_INT, offsetof(struct scale, axis)},
        {2, ALX_WIRE_INT, offsetof(struct scale, axes)},
        {4, ALX_WIRE_FLAG, offsetof(struct scale, bias)},
    };
    enum alx_status status = ALX_STATUS_OK;
    bool has_scale, has_bias;
    ALX_TRY(alx_wire_read(net->file, layer->scale, "a scale", rows, 3, &p));
    ALX_TRY(read_channels(layer, "blob0", line->channels, source, &has_scale, line->scale));
    ALX_TRY(read_channels(layer, "blob1", line->channels, source, &has_bias, line->shift));
    if (p.axis != 1 || p.axes != 1)
        return alx_caffe_refuse(layer, "a scale of other axes than the channels is not computed");
    if (!has_scale || has_bias != p.bias)
        return alx_caffe_refuse(layer, "its scale or bias is missing, or there is one too many; a "
                                       "scale by another layer's output is not computed");
error:
    return status;
}

/* The bias of a layer that has none in the file: a tensor more, in its place by name. */
static enum alx_status add_bias(const struct alx_source_tensor *weight, struct alx_tensor_view bias,
                                struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor tensor = {
        .readable = true, .view = bias, .dims = {bias.elems}, .dim_count = 1};
    char name[ALX_NAME_BYTES + 16];
    size_t length = strlen(weight->name) - strlen("weight");
    snprintf(name, sizeof name, "%.*sbias", (int)length, weight->name);
    memcpy(tensor.dtype_name, weight->dtype_name, sizeof tensor.dtype_name);
    ALX_TRY(alx_copy_string(name, &tensor.name));
    alx_source_insert(source, &tensor);
error:
    return status;
}

static enum alx_status fold_into(const struct alx_caffe_net *net,
                                 const struct alx_caffe_layer *layer,
                                 const struct alx_caffe_layer *target, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor *weight = alx_caffe_find_blob(source, target, "weight");
    struct alx_source_tensor *bias = alx_caffe_find_blob(source, target, "bias");
    struct alx_tensor_view none = {0};
    struct line line = {0};
    if (!weight) /* no weights, as in a .prototxt */
        return status;
    line.channels = weight->dim_count ? weight->dims[0] : 0;
    if (!line.channels || !weight->view.elems || (bias && bias->view.elems != line.channels))
        return alx_caffe_refuse(layer, "its blobs do not fit the layer before it");
    ALX_TRY(alx_alloc(line.channels, sizeof *line.scale, "a scale", &line.scale));
    ALX_TRY(alx_alloc(line.channels, sizeof *line.shift, "a scale", &line.shift));
    if (layer->kind == ALX_CAFFE_BATCH_NORM)
        ALX_TRY(read_batch_norm(net, layer, source, &line));
    else
        ALX_TRY(read_scale(net, layer, source, &line));
    ALX_TRY(alx_chain_scale(source, line.scale, line.shift, line.channels, &weight->view,
                            bias ? &bias->view : &none));
    if (!bias)
        ALX_TRY(add_bias(weight, none, source));
error:
    free(line.scale);
    free(line.shift);
    return status;
}

/* Weights [IN, OUT] of an inner product as [OUT, IN]. */
static enum alx_status transpose(const struct alx_caffe_net *net,
                                 const struct alx_caffe_layer *layer, struct alx_source *source)
{
    static const struct alx_wire_row rows[] = {{6, ALX_WIRE_FLAG, 0}};
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor *weight = alx_caffe_find_blob(source, layer, "weight");
    bool transposed = false;
    float *kept = NULL;
    ALX_TRY(
        alx_wire_read(net->file, layer->inner_product, "an inner product", rows, 1, &transposed));
    if (!transposed || !weight)
        return status;
    if (weight->dim_count != 2)
        return alx_caffe_refuse(layer, "its transposed weights are no matrix");
    size_t inputs = weight->dims[0], outputs = weight->dims[1];
    ALX_TRY(alx_source_keep(source, weight->view.elems, &kept));
    for (size_t i = 0; i < inputs; i++)
        for (size_t o = 0; o < outputs; o++)
            alx_view_read(weight->view, i * outputs + o, 1, &kept[o * inputs + i]);
    weight->view.data = kept;
    weight->view.dtype = ALX_DTYPE_F32;
    weight->dims[0] = outputs;
    weight->dims[1] = inputs;
error:
    return status;
}

enum alx_status alx_caffe_fold(const struct alx_caffe_net *net, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    for (size_t i = 0; i < net->layer_count; i++)
        if (net->layers[i].kind == ALX_CAFFE_INNER_PRODUCT)
            ALX_TRY(transpose(net, &net->layers[i], source));
    for (size_t i = 0; i < net->layer_count; i++) {
        const struct alx_caffe_layer *layer = &net->layers[i];
        const struct alx_caffe_layer *target =
            is_folded(layer) ? alx_caffe_find_target(net, layer) : NULL;
        bool training = false;
        ALX_TRY(alx_caffe_is_for_training(net, layer, &training));
        if (target && !training)
            ALX_TRY(fold_into(net, layer, target, source));
    }
error:
    return status;
}
