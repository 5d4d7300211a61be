/*
 * How others name the tensors of the built-in networks. Ours are named LAYER.weight and LAYER.bias;
 * a naming gives the word in the place of LAYER for every layer that has weights, and for the batch
 * normalisations behind these, where there are some.
 */
#ifndef ALX_MODEL_NAMING_H
#define ALX_MODEL_NAMING_H

#include "model/reader.h"

struct alx_naming {
    const char *network;      /* of the built-in tables */
    const char *recipe;       /* of preprocessing, for files that do not say theirs */
    const char *program;      /* whose names they are, for people */
    const char *const *names; /* one a layer with weights, in their order; NULL past the end */
    const char *const *norms; /* as many, NULL where there is none; or NULL: nowhere */
};

/* The rows; NULL past the end. */
const struct alx_naming *alx_naming_row(size_t index);

/* Where all tensors of a naming with batch normalisations are there, folds these into the weights
 * before them: the source then has those of the built-in network. MODEL when the shapes do not fit
 * together. */
enum alx_status alx_naming_fold_norms(struct alx_source *source);

#endif
