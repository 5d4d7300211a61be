/*
 * What follows from the times: rates, and the roofline of each layer (Williams, Waterman and
 * Patterson, CACM 52, 2009), whose roofs are the limits measured on the same device in the same
 * run.
 */
#include <math.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/json.h"
#include "util/error.h"
#include "util/memory.h"

/* The roofs: 10^9 operations and 10^9 bytes a second. Sums are float32 at every precision. */
struct roofs {
    double gflops, gb_per_s;
};

/* A limit is the best of its samples; of times it is the median. */
static double limit_of(const json_t *samples, enum alx_limit limit)
{
    enum { MOST = 64 };
    const json_t *value, *list = bench_array(samples, alx_limit_name(limit));
    double values[MOST], best = NAN;
    struct alx_statistics s;
    size_t i, count = 0;
    json_array_foreach(list, i, value)
    {
        best = fmax(best, json_number_value(value));
        if (count < MOST)
            values[count++] = json_number_value(value);
    }
    if (limit == ALX_LIMIT_LAUNCH && alx_statistics_of(values, count, &s) == ALX_STATUS_OK)
        return s.median;
    return best;
}

static struct roofs finish_limits(json_t *limits)
{
    for (int i = 0; i < ALX_LIMIT_COUNT && limits; i++) {
        double value = limit_of(json_object_get(limits, "samples"), (enum alx_limit)i);
        cli_json_set(limits, alx_limit_name((enum alx_limit)i), cli_json_number(value));
    }
    return (struct roofs){bench_number(limits, alx_limit_name(ALX_LIMIT_FMA)),
                          bench_number(limits, alx_limit_name(ALX_LIMIT_READ))};
}

/* Returns the layer's limit in ms. */
static double finish_layer(json_t *layer, struct roofs roofs)
{
    double macs = bench_number(layer, "macs"), bytes = bench_number(layer, "moved_bytes");
    double ms = bench_number(layer, "median_ms");
    double compute_ms = 2 * macs / roofs.gflops / 1e6, memory_ms = bytes / roofs.gb_per_s / 1e6;
    double limit_ms = compute_ms > memory_ms ? compute_ms : memory_ms;
    cli_json_set(layer, "gflops", cli_json_number(macs > 0 ? 2 * macs / ms / 1e6 : NAN));
    cli_json_set(layer, "gb_per_s", cli_json_number(bytes / ms / 1e6));
    cli_json_set(layer, "limit_ms", cli_json_number(limit_ms));
    cli_json_set(layer, "bound_by",
                 isnan(limit_ms) ? json_null()
                                 : json_string(compute_ms > memory_ms ? "compute" : "memory"));
    cli_json_set(layer, "percent_of_limit", cli_json_number(100 * limit_ms / ms));
    return limit_ms;
}

static void finish_run(json_t *run, struct roofs roofs, double image_macs)
{
    json_t *layer, *layers = json_object_get(run, "layers");
    double ms = bench_number(run, "median_ms"), batch = bench_number(run, "batch");
    double limit_ms = json_array_size(layers) ? 0 : NAN;
    size_t i;
    json_array_foreach(layers, i, layer) limit_ms += finish_layer(layer, roofs);
    cli_json_set(run, "images_per_s", cli_json_number(batch * 1000 / ms));
    cli_json_set(run, "gflops", cli_json_number(2 * image_macs * batch / ms / 1e6));
    cli_json_set(run, "limit_ms", cli_json_number(limit_ms));
    cli_json_set(run, "percent_of_limit", cli_json_number(100 * limit_ms / ms));
}

/* The sum and the worst of all runs. */
static json_t *all_checks(const json_t *row)
{
    static const char *const counts[] = {"images", "top1_agree"};
    json_t *sum = NULL, *run;
    size_t i;
    json_array_foreach(json_object_get(row, "runs"), i, run)
    {
        const json_t *check = json_object_get(run, "check");
        if (!json_is_object(check))
            continue;
        if (!sum) {
            sum = json_deep_copy(check);
            continue;
        }
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++)
            cli_json_set(sum, counts[j],
                         json_integer(json_integer_value(json_object_get(sum, counts[j])) +
                                      json_integer_value(json_object_get(check, counts[j]))));
        double worst = bench_number(check, "worst"), so_far = bench_number(sum, "worst");
        double error = bench_number(check, "max_abs_error");
        double largest = bench_number(sum, "max_abs_error");
        if (!(worst <= so_far) && !isnan(so_far)) {
            cli_json_set(sum, "worst", cli_json_number(worst));
            cli_json_set(sum, "bound", cli_json_number(bench_number(check, "bound")));
        }
        if (!(error <= largest) && !isnan(largest))
            cli_json_set(sum, "max_abs_error", cli_json_number(error));
    }
    return sum ? sum : json_null();
}

/* What the system told while a device was measured. */
static void note_conditions(json_t *row)
{
    const double slow = 0.75; /* of the clock before */
    json_t *notes = json_object_get(row, "notes");
    const json_t *before = json_object_get(row, "before"), *after = json_object_get(row, "after");
    double was = bench_number(before, "clock_mhz"), is = bench_number(after, "clock_mhz");
    if (bench_number(after, "throttled") > bench_number(before, "throttled"))
        json_array_append_new(notes, json_string("heat lowered the processor's clock meanwhile"));
    else if (is < slow * was)
        json_array_append_new(
            notes, json_sprintf("the processor's clock fell from %.0f to %.0f MHz", was, is));
}

void bench_document_finish(struct bench *bench)
{
    double macs = bench_number(json_object_get(bench->document, "network"), "macs");
    json_t *row, *run;
    size_t i, j;
    json_array_foreach(bench->rows, i, row)
    {
        struct roofs roofs = finish_limits(
            json_is_object(json_object_get(row, "limits")) ? json_object_get(row, "limits") : NULL);
        json_array_foreach(json_object_get(row, "runs"), j, run) finish_run(run, roofs, macs);
        cli_json_set(row, "check", all_checks(row));
        note_conditions(row);
    }
}

int bench_document_code(const struct bench *bench)
{
    const json_t *row, *run;
    size_t i, j, failed = 0, good = 0;
    json_array_foreach(bench->rows, i, row)
    {
        failed += bench_is(row, "status", "failed");
        json_array_foreach(bench_array(row, "runs"), j, run) good += bench_is(run, "status", "ok");
    }
    return !failed ? EXIT_ALL_DONE : good ? EXIT_SOME_FAILED : EXIT_DEVICE;
}
