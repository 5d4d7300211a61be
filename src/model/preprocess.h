/*
 * Preprocessing as JSON:
 *
 *   {"resize": "warp", "resize_size": 256, "filter": "antialias", "order": "rgb",
 *    "scale": 0.00392156863, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
 *
 * resize: warp, crop, none; filter: antialias, bilinear; order: rgb, bgr. `mean` and `std` have a
 * number for each channel of the network, 3 or 1. All keys are needed, and there are no others. A
 * mean image is not part of it, but a tensor.
 */
#ifndef ALX_MODEL_PREPROCESS_H
#define ALX_MODEL_PREPROCESS_H

#include <alexnet_cl/image.h>
#include <stdbool.h>

/* MODEL with a message that names the key. */
enum alx_status alx_preprocess_from_json(const char *json, struct alx_preprocess *out);
/* Writes `mean` and `std` for 1 or 3 channels. `*out` is owned. */
enum alx_status alx_preprocess_to_json(const struct alx_preprocess *preprocess, size_t channels,
                                       char **out);

/* A recipe for files that do not say theirs: the one of that name when it is not NULL, else the one
 * that the network was published with. When there is none, torchvision's at the network's size, and
 * false. */
bool alx_preprocess_assume(const alx_net *net, const char *name, struct alx_preprocess *out);

/* MODEL when the recipe cannot make the network's input. */
enum alx_status alx_preprocess_check(const struct alx_preprocess *preprocess, const alx_net *net);

#endif
