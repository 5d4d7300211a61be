#include "cli/bench_tables.h"

#include <alexnet_cl/measure.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_report.h"

#define COLUMNS(of) (of), sizeof(of) / sizeof *(of)

/* --- devices --- */

enum { DEVICES_COLUMNS = 10 };

static const struct cli_column devices_columns[DEVICES_COLUMNS] = {
    {"#", true, false},        {"Driver", false, true}, {"Weights", false, false},
    {"ms", true, false},       {"+-", true, false},     {"Batch", true, false},
    {"images/s", true, false}, {"+-", true, false},     {"Of limit", true, false},
    {"Results", false, false},
};

/* Half of a median's confidence interval. */
static void add_interval(struct cli_table *table, const json_t *timed)
{
    cli_table_add(table, "%s",
                  cli_percent(cli_half_width_percent(bench_number(timed, "ci_low_ms"),
                                                     bench_number(timed, "ci_high_ms"),
                                                     bench_number(timed, "median_ms")))
                      .text);
}

/* From the 10th to the 90th percentile. */
static void add_range(struct cli_table *table, const json_t *timed)
{
    double from = bench_number(timed, "p10_ms");
    if (isnan(from))
        cli_table_add(table, "-");
    else
        cli_table_add(table, "%s to %s", cli_figures(from).text,
                      cli_figures(bench_number(timed, "p90_ms")).text);
}

static void add_figures(struct cli_table *table, const json_t *object, const char *key)
{
    cli_table_add(table, "%s", cli_figures(bench_number(object, key)).text);
}

/* A run of the precision that did not go well, or NULL. */
static const json_t *find_failed(const json_t *device, const char *precision)
{
    const json_t *runs = json_object_get(device, "runs");
    for (size_t i = 0; i < json_array_size(runs); i++)
        if (bench_is(json_array_get(runs, i), "precision", precision) &&
            !bench_is(json_array_get(runs, i), "status", "ok"))
            return json_array_get(runs, i);
    return NULL;
}

/* One row for the runs of a precision; false when there are none. */
static bool add_precision(struct cli_table *table, const json_t *device, const char *precision)
{
    const json_t *one = bench_find_run(device, precision, false);
    const json_t *best = bench_find_run(device, precision, true);
    const json_t *shown = best ? best : one, *failed = find_failed(device, precision);
    if (!shown && !failed)
        return false;
    cli_table_add(table, "%.0f", bench_number(json_object_get(device, "device"), "number"));
    cli_table_add(table, "%s", bench_platform(device));
    cli_table_add(table, "%s", precision);
    add_figures(table, one, "median_ms");
    add_interval(table, one);
    cli_table_add(table, "%s", cli_whole(bench_number(shown ? shown : failed, "batch")).text);
    add_figures(table, shown, "images_per_s");
    add_interval(table, shown);
    cli_table_add(table, "%s", cli_percent(bench_number(shown, "percent_of_limit")).text);
    cli_table_add(table, "%s",
                  shown ? bench_verdict(json_object_get(shown, "check"))
                        : bench_text(failed, "status"));
    return true;
}

static void add_device(struct cli_table *table, const json_t *device)
{
    bool any = false;
    for (size_t i = 0; bench_precisions[i]; i++)
        any = add_precision(table, device, bench_precisions[i]) || any;
    if (any)
        return;
    cli_table_add(table, "%.0f", bench_number(json_object_get(device, "device"), "number"));
    cli_table_add(table, "%s", bench_platform(device));
    for (size_t i = 2; i < DEVICES_COLUMNS - 1; i++)
        cli_table_add(table, "-");
    cli_table_add(table, "%s",
                  bench_is(device, "status", "ok") ? "no run" : bench_text(device, "status"));
}

void bench_hardware_table(const json_t *part, size_t piece, struct cli_table *out)
{
    size_t index;
    json_t *device;
    *out = (struct cli_table){COLUMNS(devices_columns), NULL, 0, 0};
    json_array_foreach(json_object_get(part, "devices"), index, device)
    {
        if (bench_number(device, "hardware") == (double)piece)
            add_device(out, device);
    }
}

/* A row that heads those of a piece of hardware has one cell that is not empty. */
static void add_headed(void *user, const json_t *part, const json_t *device, bool first)
{
    struct cli_table *table = user;
    for (size_t i = 0; first && i < DEVICES_COLUMNS; i++)
        cli_table_add(table, "%s",
                      i == 1 ? bench_hardware(part, (size_t)bench_number(device, "hardware")).text
                             : "");
    add_device(table, device);
}

void bench_devices_table(const json_t *document, struct cli_table *out)
{
    *out = (struct cli_table){COLUMNS(devices_columns), NULL, 0, 0};
    bench_each_device(document, add_headed, out);
}

/* --- layers --- */

static void add_layer(struct cli_table *table, const json_t *layer, enum bench_detail detail)
{
    const char *bound = bench_text(layer, "bound_by"), *algorithm = bench_text(layer, "algorithm");
    const char *parameters = bench_text(layer, "parameters");
    cli_table_add(table, "%s", bench_text(layer, "name"));
    if (detail != BENCH_PARAMETERS)
        cli_table_add(table, "%s", algorithm);
    add_figures(table, layer, "median_ms");
    add_interval(table, layer);
    if (detail == BENCH_EVERYTHING)
        add_range(table, layer);
    add_figures(table, layer, "gflops");
    add_figures(table, layer, "gb_per_s");
    cli_table_add(table, "%s", *bound ? bound : "-");
    cli_table_add(table, "%s", cli_percent(bench_number(layer, "percent_of_limit")).text);
    if (detail == BENCH_PARAMETERS)
        cli_table_add(table, "%s%s%s", algorithm, *parameters ? ": " : "", parameters);
    else if (detail == BENCH_EVERYTHING)
        cli_table_add(table, "%s", *parameters ? parameters : "-");
}

void bench_layers_table(const json_t *run, enum bench_detail detail, struct cli_table *out)
{
    static const struct cli_column times[] = {
        {"Layer", false, true},     {"Algorithm", false, true}, {"ms", true, false},
        {"+-", true, false},        {"GFLOP/s", true, false},   {"GB/s", true, false},
        {"Bound by", false, false}, {"Of limit", true, false},
    };
    static const struct cli_column with_parameters[] = {
        {"Layer", false, true},    {"ms", true, false},        {"+-", true, false},
        {"GFLOP/s", true, false},  {"GB/s", true, false},      {"Bound", false, false},
        {"Of limit", true, false}, {"Algorithm", false, true},
    };
    static const struct cli_column everything[] = {
        {"Layer", false, true},      {"Algorithm", false, true},  {"ms", true, false},
        {"+-", true, false},         {"10 to 90 %", true, false}, {"GFLOP/s", true, false},
        {"GB/s", true, false},       {"Bound by", false, false},  {"Of limit", true, false},
        {"Parameters", false, true},
    };
    static const struct cli_table empty[] = {
        [BENCH_TIMES] = {COLUMNS(times), NULL, 0, 0},
        [BENCH_PARAMETERS] = {COLUMNS(with_parameters), NULL, 0, 0},
        [BENCH_EVERYTHING] = {COLUMNS(everything), NULL, 0, 0},
    };
    const json_t *layers = json_object_get(run, "layers");
    *out = empty[detail];
    for (size_t i = 0; i < json_array_size(layers); i++)
        add_layer(out, json_array_get(layers, i), detail);
}

/* --- limits, checks, runs --- */

void bench_limits_table(const json_t *part, struct cli_table *out)
{
    static const struct cli_column columns[] = {
        {"#", true, false},    {"Device", false, true}, {"float32, GFLOP/s", true, false},
        {"half", true, false}, {"int8", true, false},   {"Read, GB/s", true, false},
        {"Send", true, false}, {"Fetch", true, false},  {"Launch, us", true, false},
    };
    size_t index;
    json_t *device;
    *out = (struct cli_table){COLUMNS(columns), NULL, 0, 0};
    json_array_foreach(json_object_get(part, "devices"), index, device)
    {
        const json_t *limits = json_object_get(device, "limits");
        const json_t *about = json_object_get(device, "device");
        if (!json_is_object(limits))
            continue;
        cli_table_add(out, "%.0f", bench_number(about, "number"));
        cli_table_add(out, "%s", bench_text(about, "name"));
        for (int i = 0; i < ALX_LIMIT_COUNT; i++) /* the columns are in this order */
            add_figures(out, limits, alx_limit_name((enum alx_limit)i));
    }
}

void bench_checks_table(const json_t *device, struct cli_table *out)
{
    static const struct cli_column columns[] = {
        {"Run", false, false},          {"Images", true, false}, {"Same class", true, false},
        {"Largest error", true, false}, {"Bound", true, false},  {"Error / bound", true, false},
        {"Results", false, false},
    };
    static const char *const counts[] = {"images", "top1_agree"};
    static const char *const errors[] = {"max_abs_error", "bound", "worst"};
    size_t index;
    json_t *run;
    *out = (struct cli_table){COLUMNS(columns), NULL, 0, 0};
    json_array_foreach(json_object_get(device, "runs"), index, run)
    {
        const json_t *check = json_object_get(run, "check");
        if (!json_is_object(check))
            continue;
        cli_table_add(out, "%s", bench_run_name(run).text);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            cli_table_add(out, "%s", cli_whole(bench_number(check, counts[i])).text);
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
            cli_table_add(out, "%s", cli_figures(bench_number(check, errors[i])).text);
        cli_table_add(out, "%s", bench_verdict(check));
    }
}

void bench_runs_table(const json_t *device, struct cli_table *out)
{
    static const struct cli_column columns[] = {
        {"Run", false, false},          {"ms", true, false},
        {"10 to 90 %", true, false},    {"+-", true, false},
        {"Samples", true, false},       {"Images/s", true, false},
        {"GFLOP/s", true, false},       {"Of limit", true, false},
        {"Build, ms", true, false},     {"Upload, ms", true, false},
        {"First run, ms", true, false}, {"J/image", true, false},
        {"Memory", true, false},
    };
    static const char *const keys[] = {"build_ms", "upload_ms", "first_run_ms", "joule_per_image"};
    size_t index;
    json_t *run;
    *out = (struct cli_table){COLUMNS(columns), NULL, 0, 0};
    json_array_foreach(json_object_get(device, "runs"), index, run)
    {
        double bytes = bench_number(run, "device_bytes");
        double median = bench_number(run, "median_ms");
        cli_table_add(out, "%s", bench_run_name(run).text);
        cli_table_add(out, "%s", cli_figures(median).text);
        add_range(out, run);
        add_interval(out, run);
        cli_table_add(out, "%s", cli_whole(bench_number(run, "samples")).text);
        cli_table_add(out, "%s", cli_figures(bench_number(run, "images_per_s")).text);
        cli_table_add(out, "%s", cli_figures(bench_number(run, "gflops")).text);
        cli_table_add(out, "%s", cli_percent(bench_number(run, "percent_of_limit")).text);
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            cli_table_add(out, "%s", cli_figures(bench_number(run, keys[i])).text);
        cli_table_add(out, "%s", bytes > 0 ? cli_bytes((uint64_t)bytes).text : "-");
    }
}

void bench_batches_table(const json_t *device, struct cli_table *out)
{
    static const struct cli_column columns[] = {
        {"Weights", false, false},
        {"Batch", true, false},
        {"Images/s", true, false},
        {"Why not", false, true},
    };
    size_t index;
    json_t *row;
    *out = (struct cli_table){COLUMNS(columns), NULL, 0, 0};
    json_array_foreach(json_object_get(device, "batches"), index, row)
    {
        cli_table_add(out, "%s", bench_text(row, "precision"));
        cli_table_add(out, "%.0f", bench_number(row, "batch"));
        cli_table_add(out, "%s", cli_figures(bench_number(row, "images_per_s")).text);
        cli_table_add(out, "%s", bench_text(row, "reason"));
    }
}
