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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_written_and_replaced),
        cmocka_unit_test(a_name_without_a_folder_is_in_this_one),
        cmocka_unit_test(a_link_stays_a_link),
        cmocka_unit_test(a_pipe_is_written_in_place),
        cmocka_unit_test(what_cannot_be_written_says_why),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
