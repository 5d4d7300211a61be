#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "model/net_json.h"
#include "model/provenance.h"
#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"

enum alx_status alx_model_create(const char *name, const char *path, const char *format,
                                 alx_model **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_model *model = NULL;
    ALX_TRY(alx_alloc(1, sizeof *model, "a model", &model));
    model->format = format;
    ALX_TRY(alx_copy_string(name, &model->name));
    ALX_TRY(alx_copy_string(path, &model->path));
    ALX_TRY(alx_alloc(1, sizeof *model->digest, "a model", &model->digest));
    pthread_mutex_init(&model->digest->lock, NULL);
    *out = model;
    model = NULL;
error:
    alx_model_destroy(&model);
    return status;
}

enum alx_status alx_model_set_net(alx_model *model, const alx_net *net)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_net_with_softmax(net, &model->net));
    ALX_TRY(
        alx_alloc(alx_net_layer_count(model->net), sizeof *model->slots, "a model", &model->slots));
error:
    return status;
}

enum alx_status alx_model_check(const alx_model *model)
{
    struct alx_shape in = alx_net_input(model->net), out = alx_net_output(model->net);
    if (in.channels != 1 && in.channels != 3)
        return alx_fail(ALX_STATUS_MODEL, "network %s: reads %zu channels; pictures have 1 or 3",
                        alx_net_name(model->net), in.channels);
    if (out.height != 1 || out.width != 1)
        return alx_fail(ALX_STATUS_MODEL,
                        "network %s: its output is %zux%zux%zu, not one value a class",
                        alx_net_name(model->net), out.height, out.width, out.channels);
    return ALX_STATUS_OK;
}

void alx_model_destroy(alx_model **model)
{
    alx_model *m = *model;
    if (!m)
        return;
    if (m->digest)
        pthread_mutex_destroy(&m->digest->lock);
    free(m->digest);
    alx_file_unmap(&m->mapping);
    alx_source_files_free(&m->files);
    free(m->values);
    alx_values_free(&m->converted);
    free(m->mean_image);
    alx_labels_free(&m->labels);
    free(m->slots);
    alx_net_destroy(&m->net);
    alx_provenance_free(&m->provenance);
    free(m->path);
    free(m->name);
    free(m);
    *model = NULL;
}

const char *alx_model_name(const alx_model *model)
{
    return model->name;
}

const char *alx_model_format(const alx_model *model)
{
    return model->format;
}

const char *alx_model_path(const alx_model *model)
{
    return model->path;
}

enum alx_status alx_model_sha256(const alx_model *model, char out[65])
{
    struct alx_model_digest *digest = model->digest;
    uint8_t bytes[ALX_SHA256_BYTES];
    pthread_mutex_lock(&digest->lock);
    if (model->mapping.data && !digest->hex[0]) {
        alx_sha256_file(&model->mapping, bytes);
        alx_sha256_hex(bytes, digest->hex);
    }
    memcpy(out, digest->hex, sizeof digest->hex);
    pthread_mutex_unlock(&digest->lock);
    return ALX_STATUS_OK;
}

const struct alx_provenance *alx_model_provenance(const alx_model *model)
{
    return &model->provenance;
}

const alx_net *alx_model_net(const alx_model *model)
{
    return model->net;
}

const char *alx_model_recognition(const alx_model *model)
{
    return model->recognition;
}

size_t alx_model_class_count(const alx_model *model)
{
    return model->labels.count;
}

const char *alx_model_label(const alx_model *model, size_t class_index)
{
    return model->labels.texts[class_index];
}

const char *alx_model_long_label(const alx_model *model, size_t class_index)
{
    return model->imagenet ? alx_imagenet[class_index].names : alx_model_label(model, class_index);
}

const char *alx_model_class_id(const alx_model *model, size_t class_index)
{
    return model->imagenet ? alx_imagenet[class_index].id : "";
}

const struct alx_preprocess *alx_model_preprocess(const alx_model *model)
{
    return &model->preprocess;
}

struct alx_tensor_view alx_model_weights(const alx_model *model, size_t layer_index)
{
    return model->slots[layer_index].weights;
}

struct alx_tensor_view alx_model_biases(const alx_model *model, size_t layer_index)
{
    return model->slots[layer_index].biases;
}

struct alx_tensor_view alx_model_scales(const alx_model *model, size_t layer_index)
{
    return model->slots[layer_index].scales;
}

void alx_model_forget(const alx_model *model, const void *data, size_t bytes)
{
    alx_file_forget(&model->mapping, data, bytes);
    for (const struct alx_source_file *file = model->files; file; file = file->next)
        alx_file_forget(&file->mapping, data, bytes);
}
