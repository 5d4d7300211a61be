/*
 * Caffe's files, which are protobuf messages of its caffe.proto:
 *
 *   .caffemodel        a NetParameter: layers with their parameters and blobs of weights. V1 has
 *                      `layers` with numbered types, V2 `layer` with named ones; V0, nested in V1,
 *                      is refused.
 *   .prototxt          a NetParameter as text, without weights; see prototxt.h
 *   mean.binaryproto   a BlobProto with the mean image, planar B, G, R
 *
 * Batch normalisations and scales are folded into the layer before them. Blobs are float or double,
 * packed or not; their shape is `shape` or, in old files, `num`, `channels`, `height` and `width`,
 * with leading ones. Networks are read when they are a chain, in which channels may be cut into
 * towers (see caffe_towers.c); layers that only training needs (data, loss, accuracy, split,
 * silence) are left out.
 */
#ifndef ALX_MODEL_CAFFE_H
#define ALX_MODEL_CAFFE_H

#include "model/reader.h"
#include "model/wire.h"

enum alx_caffe_kind {
    ALX_CAFFE_OTHER, /* what is not read */
    ALX_CAFFE_DATA,
    ALX_CAFFE_INPUT,
    ALX_CAFFE_CONVOLUTION,
    ALX_CAFFE_INNER_PRODUCT,
    ALX_CAFFE_POOLING,
    ALX_CAFFE_LRN,
    ALX_CAFFE_RELU,
    ALX_CAFFE_DROPOUT,
    ALX_CAFFE_BATCH_NORM,
    ALX_CAFFE_SCALE,
    ALX_CAFFE_FLATTEN,
    ALX_CAFFE_SPLIT,
    ALX_CAFFE_SLICE,
    ALX_CAFFE_CONCAT,
    ALX_CAFFE_SOFTMAX,
    ALX_CAFFE_LOSS, /* with a softmax in it */
    ALX_CAFFE_SKIPPED
};

/* Names of blobs, of which the first ones are kept. */
enum { ALX_CAFFE_NAMES = 16 };
struct alx_caffe_names {
    struct alx_span list[ALX_CAFFE_NAMES];
    size_t count; /* of all */
};
bool alx_caffe_has_name(const struct alx_caffe_names *names, struct alx_span name);

/* A layer of either version; spans are views. */
struct alx_caffe_layer {
    struct alx_span message;
    bool old; /* V1 */
    enum alx_caffe_kind kind;
    struct alx_span name, type, v0;
    size_t old_type;
    struct alx_span convolution, inner_product, pooling, lrn, relu, dropout, batch_norm, scale;
    struct alx_span softmax, input, data, transform, include, slice, concat;
    struct alx_caffe_names bottoms, tops;
    bool done; /* its part of the network is made */
};

/* A NetParameter. */
struct alx_caffe_net {
    const uint8_t *file;
    struct alx_span message, name;
    struct alx_span input;           /* name of the first input */
    struct alx_wire_list input_dims; /* of all inputs */
    struct alx_span input_shape;
    struct alx_caffe_layer *layers; /* owned */
    size_t layer_count;
};
/* Takes a NetParameter apart; the caller frees it, also after a failure. */
enum alx_status alx_caffe_open(const uint8_t *file, struct alx_span message,
                               struct alx_caffe_net *out);
void alx_caffe_free(struct alx_caffe_net *net);
/* MODEL: names the layer. */
enum alx_status alx_caffe_refuse(const struct alx_caffe_layer *layer, const char *why);
/* The name of V1's numbered type, or NULL. */
const char *alx_caffe_old_type(size_t number);
/* Whether a training phase alone has the layer, in a file that describes both. */
enum alx_status alx_caffe_is_for_training(const struct alx_caffe_net *net,
                                          const struct alx_caffe_layer *layer, bool *out);
/* A layer's blob of that name, "LAYER.weight" and so on; NULL when the file has none. */
struct alx_source_tensor *alx_caffe_find_blob(const struct alx_source *source,
                                              const struct alx_caffe_layer *layer,
                                              const char *part);
/* The layer with weights that a normalisation or scale goes into: right before it, or before others
 * of their kind; NULL when something else is. */
const struct alx_caffe_layer *alx_caffe_find_target(const struct alx_caffe_net *net,
                                                    const struct alx_caffe_layer *layer);
/* Folds batch normalisations and scales right after layers with weights into these, and transposes
 * weights that are stored so. The source's tensors are sorted, with room for one more a layer. */
enum alx_status alx_caffe_fold(const struct alx_caffe_net *net, struct alx_source *source);
/* Finds the input's shape, `*out` stays 0 when it is not said, and the name of its blob, and says
 * in the source what to do with pictures. */
enum alx_status alx_caffe_find_input(const struct alx_caffe_net *net, struct alx_source *source,
                                     struct alx_span *blob, struct alx_shape *out);

/* Makes the source's network and preprocessing, and joins the weights of towers; `source->net`
 * stays NULL when the file does not say the size of its input. */
enum alx_status alx_caffe_make_net(const struct alx_caffe_net *net, struct alx_source *source);

/* Reads a BlobProto's shape and values; `legacy` says whether the shape is the old one of four. The
 * tensor has no name. `what` is for messages. */
enum alx_status alx_caffe_read_blob(const uint8_t *file, struct alx_span message, const char *what,
                                    struct alx_source *source, struct alx_source_tensor *out,
                                    bool *legacy);

#endif
