/*
 * What the files share that make a network of Caffe's layers.
 */
#ifndef ALX_MODEL_CAFFE_NET_H
#define ALX_MODEL_CAFFE_NET_H

#include "model/caffe.h"
#include "model/chain.h"

/* What is made while the layers are walked through. */
struct alx_caffe_maker {
    const struct alx_caffe_net *net;
    struct alx_source *source;
    struct alx_chain chain;
    char name[ALX_NAME_BYTES];           /* of the network */
    struct alx_span blob;                /* what the last layer wrote */
    const struct alx_caffe_layer *split; /* its tops are other names of the blob; or NULL */
    bool flat;                           /* the blob is [N, C * H * W] */
    bool ended;                          /* a softmax is the end */
};

/* MODEL: names the layer and its type, which is not computed. */
enum alx_status alx_caffe_refuse_type(const struct alx_caffe_layer *layer);
/* A layer with its name and parameters, as it stands in a chain. */
enum alx_status alx_caffe_read_layer(const struct alx_caffe_maker *maker,
                                     const struct alx_caffe_layer *from, struct alx_layer *out);
/* Puts it at the end of the chain. */
enum alx_status alx_caffe_add_layer(struct alx_caffe_maker *maker, const struct alx_layer *layer);
/* Batch normalisation and scale, which have gone into the weights; see alx_caffe_fold(). */
enum alx_status alx_caffe_make_folded(struct alx_caffe_maker *maker,
                                      const struct alx_caffe_layer *from);

/* Whether here the channels are sliced into parts, or several convolutions read the same, and
 * reading it all up to the Concat that puts the parts together: networks of two towers, as those of
 * the paper's two GPUs. */
enum alx_status alx_caffe_make_towers(struct alx_caffe_maker *maker,
                                      const struct alx_caffe_layer *layer, bool *found);

#endif
