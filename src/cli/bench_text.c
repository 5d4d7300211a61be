/*
 * What bench prints on a terminal.
 */
#include <math.h>
#include <stdio.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"

enum { WIDTH = 80, INDENT = 2 };

static void print_reason(void *user, const json_t *part, const json_t *device, bool first)
{
    char label[64];
    (void)user, (void)part, (void)first;
    if (bench_is(device, "status", "ok"))
        return;
    snprintf(label, sizeof label, "%.0f %s",
             bench_number(json_object_get(device, "device"), "number"),
             bench_text(device, "status"));
    cli_print_entry(label, 11, "%s", bench_reason(device).text);
}

static void print_run(const json_t *device, const json_t *run)
{
    struct cli_table table;
    const json_t *about = json_object_get(device, "device");
    printf("\n");
    cli_print_line(STYLE_BOLD, "%.0f  %s%s%s%s%s", bench_number(about, "number"),
                   bench_text(about, "name"), cli_separator(), bench_driver(device).text,
                   cli_separator(), bench_run_name(run).text);
    cli_print_entry("", INDENT,
                    "%s ms (10 to 90 %%: %s to %s), %s images/s, %s of the limit; first "
                    "run %s ms, compiling %s ms",
                    cli_figures(bench_number(run, "median_ms")).text,
                    cli_figures(bench_number(run, "p10_ms")).text,
                    cli_figures(bench_number(run, "p90_ms")).text,
                    cli_figures(bench_number(run, "images_per_s")).text,
                    cli_percent(bench_number(run, "percent_of_limit")).text,
                    cli_figures(bench_number(run, "first_run_ms")).text,
                    cli_figures(bench_number(run, "build_ms")).text);
    bench_layers_table(run, false, &table);
    cli_table_print(&table);
}

static void print_layers(void *user, const json_t *part, const json_t *device, bool first)
{
    const size_t *verbose = user;
    const json_t *runs = json_object_get(device, "runs"), *main_run = bench_main_run(device);
    (void)part, (void)first;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *run = json_array_get(runs, i);
        if (run == main_run || (*verbose > 1 && bench_is(run, "status", "ok")))
            print_run(device, run);
    }
}

static void print_note(void *user, const char *subject, const char *note)
{
    (void)user;
    cli_print_entry("  -", INDENT + 3, "%s%s%s", subject, *subject ? ": " : "", note);
}

static void print_part(const json_t *part)
{
    const json_t *network = json_object_get(part, "network");
    cli_print_line(STYLE_BOLD, "%s on %s", bench_text(network, "name"), bench_host(part).text);
    cli_print_line(STYLE_PLAIN, "measured %s by alexnet-cl %s", bench_text(part, "time"),
                   bench_text(part, "version"));
    bench_each_note(part, print_note, NULL);
    printf("\n");
}

static void print_limits(const json_t *part)
{
    struct cli_table table;
    bench_limits_table(part, &table);
    if (!table.cell_count) {
        cli_table_free(&table);
        return;
    }
    printf("\n");
    cli_print_line(STYLE_BOLD, "Measured limits");
    cli_table_print(&table);
}

void bench_print(const json_t *document, size_t verbose)
{
    struct cli_table table;
    cli_output_set_width(WIDTH);
    for (size_t i = 0; i < bench_part_count(document); i++)
        print_part(bench_part(document, i));
    bench_devices_table(document, &table);
    cli_table_print(&table);
    bench_each_device(document, print_reason, NULL);
    for (size_t i = 0; i < bench_part_count(document); i++)
        print_limits(bench_part(document, i));
    if (!verbose)
        return;
    bench_each_device(document, print_layers, &verbose);
    putchar('\n');
    cli_print_line(
        STYLE_DIM,
        "Times are medians by the wall clock, copies included; within: half of the 95 %% "
        "confidence interval; batch, images/s: the fastest; limit: of what the measured "
        "limits allow. Layers are timed by the device, with profiling; spread: half of "
        "the 10 to 90 %% range. --json=FILE keeps all samples, --html FILE draws them.");
}
