/*
 * ZIP files of stored members, byte by byte, for tests that spoil them.
 */
#ifndef ALX_TESTS_SUPPORT_ZIPS_H
#define ALX_TESTS_SUPPORT_ZIPS_H

#include <stddef.h>
#include <stdint.h>

enum { TEST_ZIP_MEMBERS = 8 };

/* Offsets are those of the parts in `data`. */
struct test_zip {
    uint8_t *data; /* owned; of exactly `bytes` once finished, so that sanitisers see a byte more */
    size_t bytes;
    struct test_zip_member {
        const char *name;
        size_t header, content, bytes, entry;
        uint32_t crc;
    } members[TEST_ZIP_MEMBERS];
    size_t count, directory, end;
};

/* Appends a member to a zeroed or unfinished one. The name is borrowed. */
void test_zip_add(struct test_zip *zip, const char *name, const void *data, size_t bytes);
/* Writes the central directory and its end. */
void test_zip_finish(struct test_zip *zip);
void test_zip_free(struct test_zip *zip);

/* Writes a little-endian number of `width` bytes. */
void test_zip_put(struct test_zip *zip, size_t at, size_t width, uint64_t value);
/* Inserts bytes; what lies behind moves, and no offset in the file is mended. */
void test_zip_insert(struct test_zip *zip, size_t at, const void *data, size_t bytes);

#endif
