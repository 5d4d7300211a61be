/*
 * The stream: pickles of a magic number, the version 1001, facts on the machine (unused: values are
 * always little-endian), the object and the list of the storages' keys; then for each key the
 * number of values (u64) and the values.
 */
#include <stdlib.h>
#include <string.h>

#include "model/torch.h"
#include "util/error.h"
#include "util/memory.h"

/* The number 0x1950a86a20f9469cfc6c as a pickle of protocol 2. */
static const uint8_t magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
                                0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
enum { STREAM_VERSION = 1001, LENGTH_BYTES = 8 };

bool alx_torch_is_stream(const uint8_t *data, size_t bytes)
{
    return bytes >= sizeof magic && !memcmp(data, magic, sizeof magic);
}

/* A storage that the object names. */
struct entry {
    struct alx_torch_id id;
    const uint8_t *data; /* NULL until its values are found */
};

struct stream_file {
    struct alx_torch_file file; /* first, so that it can be cast back */
    struct alx_pickle object, keys;
    struct entry *entries; /* owned; sorted by key */
    size_t count;
};

static int compare_texts(const struct alx_pickle_value *a, const struct alx_pickle_value *b)
{
    size_t shorter = alx_min(a->text.bytes, b->text.bytes);
    int order = shorter ? memcmp(a->text.data, b->text.data, shorter) : 0;
    return order ? order : a->text.bytes < b->text.bytes ? -1 : a->text.bytes > b->text.bytes;
}

static int compare_entries(const void *a, const void *b)
{
    return compare_texts(((const struct entry *)a)->id.key, ((const struct entry *)b)->id.key);
}

static struct entry *find_entry(const struct stream_file *s, const struct alx_pickle_value *key)
{
    struct entry wanted = {.id = {.key = key}};
    return s->count ? bsearch(&wanted, s->entries, s->count, sizeof *s->entries, compare_entries)
                    : NULL;
}

/* Collects the storages of all persistent ids, each once. */
static enum alx_status collect_entries(struct stream_file *s)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_pickle *p = &s->object;
    size_t unique = 0;
    ALX_TRY(alx_alloc(p->count, sizeof *s->entries, "the storages", &s->entries));
    for (size_t i = 0; i < p->count; i++)
        if (p->values[i].kind == ALX_PICKLE_PERSISTENT)
            ALX_TRY(alx_torch_read_id(p, &p->values[i], &s->entries[s->count++].id));
    if (s->count)
        qsort(s->entries, s->count, sizeof *s->entries, compare_entries);
    for (size_t i = 0; i < s->count; i++) {
        const struct alx_torch_id *id = &s->entries[i].id, *last = &s->entries[unique].id;
        if (!i || compare_texts(id->key, last->key)) {
            unique += i > 0;
            s->entries[unique] = s->entries[i];
        } else if (id->dtype != last->dtype || id->elems != last->elems) {
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: a storage with two types or sizes",
                            id->key->offset);
        }
    }
    s->count = s->count ? unique + 1 : 0;
error:
    return status;
}

/* Finds the values that follow the pickles. */
static enum alx_status find_values(struct stream_file *s)
{
    const struct alx_torch_file *file = &s->file;
    const struct alx_pickle *p = &s->keys;
    const struct alx_pickle_value *root = &p->values[p->root];
    size_t at = p->end, bytes;
    if (root->kind != ALX_PICKLE_LIST)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: %s instead of the list of storages",
                        root->offset, alx_pickle_kind_name(root->kind));
    for (size_t i = 0; i < root->items.count; i++) {
        const struct alx_pickle_value *key = alx_pickle_item(p, root, i);
        struct entry *entry = key->kind == ALX_PICKLE_TEXT ? find_entry(s, key) : NULL;
        uint64_t elems;
        if (!entry || entry->data)
            return alx_fail(ALX_STATUS_MODEL,
                            "offset %zu: a storage that is not used, or listed twice", key->offset);
        if (file->bytes - at < LENGTH_BYTES)
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: the file is cut off", at);
        memcpy(&elems, file->data + at, sizeof elems);
        at += LENGTH_BYTES;
        if (elems != entry->id.elems)
            return alx_fail(ALX_STATUS_MODEL,
                            "offset %zu: a storage of %llu values, but it should have %zu",
                            at - LENGTH_BYTES, (unsigned long long)elems, entry->id.elems);
        if (!alx_mul(entry->id.elems, entry->id.dtype->bytes, &bytes) || bytes > file->bytes - at)
            return alx_fail(ALX_STATUS_MODEL,
                            "offset %zu: a storage of %zu values of %s, but the file ends at %zu: "
                            "it is cut off",
                            at, entry->id.elems, entry->id.dtype->name, file->bytes);
        entry->data = file->data + at;
        at += bytes;
    }
    if (at != file->bytes)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: %zu bytes after the last storage", at,
                        file->bytes - at);
    return ALX_STATUS_OK;
}

static enum alx_status find_storage(struct alx_torch_file *file, const struct alx_torch_id *id,
                                    struct alx_torch_storage *storage)
{
    const struct entry *entry = find_entry((struct stream_file *)file, id->key);
    if (!entry || !entry->data)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: a storage whose values are not in the file",
                        id->key->offset);
    storage->data = entry->data;
    return ALX_STATUS_OK;
}

/* Reads the pickle at `*at`, which moves behind it. */
static enum alx_status read_next(const struct alx_torch_file *file, size_t *at,
                                 struct alx_pickle *out)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_torch_pickle(file, *at, file->bytes, out));
    *at = out->end;
error:
    return status;
}

enum alx_status alx_torch_read_stream(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct stream_file s = {
        .file = {.data = data, .bytes = bytes, .source = source, .find_storage = find_storage}};
    struct alx_pickle version = {0}, machine = {0};
    size_t at = sizeof magic, number;
    ALX_TRY(read_next(&s.file, &at, &version));
    if (!alx_pickle_size(&version.values[version.root], &number) || number != STREAM_VERSION) {
        status = alx_fail(ALX_STATUS_MODEL, "offset %zu: not version %d of torch's format",
                          sizeof magic, STREAM_VERSION);
        goto error;
    }
    ALX_TRY(read_next(&s.file, &at, &machine));
    ALX_TRY(read_next(&s.file, &at, &s.object));
    ALX_TRY(read_next(&s.file, &at, &s.keys));
    ALX_TRY(collect_entries(&s));
    ALX_TRY(find_values(&s));
    ALX_TRY(alx_torch_read_object(&s.file, &s.object));
error:
    free(s.entries);
    alx_pickle_free(&version);
    alx_pickle_free(&machine);
    alx_pickle_free(&s.object);
    alx_pickle_free(&s.keys);
    return status;
}
