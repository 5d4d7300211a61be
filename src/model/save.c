/*
 * Writing our safetensors: see safetensors.h for what is in them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "model/net_json.h"
#include "model/preprocess.h"
#include "model/provenance.h"
#include "model/safetensors.h"
#include "tensor/quantise.h"
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

static void convert_values(const float *values, size_t count, enum alx_dtype dtype, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits = dtype == ALX_DTYPE_F16 ? alx_float_to_half(values[i])
                                               : alx_float_to_bfloat16(values[i]);
        if (dtype == ALX_DTYPE_F32)
            memcpy(out + i * sizeof *values, &values[i], sizeof *values);
        else
            memcpy(out + i * sizeof bits, &bits, sizeof bits);
    }
}

/* Room for a tensor's values that the writer owns. */
static enum alx_status keep(struct writer *writer, const char *name, size_t elems, size_t bytes,
                            uint8_t **out)
{
    enum alx_status status = alx_alloc(elems, bytes, name, out);
    if (status == ALX_STATUS_OK)
        writer->converted[writer->converted_count++] = *out;
    return status;
}

/* The values as `dtype`, which is not I8; `scales` are those of I8 values in rows. */
static enum alx_status convert(struct writer *writer, const char *name,
                               const struct alx_tensor_view *view,
                               const struct alx_tensor_view *scales, enum alx_dtype dtype,
                               struct alx_tensor_view *out)
{
    enum { BLOCK = 1024 };
    enum alx_status status = ALX_STATUS_OK;
    float values[BLOCK], scale;
    uint8_t *converted = NULL;
    size_t bytes = alx_dtype_bytes(dtype);
    size_t row = view->elems / alx_max(scales->elems, 1);
    ALX_TRY(keep(writer, name, view->elems, bytes, &converted));
    for (size_t first = 0, count; first < view->elems; first += count) {
        count = alx_min(BLOCK, row - first % row);
        alx_view_read(*view, first, count, values);
        if (scales->elems)
            alx_view_read(*scales, first / row, 1, &scale);
        for (size_t i = 0; i < count && scales->elems; i++)
            values[i] *= scale;
        convert_values(values, count, dtype, converted + first * bytes);
    }
    struct alx_tensor_view result = {converted, dtype, view->elems};
    size_t index = alx_view_first_not_finite(result);
    if (index < view->elems && index != alx_view_first_not_finite(*view))
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: value %zu is too large for %s; choose another type", name,
                        index, alx_dtype_name(dtype));
    *out = result;
error:
    return status;
}

/* The values as whole numbers, and the scales of the rows. */
static enum alx_status quantise(struct writer *writer, const struct alx_need *need,
                                struct alx_tensor_view *view, struct alx_tensor_view *scales)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t rows = need->dims[0], row = view->elems / rows;
    uint8_t *whole = NULL, *kept = NULL;
    float *values = NULL;
    ALX_TRY(alx_alloc(row, sizeof *values, need->name, &values));
    ALX_TRY(keep(writer, need->name, view->elems, 1, &whole));
    ALX_TRY(keep(writer, need->name, rows, sizeof *values, &kept));
    for (size_t i = 0; i < rows; i++) {
        alx_view_read(*view, i * row, row, values);
        float scale = alx_quantise_scale(values, row);
        if (!isfinite(scale)) {
            status = alx_fail(ALX_STATUS_MODEL,
                              "tensor %s: a value of row %zu is NaN or infinite; I8 has neither",
                              need->name, i);
            goto error;
        }
        alx_quantise(values, row, scale, (int8_t *)whole + i * row);
        memcpy(kept + i * sizeof scale, &scale, sizeof scale);
    }
    *view = (struct alx_tensor_view){whole, ALX_DTYPE_I8, view->elems};
    *scales = (struct alx_tensor_view){kept, ALX_DTYPE_F32, rows};
error:
    free(values);
    return status;
}

static enum alx_status add_tensor(struct writer *writer, const char *name, const size_t *dims,
                                  size_t dim_count, struct alx_tensor_view view)
{
    size_t bytes = view.elems * alx_dtype_bytes(view.dtype);
    json_t *shape = json_array();
    bool failed = !shape;
    for (size_t i = 0; i < dim_count; i++)
        failed |= json_array_append_new(shape, json_integer((json_int_t)dims[i])) != 0;
    json_t *entry =
        json_pack("{ss so s[II]}", "dtype", alx_dtype_name(view.dtype), "shape", shape,
                  "data_offsets", (json_int_t)writer->offset, (json_int_t)(writer->offset + bytes));
    failed |= json_object_set_new(writer->root, name, entry) != 0;
    if (failed)
        return no_memory();
    writer->pieces[writer->piece_count++] = (struct alx_bytes){view.data, bytes};
    writer->offset += bytes;
    return ALX_STATUS_OK;
}

static enum alx_status add_values(struct writer *writer, const struct alx_need *need,
                                  struct alx_tensor_view view, struct alx_tensor_view scales,
                                  enum alx_dtype dtype)
{
    enum alx_status status = ALX_STATUS_OK;
    if (view.dtype != dtype)
        ALX_TRY(convert(writer, need->name, &view, &scales, dtype, &view));
    ALX_TRY(add_tensor(writer, need->name, need->dims, need->dim_count, view));
error:
    return status;
}

/* Whole numbers go behind all else, which a single byte would misalign; so they are only made here,
 * into `*whole`. */
static enum alx_status add_weights(struct writer *writer, const struct alx_need *need,
                                   const struct alx_slot *slot, enum alx_dtype dtype,
                                   struct alx_tensor_view *whole)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_tensor_view view = slot->weights, scales = slot->scales;
    char name[sizeof need->name + sizeof ALX_SAFETENSORS_SCALE];
    if (dtype != ALX_DTYPE_I8)
        return add_values(writer, need, view, scales, dtype);
    if (view.dtype != dtype)
        ALX_TRY(quantise(writer, need, &view, &scales));
    snprintf(name, sizeof name, "%s" ALX_SAFETENSORS_SCALE, need->name);
    ALX_TRY(add_tensor(writer, name, need->dims, 1, scales));
    *whole = view;
error:
    return status;
}

/* The mean image goes first, since the others may have two bytes a value. */
static enum alx_status add_mean_image(struct writer *writer, const alx_model *model)
{
    const struct alx_preprocess *p = &model->preprocess;
    const size_t dims[] = {alx_net_input(model->net).channels, p->mean_height, p->mean_width};
    struct alx_tensor_view view = {p->mean_image, ALX_DTYPE_F32, dims[0] * dims[1] * dims[2]};
    return p->mean_image ? add_tensor(writer, ALX_MEAN_IMAGE_NAME, dims, 3, view) : ALX_STATUS_OK;
}

static enum alx_status add_tensors(struct writer *writer, const alx_model *model,
                                   enum alx_dtype dtype)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t layers = alx_net_layer_count(model->net);
    struct alx_need needs[ALX_NEEDS_A_LAYER];
    struct alx_tensor_view *whole = NULL;
    ALX_TRY(alx_alloc(layers, sizeof *whole, "the file", &whole));
    ALX_TRY(add_mean_image(writer, model));
    for (size_t i = 0; i < layers; i++) {
        const struct alx_slot *slot = &model->slots[i];
        size_t count = alx_needs_of(alx_net_layer(model->net, i), needs);
        if (count)
            ALX_TRY(add_weights(writer, &needs[0], slot, dtype, &whole[i]));
        if (count > 1)
            ALX_TRY(add_values(writer, &needs[1], slot->biases, (struct alx_tensor_view){0},
                               dtype == ALX_DTYPE_I8 ? ALX_DTYPE_F32 : dtype));
    }
    for (size_t i = 0; i < layers; i++)
        if (whole[i].elems && alx_needs_of(alx_net_layer(model->net, i), needs))
            ALX_TRY(add_tensor(writer, needs->name, needs->dims, needs->dim_count, whole[i]));
error:
    free(whole);
    return status;
}

static enum alx_status add_metadata(json_t *root, const alx_model *model)
{
    enum alx_status status = ALX_STATUS_OK;
    char *network = NULL, *labels = NULL, *preprocess = NULL, *converted = NULL;
    ALX_TRY(alx_net_to_text(model->net, &network));
    ALX_TRY(alx_preprocess_to_json(&model->preprocess, alx_net_input(model->net).channels,
                                   &preprocess));
    ALX_TRY(alx_provenance_to_json(model, &converted));
    if (!model->numbered && !model->imagenet)
        ALX_TRY(alx_labels_to_json(&model->labels, &labels));
    json_t *metadata =
        json_pack("{ss ss ss ss ss* ss* ss*}", ALX_SAFETENSORS_SCHEME, ALX_SAFETENSORS_VERSION,
                  "name", model->name, "network", network, "preprocess", preprocess, "labels",
                  labels, "source", model->provenance.note, ALX_SAFETENSORS_CONVERTED, converted);
    if (json_object_set_new(root, ALX_SAFETENSORS_METADATA, metadata))
        status = no_memory();
error:
    free(network);
    free(labels);
    free(preprocess);
    free(converted);
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
    size_t most = 1 + (ALX_NEEDS_A_LAYER + 1) * alx_net_layer_count(model->net);
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
