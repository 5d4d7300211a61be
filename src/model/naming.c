#include "model/naming.h"

/* torchvision numbers the members of two torch.nn.Sequential; those without weights count, too. See
 * its models/alexnet.py and models/vgg.py (configurations A, D and E). */
static const char *const torch_alexnet[] = {"features.0",   "features.3",   "features.6",
                                            "features.8",   "features.10",  "classifier.1",
                                            "classifier.4", "classifier.6", NULL};
static const char *const torch_vgg_11[] = {
    "features.0",  "features.3",  "features.6",   "features.8",   "features.11",  "features.13",
    "features.16", "features.18", "classifier.0", "classifier.3", "classifier.6", NULL};
static const char *const torch_vgg_16[] = {
    "features.0",  "features.2",   "features.5",   "features.7",   "features.10", "features.12",
    "features.14", "features.17",  "features.19",  "features.21",  "features.24", "features.26",
    "features.28", "classifier.0", "classifier.3", "classifier.6", NULL};
static const char *const torch_vgg_19[] = {
    "features.0",  "features.2",   "features.5",   "features.7",   "features.10",
    "features.12", "features.14",  "features.16",  "features.19",  "features.21",
    "features.23", "features.25",  "features.28",  "features.30",  "features.32",
    "features.34", "classifier.0", "classifier.3", "classifier.6", NULL};

/* AlexNet with batch normalisation: torchvision's way of numbering, DeepCluster's
 * models/alexnet.py, whose last layer stands apart, and PyTorch's examples of 2015
 * (imagenet/alexnet.py), which normalise the fully connected layers, too. */
#define BN_FEATURES "features.0", "features.4", "features.8", "features.11", "features.14"
#define BN_NORMS    "features.1", "features.5", "features.9", "features.12", "features.15"
static const char *const torch_alexnet_bn[] = {BN_FEATURES, "classifier.1", "classifier.4",
                                               "classifier.6", NULL};
static const char *const deep_cluster[] = {BN_FEATURES, "classifier.1", "classifier.4", "top_layer",
                                           NULL};
static const char *const features_norms[] = {BN_NORMS, NULL, NULL, NULL};
static const char *const torch_examples[] = {BN_FEATURES, "classifier.1", "classifier.5",
                                             "classifier.8", NULL};
static const char *const all_norms[] = {BN_NORMS, "classifier.2", "classifier.6", NULL};

static const struct alx_naming namings[] = {
    {"alexnet-owt", "torchvision", "torchvision", torch_alexnet, NULL},
    {"alexnet-bn", "torchvision", "torchvision", torch_alexnet_bn, features_norms},
    {"alexnet-bn", "torchvision", "DeepCluster", deep_cluster, features_norms},
    {"alexnet-bn", "torchvision", "PyTorch's examples", torch_examples, all_norms},
    {"vgg-11", "torchvision", "torchvision", torch_vgg_11, NULL},
    {"vgg-16", "torchvision", "torchvision", torch_vgg_16, NULL},
    {"vgg-19", "torchvision", "torchvision", torch_vgg_19, NULL},
};

const struct alx_naming *alx_naming_row(size_t index)
{
    return index < sizeof namings / sizeof *namings ? &namings[index] : NULL;
}
