#include "support/warnings.h"

#include <stdio.h>

#include <alexnet_cl/status.h>

static char last[512];
static size_t count;

static void keep(void *user, enum alx_log_level level, const char *message)
{
    (void)user;
    if (level != ALX_LOG_WARNING)
        return;
    snprintf(last, sizeof last, "%s", message);
    count++;
}

void test_warnings_watch(void)
{
    count = 0;
    alx_log_set(keep, NULL);
}

size_t test_warnings_count(void)
{
    return count;
}

const char *test_warnings_last(void)
{
    return last;
}
