/*
 * From ONNX's nodes to a network.
 */
#include "model/onnx_net.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "net/shape.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

enum alx_status alx_maker_refuse(const struct alx_onnx_maker *maker, const char *why)
{
    return alx_onnx_refuse(maker->node, why);
}

enum alx_status alx_maker_constant(const struct alx_onnx_maker *maker, size_t number,
                                   struct alx_onnx_tensor **out)
{
    struct alx_span name = maker->node->inputs[number];
    struct alx_onnx_tensor *tensor = alx_onnx_find(maker->graph, name);
    if (name.bytes && !tensor)
        return alx_maker_refuse(maker, "weights or parameters that are computed from the input");
    *out = tensor;
    return ALX_STATUS_OK;
}

struct alx_layer alx_maker_new_layer(const struct alx_onnx_maker *maker, enum alx_layer_kind kind)
{
    struct alx_layer layer = {.kind = kind};
    alx_chain_name(&maker->chain, kind, layer.name);
    return layer;
}

/* --- the others --- */

static enum alx_status add_relu(struct alx_onnx_maker *maker, double limit)
{
    char name[ALX_NAME_BYTES];
    alx_chain_name(&maker->chain, ALX_LAYER_RELU, name);
    return alx_chain_add_relu(&maker->chain, name, limit);
}

enum alx_status alx_onnx_make_relu(struct alx_onnx_maker *maker)
{
    return add_relu(maker, 0);
}

/* A limit of Clip: an attribute in old files, an input in others. */
static enum alx_status clip_limit(struct alx_onnx_maker *maker, const char *name, size_t input,
                                  double fallback, double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *tensor = NULL;
    struct alx_tensor_view view;
    float value;
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, name, fallback, out));
    ALX_TRY(alx_maker_constant(maker, input, &tensor));
    if (!tensor)
        return status;
    if (tensor->elems != 1)
        return alx_maker_refuse(maker, "a limit that is not one value");
    ALX_TRY(alx_onnx_values(maker->graph->file, tensor, maker->source, &view));
    alx_view_read(view, 0, 1, &value);
    *out = (double)value;
error:
    return status;
}

enum alx_status alx_onnx_make_clip(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    double low, high;
    ALX_TRY(clip_limit(maker, "min", 1, -DBL_MAX, &low));
    ALX_TRY(clip_limit(maker, "max", 2, DBL_MAX, &high));
    if (low != 0 || !(high > 0))
        return alx_maker_refuse(maker, "only limits of 0 and a number above it (ReLU, ReLU6) are "
                                       "computed");
    ALX_TRY(add_relu(maker, high < (double)FLT_MAX ? high : 0));
error:
    return status;
}

enum alx_status alx_onnx_make_lrn(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer layer = alx_maker_new_layer(maker, ALX_LAYER_LRN);
    int64_t size;
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "size", 0, &size));
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, "alpha", 1e-4, &layer.lrn_alpha));
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, "beta", 0.75, &layer.lrn_beta));
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, "bias", 1, &layer.lrn_k));
    if (maker->flat || size < 1 || size > 255)
        return alx_maker_refuse(maker, "reads a matrix, or its size is out of range");
    layer.lrn_size = (size_t)size;
    layer.lrn_alpha /= (double)size;
    alx_chain_join_layers(&layer, maker->tower_count, maker->split);
    ALX_TRY(alx_chain_add(&maker->chain, &layer));
error:
    return status;
}

enum alx_status alx_onnx_make_dropout(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer layer = alx_maker_new_layer(maker, ALX_LAYER_DROPOUT);
    struct alx_onnx_tensor *ratio = NULL, *training = NULL;
    struct alx_tensor_view view;
    float value = 0;
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, "ratio", 0.5, &layer.dropout));
    ALX_TRY(alx_maker_constant(maker, 1, &ratio));
    ALX_TRY(alx_maker_constant(maker, 2, &training));
    if (ratio && ratio->elems == 1) {
        ALX_TRY(alx_onnx_values(maker->graph->file, ratio, maker->source, &view));
        alx_view_read(view, 0, 1, &value);
        layer.dropout = (double)value;
    }
    value = 0;
    if (training && training->elems == 1) {
        ALX_TRY(alx_onnx_values(maker->graph->file, training, maker->source, &view));
        alx_view_read(view, 0, 1, &value);
    }
    if (value != 0)
        return alx_maker_refuse(maker, "is for training; export the model for inference");
    ALX_TRY(alx_chain_add(&maker->chain, &layer));
error:
    return status;
}

/* LogSoftmax, too: the probabilities are what is wanted. */
static enum alx_status make_softmax(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer layer = alx_maker_new_layer(maker, ALX_LAYER_SOFTMAX);
    struct alx_shape shape = maker->chain.shape;
    int64_t axis;
    ALX_TRY(
        alx_onnx_int(maker->graph, maker->node, "axis", maker->graph->opset < 13 ? 1 : -1, &axis));
    bool over_channels = axis == 1 || axis == (maker->flat ? -1 : -3);
    if (!over_channels || shape.height != 1 || shape.width != 1)
        return alx_maker_refuse(maker, "only a softmax over the classes is computed");
    ALX_TRY(alx_chain_add(&maker->chain, &layer));
    maker->ended = true;
error:
    return status;
}

static enum alx_status make_flatten(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    int64_t axis;
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "axis", 1, &axis));
    if (axis != 1 && axis != (maker->flat ? -1 : -3))
        return alx_maker_refuse(maker, "would mix the images of a batch");
    maker->flat = true;
error:
    return status;
}

/* To [N, C * H * W], or to the shape that it is. */
static enum alx_status make_reshape(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *shape = NULL;
    struct alx_shape in = maker->chain.shape;
    struct alx_wire_list dims = {0};
    const int64_t elems = (int64_t)alx_shape_elems(in);
    ALX_TRY(alx_maker_constant(maker, 1, &shape));
    if (shape)
        ALX_TRY(alx_onnx_ints(maker->graph->file, shape, maker->source, &dims));
    else
        ALX_TRY(alx_onnx_list(maker->graph, maker->node, "shape", &dims));
    const int64_t *d = dims.values, batch = (int64_t)maker->graph->dims[0];
    bool keeps_batch = dims.count && (d[0] == 0 || d[0] == 1 || (batch && d[0] == batch));
    bool free_batch = dims.count && d[0] == -1;
    if (dims.count == 2 &&
        (((keeps_batch || free_batch) && d[1] == elems) || (keeps_batch && d[1] == -1))) {
        maker->flat = true;
        return status;
    }
    if (dims.count == 4 && !maker->channels_last && (keeps_batch || free_batch) &&
        d[1] == (int64_t)in.channels && d[2] == (int64_t)in.height && d[3] == (int64_t)in.width) {
        maker->flat = false;
        return status;
    }
    return alx_maker_refuse(maker, "only reshaping to [N, C * H * W] is read");
error:
    return status;
}

/* The ones after [N, C]. */
static enum alx_status make_squeeze(struct alx_onnx_maker *maker)
{
    if (maker->flat || maker->chain.shape.height != 1 || maker->chain.shape.width != 1)
        return alx_maker_refuse(maker, "only the sizes of 1 after the channels are taken away");
    maker->flat = true;
    return ALX_STATUS_OK;
}

/* Channels from the first place to the last or back. The values stay as they are: weights that read
 * the last place are brought into order. At the input, pictures come with the channels first. */
static enum alx_status make_transpose(struct alx_onnx_maker *maker)
{
    static const int64_t to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2};
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire_list order = {0};
    struct alx_shape *in = &maker->chain.shape;
    ALX_TRY(alx_onnx_list(maker->graph, maker->node, "perm", &order));
    bool last = order.count == 4 && !memcmp(order.values, to_last, sizeof to_last);
    bool first = order.count == 4 && !memcmp(order.values, to_first, sizeof to_first);
    bool turns = !order.count || (order.count == 2 && order.values[0] == 1 && order.values[1] == 0);
    if (maker->flat && turns) {
        maker->turned = !maker->turned;
        return status;
    }
    if (first && !maker->channels_last && !maker->chain.count) {
        *in = (struct alx_shape){in->width, in->channels, in->height};
        maker->chain.input = *in;
        return status;
    }
    if (maker->flat || !(maker->channels_last ? first : last))
        return alx_maker_refuse(maker, "moves more than the channels, from the first place to the "
                                       "last or back; it would take a layer that moves values");
    maker->channels_last = last;
error:
    return status;
}

static enum alx_status make_identity(struct alx_onnx_maker *maker)
{
    (void)maker;
    return ALX_STATUS_OK;
}

/* Rounding of activations is left out: the network computes with the values themselves. */
static enum alx_status make_quantize(struct alx_onnx_maker *maker)
{
    maker->quantised = true;
    if (!maker->warned)
        alx_log(ALX_LOG_WARNING, "its activations are quantised, which is left out; answers differ "
                                 "a little from those of quantised ones");
    maker->warned = true;
    return ALX_STATUS_OK;
}

static enum alx_status make_dequantize(struct alx_onnx_maker *maker)
{
    if (!maker->quantised)
        return alx_maker_refuse(maker, "nothing was quantised before it");
    maker->quantised = false;
    return ALX_STATUS_OK;
}

enum { LAST = 1, TURNED = 2 }; /* channels last; a matrix [C * H * W, N] */

static const struct op_row {
    const char *op;
    enum alx_status (*make)(struct alx_onnx_maker *maker);
    unsigned takes; /* what its input may be, beside [N, C, H, W] and [N, C * H * W] */
} ops[] = {
    {"Conv", alx_onnx_make_conv, 0},
    {"Relu", alx_onnx_make_relu, LAST | TURNED},
    {"Clip", alx_onnx_make_clip, LAST | TURNED},
    {"LRN", alx_onnx_make_lrn, 0},
    {"MaxPool", alx_onnx_make_max_pool, 0},
    {"GlobalMaxPool", alx_onnx_make_global_max_pool, 0},
    {"AveragePool", alx_onnx_make_average_pool, 0},
    {"GlobalAveragePool", alx_onnx_make_global_average_pool, 0},
    {"Gemm", alx_onnx_make_gemm, LAST | TURNED},
    {"MatMul", alx_onnx_make_mat_mul, LAST},
    {"Add", alx_onnx_make_add, 0},
    {"BatchNormalization", alx_onnx_make_batch_norm, 0},
    {"Dropout", alx_onnx_make_dropout, LAST | TURNED},
    {"Softmax", make_softmax, 0},
    {"LogSoftmax", make_softmax, 0},
    {"Flatten", make_flatten, LAST},
    {"Reshape", make_reshape, LAST},
    {"Squeeze", make_squeeze, 0},
    {"Transpose", make_transpose, LAST | TURNED},
    {"Identity", make_identity, LAST | TURNED},
    {"Cast", make_identity, LAST | TURNED},
    {"QuantizeLinear", make_quantize, LAST | TURNED},
    {"DequantizeLinear", make_dequantize, LAST | TURNED},
};
enum { OP_COUNT = sizeof ops / sizeof *ops };

static const struct op_row *find_row(const struct alx_onnx_node *node)
{
    for (size_t i = 0; i < OP_COUNT && alx_onnx_is_standard(node); i++)
        if (alx_span_is(node->op, ops[i].op))
            return &ops[i];
    return NULL;
}

bool alx_onnx_is_computed(const struct alx_onnx_node *node)
{
    return find_row(node) != NULL;
}

/* --- the chain --- */

static enum alx_status check_place(const struct alx_onnx_maker *maker, const struct op_row *row)
{
    const struct alx_onnx_node *node = maker->node;
    bool second =
        row->make == alx_onnx_make_add && alx_spans_equal(node->inputs[1], maker->current);
    if (!second && !alx_spans_equal(node->inputs[0], maker->current))
        return alx_maker_refuse(maker,
                                "does not read what the node before it writes; it would take "
                                "a network with branches");
    if (maker->ended && row->make != make_identity)
        return alx_maker_refuse(maker, "comes after the softmax");
    if (maker->quantised && row->make != make_dequantize)
        return alx_maker_refuse(maker, "computes with quantised values; it would take integer "
                                       "arithmetic");
    if (maker->channels_last && !(row->takes & LAST))
        return alx_maker_refuse(maker, "reads channels that lie last; export the model in NCHW");
    if (maker->turned && !(row->takes & TURNED))
        return alx_maker_refuse(maker, "reads a transposed matrix; only Gemm with transA does");
    return ALX_STATUS_OK;
}

static enum alx_status walk_node(struct alx_onnx_maker *maker, const struct alx_onnx_node *node)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct op_row *row = find_row(node);
    bool towers = false;
    maker->node = node;
    maker->towers = &node;
    maker->tower_count = 1;
    maker->split = false;
    if (alx_onnx_is_standard(node) && alx_spans_equal(node->inputs[0], maker->current) &&
        !maker->channels_last)
        ALX_TRY(alx_onnx_make_towers(maker, &towers));
    if (towers)
        return status;
    if (!row)
        return alx_maker_refuse(maker, alx_onnx_hint(node));
    ALX_TRY(check_place(maker, row));
    ALX_TRY(row->make(maker));
    maker->current = node->output;
error:
    return status;
}

/* Whether the network is one of the zoo that Caffe's AlexNet was converted for: such files do not
 * say how their pictures are made. */
static bool is_zoo_family(const struct alx_chain *chain)
{
    size_t counts[ALX_LAYER_KIND_COUNT] = {0};
    for (size_t i = 0; i < chain->count; i++)
        counts[chain->layers[i].kind]++;
    return counts[ALX_LAYER_CONV] == 5 && counts[ALX_LAYER_FC] == 3 && counts[ALX_LAYER_LRN] == 2 &&
           counts[ALX_LAYER_MAX_POOL] == 3 && chain->input.channels == 3 &&
           chain->layers[0].out_channels == 96;
}

static void set_preprocess(const struct alx_chain *chain, struct alx_source *source)
{
    if (!is_zoo_family(chain))
        return;
    source->has_preprocess = true;
    source->preprocess = (struct alx_preprocess){.resize = ALX_RESIZE_WARP,
                                                 .filter = ALX_FILTER_ANTIALIAS,
                                                 .order = ALX_ORDER_BGR,
                                                 .scale = 1,
                                                 .mean = {103.939f, 116.779f, 123.68f},
                                                 .std = {1, 1, 1}};
}

enum alx_status alx_onnx_make_net(struct alx_onnx_graph *graph, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_maker maker = {.graph = graph, .source = source, .current = graph->input};
    char name[ALX_NAME_BYTES], output[ALX_NAME_BYTES];
    alx_span_text(graph->name, name, sizeof name);
    if (!name[0])
        snprintf(name, sizeof name, "onnx");
    ALX_TRY(
        alx_alloc(2 * graph->node_count, sizeof *source->tensors, "the tensors", &source->tensors));
    alx_chain_begin(&maker.chain, name,
                    (struct alx_shape){graph->dims[1], graph->dims[2], graph->dims[3]});
    ALX_TRY(alx_onnx_fold(graph, source));
    for (size_t i = 0; i < graph->node_count; i++)
        if (!graph->nodes[i].done)
            ALX_TRY(walk_node(&maker, &graph->nodes[i]));
    if (!alx_spans_equal(maker.current, graph->output) || maker.turned) {
        status =
            alx_fail(ALX_STATUS_MODEL, "output %s: not what the last node writes, or transposed",
                     alx_span_text(graph->output, output, sizeof output));
        goto error;
    }
    ALX_TRY(alx_chain_finish(&maker.chain, &source->net));
    alx_source_sort(source);
    set_preprocess(&maker.chain, source);
error:
    alx_chain_free(&maker.chain);
    return status;
}
