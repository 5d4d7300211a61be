/*
 * What a system tells of its terminal.
 */
#ifndef ALX_CLI_TERMINAL_H
#define ALX_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether text is written as UTF-8, once the locale is set. */
bool cli_terminal_is_utf8(void);
/* Columns of the terminal behind standard output or standard error; 0: not known. */
size_t cli_terminal_columns(int fd);

#endif
