/*
 * ONNX's operators with weights, and those that go into the weights before them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/onnx_net.h"
#include "net/shape.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

static enum alx_status add_tensor(struct alx_onnx_maker *maker, const char *layer, const char *part,
                                  const size_t *dims, size_t dim_count, struct alx_tensor_view view)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source *source = maker->source;
    struct alx_source_tensor *tensor = &source->tensors[source->tensor_count];
    char name[ALX_NAME_BYTES + 8];
    static const char *const types[] = {
        [ALX_DTYPE_F32] = "float", [ALX_DTYPE_F16] = "float16", [ALX_DTYPE_BF16] = "bfloat16"};
    snprintf(name, sizeof name, "%s.%s", layer, part);
    *tensor = (struct alx_source_tensor){.readable = true, .view = view, .dim_count = dim_count};
    snprintf(tensor->dtype_name, sizeof tensor->dtype_name, "%s", types[view.dtype]);
    memcpy(tensor->dims, dims, dim_count * sizeof *dims);
    ALX_TRY(alx_copy_string(name, &tensor->name));
    source->tensor_count++;
error:
    return status;
}

/* Adds the tensors of the layer that was added last; `bias` without values when it has none. */
static enum alx_status add_weighted(struct alx_onnx_maker *maker, const struct alx_layer *layer,
                                    const size_t *dims, size_t dim_count,
                                    struct alx_tensor_view weight, struct alx_tensor_view bias)
{
    enum alx_status status = ALX_STATUS_OK;
    maker->weight = maker->source->tensor_count;
    ALX_TRY(add_tensor(maker, layer->name, "weight", dims, dim_count, weight));
    if (bias.elems)
        ALX_TRY(add_tensor(maker, layer->name, "bias", &bias.elems, 1, bias));
error:
    return status;
}

/* The window of a convolution with these weights, and its groups. */
static enum alx_status set_conv(const struct alx_onnx_maker *maker,
                                const struct alx_onnx_tensor *weight, struct alx_layer *layer)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t kernel[2];
    int64_t group;
    if (maker->flat || !weight || weight->dim_count != 4)
        return alx_maker_refuse(maker, "only two-dimensional convolutions are computed");
    ALX_TRY(alx_maker_sizes(maker, "kernel_shape", 2, 1, 0, kernel));
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "group", 1, &group));
    layer->out_channels = weight->dims[0];
    layer->kernel_h = weight->dims[2];
    layer->kernel_w = weight->dims[3];
    if ((kernel[0] && (kernel[0] != layer->kernel_h || kernel[1] != layer->kernel_w)) ||
        !layer->kernel_h || !layer->kernel_w || group < 1 || group > ALX_MAX_DIM)
        return alx_maker_refuse(maker, "kernel_shape and weights differ, or group is out of range");
    layer->groups = (size_t)group;
    ALX_TRY(alx_maker_set_window(maker, layer));
error:
    return status;
}

/* Input `number` of all towers, one after the other; no values when none has it. */
static enum alx_status join_values(struct alx_onnx_maker *maker, size_t number,
                                   struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *first = NULL, *tensor;
    struct alx_tensor_view views[ALX_MAX_TOWERS];
    for (size_t i = 0; i < maker->tower_count; i++) {
        maker->node = maker->towers[i];
        ALX_TRY(alx_maker_constant(maker, number, &tensor));
        first = i ? first : tensor;
        if (!tensor != !first ||
            (tensor &&
             (tensor->dim_count != first->dim_count ||
              memcmp(tensor->dims, first->dims, tensor->dim_count * sizeof *tensor->dims) != 0)))
            return alx_maker_refuse(maker, "its weights are not like those of the node beside it");
        if (tensor)
            ALX_TRY(alx_onnx_values(maker->graph->file, tensor, maker->source, &views[i]));
    }
    if (first)
        ALX_TRY(alx_chain_join_values(maker->source, views, maker->tower_count, out));
error:
    return status;
}

enum alx_status alx_onnx_make_conv(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer layer = alx_maker_new_layer(maker, ALX_LAYER_CONV);
    struct alx_onnx_tensor *weight = NULL, *bias = NULL;
    struct alx_tensor_view weights, biases = {0};
    size_t dims[4];
    ALX_TRY(alx_maker_constant(maker, 1, &weight));
    ALX_TRY(alx_maker_constant(maker, 2, &bias));
    ALX_TRY(set_conv(maker, weight, &layer));
    layer.no_bias = !bias;
    if (!alx_chain_join_layers(&layer, maker->tower_count, maker->split))
        return alx_maker_refuse(maker, "a grouped convolution beside another one is not computed");
    memcpy(dims, weight->dims, sizeof dims);
    dims[0] = layer.out_channels;
    if (dims[1] * layer.groups != maker->chain.shape.channels)
        return alx_maker_refuse(maker, "its weights do not fit its input");
    ALX_TRY(alx_chain_add(&maker->chain, &layer));
    ALX_TRY(join_values(maker, 1, &weights));
    ALX_TRY(join_values(maker, 2, &biases));
    ALX_TRY(add_weighted(maker, &layer, dims, 4, weights, biases));
error:
    return status;
}

/* --- fully connected --- */

/* A matrix as [OUT, IN] times `factor`; the view itself where nothing changes. */
static enum alx_status as_rows(struct alx_onnx_maker *maker, const struct alx_onnx_tensor *matrix,
                               bool transposed, double factor, struct alx_tensor_view *view)
{
    enum { BLOCK = 64 };
    enum alx_status status = ALX_STATUS_OK;
    float *kept = NULL, values[BLOCK];
    size_t inputs = matrix->dims[transposed ? 1 : 0], outputs = matrix->dims[transposed ? 0 : 1];
    if (transposed && factor == 1)
        return status;
    ALX_TRY(alx_source_keep(maker->source, view->elems, &kept));
    if (transposed) {
        alx_view_read(*view, 0, view->elems, kept);
        for (size_t i = 0; i < view->elems; i++)
            kept[i] = (float)(factor * (double)kept[i]);
    }
    for (size_t o = 0; !transposed && o < outputs;
         o += BLOCK) /* keeps what it reads in the cache */
        for (size_t i = 0; i < inputs; i++) {
            size_t count = alx_min(BLOCK, outputs - o);
            alx_view_read(*view, i * outputs + o, count, values);
            for (size_t j = 0; j < count; j++)
                kept[(o + j) * inputs + i] = (float)(factor * (double)values[j]);
        }
    *view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, view->elems};
error:
    return status;
}

/* A constant of one value or one an output, [N] or with ones around it, times `factor`. `trailing`
 * sizes of one after it are left out. */
static enum alx_status as_bias(struct alx_onnx_maker *maker, struct alx_onnx_tensor *tensor,
                               size_t outputs, size_t trailing, double factor,
                               struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_tensor_view view;
    float *kept = NULL;
    size_t after = tensor->dim_count; /* sizes after the one that is not 1 */
    while (after && tensor->dims[after - 1] == 1)
        after--;
    bool scalar = tensor->elems == 1;
    size_t beyond = tensor->dim_count - after + trailing; /* of [H, W] */
    bool fits = after && tensor->dims[after - 1] == outputs && tensor->elems == outputs &&
                beyond == (maker->flat ? 0 : 2);
    if (!scalar && !fits)
        return alx_maker_refuse(maker, "what is added is not one value, or one an output");
    ALX_TRY(alx_onnx_values(maker->graph->file, tensor, maker->source, &view));
    if (factor != 1 || view.elems != outputs) {
        ALX_TRY(alx_source_keep(maker->source, outputs, &kept));
        for (size_t i = 0; i < outputs; i++) {
            alx_view_read(view, view.elems == 1 ? 0 : i, 1, &kept[i]);
            kept[i] = (float)(factor * (double)kept[i]);
        }
        view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, outputs};
    }
    *out = view;
error:
    return status;
}

/* Columns that count [H, W, C] of the input count [C, H, W], then. */
static enum alx_status reorder_columns(struct alx_onnx_maker *maker, size_t outputs,
                                       struct alx_tensor_view *view)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_shape in = maker->chain.shape;
    size_t channels = in.channels, pixels = in.height * in.width;
    float *kept = NULL;
    if (pixels == 1 || channels == 1)
        return status;
    ALX_TRY(alx_source_keep(maker->source, view->elems, &kept));
    for (size_t o = 0; o < outputs; o++)
        for (size_t c = 0; c < channels; c++)
            for (size_t i = 0; i < pixels; i++)
                alx_view_read(*view, (o * pixels + i) * channels + c, 1,
                              &kept[(o * channels + c) * pixels + i]);
    *view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, view->elems};
error:
    return status;
}

static enum alx_status add_fc(struct alx_onnx_maker *maker, struct alx_onnx_tensor *matrix,
                              bool transposed, double alpha, struct alx_onnx_tensor *bias,
                              double beta)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer layer = alx_maker_new_layer(maker, ALX_LAYER_FC);
    struct alx_tensor_view weights, biases = {0};
    if (!maker->flat || !matrix || matrix->dim_count != 2)
        return alx_maker_refuse(maker,
                                "only products of a flattened input and a constant matrix are "
                                "computed");
    size_t dims[] = {matrix->dims[transposed ? 0 : 1], matrix->dims[transposed ? 1 : 0]};
    layer.out_channels = dims[0];
    if (!dims[0] || dims[1] != alx_shape_elems(maker->chain.shape))
        return alx_maker_refuse(maker, "its matrix does not fit its input");
    layer.no_bias = !bias;
    ALX_TRY(alx_onnx_values(maker->graph->file, matrix, maker->source, &weights));
    ALX_TRY(as_rows(maker, matrix, transposed, alpha, &weights));
    if (maker->channels_last)
        ALX_TRY(reorder_columns(maker, dims[0], &weights));
    maker->channels_last = false;
    ALX_TRY(alx_chain_add(&maker->chain, &layer));
    if (bias)
        ALX_TRY(as_bias(maker, bias, dims[0], 0, beta, &biases));
    ALX_TRY(add_weighted(maker, &layer, dims, 2, weights, biases));
error:
    return status;
}

enum alx_status alx_onnx_make_gemm(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *matrix = NULL, *bias = NULL;
    int64_t trans_a, trans_b;
    double alpha, beta;
    ALX_TRY(alx_maker_constant(maker, 1, &matrix));
    ALX_TRY(alx_maker_constant(maker, 2, &bias));
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "transA", 0, &trans_a));
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "transB", 0, &trans_b));
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, "alpha", 1, &alpha));
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, "beta", 1, &beta));
    if ((trans_a != 0) != maker->turned)
        return alx_maker_refuse(maker, "transA, or its lack, would mix the images of a batch");
    maker->turned = false;
    ALX_TRY(add_fc(maker, matrix, trans_b != 0, alpha, bias, beta));
error:
    return status;
}

enum alx_status alx_onnx_make_mat_mul(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *matrix = NULL;
    ALX_TRY(alx_maker_constant(maker, 1, &matrix));
    ALX_TRY(add_fc(maker, matrix, false, 1, NULL, 1));
error:
    return status;
}

/* --- what goes into the weights before it --- */

/* Outputs of the open layer become scale * output + shift. */
static enum alx_status fold(struct alx_onnx_maker *maker, const double *scale, const double *shift)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer *open = alx_chain_open_layer(&maker->chain);
    struct alx_source_tensor *weight = &maker->source->tensors[maker->weight];
    struct alx_tensor_view bias = {0};
    if (!open->no_bias)
        bias = weight[1].view;
    ALX_TRY(alx_chain_scale(maker->source, scale, shift, open->out_channels, &weight->view, &bias));
    if (open->no_bias)
        ALX_TRY(add_tensor(maker, open->name, "bias", &bias.elems, 1, bias));
    else
        weight[1].view = bias;
    open->no_bias = false;
error:
    return status;
}

/* What the node adds to the open layer or to the tower's part of it, one value an output. */
static enum alx_status read_added(struct alx_onnx_maker *maker, const struct alx_layer *open,
                                  struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    bool second = alx_onnx_find(maker->graph, maker->node->inputs[0]) != NULL;
    struct alx_onnx_tensor *tensor = NULL;
    int64_t axis; /* of old files: which size of the input is the first of what is added */
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "axis", -1, &axis));
    ALX_TRY(alx_maker_constant(maker, second ? 0 : 1, &tensor));
    bool old = maker->graph->opset < 7 && axis == 1 && !maker->flat && tensor;
    if (!open || !open->no_bias || !tensor)
        return alx_maker_refuse(maker, "only the bias of the layer before it is added");
    ALX_TRY(as_bias(maker, tensor, open->out_channels / maker->tower_count,
                    old && tensor->dim_count == 1 ? 2 : 0, 1, out));
error:
    return status;
}

enum alx_status alx_onnx_make_add(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer *open = alx_chain_open_layer(&maker->chain);
    struct alx_tensor_view views[ALX_MAX_TOWERS], added;
    for (size_t i = 0; i < maker->tower_count; i++) {
        maker->node = maker->towers[i];
        ALX_TRY(read_added(maker, open, &views[i]));
    }
    ALX_TRY(alx_chain_join_values(maker->source, views, maker->tower_count, &added));
    ALX_TRY(add_tensor(maker, open->name, "bias", &added.elems, 1, added));
    open->no_bias = false;
error:
    return status;
}

/* scale * (x - mean) / sqrt(variance + epsilon) + shift; each is given per channel. */
enum alx_status alx_onnx_make_batch_norm(struct alx_onnx_maker *maker)
{
    enum { SCALE = 1, SHIFT, MEAN, VARIANCE, INPUTS };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer *open = alx_chain_open_layer(&maker->chain);
    double *scales = NULL, *shifts = NULL, epsilon;
    struct alx_tensor_view views[INPUTS] = {0};
    int64_t training, spatial;
    ALX_TRY(alx_onnx_real(maker->graph, maker->node, "epsilon", 1e-5, &epsilon));
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "training_mode", 0, &training));
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "spatial", 1, &spatial));
    if (!open || training || !spatial)
        return alx_maker_refuse(maker,
                                "batch normalisation is read only right after a convolution or a "
                                "fully connected layer, and not for training");
    size_t outputs = open->out_channels;
    for (size_t i = SCALE; i < INPUTS; i++) {
        ALX_TRY(join_values(maker, i, &views[i]));
        if (views[i].elems != outputs)
            return alx_maker_refuse(maker, "its parameters do not fit the layer before it");
    }
    ALX_TRY(alx_alloc(outputs, sizeof *scales, "batch normalisation", &scales));
    ALX_TRY(alx_alloc(outputs, sizeof *shifts, "batch normalisation", &shifts));
    for (size_t o = 0; o < outputs; o++) {
        float values[INPUTS];
        for (size_t i = SCALE; i < INPUTS; i++)
            alx_view_read(views[i], o, 1, &values[i]);
        scales[o] = (double)values[SCALE] / sqrt((double)values[VARIANCE] + epsilon);
        shifts[o] = (double)values[SHIFT] - scales[o] * (double)values[MEAN];
    }
    ALX_TRY(fold(maker, scales, shifts));
error:
    free(scales);
    free(shifts);
    return status;
}
