/* Messages: what they hold, who gets them, and what stands in front of them. */
#include <stdio.h>
#include <string.h>

#include "support/test.h"
#include "util/error.h"

static char sunk[8192];
static enum alx_log_level sunk_level;

static void sink(void *user, enum alx_log_level level, const char *message)
{
    (void)user;
    sunk_level = level;
    snprintf(sunk, sizeof sunk, "%s", message);
}

static void a_failure_is_kept_and_logged(void **state)
{
    (void)state;
    assert_int_equal(alx_fail(ALX_STATUS_MODEL, "%s: %d", "a", 7), ALX_STATUS_MODEL);
    assert_string_equal(alx_error_message(), "a: 7");
    assert_string_equal(sunk, "a: 7");
    assert_int_equal(sunk_level, ALX_LOG_ERROR);
    alx_log(ALX_LOG_WARNING, "careful");
    assert_string_equal(sunk, "careful");
    assert_int_equal(sunk_level, ALX_LOG_WARNING);
    assert_string_equal(alx_error_message(), "a: 7");
    alx_fail(ALX_STATUS_USAGE, "outer: %s", alx_error_message());
    assert_string_equal(alx_error_message(), "outer: a: 7");
}

static void a_context_stands_in_front(void **state)
{
    (void)state;
    static char huge[5000];
    assert_null(alx_error_context("file.x"));
    alx_fail(ALX_STATUS_MODEL, "tensor %s", "t");
    assert_string_equal(alx_error_message(), "file.x: tensor t");
    alx_log(ALX_LOG_INFO, "fine");
    assert_string_equal(sunk, "file.x: fine");
    assert_string_equal(alx_error_context(NULL), "file.x");
    alx_fail(ALX_STATUS_MODEL, "plain");
    assert_string_equal(alx_error_message(), "plain");
    /* what is too long is cut */
    memset(huge, 'h', sizeof huge - 1);
    alx_fail(ALX_STATUS_MODEL, "%s", huge);
    assert_int_equal(strlen(alx_error_message()), 4095);
    alx_error_context(huge);
    alx_fail(ALX_STATUS_MODEL, "unseen");
    assert_int_equal(strlen(alx_error_message()), 4095);
    alx_error_context(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_kept_and_logged),
        cmocka_unit_test(a_context_stands_in_front),
    };
    alx_log_set(sink, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
