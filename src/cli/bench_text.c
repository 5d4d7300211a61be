/*
 * What bench prints on a terminal: for each piece of hardware a row for each driver and precision;
 * then the layers of each device.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"

enum { WIDTH = 80 };

/* --- a piece of hardware --- */

static void print_note(void *user, const char *subject, const char *note)
{
    const double *number = user;
    cli_print_line(STYLE_DIM, "%.0f%s%s: %s", *number, *subject ? " " : "", subject, note);
}

/* What stands below the table: reasons, limits, doubts. */
static void print_remarks(const json_t *device)
{
    const json_t *limits = json_object_get(device, "limits");
    double number = bench_number(json_object_get(device, "device"), "number");
    bool failed = bench_is(device, "status", "failed");
    if (!bench_is(device, "status", "ok"))
        cli_print_line(failed ? STYLE_BAD : STYLE_DIM, "%.0f %s", number,
                       bench_reason(device).text);
    if (bench_number(limits, "fma_gflops") > 0)
        cli_print_line(
            STYLE_DIM,
            "%.0f can do %s GFLOP/s and read %s GB/s; copies %s GB/s to it, %s from it; a "
            "launch takes %s us",
            number, cli_figures(bench_number(limits, "fma_gflops")).text,
            cli_figures(bench_number(limits, "read_gb_per_s")).text,
            cli_figures(bench_number(limits, "copy_to_gb_per_s")).text,
            cli_figures(bench_number(limits, "copy_from_gb_per_s")).text,
            cli_figures(bench_number(limits, "launch_us")).text);
    bench_each_device_note(device, print_note, &number);
}

static void print_hardware(const json_t *part, size_t piece)
{
    struct cli_table table;
    size_t index;
    json_t *device;
    cli_print_line(STYLE_BOLD, "%s", bench_hardware(part, piece).text);
    bench_hardware_table(part, piece, &table);
    cli_table_print(&table);
    json_array_foreach(json_object_get(part, "devices"), index, device)
    {
        if (bench_number(device, "hardware") == (double)piece)
            print_remarks(device);
    }
    putchar('\n');
}

/* --- layers --- */

static void print_layers(const json_t *device, const json_t *run, enum bench_detail detail)
{
    struct cli_table table;
    const json_t *about = json_object_get(device, "device");
    bench_layers_table(run, detail, &table);
    if (!table.cell_count)
        return;
    cli_print_line(STYLE_BOLD, "Layers on device %.0f (%s), %s, batch %.0f",
                   bench_number(about, "number"), bench_platform(device),
                   bench_text(run, "precision"), bench_number(run, "batch"));
    cli_table_print(&table);
    putchar('\n');
}

/* The layers of the main run, or of all. */
static void print_device_layers(void *user, const json_t *part, const json_t *device, bool first)
{
    const size_t *verbose = user;
    const json_t *runs = json_object_get(device, "runs"), *main_run = bench_main_run(device);
    (void)part, (void)first;
    for (size_t i = 0; i < json_array_size(runs); i++)
        if (*verbose > 1 || json_array_get(runs, i) == main_run)
            print_layers(device, json_array_get(runs, i),
                         *verbose > 1 ? BENCH_PARAMETERS : BENCH_TIMES);
}

/* --- the whole --- */

static void print_part(const json_t *part, size_t verbose)
{
    const json_t *network = json_object_get(part, "network");
    const json_t *model = json_object_get(part, "model"), *notes = json_object_get(part, "notes");
    const char *separator = cli_separator();
    bool random = bench_is(model, "format", "random");
    cli_print_line(STYLE_BOLD, "%s%s%s%s%s%s MACs an image", bench_text(network, "name"), separator,
                   random ? "random" : bench_text(model, "name"), random ? " weights" : "",
                   separator, cli_whole(bench_number(network, "macs")).text);
    cli_print_line(STYLE_DIM, "%s%s%s%salexnet-cl %s", bench_host(part).text, separator,
                   bench_text(part, "time"), separator, bench_text(part, "version"));
    for (size_t i = 0; i < json_array_size(notes); i++)
        cli_print_line(STYLE_BAD, "Note: %s", json_string_value(json_array_get(notes, i)));
    putchar('\n');
    for (size_t i = 0; i < json_array_size(json_object_get(part, "hardware")); i++)
        print_hardware(part, i);
    if (verbose)
        bench_each_device(part, print_device_layers, &verbose);
}

void bench_print(const json_t *document, size_t verbose)
{
    const json_t *settings = json_object_get(bench_part(document, 0), "settings");
    cli_output_set_width(WIDTH);
    for (size_t i = 0; i < bench_part_count(document); i++)
        print_part(bench_part(document, i), verbose);
    if (!verbose)
        return;
    cli_print_line(
        STYLE_DIM,
        "ms: median of a run of one image, by the wall clock, copies included; +-: half "
        "the 95 %% confidence interval; batch, images/s: the fastest. Of limit: of what "
        "the roofline of the measured limits allows; above 100 %% multiplications were saved "
        "(Winograd) or caches helped. Layers are timed by the device, with profiling. Up to %s s a "
        "measurement; --json keeps all samples, --html draws them.",
        cli_figures(bench_number(settings, "time_ms") / 1000).text);
}
