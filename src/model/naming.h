/*
 * How others name the tensors of the built-in networks. Ours are named LAYER.weight and LAYER.bias;
 * a naming gives the word in the place of LAYER for every layer that has weights.
 */
#ifndef ALX_MODEL_NAMING_H
#define ALX_MODEL_NAMING_H

#include <stddef.h>

struct alx_naming {
    const char *network;      /* of the built-in tables */
    const char *recipe;       /* of preprocessing, for files that do not say theirs */
    const char *const *names; /* one a layer with weights, in their order; NULL past the end */
};

/* The rows; NULL past the end. */
const struct alx_naming *alx_naming_row(size_t index);

#endif
