#include "cli/bench_tables.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_report.h"

#define COLUMNS(of) (of), sizeof(of) / sizeof *(of)

const char *const bench_precisions[] = {"fp32", "fp16", "int8", NULL};

/* --- parts --- */

struct cli_line bench_driver(const json_t *device)
{
    static const char *const shorter[][2] = {{"Portable Computing Language", "PoCL"},
                                             {"AMD Accelerated Parallel Processing", "AMD APP"},
                                             {"Intel(R) OpenCL", "Intel OpenCL"}};
    struct cli_line line;
    const json_t *about = json_object_get(device, "device");
    const char *name = bench_text(about, "platform");
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (!strncmp(name, shorter[i][0], strlen(shorter[i][0])))
            name = shorter[i][1];
    snprintf(line.text, sizeof line.text, "%.150s %.80s", name, bench_text(about, "driver"));
    return line;
}

struct cli_line bench_run_name(const json_t *run)
{
    struct cli_line line;
    snprintf(line.text, sizeof line.text, "%s, batch %.0f", bench_text(run, "precision"),
             bench_number(run, "batch"));
    return line;
}

struct cli_line bench_host(const json_t *part)
{
    struct cli_line line;
    const json_t *host = json_object_get(part, "host");
    double cpus = bench_number(host, "logical_cpus");
    double bytes = bench_number(host, "memory_bytes");
    const char *cpu = bench_text(host, "cpu");
    size_t used = (size_t)snprintf(line.text, sizeof line.text, "%.100s",
                                   *cpu ? cpu : "a machine that says nothing of itself");
    if (cpus > 0 && cpus < 1e6)
        used += (size_t)snprintf(line.text + used, sizeof line.text - used, ", %.0f processor%s",
                                 cpus, cpus == 1 ? "" : "s");
    if (bytes > 0)
        used += (size_t)snprintf(line.text + used, sizeof line.text - used, ", %s",
                                 cli_bytes((uint64_t)bytes).text);
    if (*bench_text(host, "os"))
        snprintf(line.text + used, sizeof line.text - used, ", %.60s", bench_text(host, "os"));
    return line;
}

struct cli_line bench_reason(const json_t *device)
{
    struct cli_line line = {""};
    const char *phase = bench_text(device, "phase"), *reason = bench_text(device, "reason");
    if (!bench_is(device, "status", "ok"))
        snprintf(line.text, sizeof line.text, "%s%.60s%s%.180s", *phase ? "at " : "", phase,
                 *phase ? ": " : "", *reason ? reason : "no reason was given");
    return line;
}

const json_t *bench_find_run(const json_t *device, const char *precision, bool best)
{
    size_t index;
    json_t *run;
    json_array_foreach(json_object_get(device, "runs"), index, run)
    {
        bool wanted = best ? bench_true(run, "best") : bench_number(run, "batch") == 1;
        if (wanted && bench_is(run, "precision", precision) && bench_is(run, "status", "ok"))
            return run;
    }
    return NULL;
}

const json_t *bench_main_run(const json_t *device)
{
    const json_t *run = bench_find_run(device, "fp32", false);
    const json_t *runs = json_object_get(device, "runs");
    for (size_t i = 0; !run && i < json_array_size(runs); i++)
        if (bench_is(json_array_get(runs, i), "status", "ok"))
            run = json_array_get(runs, i);
    return run;
}

const char *bench_verdict(const json_t *check)
{
    double worst = bench_number(check, "worst"), images = bench_number(check, "images");
    if (!json_is_object(check))
        return "-";
    return worst <= 1 && bench_number(check, "top1_agree") == images ? "ok" : "WRONG";
}

void bench_each_device(const json_t *document, bench_device_fn *found, void *user)
{
    for (size_t i = 0; i < bench_part_count(document); i++) {
        const json_t *part = bench_part(document, i);
        size_t pieces = json_array_size(json_object_get(part, "hardware")), index;
        for (size_t piece = 0; piece < pieces; piece++) {
            bool first = true;
            json_t *device;
            json_array_foreach(json_object_get(part, "devices"), index, device)
            {
                if (bench_number(device, "hardware") != (double)piece)
                    continue;
                found(user, part, device, first);
                first = false;
            }
        }
    }
}

/* --- notes --- */

static void each_text(const json_t *array, const char *subject, bench_note_fn *found, void *user)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        found(user, subject, json_string_value(json_array_get(array, i)));
}

static void note_run(const json_t *device, const json_t *run, bench_note_fn *found, void *user)
{
    char subject[512];
    size_t index;
    json_t *layer;
    snprintf(subject, sizeof subject, "%s, %s",
             bench_text(json_object_get(device, "device"), "name"), bench_run_name(run).text);
    each_text(json_object_get(run, "notes"), subject, found, user);
    if (!bench_is(run, "status", "ok"))
        found(user, subject, bench_text(run, "reason"));
    else if (!bench_true(run, "steady"))
        found(user, subject, "the time did not become steady; take it as a rough one");
    json_array_foreach(json_object_get(run, "layers"), index, layer)
    {
        char text[512];
        snprintf(text, sizeof text, "%.60s has no time: %.300s", bench_text(layer, "name"),
                 bench_text(layer, "reason"));
        if (*bench_text(layer, "reason"))
            found(user, subject, text);
    }
}

/* A clock that is lower afterwards explains slow times. */
static void note_clock(const json_t *device, bench_note_fn *found, void *user)
{
    enum { NOTEWORTHY_PERCENT = 10 };
    char text[128];
    double before = bench_number(json_object_get(device, "before"), "clock_mhz");
    double after = bench_number(json_object_get(device, "after"), "clock_mhz");
    if (!(after < before * (100 - NOTEWORTHY_PERCENT) / 100))
        return;
    snprintf(text, sizeof text, "the processor's clock fell from %s to %s MHz meanwhile",
             cli_figures(before).text, cli_figures(after).text);
    found(user, bench_text(json_object_get(device, "device"), "name"), text);
}

void bench_each_note(const json_t *part, bench_note_fn *found, void *user)
{
    size_t i, j;
    json_t *device, *run;
    each_text(json_object_get(part, "notes"), "", found, user);
    json_array_foreach(json_object_get(part, "devices"), i, device)
    {
        each_text(json_object_get(device, "notes"),
                  bench_text(json_object_get(device, "device"), "name"), found, user);
        note_clock(device, found, user);
        json_array_foreach(json_object_get(device, "runs"), j, run)
            note_run(device, run, found, user);
    }
}

/* --- devices --- */

enum { DEVICES_COLUMNS = 9 };

static void add_cells(struct cli_table *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cli_table_add(table, "%s", "");
}

/* The two runs of a precision in one row; false when there is neither. */
static bool add_precision(struct cli_table *table, const json_t *device, const char *precision,
                          bool first)
{
    const json_t *one = bench_find_run(device, precision, false);
    const json_t *best = bench_find_run(device, precision, true);
    const json_t *surest = best ? best : one;
    if (!surest)
        return false;
    if (first) {
        cli_table_add(table, "%.0f", bench_number(json_object_get(device, "device"), "number"));
        cli_table_add(table, "%s", bench_driver(device).text);
    } else {
        add_cells(table, 2);
    }
    cli_table_add(table, "%s", precision);
    cli_table_add(table, "%s", cli_figures(bench_number(one, "median_ms")).text);
    cli_table_add(table, "%s", cli_whole(bench_number(surest, "batch")).text);
    cli_table_add(table, "%s", cli_figures(bench_number(surest, "images_per_s")).text);
    cli_table_add(table, "%s",
                  cli_percent(cli_half_width_percent(bench_number(surest, "ci_low_ms"),
                                                     bench_number(surest, "ci_high_ms"),
                                                     bench_number(surest, "median_ms")))
                      .text);
    cli_table_add(table, "%s", cli_percent(bench_number(surest, "percent_of_limit")).text);
    cli_table_add(table, "%s", bench_verdict(json_object_get(surest, "check")));
    return true;
}

static void add_device(void *user, const json_t *part, const json_t *device, bool first)
{
    struct cli_table *table = user;
    size_t piece = (size_t)bench_number(device, "hardware");
    const json_t *hardware = json_array_get(json_object_get(part, "hardware"), piece);
    bool any = false;
    if (first) {
        cli_table_add(table, "%s", "");
        cli_table_add(table, "%s (%s)", bench_text(hardware, "name"), bench_text(hardware, "type"));
        add_cells(table, DEVICES_COLUMNS - 2);
    }
    for (size_t i = 0; bench_precisions[i]; i++)
        any = add_precision(table, device, bench_precisions[i], !any) || any;
    if (any)
        return;
    cli_table_add(table, "%.0f", bench_number(json_object_get(device, "device"), "number"));
    cli_table_add(table, "%s", bench_driver(device).text);
    for (size_t i = 2; i < DEVICES_COLUMNS - 1; i++)
        cli_table_add(table, "-");
    cli_table_add(table, "%s",
                  bench_is(device, "status", "ok") ? "no run" : bench_text(device, "status"));
}

void bench_devices_table(const json_t *document, struct cli_table *out)
{
    static const struct cli_column columns[DEVICES_COLUMNS] = {
        {"", true, false},         {"Device and driver", false, true},
        {"Weights", false, false}, {"1 image, ms", true, false},
        {"Batch", true, false},    {"Images/s", true, false},
        {"Within", true, false},   {"Limit", true, false},
        {"Results", false, false},
    };
    *out = (struct cli_table){COLUMNS(columns), NULL, 0, 0};
    bench_each_device(document, add_device, out);
}

/* --- layers --- */

static void add_layer(struct cli_table *table, const json_t *layer, bool full)
{
    static const char *const numbers[] = {"gflops", "gb_per_s"};
    double median = bench_number(layer, "median_ms");
    double p10 = bench_number(layer, "p10_ms"), p90 = bench_number(layer, "p90_ms");
    const char *bound = bench_text(layer, "bound_by");
    const char *parameters = bench_text(layer, "parameters");
    cli_table_add(table, "%s", bench_text(layer, "name"));
    cli_table_add(table, "%s", bench_text(layer, "algorithm"));
    if (full)
        cli_table_add(table, "%s", *parameters ? parameters : "-");
    cli_table_add(table, "%s", cli_figures(median).text);
    if (full)
        cli_table_add(table, "%s to %s", cli_figures(p10).text, cli_figures(p90).text);
    else
        cli_table_add(table, "%s", cli_percent(cli_half_width_percent(p10, p90, median)).text);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cli_table_add(table, "%s", cli_figures(bench_number(layer, numbers[i])).text);
    cli_table_add(table, "%s", *bound ? bound : "-");
    cli_table_add(table, "%s", cli_percent(bench_number(layer, "percent_of_limit")).text);
}

void bench_layers_table(const json_t *run, bool full, struct cli_table *out)
{
    static const struct cli_column columns[] = {
        {"Layer", false, true},     {"Algorithm", false, true}, {"ms", true, false},
        {"Spread", true, false},    {"GFLOP/s", true, false},   {"GB/s", true, false},
        {"Bound by", false, false}, {"Limit", true, false},
    };
    static const struct cli_column all[] = {
        {"Layer", false, true}, {"Algorithm", false, true},  {"Parameters", false, true},
        {"ms", true, false},    {"10 to 90 %", true, false}, {"GFLOP/s", true, false},
        {"GB/s", true, false},  {"Bound by", false, false},  {"Limit", true, false},
    };
    const json_t *layers = json_object_get(run, "layers");
    *out = full ? (struct cli_table){COLUMNS(all), NULL, 0, 0}
                : (struct cli_table){COLUMNS(columns), NULL, 0, 0};
    for (size_t i = 0; i < json_array_size(layers); i++)
        add_layer(out, json_array_get(layers, i), full);
}

/* --- limits, checks, runs --- */

void bench_limits_table(const json_t *part, struct cli_table *out)
{
    static const struct cli_column columns[] = {
        {"", true, false},     {"Device", false, true}, {"float32, GFLOP/s", true, false},
        {"half", true, false}, {"int8", true, false},   {"Read, GB/s", true, false},
        {"Send", true, false}, {"Fetch", true, false},  {"Launch, us", true, false},
    };
    static const char *const keys[] = {"fma_gflops",    "fma_half_gflops",  "dot_int8_gops",
                                       "read_gb_per_s", "copy_to_gb_per_s", "copy_from_gb_per_s",
                                       "launch_us"};
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
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            cli_table_add(out, "%s", cli_figures(bench_number(limits, keys[i])).text);
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
        {"10 to 90 %", true, false},    {"Within", true, false},
        {"Samples", true, false},       {"Images/s", true, false},
        {"GFLOP/s", true, false},       {"Limit", true, false},
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
        cli_table_add(out, "%s to %s", cli_figures(bench_number(run, "p10_ms")).text,
                      cli_figures(bench_number(run, "p90_ms")).text);
        cli_table_add(out, "%s",
                      cli_percent(cli_half_width_percent(bench_number(run, "ci_low_ms"),
                                                         bench_number(run, "ci_high_ms"), median))
                          .text);
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
