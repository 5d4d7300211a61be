/*
 * The built-in tables.
 *
 * alexnet: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
 * Networks", NIPS 2012, sections 3.3 to 3.5, as one tower: what ran on two GPUs there is two groups
 * here (48+48, 128+128, 192+192). bvlc-alexnet, caffenet, lenet-5: Caffe's
 * models/bvlc_alexnet/deploy.prototxt, models/bvlc_reference_caffenet/deploy.prototxt and
 * examples/mnist/lenet.prototxt. alexnet-owt: Krizhevsky, "One weird trick for parallelizing
 * convolutional neural networks", arXiv 1404.5997, as torchvision's models/alexnet.py has it.
 * alexnet-bn: batch normalisation (Ioffe, Szegedy, arXiv 1502.03167) after
 * each convolution in the place of LRN, without groups; the widths and strides are those of Caron
 * et al., "Deep Clustering for Unsupervised Learning of Visual Features", arXiv 1807.05520, models/
 * alexnet.py; the normalisations have gone into the weights. lenet-5-32: LeCun, Bottou, Bengio,
 * Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998, figure 2, as it is
 * trained today: with ReLU, max-pooling, and every map of the third layer reading all. zfnet:
 * Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", arXiv 1311.2901, figure
 * 3, whose maps of 110, 55, 26, 13 and 6 need a padding of 1 and pooling that rounds up; contrast
 * normalisation as in AlexNet. vgg: Simonyan, Zisserman, "Very Deep Convolutional Networks for
 * Large-Scale Image Recognition", arXiv 1409.1556, table 1, columns A, D and E.
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
#define CONV_LINEAR(label, out, k)                                                                 \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_CONV, .out_channels = out, .kernel_h = k, .kernel_w = k   \
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
#define POOL_UP(label, k, s)                                                                       \
    {                                                                                              \
        .name = label, .kind = ALX_LAYER_MAX_POOL, .kernel_h = k, .kernel_w = k, .stride_h = s,    \
        .stride_w = s, .ceil_mode = true                                                           \
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

/* How most of them end. */
#define CLASSIFIER                                                                                 \
    FC_RELU("fc6", 4096), DROPOUT("drop6", 0.5), FC_RELU("fc7", 4096), DROPOUT("drop7", 0.5),      \
        FC("fc8", 1000), SOFTMAX("prob")

/* The two differ in the normalisation alone: the paper adds 2 and does not divide alpha by the
 * window. */
#define ALEXNET_LAYERS(alpha, k)                                                                   \
    {                                                                                              \
        CONV("conv1", 96, 11, 4, 0, 1), LRN("norm1", 5, alpha, 0.75, k), POOL("pool1", 3, 2),      \
            CONV("conv2", 256, 5, 1, 2, 2), LRN("norm2", 5, alpha, 0.75, k), POOL("pool2", 3, 2),  \
            CONV("conv3", 384, 3, 1, 1, 1), CONV("conv4", 384, 3, 1, 1, 2),                        \
            CONV("conv5", 256, 3, 1, 1, 2), POOL("pool5", 3, 2), CLASSIFIER                        \
    }

static const struct alx_layer alexnet_layers[] = ALEXNET_LAYERS(1e-4, 2);
static const struct alx_layer bvlc_alexnet_layers[] = ALEXNET_LAYERS(1e-4 / 5, 1);

static const struct alx_layer caffenet_layers[] = {
    CONV("conv1", 96, 11, 4, 0, 1),
    POOL("pool1", 3, 2),
    LRN("norm1", 5, 1e-4 / 5, 0.75, 1),
    CONV("conv2", 256, 5, 1, 2, 2),
    POOL("pool2", 3, 2),
    LRN("norm2", 5, 1e-4 / 5, 0.75, 1),
    CONV("conv3", 384, 3, 1, 1, 1),
    CONV("conv4", 384, 3, 1, 1, 2),
    CONV("conv5", 256, 3, 1, 1, 2),
    POOL("pool5", 3, 2),
    CLASSIFIER,
};

static const struct alx_layer alexnet_owt_layers[] = {
    CONV("conv1", 64, 11, 4, 2, 1),
    POOL("pool1", 3, 2),
    CONV("conv2", 192, 5, 1, 2, 1),
    POOL("pool2", 3, 2),
    CONV("conv3", 384, 3, 1, 1, 1),
    CONV("conv4", 256, 3, 1, 1, 1),
    CONV("conv5", 256, 3, 1, 1, 1),
    POOL("pool5", 3, 2),
    DROPOUT("drop5", 0.5),
    FC_RELU("fc6", 4096),
    DROPOUT("drop6", 0.5),
    FC_RELU("fc7", 4096),
    FC("fc8", 1000),
    SOFTMAX("prob"),
};

static const struct alx_layer alexnet_bn_layers[] = {
    CONV("conv1", 96, 11, 4, 2, 1),
    POOL("pool1", 3, 2),
    CONV("conv2", 256, 5, 1, 2, 1),
    POOL("pool2", 3, 2),
    CONV("conv3", 384, 3, 1, 1, 1),
    CONV("conv4", 384, 3, 1, 1, 1),
    CONV("conv5", 256, 3, 1, 1, 1),
    POOL("pool5", 3, 2),
    CLASSIFIER,
};

static const struct alx_layer zfnet_layers[] = {
    CONV("conv1", 96, 7, 2, 1, 1),
    POOL_UP("pool1", 3, 2),
    LRN("norm1", 5, 1e-4, 0.75, 2),
    CONV("conv2", 256, 5, 2, 0, 1),
    POOL_UP("pool2", 3, 2),
    LRN("norm2", 5, 1e-4, 0.75, 2),
    CONV("conv3", 384, 3, 1, 1, 1),
    CONV("conv4", 384, 3, 1, 1, 1),
    CONV("conv5", 256, 3, 1, 1, 1),
    POOL("pool5", 3, 2),
    CLASSIFIER,
};

static const struct alx_layer lenet_5_layers[] = {
    CONV_LINEAR("conv1", 20, 5),
    POOL("pool1", 2, 2),
    CONV_LINEAR("conv2", 50, 5),
    POOL("pool2", 2, 2),
    FC_RELU("ip1", 500),
    FC("ip2", 10),
    SOFTMAX("prob"),
};

static const struct alx_layer lenet_5_32_layers[] = {
    CONV("conv1", 6, 5, 1, 0, 1),
    POOL("pool1", 2, 2),
    CONV("conv2", 16, 5, 1, 0, 1),
    POOL("pool2", 2, 2),
    FC_RELU("fc1", 120),
    FC_RELU("fc2", 84),
    FC("fc3", 10),
    SOFTMAX("prob"),
};

/* Blocks of 3x3 convolutions that end in pooling; deeper networks have longer blocks. */
#define VGG_CONV(label, out) CONV(label, out, 3, 1, 1, 1)
#define VGG_BLOCK_1(n, out)  VGG_CONV("conv" n "_1", out)
#define VGG_BLOCK_2(n, out)  VGG_BLOCK_1(n, out), VGG_CONV("conv" n "_2", out)
#define VGG_BLOCK_3(n, out)  VGG_BLOCK_2(n, out), VGG_CONV("conv" n "_3", out)
#define VGG_BLOCK_4(n, out)  VGG_BLOCK_3(n, out), VGG_CONV("conv" n "_4", out)
#define VGG_LAYERS(FIRST, LAST)                                                                    \
    {                                                                                              \
        FIRST("1", 64), POOL("pool1", 2, 2), FIRST("2", 128), POOL("pool2", 2, 2), LAST("3", 256), \
            POOL("pool3", 2, 2), LAST("4", 512), POOL("pool4", 2, 2), LAST("5", 512),              \
            POOL("pool5", 2, 2), CLASSIFIER                                                        \
    }

static const struct alx_layer vgg_11_layers[] = VGG_LAYERS(VGG_BLOCK_1, VGG_BLOCK_2);
static const struct alx_layer vgg_16_layers[] = VGG_LAYERS(VGG_BLOCK_2, VGG_BLOCK_3);
static const struct alx_layer vgg_19_layers[] = VGG_LAYERS(VGG_BLOCK_2, VGG_BLOCK_4);

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
    ROW("caffenet", "CaffeNet: AlexNet that pools before it normalises (BVLC)", 227, 227, 3,
        caffenet_layers),
    ROW("alexnet-owt", "AlexNet as in torchvision: one tower, no normalisation (2014)", 224, 224, 3,
        alexnet_owt_layers),
    ROW("alexnet-bn", "AlexNet with batch normalisation and no groups (2018)", 224, 224, 3,
        alexnet_bn_layers),
    ROW("zfnet", "ZFNet by Zeiler and Fergus (2013)", 224, 224, 3, zfnet_layers),
    ROW("lenet-5", "LeNet-5 as in Caffe's example, for handwritten digits", 28, 28, 1,
        lenet_5_layers),
    ROW("lenet-5-32", "LeNet-5 of 1998 with ReLU and max-pooling, on 32x32 pixels", 32, 32, 1,
        lenet_5_32_layers),
    ROW("vgg-11", "VGG with 11 layers (2014)", 224, 224, 3, vgg_11_layers),
    ROW("vgg-16", "VGG with 16 layers (2014)", 224, 224, 3, vgg_16_layers),
    ROW("vgg-19", "VGG with 19 layers (2014)", 224, 224, 3, vgg_19_layers),
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
