/*
 * The input of Caffe's networks: its shape, and what is done with pictures.
 */
#include <stdio.h>
#include <string.h>

#include "model/caffe.h"
#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The data layer's transformation; what is not said is 0. */
struct transform {
    size_t crop;
    double scale;
    bool grey;
    struct alx_wire_run means;
};

static enum alx_status read_transform(const struct alx_caffe_net *net,
                                      const struct alx_caffe_layer *layer, struct transform *out)
{
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_REAL, offsetof(struct transform, scale)},
        {3, ALX_WIRE_SIZE, offsetof(struct transform, crop)},
        {5, ALX_WIRE_RUN, offsetof(struct transform, means)},
        {7, ALX_WIRE_FLAG, offsetof(struct transform, grey)},
    };
    static const struct alx_wire_row old_rows[] = {
        {2, ALX_WIRE_REAL, offsetof(struct transform, scale)},
        {5, ALX_WIRE_SIZE, offsetof(struct transform, crop)},
    };
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_wire_read(net->file, layer->data, "a data layer", old_rows, COUNT(old_rows), out));
    ALX_TRY(alx_wire_read(net->file, layer->transform, "a transformation", rows, COUNT(rows), out));
error:
    return status;
}

/* Channels that the first layer with weights reads, or 0. */
static enum alx_status first_channels(const struct alx_caffe_net *net,
                                      const struct alx_source *source, size_t *out)
{
    static const struct alx_wire_row rows[] = {{5, ALX_WIRE_SIZE, 0}};
    enum alx_status status = ALX_STATUS_OK;
    char name[ALX_NAME_BYTES + 16];
    size_t group = 1;
    *out = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        if (net->layers[i].kind != ALX_CAFFE_CONVOLUTION)
            continue;
        alx_span_text(net->layers[i].name, name, ALX_NAME_BYTES);
        memcpy(name + strlen(name), ".weight", sizeof ".weight");
        const struct alx_source_tensor *tensor =
            source->tensor_count ? alx_source_find(source, name) : NULL;
        ALX_TRY(
            alx_wire_read(net->file, net->layers[i].convolution, "a convolution", rows, 1, &group));
        if (tensor && tensor->dim_count == 4 && !alx_mul(tensor->dims[1], group, out))
            return alx_caffe_refuse(&net->layers[i], "too many input channels");
        break;
    }
error:
    return status;
}

/* The first input's shape as the file says it: [N, C, H, W], or none. */
static enum alx_status said_shape(const struct alx_caffe_net *net,
                                  const struct alx_caffe_layer *input, struct alx_wire_list *dims)
{
    static const struct alx_wire_row rows[] = {{1, ALX_WIRE_INTS, 0}};
    static const struct alx_wire_row input_rows[] = {{1, ALX_WIRE_SPAN, 0}};
    enum alx_status status = ALX_STATUS_OK;
    struct alx_span shape = net->input_shape;
    if (input)
        ALX_TRY(alx_wire_read(net->file, input->input, "an input", input_rows, 1, &shape));
    if (shape.data)
        ALX_TRY(alx_wire_read(net->file, shape, "a shape", rows, 1, dims));
    else
        *dims = net->input_dims;
    for (size_t i = 0; i < dims->count; i++)
        if (dims->values[i] < 0 || dims->values[i] > ALX_MAX_DIM)
            return alx_fail(ALX_STATUS_MODEL, "the shape of its input is out of range");
error:
    return status;
}

/* Caffe takes the mean before it scales. */
static void set_preprocess(const struct transform *transform, struct alx_shape input,
                           struct alx_source *source)
{
    struct alx_preprocess *p = &source->preprocess;
    float mean[3] = {104, 117, 123}, value;
    double deviation = transform->scale != 0 ? 1 / transform->scale : 1;
    size_t said = transform->means.bytes / sizeof *mean;
    for (size_t i = 0; i < 3; i++) {
        if (said && transform->means.runs == 1) {
            memcpy(&value, transform->means.first.data + (said == 3 ? i : 0) * sizeof value,
                   sizeof value);
            mean[i] = value;
        } else if (input.channels == 1) {
            mean[i] = 0;
        }
    }
    *p = (struct alx_preprocess){.resize = ALX_RESIZE_WARP,
                                 .filter = ALX_FILTER_BILINEAR,
                                 .order = ALX_ORDER_BGR,
                                 .scale = 1,
                                 .std = {(float)deviation, (float)deviation, (float)deviation}};
    memcpy(p->mean, mean, sizeof mean);
    source->has_preprocess = source->has_usual_size = true;
}

enum alx_status alx_caffe_find_input(const struct alx_caffe_net *net, struct alx_source *source,
                                     struct alx_span *blob, struct alx_shape *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_caffe_layer *input = NULL;
    struct transform transform = {0};
    struct alx_wire_list dims = {0};
    struct alx_shape shape = {0};
    *blob = net->input;
    for (size_t i = 0; i < net->layer_count; i++) {
        const struct alx_caffe_layer *layer = &net->layers[i];
        if (layer->kind != ALX_CAFFE_DATA && layer->kind != ALX_CAFFE_INPUT)
            continue;
        if (!blob->data)
            *blob = layer->tops.list[0];
        if (layer->kind == ALX_CAFFE_DATA)
            ALX_TRY(read_transform(net, layer, &transform));
        else if (!input)
            input = layer;
    }
    ALX_TRY(said_shape(net, input, &dims));
    ALX_TRY(first_channels(net, source, &shape.channels));
    if (dims.count >= 4)
        shape = (struct alx_shape){(size_t)dims.values[1], (size_t)dims.values[2],
                                   (size_t)dims.values[3]};
    else
        shape.height = shape.width = transform.crop;
    if (!shape.channels)
        shape.channels = transform.grey ? 1 : 3;
    set_preprocess(&transform, shape, source);
    *out = shape;
error:
    return status;
}
