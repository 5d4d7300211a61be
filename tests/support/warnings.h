/*
 * What the library warns of while a test watches.
 */
#ifndef ALX_TESTS_SUPPORT_WARNINGS_H
#define ALX_TESTS_SUPPORT_WARNINGS_H

#include <stddef.h>

/* Takes the log and counts from 0. Not for several threads. */
void test_warnings_watch(void);
/* Since then. */
size_t test_warnings_count(void);
/* The last one, "" when there was none yet. Borrowed: good until the next. */
const char *test_warnings_last(void);

#endif
