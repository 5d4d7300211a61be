/*
 * The built-in tables.
 *
 * alexnet: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
 * Networks", NIPS 2012, sections 3.3 to 3.5, as one tower: what ran on two GPUs there is two groups
 * here (48+48, 128+128, 192+192). bvlc-alexnet: Caffe's models/bvlc_alexnet/deploy.prototxt.
 */
#include <alexnet_cl/net.h>
#include <stdint.h>
#include <string.h>

#include "util/error.h"
#include "util/text.h"

#define CONV(label, out, k, s, p, g)                                                               \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_CONV, .activation = ALX_ACTIVATION_RELU,                  \
        .out_channels = out, .kernel_h = k, .kernel_w = k, .stride_h = s, .stride_w = s,           \
        .pad_top = p, .pad_left = p, .pad_bottom = p, .pad_right = p, .groups = g                  \
    }
#define LRN(label, n, a, b, c)                                                                     \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_LRN, .lrn_size = n, .lrn_alpha = a, .lrn_beta = b,        \
        .lrn_k = c                                                                                 \
    }
#define POOL(label, k, s)                                                                          \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_MAX_POOL, .kernel_h = k, .kernel_w = k, .stride_h = s,    \
        .stride_w = s                                                                              \
    }
#define FC_RELU(label, out)                                                                        \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_FC, .activation = ALX_ACTIVATION_RELU,                    \
        .out_channels = out                                                                        \
    }
#define FC(label, out)                                                                             \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_FC, .out_channels = out                                   \
    }
#define DROPOUT(label, part)                                                                       \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_DROPOUT, .dropout = part                                  \
    }
#define SOFTMAX(label)                                                                             \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_SOFTMAX                                                   \
    }

/* The two differ in the normalisation alone: the paper adds 2 and does not divide alpha by the
 * window. */
#define ALEXNET_LAYERS(alpha, k)                                                                   \
    {                                                                                              \
        CONV("conv1", 96, 11, 4, 0, 1), LRN("norm1", 5, alpha, 0.75, k), POOL("pool1", 3, 2),      \
            CONV("conv2", 256, 5, 1, 2, 2), LRN("norm2", 5, alpha, 0.75, k), POOL("pool2", 3, 2),  \
            CONV("conv3", 384, 3, 1, 1, 1), CONV("conv4", 384, 3, 1, 1, 2),                        \
            CONV("conv5", 256, 3, 1, 1, 2), POOL("pool5", 3, 2), FC_RELU("fc6", 4096),             \
            DROPOUT("drop6", 0.5), FC_RELU("fc7", 4096), DROPOUT("drop7", 0.5), FC("fc8", 1000),   \
            SOFTMAX("prob")                                                                        \
    }

static const struct alx_layer alexnet_layers[] = ALEXNET_LAYERS(1e-4, 2);
static const struct alx_layer bvlc_alexnet_layers[] = ALEXNET_LAYERS(1e-4 / 5, 1);

#define ROW(label, about, h, w, c, table)                                                          \
    {                                                                                              \
        label, about, {c, h, w}, table, sizeof table / sizeof *table                               \
    }

static const struct zoo_row {
    const char *name, *summary;
    struct alx_shape input;
    const struct alx_layer *layers;
    size_t layer_count;
} zoo[] = {
    ROW("alexnet", "AlexNet as published in 2012", 227, 227, 3, alexnet_layers),
    ROW("bvlc-alexnet", "AlexNet as trained with Caffe (BVLC)", 227, 227, 3, bvlc_alexnet_layers),
};

enum { ZOO_COUNT = sizeof zoo / sizeof *zoo };

const char *alx_net_builtin_name(size_t index)
{
    return index < ZOO_COUNT ? zoo[index].name : NULL;
}

const char *alx_net_builtin_summary(size_t index)
{
    return index < ZOO_COUNT ? zoo[index].summary : NULL;
}

enum alx_status alx_net_create_named(const char *name, alx_net **out)
{
    struct alx_text known = {0};
    const char *nearest = zoo[0].name;
    for (size_t i = 0; i < ZOO_COUNT; i++) {
        if (!strcmp(name, zoo[i].name)) {
            alx_text_free(&known);
            return alx_net_create(name, zoo[i].input, zoo[i].layers, zoo[i].layer_count, out);
        }
        if (alx_text_distance(name, zoo[i].name) < alx_text_distance(name, nearest))
            nearest = zoo[i].name;
        alx_text_add(&known, "%s%s", i ? ", " : "", zoo[i].name);
    }
    enum alx_status status =
        alx_fail(ALX_STATUS_USAGE, "network %s: unknown; did you mean %s? There are: %s", name,
                 nearest, alx_text_get(&known));
    alx_text_free(&known);
    return status;
}
