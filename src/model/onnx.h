/*
 * ONNX files: a ModelProto of onnx.proto, whose graph is read when it is a chain of layers.
 *
 * Weights are initializers or what nodes make of constants. Values that are F32, F16 or BF16 in the
 * file stay there; others (double, quantised, transposed, folded) are converted once. Values in
 * other files of the model's own folder (external data) are mapped, too. Subgraphs are refused. A
 * node that is not read is named with its operator.
 */
#ifndef ALX_MODEL_ONNX_H
#define ALX_MODEL_ONNX_H

#include "model/chain.h"
#include "model/wire.h"

enum { ALX_ONNX_INPUTS = 8, ALX_ONNX_OPSET_FIRST = 3, ALX_ONNX_OPSET_LAST = 21 };

/* TensorProto's data_type, as far as it is read. */
enum alx_onnx_type {
    ALX_ONNX_FLOAT = 1,
    ALX_ONNX_UINT8 = 2,
    ALX_ONNX_INT8 = 3,
    ALX_ONNX_INT32 = 6,
    ALX_ONNX_INT64 = 7,
    ALX_ONNX_BOOL = 9,
    ALX_ONNX_FLOAT16 = 10,
    ALX_ONNX_DOUBLE = 11,
    ALX_ONNX_BFLOAT16 = 16,
};

/* A constant: an initializer, whose values are read when they are needed, or a node's output. */
struct alx_onnx_tensor {
    struct alx_span name;
    struct alx_span message; /* TensorProto; no data: `view` or `ints` has the values */
    int64_t type;
    size_t dims[ALX_TENSOR_MAX_DIMS], dim_count, elems;
    struct alx_tensor_view view;
    bool external; /* its values lie in another file; see alx_onnx_external() */
    bool filled;   /* all values are `fill`: they are made when they are needed */
    float fill;
    struct alx_wire_list ints; /* the values of small tensors of whole numbers made by nodes */
};

struct alx_onnx_node {
    struct alx_span message, name, op, domain;
    struct alx_span inputs[ALX_ONNX_INPUTS]; /* "" for those left out */
    size_t input_count;                      /* may be larger than what is kept */
    struct alx_span output;                  /* the first */
    bool done;                               /* its part of the network is made */
};

struct alx_onnx_graph {
    const uint8_t *file;
    int64_t opset;
    struct alx_span name;
    struct alx_span input, output; /* the names of the one that is no constant, and of the result */
    size_t dims[4];                /* of the input; the first is 0 when it is free */
    struct alx_onnx_node *nodes;   /* owned */
    size_t node_count;
    struct alx_onnx_tensor *tensors; /* owned; room for one more a node */
    size_t tensor_count;
};
/* Takes a file apart; the caller frees it, also after a failure. */
enum alx_status alx_onnx_open(const uint8_t *data, size_t bytes, struct alx_onnx_graph *out);
void alx_onnx_free(struct alx_onnx_graph *graph);

/* NULL when it is no constant. */
struct alx_onnx_tensor *alx_onnx_find(const struct alx_onnx_graph *graph, struct alx_span name);
/* Fills a tensor from a TensorProto, without its values. */
enum alx_status alx_onnx_read_tensor(const uint8_t *file, struct alx_span message,
                                     struct alx_onnx_tensor *out);
/* Up to ALX_ONNX_INPUTS names of what a node writes; MODEL when there are more. */
enum alx_status alx_onnx_outputs(const struct alx_onnx_graph *graph,
                                 const struct alx_onnx_node *node,
                                 struct alx_span out[ALX_ONNX_INPUTS], size_t *count);
/* The values as numbers of floating point; whole numbers are converted, for dequantisation. */
enum alx_status alx_onnx_values(const uint8_t *file, struct alx_onnx_tensor *tensor,
                                struct alx_source *source, struct alx_tensor_view *out);
/* Up to ALX_WIRE_LIST whole numbers. */
enum alx_status alx_onnx_ints(const uint8_t *file, struct alx_onnx_tensor *tensor,
                              struct alx_source *source, struct alx_wire_list *out);
/* The bytes of a tensor whose values lie in another file, `bytes` of them as its shape wants. */
enum alx_status alx_onnx_external(const uint8_t *file, const struct alx_onnx_tensor *tensor,
                                  struct alx_source *source, size_t bytes, struct alx_span *out);

/* A node's attribute; `fallback` when it has none of that name. */
enum alx_status alx_onnx_int(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                             const char *name, int64_t fallback, int64_t *out);
enum alx_status alx_onnx_real(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                              const char *name, double fallback, double *out);
/* Count 0 and no data when it has none. */
enum alx_status alx_onnx_list(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                              const char *name, struct alx_wire_list *out);
enum alx_status alx_onnx_span(const struct alx_onnx_graph *graph, const struct alx_onnx_node *node,
                              const char *name, struct alx_span *text, struct alx_span *tensor);

/* MODEL: names the tensor. */
enum alx_status alx_onnx_refuse_tensor(const struct alx_onnx_tensor *tensor, const char *why);
/* MODEL: names the node by its name, or what it writes, and its operator. */
enum alx_status alx_onnx_refuse(const struct alx_onnx_node *node, const char *why);

/* Constants: makes the tensors of all nodes that read nothing but constants, which are done, then.
 */
enum alx_status alx_onnx_fold(struct alx_onnx_graph *graph, struct alx_source *source);
/* Whether a node's operator is one of the standard. */
bool alx_onnx_is_standard(const struct alx_onnx_node *node);
/* What it would take to compute an operator that is not, for messages. */
const char *alx_onnx_hint(const struct alx_onnx_node *node);
/* Makes network and tensors of the source. */
enum alx_status alx_onnx_make_net(struct alx_onnx_graph *graph, struct alx_source *source);

#endif
