/*
 * What the files share that make a network of ONNX's nodes.
 */
#ifndef ALX_MODEL_ONNX_NET_H
#define ALX_MODEL_ONNX_NET_H

#include "model/onnx.h"

/* What is made while the nodes are walked through. */
struct alx_onnx_maker {
    struct alx_onnx_graph *graph;
    struct alx_source *source;
    struct alx_chain chain;
    const struct alx_onnx_node *node; /* the one that is being read */
    const struct alx_onnx_node *const
        *towers; /* it, or it and the equal ones in the towers beside */
    size_t tower_count;
    bool split;              /* each tower has a part of the channels, not all */
    struct alx_span current; /* what the last node wrote */
    bool flat;               /* [N, C * H * W] instead of [N, C, H, W] */
    bool turned;             /* [C * H * W, N] */
    bool channels_last;      /* [N, H, W, C], or flattened from it; weights follow */
    bool ended;              /* a softmax is the end */
    bool quantised;          /* between QuantizeLinear and DequantizeLinear */
    bool warned;             /* of them */
    size_t weight;           /* of the last layer with weights, in the source; its bias,
                                if any, comes after it */
};

/* MODEL: names the node that is being read. */
enum alx_status alx_maker_refuse(const struct alx_onnx_maker *maker, const char *why);
/* Whether an operator has a place in a chain. */
bool alx_onnx_is_computed(const struct alx_onnx_node *node);
/* The input of that number as a constant; NULL when the node does not have it. */
enum alx_status alx_maker_constant(const struct alx_onnx_maker *maker, size_t number,
                                   struct alx_onnx_tensor **out);
/* A layer of that kind with its name. */
struct alx_layer alx_maker_new_layer(const struct alx_onnx_maker *maker, enum alx_layer_kind kind);
/* A list of the attribute as sizes from `low`; `count` times `fallback` when it is not there. */
enum alx_status alx_maker_sizes(const struct alx_onnx_maker *maker, const char *name, size_t count,
                                size_t low, size_t fallback, size_t *out);
/* Strides, dilations and padding of the layer, whose kernel is known. */
enum alx_status alx_maker_set_window(const struct alx_onnx_maker *maker, struct alx_layer *layer);

/* Operators. A node, or equal ones in all towers, are one layer, or go into the one before. First
 * those with windows, and those with weights. */
enum alx_status alx_onnx_make_conv(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_gemm(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_mat_mul(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_add(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_batch_norm(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_max_pool(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_global_max_pool(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_average_pool(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_global_average_pool(struct alx_onnx_maker *maker);

/* Those without either. */
enum alx_status alx_onnx_make_lrn(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_relu(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_clip(struct alx_onnx_maker *maker);
enum alx_status alx_onnx_make_dropout(struct alx_onnx_maker *maker);

/* Whether here the channels are split into parts, or several convolutions read the same, and
 * reading it all up to the Concat that puts the parts together: networks of two towers, as those of
 * the paper's two GPUs. */
enum alx_status alx_onnx_make_towers(struct alx_onnx_maker *maker, bool *found);

#endif
