/*
 * The shared library keeps src/util to itself, so the program compiles what it needs of it, and
 * this: failures met there, and those of the program, take the way that the library's take.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cli/message.h"
#include "util/error.h"

enum alx_status alx_fail(enum alx_status status, const char *format, ...)
{
    char message[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    cli_message(ALX_LOG_ERROR, message);
    return status;
}
