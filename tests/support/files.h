/*
 * Files that a test makes, in a folder that is removed at the end.
 */
#ifndef ALX_TESTS_SUPPORT_FILES_H
#define ALX_TESTS_SUPPORT_FILES_H

#include <stddef.h>

/* Group setup and teardown for cmocka: makes the folder, removes it with the files in it. */
int test_files_begin(void **state);
int test_files_end(void **state);

/* The path of a file of that name in the folder. Borrowed: good until the eighth call after. */
const char *test_files_path(const char *name);
/* The same after writing the bytes to it. */
const char *test_files_write(const char *name, const void *data, size_t bytes);
const char *test_files_write_text(const char *name, const char *text);
/* The number of files in the folder. */
size_t test_files_count(void);

/* Pages of the process that are in memory, those of mapped files included. */
size_t test_resident_pages(void);

#endif
