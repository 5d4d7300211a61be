/*
 * Markdown, as issues and documents take it: tables in pipes, every text from outside escaped.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_markdown.h"
#include "cli/bench_tables.h"
#include "cli/message.h"

void cli_markdown_text(struct alx_text *out, const char *text)
{
    char *clean = cli_copy(text);
    alx_text_clean(clean);
    for (const char *c = clean; *c; c++) {
        if (*c == '<' || *c == '>' || *c == '&')
            alx_text_add(out, *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : "&amp;");
        else
            alx_text_add(out, strchr("\\`*_[]|#!~@", *c) ? "\\%c" : "%c", *c);
    }
    free(clean);
}

void cli_markdown_table(struct alx_text *out, struct cli_table *table)
{
    size_t columns = table->column_count;
    if (!table->cell_count)
        return;
    for (size_t i = 0; i < columns; i++)
        alx_text_add(out, "| %s ", table->columns[i].title);
    alx_text_add(out, "|\n");
    for (size_t i = 0; i < columns; i++)
        alx_text_add(out, table->columns[i].right ? "|---:" : "|---");
    alx_text_add(out, "|\n");
    for (size_t i = 0; i < table->cell_count; i++) {
        alx_text_add(out, "| ");
        cli_markdown_text(out, table->cells[i]);
        alx_text_add(out, (i + 1) % columns ? " " : " |\n");
    }
    alx_text_add(out, "\n");
    cli_table_free(table);
}

static void add_reason(void *user, const json_t *part, const json_t *device, bool first)
{
    struct alx_text *out = user;
    (void)part, (void)first;
    if (bench_is(device, "status", "ok"))
        return;
    alx_text_add(out, "- %.0f ", bench_number(json_object_get(device, "device"), "number"));
    cli_markdown_text(out, bench_reason(device).text);
    alx_text_add(out, "\n");
}

static void add_note(void *user, const char *subject, const char *note)
{
    struct alx_text *out = user;
    alx_text_add(out, "- ");
    cli_markdown_text(out, subject);
    alx_text_add(out, "%s", *subject ? ": " : "");
    cli_markdown_text(out, note);
    alx_text_add(out, "\n");
}

static void add_layers(void *user, const json_t *part, const json_t *device, bool first)
{
    struct alx_text *out = user;
    struct cli_table table;
    const json_t *run = bench_main_run(device);
    (void)part, (void)first;
    if (!run)
        return;
    alx_text_add(out, "\n### ");
    cli_markdown_text(out, bench_text(json_object_get(device, "device"), "name"));
    alx_text_add(out, ", ");
    cli_markdown_text(out, bench_driver(device).text);
    alx_text_add(out, ": %s\n\n", bench_run_name(run).text);
    bench_layers_table(run, BENCH_EVERYTHING, &table);
    cli_markdown_table(out, &table);
}

static void add_part(struct alx_text *out, const json_t *part)
{
    struct cli_table table;
    alx_text_add(out, "## ");
    cli_markdown_text(out, bench_text(json_object_get(part, "network"), "name"));
    alx_text_add(out, " on ");
    cli_markdown_text(out, bench_host(part).text);
    alx_text_add(out, "\n\nMeasured %s by alexnet-cl ", bench_text(part, "time"));
    cli_markdown_text(out, bench_text(part, "version"));
    alx_text_add(out, ".\n\n");
    bench_devices_table(part, &table);
    cli_markdown_table(out, &table);
    bench_each_device(part, add_reason, out);
    bench_each_note(part, add_note, out);
    bench_limits_table(part, &table);
    if (table.cell_count) {
        alx_text_add(out, "\n### Measured limits\n\n");
        cli_markdown_table(out, &table);
    } else {
        cli_table_free(&table);
    }
    bench_each_device(part, add_layers, out);
}

char *bench_markdown(const json_t *document)
{
    struct alx_text out = {0};
    for (size_t i = 0; i < bench_part_count(document); i++)
        add_part(&out, bench_part(document, i));
    return cli_text_take(&out);
}
