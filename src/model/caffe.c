#include "model/caffe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

enum { MAX_LAYERS = 4096, MAX_BLOBS = 16, MAX_SIDE = 1 << 30 };

/* --- telling the format --- */

/* NetParameter's fields: the ways in which a file can go on. */
static bool is_net_field(const struct alx_wire_field *field)
{
    switch (field->number) {
    case 1:
    case 2:
    case 3:
    case 6:
    case 8:
    case 100:
        return field->type == ALX_WIRE_BYTES;
    case 4:
        return field->type == ALX_WIRE_VARINT || field->type == ALX_WIRE_BYTES;
    case 5:
    case 7:
        return field->type == ALX_WIRE_VARINT;
    }
    return false;
}

static bool probe(const uint8_t *data, size_t bytes)
{
    return alx_wire_probe(data, bytes, is_net_field);
}

/* --- messages --- */

#define AT(member) offsetof(struct alx_caffe_layer, member)
static const struct alx_wire_row v1_rows[] = {
    {1, ALX_WIRE_SPAN, AT(v0)},         {4, ALX_WIRE_SPAN, AT(name)},
    {5, ALX_WIRE_SIZE, AT(old_type)},   {10, ALX_WIRE_SPAN, AT(convolution)},
    {11, ALX_WIRE_SPAN, AT(data)},      {12, ALX_WIRE_SPAN, AT(dropout)},
    {15, ALX_WIRE_SPAN, AT(data)},      {17, ALX_WIRE_SPAN, AT(inner_product)},
    {18, ALX_WIRE_SPAN, AT(lrn)},       {19, ALX_WIRE_SPAN, AT(pooling)},
    {30, ALX_WIRE_SPAN, AT(relu)},      {32, ALX_WIRE_SPAN, AT(include)},
    {36, ALX_WIRE_SPAN, AT(transform)}, {39, ALX_WIRE_SPAN, AT(softmax)},
    {9, ALX_WIRE_SPAN, AT(concat)},     {31, ALX_WIRE_SPAN, AT(slice)},
};
static const struct alx_wire_row v2_rows[] = {
    {1, ALX_WIRE_SPAN, AT(name)},     {2, ALX_WIRE_SPAN, AT(type)},
    {8, ALX_WIRE_SPAN, AT(include)},  {100, ALX_WIRE_SPAN, AT(transform)},
    {104, ALX_WIRE_SPAN, AT(concat)}, {106, ALX_WIRE_SPAN, AT(convolution)},
    {107, ALX_WIRE_SPAN, AT(data)},   {108, ALX_WIRE_SPAN, AT(dropout)},
    {115, ALX_WIRE_SPAN, AT(data)},   {117, ALX_WIRE_SPAN, AT(inner_product)},
    {118, ALX_WIRE_SPAN, AT(lrn)},    {121, ALX_WIRE_SPAN, AT(pooling)},
    {123, ALX_WIRE_SPAN, AT(relu)},   {125, ALX_WIRE_SPAN, AT(softmax)},
    {126, ALX_WIRE_SPAN, AT(slice)},  {139, ALX_WIRE_SPAN, AT(batch_norm)},
    {142, ALX_WIRE_SPAN, AT(scale)},  {143, ALX_WIRE_SPAN, AT(input)},
};
#undef AT
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Field numbers of V1 and V2. */
static uint32_t bottom_number(bool old)
{
    return old ? 2 : 3;
}

static uint32_t top_number(bool old)
{
    return old ? 3 : 4;
}

static uint32_t blobs_number(bool old)
{
    return old ? 6 : 7;
}

/* The types of layers: V2's name, and V1's number; 0: it has none. */
static const struct type_row {
    const char *name;
    size_t old;
    enum alx_caffe_kind kind;
} types[] = {
    {"Convolution", 4, ALX_CAFFE_CONVOLUTION},
    {"InnerProduct", 14, ALX_CAFFE_INNER_PRODUCT},
    {"Pooling", 17, ALX_CAFFE_POOLING},
    {"LRN", 15, ALX_CAFFE_LRN},
    {"ReLU", 18, ALX_CAFFE_RELU},
    {"Dropout", 6, ALX_CAFFE_DROPOUT},
    {"BatchNorm", 0, ALX_CAFFE_BATCH_NORM},
    {"Scale", 0, ALX_CAFFE_SCALE},
    {"Flatten", 8, ALX_CAFFE_FLATTEN},
    {"Split", 22, ALX_CAFFE_SPLIT},
    {"Softmax", 20, ALX_CAFFE_SOFTMAX},
    {"SoftmaxWithLoss", 21, ALX_CAFFE_LOSS},
    {"SoftmaxLoss", 0, ALX_CAFFE_LOSS},
    {"Input", 0, ALX_CAFFE_INPUT},
    {"Data", 5, ALX_CAFFE_DATA},
    {"ImageData", 12, ALX_CAFFE_DATA},
    {"HDF5Data", 9, ALX_CAFFE_DATA},
    {"MemoryData", 29, ALX_CAFFE_DATA},
    {"WindowData", 24, ALX_CAFFE_DATA},
    {"DummyData", 32, ALX_CAFFE_DATA},
    {"Accuracy", 1, ALX_CAFFE_SKIPPED},
    {"Silence", 36, ALX_CAFFE_SKIPPED},
    {"Concat", 3, ALX_CAFFE_CONCAT},
    {"Eltwise", 25, ALX_CAFFE_OTHER},
    {"Slice", 33, ALX_CAFFE_SLICE},
    {"Sigmoid", 19, ALX_CAFFE_OTHER},
    {"TanH", 23, ALX_CAFFE_OTHER},
    {"Power", 26, ALX_CAFFE_OTHER},
    {"Deconvolution", 39, ALX_CAFFE_OTHER},
};

const char *alx_caffe_old_type(size_t number)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i].old && types[i].old == number)
            return types[i].name;
    return NULL;
}

static enum alx_caffe_kind kind_of(const struct alx_caffe_layer *layer)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (layer->old ? types[i].old && types[i].old == layer->old_type
                       : alx_span_is(layer->type, types[i].name))
            return types[i].kind;
    return ALX_CAFFE_OTHER;
}

static enum alx_status read_names(const uint8_t *file, struct alx_span message, uint32_t number,
                                  struct alx_caffe_names *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(file, message);
    struct alx_span name;
    for (bool found = true;; out->count++) {
        ALX_TRY(alx_wire_next_of(&wire, number, &name, &found));
        if (!found)
            break;
        if (out->count < ALX_CAFFE_NAMES)
            out->list[out->count] = name;
    }
error:
    return status;
}

bool alx_caffe_has_name(const struct alx_caffe_names *names, struct alx_span name)
{
    for (size_t i = 0; i < names->count && i < ALX_CAFFE_NAMES; i++)
        if (alx_spans_equal(names->list[i], name))
            return true;
    return false;
}

static enum alx_status open_layer(const uint8_t *file, struct alx_span message, bool old,
                                  struct alx_caffe_layer *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_caffe_layer layer = {.message = message, .old = old};
    ALX_TRY(alx_wire_read(file, message, "a layer", old ? v1_rows : v2_rows,
                          old ? COUNT(v1_rows) : COUNT(v2_rows), &layer));
    if (layer.v0.data)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: a layer of Caffe's first format (V0); let Caffe's "
                        "upgrade_net_proto_binary make a new file of it",
                        (size_t)(message.data - file));
    ALX_TRY(read_names(file, message, bottom_number(old), &layer.bottoms));
    ALX_TRY(read_names(file, message, top_number(old), &layer.tops));
    layer.kind = kind_of(&layer);
    *out = layer;
error:
    return status;
}

static enum alx_status count_layers(const struct alx_caffe_net *net, size_t *count)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(net->file, net->message);
    struct alx_wire_field field;
    size_t old = 0, fresh = 0;
    for (bool found = true; found;) {
        ALX_TRY(alx_wire_next(&wire, &field, &found));
        old += found && field.number == 2;
        fresh += found && field.number == 100;
    }
    if (old && fresh)
        return alx_fail(ALX_STATUS_MODEL, "has %zu layers of Caffe's old form and %zu of the new",
                        old, fresh);
    if (old + fresh > MAX_LAYERS)
        return alx_fail(ALX_STATUS_MODEL, "%zu layers; up to %d are read", old + fresh, MAX_LAYERS);
    *count = old + fresh;
error:
    return status;
}

enum alx_status alx_caffe_open(const uint8_t *file, struct alx_span message,
                               struct alx_caffe_net *out)
{
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SPAN, offsetof(struct alx_caffe_net, name)},
        {4, ALX_WIRE_INTS, offsetof(struct alx_caffe_net, input_dims)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(file, message), inputs = wire, shapes = wire;
    struct alx_wire_field field;
    size_t count = 0;
    bool found = true;
    *out = (struct alx_caffe_net){.file = file, .message = message};
    ALX_TRY(alx_wire_read(file, message, "the network", rows, COUNT(rows), out));
    ALX_TRY(alx_wire_next_of(&inputs, 3, &out->input, &found));
    ALX_TRY(alx_wire_next_of(&shapes, 8, &out->input_shape, &found));
    ALX_TRY(count_layers(out, &count));
    ALX_TRY(alx_alloc(count, sizeof *out->layers, "the layers", &out->layers));
    for (found = true; found;) {
        ALX_TRY(alx_wire_next(&wire, &field, &found));
        if (!found || (field.number != 2 && field.number != 100))
            continue;
        if (field.type != ALX_WIRE_BYTES)
            return alx_fail(ALX_STATUS_MODEL, "layer %zu: a number", out->layer_count + 1);
        ALX_TRY(open_layer(file, field.span, field.number == 2, &out->layers[out->layer_count]));
        out->layer_count++;
    }
error:
    return status;
}

void alx_caffe_free(struct alx_caffe_net *net)
{
    free(net->layers);
    *net = (struct alx_caffe_net){0};
}

/* --- blobs --- */

/* A BlobProto; old sizes are -1 where they are not said. */
struct blob {
    int64_t old_dims[4];
    struct alx_span shape;
    struct alx_wire_list dims;
    struct alx_wire_run floats, doubles;
};

static enum alx_status set_dims(const struct blob *blob, const char *what, bool legacy,
                                struct alx_source_tensor *out)
{
    out->dim_count = legacy ? 4 : blob->dims.count;
    out->view.elems = 1;
    for (size_t i = 0; i < out->dim_count; i++) {
        int64_t dim = legacy ? blob->old_dims[i] : blob->dims.values[i];
        dim = legacy && dim < 0 ? 0 : dim; /* what is not said is 0 */
        if (dim < 0 || dim > MAX_SIDE || !alx_mul(out->view.elems, (size_t)dim, &out->view.elems))
            return alx_fail(ALX_STATUS_MODEL, "%s: its shape has too many values", what);
        out->dims[i] = (size_t)dim;
    }
    return ALX_STATUS_OK;
}

static enum alx_status set_values(const uint8_t *file, struct alx_span message, const char *what,
                                  const struct blob *blob, struct alx_source *source,
                                  struct alx_source_tensor *out)
{
    enum { DATA = 5, DOUBLE_DATA = 8 };
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_wire_run *run = blob->doubles.bytes ? &blob->doubles : &blob->floats;
    size_t size = run == &blob->doubles ? sizeof(double) : sizeof(float);
    struct alx_span values = run->first;
    uint8_t *gathered = NULL;
    float *kept = NULL;
    char shown[ALX_SHOW_BYTES];
    if (run->bytes % size || run->bytes / size != out->view.elems)
        return alx_fail(ALX_STATUS_MODEL, "%s: its shape is %s, but there are %zu bytes of values",
                        what, alx_show_dims(out->dims, out->dim_count, shown), run->bytes);
    if (run->runs > 1 && size == sizeof(float)) {
        ALX_TRY(alx_source_keep(source, out->view.elems, &kept));
        ALX_TRY(alx_wire_gather(file, message, DATA, run->bytes, (uint8_t *)kept));
    } else if (size == sizeof(double)) {
        ALX_TRY(alx_source_keep(source, out->view.elems, &kept));
        if (run->runs > 1) {
            ALX_TRY(alx_alloc(run->bytes, 1, what, &gathered));
            ALX_TRY(alx_wire_gather(file, message, DOUBLE_DATA, run->bytes, gathered));
            values.data = gathered;
        }
        for (size_t i = 0; i < out->view.elems; i++) {
            double value;
            memcpy(&value, values.data + i * sizeof value, sizeof value);
            kept[i] = (float)value;
        }
    }
    out->view.data = kept ? (const uint8_t *)kept : values.data;
    out->view.dtype = ALX_DTYPE_F32;
    out->readable = true;
    alx_text_copy(out->dtype_name, sizeof out->dtype_name,
                  size == sizeof(float) ? "float" : "double");
error:
    free(gathered);
    return status;
}

enum alx_status alx_caffe_read_blob(const uint8_t *file, struct alx_span message, const char *what,
                                    struct alx_source *source, struct alx_source_tensor *out,
                                    bool *legacy)
{
#define AT(member) offsetof(struct blob, member)
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_INT, AT(old_dims[0])}, {2, ALX_WIRE_INT, AT(old_dims[1])},
        {3, ALX_WIRE_INT, AT(old_dims[2])}, {4, ALX_WIRE_INT, AT(old_dims[3])},
        {5, ALX_WIRE_RUN, AT(floats)},      {7, ALX_WIRE_SPAN, AT(shape)},
        {8, ALX_WIRE_RUN, AT(doubles)},
    };
#undef AT
    static const struct alx_wire_row dim_rows[] = {{1, ALX_WIRE_INTS, 0}};
    enum alx_status status = ALX_STATUS_OK;
    struct blob blob = {.old_dims = {-1, -1, -1, -1}};
    struct alx_source_tensor tensor = {0};
    ALX_TRY(alx_wire_read(file, message, what, rows, COUNT(rows), &blob));
    if (blob.shape.data)
        ALX_TRY(alx_wire_read(file, blob.shape, what, dim_rows, 1, &blob.dims));
    *legacy = false;
    for (int i = 0; i < 4; i++)
        *legacy |= blob.old_dims[i] >= 0;
    ALX_TRY(set_dims(&blob, what, *legacy, &tensor));
    ALX_TRY(set_values(file, message, what, &blob, source, &tensor));
    *out = tensor;
error:
    return status;
}

/* Old shapes have four sizes, of which the first ones may be 1: those that the tensor has are its
 * last `count`. */
static void strip_dims(struct alx_source_tensor *tensor, size_t count)
{
    size_t surplus = tensor->dim_count - count;
    for (size_t i = 0; i < surplus; i++)
        if (tensor->dims[i] != 1)
            return;
    memmove(tensor->dims, tensor->dims + surplus, count * sizeof *tensor->dims);
    tensor->dim_count = count;
}

/* --- the source --- */

static enum alx_status add_blob(const struct alx_caffe_net *net,
                                const struct alx_caffe_layer *layer, size_t index,
                                struct alx_span message, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    bool weighted = layer->kind == ALX_CAFFE_CONVOLUTION || layer->kind == ALX_CAFFE_INNER_PRODUCT;
    char name[ALX_NAME_BYTES + 16], what[ALX_NAME_BYTES + 32];
    struct alx_source_tensor tensor;
    bool legacy;
    alx_span_text(layer->name, name, ALX_NAME_BYTES);
    size_t length = strlen(name);
    if (weighted && index < 2)
        snprintf(name + length, sizeof name - length, index ? ".bias" : ".weight");
    else
        snprintf(name + length, sizeof name - length, ".blob%zu", index);
    snprintf(what, sizeof what, "tensor %s", name);
    ALX_TRY(alx_caffe_read_blob(net->file, message, what, source, &tensor, &legacy));
    if (legacy && weighted && index == 1)
        strip_dims(&tensor, 1);
    else if (legacy && layer->kind == ALX_CAFFE_INNER_PRODUCT && index == 0)
        strip_dims(&tensor, 2);
    ALX_TRY(alx_copy_string(name, &tensor.name));
    source->tensors[source->tensor_count++] = tensor;
error:
    return status;
}

static enum alx_status add_blobs(const struct alx_caffe_net *net,
                                 const struct alx_caffe_layer *layer, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(net->file, layer->message);
    struct alx_span message;
    char shown[ALX_SHOW_BYTES];
    for (size_t i = 0;; i++) {
        bool found;
        ALX_TRY(alx_wire_next_of(&wire, blobs_number(layer->old), &message, &found));
        if (!found)
            break;
        if (i == MAX_BLOBS)
            return alx_fail(ALX_STATUS_MODEL, "layer %s: more than %d blobs",
                            alx_span_text(layer->name, shown, sizeof shown), MAX_BLOBS);
        ALX_TRY(add_blob(net, layer, i, message, source));
    }
error:
    return status;
}

static enum alx_status check_names(const struct alx_source *source)
{
    char shown[ALX_SHOW_BYTES];
    for (size_t i = 1; i < source->tensor_count; i++)
        if (!strcmp(source->tensors[i].name, source->tensors[i - 1].name))
            return alx_fail(ALX_STATUS_MODEL, "tensor %s: is there twice",
                            alx_show(source->tensors[i].name, shown));
    return ALX_STATUS_OK;
}

static enum alx_status read_file(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_caffe_net net = {0};
    ALX_TRY(alx_caffe_open(data, (struct alx_span){data, bytes}, &net));
    /* one more a layer: a bias that a normalisation makes */
    ALX_TRY(alx_alloc(net.layer_count * (MAX_BLOBS + 1), sizeof *source->tensors, "the tensors",
                      &source->tensors));
    for (size_t i = 0; i < net.layer_count; i++)
        ALX_TRY(add_blobs(&net, &net.layers[i], source));
    alx_source_sort(source);
    ALX_TRY(check_names(source));
    if (!source->tensor_count) {
        status = alx_fail(ALX_STATUS_MODEL, "none of its %zu layers has weights", net.layer_count);
        goto error;
    }
    ALX_TRY(alx_caffe_fold(&net, source));
    ALX_TRY(alx_caffe_make_net(&net, source));
error:
    alx_caffe_free(&net);
    return status;
}

const struct alx_reader alx_reader_caffe = {"caffemodel", ".caffemodel", probe, read_file};
