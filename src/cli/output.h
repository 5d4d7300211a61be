/*
 * Standard output: aligned text that fits the terminal.
 *
 * Whatever comes from outside (names of files, labels, devices) goes through here and is cleaned of
 * control characters.
 */
#ifndef ALX_CLI_OUTPUT_H
#define ALX_CLI_OUTPUT_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

/* Looks at locale, terminal and environment. */
void cli_output_start(enum color color);
/* Whether a file is a terminal that understands escape sequences. */
bool cli_is_terminal(int fd);
/* Sends what is buffered. False when it cannot be written any more: work for it is in vain. */
bool cli_output_flush(void);
/* The exit code in the end: `code`, or EXIT_SOME_FAILED with one line when standard output could
 * not be written. A reader that went away, as `head` does, is no failure. */
int cli_output_finish(int code);

/* Columns of the terminal; when standard output is none SIZE_MAX, or what was set. */
size_t cli_output_width(void);
/* Keeps to so many columns also where standard output is no terminal. */
void cli_output_set_width(size_t columns);
/* How many columns a text takes on the terminal. */
size_t cli_text_width(const char *text);

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_BAD, STYLE_BAR };
/* Prints text in a style, without a line end. */
void cli_print_styled(enum style style, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints a line, broken at spaces where the terminal is too narrow. */
void cli_print_line(enum style style, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints text cut to `columns` with an ellipsis. */
void cli_print_cut(const char *text, size_t columns);
/* Prints a label and, beside it at column `indent` or below when it is long, text broken at spaces
 * so that it ends before the terminal and before column 80. */
void cli_print_entry(const char *label, size_t indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A bar of `part` (0 to 1) of `columns`, padded to them. */
void cli_print_bar(double part, size_t columns);
/* A separator between words of a line: a middle dot, or a comma. */
const char *cli_separator(void);

/* Numbers as people read them: "60,965,224", "3.9 MiB", "12.3 ms". */
struct cli_words {
    char text[32];
};
struct cli_words cli_count(uint64_t value);
struct cli_words cli_bytes(uint64_t bytes);
struct cli_words cli_duration(uint64_t ns);

/* A table: columns as wide as what they hold. Where the terminal is narrow, flexible ones are cut,
 * and the last one, if flexible, is broken at spaces. */
struct cli_column {
    const char *title;
    bool right; /* numbers */
    bool flexible;
};
struct cli_table {
    const struct cli_column *columns; /* borrowed */
    size_t column_count;
    char **cells; /* owned, row after row */
    size_t cell_count, capacity;
};
/* Zero-initialise with columns and their count, then add cells from left to right. */
void cli_table_add(struct cli_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints it, with its titles, and frees the cells; an empty one prints nothing. */
void cli_table_print(struct cli_table *table);
/* Frees the cells without printing. */
void cli_table_free(struct cli_table *table);

#endif
