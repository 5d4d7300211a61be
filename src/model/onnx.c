#include "model/onnx.h"

#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

enum { MAX_NODES = 4096, MAX_TENSORS = 8192 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ModelProto's fields. */
static bool is_model_field(const struct alx_wire_field *field)
{
    switch (field->number) {
    case 1:
    case 5:
        return field->type == ALX_WIRE_VARINT;
    case 2:
    case 3:
    case 4:
    case 6:
    case 7:
    case 8:
    case 14:
    case 20:
    case 25:
        return field->type == ALX_WIRE_BYTES;
    }
    return false;
}

static bool probe(const uint8_t *data, size_t bytes)
{
    return alx_wire_probe(data, bytes, is_model_field);
}

/* --- nodes --- */

enum alx_status alx_onnx_refuse(const struct alx_onnx_node *node, const char *why)
{
    char name[ALX_NAME_BYTES], op[ALX_NAME_BYTES];
    return alx_fail(ALX_STATUS_MODEL, "node %s (%s): %s",
                    alx_span_text(node->name.bytes ? node->name : node->output, name, sizeof name),
                    alx_span_text(node->op, op, sizeof op), why);
}

/* An AttributeProto. */
struct attribute {
    struct alx_span name, text, tensor;
    double real;
    int64_t integer;
    struct alx_wire_list list;
    bool found;
};

static enum alx_status find_attribute(const struct alx_onnx_graph *graph,
                                      const struct alx_onnx_node *node, const char *name,
                                      struct attribute *out)
{
#define AT(member) offsetof(struct attribute, member)
    static const struct alx_wire_row name_rows[] = {{1, ALX_WIRE_SPAN, AT(name)}};
    static const struct alx_wire_row rows[] = {
        {2, ALX_WIRE_REAL, AT(real)}, {3, ALX_WIRE_INT, AT(integer)},
        {4, ALX_WIRE_SPAN, AT(text)}, {5, ALX_WIRE_SPAN, AT(tensor)},
        {8, ALX_WIRE_INTS, AT(list)},
    };
#undef AT
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(graph->file, node->message);
    struct alx_span message;
    *out = (struct attribute){0};
    for (bool found = true; found && !out->found;) {
        struct attribute attribute = {0};
        ALX_TRY(alx_wire_next_of(&wire, 5, &message, &found));
        if (!found)
            break;
        ALX_TRY(alx_wire_read(graph->file, message, "an attribute", name_rows, 1, &attribute));
        if (!alx_span_is(attribute.name, name))
            continue;
        ALX_TRY(alx_wire_read(graph->file, message, "an attribute", rows, COUNT(rows), &attribute));
        attribute.found = true;
        *out = attribute;
    }
error:
    return status;
}

enum alx_status alx_onnx_int(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                             const char *name, int64_t fallback, int64_t *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct attribute attribute;
    ALX_TRY(find_attribute(graph, node, name, &attribute));
    *out = attribute.found ? attribute.integer : fallback;
error:
    return status;
}

enum alx_status alx_onnx_real(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                              const char *name, double fallback, double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct attribute attribute;
    ALX_TRY(find_attribute(graph, node, name, &attribute));
    *out = attribute.found ? attribute.real : fallback;
error:
    return status;
}

enum alx_status alx_onnx_list(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                              const char *name, struct alx_wire_list *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct attribute attribute;
    ALX_TRY(find_attribute(graph, node, name, &attribute));
    *out = attribute.list;
error:
    return status;
}

enum alx_status alx_onnx_span(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                              const char *name, struct alx_span *text, struct alx_span *tensor)
{
    enum alx_status status = ALX_STATUS_OK;
    struct attribute attribute;
    ALX_TRY(find_attribute(graph, node, name, &attribute));
    *text = attribute.text;
    *tensor = attribute.tensor;
error:
    return status;
}

static enum alx_status open_node(const uint8_t *file, struct alx_span message,
                                 struct alx_onnx_node *out)
{
    static const struct alx_wire_row rows[] = {
        {3, ALX_WIRE_SPAN, offsetof(struct alx_onnx_node, name)},
        {4, ALX_WIRE_SPAN, offsetof(struct alx_onnx_node, op)},
        {7, ALX_WIRE_SPAN, offsetof(struct alx_onnx_node, domain)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_node node = {.message = message};
    struct alx_wire inputs = alx_wire_open(file, message), outputs = inputs;
    struct alx_span name;
    bool found;
    ALX_TRY(alx_wire_read(file, message, "a node", rows, COUNT(rows), &node));
    ALX_TRY(alx_wire_next_of(&outputs, 2, &node.output, &found));
    if (!node.op.bytes || !node.output.bytes)
        return alx_onnx_refuse(&node, "a node without operator or output");
    for (;; node.input_count++) {
        ALX_TRY(alx_wire_next_of(&inputs, 1, &name, &found));
        if (!found)
            break;
        if (node.input_count < ALX_ONNX_INPUTS)
            node.inputs[node.input_count] = name;
    }
    *out = node;
error:
    return status;
}

enum alx_status alx_onnx_outputs(const struct alx_onnx_graph *graph,
                                 const struct alx_onnx_node *node,
                                 struct alx_span out[ALX_ONNX_INPUTS], size_t *count)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(graph->file, node->message);
    struct alx_span name;
    *count = 0;
    for (bool found = true;;) {
        ALX_TRY(alx_wire_next_of(&wire, 2, &name, &found));
        if (!found)
            break;
        if (*count == ALX_ONNX_INPUTS)
            return alx_onnx_refuse(node, "writes more than 8 tensors");
        out[(*count)++] = name;
    }
error:
    return status;
}

bool alx_onnx_is_standard(const struct alx_onnx_node *node)
{
    return !node->domain.bytes || alx_span_is(node->domain, "ai.onnx");
}

/* --- the graph --- */

enum { NODE = 1, GRAPH_NAME = 2, INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };

static enum alx_status count_of(const uint8_t *file, struct alx_span message, uint32_t number,
                                size_t most, const char *what, size_t *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(file, message);
    struct alx_span ignored;
    size_t count = 0;
    for (bool found = true; found;) {
        ALX_TRY(alx_wire_next_of(&wire, number, &ignored, &found));
        count += found;
    }
    if (count > most)
        return alx_fail(ALX_STATUS_MODEL, "%zu %s; up to %zu are read", count, what, most);
    *out = count;
error:
    return status;
}

static enum alx_status add_initializers(struct alx_onnx_graph *graph, struct alx_span message)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(graph->file, message);
    struct alx_span tensor;
    for (bool found = true; found;) {
        struct alx_onnx_tensor *next = &graph->tensors[graph->tensor_count];
        ALX_TRY(alx_wire_next_of(&wire, INITIALIZER, &tensor, &found));
        if (!found)
            break;
        ALX_TRY(alx_onnx_read_tensor(graph->file, tensor, next));
        if (alx_onnx_find(graph, next->name))
            return alx_onnx_refuse_tensor(next, "is there twice");
        graph->tensor_count++;
    }
error:
    return status;
}

/* A ValueInfoProto's shape: [N, C, H, W] of which N may be free. */
static enum alx_status read_dims(const struct alx_onnx_graph *graph, struct alx_span type,
                                 size_t dims[4])
{
    static const struct alx_wire_row first[] = {{1, ALX_WIRE_SPAN, 0}};
    static const struct alx_wire_row second[] = {{2, ALX_WIRE_SPAN, 0}};
    static const struct alx_wire_row value[] = {{1, ALX_WIRE_INT, 0}};
    enum alx_status status = ALX_STATUS_OK;
    struct alx_span tensor = {0}, shape = {0}, dim;
    size_t count = 0;
    bool found;
    ALX_TRY(alx_wire_read(graph->file, type, "a type", first, 1, &tensor));
    ALX_TRY(alx_wire_read(graph->file, tensor, "a type", second, 1, &shape));
    struct alx_wire wire = alx_wire_open(graph->file, shape);
    for (;; count++) {
        int64_t size = 0;
        ALX_TRY(alx_wire_next_of(&wire, 1, &dim, &found));
        if (!found)
            break;
        ALX_TRY(alx_wire_read(graph->file, dim, "a dimension", value, 1, &size));
        if (count < 4)
            dims[count] = size > 0 && size <= ALX_MAX_DIM ? (size_t)size : 0;
    }
    if (count != 4 || !dims[1] || !dims[2] || !dims[3])
        return alx_fail(ALX_STATUS_MODEL,
                        "its input is not of a fixed shape [N, C, H, W]; export it with one");
error:
    return status;
}

/* The input that is no initializer: old files list these, too. */
static enum alx_status find_input(struct alx_onnx_graph *graph, struct alx_span message)
{
    struct value {
        struct alx_span name, type;
    };
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SPAN, offsetof(struct value, name)},
        {2, ALX_WIRE_SPAN, offsetof(struct value, type)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(graph->file, message);
    struct alx_span input;
    for (bool found = true; found;) {
        struct value value = {0};
        ALX_TRY(alx_wire_next_of(&wire, GRAPH_INPUT, &input, &found));
        if (!found)
            break;
        ALX_TRY(alx_wire_read(graph->file, input, "an input", rows, COUNT(rows), &value));
        if (alx_onnx_find(graph, value.name))
            continue;
        if (graph->input.data)
            return alx_fail(ALX_STATUS_MODEL, "has several inputs; networks of one are read");
        graph->input = value.name;
        ALX_TRY(read_dims(graph, value.type, graph->dims));
    }
    if (!graph->input.bytes)
        return alx_fail(ALX_STATUS_MODEL, "has no input");
error:
    return status;
}

static enum alx_status find_output(struct alx_onnx_graph *graph, struct alx_span message)
{
    static const struct alx_wire_row rows[] = {{1, ALX_WIRE_SPAN, 0}};
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(graph->file, message);
    struct alx_span output;
    bool found;
    ALX_TRY(alx_wire_next_of(&wire, GRAPH_OUTPUT, &output, &found));
    if (!found)
        return alx_fail(ALX_STATUS_MODEL, "has no output");
    ALX_TRY(alx_wire_read(graph->file, output, "an output", rows, 1, &graph->output));
    ALX_TRY(alx_wire_next_of(&wire, GRAPH_OUTPUT, &output, &found));
    if (found)
        return alx_fail(ALX_STATUS_MODEL, "has several outputs; networks of one are read");
error:
    return status;
}

static enum alx_status open_graph(struct alx_onnx_graph *graph, struct alx_span message)
{
    static const struct alx_wire_row rows[] = {
        {GRAPH_NAME, ALX_WIRE_SPAN, offsetof(struct alx_onnx_graph, name)}};
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(graph->file, message);
    struct alx_span node;
    size_t nodes = 0, tensors = 0;
    ALX_TRY(alx_wire_read(graph->file, message, "the graph", rows, 1, graph));
    ALX_TRY(count_of(graph->file, message, NODE, MAX_NODES, "nodes", &nodes));
    ALX_TRY(count_of(graph->file, message, INITIALIZER, MAX_TENSORS, "initializers", &tensors));
    ALX_TRY(alx_alloc(nodes, sizeof *graph->nodes, "the nodes", &graph->nodes));
    ALX_TRY(alx_alloc(nodes + tensors + 1, sizeof *graph->tensors, "the tensors", &graph->tensors));
    ALX_TRY(add_initializers(graph, message));
    ALX_TRY(find_input(graph, message));
    ALX_TRY(find_output(graph, message));
    for (bool found = true; found;) {
        ALX_TRY(alx_wire_next_of(&wire, NODE, &node, &found));
        if (!found)
            break;
        ALX_TRY(open_node(graph->file, node, &graph->nodes[graph->node_count]));
        graph->node_count++;
    }
error:
    return status;
}

/* The version of the standard operators. */
static enum alx_status find_opset(struct alx_onnx_graph *graph, struct alx_span model)
{
    struct opset {
        struct alx_span domain;
        int64_t version;
    };
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SPAN, offsetof(struct opset, domain)},
        {2, ALX_WIRE_INT, offsetof(struct opset, version)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(graph->file, model);
    struct alx_span message;
    graph->opset = 1; /* of files that do not say */
    for (bool found = true; found;) {
        struct opset opset = {0};
        ALX_TRY(alx_wire_next_of(&wire, 8, &message, &found));
        if (!found)
            break;
        ALX_TRY(alx_wire_read(graph->file, message, "an opset", rows, COUNT(rows), &opset));
        if (!opset.domain.bytes || alx_span_is(opset.domain, "ai.onnx"))
            graph->opset = opset.version;
    }
    if (graph->opset < ALX_ONNX_OPSET_FIRST)
        return alx_fail(ALX_STATUS_MODEL, "opset %lld; %d to %d are read", (long long)graph->opset,
                        ALX_ONNX_OPSET_FIRST, ALX_ONNX_OPSET_LAST);
    if (graph->opset > ALX_ONNX_OPSET_LAST)
        alx_log(ALX_LOG_WARNING, "opset %lld is newer than this program, which reads it like %d",
                (long long)graph->opset, ALX_ONNX_OPSET_LAST);
error:
    return status;
}

enum alx_status alx_onnx_open(const uint8_t *data, size_t bytes, struct alx_onnx_graph *out)
{
    static const struct alx_wire_row rows[] = {{7, ALX_WIRE_SPAN, 0}};
    enum alx_status status = ALX_STATUS_OK;
    struct alx_span model = {data, bytes}, graph = {0};
    *out = (struct alx_onnx_graph){.file = data};
    ALX_TRY(alx_wire_read(data, model, "the model", rows, 1, &graph));
    if (!graph.data)
        return alx_fail(ALX_STATUS_MODEL, "has no graph");
    ALX_TRY(find_opset(out, model));
    ALX_TRY(open_graph(out, graph));
error:
    return status;
}

void alx_onnx_free(struct alx_onnx_graph *graph)
{
    free(graph->nodes);
    free(graph->tensors);
    *graph = (struct alx_onnx_graph){0};
}

static enum alx_status read_file(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_onnx_graph graph = {0};
    ALX_TRY(alx_onnx_open(data, bytes, &graph));
    ALX_TRY(alx_onnx_make_net(&graph, source));
error:
    alx_onnx_free(&graph);
    return status;
}

const struct alx_reader alx_reader_onnx = {"onnx", ".onnx", probe, read_file};
