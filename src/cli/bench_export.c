/*
 * Results for other programs: CSV (RFC 4180), Markdown tables, Chrome's trace format.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/json.h"
#include "util/error.h"
#include "util/file.h"
#include "util/text.h"

/* --- CSV --- */

/* A quoted field; a text that a spreadsheet would take for a formula loses its power. */
static void print_field(const char *text, bool last)
{
    bool formula = *text && strchr("=+-@", *text);
    putchar('"');
    if (formula)
        putchar('\'');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    fputs(last ? "\"\r\n" : "\",", stdout);
}

/* A number; nothing where it is not known. */
static void print_value(const json_t *object, const char *key, bool last)
{
    double value = bench_number(object, key);
    if (!isnan(value))
        printf("%.9g", value);
    fputs(last ? "\r\n" : ",", stdout);
}

static const char *const of_both[] = {"samples", "median_ms", "p10_ms",
                                      "p90_ms",  "ci_low_ms", "ci_high_ms",
                                      "gflops",  "limit_ms",  "percent_of_limit"};

/* A line for a run, or for a layer of it. */
static void print_line(const json_t *document, const json_t *row, const json_t *run,
                       const json_t *layer)
{
    const json_t *device = json_object_get(row, "device"), *timed = layer ? layer : run;
    const json_t *hardware =
        json_array_get(bench_array(document, "hardware"), (size_t)bench_number(row, "hardware"));
    const json_t *state = run ? run : row;
    print_field(bench_text(hardware, "name"), false);
    print_value(device, "number", false);
    print_field(bench_text(device, "platform"), false);
    print_field(bench_text(device, "name"), false);
    print_field(bench_text(device, "driver"), false);
    print_field(bench_text(state, "status"), false);
    print_field(bench_text(run, "precision"), false);
    print_value(run, "batch", false);
    print_field(bench_text(layer, "name"), false);
    print_field(bench_text(layer, "algorithm"), false);
    print_field(bench_text(layer, "parameters"), false);
    for (size_t i = 0; i < sizeof of_both / sizeof *of_both; i++)
        print_value(timed, of_both[i], false);
    print_value(layer, "gb_per_s", false);
    print_field(bench_text(layer, "bound_by"), false);
    print_value(layer ? NULL : run, "images_per_s", false);
    print_value(layer ? NULL : run, "first_run_ms", false);
    print_field(bench_text(layer ? layer : state, "reason"), true);
}

void bench_print_csv(const json_t *document)
{
    const json_t *row, *run, *layer;
    size_t i, j, k;
    fputs("hardware,device,platform,name,driver,status,precision,batch,layer,algorithm,parameters,",
          stdout);
    for (i = 0; i < sizeof of_both / sizeof *of_both; i++)
        printf("%s,", of_both[i]);
    fputs("gb_per_s,bound_by,images_per_s,first_run_ms,reason\r\n", stdout);
    json_array_foreach(bench_array(document, "devices"), i, row)
    {
        if (!json_array_size(bench_array(row, "runs")))
            print_line(document, row, NULL, NULL);
        json_array_foreach(bench_array(row, "runs"), j, run)
        {
            print_line(document, row, run, NULL);
            json_array_foreach(bench_array(run, "layers"), k, layer)
                print_line(document, row, run, layer);
        }
    }
}

/* --- Markdown --- */

/* Text whose signs a reader of Markdown would take for its own. */
static void print_words(const char *text)
{
    for (; *text; text++) {
        if (strchr("\\|*_`<[", *text))
            putchar('\\');
        putchar(*text);
    }
    fputs(" | ", stdout);
}

static void print_cell(double value, const char *unit)
{
    if (isnan(value))
        fputs("- | ", stdout);
    else
        printf(value < 1000 ? "%.4g%s | " : "%.0f%s | ", value, unit);
}

static void print_run(const json_t *document, const json_t *row, const json_t *run)
{
    const json_t *device = json_object_get(row, "device");
    const json_t *hardware =
        json_array_get(bench_array(document, "hardware"), (size_t)bench_number(row, "hardware"));
    const char *reason = bench_text(run ? run : row, "reason");
    fputs("| ", stdout);
    print_words(bench_text(hardware, "name"));
    printf("%.0f | ", bench_number(device, "number"));
    print_words(bench_text(device, "platform"));
    print_words(bench_text(run, "precision"));
    print_cell(bench_number(run, "batch"), "");
    print_cell(bench_number(run, "median_ms"), "");
    print_cell(100 * bench_spread(run), " %");
    print_cell(bench_number(run, "images_per_s"), "");
    print_cell(bench_number(run, "percent_of_limit"), " %");
    fputs(bench_text(run ? run : row, "status"), stdout);
    fputs(*reason ? ": " : "", stdout);
    print_words(reason);
    putchar('\n');
}

static void print_layers(const json_t *row, const json_t *run)
{
    const json_t *layer, *device = json_object_get(row, "device");
    size_t i;
    if (!json_array_size(bench_array(run, "layers")))
        return;
    printf("\nLayers on device %.0f, %s, batch %.0f:\n\n"
           "| Layer | Algorithm | ms | +- | GFLOP/s | GB/s | Bound by | Of limit |\n"
           "|---|---|--:|--:|--:|--:|---|--:|\n",
           bench_number(device, "number"), bench_text(run, "precision"),
           bench_number(run, "batch"));
    json_array_foreach(bench_array(run, "layers"), i, layer)
    {
        fputs("| ", stdout);
        print_words(bench_text(layer, "name"));
        print_words(bench_text(layer, "algorithm"));
        print_cell(bench_number(layer, "median_ms"), "");
        print_cell(100 * bench_spread(layer), " %");
        print_cell(bench_number(layer, "gflops"), "");
        print_cell(bench_number(layer, "gb_per_s"), "");
        print_words(bench_text(layer, "bound_by"));
        print_cell(bench_number(layer, "percent_of_limit"), " %");
        putchar('\n');
    }
}

void bench_print_markdown(const json_t *document)
{
    const json_t *row, *run;
    size_t i, j;
    printf("| Hardware | # | Driver | Weights | Batch | ms | +- | images/s | Of limit | Results |\n"
           "|---|--:|---|---|--:|--:|--:|--:|--:|---|\n");
    json_array_foreach(bench_array(document, "devices"), i, row)
    {
        if (!json_array_size(bench_array(row, "runs")))
            print_run(document, row, NULL);
        json_array_foreach(bench_array(row, "runs"), j, run) print_run(document, row, run);
    }
    json_array_foreach(bench_array(document, "devices"), i, row)
        json_array_foreach(bench_array(row, "runs"), j, run) print_layers(row, run);
}

/* --- traces --- */

static void add_process(json_t *events, const struct bench *bench, json_int_t number)
{
    for (size_t i = 0; i < bench->info_count; i++)
        if (bench->infos[i].number == (size_t)number)
            json_array_append_new(events, json_pack("{sssssIsis{so}}", "name", "process_name", "ph",
                                                    "M", "pid", number, "tid", 1, "args", "name",
                                                    cli_json_text(bench->infos[i].name)));
}

/* "X" events have a start and a duration, in microseconds. */
enum alx_status bench_write_trace(const struct bench *bench, const char *path)
{
    json_t *document = json_object(), *events = json_array();
    const json_t *device, *event;
    size_t i, j;
    cli_json_set(document, "traceEvents", events);
    cli_json_set(document, "displayTimeUnit", json_string("ms"));
    json_array_foreach(bench->trace, i, device)
    {
        json_int_t number = json_integer_value(json_object_get(device, "number"));
        add_process(events, bench, number);
        json_array_foreach(bench_array(device, "events"), j, event) json_array_append_new(
            events, json_pack("{sOsssssOsOsIsis{sO}}", "name", json_object_get(event, "name"),
                              "cat", "layer", "ph", "X", "ts", json_object_get(event, "start_us"),
                              "dur", json_object_get(event, "duration_us"), "pid", number, "tid", 1,
                              "args", "algorithm", json_object_get(event, "algorithm")));
    }
    char *text = json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    const struct alx_bytes pieces[] = {{text, strlen(text)}, {"\n", 1}};
    enum alx_status status = alx_file_write(path, pieces, 2);
    free(text);
    json_decref(document);
    return status;
}
