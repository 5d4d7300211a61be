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

static const struct alx_naming namings[] = {
    {"alexnet-owt", "torchvision", torch_alexnet},
    {"vgg-11", "torchvision", torch_vgg_11},
    {"vgg-16", "torchvision", torch_vgg_16},
    {"vgg-19", "torchvision", torch_vgg_19},
};

const struct alx_naming *alx_naming_row(size_t index)
{
    return index < sizeof namings / sizeof *namings ? &namings[index] : NULL;
}
