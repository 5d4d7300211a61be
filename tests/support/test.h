/*
 * cmocka with what it needs to be included before it, and the project's own assertions.
 */
#ifndef ALX_TESTS_SUPPORT_TEST_H
#define ALX_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <alexnet_cl/status.h>

/* A call that must succeed; shows the library's message when it does not. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        enum alx_status assert_status = (call);                                                    \
        if (assert_status != ALX_STATUS_OK)                                                        \
            fail_msg("%s: %s: %s", #call, alx_status_name(assert_status), alx_error_message());    \
    } while (0)

/* A call that must fail in one way, with a message that holds `part`. */
#define assert_fails(call, expected, part)                                                         \
    do {                                                                                           \
        enum alx_status assert_status = (call);                                                    \
        if (assert_status != (expected))                                                           \
            fail_msg("%s: %s instead of %s", #call, alx_status_name(assert_status),                \
                     alx_status_name(expected));                                                   \
        assert_non_null(strstr(alx_error_message(), (part)));                                      \
    } while (0)

#endif
