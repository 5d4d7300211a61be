#include "util/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/memory.h"

enum { MESSAGE_BYTES = 4096 };

static alx_log_fn *log_sink;
static void *log_user;
static _Thread_local char last_message[MESSAGE_BYTES];
static _Thread_local const char *context;
static _Thread_local bool hushed;

static const char *const status_names[] = {
    [ALX_STATUS_OK] = "ok",
    [ALX_STATUS_USAGE] = "usage",
    [ALX_STATUS_NO_DEVICE] = "no-device",
    [ALX_STATUS_DEVICE] = "device-failed",
    [ALX_STATUS_MODEL] = "model",
    [ALX_STATUS_MEMORY_LIMIT] = "memory-limit",
    [ALX_STATUS_FILE_NOT_FOUND] = "file-not-found",
    [ALX_STATUS_FILE_IS_FOLDER] = "file-is-folder",
    [ALX_STATUS_FILE_UNREADABLE] = "file-unreadable",
    [ALX_STATUS_FILE_UNWRITABLE] = "file-unwritable",
    [ALX_STATUS_IMAGE_EMPTY] = "image-empty",
    [ALX_STATUS_IMAGE_TOO_LARGE] = "image-too-large",
    [ALX_STATUS_IMAGE_UNSUPPORTED] = "image-unsupported",
    [ALX_STATUS_IMAGE_CORRUPT] = "image-corrupt",
    [ALX_STATUS_IMAGE_SIZE] = "image-size",
    [ALX_STATUS_NOT_FINITE] = "not-finite",
    [ALX_STATUS_NO_MEMORY] = "no-memory",
    [ALX_STATUS_INTERNAL] = "internal",
};

const char *alx_status_name(enum alx_status status)
{
    size_t index = (size_t)status;
    return index < sizeof status_names / sizeof *status_names ? status_names[index] : "unknown";
}

const char *alx_error_message(void)
{
    return last_message;
}

void alx_log_set(alx_log_fn *sink, void *user)
{
    log_sink = sink;
    log_user = user;
}

const char *alx_error_context(const char *where)
{
    const char *before = context;
    context = where;
    return before;
}

void alx_error_hush(bool hush)
{
    hushed = hush;
}

static void format_message(char message[MESSAGE_BYTES], const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void format_message(char message[MESSAGE_BYTES], const char *format, va_list arguments)
{
    size_t bytes = 0;
    if (context)
        bytes = alx_min((size_t)snprintf(message, MESSAGE_BYTES, "%s: ", context), MESSAGE_BYTES);
    vsnprintf(message + bytes, MESSAGE_BYTES - bytes, format, arguments);
}

enum alx_status alx_fail(enum alx_status status, const char *format, ...)
{
    char message[MESSAGE_BYTES]; /* an argument may be the last message */
    va_list arguments;
    va_start(arguments, format);
    format_message(message, format, arguments);
    va_end(arguments);
    snprintf(last_message, sizeof last_message, "%s", message);
    if (log_sink && !hushed)
        log_sink(log_user, ALX_LOG_ERROR, last_message);
    return status;
}

void alx_log(enum alx_log_level level, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    if (!log_sink)
        return;
    va_start(arguments, format);
    format_message(message, format, arguments);
    va_end(arguments);
    log_sink(log_user, level, message);
}
