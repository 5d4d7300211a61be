/*
 * Writing Markdown.
 */
#ifndef ALX_CLI_BENCH_MARKDOWN_H
#define ALX_CLI_BENCH_MARKDOWN_H

#include "cli/bench_report.h"
#include "util/text.h"

/* Adds a text from outside so that it is shown as it is. */
void cli_markdown_text(struct alx_text *out, const char *text);
/* Adds a table, unless it is empty, and frees its cells. */
void cli_markdown_table(struct alx_text *out, struct cli_table *table);

#endif
