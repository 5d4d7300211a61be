/*
 * What ONNX nodes make of constants.
 */
#include <string.h>

#include "model/onnx.h"
#include "net/shape.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

/* A node and the constant in the making: `out` has the node's name already. */
struct folding {
    struct alx_onnx_graph *graph;
    const struct alx_onnx_node *node;
    struct alx_source *source;
    struct alx_onnx_tensor *in; /* the first input; NULL when there is none */
    struct alx_onnx_tensor *out;
};

static void set_dims(struct alx_onnx_tensor *tensor, const struct alx_onnx_tensor *like)
{
    memcpy(tensor->dims, like->dims, sizeof tensor->dims);
    tensor->dim_count = like->dim_count;
    tensor->elems = like->elems;
}

/* The same values. */
static enum alx_status fold_identity(struct folding *f)
{
    struct alx_span name = f->out->name;
    *f->out = *f->in;
    f->out->name = name;
    return ALX_STATUS_OK;
}

static enum alx_status fold_cast(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    int64_t to;
    ALX_TRY(alx_onnx_int(f->graph, f->node, "to", 0, &to));
    bool from_ints = f->in->type == ALX_ONNX_INT64 || f->in->type == ALX_ONNX_INT32;
    bool to_ints = to == ALX_ONNX_INT64 || to == ALX_ONNX_INT32;
    bool to_reals = to == ALX_ONNX_FLOAT || to == ALX_ONNX_FLOAT16 || to == ALX_ONNX_DOUBLE ||
                    to == ALX_ONNX_BFLOAT16;
    if (from_ints ? !to_ints : !to_reals)
        return alx_onnx_refuse(f->node,
                               "a conversion between whole numbers and others is not done");
    ALX_TRY(fold_identity(f));
error:
    return status;
}

static enum alx_status fold_constant(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_span text, message, name = f->out->name;
    ALX_TRY(alx_onnx_span(f->graph, f->node, "value", &text, &message));
    if (message.data) {
        ALX_TRY(alx_onnx_read_tensor(f->graph->file, message, f->out));
        f->out->name = name;
        return status;
    }
    f->out->type = ALX_ONNX_INT64;
    ALX_TRY(alx_onnx_list(f->graph, f->node, "value_ints", &f->out->ints));
    f->out->dim_count = 1;
    if (!f->out->ints.count) {
        struct alx_wire_list *ints = &f->out->ints;
        f->out->dim_count = 0;
        ints->count = 1;
        ALX_TRY(alx_onnx_int(f->graph, f->node, "value_int", INT64_MIN, &ints->values[0]));
        if (ints->values[0] == INT64_MIN)
            return alx_onnx_refuse(f->node, "a constant of a kind that is not read");
    }
    f->out->dims[0] = f->out->elems = f->out->ints.count;
error:
    return status;
}

/* Fills with the one value of the attribute, 0 without. */
static enum alx_status fold_filled(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor value = {.type = ALX_ONNX_FLOAT}, *out = f->out;
    struct alx_wire_list dims = {0}, ints = {0};
    struct alx_span text, message;
    struct alx_tensor_view view;
    ALX_TRY(alx_onnx_ints(f->graph->file, f->in, &dims));
    ALX_TRY(alx_onnx_span(f->graph, f->node, "value", &text, &message));
    if (message.data)
        ALX_TRY(alx_onnx_read_tensor(f->graph->file, message, &value));
    out->type = value.type;
    out->dim_count = dims.count;
    out->elems = 1;
    for (size_t i = 0; i < dims.count; i++) {
        if (dims.values[i] < 0 || !alx_mul(out->elems, (size_t)dims.values[i], &out->elems))
            return alx_onnx_refuse(f->node, "its shape is out of range");
        out->dims[i] = (size_t)dims.values[i];
    }
    if (message.data && value.elems != 1)
        return alx_onnx_refuse(f->node, "its value is not one");
    if (value.type == ALX_ONNX_INT64 || value.type == ALX_ONNX_INT32) {
        ALX_TRY(alx_onnx_ints(f->graph->file, &value, &ints));
        if (out->elems > ALX_WIRE_LIST)
            return alx_onnx_refuse(f->node, "has too many whole numbers");
        out->ints.count = out->elems;
        for (size_t i = 0; i < out->elems; i++)
            out->ints.values[i] = ints.values[0];
        return status;
    }
    if (message.data) {
        ALX_TRY(alx_onnx_values(f->graph->file, &value, f->source, &view));
        alx_view_read(view, 0, 1, &out->fill);
    }
    out->filled = true;
error:
    return status;
}

static enum alx_status fold_reshape(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *shape = alx_onnx_find(f->graph, f->node->inputs[1]);
    struct alx_wire_list dims = {0};
    size_t elems = 1, free_dim = ALX_TENSOR_MAX_DIMS;
    if (shape)
        ALX_TRY(alx_onnx_ints(f->graph->file, shape, &dims));
    else
        ALX_TRY(alx_onnx_list(f->graph, f->node, "shape", &dims));
    ALX_TRY(fold_identity(f));
    f->out->dim_count = dims.count;
    for (size_t i = 0; i < dims.count; i++) {
        int64_t dim =
            dims.values[i] == 0 && i < f->in->dim_count ? (int64_t)f->in->dims[i] : dims.values[i];
        if (dim == -1 && free_dim == ALX_TENSOR_MAX_DIMS) {
            free_dim = i;
            continue;
        }
        if (dim <= 0 || !alx_mul(elems, (size_t)dim, &elems))
            return alx_onnx_refuse(f->node, "its shape is out of range");
        f->out->dims[i] = (size_t)dim;
    }
    if (free_dim < ALX_TENSOR_MAX_DIMS) {
        f->out->dims[free_dim] = f->in->elems / elems;
        elems *= f->out->dims[free_dim];
    }
    if (elems != f->in->elems)
        return alx_onnx_refuse(f->node, "its shape has another number of values");
error:
    return status;
}

/* Inserts sizes of one before [C]: what biases of convolutions need. */
static enum alx_status fold_unsqueeze(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *axes = alx_onnx_find(f->graph, f->node->inputs[1]);
    struct alx_wire_list list = {0};
    if (axes)
        ALX_TRY(alx_onnx_ints(f->graph->file, axes, &list));
    else
        ALX_TRY(alx_onnx_list(f->graph, f->node, "axes", &list));
    ALX_TRY(fold_identity(f));
    size_t count = f->in->dim_count + list.count, next = 0;
    if (count > ALX_TENSOR_MAX_DIMS)
        return alx_onnx_refuse(f->node, "too many dimensions");
    for (size_t i = 0; i < count; i++) {
        bool inserted = false;
        for (size_t j = 0; j < list.count; j++)
            inserted |=
                list.values[j] == (int64_t)i || list.values[j] == (int64_t)i - (int64_t)count;
        if (!inserted && next == f->in->dim_count)
            return alx_onnx_refuse(f->node, "its axes are out of range");
        f->out->dims[i] = inserted ? 1 : f->in->dims[next++];
    }
    f->out->dim_count = count;
    if (next != f->in->dim_count)
        return alx_onnx_refuse(f->node, "its axes are out of range");
error:
    return status;
}

static enum alx_status fold_transpose(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire_list order = {0};
    struct alx_tensor_view view;
    float *kept = NULL;
    ALX_TRY(alx_onnx_list(f->graph, f->node, "perm", &order));
    bool swaps = !order.count || (order.count == 2 && order.values[0] == 1 && order.values[1] == 0);
    if (f->in->dim_count != 2 || !swaps)
        return alx_onnx_refuse(f->node, "only matrices are transposed");
    ALX_TRY(alx_onnx_values(f->graph->file, f->in, f->source, &view));
    ALX_TRY(alx_source_keep(f->source, view.elems, &kept));
    size_t rows = f->in->dims[0], columns = f->in->dims[1];
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            alx_view_read(view, i * columns + j, 1, &kept[j * rows + i]);
    f->out->type = ALX_ONNX_FLOAT;
    set_dims(f->out, f->in);
    f->out->dims[0] = columns;
    f->out->dims[1] = rows;
    f->out->view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, view.elems};
error:
    return status;
}

/* (q - zero) * scale, with one scale and zero for all or for each index of an axis. */
static enum alx_status fold_dequantize(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *scale = alx_onnx_find(f->graph, f->node->inputs[1]);
    struct alx_onnx_tensor *zero = alx_onnx_find(f->graph, f->node->inputs[2]);
    struct alx_tensor_view values, scales, zeros = {0};
    int64_t axis, block;
    size_t inner = 1, count;
    float *kept = NULL;
    if (!scale || f->in->type == ALX_ONNX_INT64)
        return alx_onnx_refuse(f->node, "its scale is no constant, or its type is not read");
    ALX_TRY(alx_onnx_int(f->graph, f->node, "axis", 1, &axis));
    ALX_TRY(alx_onnx_int(f->graph, f->node, "block_size", 0, &block));
    ALX_TRY(alx_onnx_values(f->graph->file, f->in, f->source, &values));
    ALX_TRY(alx_onnx_values(f->graph->file, scale, f->source, &scales));
    if (zero)
        ALX_TRY(alx_onnx_values(f->graph->file, zero, f->source, &zeros));
    count = scales.elems;
    axis += axis < 0 ? (int64_t)f->in->dim_count : 0;
    bool fits = !block && count && (!zero || zeros.elems == count);
    if (count > 1) {
        fits &= axis >= 0 && axis < (int64_t)f->in->dim_count && f->in->dims[axis] == count;
        for (size_t i = (size_t)axis + 1; fits && i < f->in->dim_count; i++)
            inner *= f->in->dims[i];
    }
    if (!fits)
        return alx_onnx_refuse(f->node, "scales and zero points do not fit the values");
    ALX_TRY(alx_source_keep(f->source, values.elems, &kept));
    for (size_t i = 0; i < values.elems; i++) {
        size_t at = count > 1 ? i / inner % count : 0;
        float value, by, from = 0;
        alx_view_read(values, i, 1, &value);
        alx_view_read(scales, at, 1, &by);
        if (zero)
            alx_view_read(zeros, at, 1, &from);
        kept[i] = (value - from) * by;
    }
    f->out->type = ALX_ONNX_FLOAT;
    set_dims(f->out, f->in);
    f->out->view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, values.elems};
error:
    return status;
}

static const struct fold_row {
    const char *op;
    bool reads; /* its first input, which must be constant */
    enum alx_status (*fold)(struct folding *folding);
} rows[] = {
    {"Constant", false, fold_constant},  {"ConstantOfShape", true, fold_filled},
    {"Identity", true, fold_identity},   {"Cast", true, fold_cast},
    {"Reshape", true, fold_reshape},     {"Unsqueeze", true, fold_unsqueeze},
    {"Transpose", true, fold_transpose}, {"DequantizeLinear", true, fold_dequantize},
};

enum alx_status alx_onnx_fold(struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                              struct alx_source *source, bool *done)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor out = {.name = node->output};
    struct folding folding = {graph, node, source, alx_onnx_find(graph, node->inputs[0]), &out};
    *done = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!alx_span_is(node->op, rows[i].op) || (rows[i].reads && !folding.in))
            continue;
        if (alx_onnx_find(graph, node->output))
            return alx_onnx_refuse(node, "writes a constant that is there already");
        ALX_TRY(rows[i].fold(&folding));
        graph->tensors[graph->tensor_count++] = out;
        *done = true;
        return status;
    }
error:
    return status;
}
