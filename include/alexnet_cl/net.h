/*
 * A network is data: an input shape and a table of layers, each of which reads what the one before
 * wrote.
 */
#ifndef ALEXNET_CL_NET_H
#define ALEXNET_CL_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One image's tensor [C, H, W]; a batch of N of them is [N, C, H, W]. */
struct alx_shape {
    size_t channels, height, width;
};

enum alx_layer_kind {
    ALX_LAYER_CONV,
    ALX_LAYER_FC,
    ALX_LAYER_LRN,
    ALX_LAYER_MAX_POOL,
    ALX_LAYER_AVG_POOL,
    ALX_LAYER_RELU,
    ALX_LAYER_DROPOUT,
    ALX_LAYER_SOFTMAX,
    ALX_LAYER_KIND_COUNT
};

enum alx_activation { ALX_ACTIVATION_NONE, ALX_ACTIVATION_RELU };

enum { ALX_NAME_BYTES = 64 };

/* One row of the table. Fields that its kind does not use are zero; where zero makes no sense
 * (kernel aside), zero means 1. */
struct alx_layer {
    char name[ALX_NAME_BYTES];
    enum alx_layer_kind kind;
    enum alx_activation activation; /* conv, fc */
    double relu_limit;              /* relu, and conv and fc with that activation: the largest value
                                       that is let through, e.g. 6 (ReLU6); 0: there is none */
    size_t out_channels;            /* conv, fc */
    size_t kernel_h, kernel_w;      /* conv, pools */
    size_t stride_h, stride_w;      /* conv, pools */
    size_t pad_top, pad_left, pad_bottom, pad_right;
    size_t dilation_h, dilation_w; /* conv */
    size_t groups;  /* conv: input and output channels are cut into so many independent parts;
                       lrn: windows end at the borders of so many equal parts of the channels */
    bool no_bias;   /* conv, fc */
    bool ceil_mode; /* pools: Caffe's rounding; a window that starts in the padding is dropped */
    bool count_padding; /* avg-pool: a window's padding is averaged as zeros; else it is left out */
    size_t lrn_size;    /* lrn: channels in the window, odd or even (even: one more above) */
    double lrn_alpha;   /* lrn: factor of the plain sum of squares, NOT divided by lrn_size */
    double lrn_beta, lrn_k; /* lrn: y = x / (k + alpha * sum x^2)^beta */
    double dropout; /* dropout: the part that training drops; inference passes values through */
};

/* A layer with what follows from its input: shapes and costs for one image. */
struct alx_layer_info {
    struct alx_layer layer; /* zeros replaced by their meaning */
    struct alx_shape in, out;
    uint64_t parameters; /* weights and biases */
    uint64_t macs;       /* multiply-accumulates of conv and fc, as the literature counts them */
};

/* A checked network. Immutable after creation, so threads may share it. */
typedef struct alx_net alx_net;

/* Copies and checks a table: names unique and not empty, every shape positive, groups dividing
 * channels, sizes far from overflow. Fails with MODEL and a message that names the layer. */
ALX_API enum alx_status alx_net_create(const char *name, struct alx_shape input,
                                       const struct alx_layer *layers, size_t layer_count,
                                       alx_net **out);
/* A network of the built-in tables by name, e.g. "alexnet"; USAGE lists the names and suggests the
 * nearest. */
ALX_API enum alx_status alx_net_create_named(const char *name, alx_net **out);
/* Accepts NULL and nulls the pointer. */
ALX_API void alx_net_destroy(alx_net **net);

/* The built-in tables: name and one line that says what it is; NULL past the end. */
ALX_API const char *alx_net_builtin_name(size_t index);
ALX_API const char *alx_net_builtin_summary(size_t index);

ALX_API const char *alx_net_name(const alx_net *net);
ALX_API struct alx_shape alx_net_input(const alx_net *net);
ALX_API struct alx_shape alx_net_output(const alx_net *net);
ALX_API size_t alx_net_layer_count(const alx_net *net);
/* `index` from 0 to count - 1; borrowed from the net. */
ALX_API const struct alx_layer_info *alx_net_layer(const alx_net *net, size_t index);
/* Sums over the layers, for one image. */
ALX_API uint64_t alx_net_parameters(const alx_net *net);
ALX_API uint64_t alx_net_macs(const alx_net *net);

/* "conv", "fc", "lrn", "max-pool", "avg-pool", "relu", "dropout", "softmax". Never NULL. */
ALX_API const char *alx_layer_kind_name(enum alx_layer_kind kind);

#ifdef __cplusplus
}
#endif

#endif
