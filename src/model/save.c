/*
 * Writing our safetensors: see safetensors.h for what is in them.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/net_json.h"
#include "model/preprocess.h"
#include "model/safetensors.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/half.h"
#include "util/json.h"
#include "util/memory.h"

/* The file in the making. The first two pieces are the header's length and text. */
enum { HEADER_PIECES = 2 };
struct writer {
    json_t *root;
    struct alx_bytes *pieces; /* owned */
    void **converted;         /* owned, with the values of some pieces */
    size_t piece_count, converted_count;
    size_t offset; /* where the next tensor begins */
};

static void free_writer(struct writer *writer)
{
    for (size_t i = 0; i < writer->converted_count; i++)
        free(writer->converted[i]);
    free(writer->converted);
    free(writer->pieces);
    json_decref(writer->root);
}

static enum alx_status no_memory(void)
{
    return alx_fail(ALX_STATUS_NO_MEMORY, "no memory to write the header");
}

static void convert_value(float value, enum alx_dtype dtype, uint8_t *out)
{
    uint16_t bits;
    if (dtype == ALX_DTYPE_F32) {
        memcpy(out, &value, sizeof value);
        return;
    }
    bits = dtype == ALX_DTYPE_F16 ? alx_float_to_half(value) : alx_float_to_bfloat16(value);
    memcpy(out, &bits, sizeof bits);
}

/* The values as `dtype`, in memory that the writer owns. */
static enum alx_status convert(struct writer *writer, const char *name, struct alx_tensor_view view,
                               enum alx_dtype dtype, struct alx_tensor_view *out)
{
    enum { BLOCK = 1024 };
    enum alx_status status = ALX_STATUS_OK;
    float values[BLOCK];
    uint8_t *converted = NULL;
    size_t bytes = alx_dtype_bytes(dtype);
    ALX_TRY(alx_alloc(view.elems, bytes, name, &converted));
    writer->converted[writer->converted_count++] = converted;
    for (size_t first = 0; first < view.elems; first += BLOCK) {
        size_t count = alx_min(BLOCK, view.elems - first);
        alx_view_read(view, first, count, values);
        for (size_t i = 0; i < count; i++)
            convert_value(values[i], dtype, converted + (first + i) * bytes);
    }
    struct alx_tensor_view result = {converted, dtype, view.elems};
    size_t index = alx_view_first_not_finite(result);
    if (index < view.elems)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: value %zu is too large for %s; choose another type", name,
                        index, alx_safetensors_dtype(dtype));
    *out = result;
error:
    return status;
}

static enum alx_status add_tensor(struct writer *writer, const char *name, const size_t *dims,
                                  size_t dim_count, struct alx_tensor_view view,
                                  enum alx_dtype dtype)
{
    enum alx_status status = ALX_STATUS_OK;
    if (view.dtype != dtype)
        ALX_TRY(convert(writer, name, view, dtype, &view));
    size_t bytes = view.elems * alx_dtype_bytes(dtype);
    json_t *shape = json_array();
    bool failed = !shape;
    for (size_t i = 0; i < dim_count; i++)
        failed |= json_array_append_new(shape, json_integer((json_int_t)dims[i])) != 0;
    json_t *entry =
        json_pack("{ss so s[II]}", "dtype", alx_safetensors_dtype(dtype), "shape", shape,
                  "data_offsets", (json_int_t)writer->offset, (json_int_t)(writer->offset + bytes));
    failed |= json_object_set_new(writer->root, name, entry) != 0;
    if (failed)
        return no_memory();
    writer->pieces[writer->piece_count++] = (struct alx_bytes){view.data, bytes};
    writer->offset += bytes;
error:
    return status;
}

/* The mean image goes first: the others may have two bytes a value, which would misalign it. */
static enum alx_status add_tensors(struct writer *writer, const alx_model *model,
                                   enum alx_dtype dtype)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_preprocess *p = &model->preprocess;
    if (p->mean_image) {
        size_t dims[] = {alx_net_input(model->net).channels, p->mean_height, p->mean_width};
        struct alx_tensor_view view = {p->mean_image, ALX_DTYPE_F32, dims[0] * dims[1] * dims[2]};
        ALX_TRY(add_tensor(writer, ALX_MEAN_IMAGE_NAME, dims, 3, view, ALX_DTYPE_F32));
    }
    for (size_t i = 0; i < alx_net_layer_count(model->net); i++) {
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        struct alx_tensor_view views[] = {model->slots[i].weights, model->slots[i].biases};
        size_t count = alx_needs_of(alx_net_layer(model->net, i), needs);
        for (size_t j = 0; j < count; j++)
            ALX_TRY(add_tensor(writer, needs[j].name, needs[j].dims, needs[j].dim_count, views[j],
                               dtype));
    }
error:
    return status;
}

static enum alx_status add_metadata(json_t *root, const alx_model *model)
{
    enum alx_status status = ALX_STATUS_OK;
    char *network = NULL, *labels = NULL, *preprocess = NULL;
    ALX_TRY(alx_net_to_text(model->net, &network));
    ALX_TRY(alx_preprocess_to_json(&model->preprocess, alx_net_input(model->net).channels,
                                   &preprocess));
    if (!model->numbered)
        ALX_TRY(alx_labels_to_json(&model->labels, &labels));
    json_t *metadata =
        json_pack("{ss ss ss ss ss* ss*}", ALX_SAFETENSORS_SCHEME, ALX_SAFETENSORS_VERSION, "name",
                  model->name, "network", network, "preprocess", preprocess, "labels", labels,
                  "source", model->origin);
    if (json_object_set_new(root, ALX_SAFETENSORS_METADATA, metadata))
        status = no_memory();
error:
    free(network);
    free(labels);
    free(preprocess);
    return status;
}

/* The JSON, padded with spaces so that the tensors begin at a multiple of 8. */
static enum alx_status dump_header(const json_t *root, char **out, size_t *out_bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    char *text = json_dumps(root, JSON_COMPACT), *padded = NULL;
    if (!text)
        return no_memory();
    size_t length = strlen(text), bytes = alx_round_up(length, 8);
    ALX_TRY(alx_alloc(bytes + 1, 1, "the header", &padded));
    memset(padded, ' ', bytes);
    memcpy(padded, text, length);
    *out = padded;
    *out_bytes = bytes;
error:
    free(text);
    return status;
}

enum alx_status alx_model_save(const alx_model *model, const char *path, enum alx_dtype dtype)
{
    enum alx_status status = ALX_STATUS_OK;
    const char *context = alx_error_context(path);
    struct writer writer = {.root = json_object(), .piece_count = HEADER_PIECES};
    size_t most = 1 + ALX_NEEDS_A_LAYER * alx_net_layer_count(model->net);
    size_t header_bytes = 0;
    char *header = NULL;
    uint64_t length;
    ALX_TRY(alx_model_check(model));
    ALX_TRY(alx_alloc(HEADER_PIECES + most, sizeof *writer.pieces, "the file", &writer.pieces));
    ALX_TRY(alx_alloc(most, sizeof *writer.converted, "the file", &writer.converted));
    ALX_TRY(add_metadata(writer.root, model));
    ALX_TRY(add_tensors(&writer, model, dtype));
    ALX_TRY(dump_header(writer.root, &header, &header_bytes));
    length = header_bytes; /* hosts are little-endian, see tensor/view.c */
    writer.pieces[0] = (struct alx_bytes){&length, sizeof length};
    writer.pieces[1] = (struct alx_bytes){header, header_bytes};
    alx_error_context(context); /* what follows names the path itself */
    status = alx_file_write(path, writer.pieces, writer.piece_count);
error:
    alx_error_context(context);
    free(header);
    free_writer(&writer);
    return status;
}
