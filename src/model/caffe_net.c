/*
 * From Caffe's layers to a network and its preprocessing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/caffe_net.h"
#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- layers' parameters --- */

/* A convolution's or a pooling's window; what stands once is for both directions. */
struct window {
    struct alx_wire_list kernel, stride, pad, dilation;
    size_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
    size_t outputs, group;
    bool bias;
    size_t pool, round_mode;
    bool global;
};

static const char *layer_name(const struct alx_caffe_layer *layer, char out[ALX_NAME_BYTES])
{
    return alx_span_text(layer->name, out, ALX_NAME_BYTES);
}

enum alx_status alx_caffe_refuse(const struct alx_caffe_layer *layer, const char *why)
{
    char name[ALX_NAME_BYTES];
    return alx_fail(ALX_STATUS_MODEL, "layer %s: %s", layer_name(layer, name), why);
}

/* `list` holds one number for both directions, or one each, height first; `h` and `w` are those
 * that have names of their own. */
static bool set_pair(const struct alx_wire_list *list, size_t h, size_t w, size_t fallback,
                     size_t *out_h, size_t *out_w)
{
    int64_t first = list->count ? list->values[0] : (int64_t)fallback;
    int64_t second = list->count > 1 ? list->values[1] : first;
    if (list->count > 2 || first < 0 || second < 0 || first > ALX_MAX_DIM || second > ALX_MAX_DIM)
        return false;
    *out_h = h || w ? h : (size_t)first;
    *out_w = h || w ? w : (size_t)second;
    return true;
}

static enum alx_status set_window(const struct alx_caffe_layer *from, const struct window *window,
                                  struct alx_layer *layer)
{
    if (!set_pair(&window->kernel, window->kernel_h, window->kernel_w, 0, &layer->kernel_h,
                  &layer->kernel_w) ||
        !set_pair(&window->stride, window->stride_h, window->stride_w, 1, &layer->stride_h,
                  &layer->stride_w) ||
        !set_pair(&window->pad, window->pad_h, window->pad_w, 0, &layer->pad_top,
                  &layer->pad_left) ||
        !set_pair(&window->dilation, 0, 0, 1, &layer->dilation_h, &layer->dilation_w))
        return alx_caffe_refuse(from, "kernel, stride, padding or dilation is out of range");
    layer->pad_bottom = layer->pad_top;
    layer->pad_right = layer->pad_left;
    return ALX_STATUS_OK;
}

#define AT(member) offsetof(struct window, member)
static enum alx_status read_conv(const struct alx_caffe_maker *maker,
                                 const struct alx_caffe_layer *from, struct alx_layer *layer)
{
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SIZE, AT(outputs)},   {2, ALX_WIRE_FLAG, AT(bias)},
        {3, ALX_WIRE_INTS, AT(pad)},       {4, ALX_WIRE_INTS, AT(kernel)},
        {5, ALX_WIRE_SIZE, AT(group)},     {6, ALX_WIRE_INTS, AT(stride)},
        {9, ALX_WIRE_SIZE, AT(pad_h)},     {10, ALX_WIRE_SIZE, AT(pad_w)},
        {11, ALX_WIRE_SIZE, AT(kernel_h)}, {12, ALX_WIRE_SIZE, AT(kernel_w)},
        {13, ALX_WIRE_SIZE, AT(stride_h)}, {14, ALX_WIRE_SIZE, AT(stride_w)},
        {18, ALX_WIRE_INTS, AT(dilation)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct window window = {.bias = true, .group = 1};
    ALX_TRY(alx_wire_read(maker->net->file, from->convolution, "a convolution", rows, COUNT(rows),
                          &window));
    layer->kind = ALX_LAYER_CONV;
    layer->out_channels = window.outputs;
    layer->groups = window.group;
    layer->no_bias = !window.bias;
    if (!window.outputs || !window.group)
        return alx_caffe_refuse(from, "a convolution without outputs or groups");
    ALX_TRY(set_window(from, &window, layer));
error:
    return status;
}

static enum alx_status read_pool(const struct alx_caffe_maker *maker,
                                 const struct alx_caffe_layer *from, struct alx_layer *layer)
{
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SIZE, AT(pool)},     {2, ALX_WIRE_INTS, AT(kernel)},
        {3, ALX_WIRE_INTS, AT(stride)},   {4, ALX_WIRE_INTS, AT(pad)},
        {5, ALX_WIRE_SIZE, AT(kernel_h)}, {6, ALX_WIRE_SIZE, AT(kernel_w)},
        {7, ALX_WIRE_SIZE, AT(stride_h)}, {8, ALX_WIRE_SIZE, AT(stride_w)},
        {9, ALX_WIRE_SIZE, AT(pad_h)},    {10, ALX_WIRE_SIZE, AT(pad_w)},
        {12, ALX_WIRE_FLAG, AT(global)},  {13, ALX_WIRE_SIZE, AT(round_mode)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct window window = {0};
    ALX_TRY(
        alx_wire_read(maker->net->file, from->pooling, "a pooling", rows, COUNT(rows), &window));
    enum { AVERAGE = 1 };
    ALX_TRY(set_window(from, &window, layer));
    if (window.global) {
        layer->kernel_h = maker->chain.shape.height;
        layer->kernel_w = maker->chain.shape.width;
    }
    if (window.pool > AVERAGE)
        return alx_caffe_refuse(from, "a pooling other than MAX and AVE is not computed");
    layer->kind = window.pool == AVERAGE ? ALX_LAYER_AVG_POOL : ALX_LAYER_MAX_POOL;
    layer->count_padding = window.pool == AVERAGE;
    layer->ceil_mode = window.round_mode == 0;
error:
    return status;
}
#undef AT

static enum alx_status read_fc(const struct alx_caffe_maker *maker,
                               const struct alx_caffe_layer *from, struct alx_layer *layer)
{
    struct inner_product {
        size_t outputs;
        bool bias;
        int64_t axis;
    } p = {.bias = true, .axis = 1};
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SIZE, offsetof(struct inner_product, outputs)},
        {2, ALX_WIRE_FLAG, offsetof(struct inner_product, bias)},
        {5, ALX_WIRE_INT, offsetof(struct inner_product, axis)},
    };
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_wire_read(maker->net->file, from->inner_product, "an inner product", rows,
                          COUNT(rows), &p));
    if (p.axis != 1 && p.axis != (maker->flat ? -1 : -3))
        return alx_caffe_refuse(from, "an inner product over another axis than 1 is not computed");
    layer->kind = ALX_LAYER_FC;
    layer->out_channels = p.outputs;
    layer->no_bias = !p.bias;
error:
    return status;
}

static enum alx_status read_lrn(const struct alx_caffe_maker *maker,
                                const struct alx_caffe_layer *from, struct alx_layer *layer)
{
    struct lrn {
        size_t size, region;
        double alpha, beta, k;
    } p = {.size = 5, .alpha = 1, .beta = 0.75, .k = 1};
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SIZE, offsetof(struct lrn, size)},
        {2, ALX_WIRE_REAL, offsetof(struct lrn, alpha)},
        {3, ALX_WIRE_REAL, offsetof(struct lrn, beta)},
        {4, ALX_WIRE_SIZE, offsetof(struct lrn, region)},
        {5, ALX_WIRE_REAL, offsetof(struct lrn, k)},
    };
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_wire_read(maker->net->file, from->lrn, "a normalisation", rows, COUNT(rows), &p));
    if (p.region != 0)
        return alx_caffe_refuse(from, "normalisation within a channel is not computed");
    if (!p.size)
        return alx_caffe_refuse(from, "a normalisation over 0 channels");
    layer->kind = ALX_LAYER_LRN;
    layer->lrn_size = p.size;
    layer->lrn_alpha = p.alpha / (double)p.size;
    layer->lrn_beta = p.beta;
    layer->lrn_k = p.k;
error:
    return status;
}

static enum alx_status read_dropout(const struct alx_caffe_maker *maker,
                                    const struct alx_caffe_layer *from, struct alx_layer *layer)
{
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_REAL, offsetof(struct alx_layer, dropout)}};
    enum alx_status status = ALX_STATUS_OK;
    layer->kind = ALX_LAYER_DROPOUT;
    layer->dropout = 0.5;
    ALX_TRY(alx_wire_read(maker->net->file, from->dropout, "a dropout", rows, 1, layer));
error:
    return status;
}

static enum alx_status read_relu(const struct alx_caffe_maker *maker,
                                 const struct alx_caffe_layer *from, struct alx_layer *layer)
{
    static const struct alx_wire_row rows[] = {{1, ALX_WIRE_REAL, 0}};
    enum alx_status status = ALX_STATUS_OK;
    double slope = 0;
    ALX_TRY(alx_wire_read(maker->net->file, from->relu, "a ReLU", rows, 1, &slope));
    if (slope != 0)
        return alx_caffe_refuse(from, "a ReLU with a negative slope is not computed");
    layer->kind = ALX_LAYER_RELU;
error:
    return status;
}

static enum alx_status read_softmax(const struct alx_caffe_maker *maker,
                                    const struct alx_caffe_layer *from, struct alx_layer *layer)
{
    static const struct alx_wire_row rows[] = {{2, ALX_WIRE_INT, 0}};
    enum alx_status status = ALX_STATUS_OK;
    int64_t axis = 1;
    if (from->kind == ALX_CAFFE_SOFTMAX)
        ALX_TRY(alx_wire_read(maker->net->file, from->softmax, "a softmax", rows, 1, &axis));
    if (axis != 1 && axis != -1)
        return alx_caffe_refuse(from, "a softmax over another axis than 1 is not computed");
    layer->kind = ALX_LAYER_SOFTMAX;
error:
    return status;
}

enum alx_status alx_caffe_read_layer(const struct alx_caffe_maker *maker,
                                     const struct alx_caffe_layer *from, struct alx_layer *out)
{
    *out = (struct alx_layer){0};
    layer_name(from, out->name);
    switch (from->kind) {
    case ALX_CAFFE_CONVOLUTION:
        return read_conv(maker, from, out);
    case ALX_CAFFE_INNER_PRODUCT:
        return read_fc(maker, from, out);
    case ALX_CAFFE_POOLING:
        return read_pool(maker, from, out);
    case ALX_CAFFE_LRN:
        return read_lrn(maker, from, out);
    case ALX_CAFFE_RELU:
        return read_relu(maker, from, out);
    case ALX_CAFFE_DROPOUT:
        return read_dropout(maker, from, out);
    case ALX_CAFFE_SOFTMAX:
    case ALX_CAFFE_LOSS:
        return read_softmax(maker, from, out);
    default:
        return alx_caffe_refuse_type(from);
    }
}

enum alx_status alx_caffe_add_layer(struct alx_caffe_maker *maker, const struct alx_layer *layer)
{
    maker->flat |= layer->kind == ALX_LAYER_FC;
    maker->ended |= layer->kind == ALX_LAYER_SOFTMAX;
    return layer->kind == ALX_LAYER_RELU ? alx_chain_add_relu(&maker->chain, layer->name, 0)
                                         : alx_chain_add(&maker->chain, layer);
}

/* --- the chain --- */

static bool is_read(const struct alx_caffe_maker *maker, const struct alx_caffe_layer *layer)
{
    struct alx_span bottom = layer->bottoms.list[0];
    return alx_spans_equal(bottom, maker->blob) ||
           (maker->split && alx_caffe_has_name(&maker->split->tops, bottom));
}

enum alx_status alx_caffe_is_for_training(const struct alx_caffe_net *net,
                                          const struct alx_caffe_layer *layer, bool *out)
{
    static const struct alx_wire_row rows[] = {{1, ALX_WIRE_INT, 0}};
    enum alx_status status = ALX_STATUS_OK;
    enum { TRAIN = 0, TEST = 1 };
    int64_t phase = TEST;
    ALX_TRY(alx_wire_read(net->file, layer->include, "a rule", rows, 1, &phase));
    *out = phase == TRAIN;
error:
    return status;
}

enum alx_status alx_caffe_refuse_type(const struct alx_caffe_layer *layer)
{
    char name[ALX_NAME_BYTES], type[ALX_NAME_BYTES];
    const char *known = layer->old ? alx_caffe_old_type(layer->old_type) : NULL;
    layer_name(layer, name);
    if (layer->old && !known)
        return alx_fail(ALX_STATUS_MODEL, "layer %s: Caffe's layer type number %zu is not computed",
                        name, layer->old_type);
    return alx_fail(ALX_STATUS_MODEL, "layer %s: Caffe's layer type %s is not computed", name,
                    known ? known : alx_span_text(layer->type, type, sizeof type));
}

enum alx_status alx_caffe_make_folded(struct alx_caffe_maker *maker,
                                      const struct alx_caffe_layer *from)
{
    struct alx_layer *open = alx_chain_open_layer(&maker->chain);
    if (!open || !alx_caffe_find_target(maker->net, from))
        return alx_caffe_refuse(from, "batch normalisation and scale are read only right after a "
                                      "convolution or an inner product");
    open->no_bias = false;
    return ALX_STATUS_OK;
}

static enum alx_status make_layer(struct alx_caffe_maker *maker, const struct alx_caffe_layer *from)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer layer;
    switch (from->kind) {
    case ALX_CAFFE_BATCH_NORM:
    case ALX_CAFFE_SCALE:
        return alx_caffe_make_folded(maker, from);
    case ALX_CAFFE_FLATTEN:
        maker->flat = true;
        return ALX_STATUS_OK; /* the values stay as they are */
    case ALX_CAFFE_SPLIT:
        return ALX_STATUS_OK;
    default:
        break;
    }
    ALX_TRY(alx_caffe_read_layer(maker, from, &layer));
    ALX_TRY(alx_caffe_add_layer(maker, &layer));
error:
    return status;
}

static enum alx_status walk_layer(struct alx_caffe_maker *maker,
                                  const struct alx_caffe_layer *layer)
{
    enum alx_status status = ALX_STATUS_OK;
    bool reads = is_read(maker, layer), training, towers;
    char name[ALX_NAME_BYTES], blob[ALX_NAME_BYTES];
    if (layer->kind == ALX_CAFFE_SKIPPED || layer->kind == ALX_CAFFE_DATA ||
        layer->kind == ALX_CAFFE_INPUT || layer->done)
        return status;
    ALX_TRY(alx_caffe_is_for_training(maker->net, layer, &training));
    if (training && layer->kind != ALX_CAFFE_LOSS)
        return status;
    if (layer->kind == ALX_CAFFE_SPLIT && !reads)
        return status; /* of the labels */
    if (!reads || maker->ended) {
        if (layer->kind == ALX_CAFFE_LOSS || layer->kind == ALX_CAFFE_SOFTMAX)
            return status; /* a second end, for training */
        return alx_fail(ALX_STATUS_MODEL,
                        "layer %s: reads %s, which is not what the layer before writes; only "
                        "networks without branches are read",
                        layer_name(layer, name),
                        alx_span_text(layer->bottoms.list[0], blob, sizeof blob));
    }
    ALX_TRY(alx_caffe_make_towers(maker, layer, &towers));
    if (towers)
        return status;
    ALX_TRY(make_layer(maker, layer));
    maker->blob = layer->tops.list[0];
    maker->split = layer->kind == ALX_CAFFE_SPLIT ? layer : NULL;
error:
    return status;
}

static bool has_towers(const struct alx_caffe_net *net)
{
    for (size_t i = 0; i < net->layer_count; i++)
        if (net->layers[i].kind == ALX_CAFFE_CONCAT)
            return true;
    return false;
}

enum alx_status alx_caffe_make_net(const struct alx_caffe_net *net, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_caffe_maker maker = {.net = net, .source = source};
    struct alx_shape input = {0};
    alx_span_text(net->name, maker.name, sizeof maker.name);
    if (!maker.name[0])
        snprintf(maker.name, sizeof maker.name, "caffe");
    ALX_TRY(alx_caffe_find_input(net, source, &maker.blob, &input));
    bool said = input.height && input.width;
    if (!said && has_towers(net)) { /* whose weights are joined on the way */
        input.height = source->input.height;
        input.width = source->input.width;
    }
    if (!input.height || !input.width)
        return status;
    alx_chain_begin(&maker.chain, maker.name, input);
    for (size_t i = 0; i < net->layer_count; i++)
        ALX_TRY(walk_layer(&maker, &net->layers[i]));
    if (said)
        ALX_TRY(alx_chain_finish(&maker.chain, &source->net));
error:
    alx_chain_free(&maker.chain);
    return status;
}
