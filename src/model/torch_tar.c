/*
 * The tar file of torch before 0.1.10, with these members:
 *
 *   storages  the pickled number of them; for each a pickled (key, location, type), the number of
 *             values (i64) and the values; then a pickled list of views, here empty
 *   tensors   the pickled number of them; for each a pickled (key, storage key, type), the number
 * of dimensions (i32, four bytes unused), sizes, strides, offset (i64) pickle    the object, whose
 * persistent ids are the tensors' keys as decimal texts
 *
 * Everything is little-endian. Others (sys_info, the headers that tar writers add) do not matter.
 * The values must not be copied, which is why the container is read here: members are found where
 * they lie, by POSIX's ustar header.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/torch.h"
#include "util/error.h"
#include "util/memory.h"

enum {
    BLOCK = 512,
    NAME_BYTES = 100,
    SIZE_AT = 124,
    SIZE_BYTES = 12,
    SUM_AT = 148,
    SUM_BYTES = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
};

bool alx_torch_is_tar(const uint8_t *data, size_t bytes)
{
    return bytes >= BLOCK && !memcmp(data + MAGIC_AT, "ustar", 5);
}

/* A part of the file, read from its begin on. */
struct member {
    const char *name;
    size_t at, end;
};

struct storage_row {
    int64_t key;
    struct alx_torch_storage storage;
};
struct tensor_row {
    int64_t key;
    struct alx_torch_tensor tensor;
};

struct tar_file {
    struct alx_torch_file file;   /* first, so that it can be cast back */
    struct storage_row *storages; /* owned; sorted by key once all are there */
    struct tensor_row *tensors;   /* owned; sorted by key once all are there */
    size_t storage_count, tensor_count;
};

/* An octal number up to a blank, a NUL or the field's end. */
static bool read_octal(const uint8_t *field, size_t bytes, size_t *out)
{
    size_t value = 0, i = 0;
    while (i < bytes && field[i] == ' ')
        i++;
    for (; i < bytes && field[i] && field[i] != ' '; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        value = value << 3 | (size_t)(field[i] - '0'); /* 12 digits at most */
    }
    *out = value;
    return true;
}

static bool checksum_is_right(const uint8_t *header)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)header;
    return true;
#else
    size_t sum = 0, stored;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= SUM_AT && i < SUM_AT + SUM_BYTES ? ' ' : header[i];
    return read_octal(header + SUM_AT, SUM_BYTES, &stored) && sum == stored;
#endif
}

/* Finds the members that are wanted; each must be there, once. */
static enum alx_status find_members(const struct alx_torch_file *file, struct member *members,
                                    size_t count)
{
    size_t at = 0, bytes;
    while (file->bytes - at >= BLOCK && file->data[at]) {
        const uint8_t *header = file->data + at;
        if (memcmp(header + MAGIC_AT, "ustar", 5) || !checksum_is_right(header) ||
            !read_octal(header + SIZE_AT, SIZE_BYTES, &bytes))
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: no header of a tar member", at);
        at += BLOCK;
        if (bytes > file->bytes - at)
            return alx_fail(ALX_STATUS_MODEL,
                            "offset %zu: a tar member of %zu bytes, but the file ends at %zu: it "
                            "is cut off",
                            at, bytes, file->bytes);
        bool plain = header[TYPE_AT] == '0' || !header[TYPE_AT];
        for (size_t i = 0; plain && i < count; i++) {
            if (strncmp((const char *)header, members[i].name, NAME_BYTES))
                continue;
            if (members[i].end)
                return alx_fail(ALX_STATUS_MODEL, "offset %zu: the tar member %s is there twice",
                                at, members[i].name);
            members[i].at = at;
            members[i].end = at + bytes;
        }
        at += alx_min(alx_round_up(bytes, BLOCK), file->bytes - at);
    }
    for (size_t i = 0; i < count; i++)
        if (!members[i].end)
            return alx_fail(ALX_STATUS_MODEL,
                            "offset %zu: the tar file has no member %s, so torch did not write it, "
                            "or it is cut off",
                            at, members[i].name);
    return ALX_STATUS_OK;
}

/* Reads the next pickle of a member. */
static enum alx_status read_next(const struct alx_torch_file *file, struct member *member,
                                 struct alx_pickle *out)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_torch_pickle(file, member->at, member->end, out));
    member->at = out->end;
error:
    return status;
}

/* Reads the next `count` numbers of a member. */
static enum alx_status read_numbers(const struct alx_torch_file *file, struct member *member,
                                    size_t count, size_t *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        if (member->end - member->at < sizeof number)
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: the tar member %s is cut off",
                            member->at, member->name);
        memcpy(&number, file->data + member->at, sizeof number);
        if (number > INT64_MAX)
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: a number below 0", member->at);
        member->at += sizeof number;
        out[i] = (size_t)number;
    }
    return ALX_STATUS_OK;
}

/* The number of items that a member begins with. */
static enum alx_status read_count(const struct alx_torch_file *file, struct member *member,
                                  size_t *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_pickle pickle = {0};
    size_t begin = member->at, count;
    ALX_TRY(read_next(file, member, &pickle));
    if (!alx_pickle_size(&pickle.values[pickle.root], &count) || count > member->end - member->at) {
        status = alx_fail(ALX_STATUS_MODEL, "offset %zu: not a number of items that fits", begin);
        goto error;
    }
    *out = count;
error:
    alx_pickle_free(&pickle);
    return status;
}

/* A pickled triple of a key, something, and a type. `second` is its number where `key_twice`. */
static enum alx_status read_triple(const struct alx_torch_file *file, struct member *member,
                                   bool key_twice, int64_t *key, int64_t *second,
                                   const struct alx_torch_dtype **dtype)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_pickle pickle = {0};
    size_t begin = member->at;
    ALX_TRY(read_next(file, member, &pickle));
    const struct alx_pickle_value *root = &pickle.values[pickle.root], *items[3];
    for (size_t i = 0; i < 3; i++)
        items[i] = alx_pickle_item(&pickle, root, i);
    *dtype = alx_torch_dtype_of(items[2]);
    if (!alx_pickle_is(items[0], ALX_PICKLE_INT) ||
        (key_twice && !alx_pickle_is(items[1], ALX_PICKLE_INT)) || !*dtype) {
        status = alx_fail(ALX_STATUS_MODEL, "offset %zu: not the description of a %s", begin,
                          key_twice ? "tensor" : "storage");
        goto error;
    }
    *key = items[0]->integer;
    *second = key_twice ? items[1]->integer : 0;
error:
    alx_pickle_free(&pickle);
    return status;
}

/* Rows begin with their key. */
static int compare_keys(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static enum alx_status sort_rows(void *rows, size_t count, size_t row_bytes, const char *member)
{
    const uint8_t *bytes = rows;
    if (count)
        qsort(rows, count, row_bytes, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (!compare_keys(bytes + (i - 1) * row_bytes, bytes + i * row_bytes))
            return alx_fail(ALX_STATUS_MODEL, "tar member %s: a key is there twice", member);
    return ALX_STATUS_OK;
}

static enum alx_status read_storage(struct tar_file *t, struct member *member)
{
    enum alx_status status = ALX_STATUS_OK;
    struct storage_row *row = &t->storages[t->storage_count];
    struct alx_torch_storage *storage = &row->storage;
    int64_t unused;
    size_t bytes;
    ALX_TRY(read_triple(&t->file, member, false, &row->key, &unused, &storage->dtype));
    ALX_TRY(read_numbers(&t->file, member, 1, &storage->elems));
    if (!alx_mul(storage->elems, storage->dtype->bytes, &bytes) || bytes > member->end - member->at)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: a storage of %zu values of %s, but the tar member %s ends at "
                        "%zu",
                        member->at, storage->elems, storage->dtype->name, member->name,
                        member->end);
    storage->data = t->file.data + member->at;
    member->at += bytes;
    t->storage_count++;
error:
    return status;
}

static enum alx_status read_storages(struct tar_file *t, struct member *member)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_pickle views = {0};
    size_t count;
    ALX_TRY(read_count(&t->file, member, &count));
    ALX_TRY(alx_alloc(count, sizeof *t->storages, "the storages", &t->storages));
    while (t->storage_count < count)
        ALX_TRY(read_storage(t, member));
    ALX_TRY(sort_rows(t->storages, count, sizeof *t->storages, member->name));
    ALX_TRY(read_next(&t->file, member, &views));
    if (alx_pickle_item_count(&views.values[views.root])) {
        status =
            alx_fail(ALX_STATUS_MODEL, "offset %zu: storages that are parts of others are not read",
                     views.values[views.root].offset);
        goto error;
    }
error:
    alx_pickle_free(&views);
    return status;
}

static enum alx_status read_tensor(struct tar_file *t, struct member *member)
{
    enum alx_status status = ALX_STATUS_OK;
    struct tensor_row *row = &t->tensors[t->tensor_count];
    struct alx_torch_tensor *tensor = &row->tensor;
    const struct alx_torch_dtype *dtype;
    int64_t storage_key;
    ALX_TRY(read_triple(&t->file, member, true, &row->key, &storage_key, &dtype));
    ALX_TRY(read_numbers(&t->file, member, 1, &tensor->dim_count));
    tensor->dim_count &= UINT32_MAX; /* the other half is not used */
    if (tensor->dim_count > ALX_TENSOR_MAX_DIMS)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: a tensor of %zu dimensions; up to %d are read", member->at,
                        tensor->dim_count, ALX_TENSOR_MAX_DIMS);
    ALX_TRY(read_numbers(&t->file, member, tensor->dim_count, tensor->dims));
    ALX_TRY(read_numbers(&t->file, member, tensor->dim_count, tensor->strides));
    ALX_TRY(read_numbers(&t->file, member, 1, &tensor->offset));
    const struct storage_row *storage = t->storage_count
                                            ? bsearch(&storage_key, t->storages, t->storage_count,
                                                      sizeof *t->storages, compare_keys)
                                            : NULL;
    if (!storage || storage->storage.dtype != dtype)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: a tensor whose storage is not there, or of another type",
                        member->at);
    tensor->storage = storage->storage;
    t->tensor_count++;
error:
    return status;
}

static enum alx_status read_tensors(struct tar_file *t, struct member *member)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t count;
    ALX_TRY(read_count(&t->file, member, &count));
    ALX_TRY(alx_alloc(count, sizeof *t->tensors, "the tensors", &t->tensors));
    while (t->tensor_count < count)
        ALX_TRY(read_tensor(t, member));
    ALX_TRY(sort_rows(t->tensors, count, sizeof *t->tensors, member->name));
error:
    return status;
}

static enum alx_status find_tensor(struct alx_torch_file *file, const struct alx_pickle_value *id,
                                   struct alx_torch_tensor *out)
{
    const struct tar_file *t = (const struct tar_file *)file;
    char digits[24] = "", *end = digits;
    const struct tensor_row *row = NULL;
    if (alx_pickle_is(id, ALX_PICKLE_TEXT) && id->text.bytes && id->text.bytes < sizeof digits) {
        memcpy(digits, id->text.data, id->text.bytes);
        int64_t key = strtoll(digits, &end, 10);
        if (!*end && t->tensor_count)
            row = bsearch(&key, t->tensors, t->tensor_count, sizeof *t->tensors, compare_keys);
    }
    if (!row)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: a tensor that is not in the file",
                        id ? id->offset : 0);
    *out = row->tensor;
    return ALX_STATUS_OK;
}

/* Persistent ids mean tensors here, never storages. */
static enum alx_status find_no_storage(struct alx_torch_file *file, const struct alx_torch_id *id,
                                       struct alx_torch_storage *storage)
{
    (void)file;
    (void)storage;
    return alx_fail(ALX_STATUS_MODEL, "offset %zu: a storage that is not in the file",
                    id->key->offset);
}

enum alx_status alx_torch_read_tar(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    enum { STORAGES, TENSORS, OBJECT, MEMBER_COUNT };
    enum alx_status status = ALX_STATUS_OK;
    struct member members[MEMBER_COUNT] = {[STORAGES] = {.name = "storages"},
                                           [TENSORS] = {.name = "tensors"},
                                           [OBJECT] = {.name = "pickle"}};
    struct tar_file t = {.file = {.data = data,
                                  .bytes = bytes,
                                  .source = source,
                                  .find_storage = find_no_storage,
                                  .find_tensor = find_tensor}};
    struct alx_pickle object = {0};
    ALX_TRY(find_members(&t.file, members, MEMBER_COUNT));
    ALX_TRY(read_storages(&t, &members[STORAGES]));
    ALX_TRY(read_tensors(&t, &members[TENSORS]));
    ALX_TRY(read_next(&t.file, &members[OBJECT], &object));
    ALX_TRY(alx_torch_read_object(&t.file, &object));
error:
    alx_pickle_free(&object);
    free(t.storages);
    free(t.tensors);
    return status;
}
