/* The cache of program binaries: what is stored comes back, and nothing else does. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device/cache.h"
#include "support/files.h"
#include "support/test.h"

enum { NOBODY = 65534, HEADER_BYTES = 88, PAYLOAD_BYTES = 100 };

static struct alx_cache *cache;
static char folder[PATH_MAX];
static const uint8_t key_a[ALX_SHA256_BYTES] = {1, 2, 3}, key_b[ALX_SHA256_BYTES] = {1, 2, 4};
static uint8_t payload[PAYLOAD_BYTES];
static int warnings;

static void count_warnings(void *user, enum alx_log_level level, const char *message)
{
    (void)user;
    warnings += level == ALX_LOG_WARNING;
    assert_null(strchr(message, '\n'));
}

/* --- small helpers --- */

static const char *entry_path(const uint8_t *key)
{
    static char path[2 * PATH_MAX];
    char hex[ALX_SHA256_HEX_BYTES];
    alx_sha256_hex(key, hex);
    snprintf(path, sizeof path, "%s/%s.clbin", folder, hex);
    return path;
}

static bool exists(const char *path)
{
    struct stat info;
    return !lstat(path, &info);
}

/* True when the entry is there; then it must be what was stored. */
static bool loads(const uint8_t *key)
{
    uint8_t *got = NULL;
    size_t bytes = 0;
    if (!alx_cache_load(cache, key, &got, &bytes)) {
        assert_null(got);
        return false;
    }
    assert_int_equal(bytes, sizeof payload);
    assert_memory_equal(got, payload, sizeof payload);
    free(got);
    return true;
}

static void store(void)
{
    alx_cache_store(cache, key_a, payload, sizeof payload);
    assert_true(exists(entry_path(key_a)));
}

static void assert_refused(const uint8_t *key)
{
    assert_false(loads(key));
    assert_false(exists(entry_path(key)));
}

static size_t read_entry(uint8_t *out, size_t capacity)
{
    FILE *file = fopen(entry_path(key_a), "rb");
    assert_non_null(file);
    size_t bytes = fread(out, 1, capacity, file);
    fclose(file);
    return bytes;
}

/* As another program would, without the cache's help. */
static void write_entry(const uint8_t *key, const uint8_t *data, size_t bytes)
{
    int fd = open(entry_path(key), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
    close(fd);
}

static int begin(void **state)
{
    if (test_files_begin(state))
        return -1;
    snprintf(folder, sizeof folder, "%s", test_files_path("cache"));
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 37 + 11);
    cache = alx_cache_open(folder);
    return cache ? 0 : -1;
}

static int end(void **state)
{
    char command[2 * PATH_MAX];
    alx_cache_close(&cache);
    alx_cache_close(&cache);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) || test_files_end(state);
}

/* --- entries --- */

static void entries_come_back(void **state)
{
    struct stat info;
    (void)state;
    assert_false(loads(key_a));
    store();
    assert_true(loads(key_a));
    assert_true(loads(key_a));
    assert_false(loads(key_b));
    store();
    assert_true(loads(key_a));
    assert_false(stat(entry_path(key_a), &info));
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, HEADER_BYTES + PAYLOAD_BYTES);
    assert_false(stat(folder, &info));
    assert_int_equal(info.st_mode & 0777, 0700);
    alx_cache_remove(cache, key_a);
    assert_false(loads(key_a));
    alx_cache_remove(cache, key_a);
}

static void no_cache_holds_nothing(void **state)
{
    uint8_t *got = NULL;
    size_t bytes;
    (void)state;
    alx_cache_store(NULL, key_a, payload, sizeof payload);
    assert_false(alx_cache_load(NULL, key_a, &got, &bytes));
    alx_cache_remove(NULL, key_a);
    alx_cache_store(cache, key_a, payload, 0); /* a driver without binaries */
    assert_false(exists(entry_path(key_a)));
}

static void cut_entries_are_refused(void **state)
{
    (void)state;
    for (off_t bytes = 0; bytes < HEADER_BYTES + PAYLOAD_BYTES; bytes++) {
        store();
        assert_false(truncate(entry_path(key_a), bytes));
        assert_refused(key_a);
    }
    store();
    assert_false(truncate(entry_path(key_a), HEADER_BYTES + PAYLOAD_BYTES + 1));
    assert_refused(key_a);
    store();
    assert_false(truncate(entry_path(key_a), (off_t)1 << 40)); /* sparse: beyond any limit */
    assert_refused(key_a);
}

static void changed_entries_are_refused(void **state)
{
    uint8_t good[2 * (HEADER_BYTES + PAYLOAD_BYTES)], bad[sizeof good];
    (void)state;
    store();
    size_t bytes = read_entry(good, sizeof good);
    assert_int_equal(bytes, HEADER_BYTES + PAYLOAD_BYTES);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        memcpy(bad, good, bytes);
        bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_entry(key_a, bad, bytes);
        assert_refused(key_a);
    }
    write_entry(key_b, good, bytes); /* right, but of another program */
    assert_refused(key_b);
    write_entry(key_a, good, bytes);
    assert_true(loads(key_a));
}

static void links_are_refused(void **state)
{
    const char *elsewhere = test_files_path("elsewhere");
    (void)state;
    store();
    assert_false(link(entry_path(key_a), elsewhere)); /* two names */
    assert_refused(key_a);
    assert_false(symlink(elsewhere, entry_path(key_a)));
    assert_refused(key_a);
    assert_true(exists(elsewhere)); /* the link went, not what it points to */
    assert_false(symlink("/nonexistent/x", entry_path(key_a)));
    assert_refused(key_a);
    assert_false(symlink(elsewhere, entry_path(key_a)));
    store(); /* replaces the link */
    assert_true(loads(key_a));
    struct stat info;
    assert_false(stat(elsewhere, &info));
    assert_int_equal(info.st_nlink, 1);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_false(mkfifo(entry_path(key_a), 0600)); /* must not wait for a writer */
    assert_refused(key_a);
    assert_false(mkdir(entry_path(key_a), 0700));
    assert_false(loads(key_a));
    alx_cache_store(cache, key_a, payload, sizeof payload);
    assert_false(loads(key_a));
    struct alx_cache_info info;
    assert_ok(alx_cache_inspect(folder, &info));
    assert_int_equal(info.files, 0); /* no temporary stays */
    assert_false(rmdir(entry_path(key_a)));
}

static void foreign_files_are_refused(void **state)
{
    static const mode_t modes[] = {0620, 0602, 0666, 0660};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        store();
        assert_false(chmod(entry_path(key_a), modes[i]));
        assert_refused(key_a);
    }
    store();
    assert_false(chmod(entry_path(key_a), 0644)); /* others may read it */
    assert_true(loads(key_a));
    if (geteuid()) {
        print_message("not root: files of other users are left out\n");
        return;
    }
    assert_false(chown(entry_path(key_a), NOBODY, NOBODY));
    assert_refused(key_a);
}

/* --- folders --- */

static void assert_folder_refused(const char *dir, const char *reason)
{
    struct alx_cache_info info;
    assert_null(alx_cache_open(dir));
    assert_fails(alx_cache_inspect(dir, &info), ALX_STATUS_FILE_UNREADABLE, reason);
    assert_fails(alx_cache_clear(dir, &info), ALX_STATUS_FILE_UNWRITABLE, reason);
}

static void foreign_folders_are_refused(void **state)
{
    const char *link_path = test_files_path("link");
    (void)state;
    store();
    assert_false(symlink(folder, link_path));
    assert_folder_refused(link_path, "link");
    assert_folder_refused(test_files_write_text("file", "text"), "not a folder");
    assert_false(chmod(folder, 0770));
    assert_folder_refused(folder, "others may write");
    assert_false(chmod(folder, 0707));
    assert_folder_refused(folder, "others may write");
    assert_false(chmod(folder, 0755));
    struct alx_cache *again = alx_cache_open(folder);
    assert_non_null(again);
    alx_cache_close(&again);
    if (!geteuid()) {
        assert_false(chown(folder, NOBODY, NOBODY));
        assert_folder_refused(folder, "another user");
        assert_false(chown(folder, 0, 0));
    }
    assert_true(exists(entry_path(key_a)));
}

static void the_default_folder_follows_the_environment(void **state)
{
    struct alx_cache_info info;
    char base[2 * PATH_MAX], path[3 * PATH_MAX];
    (void)state;
    snprintf(base, sizeof base, "%s/new/home", folder);
    setenv("XDG_CACHE_HOME", base, 1);
    snprintf(path, sizeof path, "%s/alexnet-cl", base);
    assert_ok(alx_cache_inspect(NULL, &info)); /* not there yet */
    assert_string_equal(info.path, path);
    assert_int_equal(info.files, 0);
    struct alx_cache *opened = alx_cache_open(NULL);
    assert_non_null(opened);
    assert_true(exists(path));
    alx_cache_close(&opened);
    setenv("HOME", base, 1);
    setenv("XDG_CACHE_HOME", "relative/does/not/count", 1);
    assert_ok(alx_cache_inspect(NULL, &info));
    snprintf(path, sizeof path, "%s/.cache/alexnet-cl", base);
    assert_string_equal(info.path, path);
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    assert_null(alx_cache_open(NULL));
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_null(alx_cache_open(path));
}

/* --- failures and warnings --- */

/* In a process of its own: the warning comes once a process, and limits stay. Returns its exit
 * code. */
static int in_child(void (*run)(void))
{
    int result = 0;
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        warnings = 0;
        alx_log_set(count_warnings, NULL);
        run();
        _exit(warnings);
    }
    assert_true(child > 0 && waitpid(child, &result, 0) == child);
    return WIFEXITED(result) ? WEXITSTATUS(result) : 100;
}

static void write_to_full_disk(void)
{
    const struct rlimit none = {HEADER_BYTES + 10, HEADER_BYTES + 10};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    for (int i = 0; i < 3; i++) {
        alx_cache_store(cache, key_b, payload, sizeof payload);
        if (loads(key_b))
            _exit(101);
    }
}

static void write_to_closed_folder(void)
{
    if (chmod(folder, 0500) || (!geteuid() && (chown(folder, NOBODY, NOBODY) || seteuid(NOBODY))))
        _exit(101);
    alx_cache_store(cache, key_a, payload, sizeof payload);
    alx_cache_store(cache, key_b, payload, sizeof payload);
}

static void open_impossible_folders(void)
{
    struct alx_cache *none = alx_cache_open("/dev/null/cache");
    if (none || alx_cache_open("/proc/cache"))
        _exit(101);
}

static void failures_warn_once(void **state)
{
    struct alx_cache_info info;
    (void)state;
    assert_int_equal(in_child(write_to_full_disk), 1);
    assert_ok(alx_cache_inspect(folder, &info));
    assert_int_equal(info.files, 0); /* nothing half-written stays */
    assert_int_equal(in_child(open_impossible_folders), 1);
    assert_int_equal(in_child(write_to_closed_folder), 1);
    assert_false(!geteuid() && chown(folder, 0, 0));
    assert_false(chmod(folder, 0700));
}

/* --- several processes --- */

static void store_and_load_much(void)
{
    for (int i = 0; i < 300; i++) {
        alx_cache_store(cache, i % 2 ? key_a : key_b, payload, sizeof payload);
        loads(key_a);
        loads(key_b);
    }
}

static void processes_do_not_disturb_each_other(void **state)
{
    pid_t children[4];
    (void)state;
    fflush(NULL);
    for (size_t i = 0; i < 4; i++)
        if (!(children[i] = fork())) {
            store_and_load_much();
            _exit(0);
        }
    for (size_t i = 0; i < 4; i++) {
        int result;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_int_equal(result, 0);
    }
    assert_true(loads(key_a) && loads(key_b));
}

static void killed_writers_leave_whole_entries(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        int result;
        fflush(NULL);
        pid_t child = fork();
        if (!child)
            for (;;)
                alx_cache_store(cache, key_a, payload, sizeof payload);
        usleep(i * 131 % 4000);
        assert_false(kill(child, SIGKILL));
        waitpid(child, &result, 0);
        bool there = exists(entry_path(key_a));
        assert_int_equal(loads(key_a), there);
    }
}

/* --- limits, and what users ask --- */

/* A file of our name and any size, last used `age` seconds ago. */
static void make_old(unsigned number, off_t bytes, time_t age)
{
    uint8_t key[ALX_SHA256_BYTES] = {9, (uint8_t)number};
    struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
    write_entry(key, payload, 1);
    assert_false(truncate(entry_path(key), bytes));
    assert_false(utimensat(AT_FDCWD, entry_path(key), times, 0));
}

static bool is_there(unsigned number)
{
    uint8_t key[ALX_SHA256_BYTES] = {9, (uint8_t)number};
    return exists(entry_path(key));
}

static void the_oldest_make_room(void **state)
{
    (void)state;
    make_old(1, 100 << 20, 50);
    make_old(2, 100 << 20, 200);
    make_old(3, 50 << 20, 100);
    store();
    assert_true(is_there(1) && is_there(2) && is_there(3));
    make_old(4, 50 << 20, 150);
    store();
    assert_false(is_there(2));
    assert_true(is_there(1) && is_there(3) && is_there(4) && loads(key_a));
}

/* Names that are nearly ours: what stands before and after the key. */
static const struct {
    const char *before, *after;
} foreign[] = {{"", ""}, {"", ".clbin2"}, {"", ".clbi"}, {"x", ".clbin"}, {".", ".clbin"}};

static const char *foreign_path(size_t index)
{
    static char path[2 * PATH_MAX];
    char hex[ALX_SHA256_HEX_BYTES];
    alx_sha256_hex(key_a, hex);
    snprintf(path, sizeof path, "%s/%s%s%s", folder, foreign[index].before, hex,
             foreign[index].after);
    return path;
}

static void only_our_files_are_counted_and_removed(void **state)
{
    struct alx_cache_info info;
    char path[2 * PATH_MAX], hex[ALX_SHA256_HEX_BYTES];
    (void)state;
    store();
    alx_cache_store(cache, key_b, payload, sizeof payload);
    alx_sha256_hex(key_a, hex);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_false(close(open(foreign_path(i), O_WRONLY | O_CREAT, 0600)));
    snprintf(path, sizeof path, "%s/%s.tmp12-34", folder, hex); /* of a killed process */
    assert_false(close(open(path, O_WRONLY | O_CREAT, 0600)));
    assert_ok(alx_cache_inspect(folder, &info));
    assert_string_equal(info.path, folder);
    assert_int_equal(info.files, 3);
    assert_int_equal(info.bytes, 2 * (HEADER_BYTES + PAYLOAD_BYTES));
    assert_ok(alx_cache_clear(folder, &info));
    assert_int_equal(info.files, 3);
    assert_false(exists(path) || exists(entry_path(key_a)) || exists(entry_path(key_b)));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_true(exists(foreign_path(i)));
    assert_ok(alx_cache_clear(folder, &info));
    assert_int_equal(info.files, 0);
    assert_ok(alx_cache_clear("/nonexistent/folder", &info));
    assert_int_equal(info.files, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(failures_warn_once), /* first: later ones would have warned already */
        TEST(entries_come_back),
        TEST(no_cache_holds_nothing),
        TEST(cut_entries_are_refused),
        TEST(changed_entries_are_refused),
        TEST(links_are_refused),
        TEST(what_is_no_file_is_refused),
        TEST(foreign_files_are_refused),
        TEST(foreign_folders_are_refused),
        TEST(the_default_folder_follows_the_environment),
        TEST(processes_do_not_disturb_each_other),
        TEST(killed_writers_leave_whole_entries),
        TEST(the_oldest_make_room),
        TEST(only_our_files_are_counted_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
