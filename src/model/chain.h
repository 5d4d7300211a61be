/*
 * A network in the making, for files that hold a graph: layers are added one after the other and
 * their shapes followed. Only chains are networks; who reads a graph refuses others.
 */
#ifndef ALX_MODEL_CHAIN_H
#define ALX_MODEL_CHAIN_H

#include "model/reader.h"

/* How many towers may stand beside each other. */
enum { ALX_MAX_TOWERS = 8 };

struct alx_chain {
    const char *name;       /* of the network, for messages; borrowed */
    struct alx_shape shape; /* what the last layer writes; the input, while there is none */
    struct alx_shape input;
    struct alx_layer *layers; /* owned */
    size_t count, capacity;
};
void alx_chain_begin(struct alx_chain *chain, const char *name, struct alx_shape input);
void alx_chain_free(struct alx_chain *chain);

/* MODEL when the layer cannot read what the one before writes. */
enum alx_status alx_chain_add(struct alx_chain *chain, const struct alx_layer *layer);
/* The last layer when it is a convolution or fully connected and nothing followed it, not even its
 * activation; else NULL. */
struct alx_layer *alx_chain_open_layer(struct alx_chain *chain);
/* ReLU up to a limit (0: none): the open layer's activation, or a layer of its own of that name. */
enum alx_status alx_chain_add_relu(struct alx_chain *chain, const char *name, double limit);
enum alx_status alx_chain_finish(const struct alx_chain *chain, alx_net **out);

/* Names a layer as Caffe's AlexNet does, by the kind and by how many layers with weights there are:
 * conv1, norm1, pool1, conv2, ..., fc6, drop6, fc7, ..., prob. */
void alx_chain_name(const struct alx_chain *chain, enum alx_layer_kind kind,
                    char out[ALX_NAME_BYTES]);

/* Makes one layer of `towers` equal ones beside each other, which read all channels, or, when
 * `split`, each its part of them, and whose outputs follow each other. Those that handle every
 * channel alone stay as they are. False when it is not one layer: convolutions in groups that read
 * all. */
bool alx_chain_join_layers(struct alx_layer *layer, size_t towers, bool split);
/* Values one after the other, which are views of equal size; they show values of `source` unless
 * there is but one view. */
enum alx_status alx_chain_join_values(struct alx_source *source,
                                      const struct alx_tensor_view *views, size_t count,
                                      struct alx_tensor_view *out);

/* Outputs o of a layer become scale[o] * output + shift[o], by new weights, which are [OUT, ...],
 * and biases; `bias` has no values when the layer has none. Both show values of `source`, then. */
enum alx_status alx_chain_scale(struct alx_source *source, const double *scale, const double *shift,
                                size_t outputs, struct alx_tensor_view *weight,
                                struct alx_tensor_view *bias);

#endif
