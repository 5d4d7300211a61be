/*
 * ONNX's windows: their padding, and poolings.
 */
#include <string.h>

#include "model/onnx_net.h"
#include "util/error.h"
#include "util/memory.h"

/* The padding that `auto_pad` means, of which the larger half is after or before. */
static void same_pads(size_t in, size_t kernel, size_t stride, size_t dilation, bool upper,
                      size_t *before, size_t *after)
{
    size_t reach = (kernel - 1) * dilation + 1;
    size_t covered = (alx_ceil_div(in, stride) - 1) * stride + reach;
    size_t total = covered > in ? covered - in : 0;
    *before = upper ? total / 2 : total - total / 2;
    *after = total - *before;
}

enum alx_status alx_maker_sizes(const struct alx_onnx_maker *maker, const char *name, size_t count,
                                size_t low, size_t fallback, size_t *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire_list list = {0};
    ALX_TRY(alx_onnx_list(maker->graph, maker->node, name, &list));
    if (list.count && list.count != count)
        return alx_maker_refuse(maker, "its windows are not two-dimensional");
    for (size_t i = 0; i < count; i++) {
        if (list.count && (list.values[i] < (int64_t)low || list.values[i] > 4096))
            return alx_maker_refuse(maker, "kernel, strides, pads or dilations are out of range");
        out[i] = list.count ? (size_t)list.values[i] : fallback;
    }
error:
    return status;
}

enum alx_status alx_maker_set_window(const struct alx_onnx_maker *maker, struct alx_layer *layer)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_span text, tensor;
    size_t strides[2], dilations[2], pads[4];
    ALX_TRY(alx_maker_sizes(maker, "strides", 2, 1, 1, strides));
    ALX_TRY(alx_maker_sizes(maker, "dilations", 2, 1, 1, dilations));
    ALX_TRY(alx_maker_sizes(maker, "pads", 4, 0, 0, pads));
    ALX_TRY(alx_onnx_span(maker->graph, maker->node, "auto_pad", &text, &tensor));
    bool upper = alx_span_is(text, "SAME_UPPER"), lower = alx_span_is(text, "SAME_LOWER");
    if (alx_span_is(text, "VALID"))
        memset(pads, 0, sizeof pads);
    else if (text.bytes && !upper && !lower && !alx_span_is(text, "NOTSET"))
        return alx_maker_refuse(maker, "an unknown auto_pad");
    if (upper || lower) {
        struct alx_shape in = maker->chain.shape;
        same_pads(in.height, layer->kernel_h, strides[0], dilations[0], upper, &pads[0], &pads[2]);
        same_pads(in.width, layer->kernel_w, strides[1], dilations[1], upper, &pads[1], &pads[3]);
    }
    layer->stride_h = strides[0];
    layer->stride_w = strides[1];
    layer->dilation_h = dilations[0];
    layer->dilation_w = dilations[1];
    layer->pad_top = pads[0];
    layer->pad_left = pads[1];
    layer->pad_bottom = pads[2];
    layer->pad_right = pads[3];
error:
    return status;
}

static enum alx_status make_pool(struct alx_onnx_maker *maker, struct alx_layer *layer)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t kernel[2];
    int64_t ceil_mode;
    if (maker->flat)
        return alx_maker_refuse(maker, "reads a matrix");
    ALX_TRY(alx_maker_sizes(maker, "kernel_shape", 2, 1, 0, kernel));
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "ceil_mode", 0, &ceil_mode));
    layer->kernel_h = kernel[0];
    layer->kernel_w = kernel[1];
    if (!kernel[0])
        return alx_maker_refuse(maker, "has no kernel_shape");
    ALX_TRY(alx_maker_set_window(maker, layer));
    layer->ceil_mode = ceil_mode != 0;
    /* The largest or the mean of one value: what torchvision's AdaptiveAvgPool is at 224 pixels. */
    bool nothing = kernel[0] == 1 && kernel[1] == 1 && layer->stride_h == 1 &&
                   layer->stride_w == 1 && !layer->pad_top && !layer->pad_left &&
                   !layer->pad_bottom && !layer->pad_right;
    if (!nothing)
        ALX_TRY(alx_chain_add(&maker->chain, layer));
error:
    return status;
}

enum alx_status alx_onnx_make_max_pool(struct alx_onnx_maker *maker)
{
    struct alx_layer layer = alx_maker_new_layer(maker, ALX_LAYER_MAX_POOL);
    return make_pool(maker, &layer);
}

enum alx_status alx_onnx_make_average_pool(struct alx_onnx_maker *maker)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer layer = alx_maker_new_layer(maker, ALX_LAYER_AVG_POOL);
    int64_t count_padding;
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "count_include_pad", 0, &count_padding));
    layer.count_padding = count_padding != 0;
    ALX_TRY(make_pool(maker, &layer));
error:
    return status;
}

/* One window over the whole input. */
static enum alx_status make_global_pool(struct alx_onnx_maker *maker, enum alx_layer_kind kind)
{
    struct alx_layer layer = alx_maker_new_layer(maker, kind);
    layer.kernel_h = maker->chain.shape.height;
    layer.kernel_w = maker->chain.shape.width;
    if (layer.kernel_h == 1 && layer.kernel_w == 1)
        return ALX_STATUS_OK;
    return alx_chain_add(&maker->chain, &layer);
}

enum alx_status alx_onnx_make_global_max_pool(struct alx_onnx_maker *maker)
{
    return make_global_pool(maker, ALX_LAYER_MAX_POOL);
}

enum alx_status alx_onnx_make_global_average_pool(struct alx_onnx_maker *maker)
{
    return make_global_pool(maker, ALX_LAYER_AVG_POOL);
}
