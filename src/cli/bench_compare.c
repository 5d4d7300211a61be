/*
 * Two measurements of one machine: what became faster or slower beyond noise.
 *
 * A verdict needs the confidence intervals of both medians, from the raw samples, to be apart. That
 * of independent samples is too narrow where a machine is slow for a while and many samples share
 * it. So a long run is also cut into blocks: their medians show how the time wanders, and the
 * interval is widened to hold the middle 80 % of them.
 *
 * What disturbs a whole run moves its median, too, but rarely all of its samples: load adds time,
 * and takes none away. So the quickest samples must have changed as well.
 */
#include <alexnet_cl/measure.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"
#include "cli/json.h"
#include "util/error.h"

enum { BLOCKS = 8, LEAST_IN_BLOCK = 6 };
/* Changes that nobody would act upon are no verdict, however sure. */
static const double least_change_percent = 1;
/* A layer below this part of its run is told, but makes no regression. */
static const double least_part = 0.01;

struct interval {
    size_t samples;
    double median, low, high; /* NAN where there are too few samples */
    double quick;             /* one sample in a hundred is shorter */
};

static bool agree(const json_t *a, const json_t *b, const char *const *keys)
{
    for (size_t i = 0; keys[i]; i++)
        if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
            return false;
    return true;
}

/* --- intervals --- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum alx_status interval_of(const json_t *timed, struct interval *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics all, block;
    double medians[BLOCKS];
    size_t count = 0;
    double *samples = bench_samples(json_object_get(timed, "samples_ms"), &count);
    ALX_TRY(alx_statistics_of(samples, count, &all));
    *out = (struct interval){all.count, all.median, all.low, all.high, NAN};
    for (size_t i = 0; i < BLOCKS && count >= BLOCKS * LEAST_IN_BLOCK; i++) {
        size_t from = i * count / BLOCKS, to = (i + 1) * count / BLOCKS;
        ALX_TRY(alx_statistics_of(samples + from, to - from, &block));
        medians[i] = block.median;
    }
    if (count >= BLOCKS * LEAST_IN_BLOCK) {
        ALX_TRY(alx_statistics_of(medians, BLOCKS, &block));
        out->low = fmin(out->low, block.p10);
        out->high = fmax(out->high, block.p90);
    }
    qsort(samples, count, sizeof *samples, by_value); /* their order is not needed any more */
    if (count)
        out->quick = samples[count / 100];
error:
    free(samples);
    return status;
}

static json_t *interval_json(const json_t *timed, const struct interval *interval)
{
    json_t *object = json_object();
    const char *algorithm = bench_text(timed, "algorithm");
    cli_json_set(object, "median_ms", cli_json_number(interval->median));
    cli_json_set(object, "low_ms", cli_json_number(interval->low));
    cli_json_set(object, "high_ms", cli_json_number(interval->high));
    cli_json_set(object, "quick_ms", cli_json_number(interval->quick));
    cli_json_set(object, "samples", cli_json_count(interval->samples));
    cli_json_set(object, "algorithm", cli_json_text(algorithm));
    return object;
}

static double percent_of(double old, double new)
{
    return 100 * (new / old - 1);
}

/* Ambiguous: the intervals meet, but not so that one could say they are the same; or they are
 * apart, but the quickest samples are not. */
static const char *verdict_of(const struct interval *old, const struct interval *new)
{
    double change = percent_of(old->median, new->median);
    double quick = percent_of(old->quick, new->quick);
    if (isnan(old->low) || isnan(new->low) || isnan(change))
        return "ambiguous";
    if (fabs(change) < least_change_percent)
        return "same";
    if (new->low > old->high)
        return quick >= least_change_percent ? "slower" : "ambiguous";
    if (new->high < old->low)
        return quick <= -least_change_percent ? "faster" : "ambiguous";
    bool meet = old->low <= new->median &&new->median <= old->high &&new->low <= old->median &&
                old->median <= new->high;
    return meet ? "same" : "ambiguous";
}

/* --- rows --- */

static json_t *row_of(const char *verdict, const char *reason, bool regression)
{
    json_t *row = json_object();
    cli_json_set(row, "verdict", cli_json_text(verdict));
    cli_json_set(row, "reason", cli_json_text(reason));
    cli_json_set(row, "change_percent", json_null());
    cli_json_set(row, "regression", json_boolean(regression));
    cli_json_set(row, "old", json_null());
    cli_json_set(row, "new", json_null());
    return row;
}

/* Compares what has samples: a run or a layer. `counts`: whether slower is a regression. */
static enum alx_status compare_times(const json_t *old, const json_t *new, double threshold,
                                     bool counts, json_t **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct interval before, after;
    ALX_TRY(interval_of(old, &before));
    ALX_TRY(interval_of(new, &after));
    const char *verdict = verdict_of(&before, &after);
    double change = percent_of(before.median, after.median);
    double sure = fmin(change, percent_of(before.quick, after.quick));
    bool regression = counts && !strcmp(verdict, "slower") && sure > threshold;
    bool few = isnan(before.low) || isnan(after.low);
    *out = row_of(verdict, few ? "too few samples" : "", regression);
    cli_json_set(*out, "change_percent", cli_json_number(change));
    cli_json_set(*out, "old", interval_json(old, &before));
    cli_json_set(*out, "new", interval_json(new, &after));
error:
    return status;
}

/* The member of `array` that agrees with `wanted`; NULL when there is none. Borrowed. */
static const json_t *find(const json_t *array, const json_t *wanted, const char *const *keys)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (agree(json_array_get(array, i), wanted, keys))
            return json_array_get(array, i);
    return NULL;
}

static enum alx_status compare_layers(const json_t *old, const json_t *new, double threshold,
                                      json_t *rows)
{
    static const char *const keys[] = {"name", NULL};
    enum alx_status status = ALX_STATUS_OK;
    const json_t *layers = json_object_get(new, "layers"), *before = json_object_get(old, "layers");
    double whole = bench_number(new, "median_ms");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i), *same = find(before, layer, keys);
        bool counts = bench_number(layer, "median_ms") >= least_part * whole;
        json_t *row = NULL;
        if (same)
            ALX_TRY(compare_times(same, layer, threshold, counts, &row));
        else
            row = row_of("", "not in the old document", false);
        cli_json_set(row, "name", json_incref(json_object_get(layer, "name")));
        json_array_append_new(rows, row);
    }
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *layer = json_array_get(before, i);
        if (find(layers, layer, keys))
            continue;
        json_t *row = row_of("", "not in the new document", false);
        cli_json_set(row, "name", json_incref(json_object_get(layer, "name")));
        json_array_append_new(rows, row);
    }
error:
    return status;
}

/* `old` or `new` is NULL when it is in one document alone. */
static enum alx_status compare_runs(const json_t *old, const json_t *new, double threshold,
                                    json_t *rows)
{
    enum alx_status status = ALX_STATUS_OK;
    const json_t *either = new ? new : old;
    json_t *row = NULL, *layers = json_array();
    bool was = bench_is(old, "status", "ok"), is = bench_is(new, "status", "ok");
    if (was && is) {
        ALX_TRY(compare_times(old, new, threshold, true, &row));
        ALX_TRY(compare_layers(old, new, threshold, layers));
    } else if (!old || !new) {
        row = row_of("", old ? "not in the new document" : "not in the old document", false);
    } else if (is) {
        row = row_of("", "had failed before", false);
    } else {
        row = row_of("", bench_text(new, "reason"), was && bench_is(new, "status", "failed"));
    }
    cli_json_set(row, "precision", json_incref(json_object_get(either, "precision")));
    cli_json_set(row, "batch", json_incref(json_object_get(either, "batch")));
    cli_json_set(row, "layers", json_incref(layers));
    json_array_append(rows, row);
error:
    json_decref(row);
    json_decref(layers);
    return status;
}

/* --- devices --- */

/* The row of `other` that is the same device as row `index` of `devices`, or NULL. Numbers and
 * drivers may have changed meanwhile; of devices that are called the same the n-th is the n-th. */
static const json_t *find_device(const json_t *other, const json_t *devices, size_t index)
{
    static const char *const keys[] = {"name", "platform", NULL};
    const json_t *about = json_object_get(json_array_get(devices, index), "device");
    size_t rank = 0;
    for (size_t i = 0; i < index; i++)
        rank += agree(json_object_get(json_array_get(devices, i), "device"), about, keys);
    for (size_t i = 0; i < json_array_size(other); i++)
        if (agree(json_object_get(json_array_get(other, i), "device"), about, keys) && rank-- == 0)
            return json_array_get(other, i);
    return NULL;
}

static enum alx_status compare_all_runs(const json_t *old, const json_t *new, double threshold,
                                        json_t *rows)
{
    static const char *const keys[] = {"precision", "batch", NULL};
    enum alx_status status = ALX_STATUS_OK;
    const json_t *before = json_object_get(old, "runs"), *after = json_object_get(new, "runs");
    for (size_t i = 0; i < json_array_size(after); i++) {
        const json_t *run = json_array_get(after, i);
        ALX_TRY(compare_runs(find(before, run, keys), run, threshold, rows));
    }
    for (size_t i = 0; i < json_array_size(before); i++)
        if (!find(after, json_array_get(before, i), keys))
            ALX_TRY(compare_runs(json_array_get(before, i), NULL, threshold, rows));
error:
    return status;
}

/* What may explain a difference. */
static void note_changes(json_t *notes, const json_t *old, const json_t *new)
{
    static const struct {
        const char *key, *what;
    } rows[] = {{"driver", "the driver"}, {"opencl", "OpenCL"}};
    const json_t *was = json_object_get(old, "device"), *is = json_object_get(new, "device");
    double clock = bench_number(json_object_get(old, "after"), "clock_mhz");
    double now = bench_number(json_object_get(new, "after"), "clock_mhz");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!json_equal(json_object_get(was, rows[i].key), json_object_get(is, rows[i].key)))
            json_array_append_new(notes, json_sprintf("%s was %s, is %s", rows[i].what,
                                                      bench_text(was, rows[i].key),
                                                      bench_text(is, rows[i].key)));
    if (fabs(now / clock - 1) > 0.1)
        json_array_append_new(
            notes, json_sprintf("the processor's clock was %.0f MHz, is %.0f MHz", clock, now));
}

/* `old` or `new` is NULL when the device is in one document alone. */
static enum alx_status compare_devices(const json_t *old, const json_t *new, double threshold,
                                       json_t *rows)
{
    enum alx_status status = ALX_STATUS_OK;
    json_t *row = json_object(), *runs = json_array(), *notes = json_array();
    bool was = bench_is(old, "status", "ok"), is = bench_is(new, "status", "ok");
    struct cli_line failure = bench_reason(new);
    const char *reason = !new   ? "not in the new document"
                         : !old ? "not in the old document"
                         : !is  ? failure.text
                         : !was ? "had not been measured before"
                                : "";
    if (json_array_size(json_object_get(old, "runs")) &&
        json_array_size(json_object_get(new, "runs"))) {
        ALX_TRY(compare_all_runs(old, new, threshold, runs));
        note_changes(notes, old, new);
    }
    cli_json_set(row, "device", json_incref(json_object_get(new ? new : old, "device")));
    cli_json_set(row, "reason", cli_json_text(reason));
    cli_json_set(row, "regression", json_boolean(was && bench_is(new, "status", "failed")));
    cli_json_set(row, "notes", json_incref(notes));
    cli_json_set(row, "runs", json_incref(runs));
    json_array_append(rows, row);
error:
    json_decref(row);
    json_decref(runs);
    json_decref(notes);
    return status;
}

/* --- documents --- */

/* Fingerprints hold the system's release and the devices, too: where those explain that they
 * differ, it is the same machine with something new, which is what people want to compare. */
static bool is_same_machine(const json_t *old, const json_t *new)
{
    static const char *const fingerprint[] = {"fingerprint", NULL}, *const system[] = {"os", NULL};
    static const char *const machine[] = {"cpu", "logical_cpus", "machine", NULL};
    static const char *const device[] = {"name", "platform", NULL};
    const json_t *was = json_object_get(old, "host"), *is = json_object_get(new, "host");
    const json_t *before = json_object_get(old, "devices"),
                 *after = json_object_get(new, "devices");
    if (agree(was, is, fingerprint))
        return true;
    bool other = !agree(was, is, system) || json_array_size(before) != json_array_size(after);
    for (size_t i = 0; !other && i < json_array_size(before); i++)
        other = !agree(json_object_get(json_array_get(before, i), "device"),
                       json_object_get(json_array_get(after, i), "device"), device);
    return other && agree(was, is, machine);
}

enum alx_status bench_check_comparable(const json_t *old, const json_t *new)
{
    static const char *const network[] = {"name", "layers", "parameters", "macs", NULL};
    static const char *const weights[] = {"weights", NULL};
    const json_t *was = json_object_get(old, "network"), *is = json_object_get(new, "network");
    if (json_object_get(old, "documents") || json_object_get(new, "documents"))
        return alx_fail(ALX_STATUS_USAGE, "--compare: a document of several measurements; compare "
                                          "two single ones");
    if (!agree(was, is, network))
        return alx_fail(ALX_STATUS_USAGE,
                        "--compare: %s was measured before, %s now; measure the same network",
                        bench_text(was, "name"), bench_text(is, "name"));
    if (!agree(json_object_get(old, "hashes"), json_object_get(new, "hashes"), weights))
        return alx_fail(ALX_STATUS_USAGE,
                        "--compare: the weights are other ones (%.12s before, "
                        "%.12s now); measure the same model",
                        bench_text(json_object_get(old, "hashes"), "weights"),
                        bench_text(json_object_get(new, "hashes"), "weights"));
    if (!is_same_machine(old, new))
        return alx_fail(ALX_STATUS_USAGE,
                        "--compare: measured on two machines (%s before, %s now); --merge shows "
                        "machines side by side",
                        bench_host(old).text, bench_host(new).text);
    return ALX_STATUS_OK;
}

static json_t *side_json(const json_t *document)
{
    static const char *const keys[] = {"version", "time"};
    json_t *side = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        cli_json_set(side, keys[i], json_incref(json_object_get(document, keys[i])));
    cli_json_set(side, "kernels",
                 json_incref(json_object_get(json_object_get(document, "hashes"), "kernels")));
    return side;
}

enum alx_status bench_compare(const json_t *old, const json_t *new, double threshold_percent,
                              json_t **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const json_t *before = json_object_get(old, "devices"),
                 *after = json_object_get(new, "devices");
    json_t *comparison = cli_json_document("bench-compare/1"), *rows = json_array();
    ALX_TRY(bench_check_comparable(old, new));
    for (size_t i = 0; i < json_array_size(after); i++)
        ALX_TRY(compare_devices(find_device(before, after, i), json_array_get(after, i),
                                threshold_percent, rows));
    for (size_t i = 0; i < json_array_size(before); i++)
        if (!find_device(after, before, i))
            ALX_TRY(compare_devices(json_array_get(before, i), NULL, threshold_percent, rows));
    cli_json_set(comparison, "old", side_json(old));
    cli_json_set(comparison, "new", side_json(new));
    cli_json_set(comparison, "network", json_deep_copy(json_object_get(new, "network")));
    cli_json_set(comparison, "threshold_percent", cli_json_number(threshold_percent));
    cli_json_set(comparison, "devices", json_incref(rows));
    *out = json_incref(comparison);
error:
    json_decref(rows);
    json_decref(comparison);
    return status;
}
