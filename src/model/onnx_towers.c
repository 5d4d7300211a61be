/*
 * Networks of towers: channels that are split into parts, go through nodes of equal form side by
 * side, and are put together again. A convolution in each tower is one convolution in groups, a
 * normalisation across channels one in groups; what handles every channel alone is the same on the
 * whole. This is how AlexNet ran on two GPUs.
 */
#include <string.h>

#include "model/onnx_net.h"
#include "util/error.h"

_Static_assert((int)ALX_MAX_TOWERS == (int)ALX_ONNX_INPUTS, "Split and Concat have as many ends");

struct towers {
    struct alx_onnx_maker *maker;
    size_t count;
    bool split;                                        /* each has a part of the channels */
    struct alx_span current[ALX_MAX_TOWERS];           /* what the last nodes wrote */
    const struct alx_onnx_node *nodes[ALX_MAX_TOWERS]; /* that read it */
};

/* What may stand in a tower. */
static const struct tower_row {
    const char *op;
    bool weighted;                                         /* each tower has values of its own */
    enum alx_status (*make)(struct alx_onnx_maker *maker); /* NULL: values pass through */
} rows[] = {
    {"Conv", true, alx_onnx_make_conv},
    {"BatchNormalization", true, alx_onnx_make_batch_norm},
    {"Add", true, alx_onnx_make_add},
    {"Relu", false, alx_onnx_make_relu},
    {"Clip", false, alx_onnx_make_clip},
    {"LRN", false, alx_onnx_make_lrn},
    {"MaxPool", false, alx_onnx_make_max_pool},
    {"AveragePool", false, alx_onnx_make_average_pool},
    {"Dropout", false, alx_onnx_make_dropout},
    {"Identity", false, NULL},
};

static void mark_done(const struct towers *towers, const struct alx_onnx_node *node)
{
    struct alx_onnx_graph *graph = towers->maker->graph;
    graph->nodes[node - graph->nodes].done = true;
}

/* Up to ALX_MAX_TOWERS nodes that read a tensor; `*count` is how many there are. */
static void find_readers(const struct alx_onnx_graph *graph, struct alx_span name,
                         const struct alx_onnx_node *out[ALX_MAX_TOWERS], size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct alx_onnx_node *node = &graph->nodes[i];
        bool is_read = false;
        for (size_t j = 0; j < ALX_ONNX_INPUTS && !node->done; j++)
            is_read |= alx_spans_equal(node->inputs[j], name);
        if (is_read && *count < ALX_MAX_TOWERS)
            out[*count] = node;
        *count += is_read;
    }
}

/* Whether an attribute or an input says that the channels are meant. */
static enum alx_status is_channel_axis(const struct towers *towers, int64_t fallback, bool *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_onnx_maker *maker = towers->maker;
    int64_t axis;
    ALX_TRY(alx_onnx_int(maker->graph, maker->node, "axis", fallback, &axis));
    *out = (axis == 1 || axis == -3) && !maker->flat;
error:
    return status;
}

/* Whole numbers of an attribute or, in newer files, an input. */
static enum alx_status read_list(const struct towers *towers, const char *name, size_t input,
                                 struct alx_wire_list *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_onnx_maker *maker = towers->maker;
    struct alx_onnx_tensor *tensor = NULL;
    ALX_TRY(alx_onnx_list(maker->graph, maker->node, name, out));
    if (out->count)
        return status;
    ALX_TRY(alx_maker_constant(maker, input, &tensor));
    if (tensor)
        ALX_TRY(alx_onnx_ints(maker->graph->file, tensor, maker->source, out));
error:
    return status;
}

/* Split: equal parts, in their order. */
static enum alx_status begin_split(struct towers *towers)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_maker *maker = towers->maker;
    struct alx_wire_list parts = {0};
    size_t channels = maker->chain.shape.channels;
    bool fits;
    ALX_TRY(is_channel_axis(towers, 0, &fits));
    ALX_TRY(alx_onnx_outputs(maker->graph, maker->node, towers->current, &towers->count));
    ALX_TRY(read_list(towers, "split", 1, &parts));
    fits = fits && channels % towers->count == 0 && (!parts.count || parts.count == towers->count);
    for (size_t i = 0; i < parts.count; i++)
        fits = fits && parts.values[i] == (int64_t)(channels / towers->count);
    if (!fits)
        return alx_maker_refuse(maker, "only channels are split, into equal parts");
    mark_done(towers, maker->node);
error:
    return status;
}

/* Slices beside each other that are the equal parts of the channels. */
static enum alx_status begin_slices(struct towers *towers)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_maker *maker = towers->maker;
    int64_t channels = (int64_t)maker->chain.shape.channels, part;
    part = channels / (int64_t)towers->count;
    for (size_t i = 0; i < towers->count; i++) {
        struct alx_wire_list starts = {0}, ends = {0}, axes = {0}, steps = {0};
        const struct alx_onnx_node *node = maker->node = towers->nodes[i];
        ALX_TRY(read_list(towers, "starts", 1, &starts));
        ALX_TRY(read_list(towers, "ends", 2, &ends));
        ALX_TRY(read_list(towers, "axes", 3, &axes));
        ALX_TRY(read_list(towers, "steps", 4, &steps));
        int64_t begin = (int64_t)i * part, end = ends.values[0];
        bool is_end = end == begin + part || (begin + part == channels && end > channels);
        if (!alx_span_is(node->op, "Slice") || maker->flat || starts.count != 1 ||
            ends.count != 1 || axes.count != 1 || (axes.values[0] != 1 && axes.values[0] != -3) ||
            (steps.count && steps.values[0] != 1) || starts.values[0] != begin || !is_end ||
            channels % (int64_t)towers->count)
            return alx_maker_refuse(maker, "only slices that are equal parts of the channels, one "
                                           "after the other, are read");
        towers->current[i] = node->output;
        mark_done(towers, node);
    }
error:
    return status;
}

/* --- side by side --- */

/* The only node that reads what each tower's last one wrote. */
static enum alx_status find_next(struct towers *towers)
{
    const struct alx_onnx_node *readers[ALX_MAX_TOWERS];
    char name[ALX_NAME_BYTES];
    size_t count;
    for (size_t i = 0; i < towers->count; i++) {
        find_readers(towers->maker->graph, towers->current[i], readers, &count);
        if (count != 1)
            return alx_fail(ALX_STATUS_MODEL,
                            "tensor %s: %zu nodes read this part of the channels; it would take a "
                            "network with branches",
                            alx_span_text(towers->current[i], name, sizeof name), count);
        towers->nodes[i] = readers[0];
    }
    return ALX_STATUS_OK;
}

/* Whether two nodes have the same attributes, in the same order. */
static enum alx_status same_attributes(const struct towers *towers, const struct alx_onnx_node *a,
                                       const struct alx_onnx_node *b, bool *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire left = alx_wire_open(towers->maker->graph->file, a->message);
    struct alx_wire right = alx_wire_open(towers->maker->graph->file, b->message);
    *out = true;
    for (bool found = true, other = true; found && *out;) {
        struct alx_span one = {0}, two = {0};
        ALX_TRY(alx_wire_next_of(&left, 5, &one, &found));
        ALX_TRY(alx_wire_next_of(&right, 5, &two, &other));
        *out = found == other && (!found || alx_spans_equal(one, two));
    }
error:
    return status;
}

/* Limits and the like: single values that are equal. */
static enum alx_status same_constants(const struct towers *towers, const struct alx_onnx_node *a,
                                      const struct alx_onnx_node *b, bool *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_onnx_maker *maker = towers->maker;
    *out = a->input_count == b->input_count;
    for (size_t i = 1; i < ALX_ONNX_INPUTS && *out; i++) {
        struct alx_onnx_tensor *one = alx_onnx_find(maker->graph, a->inputs[i]);
        struct alx_onnx_tensor *two = alx_onnx_find(maker->graph, b->inputs[i]);
        struct alx_tensor_view left, right;
        if (one == two)
            continue;
        *out = one && two && one->elems == 1 && two->elems == 1;
        if (!*out)
            break;
        ALX_TRY(alx_onnx_values(maker->graph->file, one, maker->source, &left));
        ALX_TRY(alx_onnx_values(maker->graph->file, two, maker->source, &right));
        *out = left.dtype == right.dtype &&
               !memcmp(left.data, right.data, left.dtype == ALX_DTYPE_F32 ? 4 : 2);
    }
error:
    return status;
}

/* Whether this is the input that the node computes with: the first, or either of a sum. */
static bool reads(const struct alx_onnx_node *node, struct alx_span name)
{
    return alx_spans_equal(node->inputs[0], name) ||
           (alx_span_is(node->op, "Add") && alx_spans_equal(node->inputs[1], name));
}

/* One node of each tower. */
static enum alx_status make_row(struct towers *towers)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_maker *maker = towers->maker;
    const struct tower_row *row = NULL;
    bool same = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        row = alx_span_is(towers->nodes[0]->op, rows[i].op) ? &rows[i] : row;
    for (size_t i = 0; i < towers->count && same; i++) {
        maker->node = towers->nodes[i];
        same = alx_spans_equal(maker->node->op, towers->nodes[0]->op) &&
               reads(maker->node, towers->current[i]);
        if (same)
            ALX_TRY(same_attributes(towers, maker->node, towers->nodes[0], &same));
        if (same && !(row && row->weighted))
            ALX_TRY(same_constants(towers, maker->node, towers->nodes[0], &same));
    }
    if (!same)
        return alx_maker_refuse(maker, "is not like the node in the tower beside it; it would take "
                                       "a network with branches");
    if (!alx_onnx_is_computed(maker->node))
        return alx_maker_refuse(maker, alx_onnx_hint(maker->node));
    if (!row)
        return alx_maker_refuse(maker, "is not computed on parts of the channels, as convolutions, "
                                       "BatchNormalization, Add, ReLU, LRN, poolings and Dropout "
                                       "are; it would take a network with branches");
    maker->node = towers->nodes[0];
    maker->towers = towers->nodes;
    maker->tower_count = towers->count;
    maker->split = towers->split;
    if (row->make)
        ALX_TRY(row->make(maker));
    towers->split = true;
    for (size_t i = 0; i < towers->count; i++) {
        towers->current[i] = towers->nodes[i]->output;
        mark_done(towers, towers->nodes[i]);
    }
error:
    return status;
}

/* The end of the towers: in their order. */
static enum alx_status make_concat(struct towers *towers)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_maker *maker = towers->maker;
    bool fits;
    maker->node = towers->nodes[0];
    ALX_TRY(is_channel_axis(towers, maker->graph->opset < 4 ? 1 : 0, &fits));
    fits = fits && maker->node->input_count == towers->count;
    for (size_t i = 0; fits && i < towers->count; i++)
        fits = towers->nodes[i] == maker->node &&
               alx_spans_equal(maker->node->inputs[i], towers->current[i]);
    if (!fits)
        return alx_maker_refuse(maker, "only all parts of the channels, in their order, are put "
                                       "together");
    maker->current = maker->node->output;
    mark_done(towers, maker->node);
error:
    return status;
}

enum alx_status alx_onnx_make_towers(struct alx_onnx_maker *maker, bool *found)
{
    enum alx_status status = ALX_STATUS_OK;
    struct towers towers = {.maker = maker, .split = true};
    bool is_split = alx_span_is(maker->node->op, "Split");
    bool is_slice = alx_span_is(maker->node->op, "Slice");
    bool is_conv = alx_span_is(maker->node->op, "Conv");
    *found = false;
    if (!is_split && !is_slice && !is_conv)
        return status;
    find_readers(maker->graph, maker->current, towers.nodes, &towers.count);
    if (towers.count > ALX_MAX_TOWERS || (is_split && towers.count > 1))
        return alx_maker_refuse(maker, "too many nodes read the same; it would take a network with "
                                       "branches");
    if (is_conv && towers.count < 2)
        return status;
    *found = true;
    if (is_split) {
        ALX_TRY(begin_split(&towers));
    } else if (is_slice) {
        ALX_TRY(begin_slices(&towers));
    } else {
        towers.split = false;
        for (size_t i = 0; i < towers.count; i++)
            towers.current[i] = maker->current;
        ALX_TRY(make_row(&towers));
    }
    for (;;) {
        ALX_TRY(find_next(&towers));
        if (alx_span_is(towers.nodes[0]->op, "Concat"))
            return make_concat(&towers);
        ALX_TRY(make_row(&towers));
    }
error:
    return status;
}
