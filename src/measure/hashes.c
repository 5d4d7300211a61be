#include <alexnet_cl/measure.h>
#include <stdlib.h>
#include <string.h>

#include "device/source.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/sha256.h"
#include "util/text.h"

void alx_hash(const void *data, size_t bytes, char out[ALX_HASH_BYTES])
{
    uint8_t digest[ALX_SHA256_BYTES];
    alx_sha256(data, bytes, digest);
    alx_sha256_hex(digest, out);
}

/* The hash of a list of hashes, which takes `text`. */
static enum alx_status hash_list(struct alx_text *text, char out[ALX_HASH_BYTES])
{
    enum alx_status status = ALX_STATUS_OK;
    if (text->failed)
        status = alx_fail(ALX_STATUS_NO_MEMORY, "hash: no memory for the list");
    else
        alx_hash(alx_text_get(text), text->bytes, out);
    alx_text_free(text);
    return status;
}

enum alx_status alx_kernels_hash(char out[ALX_HASH_BYTES])
{
    struct alx_text list = {0};
    char hash[ALX_HASH_BYTES];
    for (const struct alx_source *source = alx_sources; source->name; source++) {
        alx_hash(source->text, strlen(source->text), hash);
        alx_text_add(&list, "%s %s\n", hash, source->name);
    }
    return hash_list(&list, out);
}

static enum alx_status add_view(struct alx_text *list, struct alx_tensor_view view)
{
    char hash[ALX_HASH_BYTES];
    float *values = NULL;
    enum alx_status status = alx_alloc(view.elems, sizeof *values, "a hash", &values);
    if (status != ALX_STATUS_OK)
        return status;
    alx_view_read(view, 0, view.elems, values);
    alx_hash(values, view.elems * sizeof *values, hash);
    alx_text_add(list, "%s\n", hash);
    free(values);
    return ALX_STATUS_OK;
}

enum alx_status alx_weights_hash(const alx_model *model, char out[ALX_HASH_BYTES])
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_text list = {0};
    for (size_t i = 0; i < alx_net_layer_count(alx_model_net(model)); i++) {
        ALX_TRY(add_view(&list, alx_model_weights(model, i)));
        ALX_TRY(add_view(&list, alx_model_biases(model, i)));
    }
    return hash_list(&list, out);
error:
    alx_text_free(&list);
    return status;
}
