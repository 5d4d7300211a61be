#include "model/torch.h"

#include <stdlib.h>
#include <string.h>

#include "model/zip.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

static const struct alx_torch_dtype dtypes[] = {
    {"F32", 4, true, false, ALX_DTYPE_F32},
    {"F16", 2, true, false, ALX_DTYPE_F16},
    {"BF16", 2, true, false, ALX_DTYPE_BF16},
    {"F64", 8, true, true, ALX_DTYPE_F32},
    {"I64", 8, false, false, 0},
    {"I32", 4, false, false, 0},
    {"I16", 2, false, false, 0},
    {"I8", 1, false, false, 0},
    {"U8", 1, false, false, 0},
    {"BOOL", 1, false, false, 0},
};
enum { DTYPE_COUNT = sizeof dtypes / sizeof *dtypes };

/* A pickle of few bytes can repeat the same name and tensor very often. */
enum { MAX_PAIRS = 1 << 16, MAX_NAME = 1024 };

enum role {
    ROLE_DTYPE = 0, /* and on: the index of a type */
    ROLE_DICT = DTYPE_COUNT,
    ROLE_TENSOR,    /* f(storage, offset, size, stride, ...) */
    ROLE_PARAMETER, /* f(tensor, ...), or a state (tensor, ...) that comes later */
    ROLE_OTHER      /* may be there, is not looked at */
};

#define DTYPE(name, index)                                                                         \
    {"torch", name "Storage", ALX_PICKLE_CLASS, ROLE_DTYPE + index},                               \
    {                                                                                              \
        "torch", name "Tensor", ALX_PICKLE_CLASS, ROLE_DTYPE + index                               \
    }

/* All that a state dict may name. */
static const struct alx_pickle_global globals[] = {
    {"collections", "OrderedDict", ALX_PICKLE_DICT_CLASS, ROLE_DICT},
    {"torch._utils", "_rebuild_tensor_v2", ALX_PICKLE_CALLABLE, ROLE_TENSOR},
    {"torch._utils", "_rebuild_tensor", ALX_PICKLE_CALLABLE, ROLE_TENSOR},
    {"torch._utils", "_rebuild_parameter", ALX_PICKLE_CALLABLE, ROLE_PARAMETER},
    {"torch.nn.parameter", "Parameter", ALX_PICKLE_CALLABLE, ROLE_PARAMETER},
    {"torch", "Size", ALX_PICKLE_CALLABLE, ROLE_OTHER},
    {"torch", "device", ALX_PICKLE_CALLABLE, ROLE_OTHER},
    DTYPE("Float", 0),
    DTYPE("Half", 1),
    DTYPE("BFloat16", 2),
    DTYPE("Double", 3),
    DTYPE("Long", 4),
    DTYPE("Int", 5),
    DTYPE("Short", 6),
    DTYPE("Char", 7),
    DTYPE("Byte", 8),
    DTYPE("Bool", 9),
};

enum alx_status alx_torch_pickle(const struct alx_torch_file *file, size_t begin, size_t end,
                                 struct alx_pickle *out)
{
    return alx_pickle_read(file->data, begin, end, globals, sizeof globals / sizeof *globals, out);
}

const struct alx_torch_dtype *alx_torch_dtype_of(const struct alx_pickle_value *value)
{
    return alx_pickle_is(value, ALX_PICKLE_GLOBAL) && value->global->role < DTYPE_COUNT
               ? &dtypes[value->global->role]
               : NULL;
}

enum alx_status alx_torch_read_id(const struct alx_pickle *pickle,
                                  const struct alx_pickle_value *value, struct alx_torch_id *out)
{
    const struct alx_pickle_value *id = alx_pickle_item(pickle, value, 0);
    const struct alx_pickle_value *view = alx_pickle_item(pickle, id, 5);
    struct alx_torch_id result = {.dtype = alx_torch_dtype_of(alx_pickle_item(pickle, id, 1)),
                                  .key = alx_pickle_item(pickle, id, 2)};
    if (!alx_pickle_is(value, ALX_PICKLE_PERSISTENT) ||
        !alx_pickle_text_equals(alx_pickle_item(pickle, id, 0), "storage") || !result.dtype ||
        !alx_pickle_is(result.key, ALX_PICKLE_TEXT) ||
        !alx_pickle_size(alx_pickle_item(pickle, id, 4), &result.elems))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: not the id of a storage: ('storage', type, key, location, "
                        "size)",
                        value ? value->offset : 0);
    if (view && view->kind != ALX_PICKLE_NONE)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: a storage that is a part of another one is not read; save "
                        "clones of the tensors",
                        id->offset);
    *out = result;
    return ALX_STATUS_OK;
}

/* The size or stride of a tensor: a tuple (or torch.Size of one) of numbers. */
static bool read_sizes(const struct alx_pickle *pickle, const struct alx_pickle_value *value,
                       size_t count, size_t sizes[ALX_TENSOR_MAX_DIMS])
{
    for (size_t i = 0; i < count; i++)
        if (!alx_pickle_size(alx_pickle_item(pickle, value, i), &sizes[i]))
            return false;
    return alx_pickle_is(value, ALX_PICKLE_TUPLE) && value->items.count == count;
}

/* A call of torch's function that makes a tensor of a storage. */
static enum alx_status read_call(struct alx_torch_file *file, const struct alx_pickle *pickle,
                                 const struct alx_pickle_value *call, struct alx_torch_tensor *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_pickle_value *arguments = alx_pickle_item(pickle, call, 1);
    const struct alx_pickle_value *size = alx_pickle_item(pickle, arguments, 2);
    struct alx_torch_tensor tensor = {.dim_count = alx_pickle_item_count(size)};
    struct alx_torch_id id;
    if (tensor.dim_count > ALX_TENSOR_MAX_DIMS)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: a tensor of %zu dimensions; up to %d are read", call->offset,
                        tensor.dim_count, ALX_TENSOR_MAX_DIMS);
    if (!alx_pickle_size(alx_pickle_item(pickle, arguments, 1), &tensor.offset) ||
        !read_sizes(pickle, size, tensor.dim_count, tensor.dims) ||
        !read_sizes(pickle, alx_pickle_item(pickle, arguments, 3), tensor.dim_count,
                    tensor.strides))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: not the arguments of a tensor: storage, offset, size, stride",
                        call->offset);
    ALX_TRY(alx_torch_read_id(pickle, alx_pickle_item(pickle, arguments, 0), &id));
    tensor.storage = (struct alx_torch_storage){.dtype = id.dtype, .elems = id.elems};
    ALX_TRY(file->find_storage(file, &id, &tensor.storage));
    *out = tensor;
error:
    return status;
}

/* Follows parameters to the tensor in them. `*found` says whether the value is a tensor at all. */
static enum alx_status read_tensor(struct alx_torch_file *file, const struct alx_pickle *pickle,
                                   const struct alx_pickle_value *value, bool *found,
                                   struct alx_torch_tensor *out)
{
    enum { MAX_DEPTH = 4 };
    enum alx_status status = ALX_STATUS_OK;
    *found = false;
    for (int depth = 0; value && depth < MAX_DEPTH; depth++) {
        if (value->kind == ALX_PICKLE_PERSISTENT && file->find_tensor) {
            ALX_TRY(file->find_tensor(file, alx_pickle_item(pickle, value, 0), out));
            *found = true;
            break;
        }
        if (value->kind != ALX_PICKLE_CALL)
            break;
        enum role role = (enum role)alx_pickle_item(pickle, value, 0)->global->role;
        if (role == ROLE_TENSOR) {
            ALX_TRY(read_call(file, pickle, value, out));
            *found = true;
            break;
        }
        if (role != ROLE_PARAMETER)
            break;
        const struct alx_pickle_value *arguments = alx_pickle_item(pickle, value, 1);
        const struct alx_pickle_value *state = alx_pickle_item(pickle, value, 2);
        value = alx_pickle_item(pickle, arguments->items.count ? arguments : state, 0);
    }
error:
    return status;
}

/* The number of elements, and whether they lie in the storage one after the other. */
static enum alx_status check_extent(const struct alx_torch_tensor *tensor, const char *shown,
                                    size_t *elems, bool *contiguous)
{
    size_t count = 1, last = tensor->offset, reach;
    *contiguous = true;
    for (size_t i = tensor->dim_count; i-- > 0;) {
        if (tensor->dims[i] != 1 && tensor->strides[i] != count)
            *contiguous = false;
        if (!alx_mul(count, tensor->dims[i], &count))
            return alx_fail(ALX_STATUS_MODEL, "tensor %s: its shape has too many values", shown);
    }
    *elems = count;
    for (size_t i = 0; count && i < tensor->dim_count; i++)
        if (!alx_mul(tensor->dims[i] - 1, tensor->strides[i], &reach) ||
            !alx_add(last, reach, &last))
            last = SIZE_MAX;
    if (count ? last >= tensor->storage.elems : tensor->offset > tensor->storage.elems)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: reaches value %zu, but its storage has only %zu", shown, last,
                        tensor->storage.elems);
    if (count > tensor->storage.elems)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: its %zu values are %zu that are used again and again; save "
                        "model.state_dict() with contiguous tensors",
                        shown, count, tensor->storage.elems);
    return ALX_STATUS_OK;
}

static float read_value(const struct alx_torch_storage *storage, bool big_endian, size_t index)
{
    const uint8_t *from = storage->data + index * storage->dtype->bytes;
    uint8_t bytes[8];
    double number;
    float value;
    for (size_t i = 0; i < storage->dtype->bytes; i++)
        bytes[i] = from[big_endian ? storage->dtype->bytes - 1 - i : i];
    if (storage->dtype->is_double) {
        memcpy(&number, bytes, sizeof number);
        return (float)number;
    }
    alx_view_read((struct alx_tensor_view){bytes, storage->dtype->dtype, 1}, 0, 1, &value);
    return value;
}

/* Copies the elements in their order. */
static void gather(const struct alx_torch_tensor *tensor, bool big_endian, size_t elems, float *out)
{
    size_t at[ALX_TENSOR_MAX_DIMS] = {0}, index = tensor->offset;
    for (size_t i = 0; i < elems; i++) {
        out[i] = read_value(&tensor->storage, big_endian, index);
        for (size_t d = tensor->dim_count; d-- > 0;) {
            index += tensor->strides[d];
            if (++at[d] < tensor->dims[d])
                break;
            index -= tensor->dims[d] * tensor->strides[d];
            at[d] = 0;
        }
    }
}

/* Plain little-endian values are used where they are; others are converted. */
static enum alx_status add_tensor(struct alx_torch_file *file,
                                  const struct alx_torch_tensor *tensor, char *name)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor *added = &file->source->tensors[file->source->tensor_count];
    const struct alx_torch_dtype *dtype = tensor->storage.dtype;
    char shown[ALX_SHOW_BYTES];
    size_t elems = 0;
    bool contiguous = false;
    float *values;
    ALX_TRY(check_extent(tensor, alx_show(name, shown), &elems, &contiguous));
    *added = (struct alx_source_tensor){.name = name, .dim_count = tensor->dim_count};
    memcpy(added->dims, tensor->dims, sizeof added->dims);
    alx_text_copy(added->dtype_name, sizeof added->dtype_name, dtype->name);
    added->readable = dtype->readable;
    added->view = (struct alx_tensor_view){tensor->storage.data + tensor->offset * dtype->bytes,
                                           dtype->dtype, elems};
    if (dtype->readable && (!contiguous || file->big_endian || dtype->is_double)) {
        /* The same storage may be converted for many tensors, but not for a bomb. */
        if (elems > file->bytes / 2 || file->source->value_count > file->bytes / 2 - elems)
            return alx_fail(ALX_STATUS_MODEL,
                            "tensor %s: with it, more values are converted than the file holds",
                            shown);
        ALX_TRY(alx_source_keep(file->source, elems, &values));
        gather(tensor, file->big_endian, elems, values);
        added->view = (struct alx_tensor_view){values, ALX_DTYPE_F32, elems};
    }
    file->source->tensor_count++;
error:
    return status;
}

/* Removes what torch.nn.DataParallel puts into names, in front or behind a dot. */
static void strip_module(char *name)
{
    static const char word[] = "module.";
    const size_t length = sizeof word - 1;
    bool start = true;
    char *to = name;
    for (const char *from = name; *from;) {
        if (start && !strncmp(from, word, length)) {
            from += length;
            continue;
        }
        start = *from == '.';
        *to++ = *from++;
    }
    *to = 0;
}

/* The state dict: the object itself, or what a checkpoint holds beside other things. */
static const struct alx_pickle_value *find_state(const struct alx_pickle *pickle)
{
    static const char *const names[] = {"state_dict", "model_state_dict", "model"};
    const struct alx_pickle_value *root = &pickle->values[pickle->root];
    if (root->kind != ALX_PICKLE_DICT)
        return NULL;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t i = 0; i < root->items.count; i += 2) {
            const struct alx_pickle_value *value = alx_pickle_item(pickle, root, i + 1);
            if (alx_pickle_text_equals(alx_pickle_item(pickle, root, i), names[n]) &&
                value->kind == ALX_PICKLE_DICT)
                return value;
        }
    return root;
}

static enum alx_status check_names(const struct alx_source *source)
{
    char shown[ALX_SHOW_BYTES];
    for (size_t i = 1; i < source->tensor_count; i++)
        if (!strcmp(source->tensors[i - 1].name, source->tensors[i].name))
            return alx_fail(ALX_STATUS_MODEL, "tensor %s: is there twice",
                            alx_show(source->tensors[i].name, shown));
    return ALX_STATUS_OK;
}

enum alx_status alx_torch_read_object(struct alx_torch_file *file, const struct alx_pickle *pickle)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_pickle_value *root = &pickle->values[pickle->root], *dict = find_state(pickle);
    struct alx_source *source = file->source;
    char *name = NULL;
    if (!dict)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: %s instead of a state dict; save model.state_dict()",
                        root->offset, alx_pickle_kind_name(root->kind));
    size_t pairs = dict->items.count / 2;
    if (pairs > MAX_PAIRS)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: a dict of %zu pairs; up to %d are read",
                        dict->offset, pairs, MAX_PAIRS);
    ALX_TRY(alx_alloc(pairs, sizeof *source->tensors, "the tensors", &source->tensors));
    for (size_t i = 0; i < dict->items.count; i += 2) {
        struct alx_torch_tensor tensor;
        bool found;
        ALX_TRY(read_tensor(file, pickle, alx_pickle_item(pickle, dict, i + 1), &found, &tensor));
        if (!found)
            continue;
        ALX_TRY(alx_pickle_copy_text(alx_pickle_item(pickle, dict, i), MAX_NAME, &name));
        strip_module(name);
        ALX_TRY(add_tensor(file, &tensor, name));
        name = NULL;
    }
    if (!source->tensor_count) {
        status = alx_fail(ALX_STATUS_MODEL,
                          "offset %zu: a dict without tensors; save "
                          "model.state_dict()",
                          dict->offset);
        goto error;
    }
    alx_source_sort(source);
    ALX_TRY(check_names(source));
error:
    free(name);
    return status;
}

static bool probe(const uint8_t *data, size_t bytes)
{
    return alx_zip_probe(data, bytes) || alx_torch_is_stream(data, bytes) ||
           alx_torch_is_tar(data, bytes);
}

static enum alx_status read_file(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    if (alx_torch_is_stream(data, bytes))
        return alx_torch_read_stream(data, bytes, source);
    if (alx_torch_is_tar(data, bytes))
        return alx_torch_read_tar(data, bytes, source);
    return alx_torch_read_zip(data, bytes, source);
}

const struct alx_reader alx_reader_torch = {"torch", ".pth", probe, read_file};
