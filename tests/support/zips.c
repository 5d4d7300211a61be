#include "support/zips.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

enum { HEADER_BYTES = 30, ENTRY_BYTES = 46, END_BYTES = 22 };

void test_zip_put(struct test_zip *zip, size_t at, size_t width, uint64_t value)
{
    assert_true(at + width <= zip->bytes);
    for (size_t i = 0; i < width; i++)
        zip->data[at + i] = (uint8_t)(value >> 8 * i);
}

void test_zip_insert(struct test_zip *zip, size_t at, const void *data, size_t bytes)
{
    assert_true(at <= zip->bytes);
    zip->data = realloc(zip->data, zip->bytes + bytes + 1);
    assert_non_null(zip->data);
    memmove(zip->data + at + bytes, zip->data + at, zip->bytes - at);
    if (data)
        memcpy(zip->data + at, data, bytes);
    else
        memset(zip->data + at, 0, bytes);
    zip->bytes += bytes;
    zip->data = realloc(zip->data, zip->bytes);
    assert_non_null(zip->data);
}

/* Appends `bytes` bytes, zeros when there is no `data`; returns where. */
static size_t extend(struct test_zip *zip, const void *data, size_t bytes)
{
    size_t at = zip->bytes;
    if (bytes)
        test_zip_insert(zip, at, data, bytes);
    return at;
}

void test_zip_add(struct test_zip *zip, const char *name, const void *data, size_t bytes)
{
    assert_true(zip->count < TEST_ZIP_MEMBERS);
    struct test_zip_member *m = &zip->members[zip->count++];
    m->name = name;
    m->bytes = bytes;
    m->crc = libdeflate_crc32(0, data, bytes);
    m->header = extend(zip, NULL, HEADER_BYTES);
    test_zip_put(zip, m->header, 4, 0x04034b50);
    test_zip_put(zip, m->header + 14, 4, m->crc);
    test_zip_put(zip, m->header + 18, 4, bytes);
    test_zip_put(zip, m->header + 22, 4, bytes);
    test_zip_put(zip, m->header + 26, 2, strlen(name));
    extend(zip, name, strlen(name));
    m->content = extend(zip, data, bytes);
}

void test_zip_finish(struct test_zip *zip)
{
    zip->directory = zip->bytes;
    for (size_t i = 0; i < zip->count; i++) {
        struct test_zip_member *m = &zip->members[i];
        m->entry = extend(zip, NULL, ENTRY_BYTES);
        test_zip_put(zip, m->entry, 4, 0x02014b50);
        test_zip_put(zip, m->entry + 16, 4, m->crc);
        test_zip_put(zip, m->entry + 20, 4, m->bytes);
        test_zip_put(zip, m->entry + 24, 4, m->bytes);
        test_zip_put(zip, m->entry + 28, 2, strlen(m->name));
        test_zip_put(zip, m->entry + 42, 4, m->header);
        extend(zip, m->name, strlen(m->name));
    }
    zip->end = extend(zip, NULL, END_BYTES);
    test_zip_put(zip, zip->end, 4, 0x06054b50);
    test_zip_put(zip, zip->end + 8, 2, zip->count);
    test_zip_put(zip, zip->end + 10, 2, zip->count);
    test_zip_put(zip, zip->end + 12, 4, zip->end - zip->directory);
    test_zip_put(zip, zip->end + 16, 4, zip->directory);
}

void test_zip_free(struct test_zip *zip)
{
    free(zip->data);
    *zip = (struct test_zip){0};
}
