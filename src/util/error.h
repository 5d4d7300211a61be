/*
 * Failing, and passing failures on.
 *
 * A fallible function declares `enum alx_status status = ALX_STATUS_OK;`, calls others through
 * ALX_TRY, and ends in one label `error:` that frees what is still owned and returns `status`.
 */
#ifndef ALX_UTIL_ERROR_H
#define ALX_UTIL_ERROR_H

#include <alexnet_cl/status.h>
#include <stdbool.h>

/* Logs `WHAT: WHY; what to do`, remembers it for alx_error_message(), and returns `status`. Used
 * where a failure is detected, and nowhere else. */
enum alx_status alx_fail(enum alx_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts `WHERE: ` in front of all messages of this thread, e.g. the file that is being read by
 * functions which do not know its name; NULL: nothing. Returns what was there before, to be put
 * back. Borrowed. */
const char *alx_error_context(const char *where);

/* While hushed, failures of this thread are remembered but not logged: for what may well fail. */
void alx_error_hush(bool hush);

/* Messages that are not failures. */
void alx_log(enum alx_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Goes to `error` with the callee's status. */
#define ALX_TRY(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != ALX_STATUS_OK)                                                               \
            goto error;                                                                            \
    } while (0)

#endif
