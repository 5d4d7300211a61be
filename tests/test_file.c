/* Writing files: whole ones under their name or none, and what is no regular file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/files.h"
#include "support/test.h"
#include "util/file.h"

static const struct alx_bytes pieces[] = {{"one ", 4}, {"two", 3}};

static void expect_content(const char *path, const char *content)
{
    uint8_t *data;
    size_t bytes;
    assert_ok(alx_file_read(path, 1000, ALX_STATUS_INTERNAL, &data, &bytes));
    assert_string_equal((char *)data, content);
    assert_int_equal(bytes, strlen(content));
    free(data);
}

static void a_file_is_written_and_replaced(void **state)
{
    (void)state;
    struct stat info;
    mode_t mask = umask(027);
    const char *path = test_files_path("a");
    assert_ok(alx_file_write(path, pieces, 1));
    expect_content(path, "one ");
    assert_ok(alx_file_write(path, pieces, 2));
    expect_content(path, "one two");
    umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal((int)test_files_count(), 1);
    assert_int_equal(unlink(path), 0);
}

static void a_name_without_a_folder_is_in_this_one(void **state)
{
    (void)state;
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(test_files_path(".")), 0);
    assert_ok(alx_file_write("b", pieces, 2));
    expect_content("b", "one two");
    assert_int_equal(unlink("b"), 0);
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    struct stat info;
    assert_ok(alx_file_write(test_files_path("target"), pieces, 1));
    assert_int_equal(symlink("target", test_files_path("link")), 0);
    assert_ok(alx_file_write(test_files_path("link"), pieces, 2));
    expect_content(test_files_path("target"), "one two");
    assert_int_equal(lstat(test_files_path("link"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(unlink(test_files_path("link")), 0);
    assert_int_equal(unlink(test_files_path("target")), 0);
}

static void a_pipe_is_written_in_place(void **state)
{
    (void)state;
    char read_back[16] = "";
    struct stat info;
    const char *path = test_files_path("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_ok(alx_file_write(path, pieces, 2));
    assert_int_equal(read(fd, read_back, sizeof read_back), 7);
    assert_string_equal(read_back, "one two");
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    close(fd);
    assert_int_equal(unlink(path), 0);
}

static void what_cannot_be_written_says_why(void **state)
{
    (void)state;
    struct stat info;
    char folder[256];
    snprintf(folder, sizeof folder, "%s", test_files_path("."));
    assert_fails(alx_file_write(folder, pieces, 1), ALX_STATUS_FILE_UNWRITABLE, "Is a directory");
    assert_fails(alx_file_write("/dev/full", pieces, 1), ALX_STATUS_FILE_UNWRITABLE,
                 "No space left");
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_fails(alx_file_write(test_files_path("no/such"), pieces, 1), ALX_STATUS_FILE_UNWRITABLE,
                 "No such file");
    assert_int_equal((int)test_files_count(), 0);
}

static size_t sum_of(const struct alx_mapping *mapping)
{
    size_t sum = 0;
    for (size_t i = 0; i < mapping->bytes; i++)
        sum += mapping->data[i];
    return sum;
}

static void what_is_forgotten_comes_back(void **state)
{
    (void)state;
    enum { BYTES = 32 << 20, PIECE = 16 << 20 };
    const char *path = test_files_path("large");
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct alx_mapping mapping;
    char *bytes = malloc(BYTES);
    assert_non_null(bytes);
    memset(bytes, 3, BYTES);
    assert_ok(alx_file_write(path, &(struct alx_bytes){bytes, BYTES}, 1));
    assert_ok(alx_file_map(path, &mapping));
    assert_int_equal(sum_of(&mapping), 3 * (size_t)BYTES);
    size_t before = test_resident_pages();
    assert_true(before > 0);
    /* what lies elsewhere keeps its values */
    alx_file_forget(&mapping, bytes, BYTES);
    alx_file_forget(&mapping, mapping.data + PIECE, BYTES);
    assert_int_equal(bytes[PIECE], 3);
    alx_file_forget(&mapping, mapping.data + 1, PIECE);
    /* a page or two that are shared with what remains may stay, and others may come */
    assert_true(test_resident_pages() < before - PIECE / page * 3 / 4);
    assert_int_equal(sum_of(&mapping), 3 * (size_t)BYTES);
    alx_file_unmap(&mapping);
    alx_file_forget(&mapping, bytes, 1); /* of nothing */
    free(bytes);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_written_and_replaced),
        cmocka_unit_test(a_name_without_a_folder_is_in_this_one),
        cmocka_unit_test(a_link_stays_a_link),
        cmocka_unit_test(a_pipe_is_written_in_place),
        cmocka_unit_test(what_cannot_be_written_says_why),
        cmocka_unit_test(what_is_forgotten_comes_back),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
