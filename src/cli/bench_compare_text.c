/*
 * A comparison as people read it: one row a run, and below it the layers that changed.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_markdown.h"
#include "cli/bench_report.h"
#include "cli/bench_tables.h"
#include "cli/message.h"

enum { WIDTH = 80 };

static void count_row(struct bench_counts *counts, const json_t *row)
{
    counts->faster += bench_is(row, "verdict", "faster");
    counts->slower += bench_is(row, "verdict", "slower");
    counts->same += bench_is(row, "verdict", "same");
    counts->ambiguous += bench_is(row, "verdict", "ambiguous");
    counts->regressions += bench_true(row, "regression");
}

struct bench_counts bench_count(const json_t *comparison)
{
    struct bench_counts counts = {0};
    size_t i, j, k;
    json_t *device, *run, *layer;
    json_array_foreach(json_object_get(comparison, "devices"), i, device)
    {
        counts.regressions += bench_true(device, "regression");
        json_array_foreach(json_object_get(device, "runs"), j, run)
        {
            count_row(&counts, run);
            json_array_foreach(json_object_get(run, "layers"), k, layer) count_row(&counts, layer);
        }
    }
    return counts;
}

/* --- the table of a device --- */

static void add_interval(struct cli_table *table, const json_t *interval)
{
    double median = bench_number(interval, "median_ms");
    cli_table_add(table, "%s", cli_figures(median).text);
    cli_table_add(table, "%s",
                  cli_percent(cli_half_width_percent(bench_number(interval, "low_ms"),
                                                     bench_number(interval, "high_ms"), median))
                      .text);
}

static void add_row(struct cli_table *table, const char *run, const char *layer, const json_t *row)
{
    double change = bench_number(row, "change_percent");
    const char *verdict = bench_text(row, "verdict"), *reason = bench_text(row, "reason");
    cli_table_add(table, "%s", run);
    cli_table_add(table, "%s", layer);
    add_interval(table, json_object_get(row, "old"));
    add_interval(table, json_object_get(row, "new"));
    if (isnan(change))
        cli_table_add(table, "-");
    else
        cli_table_add(table, "%+.*f %%", fabs(change) < 99.95, change);
    cli_table_add(table, "%s%s%s%s", bench_true(row, "regression") ? "REGRESSION, " : "", verdict,
                  *verdict && *reason ? ": " : "", reason);
}

/* `verbose` 0: without layers, 1: with those that changed, 2: with all. */
static void fill_table(const json_t *device, size_t verbose, struct cli_table *out)
{
    static const struct cli_column columns[] = {
        {"Run", false, false},   {"Layer", false, true},   {"Old, ms", true, false},
        {"Within", true, false}, {"New, ms", true, false}, {"Within", true, false},
        {"Change", true, false}, {"Verdict", false, true},
    };
    size_t i, j;
    json_t *run, *layer;
    *out = (struct cli_table){columns, sizeof columns / sizeof *columns, NULL, 0, 0};
    json_array_foreach(json_object_get(device, "runs"), i, run)
    {
        char name[64];
        snprintf(name, sizeof name, "%s x%.0f", bench_text(run, "precision"),
                 bench_number(run, "batch"));
        add_row(out, name, "all", run);
        json_array_foreach(json_object_get(run, "layers"), j, layer)
        {
            bool changed =
                bench_is(layer, "verdict", "faster") || bench_is(layer, "verdict", "slower");
            if (verbose > 1 || (verbose && changed))
                add_row(out, "", bench_text(layer, "name"), layer);
        }
    }
}

/* --- the terminal --- */

static void print_device(const json_t *device, size_t verbose)
{
    struct cli_table table;
    const json_t *about = json_object_get(device, "device"),
                 *notes = json_object_get(device, "notes");
    bool bad = bench_true(device, "regression");
    printf("\n");
    cli_print_line(STYLE_BOLD, "%.0f  %s%s%s", bench_number(about, "number"),
                   bench_text(about, "name"), cli_separator(), bench_driver(device).text);
    if (*bench_text(device, "reason"))
        cli_print_line(bad ? STYLE_BAD : STYLE_PLAIN, "%s%s", bad ? "REGRESSION: " : "",
                       bench_text(device, "reason"));
    for (size_t i = 0; i < json_array_size(notes); i++)
        cli_print_line(STYLE_PLAIN, "%s", json_string_value(json_array_get(notes, i)));
    fill_table(device, verbose, &table);
    cli_table_print(&table);
}

void bench_compare_print(const json_t *comparison, size_t verbose)
{
    const json_t *old = json_object_get(comparison, "old"),
                 *new = json_object_get(comparison, "new");
    const json_t *devices = json_object_get(comparison, "devices");
    struct bench_counts counts = bench_count(comparison);
    cli_output_set_width(WIDTH);
    cli_print_line(STYLE_BOLD, "%s: %s (alexnet-cl %s) against %s (alexnet-cl %s)",
                   bench_text(json_object_get(comparison, "network"), "name"),
                   bench_text(new, "time"), bench_text(new, "version"), bench_text(old, "time"),
                   bench_text(old, "version"));
    for (size_t i = 0; i < json_array_size(devices); i++)
        print_device(json_array_get(devices, i), verbose);
    printf("\n");
    cli_print_line(counts.regressions ? STYLE_BAD : STYLE_GOOD,
                   "%zu faster, %zu slower, %zu the same, %zu ambiguous; %zu regression%s above %s",
                   counts.faster, counts.slower, counts.same, counts.ambiguous, counts.regressions,
                   counts.regressions == 1 ? "" : "s",
                   cli_percent(bench_number(comparison, "threshold_percent")).text);
}

/* --- Markdown --- */

char *bench_compare_markdown(const json_t *comparison)
{
    struct alx_text out = {0};
    size_t i;
    json_t *device;
    const json_t *old = json_object_get(comparison, "old"),
                 *new = json_object_get(comparison, "new");
    struct bench_counts counts = bench_count(comparison);
    alx_text_add(&out, "## %s against %s\n\n", bench_text(new, "time"), bench_text(old, "time"));
    json_array_foreach(json_object_get(comparison, "devices"), i, device)
    {
        struct cli_table table;
        alx_text_add(&out, "### ");
        cli_markdown_text(&out, bench_text(json_object_get(device, "device"), "name"));
        alx_text_add(&out, "\n\n");
        if (*bench_text(device, "reason")) {
            cli_markdown_text(&out, bench_text(device, "reason"));
            alx_text_add(&out, "\n\n");
        }
        fill_table(device, 1, &table);
        cli_markdown_table(&out, &table);
    }
    alx_text_add(&out, "%zu faster, %zu slower, %zu the same, %zu ambiguous; %zu regressions\n",
                 counts.faster, counts.slower, counts.same, counts.ambiguous, counts.regressions);
    return cli_text_take(&out);
}
