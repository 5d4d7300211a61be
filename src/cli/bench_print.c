/*
 * The tables of bench: for each piece of hardware a row for each driver and precision; then the
 * layers of each device.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/output.h"
#include "util/memory.h"
#include "util/text.h"

static const char *const precisions[] = {"fp32", "fp16", "int8"};

/* --- cells --- */

/* Three digits, or a dash for what is not known. */
static void add_number(struct cli_table *table, double value)
{
    if (isnan(value))
        cli_table_add(table, "-");
    else
        cli_table_add(table, "%.*f",
                      value < 0.0995  ? 3
                      : value < 9.995 ? 2
                      : value < 99.95 ? 1
                                      : 0,
                      value);
}

static void add_count(struct cli_table *table, double value)
{
    if (isnan(value))
        cli_table_add(table, "-");
    else
        cli_table_add(table, "%.0f", value);
}

static void add_percent(struct cli_table *table, double part)
{
    if (isnan(part))
        cli_table_add(table, "-");
    else
        cli_table_add(table, "%.*f %%", part < 0.0995, 100 * part);
}

/* "PoCL" for "Portable Computing Language": what stands in parentheses, versions and the words that
 * all have say little in a narrow table. */
static void driver_name(const json_t *device, char *out, size_t out_bytes)
{
    static const char *const shorter[][2] = {{"Portable Computing Language", "PoCL"},
                                             {"AMD Accelerated Parallel Processing", "AMD APP"},
                                             {"Intel(R) OpenCL", "Intel OpenCL"}};
    const char *name = bench_text(device, "platform");
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (!strncmp(name, shorter[i][0], strlen(shorter[i][0])))
            name = shorter[i][1];
    alx_text_copy(out, out_bytes, name);
}

/* --- a piece of hardware --- */

static const struct cli_column columns[] = {
    {"#", true, false},        {"Driver", false, true}, {"Weights", false, false},
    {"ms", true, false},       {"+-", true, false},     {"Batch", true, false},
    {"images/s", true, false}, {"+-", true, false},     {"Of limit", true, false},
    {"Results", false, false},
};

/* What the check, or the failure, makes of a row. */
static const char *outcome(const json_t *row, const json_t *run)
{
    const char *status = run ? bench_text(run, "status") : bench_text(row, "status");
    return strcmp(status, "ok") ? status : "right";
}

static size_t add_rows(struct cli_table *table, const json_t *row)
{
    char driver[24];
    const json_t *device = json_object_get(row, "device");
    size_t added = 0;
    driver_name(device, driver, sizeof driver);
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
        const json_t *best = bench_find_run(row, precisions[p], 0);
        const json_t *first = bench_find_run(row, precisions[p], 1);
        if (!best && !first)
            continue;
        cli_table_add(table, "%.0f", bench_number(device, "number"));
        cli_table_add(table, "%s", driver);
        cli_table_add(table, "%s", precisions[p]);
        add_number(table, bench_number(first, "median_ms"));
        add_percent(table, bench_spread(first));
        add_count(table, bench_number(best, "batch"));
        add_number(table, bench_number(best, "images_per_s"));
        add_percent(table, bench_spread(best));
        add_percent(table, bench_number(best, "percent_of_limit") / 100);
        cli_table_add(table, "%s", outcome(row, best ? best : first));
        added++;
    }
    for (size_t i = 0; !added && i < sizeof columns / sizeof *columns; i++)
        if (i == 0)
            cli_table_add(table, "%.0f", bench_number(device, "number"));
        else
            cli_table_add(table, "%s",
                          i == 1                                     ? driver
                          : i + 1 < sizeof columns / sizeof *columns ? "-"
                                                                     : outcome(row, NULL));
    return added;
}

static void print_notes(const json_t *owner, double number, const char *where)
{
    const json_t *note;
    size_t i;
    json_array_foreach(bench_array(owner, "notes"), i, note) cli_print_line(
        STYLE_DIM, "%.0f%s%s: %s", number, *where ? " " : "", where, json_string_value(note));
}

/* What stands below the table: limits, reasons, doubts. */
static void print_remarks(const json_t *row)
{
    char where[48];
    const json_t *limits = json_object_get(row, "limits"), *run;
    const char *status = bench_text(row, "status"), *phase = bench_text(row, "phase");
    double number = bench_number(json_object_get(row, "device"), "number");
    size_t i;
    if (strcmp(status, "ok"))
        cli_print_line(!strcmp(status, "failed") ? STYLE_BAD : STYLE_DIM, "%.0f %s%s%s: %s", number,
                       status, *phase ? " at " : "", phase, bench_text(row, "reason"));
    if (json_is_object(limits) && !isnan(bench_number(limits, "fma_gflops")))
        cli_print_line(
            STYLE_DIM,
            "%.0f can do %.4g GFLOP/s and read %.3g GB/s; copies %.3g GB/s to it, %.3g "
            "from it; a launch takes %.3g us",
            number, bench_number(limits, "fma_gflops"), bench_number(limits, "read_gb_per_s"),
            bench_number(limits, "copy_to_gb_per_s"), bench_number(limits, "copy_from_gb_per_s"),
            bench_number(limits, "launch_us"));
    print_notes(row, number, "");
    json_array_foreach(bench_array(row, "runs"), i, run)
    {
        snprintf(where, sizeof where, "%s batch %.0f", bench_text(run, "precision"),
                 bench_number(run, "batch"));
        if (bench_is(run, "status", "failed") && strcmp(where, phase))
            cli_print_line(STYLE_BAD, "%.0f failed at %s: %s", number, where,
                           bench_text(run, "reason"));
        print_notes(run, number, where);
    }
}

static void print_hardware(const json_t *document, const json_t *hardware, size_t index)
{
    struct cli_table table = {columns, sizeof columns / sizeof *columns, NULL, 0, 0};
    const json_t *row, *first = NULL;
    size_t i;
    json_array_foreach(bench_array(document, "devices"), i, row)
    {
        if (bench_number(row, "hardware") != (double)index)
            continue;
        first = first ? first : json_object_get(row, "device");
        add_rows(&table, row);
    }
    cli_print_line(STYLE_BOLD, "%s%s%s%s%.0f units at %.0f MHz%s%s", bench_text(hardware, "name"),
                   cli_separator(), bench_text(hardware, "type"), cli_separator(),
                   bench_number(first, "compute_units"), bench_number(first, "clock_mhz"),
                   cli_separator(), cli_bytes((uint64_t)bench_number(first, "global_bytes")).text);
    cli_table_print(&table);
    json_array_foreach(bench_array(document, "devices"), i, row)
    {
        if (bench_number(row, "hardware") == (double)index)
            print_remarks(row);
    }
    putchar('\n');
}

/* --- layers --- */

/* Why layers have no times; once, when it is the same for all. */
static void print_reasons(const json_t *layers)
{
    const json_t *layer;
    const char *first = bench_text(json_array_get(layers, 0), "reason");
    size_t i, same = 0;
    json_array_foreach(layers, i, layer) same += *first && bench_is(layer, "reason", first);
    if (same == json_array_size(layers)) {
        cli_print_line(STYLE_DIM, "All layers: %s", first);
        return;
    }
    json_array_foreach(layers, i, layer)
    {
        if (*bench_text(layer, "reason"))
            cli_print_line(STYLE_DIM, "%s: %s", bench_text(layer, "name"),
                           bench_text(layer, "reason"));
    }
}

static void print_layers(const json_t *row, const json_t *run, size_t verbose)
{
    static const struct cli_column layer_columns[] = {
        {"Layer", false, false},    {"Algorithm", false, false}, {"ms", true, false},
        {"+-", true, false},        {"GFLOP/s", true, false},    {"GB/s", true, false},
        {"Bound by", false, false}, {"Of limit", true, false},   {"Parameters", false, true}};
    size_t count = sizeof layer_columns / sizeof *layer_columns - (verbose < 2);
    struct cli_table table = {layer_columns, count, NULL, 0, 0};
    char driver[24];
    const json_t *layer, *device = json_object_get(row, "device");
    size_t i;
    if (!json_array_size(bench_array(run, "layers")))
        return;
    driver_name(device, driver, sizeof driver);
    json_array_foreach(bench_array(run, "layers"), i, layer)
    {
        const char *bound = bench_text(layer, "bound_by");
        cli_table_add(&table, "%s", bench_text(layer, "name"));
        cli_table_add(&table, "%s", bench_text(layer, "algorithm"));
        add_number(&table, bench_number(layer, "median_ms"));
        add_percent(&table, bench_spread(layer));
        add_number(&table, bench_number(layer, "gflops"));
        add_number(&table, bench_number(layer, "gb_per_s"));
        cli_table_add(&table, "%s", *bound ? bound : "-");
        add_percent(&table, bench_number(layer, "percent_of_limit") / 100);
        if (verbose >= 2)
            cli_table_add(&table, "%s", bench_text(layer, "parameters"));
    }
    cli_print_line(STYLE_BOLD, "Layers on device %.0f (%s), %s, batch %.0f",
                   bench_number(device, "number"), driver, bench_text(run, "precision"),
                   bench_number(run, "batch"));
    cli_table_print(&table);
    print_reasons(bench_array(run, "layers"));
    putchar('\n');
}

/* The first run that succeeded, or with more words all. */
static void print_device_layers(const json_t *row, size_t verbose)
{
    const json_t *run, *first = bench_find_run(row, precisions[0], 1);
    size_t i;
    json_array_foreach(bench_array(row, "runs"), i, run)
    {
        if (!first && json_array_size(bench_array(run, "layers")))
            first = run;
        if (verbose >= 2)
            print_layers(row, run, verbose);
    }
    if (verbose == 1)
        print_layers(row, first, verbose);
}

void bench_print(const json_t *document, size_t verbose)
{
    const json_t *network = json_object_get(document, "network");
    const json_t *settings = json_object_get(document, "settings");
    const json_t *item;
    size_t i;
    cli_print_line(STYLE_BOLD, "%s%s%s weights%s%s MACs an image", bench_text(network, "name"),
                   cli_separator(),
                   bench_is(json_object_get(document, "model"), "format", "random")
                       ? "random"
                       : bench_text(json_object_get(document, "model"), "name"),
                   cli_separator(), cli_count((uint64_t)bench_number(network, "macs")).text);
    json_array_foreach(bench_array(document, "notes"), i, item)
        cli_print_line(STYLE_BAD, "Note: %s", json_string_value(item));
    putchar('\n');
    json_array_foreach(bench_array(document, "hardware"), i, item)
        print_hardware(document, item, i);
    if (!verbose)
        return;
    json_array_foreach(bench_array(document, "devices"), i, item)
        print_device_layers(item, verbose);
    cli_print_line(STYLE_DIM,
                   "ms: median of a run of one image, by the wall clock, copies included; +-: half "
                   "the 95 %% confidence interval; batch, images/s: the fastest. Of limit: of what "
                   "the roofline of the measured limits allows. Layers are timed by the device, "
                   "with profiling. Up to %.3g s a measurement; --json keeps all samples.",
                   bench_number(settings, "time_ms") / 1000);
}
