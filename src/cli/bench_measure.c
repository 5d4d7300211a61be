/*
 * Which measurements are made, in which order, and for how long.
 *
 * One measurement is a session that is prepared, warmed up and sampled. Devices that are measured
 * together take their turns in each of its rounds, so that what happens to the machine meanwhile
 * happens to all of them; measured alone, a device is the only one in its group.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/random.h"
#include "util/text.h"

enum {
    ROUND_NS = 250000000, /* of a turn */
    LEAST_SAMPLES = 10,
    MOST_SAMPLES = 1000,
    MOST_LAYER_SAMPLES = 200, /* of which each is as many numbers as there are layers */
    MOST_CRASHES = 3          /* of a device; then the rest is left out */
};

/* A device while it is measured. */
struct subject {
    size_t info_index;
    const struct alx_device_info *info;
    json_t *row; /* borrowed: its entry of the document */
    struct bench_worker worker;
    size_t crashes;
    bool given_up;
    /* of the precision at hand */
    size_t best_batch;
    double best_rate;
    bool searching;
    /* of the measurement at hand */
    bool active, warm;
    size_t batch;
    json_t *prepared; /* owned: what the child said of the session */
    json_t *layers;   /* owned: arrays of samples, or NULL */
    double *samples;  /* owned, ms, MOST_SAMPLES of them */
    size_t count;
    double last_ms; /* median of the turn before, while warming up */
    double joule;
    uint64_t used_ns, images;
    char reason[BENCH_REASON_BYTES]; /* why it ended early */
};

/* What is measured of every subject of a group. */
struct task {
    const char *name;
    enum alx_precision precision;
    bool profiling;
    uint64_t time_ns, warm_up_ns;
    double interval;
};

struct group {
    struct bench *bench;
    struct subject *subjects;
    size_t count;
};

/* --- progress --- */

static struct {
    size_t done, all; /* measurements */
    uint64_t start_ns;
} progress;

/* What is done, of how many, and how long the rest may take. */
static void describe(const struct subject *subject, const char *what, char out[BENCH_REASON_BYTES])
{
    char left[64] = "";
    uint64_t ns = alx_clock_ns() - progress.start_ns;
    if (progress.done)
        snprintf(
            left, sizeof left, ", about %s left",
            cli_duration(ns / progress.done * (progress.all - alx_min(progress.done, progress.all)))
                .text);
    snprintf(out, BENCH_REASON_BYTES, "%zu of %zu%s: device %zu, %s", progress.done + 1,
             alx_max(progress.all, progress.done + 1), left, subject->info->number, what);
}

/* --- failures --- */

static void set_failed(struct subject *subject, const char *phase)
{
    if (bench_is(subject->row, "status", "failed"))
        return; /* the first reason is the one to know */
    cli_json_set(subject->row, "status", json_string("failed"));
    cli_json_set(subject->row, "reason", cli_json_text(subject->reason));
    cli_json_set(subject->row, "phase", cli_json_text(phase));
}

/* After a failure: a child that died is counted. */
static void note_death(struct subject *subject)
{
    subject->active = false;
    if (subject->worker.pid)
        return;
    subject->crashes++;
    subject->given_up = subject->worker.hung || subject->crashes >= MOST_CRASHES;
}

static json_t *ask(const struct group *group, struct subject *subject, json_t *request,
                   const char *what)
{
    char text[BENCH_REASON_BYTES];
    describe(subject, what, text);
    if (!subject->worker.pid &&
        !bench_worker_start(&subject->worker, group->bench, subject->info_index, subject->reason)) {
        json_decref(request);
        return NULL;
    }
    return bench_worker_ask(&subject->worker, group->bench, request, text, subject->reason);
}

/* --- one measurement --- */

/* Draws the session of a task; false with `reason` when there is none. */
static bool prepare(const struct group *group, struct subject *subject, const struct task *task)
{
    char what[96];
    snprintf(what, sizeof what, "%s, batch %zu%s", alx_precision_name(task->precision),
             subject->batch, task->profiling ? ", layers" : "");
    json_decref(subject->prepared);
    json_decref(subject->layers);
    subject->prepared = subject->layers = NULL;
    subject->count = subject->used_ns = subject->images = 0;
    subject->joule = subject->last_ms = 0;
    subject->warm = false;
    subject->reason[0] = 0;
    subject->prepared =
        ask(group, subject,
            json_pack("{sssisIsb}", "do", "prepare", "precision", (int)task->precision, "batch",
                      (json_int_t)subject->batch, "profiling", (int)task->profiling),
            what);
    if (subject->prepared && *bench_text(subject->prepared, "wrong"))
        alx_text_copy(subject->reason, sizeof subject->reason,
                      bench_text(subject->prepared, "wrong"));
    subject->active = !*subject->reason;
    if (!subject->active)
        note_death(subject);
    return subject->active;
}

/* A time is possible when it is positive, and no longer than what was waited for all of them. */
static void take_runs(struct subject *subject, const json_t *reply, uint64_t waited_ns)
{
    const json_t *value, *runs = bench_array(reply, "runs");
    size_t i;
    double sum = 0;
    json_array_foreach(runs, i, value) sum += json_number_value(value);
    bool possible = sum <= (double)waited_ns / 1e6;
    json_array_foreach(runs, i, value)
    {
        double ms = json_number_value(value);
        if (subject->count < MOST_SAMPLES)
            subject->samples[subject->count++] = possible && ms > 0 ? ms : NAN;
    }
    json_t *more = json_object_get(reply, "layers");
    if (!subject->layers)
        subject->layers = json_incref(more);
    else
        json_array_foreach(more, i, value)
            json_array_extend(json_array_get(subject->layers, i), json_array_get(more, i));
}

/* One turn of a device. Returns the reply, owned; NULL when it failed. */
static json_t *take_turn(const struct group *group, struct subject *subject,
                         const struct task *task, bool warming)
{
    char what[128];
    struct alx_host_state before, after;
    size_t most = (task->profiling ? MOST_LAYER_SAMPLES : MOST_SAMPLES) - subject->count;
    uint64_t left_ns = (warming ? task->warm_up_ns : task->time_ns) - subject->used_ns;
    snprintf(what, sizeof what, "%s, batch %zu%s: %s, %zu runs",
             alx_precision_name(task->precision), subject->batch, task->profiling ? ", layers" : "",
             warming ? "warming up" : "sampling", subject->count);
    alx_host_state_read(NULL, &before);
    uint64_t start_ns = alx_clock_ns();
    json_t *reply = ask(group, subject,
                        json_pack("{sssIsI}", "do", "sample", "ns",
                                  (json_int_t)alx_min(ROUND_NS, left_ns), "most", (json_int_t)most),
                        what);
    uint64_t waited_ns = alx_clock_ns() - start_ns;
    alx_host_state_read(NULL, &after);
    subject->used_ns += waited_ns;
    if (!reply) {
        note_death(subject);
        return NULL;
    }
    if (!warming) {
        subject->joule += alx_host_joule(&before, &after);
        subject->images += json_array_size(bench_array(reply, "runs")) * subject->batch;
        take_runs(subject, reply, waited_ns);
    }
    return reply;
}

/* The clock is up when two turns take the same. */
static void warm_up(const struct group *group, struct subject *subject, const struct task *task)
{
    double values[MOST_SAMPLES];
    struct alx_statistics s;
    json_t *reply = take_turn(group, subject, task, true), *value;
    size_t i, count = 0;
    json_array_foreach(json_object_get(reply, "runs"), i, value)
    {
        if (count < MOST_SAMPLES)
            values[count++] = json_number_value(value);
    }
    json_decref(reply);
    if (alx_statistics_of(values, count, &s) != ALX_STATUS_OK)
        s.median = NAN;
    subject->warm = subject->used_ns >= task->warm_up_ns ||
                    fabs(s.median - subject->last_ms) <= task->interval * s.median;
    subject->last_ms = s.median;
    if (subject->warm)
        subject->used_ns = 0;
}

static bool enough(const struct subject *subject, const struct task *task)
{
    struct alx_statistics s;
    size_t most = task->profiling ? MOST_LAYER_SAMPLES : MOST_SAMPLES;
    if (subject->used_ns >= task->time_ns || subject->count >= most)
        return true;
    return subject->count >= LEAST_SAMPLES &&
           alx_statistics_of(subject->samples, subject->count, &s) == ALX_STATUS_OK &&
           alx_statistics_are_steady(&s, task->interval);
}

/* Every subject whose `batch` is not 0; what came out is in each. */
static void measure(const struct group *group, const struct task *task)
{
    size_t running = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct subject *subject = &group->subjects[i];
        subject->active = false;
        if (subject->batch && !subject->given_up)
            running += prepare(group, subject, task);
        else if (subject->given_up)
            alx_text_copy(subject->reason, sizeof subject->reason,
                          "not tried after what happened before");
    }
    while (running) {
        running = 0;
        for (size_t i = 0; i < group->count; i++) {
            struct subject *subject = &group->subjects[i];
            if (!subject->active)
                continue;
            if (!subject->warm)
                warm_up(group, subject, task);
            else
                json_decref(take_turn(group, subject, task, false));
            if (subject->active && subject->warm && enough(subject, task))
                subject->active = false;
            running += subject->active;
        }
    }
    progress.done += group->count;
}

/* --- what becomes of it --- */

static bool shares_package(const struct alx_device_info *info)
{
    return info->type == ALX_DEVICE_CPU || info->unified_memory;
}

/* Heat shows as runs that become longer. */
static void note_drift(json_t *run, const struct subject *subject)
{
    enum { PERCENT = 7 };
    struct alx_statistics first, last;
    size_t third = subject->count / 3;
    if (third < LEAST_SAMPLES ||
        alx_statistics_of(subject->samples, third, &first) != ALX_STATUS_OK ||
        alx_statistics_of(subject->samples + subject->count - third, third, &last) != ALX_STATUS_OK)
        return;
    double percent = 100 * (last.median / first.median - 1);
    if (percent > PERCENT)
        json_array_append_new(
            json_object_get(run, "notes"),
            json_sprintf("slowed down by %.0f %% while it was measured", percent));
}

/* The entry of a measured batch; NULL when it failed. */
static json_t *add_run(struct subject *subject, const struct task *task)
{
    static const char *const copied[] = {"build_ms", "upload_ms",   "first_run_ms", "programs",
                                         "check",    "plan_sha256", "plan",         "device_bytes"};
    char phase[64];
    json_t *run = bench_new_run(task->precision, subject->batch);
    json_array_append_new(json_object_get(subject->row, "runs"), run);
    for (size_t i = 0; i < sizeof copied / sizeof *copied && subject->prepared; i++)
        cli_json_set(run, copied[i], json_incref(json_object_get(subject->prepared, copied[i])));
    if (*subject->reason) {
        snprintf(phase, sizeof phase, "%s batch %zu", alx_precision_name(task->precision),
                 subject->batch);
        cli_json_set(run, "status",
                     json_string(subject->prepared || !subject->given_up || subject->worker.hung
                                     ? "failed"
                                     : "skipped"));
        cli_json_set(run, "reason", cli_json_text(subject->reason));
        set_failed(subject, phase);
        return NULL;
    }
    struct alx_statistics s = bench_set_spread(run, subject->samples, subject->count);
    cli_json_set(run, "steady", json_boolean(alx_statistics_are_steady(&s, task->interval)));
    if (shares_package(subject->info) && subject->images)
        cli_json_set(run, "joule_per_image",
                     cli_json_number(subject->joule / (double)subject->images));
    note_drift(run, subject);
    return run;
}

static double rate_of(const struct subject *subject)
{
    struct alx_statistics s;
    if (alx_statistics_of(subject->samples, subject->count, &s) != ALX_STATUS_OK)
        return NAN;
    return (double)subject->batch * 1000 / s.median;
}

static void add_batch(struct subject *subject, const struct task *task)
{
    bool failed = *subject->reason;
    double rate = failed ? NAN : rate_of(subject);
    json_t *entry = json_object();
    cli_json_set(entry, "precision", json_string(alx_precision_name(task->precision)));
    cli_json_set(entry, "batch", cli_json_count(subject->batch));
    cli_json_set(entry, "images_per_s", cli_json_number(rate));
    cli_json_set(entry, "reason", cli_json_text(subject->reason));
    json_array_append_new(json_object_get(subject->row, "batches"), entry);
    /* a gain that is worth the longer wait */
    subject->searching = !failed && rate > 1.05 * subject->best_rate;
    if (rate > subject->best_rate) {
        subject->best_rate = rate;
        subject->best_batch = subject->batch;
    }
}

/* --- layers --- */

/* Times of a layer in ms, NAN where they cannot be: a layer longer than its run, layers that are
 * together longer, or no time at all. */
static const char *layer_samples(const struct subject *subject, size_t layer, double *out)
{
    const char *reason = "";
    size_t layers = json_array_size(subject->layers);
    for (size_t i = 0; i < subject->count; i++) {
        double run = subject->samples[i], sum = 0;
        for (size_t j = 0; j < layers; j++)
            sum += json_number_value(json_array_get(json_array_get(subject->layers, j), i));
        out[i] = json_number_value(json_array_get(json_array_get(subject->layers, layer), i));
        if (!(out[i] > 0))
            reason = "the device's clock tells no time, or one that runs backwards";
        else if (!(out[i] <= run))
            reason = "the device's clock tells more than the whole run took";
        else if (!(sum <= 1.02 * run))
            reason = "the device's clock tells more for all layers than the run took";
        else
            continue;
        out[i] = NAN;
    }
    return reason;
}

static void add_layers(struct subject *subject, json_t *run)
{
    double *times = cli_alloc(MOST_SAMPLES, sizeof *times, "the layers' times");
    struct alx_statistics s;
    json_t *list = json_object_get(run, "layers"), *layer;
    size_t i;
    if (*subject->reason) {
        json_array_append_new(json_object_get(run, "notes"),
                              json_sprintf("the layers have no times: %s", subject->reason));
        free(times);
        return;
    }
    json_array_foreach(json_object_get(subject->prepared, "layers"), i, layer)
    {
        const char *reason = layer_samples(subject, i, times);
        s = bench_set_spread(layer, times, subject->count);
        cli_json_set(layer, "reason", cli_json_text(s.count ? "" : reason));
        json_array_append(list, layer);
    }
    free(times);
    if (alx_statistics_of(subject->samples, subject->count, &s) != ALX_STATUS_OK)
        return;
    cli_json_set(run, "profiled_ms", cli_json_number(s.median));
    double slower = s.median / bench_number(run, "median_ms");
    if (slower > 1.1)
        json_array_append_new(
            json_object_get(run, "notes"),
            json_sprintf("profiling makes it %.2f times slower: layers are shorter in the run",
                         slower));
}

static void take_trace(const struct group *group, struct subject *subject)
{
    json_t *reply = ask(group, subject, json_pack("{ss}", "do", "trace"), "trace");
    json_t *entry;
    if (!reply)
        return;
    entry = json_pack("{sisO}", "number", (int)subject->info->number, "events",
                      json_object_get(reply, "events"));
    json_array_append_new(group->bench->trace, entry);
    json_decref(reply);
}

/* --- the measurements of a group --- */

static void measure_limits(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++, progress.done++) {
        struct subject *subject = &group->subjects[i];
        struct alx_host_state state;
        alx_host_state_read(NULL, &state);
        cli_json_set(subject->row, "before", bench_state_json(&state));
        json_t *reply = ask(group, subject, json_pack("{ss}", "do", "limits"), "limits");
        if (reply) {
            cli_json_set(subject->row, "limits",
                         json_pack("{sO}", "samples", json_object_get(reply, "samples")));
            json_decref(reply);
            continue;
        }
        note_death(subject);
        subject->given_up = true; /* what cannot do so little */
        set_failed(subject, "limits");
    }
}

static void set_batches(const struct group *group, size_t batch)
{
    for (size_t i = 0; i < group->count; i++)
        group->subjects[i].batch = batch;
}

/* Larger and larger batches, until images per second stop growing or something ends. */
static void search_batches(const struct group *group, enum alx_precision precision)
{
    const struct bench *bench = group->bench;
    const struct task task = {
        "search", precision, false, bench->search_ns, bench->search_ns / 2, bench->interval};
    for (size_t batch = 4, wanted = 1; wanted && batch <= bench->most_batch; batch *= 2) {
        wanted = 0;
        for (size_t i = 0; i < group->count; i++) {
            group->subjects[i].batch = group->subjects[i].searching ? batch : 0;
            wanted += group->subjects[i].searching;
        }
        if (!wanted)
            break;
        size_t done = progress.done;
        measure(group, &task);
        progress.done = done; /* the whole search counts as one */
        for (size_t i = 0; i < group->count; i++)
            if (group->subjects[i].batch)
                add_batch(&group->subjects[i], &task);
    }
    progress.done += group->count;
}

static void measure_precision(const struct group *group, enum alx_precision precision)
{
    const struct bench *bench = group->bench;
    const struct task task = {"run",          precision,         false,
                              bench->time_ns, bench->warm_up_ns, bench->interval};
    size_t asked = bench->options->batch;
    set_batches(group, asked ? asked : 1);
    measure(group, &task);
    for (size_t i = 0; i < group->count; i++) {
        struct subject *subject = &group->subjects[i];
        if (subject->given_up && bench_is(subject->row, "phase", "limits"))
            continue;
        json_t *run = add_run(subject, &task);
        subject->best_batch = run ? subject->batch : 0;
        subject->best_rate = 0;
        subject->searching = false;
        if (run && !asked)
            add_batch(subject, &task);
        if (run && asked)
            cli_json_set(run, "best", json_true());
    }
    if (asked)
        return;
    search_batches(group, precision);
    for (size_t i = 0; i < group->count; i++) {
        struct subject *subject = &group->subjects[i];
        subject->batch = subject->best_batch > 1 ? subject->best_batch : 0;
        if (subject->best_batch == 1) {
            json_t *runs = json_object_get(subject->row, "runs");
            cli_json_set(json_array_get(runs, json_array_size(runs) - 1), "best", json_true());
        }
    }
    measure(group, &task);
    for (size_t i = 0; i < group->count; i++) {
        json_t *run = group->subjects[i].batch ? add_run(&group->subjects[i], &task) : NULL;
        if (run)
            cli_json_set(run, "best", json_true());
    }
}

/* The run of a subject that is number `index` of those that succeeded at a precision. */
static json_t *good_run(const struct subject *subject, enum alx_precision precision, size_t index)
{
    size_t i;
    json_t *run;
    json_array_foreach(json_object_get(subject->row, "runs"), i, run)
    {
        if (bench_is(run, "status", "ok") &&
            bench_is(run, "precision", alx_precision_name(precision)) && !index--)
            return run;
    }
    return NULL;
}

/* With a profiling queue, which some drivers run slower: after everything else. */
static void measure_layers(const struct group *group, enum alx_precision precision, size_t index)
{
    const struct bench *bench = group->bench;
    const struct task task = {
        "layers", precision, true, bench->time_ns / 2, bench->warm_up_ns / 2, bench->interval};
    for (size_t i = 0; i < group->count; i++) {
        const json_t *run = good_run(&group->subjects[i], precision, index);
        group->subjects[i].batch = run ? (size_t)bench_number(run, "batch") : 0;
    }
    measure(group, &task);
    for (size_t i = 0; i < group->count; i++) {
        struct subject *subject = &group->subjects[i];
        if (!subject->batch)
            continue;
        add_layers(subject, good_run(subject, precision, index));
        if (bench->trace && !*subject->reason && !index && precision == bench->precisions[0])
            take_trace(group, subject);
    }
}

static void finish(struct subject *subject, const struct bench *bench)
{
    struct alx_host_state state;
    if (!bench_is(subject->row, "status", "failed"))
        cli_json_set(subject->row, "status", json_string("ok"));
    bench_worker_stop(&subject->worker, bench);
    alx_host_state_read(NULL, &state);
    cli_json_set(subject->row, "after", bench_state_json(&state));
    json_decref(subject->prepared);
    json_decref(subject->layers);
    free(subject->samples);
}

static void measure_group(struct bench *bench, const size_t *chosen, size_t count)
{
    struct subject *subjects = cli_alloc(count, sizeof *subjects, "the devices");
    const struct group group = {bench, subjects, count};
    for (size_t i = 0; i < count; i++) {
        subjects[i].info_index = chosen[i];
        subjects[i].info = &bench->infos[chosen[i]];
        subjects[i].row = bench_row(bench, chosen[i]);
        subjects[i].samples = cli_alloc(MOST_SAMPLES, sizeof *subjects[i].samples, "the samples");
    }
    measure_limits(&group);
    for (size_t p = 0; p < bench->precision_count; p++)
        measure_precision(&group, bench->precisions[p]);
    for (size_t p = 0; p < bench->precision_count; p++)
        for (size_t index = 0; index < (bench->options->batch ? 1 : 2); index++)
            measure_layers(&group, bench->precisions[p], index);
    for (size_t i = 0; i < count; i++)
        finish(&subjects[i], bench);
    free(subjects);
}

void bench_measure_all(struct bench *bench)
{
    /* limits; a run and its layers; the search, the best batch and its layers */
    size_t each = 1 + bench->precision_count * (bench->options->batch ? 2 : 5);
    progress.done = 0;
    progress.all = bench->chosen_count * each;
    progress.start_ns = alx_clock_ns();
    if (bench->options->interleave)
        measure_group(bench, bench->chosen, bench->chosen_count);
    else
        for (size_t i = 0; i < bench->chosen_count; i++) {
            measure_group(bench, bench->chosen + i, 1);
            progress.done = (i + 1) * each;
        }
    cli_progress_clear();
}
