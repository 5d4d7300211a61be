/*
 * ONNX's tensors and their values.
 */
#include <stdlib.h>
#include <string.h>

#include "model/onnx.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FLOAT_DATA = 4, INT32_DATA = 5, INT64_DATA = 7, DOUBLE_DATA = 10 };
enum { EXTERNAL = 1 }; /* data_location */

/* A TensorProto. */
struct proto {
    struct alx_wire_list dims;
    int64_t type, location;
    struct alx_wire_run floats, ints32, ints64, doubles;
    struct alx_span name, raw;
};

static enum alx_status read_proto(const uint8_t *file, struct alx_span message, struct proto *out)
{
#define AT(member) offsetof(struct proto, member)
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_INTS, AT(dims)},
        {2, ALX_WIRE_INT, AT(type)},
        {FLOAT_DATA, ALX_WIRE_RUN, AT(floats)},
        {INT32_DATA, ALX_WIRE_RUN, AT(ints32)},
        {INT64_DATA, ALX_WIRE_RUN, AT(ints64)},
        {8, ALX_WIRE_SPAN, AT(name)},
        {9, ALX_WIRE_SPAN, AT(raw)},
        {DOUBLE_DATA, ALX_WIRE_RUN, AT(doubles)},
        {14, ALX_WIRE_INT, AT(location)},
    };
#undef AT
    *out = (struct proto){0};
    return alx_wire_read(file, message, "a tensor", rows, COUNT(rows), out);
}

enum alx_status alx_onnx_refuse_tensor(const struct alx_onnx_tensor *tensor, const char *why)
{
    char name[ALX_SHOW_BYTES];
    return alx_fail(ALX_STATUS_MODEL, "tensor %s: %s",
                    alx_span_text(tensor->name, name, sizeof name), why);
}

enum alx_status alx_onnx_read_tensor(const uint8_t *file, struct alx_span message,
                                     struct alx_onnx_tensor *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct proto proto;
    ALX_TRY(read_proto(file, message, &proto));
    struct alx_onnx_tensor tensor = {.name = proto.name,
                                     .message = message,
                                     .type = proto.type,
                                     .dim_count = proto.dims.count,
                                     .elems = 1};
    bool typed = proto.floats.runs || proto.ints32.runs || proto.ints64.runs || proto.doubles.runs;
    if (proto.location != 0 && proto.location != EXTERNAL)
        return alx_onnx_refuse_tensor(&tensor, "its values lie at an unknown kind of place");
    tensor.external = proto.location == EXTERNAL;
    if ((proto.raw.data && typed) || (tensor.external && (proto.raw.data || typed)))
        return alx_onnx_refuse_tensor(&tensor,
                                      "has values twice: of raw, typed and external ones only one "
                                      "can be meant");
    for (size_t i = 0; i < tensor.dim_count; i++) {
        int64_t dim = proto.dims.values[i];
        if (dim < 0 || !alx_mul(tensor.elems, (size_t)dim, &tensor.elems))
            return alx_onnx_refuse_tensor(&tensor, "its shape is out of range");
        tensor.dims[i] = (size_t)dim;
    }
    *out = tensor;
error:
    return status;
}

static size_t type_bytes(int64_t type)
{
    switch (type) {
    case ALX_ONNX_FLOAT:
    case ALX_ONNX_INT32:
        return 4;
    case ALX_ONNX_INT8:
    case ALX_ONNX_UINT8:
    case ALX_ONNX_BOOL:
        return 1;
    case ALX_ONNX_DOUBLE:
    case ALX_ONNX_INT64:
        return 8;
    case ALX_ONNX_FLOAT16:
    case ALX_ONNX_BFLOAT16:
        return 2;
    }
    return 0;
}

/* One value of the file as float. */
static float raw_value(int64_t type, const uint8_t *at)
{
    double real;
    int32_t small;
    int64_t large;
    switch (type) {
    case ALX_ONNX_DOUBLE:
        memcpy(&real, at, sizeof real);
        return (float)real;
    case ALX_ONNX_INT32:
        memcpy(&small, at, sizeof small);
        return (float)small;
    case ALX_ONNX_INT64:
        memcpy(&large, at, sizeof large);
        return (float)large;
    case ALX_ONNX_INT8:
        return (float)(int8_t)*at;
    default:
        return (float)*at;
    }
}

static enum alx_status wrong_size(const struct alx_onnx_tensor *tensor, size_t values)
{
    char name[ALX_SHOW_BYTES], dims[ALX_SHOW_BYTES];
    return alx_fail(ALX_STATUS_MODEL, "tensor %s: its shape is %s, but there are %zu values",
                    alx_span_text(tensor->name, name, sizeof name),
                    alx_show_dims(tensor->dims, tensor->dim_count, dims), values);
}

/* Values in runs of a fixed size, `size` bytes each, at one place. */
static enum alx_status place_runs(const uint8_t *file, const struct alx_onnx_tensor *tensor,
                                  const struct alx_wire_run *run, uint32_t number, size_t size,
                                  struct alx_source *source, const uint8_t **out)
{
    enum alx_status status = ALX_STATUS_OK;
    float *kept = NULL;
    if (run->bytes % size || run->bytes / size != tensor->elems)
        return wrong_size(tensor, run->bytes / size);
    if (run->runs <= 1) {
        *out = run->first.data;
        return status;
    }
    ALX_TRY(alx_source_keep(source, run->bytes / sizeof *kept, &kept));
    ALX_TRY(alx_wire_gather(file, tensor->message, number, run->bytes, (uint8_t *)kept));
    *out = (const uint8_t *)kept;
error:
    return status;
}

/* Values that are varints: all small types, one a number; halves are bits. */
static enum alx_status read_varints(const uint8_t *file, const struct alx_onnx_tensor *tensor,
                                    uint32_t number, struct alx_source *source,
                                    struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    float *kept = NULL;
    int64_t *values = NULL;
    size_t count = 0;
    ALX_TRY(alx_wire_varints(file, tensor->message, number, NULL, 0, &count));
    if (count != tensor->elems)
        return wrong_size(tensor, count);
    ALX_TRY(alx_source_keep(source, count, &kept));
    ALX_TRY(alx_alloc(count, sizeof *values, "a tensor", &values));
    ALX_TRY(alx_wire_varints(file, tensor->message, number, values, count, &count));
    for (size_t i = 0; i < count; i++) {
        uint16_t bits = (uint16_t)values[i];
        struct alx_tensor_view half = {
            &bits, tensor->type == ALX_ONNX_FLOAT16 ? ALX_DTYPE_F16 : ALX_DTYPE_BF16, 1};
        if (tensor->type == ALX_ONNX_FLOAT16 || tensor->type == ALX_ONNX_BFLOAT16)
            alx_view_read(half, 0, 1, &kept[i]);
        else
            kept[i] = (float)values[i];
    }
    *out = (struct alx_tensor_view){kept, ALX_DTYPE_F32, count};
error:
    free(values);
    return status;
}

/* Bytes of the type, one value after the other, become a view of them or converted ones. */
static enum alx_status view_bytes(const struct alx_onnx_tensor *tensor, const uint8_t *data,
                                  struct alx_source *source, struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t size = type_bytes(tensor->type);
    float *kept = NULL;
    *out = (struct alx_tensor_view){data, ALX_DTYPE_F32, tensor->elems};
    if (tensor->type == ALX_ONNX_FLOAT)
        return status;
    if (size == 2) {
        out->dtype = tensor->type == ALX_ONNX_FLOAT16 ? ALX_DTYPE_F16 : ALX_DTYPE_BF16;
        return status;
    }
    ALX_TRY(alx_source_keep(source, tensor->elems, &kept));
    for (size_t i = 0; i < tensor->elems; i++)
        kept[i] = raw_value(tensor->type, data + i * size);
    out->data = kept;
error:
    return status;
}

static enum alx_status read_values(const uint8_t *file, const struct alx_onnx_tensor *tensor,
                                   struct alx_source *source, struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct proto proto;
    const uint8_t *data = NULL;
    size_t size = type_bytes(tensor->type), bytes;
    ALX_TRY(read_proto(file, tensor->message, &proto));
    if (!size)
        return alx_onnx_refuse_tensor(tensor,
                                      "values of its type are not read; convert them to float");
    if (!alx_mul(tensor->elems, size, &bytes))
        return alx_onnx_refuse_tensor(tensor, "its shape is out of range");
    if (tensor->external)
        ALX_TRY(alx_onnx_external(file, tensor, source, bytes, &proto.raw));
    if (proto.raw.data) {
        if (proto.raw.bytes != bytes)
            return wrong_size(tensor, proto.raw.bytes / size);
        data = proto.raw.data;
    } else if (tensor->type == ALX_ONNX_FLOAT) {
        ALX_TRY(place_runs(file, tensor, &proto.floats, FLOAT_DATA, size, source, &data));
    } else if (tensor->type == ALX_ONNX_DOUBLE) {
        ALX_TRY(place_runs(file, tensor, &proto.doubles, DOUBLE_DATA, size, source, &data));
    } else {
        return read_varints(file, tensor, tensor->type == ALX_ONNX_INT64 ? INT64_DATA : INT32_DATA,
                            source, out);
    }
    ALX_TRY(view_bytes(tensor, data, source, out));
error:
    return status;
}

enum alx_status alx_onnx_values(const uint8_t *file, struct alx_onnx_tensor *tensor,
                                struct alx_source *source, struct alx_tensor_view *out)
{
    enum alx_status status = ALX_STATUS_OK;
    float *kept = NULL;
    if (tensor->filled && !tensor->view.data) {
        ALX_TRY(alx_source_keep(source, tensor->elems, &kept));
        for (size_t i = 0; i < tensor->elems; i++)
            kept[i] = tensor->fill;
        tensor->view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, tensor->elems};
    }
    if (!tensor->view.data) {
        if (!tensor->message.data)
            return alx_onnx_refuse_tensor(tensor, "whole numbers where weights belong");
        ALX_TRY(read_values(file, tensor, source, &tensor->view));
    }
    *out = tensor->view;
error:
    return status;
}

enum alx_status alx_onnx_ints(const uint8_t *file, struct alx_onnx_tensor *tensor,
                              struct alx_source *source, struct alx_wire_list *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct proto proto;
    struct alx_wire_list list = {0};
    if (tensor->type != ALX_ONNX_INT64 && tensor->type != ALX_ONNX_INT32)
        return alx_onnx_refuse_tensor(tensor, "must hold whole numbers");
    if (!tensor->message.data) {
        *out = tensor->ints;
        return status;
    }
    ALX_TRY(read_proto(file, tensor->message, &proto));
    if (tensor->elems > ALX_WIRE_LIST)
        return alx_onnx_refuse_tensor(tensor, "has too many numbers for what it is used for");
    size_t size = type_bytes(tensor->type);
    if (tensor->external)
        ALX_TRY(alx_onnx_external(file, tensor, source, size * tensor->elems, &proto.raw));
    if (proto.raw.data && proto.raw.bytes == size * tensor->elems) {
        list.count = tensor->elems;
        for (size_t i = 0; i < list.count; i++) {
            int32_t small;
            memcpy(size == 8 ? (void *)&list.values[i] : &small, proto.raw.data + i * size, size);
            if (size == 4)
                list.values[i] = small;
        }
    } else {
        ALX_TRY(alx_wire_varints(file, tensor->message, size == 8 ? INT64_DATA : INT32_DATA,
                                 list.values, ALX_WIRE_LIST, &list.count));
    }
    if (list.count != tensor->elems)
        return wrong_size(tensor, list.count);
    *out = list;
error:
    return status;
}

struct alx_onnx_tensor *alx_onnx_find(const struct alx_onnx_graph *graph, struct alx_span name)
{
    for (size_t i = 0; name.bytes && i < graph->tensor_count; i++)
        if (alx_spans_equal(graph->tensors[i].name, name))
            return &graph->tensors[i];
    return NULL;
}
