/*
 * Comma-separated values (RFC 4180): one row for each run and each of its layers, and one for a
 * device that has none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"
#include "cli/message.h"
#include "util/text.h"

/* Where a column's value is found. */
enum source { PART, HOST, ABOUT, DEVICE, STATE, RUN, RUN_ALONE, LAYER_OR_RUN, LAYER, NEAREST };

static const struct {
    const char *title, *key;
    enum source source;
} columns[] = {
    {"host", "fingerprint", HOST},
    {"cpu", "cpu", HOST},
    {"time", "time", PART},
    {"version", "version", PART},
    {"number", "number", ABOUT},
    {"device", "name", ABOUT},
    {"type", "type", ABOUT},
    {"platform", "platform", ABOUT},
    {"driver", "driver", ABOUT},
    {"left_out", "left_out", DEVICE},
    {"status", "status", STATE},
    {"precision", "precision", RUN},
    {"batch", "batch", RUN},
    {"best", "best", RUN},
    {"layer", "name", LAYER},
    {"algorithm", "algorithm", LAYER},
    {"parameters", "parameters", LAYER},
    {"samples", "samples", LAYER_OR_RUN},
    {"median_ms", "median_ms", LAYER_OR_RUN},
    {"p10_ms", "p10_ms", LAYER_OR_RUN},
    {"p90_ms", "p90_ms", LAYER_OR_RUN},
    {"ci_low_ms", "ci_low_ms", LAYER_OR_RUN},
    {"ci_high_ms", "ci_high_ms", LAYER_OR_RUN},
    {"images_per_s", "images_per_s", RUN_ALONE},
    {"gflops", "gflops", LAYER_OR_RUN},
    {"gb_per_s", "gb_per_s", LAYER},
    {"limit_ms", "limit_ms", LAYER_OR_RUN},
    {"percent_of_limit", "percent_of_limit", LAYER_OR_RUN},
    {"bound_by", "bound_by", LAYER},
    {"build_ms", "build_ms", RUN_ALONE},
    {"upload_ms", "upload_ms", RUN_ALONE},
    {"first_run_ms", "first_run_ms", RUN_ALONE},
    {"joule_per_image", "joule_per_image", RUN_ALONE},
    {"reason", "reason", NEAREST},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* A text that a spreadsheet would take for a formula gets an apostrophe in front. */
static void add_quoted(struct alx_text *csv, const char *text)
{
    char *clean = cli_copy(text);
    alx_text_clean(clean);
    bool formula = *clean && strchr("=+-@", *clean);
    bool quoted = formula || strpbrk(clean, "\",\n");
    alx_text_add(csv, "%s%s", quoted ? "\"" : "", formula ? "'" : "");
    for (const char *c = clean; *c; c++)
        alx_text_add(csv, "%s%c", *c == '"' ? "\"" : "", *c);
    alx_text_add(csv, "%s", quoted ? "\"" : "");
    free(clean);
}

static void add_list(struct alx_text *csv, const json_t *texts)
{
    struct alx_text list = {0};
    bench_add_joined(&list, texts, "; ");
    add_quoted(csv, alx_text_get(&list));
    alx_text_free(&list);
}

static void add_value(struct alx_text *csv, const json_t *value)
{
    if (json_is_string(value))
        add_quoted(csv, json_string_value(value));
    else if (json_is_boolean(value))
        alx_text_add(csv, json_is_true(value) ? "true" : "false");
    else if (json_is_integer(value))
        alx_text_add(csv, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        alx_text_add(csv, "%.9g", json_real_value(value));
    else if (json_is_array(value))
        add_list(csv, value);
}

static void add_row(struct alx_text *csv, const json_t *part, const json_t *device,
                    const json_t *run, const json_t *layer)
{
    const json_t *const sources[] = {
        [PART] = part,
        [HOST] = json_object_get(part, "host"),
        [ABOUT] = json_object_get(device, "device"),
        [DEVICE] = device,
        [STATE] = run ? run : device,
        [RUN] = run,
        [RUN_ALONE] = layer ? NULL : run,
        [LAYER_OR_RUN] = layer ? layer : run,
        [LAYER] = layer,
        [NEAREST] = layer ? layer
                    : run ? run
                          : device,
    };
    for (size_t i = 0; i < COLUMNS; i++) {
        alx_text_add(csv, "%s", i ? "," : "");
        add_value(csv, json_object_get(sources[columns[i].source], columns[i].key));
    }
    alx_text_add(csv, "\n");
}

static void add_device(void *user, const json_t *part, const json_t *device, bool first)
{
    struct alx_text *csv = user;
    size_t i, j;
    json_t *run, *layer;
    (void)first;
    if (!json_array_size(json_object_get(device, "runs")))
        add_row(csv, part, device, NULL, NULL);
    json_array_foreach(json_object_get(device, "runs"), i, run)
    {
        add_row(csv, part, device, run, NULL);
        json_array_foreach(json_object_get(run, "layers"), j, layer)
            add_row(csv, part, device, run, layer);
    }
}

char *bench_csv(const json_t *document)
{
    struct alx_text csv = {0};
    for (size_t i = 0; i < COLUMNS; i++)
        alx_text_add(&csv, "%s%s", i ? "," : "", columns[i].title);
    alx_text_add(&csv, "\n");
    bench_each_device(document, add_device, &csv);
    return cli_text_take(&csv);
}
