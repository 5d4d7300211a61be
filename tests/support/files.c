#include "support/files.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

enum { PATHS = 8 };

static char folder[64];
static char paths[PATHS][PATH_MAX];

int test_files_begin(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/alexnet-cl-test.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

/* Calls `each`, when given, with every file's path; returns how many there are. */
static size_t walk(int (*each)(const char *path))
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[PATH_MAX];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (each)
            each(path);
        count++;
    }
    if (dir)
        closedir(dir);
    return count;
}

int test_files_end(void **state)
{
    (void)state;
    walk(remove);
    return rmdir(folder);
}

size_t test_files_count(void)
{
    return walk(NULL);
}

const char *test_files_path(const char *name)
{
    static size_t next;
    char *path = paths[next++ % PATHS];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

const char *test_files_write(const char *name, const void *data, size_t bytes)
{
    const char *path = test_files_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    return path;
}

const char *test_files_write_text(const char *name, const char *text)
{
    return test_files_write(name, text, strlen(text));
}

size_t test_resident_pages(void)
{
    size_t all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu %zu", &all, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident;
}
