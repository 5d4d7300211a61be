/*
 * What ONNX nodes make of constants.
 */
#include <math.h>
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
    double real;
    ALX_TRY(alx_onnx_span(f->graph, f->node, "value", &text, &message));
    if (message.data) {
        ALX_TRY(alx_onnx_read_tensor(f->graph->file, message, f->out));
        f->out->name = name;
        return status;
    }
    ALX_TRY(alx_onnx_real(f->graph, f->node, "value_float", NAN, &real));
    if (!isnan(real)) {
        f->out->type = ALX_ONNX_FLOAT;
        f->out->elems = 1;
        f->out->filled = true;
        f->out->fill = (float)real;
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
    ALX_TRY(alx_onnx_ints(f->graph->file, f->in, f->source, &dims));
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
        ALX_TRY(alx_onnx_ints(f->graph->file, &value, f->source, &ints));
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
        ALX_TRY(alx_onnx_ints(f->graph->file, shape, f->source, &dims));
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
        ALX_TRY(alx_onnx_ints(f->graph->file, axes, f->source, &list));
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

/* Where the attribute puts the dimensions; false when it is no permutation. */
static bool is_permutation(const struct alx_wire_list *order, size_t count)
{
    unsigned seen = 0;
    for (size_t i = 0; i < order->count; i++)
        if (order->values[i] >= 0 && order->values[i] < (int64_t)count)
            seen |= 1u << order->values[i];
    return order->count == count && seen + 1 == 1u << count;
}

static enum alx_status fold_transpose(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire_list order = {0};
    struct alx_tensor_view view;
    size_t count = f->in->dim_count, strides[ALX_TENSOR_MAX_DIMS], at[ALX_TENSOR_MAX_DIMS] = {0};
    float *kept = NULL;
    ALX_TRY(alx_onnx_list(f->graph, f->node, "perm", &order));
    for (size_t i = 0; i < count && !order.count; i++) /* reversed */
        order.values[i] = (int64_t)(count - 1 - i);
    order.count = order.count ? order.count : count;
    if (!is_permutation(&order, count))
        return alx_onnx_refuse(f->node, "perm is no permutation of the dimensions");
    ALX_TRY(alx_onnx_values(f->graph->file, f->in, f->source, &view));
    ALX_TRY(alx_source_keep(f->source, view.elems, &kept));
    set_dims(f->out, f->in);
    for (size_t i = 0; i < count; i++) {
        f->out->dims[i] = f->in->dims[order.values[i]];
        strides[i] = 1;
        for (size_t j = (size_t)order.values[i] + 1; j < count; j++)
            strides[i] *= f->in->dims[j];
    }
    for (size_t i = 0, from = 0; i < view.elems; i++) {
        alx_view_read(view, from, 1, &kept[i]);
        for (size_t d = count; d-- > 0;) {
            from += strides[d];
            if (++at[d] < f->out->dims[d])
                break;
            from -= f->out->dims[d] * strides[d];
            at[d] = 0;
        }
    }
    f->out->type = ALX_ONNX_FLOAT;
    f->out->view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, view.elems};
error:
    return status;
}

/* Scale and zero point of a (de)quantisation: one for all values, or one for each index of an axis.
 */
struct grid {
    struct alx_tensor_view scales, zeros; /* zeros.elems 0: none */
    size_t count, inner;
    int64_t type; /* of the zero point; else UINT8, as the standard has it */
};

static enum alx_status read_grid(struct folding *f, struct grid *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor *scale = alx_onnx_find(f->graph, f->node->inputs[1]);
    struct alx_onnx_tensor *zero = alx_onnx_find(f->graph, f->node->inputs[2]);
    struct grid grid = {.inner = 1, .type = zero ? zero->type : ALX_ONNX_UINT8};
    int64_t axis, block;
    if (!scale || f->in->type == ALX_ONNX_INT64)
        return alx_onnx_refuse(f->node, "its scale is no constant, or its type is not read");
    ALX_TRY(alx_onnx_int(f->graph, f->node, "axis", 1, &axis));
    ALX_TRY(alx_onnx_int(f->graph, f->node, "block_size", 0, &block));
    ALX_TRY(alx_onnx_values(f->graph->file, scale, f->source, &grid.scales));
    if (zero)
        ALX_TRY(alx_onnx_values(f->graph->file, zero, f->source, &grid.zeros));
    grid.count = grid.scales.elems;
    axis += axis < 0 ? (int64_t)f->in->dim_count : 0;
    bool fits = !block && grid.count && (!zero || grid.zeros.elems == grid.count);
    if (grid.count > 1) {
        fits &= axis >= 0 && axis < (int64_t)f->in->dim_count && f->in->dims[axis] == grid.count;
        for (size_t i = (size_t)axis + 1; fits && i < f->in->dim_count; i++)
            grid.inner *= f->in->dims[i];
    }
    if (!fits)
        return alx_onnx_refuse(f->node, "scales and zero points do not fit the values");
    *out = grid;
error:
    return status;
}

static void grid_at(const struct grid *grid, size_t i, float *scale, float *zero)
{
    size_t at = grid->count > 1 ? i / grid->inner % grid->count : 0;
    alx_view_read(grid->scales, at, 1, scale);
    *zero = 0;
    if (grid->zeros.elems)
        alx_view_read(grid->zeros, at, 1, zero);
}

/* (q - zero) * scale */
static enum alx_status fold_dequantize(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_tensor_view values;
    struct grid grid;
    float *kept = NULL, value, scale, zero;
    ALX_TRY(read_grid(f, &grid));
    ALX_TRY(alx_onnx_values(f->graph->file, f->in, f->source, &values));
    ALX_TRY(alx_source_keep(f->source, values.elems, &kept));
    for (size_t i = 0; i < values.elems; i++) {
        alx_view_read(values, i, 1, &value);
        grid_at(&grid, i, &scale, &zero);
        kept[i] = (value - zero) * scale;
    }
    f->out->type = ALX_ONNX_FLOAT;
    set_dims(f->out, f->in);
    f->out->view = (struct alx_tensor_view){kept, ALX_DTYPE_F32, values.elems};
error:
    return status;
}

/* x / scale, rounded to even, + zero, in the range of the type */
static enum alx_status fold_quantize(struct folding *f)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_tensor_view values;
    struct grid grid;
    float *kept = NULL, value, scale, zero;
    ALX_TRY(read_grid(f, &grid));
    if (grid.type != ALX_ONNX_INT8 && grid.type != ALX_ONNX_UINT8)
        return alx_onnx_refuse(f->node, "only values of 8 bits are made");
    const float low = grid.type == ALX_ONNX_INT8 ? -128 : 0, high = low + 255;
    ALX_TRY(alx_onnx_values(f->graph->file, f->in, f->source, &values));
    ALX_TRY(alx_source_keep(f->source, values.elems, &kept));
    for (size_t i = 0; i < values.elems; i++) {
        alx_view_read(values, i, 1, &value);
        grid_at(&grid, i, &scale, &zero);
        value = rintf(value / scale) + zero;
        kept[i] = value < low ? low : value > high ? high : value; /* NaN stays */
    }
    f->out->type = grid.type;
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
    {"Constant", false, fold_constant},      {"ConstantOfShape", true, fold_filled},
    {"Identity", true, fold_identity},       {"Cast", true, fold_cast},
    {"Reshape", true, fold_reshape},         {"Unsqueeze", true, fold_unsqueeze},
    {"Transpose", true, fold_transpose},     {"DequantizeLinear", true, fold_dequantize},
    {"QuantizeLinear", true, fold_quantize},
};

static enum alx_status fold_node(struct alx_onnx_graph *graph, struct alx_onnx_node *node,
                                 struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_tensor out = {.name = node->output};
    struct folding folding = {graph, node, source, alx_onnx_find(graph, node->inputs[0]), &out};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!alx_span_is(node->op, rows[i].op) || (rows[i].reads && !folding.in))
            continue;
        if (alx_onnx_find(graph, node->output))
            return alx_onnx_refuse(node, "writes a constant that is there already");
        ALX_TRY(rows[i].fold(&folding));
        graph->tensors[graph->tensor_count++] = out;
        node->done = true;
        return status;
    }
error:
    return status;
}

enum alx_status alx_onnx_fold(struct alx_onnx_graph *graph, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    for (size_t i = 0; i < graph->node_count; i++)
        if (alx_onnx_is_standard(&graph->nodes[i]))
            ALX_TRY(fold_node(graph, &graph->nodes[i], source));
error:
    return status;
}
