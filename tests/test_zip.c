/* ZIP files: members where they lie, and files that must be refused. */
#include <stdlib.h>
#include <string.h>

#include "model/zip.h"
#include "support/test.h"
#include "support/zips.h"

/* Two members with content and one without. */
static struct test_zip good_zip(void)
{
    struct test_zip zip = {0};
    test_zip_add(&zip, "top/b", "content of b", 12);
    test_zip_add(&zip, "top/a", "content of a, longer", 20);
    test_zip_add(&zip, "top/empty", "", 0);
    test_zip_finish(&zip);
    return zip;
}

static struct alx_zip_member *find(const struct alx_zip *zip, const char *name)
{
    return alx_zip_find(zip, (const uint8_t *)"top/", 4, name);
}

static void assert_good(const struct test_zip *file)
{
    struct alx_zip zip = {0};
    assert_true(alx_zip_probe(file->data, file->bytes));
    assert_ok(alx_zip_open(file->data, file->bytes, &zip));
    assert_int_equal(zip.count, 3);
    struct alx_zip_member *a = find(&zip, "a"), *b = find(&zip, "b"), *empty = find(&zip, "empty");
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(empty);
    assert_int_equal(a->bytes, 20);
    assert_memory_equal(file->data + a->begin, "content of a, longer", 20);
    assert_memory_equal(file->data + b->begin, "content of b", 12);
    assert_int_equal(empty->bytes, 0);
    assert_ok(alx_zip_check(&zip, a));
    assert_ok(alx_zip_check(&zip, a));
    assert_ok(alx_zip_check(&zip, empty));
    assert_null(find(&zip, ""));
    assert_null(find(&zip, "c"));
    assert_null(find(&zip, "aa"));
    assert_null(alx_zip_find(&zip, (const uint8_t *)"", 0, "a"));
    assert_null(alx_zip_find(&zip, (const uint8_t *)"top/em", 6, "pt"));
    assert_true(alx_zip_find(&zip, (const uint8_t *)"top/em", 6, "pty") == empty);
    alx_zip_close(&zip);
    assert_null(zip.members);
}

static void members_are_found(void **state)
{
    (void)state;
    struct test_zip file = good_zip();
    assert_good(&file);
    test_zip_put(&file, file.end + 20, 2, 4); /* a comment, with an end record that is none */
    test_zip_insert(&file, file.bytes, "PK\5\6", 4);
    assert_good(&file);
    test_zip_free(&file);
    file = good_zip(); /* what only the directory knows, as in a stream */
    test_zip_put(&file, file.members[0].header + 6, 2, 8);
    test_zip_put(&file, file.members[0].header + 14, 8, 0);
    test_zip_put(&file, file.members[0].header + 22, 4, 0);
    assert_good(&file);
    test_zip_put(&file, file.members[1].entry + 16, 4, 0); /* a checksum that nobody computed */
    assert_good(&file);
    test_zip_free(&file);
    assert_false(alx_zip_probe((const uint8_t *)"PK\3", 3));
    assert_false(alx_zip_probe((const uint8_t *)"PK\5\6", 4));
    struct test_zip none = {0};
    struct alx_zip zip = {0};
    test_zip_finish(&none);
    assert_ok(alx_zip_open(none.data, none.bytes, &zip));
    assert_int_equal(zip.count, 0);
    assert_null(find(&zip, "a"));
    alx_zip_close(&zip);
    test_zip_free(&none);
}

/* Records of ZIP64 before the end record. */
static void add_zip64(struct test_zip *file)
{
    size_t at = file->end, count = file->count, bytes = file->end - file->directory;
    test_zip_insert(file, at, NULL, 56 + 20);
    file->end += 56 + 20;
    test_zip_put(file, at, 4, 0x06064b50);
    test_zip_put(file, at + 4, 8, 44);
    test_zip_put(file, at + 24, 8, count);
    test_zip_put(file, at + 32, 8, count);
    test_zip_put(file, at + 40, 8, bytes);
    test_zip_put(file, at + 48, 8, file->directory);
    test_zip_put(file, at + 56, 4, 0x07064b50);
    test_zip_put(file, at + 64, 8, at);
    test_zip_put(file, at + 72, 4, 1);
}

/* All of an entry's numbers in a field of ZIP64, behind one of another kind; and the end's. */
static void use_zip64(struct test_zip *file)
{
    static const char field[] = "\7\0\2\0xx\1\0\30\0";
    struct test_zip_member *m = &file->members[2];
    size_t at = m->entry + 46 + strlen(m->name), bytes = sizeof field - 1;
    test_zip_insert(file, at, field, bytes);
    test_zip_insert(file, at + bytes, NULL, 24);
    test_zip_put(file, at + bytes + 16, 8, m->header);
    test_zip_put(file, m->entry + 30, 2, bytes + 24);
    test_zip_put(file, m->entry + 20, 8, UINT64_MAX);
    test_zip_put(file, m->entry + 42, 4, UINT32_MAX);
    file->end += bytes + 24;
    test_zip_put(file, file->end + 12, 4, file->end - file->directory);
    add_zip64(file);
    test_zip_put(file, file->end + 8, 4, UINT32_MAX);
    test_zip_put(file, file->end + 12, 8, UINT64_MAX);
}

static void zip64_is_read(void **state)
{
    (void)state;
    struct test_zip file = good_zip();
    add_zip64(&file);
    assert_good(&file);
    test_zip_free(&file);
    file = good_zip();
    use_zip64(&file);
    assert_good(&file);
    test_zip_free(&file);
}

static void refuse(const struct test_zip *file, const char *part)
{
    struct alx_zip zip = {0};
    enum alx_status status = alx_zip_open(file->data, file->bytes, &zip);
    const char *message = alx_error_message();
    if (status != ALX_STATUS_MODEL || !strstr(message, part) || strncmp(message, "offset ", 7))
        fail_msg("\"%s\" instead of \"%s\"", message, part);
    assert_null(zip.members);
}

enum record { HEADER, ENTRY, END };

static const struct spoiled {
    enum record record;
    size_t member, at, width;
    uint64_t value;
    const char *part;
} spoiled[] = {
    {END, 0, 0, 1, 'p', "no central directory at its end"},
    {END, 0, 4, 2, 1, "in several parts"},
    {END, 0, 6, 2, 1, "in several parts"},
    {END, 0, 8, 2, 2, "in several parts"},
    {END, 0, 8, 4, 0x00040004, "4 members do not fit"},
    {END, 0, 8, 4, 0xfffefffe, "65534 members do not fit"},
    {END, 0, 8, 4, 0xffffffff, "the ZIP64 record is missing"},
    {END, 0, 12, 4, 0, "3 members do not fit"},
    {END, 0, 12, 4, 100, "3 members do not fit"},
    {END, 0, 12, 4, 156, "cut off"},
    {END, 0, 12, 4, 0x7fffffff, "is not before its end record"},
    {END, 0, 12, 4, 0xffffffff, "the ZIP64 record is missing"},
    {END, 0, 16, 4, 0, "offset 0: no entry of the central directory"},
    {END, 0, 16, 4, 0xffffffff, "the ZIP64 record is missing"},
    {END, 0, 16, 4, 0xfffffffe, "is not before its end record"},
    {END, 0, 20, 2, 1, "no central directory at its end"},
    {ENTRY, 0, 0, 4, 0x04034b50, "no entry of the central directory"},
    {ENTRY, 0, 20, 4, 0xffffffff, "the entry of the central directory is cut off"},
    {ENTRY, 0, 20, 4, 0xfffffffe, "a ZIP member of 4294967294 bytes ends behind"},
    {ENTRY, 2, 20, 4, 1, "a ZIP member of 1 bytes ends behind"},
    {ENTRY, 0, 20, 4, 13, "overlaps another one"},
    {ENTRY, 0, 28, 2, 4, "another than the directory's"},
    {ENTRY, 0, 28, 2, 6, "another than the directory's"},
    {ENTRY, 2, 28, 2, 10, "the entry of the central directory is cut off"},
    {ENTRY, 0, 28, 2, 0xffff, "the entry of the central directory is cut off"},
    {ENTRY, 0, 30, 2, 0xffff, "the entry of the central directory is cut off"},
    {ENTRY, 0, 32, 2, 0xffff, "the entry of the central directory is cut off"},
    {ENTRY, 0, 30, 2, 5, "the entry of the central directory is cut off"},
    {ENTRY, 0, 32, 2, 5, "no entry of the central directory"},
    {ENTRY, 0, 42, 4, 1, "offset 1: no header of a ZIP member"},
    {ENTRY, 0, 42, 4, 0xfffffffe, "no header of a ZIP member"},
    {ENTRY, 0, 42, 4, 0xffffffff, "the entry of the central directory is cut off"},
    {ENTRY, 1, 42, 4, 0, "another than the directory's"},
    {ENTRY, 0, 46, 1, 'T', "another than the directory's"},
    {HEADER, 0, 0, 4, 0x02014b50, "no header of a ZIP member"},
    {HEADER, 0, 26, 2, 4, "another than the directory's"},
    {HEADER, 0, 26, 2, 0xffff, "another than the directory's"},
    {HEADER, 0, 28, 2, 0xffff, "another than the directory's"},
    {HEADER, 0, 28, 2, 1, "overlaps another one"},
    {HEADER, 2, 28, 2, 1, "another than the directory's"},
    {HEADER, 0, 30, 1, '/', "another than the directory's"},
};

static void spoiled_records_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
        const struct spoiled *s = &spoiled[i];
        struct test_zip file = good_zip();
        const struct test_zip_member *m = &file.members[s->member];
        size_t base = s->record == HEADER ? m->header : s->record == ENTRY ? m->entry : file.end;
        test_zip_put(&file, base + s->at, s->width, s->value);
        refuse(&file, s->part);
        test_zip_free(&file);
    }
}

static void spoiled_zip64_records_are_refused(void **state)
{
    (void)state;
    /* offsets before the end record */
    static const struct {
        size_t back, width;
        uint64_t value;
        const char *part;
    } cases[] = {
        {12, 8, UINT64_MAX, "not where this says"},
        {12, 8, 0, "not where this says"},
        {12, 1, 1, "not where this says"},
        {16, 4, 1, "not where this says"},
        {4, 4, 2, "not where this says"},
        {76, 1, 'p', "not where this says"},
        {60, 4, 1, "contradicts"},
        {56, 4, 1, "contradicts"},
        {52, 8, 2, "contradicts"},
        {44, 8, 2, "contradicts"},
        {36, 8, 1, "contradicts"},
        {28, 8, UINT64_MAX, "contradicts"},
        {20, 1, 'p', "ZIP64 record is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_zip file = good_zip();
        add_zip64(&file);
        if (cases[i].back == 20)
            test_zip_put(&file, file.end + 8, 4, UINT32_MAX);
        test_zip_put(&file, file.end - cases[i].back, cases[i].width, cases[i].value);
        refuse(&file, cases[i].part);
        test_zip_free(&file);
    }
    static const struct {
        size_t back;
        const char *part;
    } huge[] = {{28, "is not before its end record"},
                {36, "is not before its end record"},
                {44, "members do not fit"}};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        struct test_zip file = good_zip();
        use_zip64(&file);
        test_zip_put(&file, file.end - huge[i].back, 8, UINT64_MAX);
        if (i == 2)
            test_zip_put(&file, file.end - 52, 8, UINT64_MAX);
        refuse(&file, huge[i].part);
        test_zip_free(&file);
    }
    struct test_zip file = good_zip();
    use_zip64(&file);
    test_zip_put(&file, file.members[2].entry + 46 + 9 + 8, 2, 23); /* no room for the third */
    refuse(&file, "the entry of the central directory is cut off");
    test_zip_free(&file);
}

static void what_overlaps_or_is_there_twice_is_refused(void **state)
{
    (void)state;
    struct test_zip file = {0};
    test_zip_add(&file, "a", "1", 1);
    test_zip_add(&file, "a", "2", 1);
    test_zip_finish(&file);
    refuse(&file, "the ZIP member a is there twice");
    test_zip_free(&file);
    test_zip_add(&file, "a", "1", 1);
    test_zip_add(&file, "b", "2", 1);
    test_zip_finish(&file);
    test_zip_put(&file, file.members[1].entry + 46, 1, 'a'); /* both entries mean the first */
    test_zip_put(&file, file.members[1].entry + 42, 4, 0);
    refuse(&file, "overlaps another one");
    test_zip_free(&file);
}

static void members_that_cannot_be_used_are_named(void **state)
{
    (void)state;
    static const struct {
        bool header; /* else the entry */
        size_t at, width;
        uint64_t value;
        const char *part;
    } cases[] = {
        {false, 10, 2, 8, "the ZIP member top/a is compressed"},
        {true, 8, 2, 8, "the ZIP member top/a is compressed"},
        {false, 24, 4, 1000000, "the ZIP member top/a is compressed"},
        {false, 8, 2, 1, "the ZIP member top/a is compressed or encrypted"},
        {false, 8, 2, 1 << 13, "the ZIP member top/a is compressed or encrypted"},
        {false, 16, 1, 0x55, "the ZIP member top/a is damaged: its checksum is wrong"},
        {true, 35, 1, 'C', "the ZIP member top/a is damaged: its checksum is wrong"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_zip file = good_zip();
        struct alx_zip zip = {0};
        const struct test_zip_member *m = &file.members[1];
        test_zip_put(&file, (cases[i].header ? m->header : m->entry) + cases[i].at, cases[i].width,
                     cases[i].value);
        assert_ok(alx_zip_open(file.data, file.bytes, &zip));
        assert_fails(alx_zip_check(&zip, find(&zip, "a")), ALX_STATUS_MODEL, cases[i].part);
        assert_ok(alx_zip_check(&zip, find(&zip, "b"))); /* others can still be used */
        alx_zip_close(&zip);
        test_zip_free(&file);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    struct test_zip file = good_zip();
    for (size_t i = 0; i < file.bytes; i++) {
        struct test_zip prefix = {.data = malloc(i + !i), .bytes = i};
        assert_non_null(prefix.data);
        memcpy(prefix.data, file.data, i);
        refuse(&prefix, "cut off");
        test_zip_free(&prefix);
    }
    test_zip_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(zip64_is_read),
        cmocka_unit_test(spoiled_records_are_refused),
        cmocka_unit_test(spoiled_zip64_records_are_refused),
        cmocka_unit_test(what_overlaps_or_is_there_twice_is_refused),
        cmocka_unit_test(members_that_cannot_be_used_are_named),
        cmocka_unit_test(every_prefix_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
