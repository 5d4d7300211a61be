#include "model/zip.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "model/reader.h"
#include "util/error.h"
#include "util/memory.h"

enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    MAX_COMMENT = 65535,
    MAX_MEMBERS = 1 << 20,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_PATCH = 1 << 5,
    FLAG_HIDDEN = 1 << 13,
    FULL_16 = 0xffff,
};
#define FULL_32 0xffffffffu

#define END_SIGNATURE     0x06054b50u
#define END64_SIGNATURE   0x06064b50u
#define LOCATOR_SIGNATURE 0x07064b50u
#define ENTRY_SIGNATURE   0x02014b50u
#define LOCAL_SIGNATURE   0x04034b50u

static uint64_t little(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static uint32_t u16(const uint8_t *bytes)
{
    return (uint32_t)little(bytes, 2);
}

static uint32_t u32(const uint8_t *bytes)
{
    return (uint32_t)little(bytes, 4);
}

bool alx_zip_probe(const uint8_t *data, size_t bytes)
{
    return bytes >= 4 && u32(data) == LOCAL_SIGNATURE;
}

/* The central directory as the records at the file's end give it. */
struct directory {
    uint64_t begin, bytes, count;
    size_t end; /* of the part of the file that it may lie in */
};

/* The last place where an end record with a comment just up to the file's end may be. */
static bool find_end(const uint8_t *data, size_t bytes, size_t *out)
{
    for (size_t comment = 0; comment <= MAX_COMMENT && comment + END_BYTES <= bytes; comment++) {
        size_t at = bytes - END_BYTES - comment;
        if (u32(data + at) == END_SIGNATURE && u16(data + at + 20) == comment) {
            *out = at;
            return true;
        }
    }
    return false;
}

/* The record of ZIP64, whose numbers win, when there is one. */
static enum alx_status read_end64(const uint8_t *data, size_t end, struct directory *directory)
{
    const uint8_t *locator = end < LOCATOR_BYTES ? NULL : data + end - LOCATOR_BYTES;
    bool full =
        directory->begin == FULL_32 || directory->bytes == FULL_32 || directory->count == FULL_16;
    if (!locator || u32(locator) != LOCATOR_SIGNATURE)
        return full ? alx_fail(ALX_STATUS_MODEL, "offset %zu: the ZIP64 record is missing", end)
                    : ALX_STATUS_OK;
    uint64_t at = little(locator + 8, 8);
    if (end < LOCATOR_BYTES + END64_BYTES || at > end - LOCATOR_BYTES - END64_BYTES ||
        u32(data + at) != END64_SIGNATURE || u32(locator + 4) || u32(locator + 16) > 1)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: the ZIP64 record is not where this says",
                        end - LOCATOR_BYTES);
    const uint8_t *record = data + at;
    struct directory wide = {.count = little(record + 32, 8),
                             .bytes = little(record + 40, 8),
                             .begin = little(record + 48, 8),
                             .end = (size_t)at};
    if (u32(record + 16) || u32(record + 20) || little(record + 24, 8) != wide.count ||
        (directory->count != FULL_16 && directory->count != wide.count) ||
        (directory->bytes != FULL_32 && directory->bytes != wide.bytes) ||
        (directory->begin != FULL_32 && directory->begin != wide.begin))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %llu: the ZIP64 record contradicts the one at the end",
                        (unsigned long long)at);
    *directory = wide;
    return ALX_STATUS_OK;
}

static enum alx_status find_directory(const uint8_t *data, size_t bytes, struct directory *out)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t end;
    if (!find_end(data, bytes, &end))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: the ZIP file has no central directory at its end: it is cut "
                        "off",
                        bytes);
    const uint8_t *record = data + end;
    struct directory directory = {.begin = u32(record + 16),
                                  .bytes = u32(record + 12),
                                  .count = u16(record + 10),
                                  .end = end};
    if (u16(record + 4) || u16(record + 6) || u16(record + 8) != u16(record + 10))
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: a ZIP file in several parts", end);
    ALX_TRY(read_end64(data, end, &directory));
    if (directory.begin > directory.end || directory.bytes > directory.end - directory.begin)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: the central directory of %llu bytes at offset %llu is not "
                        "before its end record",
                        end, (unsigned long long)directory.bytes,
                        (unsigned long long)directory.begin);
    if (directory.count > MAX_MEMBERS || directory.count > directory.bytes / ENTRY_BYTES)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: %llu members do not fit into the directory",
                        end, (unsigned long long)directory.count);
    *out = directory;
error:
    return status;
}

/* Replaces the numbers that are full by those of the ZIP64 field. */
static bool read_extra(const uint8_t *extra, size_t bytes, uint64_t *const numbers[3])
{
    while (bytes >= 4) {
        size_t id = u16(extra), length = u16(extra + 2);
        extra += 4;
        bytes -= 4;
        if (length > bytes)
            return false;
        for (size_t i = 0, at = 0; id == EXTRA_ZIP64 && i < 3; i++) {
            if (*numbers[i] != FULL_32)
                continue;
            if (at + 8 > length)
                return false;
            *numbers[i] = little(extra + at, 8);
            at += 8;
        }
        extra += length;
        bytes -= length;
    }
    return *numbers[0] != FULL_32 && *numbers[1] != FULL_32 && *numbers[2] != FULL_32;
}

/* Finds the content through the local header, which has an extra field of its own. */
static enum alx_status read_local(const uint8_t *data, size_t end, uint64_t at,
                                  struct alx_zip_member *member)
{
    const uint8_t *local = data + at;
    if (end < LOCAL_BYTES || at > end - LOCAL_BYTES || u32(local) != LOCAL_SIGNATURE)
        return alx_fail(ALX_STATUS_MODEL, "offset %llu: no header of a ZIP member",
                        (unsigned long long)at);
    size_t begin = (size_t)at + LOCAL_BYTES;
    size_t name = u16(local + 26), extra = u16(local + 28);
    if (name != member->name_bytes || name + extra > end - begin ||
        memcmp(data + begin, member->name, name))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %llu: the header of a ZIP member is another than the directory's",
                        (unsigned long long)at);
    member->begin = begin + name + extra;
    if (member->bytes > end - member->begin)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %llu: a ZIP member of %zu bytes ends behind offset %zu",
                        (unsigned long long)at, member->bytes, end);
    member->stored &= u16(local + 8) == 0;
    return ALX_STATUS_OK;
}

/* Reads the entry at `*at`, which moves behind it. */
static enum alx_status read_entry(const uint8_t *data, const struct directory *directory,
                                  size_t *at, struct alx_zip_member *member)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t left = (size_t)(directory->begin + directory->bytes) - *at;
    const uint8_t *entry = data + *at;
    if (left < ENTRY_BYTES || u32(entry) != ENTRY_SIGNATURE)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: no entry of the central directory", *at);
    size_t name = u16(entry + 28), extra = u16(entry + 30), comment = u16(entry + 32);
    uint64_t packed = u32(entry + 20), bytes = u32(entry + 24), local = u32(entry + 42);
    uint64_t *const numbers[] = {&bytes, &packed, &local};
    if (name + extra + comment > left - ENTRY_BYTES ||
        !read_extra(entry + ENTRY_BYTES + name, extra, numbers))
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: the entry of the central directory is cut "
                        "off",
                        *at);
    uint32_t flags = u16(entry + 8);
    member->name = entry + ENTRY_BYTES;
    member->name_bytes = name;
    member->crc = u32(entry + 16);
    member->stored = u16(entry + 10) == 0 && packed == bytes &&
                     !(flags & (FLAG_ENCRYPTED | FLAG_PATCH | FLAG_HIDDEN));
    member->bytes = (size_t)packed;
    ALX_TRY(read_local(data, (size_t)directory->begin, local, member));
    *at += ENTRY_BYTES + name + extra + comment;
error:
    return status;
}

static int compare_begins(const void *a, const void *b)
{
    const struct alx_zip_member *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static int compare_bytes(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
    size_t shorter = alx_min(a_bytes, b_bytes);
    int order = shorter ? memcmp(a, b, shorter) : 0;
    return order ? order : a_bytes < b_bytes ? -1 : a_bytes > b_bytes;
}

static int compare_names(const void *a, const void *b)
{
    const struct alx_zip_member *x = a, *y = b;
    return compare_bytes(x->name, x->name_bytes, y->name, y->name_bytes);
}

static const char *show_name(const struct alx_zip_member *member, char shown[ALX_SHOW_BYTES])
{
    char name[2 * ALX_SHOW_BYTES] = "";
    memcpy(name, member->name, alx_min(member->name_bytes, sizeof name - 1));
    return alx_show(name, shown);
}

/* Each member must begin behind the one before; sorts by name. */
static enum alx_status check_members(struct alx_zip *zip)
{
    char shown[ALX_SHOW_BYTES];
    if (!zip->count)
        return ALX_STATUS_OK;
    qsort(zip->members, zip->count, sizeof *zip->members, compare_begins);
    for (size_t i = 1; i < zip->count; i++) {
        const struct alx_zip_member *before = &zip->members[i - 1], *member = &zip->members[i];
        if (member->begin - LOCAL_BYTES - member->name_bytes < before->begin + before->bytes)
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: the ZIP member %s overlaps another one",
                            member->begin, show_name(member, shown));
    }
    qsort(zip->members, zip->count, sizeof *zip->members, compare_names);
    for (size_t i = 1; i < zip->count; i++)
        if (!compare_names(&zip->members[i - 1], &zip->members[i]))
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: the ZIP member %s is there twice",
                            zip->members[i].begin, show_name(&zip->members[i], shown));
    return ALX_STATUS_OK;
}

enum alx_status alx_zip_open(const uint8_t *data, size_t bytes, struct alx_zip *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct directory directory = {0};
    struct alx_zip zip = {.data = data};
    ALX_TRY(find_directory(data, bytes, &directory));
    ALX_TRY(alx_alloc((size_t)directory.count, sizeof *zip.members, "the ZIP file", &zip.members));
    size_t at = (size_t)directory.begin;
    for (; zip.count < directory.count; zip.count++)
        ALX_TRY(read_entry(data, &directory, &at, &zip.members[zip.count]));
    ALX_TRY(check_members(&zip));
    *out = zip;
    zip = (struct alx_zip){0};
error:
    alx_zip_close(&zip);
    return status;
}

void alx_zip_close(struct alx_zip *zip)
{
    free(zip->members);
    *zip = (struct alx_zip){0};
}

struct alx_zip_member *alx_zip_find(const struct alx_zip *zip, const uint8_t *prefix,
                                    size_t prefix_bytes, const char *name)
{
    size_t low = 0, high = zip->count, name_bytes = strlen(name);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct alx_zip_member *m = &zip->members[middle];
        size_t shared = alx_min(m->name_bytes, prefix_bytes);
        int order = compare_bytes(prefix, prefix_bytes, m->name, shared);
        if (!order)
            order = compare_bytes((const uint8_t *)name, name_bytes, m->name + shared,
                                  m->name_bytes - shared);
        if (!order)
            return m;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

enum alx_status alx_zip_check(const struct alx_zip *zip, struct alx_zip_member *member)
{
    char shown[ALX_SHOW_BYTES];
    if (!member->stored)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: the ZIP member %s is compressed or encrypted; torch.save "
                        "stores it as it is",
                        member->begin, show_name(member, shown));
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    if (!member->checked && member->crc &&
        libdeflate_crc32(0, zip->data + member->begin, member->bytes) != member->crc)
        return alx_fail(ALX_STATUS_MODEL,
                        "offset %zu: the ZIP member %s is damaged: its checksum is wrong",
                        member->begin, show_name(member, shown));
#else
    (void)zip;
#endif
    member->checked = true;
    return ALX_STATUS_OK;
}
