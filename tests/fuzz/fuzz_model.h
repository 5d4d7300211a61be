/*
 * What the fuzzers of model files do with them.
 */
#ifndef ALX_TESTS_FUZZ_MODEL_H
#define ALX_TESTS_FUZZ_MODEL_H

#include <stdlib.h>

#include "model/model.h"
#include "tensor/view.h"

/* Ends the program like a finding. */
static inline void must(int condition)
{
    if (!condition)
        abort();
}

/* Any bytes are a model that can be read to its last value, or are refused. */
static inline void fuzz_model(const uint8_t *data, size_t bytes)
{
    alx_model *model = NULL;
    enum alx_status status = alx_model_read("f", data, bytes, NULL, &model);
    must(status == ALX_STATUS_OK || (status == ALX_STATUS_MODEL && !model));
    for (size_t i = 0; model && i < alx_net_layer_count(alx_model_net(model)); i++) {
        struct alx_tensor_view views[] = {alx_model_weights(model, i), alx_model_biases(model, i)};
        for (size_t j = 0; j < 2; j++)
            must(alx_view_first_not_finite(views[j]) == views[j].elems);
    }
    alx_model_destroy(&model);
}

#endif
