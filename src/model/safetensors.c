#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "model/net_json.h"
#include "model/preprocess.h"
#include "model/provenance.h"
#include "model/reader.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/json.h"
#include "util/memory.h"
#include "util/text.h"

/* What -128 is multiplied by must stay finite. */
#define MOST_SCALE 0x1p120f

enum { LENGTH_BYTES = 8, MAX_HEADER_BYTES = 100 * 1000 * 1000 };

/* The format's types. Those that a view cannot have may occur in a file as long as nobody needs
 * them. */
static const struct dtype_row {
    const char *name;
    size_t bits;
    bool readable;
    enum alx_dtype dtype;
} dtypes[] = {
    {"F32", 32, true, ALX_DTYPE_F32},
    {"F16", 16, true, ALX_DTYPE_F16},
    {"BF16", 16, true, ALX_DTYPE_BF16},
    {"BOOL", 8, false, 0},
    {"U8", 8, false, 0},
    {"I8", 8, false, 0},
    {"I16", 16, false, 0},
    {"U16", 16, false, 0},
    {"I32", 32, false, 0},
    {"U32", 32, false, 0},
    {"F64", 64, false, 0},
    {"I64", 64, false, 0},
    {"U64", 64, false, 0},
    {"C64", 64, false, 0},
    {"F8_E4M3", 8, false, 0},
    {"F8_E5M2", 8, false, 0},
    {"F8_E8M0", 8, false, 0},
    {"F8_E4M3FNUZ", 8, false, 0},
    {"F8_E5M2FNUZ", 8, false, 0},
    {"F6_E2M3", 6, false, 0},
    {"F6_E3M2", 6, false, 0},
    {"F4", 4, false, 0},
};
enum { DTYPE_COUNT = sizeof dtypes / sizeof *dtypes };

static bool probe(const uint8_t *data, size_t bytes)
{
    return bytes > LENGTH_BYTES && data[LENGTH_BYTES] == '{';
}

/* Where a tensor's values lie, from the first one on. */
struct extent {
    size_t tensor, begin, end;
};

static bool read_size(const json_t *json, size_t *out)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return false;
    *out = (size_t)json_integer_value(json);
    return true;
}

static enum alx_status read_shape(const json_t *json, const char *shown,
                                  struct alx_source_tensor *tensor)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json))
        return alx_fail(ALX_STATUS_MODEL, "tensor %s: \"shape\" is not an array", shown);
    if (count > ALX_TENSOR_MAX_DIMS)
        return alx_fail(ALX_STATUS_MODEL, "tensor %s: %zu dimensions; up to %d are read", shown,
                        count, ALX_TENSOR_MAX_DIMS);
    tensor->dim_count = count;
    tensor->view.elems = 1;
    for (size_t i = 0; i < count; i++) {
        if (!read_size(json_array_get(json, i), &tensor->dims[i]))
            return alx_fail(ALX_STATUS_MODEL,
                            "tensor %s: dimension %zu is not a whole number from 0 on", shown, i);
        if (!alx_mul(tensor->view.elems, tensor->dims[i], &tensor->view.elems))
            return alx_fail(ALX_STATUS_MODEL, "tensor %s: its shape has too many values", shown);
    }
    return ALX_STATUS_OK;
}

/* Sets the type and compares the size that follows from it with the extent's. Types that came after
 * this program have no known size. */
static enum alx_status read_dtype(const char *name, const char *shown, const struct extent *extent,
                                  struct alx_source_tensor *tensor)
{
    const struct dtype_row *row = NULL;
    char dims[ALX_SHOW_BYTES];
    size_t bits, bytes = extent->end - extent->begin;
    alx_text_copy(tensor->dtype_name, sizeof tensor->dtype_name, name);
    alx_text_clean(tensor->dtype_name);
    for (size_t i = 0; i < DTYPE_COUNT && !row; i++)
        row = strcmp(name, dtypes[i].name) ? NULL : &dtypes[i];
    if (!row)
        return ALX_STATUS_OK;
    tensor->readable = row->readable;
    tensor->view.dtype = row->dtype;
    if (!alx_mul(tensor->view.elems, row->bits, &bits) || bits % 8 || bits / 8 != bytes)
        return alx_fail(
            ALX_STATUS_MODEL, "tensor %s: %s %s does not fill the %zu bytes at offset %zu", shown,
            row->name, alx_show_dims(tensor->dims, tensor->dim_count, dims), bytes, extent->begin);
    return ALX_STATUS_OK;
}

static enum alx_status read_entry(const char *name, const json_t *json,
                                  struct alx_source_tensor *tensor, struct extent *extent)
{
    enum alx_status status = ALX_STATUS_OK;
    char shown[ALX_SHOW_BYTES];
    const char *dtype = json_string_value(json_object_get(json, "dtype"));
    const json_t *offsets = json_object_get(json, "data_offsets");
    alx_show(name, shown);
    if (!json_is_object(json))
        return alx_fail(ALX_STATUS_MODEL, "tensor %s: not described by an object", shown);
    if (!dtype)
        return alx_fail(ALX_STATUS_MODEL, "tensor %s: \"dtype\" is not a text", shown);
    if (json_array_size(offsets) != 2 || !read_size(json_array_get(offsets, 0), &extent->begin) ||
        !read_size(json_array_get(offsets, 1), &extent->end) || extent->begin > extent->end)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: \"data_offsets\" is not a pair of ascending whole numbers",
                        shown);
    ALX_TRY(read_shape(json_object_get(json, "shape"), shown, tensor));
    ALX_TRY(read_dtype(dtype, shown, extent, tensor));
    ALX_TRY(alx_copy_string(name, &tensor->name));
error:
    return status;
}

static int compare_extents(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Sorted by offset, the tensors must fill the `bytes` after the header without holes or overlap.
 * `base` is where these begin in the file. */
static enum alx_status check_extents(const struct alx_source *source, struct extent *extents,
                                     const uint8_t *data, size_t base, size_t bytes)
{
    char shown[ALX_SHOW_BYTES];
    size_t end = 0;
    if (source->tensor_count)
        qsort(extents, source->tensor_count, sizeof *extents, compare_extents);
    for (size_t i = 0; i < source->tensor_count; i++) {
        struct alx_source_tensor *tensor = &source->tensors[extents[i].tensor];
        size_t begin = extents[i].begin;
        alx_show(tensor->name, shown);
        if (begin != end)
            return alx_fail(ALX_STATUS_MODEL,
                            "tensor %s: begins at offset %zu, but the one before ends at %zu: %s",
                            shown, begin, end, begin < end ? "they overlap" : "there is a hole");
        end = extents[i].end;
        if (end > bytes)
            return alx_fail(ALX_STATUS_MODEL,
                            "tensor %s: ends at offset %zu after the header of %zu bytes, but the "
                            "file ends at %zu: it is cut off",
                            shown, end, base, bytes);
        tensor->view.data = data + base + begin;
    }
    if (end != bytes)
        return alx_fail(ALX_STATUS_MODEL,
                        "%zu trailing bytes: the last tensor ends at byte %zu of %zu", bytes - end,
                        base + end, base + bytes);
    return ALX_STATUS_OK;
}

static enum alx_status read_tensors(json_t *root, const uint8_t *data, size_t base, size_t bytes,
                                    struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct extent *extents = NULL;
    size_t count = json_object_size(root);
    const char *name;
    json_t *json;
    ALX_TRY(alx_alloc(count, sizeof *extents, "the tensors", &extents));
    ALX_TRY(alx_alloc(count, sizeof *source->tensors, "the tensors", &source->tensors));
    json_object_foreach(root, name, json)
    {
        size_t i = source->tensor_count;
        if (!strcmp(name, ALX_SAFETENSORS_METADATA))
            continue;
        extents[i].tensor = i;
        ALX_TRY(read_entry(name, json, &source->tensors[i], &extents[i]));
        source->tensor_count++;
    }
    ALX_TRY(check_extents(source, extents, data, base, bytes));
    alx_source_sort(source);
error:
    free(extents);
    return status;
}

/* Joins the scales of int8 weights to them, which makes these readable. */
static enum alx_status read_scales(struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_text name = {0};
    char shown[ALX_SHOW_BYTES];
    for (size_t i = 0; i < source->tensor_count; i++) {
        struct alx_source_tensor *tensor = &source->tensors[i], *scales;
        alx_text_free(&name);
        alx_text_add(&name, "%s" ALX_SAFETENSORS_SCALE, tensor->name);
        if (strcmp(tensor->dtype_name, "I8") ||
            !(scales = alx_source_find(source, alx_text_get(&name))))
            continue;
        alx_show(scales->name, shown);
        if (!scales->readable || scales->view.dtype != ALX_DTYPE_F32 || scales->dim_count != 1 ||
            !tensor->dim_count || scales->dims[0] != tensor->dims[0]) {
            status =
                alx_fail(ALX_STATUS_MODEL,
                         "tensor %s: not F32, or not one value for each row of the other", shown);
            goto error;
        }
        for (size_t j = 0; j < scales->view.elems; j++) {
            float scale;
            alx_view_read(scales->view, j, 1, &scale);
            if (!(scale > 0 && scale < MOST_SCALE)) {
                status =
                    alx_fail(ALX_STATUS_MODEL,
                             "tensor %s: value %zu is not a positive number below 2^120", shown, j);
                goto error;
            }
        }
        tensor->readable = scales->used = true;
        tensor->view.dtype = ALX_DTYPE_I8;
        tensor->scales = scales->view;
    }
error:
    alx_text_free(&name);
    return status;
}

static enum alx_status read_metadata(const json_t *metadata, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    char shown[ALX_SHOW_BYTES];
    const char *key, *text;
    json_t *value;
    if (!metadata)
        return status;
    if (!json_is_object(metadata))
        return alx_fail(ALX_STATUS_MODEL, "metadata: not an object");
    json_object_foreach(
        (json_t *)(uintptr_t)metadata, key,
        value) if (!json_is_string(value)) return alx_fail(ALX_STATUS_MODEL,
                                                           "metadata: \"%s\" is not a text",
                                                           alx_show(key, shown));
    text = json_string_value(json_object_get(metadata, ALX_SAFETENSORS_SCHEME));
    if (!text)
        return status;
    if (strcmp(text, ALX_SAFETENSORS_VERSION))
        return alx_fail(ALX_STATUS_MODEL,
                        "metadata: version %s of the scheme; this program reads version %s",
                        alx_show(text, shown), ALX_SAFETENSORS_VERSION);
    if ((text = json_string_value(json_object_get(metadata, "name"))))
        ALX_TRY(alx_copy_string(text, &source->name));
    if ((text = json_string_value(json_object_get(metadata, "source"))))
        ALX_TRY(alx_copy_string(text, &source->provenance.note));
    if ((text = json_string_value(json_object_get(metadata, ALX_SAFETENSORS_CONVERTED))))
        ALX_TRY(alx_provenance_from_json(text, &source->provenance));
    if ((text = json_string_value(json_object_get(metadata, "network"))))
        ALX_TRY(alx_net_from_text(text, &source->net));
    if ((text = json_string_value(json_object_get(metadata, "labels"))))
        ALX_TRY(alx_labels_from_json(text, &source->labels));
    if ((text = json_string_value(json_object_get(metadata, "preprocess")))) {
        ALX_TRY(alx_preprocess_from_json(text, &source->preprocess));
        source->has_preprocess = true;
    }
    ALX_TRY(read_scales(source));
error:
    return status;
}

static enum alx_status read_file(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    uint64_t length = 0;
    json_t *root = NULL;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)data[i] << 8 * i;
    if (length > MAX_HEADER_BYTES)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset 0: the header length %llu is above the limit of %d bytes",
                        (unsigned long long)length, MAX_HEADER_BYTES);
    if (length > bytes - LENGTH_BYTES)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset 0: a header of %llu bytes, but the file ends at byte %zu: it is "
                        "cut off",
                        (unsigned long long)length, bytes);
    size_t base = LENGTH_BYTES + (size_t)length;
    ALX_TRY(alx_json_parse("header", ALX_STATUS_MODEL, (const char *)data + LENGTH_BYTES,
                           (size_t)length, &root));
    ALX_TRY(read_tensors(root, data, base, bytes - base, source));
    ALX_TRY(read_metadata(json_object_get(root, ALX_SAFETENSORS_METADATA), source));
error:
    json_decref(root);
    return status;
}

const struct alx_reader alx_reader_safetensors = {"safetensors", ".safetensors", probe, read_file};
