#include "cli/message.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

enum { MESSAGE_BYTES = 4096, MOST_KEPT = 16 };

static struct {
    bool quiet;
    size_t verbose;
    char last_error[MESSAGE_BYTES], last_warning[MESSAGE_BYTES];
    bool keeping;
    char kept[MOST_KEPT][MESSAGE_BYTES];
    size_t kept_count;
} messages;

static volatile sig_atomic_t progress_shown;
static const char erase_line[] = "\r\x1b[K";

static void print_message(enum alx_log_level level, const char *text)
{
    if (level == ALX_LOG_ERROR)
        strcpy(messages.last_error, text);
    if (level == ALX_LOG_WARNING) {
        if (messages.quiet || !strcmp(text, messages.last_warning))
            return;
        strcpy(messages.last_warning, text);
        if (messages.keeping && messages.kept_count < MOST_KEPT) {
            strcpy(messages.kept[messages.kept_count++], text);
            return;
        }
    }
    if ((level == ALX_LOG_INFO && messages.verbose < 1) ||
        (level == ALX_LOG_DEBUG && messages.verbose < 2))
        return;
    cli_progress_clear();
    cli_output_flush(); /* so that both come in the order in which they happened */
    fprintf(stderr, "alexnet-cl: %s%s\n", level == ALX_LOG_WARNING ? "warning: " : "", text);
}

/* A device may run, and fail, while pictures are decoded. */
void cli_message(enum alx_log_level level, const char *message)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    char text[MESSAGE_BYTES];
    alx_text_copy(text, sizeof text, message);
    alx_text_clean(text);
    pthread_mutex_lock(&lock);
    print_message(level, text);
    pthread_mutex_unlock(&lock);
}

static void receive(void *user, enum alx_log_level level, const char *message)
{
    (void)user;
    cli_message(level, message);
}

void cli_message_start(bool quiet, size_t verbose)
{
    messages.quiet = quiet;
    messages.verbose = verbose;
    alx_log_set(receive, NULL);
}

void cli_message_keep_warnings(void)
{
    messages.keeping = true;
}

void cli_message_end_keeping(bool print)
{
    messages.keeping = false;
    messages.last_warning[0] = 0;
    for (size_t i = 0; print && i < messages.kept_count; i++)
        cli_message(ALX_LOG_WARNING, messages.kept[i]);
}

const char *cli_kept_warning(size_t index)
{
    return index < messages.kept_count ? messages.kept[index] : NULL;
}

const char *cli_last_error(void)
{
    return messages.last_error;
}

void cli_progress(const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (messages.quiet || !cli_is_terminal(STDERR_FILENO))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t columns = cli_terminal_columns(STDERR_FILENO);
    if (columns > 1 && columns <= strlen(text))
        text[columns - 1] = 0; /* a line that wraps could not be erased */
    alx_text_clean(text);
    progress_shown = 1;
    fprintf(stderr, "%s%s", erase_line, text);
}

void cli_hint(const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (messages.quiet || !cli_is_terminal(STDERR_FILENO))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    alx_text_clean(text);
    cli_progress_clear();
    fprintf(stderr, "alexnet-cl: %s\n", text);
}

void cli_progress_clear(void)
{
    if (progress_shown)
        fputs(erase_line, stderr);
    progress_shown = 0;
}

int cli_exit_code(enum alx_status status, int file_code)
{
    switch (status) {
    case ALX_STATUS_OK:
        return EXIT_ALL_DONE;
    case ALX_STATUS_USAGE:
        return EXIT_USAGE;
    case ALX_STATUS_NO_DEVICE:
        return EXIT_NO_DEVICE;
    case ALX_STATUS_MODEL:
        return EXIT_MODEL;
    case ALX_STATUS_DEVICE:
    case ALX_STATUS_MEMORY_LIMIT:
    case ALX_STATUS_NO_MEMORY:
    case ALX_STATUS_INTERNAL:
        return EXIT_DEVICE;
    default:
        return file_code;
    }
}

static void interrupted(int signal_number)
{
    (void)signal_number;
    if (progress_shown)
        (void)!write(STDERR_FILENO, erase_line, sizeof erase_line - 1);
    _exit(EXIT_INTERRUPTED);
}

void cli_interrupt_start(void)
{
    /* Who starts it in the background of a script has it ignore Ctrl-C. */
    if (signal(SIGINT, interrupted) == SIG_IGN)
        signal(SIGINT, SIG_IGN);
}

void *cli_alloc(size_t count, size_t elem_bytes, const char *what)
{
    void *data;
    if (alx_alloc(count, elem_bytes, what, &data) != ALX_STATUS_OK)
        exit(EXIT_DEVICE);
    return data;
}

char *cli_copy(const char *text)
{
    char *copy = cli_alloc(strlen(text) + 1, 1, "a text");
    return strcpy(copy, text);
}

char *cli_text_take(struct alx_text *text)
{
    if (text->failed) {
        alx_fail(ALX_STATUS_NO_MEMORY, "a text: no memory left; close other programs");
        exit(EXIT_DEVICE);
    }
    char *taken = text->data ? text->data : cli_copy("");
    *text = (struct alx_text){0};
    return taken;
}
