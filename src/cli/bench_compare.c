/*
 * Two measurements of one machine: what became faster or slower beyond noise.
 *
 * A verdict needs three things, each against another way in which a machine that is shared
 * deceives:
 *
 * - The times are compared as if the machine had been in the same state (bench_control.c), by the
 *   limits that were measured beside. Where its states are another's, nothing can be said; where
 * too little is known of them, only what is beyond the change of the limits is the program's.
 * - The confidence intervals of both medians, made for samples that are not independent
 *   (alx_statistics_in_order), are apart: a while that was slow makes no verdict.
 * - The quickest samples have changed as well: load adds time, but rarely to all samples.
 */
#include <alexnet_cl/measure.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"
#include "cli/json.h"
#include "util/error.h"

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

static enum alx_status interval_of(const json_t *timed, size_t together, struct interval *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics all;
    size_t count = 0;
    double *samples = bench_samples(json_object_get(timed, "samples_ms"), &count);
    ALX_TRY(alx_statistics_in_order(samples, count, together, &all));
    *out = (struct interval){all.count, all.median, all.low, all.high, NAN};
    qsort(samples, count, sizeof *samples, by_value); /* their order is not needed any more */
    if (count)
        out->quick = samples[count / 100];
error:
    free(samples);
    return status;
}

/* How many times slower the machine itself became, by the limits that were measured beside: at
 * least and at most. 1 where nothing is known. */
struct drift {
    double least, most;
};

static enum alx_status control_of(const json_t *run, const char *control, enum alx_limit limit,
                                  double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics s;
    size_t count = 0;
    const json_t *limits = json_object_get(run, control);
    double *rates = bench_samples(json_object_get(limits, alx_limit_name(limit)), &count);
    ALX_TRY(alx_statistics_of(rates, count, &s));
    *out = s.median;
error:
    free(rates);
    return status;
}

/* The ratio of a limit's medians; NAN where it was not measured both times. */
static enum alx_status ratio_of(const json_t *old, const json_t *new, const char *control,
                                enum alx_limit limit, double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    double before = NAN, after = NAN;
    ALX_TRY(control_of(old, control, limit, &before));
    ALX_TRY(control_of(new, control, limit, &after));
    *out = before > 0 && after > 0 ? before / after : NAN;
error:
    return status;
}

/* Which part of a run's or a layer's time is bound by memory; NAN where that is not known. */
static double memory_part(const json_t *timed)
{
    size_t i;
    json_t *layer;
    double memory = 0, all = 0;
    if (*bench_text(timed, "bound_by"))
        return bench_is(timed, "bound_by", "memory");
    json_array_foreach(json_object_get(timed, "layers"), i, layer)
    {
        double ms = bench_number(layer, "median_ms");
        all += ms;
        memory += memory_part(layer) * ms;
    }
    return memory / all;
}

/* What the machine's own change makes of `timed`, a run or one of its layers: each part of its time
 * goes with the limit that bounds it. A limit that does not bound a layer tells how much else
 * changed, to whichever side. `control` is the member of the runs that holds the limits. */
static enum alx_status drift_of(const json_t *old, const json_t *new, const char *control,
                                const json_t *timed, struct drift *out)
{
    enum alx_status status = ALX_STATUS_OK;
    double compute, memory, part = memory_part(timed), other = 1;
    ALX_TRY(ratio_of(old, new, control, ALX_LIMIT_FMA, &compute));
    ALX_TRY(ratio_of(old, new, control, ALX_LIMIT_READ, &memory));
    double own = (1 - part) * compute + part * memory;
    if (isnan(own) || part == 0)
        other = fmax(memory, 1 / memory);
    if (isnan(own) || part == 1)
        other = fmax(other, fmax(compute, 1 / compute));
    *out = (struct drift){fmin(fmin(1, own), 1 / other), fmax(fmax(1, own), other)};
error:
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

/* What is left of a change of so many times when the machine's own is taken from it: 1 when it
 * explains all. */
static double beyond(double times, const struct drift *drift)
{
    if (times > 1)
        return fmax(times / drift->most, 1);
    return fmin(times / drift->least, 1);
}

/* The change, in percent, that is sure: by the median and by the quickest samples, the machine's
 * own taken from both. 0 where they disagree. */
static double sure_percent(const struct interval *old, const struct interval *new,
                           const struct drift *drift)
{
    double median = percent_of(1, beyond(new->median / old->median, drift));
    double quick = percent_of(1, beyond(new->quick / old->quick, drift));
    if (!(median * quick > 0))
        return 0;
    return fabs(median) < fabs(quick) ? median : quick;
}

/* Ambiguous: the intervals meet, but not so that one could say they are the same; or they are
 * apart, but the quickest samples are not, or the machine's own change makes up for it. */
static const char *verdict_of(const struct interval *old, const struct interval *new,
                              const struct drift *drift)
{
    double sure = sure_percent(old, new, drift);
    if (isnan(old->low) || isnan(new->low))
        return "ambiguous";
    if (fabs(percent_of(old->median, new->median)) < least_change_percent)
        return "same";
    if (new->low > old->high)
        return sure >= least_change_percent && new->low > old->high * drift->most ? "slower"
                                                                                  : "ambiguous";
    if (new->high < old->low)
        return sure <= -least_change_percent && new->high < old->low * drift->least ? "faster"
                                                                                    : "ambiguous";
    bool meet = old->low <= new->median &&new->median <= old->high &&new->low <= old->median &&
                old->median <= new->high;
    return meet ? "same" : "ambiguous";
}

/* Both sides of a row. */
struct sides {
    struct interval old, new; /* as measured */
    enum bench_state state;
    struct interval old_there, new_there; /* in the same state, else as measured */
    struct drift drift;                   /* where the state is not known */
};

static void put(struct interval *interval, const struct alx_statistics *s)
{
    interval->median = s->median;
    interval->low = s->low;
    interval->high = s->high;
}

static enum alx_status sides_of(const json_t *old_run, const json_t *new_run, const json_t *old,
                                const json_t *new, const char *control, struct sides *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics there[2];
    /* A run and its layers are judged together, and one of so many is far off by chance. */
    size_t together = 1 + json_array_size(json_object_get(new_run, "layers"));
    *out = (struct sides){.drift = {1, 1}};
    ALX_TRY(interval_of(old, together, &out->old));
    ALX_TRY(interval_of(new, together, &out->new));
    out->old_there = out->old;
    out->new_there = out->new;
    ALX_TRY(bench_same_state(old, json_object_get(old_run, control), new,
                             json_object_get(new_run, control), together, there, &out->state));
    if (out->state == BENCH_SAME_STATE) {
        put(&out->old_there, &there[0]);
        put(&out->new_there, &there[1]);
    } else if (out->state == BENCH_UNKNOWN_STATE) {
        ALX_TRY(drift_of(old_run, new_run, control, new, &out->drift));
    }
error:
    return status;
}

/* What the numbers of a row do not show; "" where they show all. */
static void explain(const struct sides *sides, const char *verdict, char out[80])
{
    static const struct drift none = {1, 1};
    bool ambiguous = !strcmp(verdict, "ambiguous");
    *out = 0;
    if (isnan(sides->old.low) || isnan(sides->new.low))
        strcpy(out, "too few samples");
    else if (ambiguous && sides->state == BENCH_OTHER_STATE)
        strcpy(out, "the machine was in another state");
    else if (sides->state == BENCH_SAME_STATE &&
             strcmp(verdict, verdict_of(&sides->old, &sides->new, &none)))
        snprintf(out, 80, "%+.1f %% in the same state of the machine",
                 percent_of(sides->old_there.median, sides->new_there.median));
    else if (ambiguous && strcmp(verdict, verdict_of(&sides->old, &sides->new, &none)))
        snprintf(out, 80, "the machine changed by %+.0f %%, too",
                 percent_of(1, sides->new.median > sides->old.median ? sides->drift.most
                                                                     : sides->drift.least));
}

/* --- rows --- */

static json_t *row_of(const char *verdict, const char *reason, bool regression)
{
    json_t *row = json_object();
    cli_json_set(row, "verdict", cli_json_text(verdict));
    cli_json_set(row, "reason", cli_json_text(reason));
    cli_json_set(row, "change_percent", json_null());
    cli_json_set(row, "same_state_percent", json_null());
    cli_json_set(row, "regression", json_boolean(regression));
    cli_json_set(row, "old", json_null());
    cli_json_set(row, "new", json_null());
    return row;
}

/* Compares what has samples: runs, or a layer of each. `counts`: whether slower is a regression.
 * `control` is the member of runs that holds the limits measured beside. */
static enum alx_status compare_times(const json_t *old_run, const json_t *new_run,
                                     const json_t *old, const json_t *new, const char *control,
                                     double threshold, bool counts, json_t **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct sides sides;
    char reason[80];
    ALX_TRY(sides_of(old_run, new_run, old, new, control, &sides));
    const char *verdict = verdict_of(&sides.old_there, &sides.new_there, &sides.drift);
    if (sides.state == BENCH_OTHER_STATE &&
        strcmp(verdict, "same")) /* whatever it does to layers */
        verdict = "ambiguous";
    double sure = sure_percent(&sides.old_there, &sides.new_there, &sides.drift);
    explain(&sides, verdict, reason);
    *out = row_of(verdict, reason, counts && !strcmp(verdict, "slower") && sure > threshold);
    cli_json_set(*out, "change_percent",
                 cli_json_number(percent_of(sides.old.median, sides.new.median)));
    if (sides.state == BENCH_SAME_STATE)
        cli_json_set(*out, "same_state_percent",
                     cli_json_number(percent_of(sides.old_there.median, sides.new_there.median)));
    cli_json_set(*out, "old", interval_json(old, &sides.old));
    cli_json_set(*out, "new", interval_json(new, &sides.new));
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
            ALX_TRY(
                compare_times(old, new, same, layer, "profiled_control", threshold, counts, &row));
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
        ALX_TRY(compare_times(old, new, old, new, "control", threshold, true, &row));
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

const json_t *bench_find_device(const json_t *other, const json_t *devices, size_t index)
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
        ALX_TRY(compare_devices(bench_find_device(before, after, i), json_array_get(after, i),
                                threshold_percent, rows));
    for (size_t i = 0; i < json_array_size(before); i++)
        if (!bench_find_device(after, before, i))
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
