/*
 * torch.nn.BatchNorm1d and 2d in evaluation:
 *
 *   y = weight * (x - running_mean) / sqrt(running_var + eps) + bias
 *
 * with the eps of 1e-5 that they have unless told otherwise; state dicts do not say it. It goes
 * into the weights of the layer before it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/chain.h"
#include "model/naming.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

enum { SCALE, SHIFT, MEAN, VARIANCE, PARTS };
static const char *const parts[] = {
    [SCALE] = "weight", [SHIFT] = "bias", [MEAN] = "running_mean", [VARIANCE] = "running_var"};

static struct alx_source_tensor *find_part(const struct alx_source *source, const char *name,
                                           const char *part)
{
    char full[2 * ALX_NAME_BYTES];
    snprintf(full, sizeof full, "%s.%s", name, part);
    return alx_source_find(source, full);
}

/* Whether all layers of the naming and the normalisations behind them are there. */
static bool is_there(const struct alx_source *source, const struct alx_naming *naming)
{
    for (size_t i = 0; naming->names[i]; i++)
        if (!find_part(source, naming->names[i], "weight") ||
            (naming->norms[i] && (!find_part(source, naming->norms[i], parts[MEAN]) ||
                                  !find_part(source, naming->norms[i], parts[VARIANCE]))))
            return false;
    return true;
}

/* A part's values, `count` of them; `fallback` when it is not there. */
static enum alx_status read_part(struct alx_source *source, const char *name, size_t part,
                                 size_t count, float fallback, float *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor *tensor = find_part(source, name, parts[part]);
    char shown[ALX_SHOW_BYTES];
    for (size_t i = 0; i < count; i++)
        out[i] = fallback;
    if (!tensor)
        return status;
    if (!tensor->readable || tensor->dim_count != 1 || tensor->view.elems != count)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: %s of type %s, but the layer before it has %zu channels",
                        tensor->name, alx_show_dims(tensor->dims, tensor->dim_count, shown),
                        tensor->dtype_name, count);
    alx_view_read(tensor->view, 0, count, out);
    tensor->used = true;
    return status;
}

/* A bias for a layer that has none in the file. */
static enum alx_status add_bias(struct alx_source *source, const char *layer,
                                struct alx_tensor_view bias)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor tensor = {
        .dtype_name = "F32", .readable = true, .view = bias, .dims = {bias.elems}, .dim_count = 1};
    char name[2 * ALX_NAME_BYTES];
    snprintf(name, sizeof name, "%s.bias", layer);
    ALX_TRY(alx_copy_string(name, &tensor.name));
    alx_source_insert(source, &tensor);
error:
    return status;
}

static enum alx_status fold(struct alx_source *source, const char *layer, const char *norm)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor *weight = find_part(source, layer, "weight");
    struct alx_source_tensor *bias = find_part(source, layer, "bias");
    struct alx_source_tensor *steps = find_part(source, norm, "num_batches_tracked");
    struct alx_tensor_view none = {0};
    size_t channels = weight->dim_count ? weight->dims[0] : 0;
    float *values = NULL;
    double *scale = NULL, *shift = NULL;
    if (!channels || !weight->readable || !weight->view.elems ||
        (bias && (!bias->readable || bias->view.elems != channels)))
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: its shape or type does not fit the normalisation %s after it",
                        weight->name, norm);
    ALX_TRY(alx_alloc(channels, PARTS * sizeof *values, "batch normalisation", &values));
    ALX_TRY(alx_alloc(channels, sizeof *scale, "batch normalisation", &scale));
    ALX_TRY(alx_alloc(channels, sizeof *shift, "batch normalisation", &shift));
    for (size_t i = 0; i < PARTS; i++)
        ALX_TRY(read_part(source, norm, i, channels, i == SCALE, values + i * channels));
    for (size_t i = 0; i < channels; i++) {
        scale[i] = (double)values[SCALE * channels + i] /
                   sqrt((double)values[VARIANCE * channels + i] + 1e-5);
        shift[i] =
            (double)values[SHIFT * channels + i] - scale[i] * (double)values[MEAN * channels + i];
    }
    ALX_TRY(
        alx_chain_scale(source, scale, shift, channels, &weight->view, bias ? &bias->view : &none));
    if (steps)
        steps->used = true;
    if (!bias)
        ALX_TRY(add_bias(source, layer, none));
error:
    free(values);
    free(scale);
    free(shift);
    return status;
}

/* Room for one tensor more a layer. */
static enum alx_status make_room(struct alx_source *source, size_t more)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor *tensors = NULL;
    ALX_TRY(alx_alloc(source->tensor_count + more, sizeof *tensors, "the tensors", &tensors));
    memcpy(tensors, source->tensors, source->tensor_count * sizeof *tensors);
    free(source->tensors);
    source->tensors = tensors;
error:
    return status;
}

enum alx_status alx_naming_fold_norms(struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_naming *naming;
    size_t layers = 0;
    for (size_t i = 0; (naming = alx_naming_row(i)); i++)
        if (naming->norms && is_there(source, naming))
            break;
    if (!naming)
        return status;
    while (naming->names[layers])
        layers++;
    ALX_TRY(make_room(source, layers));
    for (size_t i = 0; i < layers; i++)
        if (naming->norms[i])
            ALX_TRY(fold(source, naming->names[i], naming->norms[i]));
error:
    return status;
}
