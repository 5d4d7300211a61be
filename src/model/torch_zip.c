/*
 * The ZIP file: TOP/data.pkl is the object, TOP/data/KEY the values of each storage, TOP/byteorder
 * says "little" or "big". TOP is any name; other members do not matter.
 */
#include <stdio.h>
#include <string.h>

#include "model/torch.h"
#include "model/zip.h"
#include "util/error.h"
#include "util/memory.h"

static const char object_name[] = "data.pkl";
enum { OBJECT_NAME_BYTES = sizeof object_name - 1, MAX_KEY = 64 };

struct zip_file {
    struct alx_torch_file file; /* first, so that it can be cast back */
    struct alx_zip zip;
    const uint8_t *top; /* "TOP/" */
    size_t top_bytes;
};

/* The object: the one member whose name ends with its. */
static enum alx_status find_object(struct zip_file *z, struct alx_zip_member **out)
{
    struct alx_zip_member *found = NULL;
    for (size_t i = 0; i < z->zip.count; i++) {
        struct alx_zip_member *m = &z->zip.members[i];
        size_t top = m->name_bytes - OBJECT_NAME_BYTES;
        if (m->name_bytes <= OBJECT_NAME_BYTES || m->name[top - 1] != '/' ||
            memcmp(m->name + top, object_name, OBJECT_NAME_BYTES))
            continue;
        if (found)
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: a second %s", m->begin, object_name);
        found = m;
    }
    if (!found)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset 0: a ZIP file without %s, so not one that torch.save wrote",
                        object_name);
    z->top = found->name;
    z->top_bytes = found->name_bytes - OBJECT_NAME_BYTES;
    if (alx_zip_find(&z->zip, z->top, z->top_bytes, "constants.pkl"))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: a TorchScript program, which is not run; save "
                        "model.state_dict() with torch.save",
                        found->begin);
    *out = found;
    return ALX_STATUS_OK;
}

static enum alx_status read_byte_order(struct zip_file *z)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_zip_member *m = alx_zip_find(&z->zip, z->top, z->top_bytes, "byteorder");
    if (!m)
        return status;
    ALX_TRY(alx_zip_check(&z->zip, m));
    const uint8_t *word = z->file.data + m->begin;
    z->file.big_endian = m->bytes == 3 && !memcmp(word, "big", 3);
    if (!z->file.big_endian && (m->bytes != 6 || memcmp(word, "little", 6)))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: the byte order is neither \"little\" nor \"big\"", m->begin);
error:
    return status;
}

static enum alx_status find_storage(struct alx_torch_file *file, const struct alx_torch_id *id,
                                    struct alx_torch_storage *storage)
{
    enum alx_status status = ALX_STATUS_OK;
    struct zip_file *z = (struct zip_file *)file;
    char name[MAX_KEY + 8] = "data/", shown[ALX_SHOW_BYTES];
    size_t bytes, prefix = strlen(name);
    memcpy(name + prefix, id->key->text.data, alx_min(id->key->text.bytes, MAX_KEY));
    struct alx_zip_member *m = alx_zip_find(&z->zip, z->top, z->top_bytes, name);
    if (!m || id->key->text.bytes != strlen(name) - prefix)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: the ZIP file has no storage %s",
                        id->key->offset, alx_show(name, shown));
    if (!alx_mul(id->elems, id->dtype->bytes, &bytes) || bytes != m->bytes)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: storage %s has %zu bytes, but should have %zu values of %s",
                        m->begin, alx_show(name, shown), m->bytes, id->elems, id->dtype->name);
    ALX_TRY(alx_zip_check(&z->zip, m));
    storage->data = file->data + m->begin;
error:
    return status;
}

enum alx_status alx_torch_read_zip(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct zip_file z = {
        .file = {.data = data, .bytes = bytes, .source = source, .find_storage = find_storage}};
    struct alx_pickle pickle = {0};
    struct alx_zip_member *object = NULL;
    ALX_TRY(alx_zip_open(data, bytes, &z.zip));
    ALX_TRY(find_object(&z, &object));
    ALX_TRY(alx_zip_check(&z.zip, object));
    ALX_TRY(read_byte_order(&z));
    ALX_TRY(alx_torch_pickle(&z.file, object->begin, object->begin + object->bytes, &pickle));
    ALX_TRY(alx_torch_read_object(&z.file, &pickle));
error:
    alx_pickle_free(&pickle);
    alx_zip_close(&z.zip);
    return status;
}
