/*
 * Standard error: one line a message, and a progress line on a terminal.
 */
#ifndef ALX_CLI_MESSAGE_H
#define ALX_CLI_MESSAGE_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/text.h"

/* Takes the library's messages from here on. Errors are always printed, warnings unless `quiet`,
 * more with `verbose` 1 and 2. */
void cli_message_start(bool quiet, size_t verbose);

/* Prints one message, cleaned of what could move a terminal's cursor. */
void cli_message(enum alx_log_level level, const char *message);

/* Warnings are kept from here on instead of printed, so that they can stand with what they are
 * about; `print` prints those that were kept and ends it. */
void cli_message_keep_warnings(void);
void cli_message_end_keeping(bool print);
/* Warnings that were kept, up to some number; NULL past the end. Borrowed. */
const char *cli_kept_warning(size_t index);

/* The text of the last error, cleaned as it was printed; borrowed until the next one. */
const char *cli_last_error(void);

/* Shows a line that the next one overwrites, and removes it. Nothing happens where standard error
 * is no terminal. */
void cli_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_progress_clear(void);

/* A line for who sits at the terminal; nothing happens where standard error is none, or with -q. */
void cli_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The exit code of a command that ends with `status`; `file_code` when it is about a file. */
int cli_exit_code(enum alx_status status, int file_code);

/* Ctrl-C ends the program at once with EXIT_INTERRUPTED. */
void cli_interrupt_start(void);

/* Zeroed memory and copies; the program ends with one line when there is none left. */
void *cli_alloc(size_t count, size_t elem_bytes, const char *what);
char *cli_copy(const char *text);
/* What was added to a text, which is then empty; owned. */
char *cli_text_take(struct alx_text *text);

#endif
