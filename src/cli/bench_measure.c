/*
 * Which measurements are made, in which order, and what becomes of them.
 *
 * Devices that are measured together take their turns in each round of a measurement, so that what
 * happens to the machine meanwhile happens to all of them; measured alone, a device is the only one
 * in its group.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_turns.h"
#include "cli/json.h"
#include "cli/message.h"
#include "util/clock.h"
#include "util/memory.h"

/* --- what becomes of a measurement --- */

static void set_failed_run(struct bench_subject *subject, const struct bench_task *task)
{
    char phase[64];
    snprintf(phase, sizeof phase, "%s batch %zu", alx_precision_name(task->precision),
             subject->batch);
    bench_set_failed(subject, phase);
}

static bool shares_package(const struct alx_device_info *info)
{
    return info->type == ALX_DEVICE_CPU || info->unified_memory;
}

/* Heat shows as runs that become longer. */
static void note_drift(json_t *run, const struct bench_subject *subject)
{
    enum { PERCENT = 7 };
    struct alx_statistics first, last;
    size_t third = subject->count / 3;
    if (third < BENCH_LEAST_SAMPLES ||
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
static json_t *add_run(struct bench_subject *subject, const struct bench_task *task)
{
    static const char *const copied[] = {"build_ms", "upload_ms",   "first_run_ms", "programs",
                                         "check",    "plan_sha256", "plan",         "device_bytes"};
    json_t *run = bench_new_run(task->precision, subject->batch);
    json_array_append_new(json_object_get(subject->row, "runs"), run);
    for (size_t i = 0; i < sizeof copied / sizeof *copied && subject->prepared; i++)
        cli_json_set(run, copied[i], json_incref(json_object_get(subject->prepared, copied[i])));
    if (*subject->reason) {
        bool skipped = subject->untried || subject->worker.limited;
        cli_json_set(run, "status", json_string(skipped ? "skipped" : "failed"));
        cli_json_set(run, "reason", cli_json_text(subject->reason));
        if (!skipped)
            set_failed_run(subject, task);
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

static double rate_of(const struct bench_subject *subject)
{
    struct alx_statistics s;
    if (alx_statistics_of(subject->samples, subject->count, &s) != ALX_STATUS_OK)
        return NAN;
    return (double)subject->batch * 1000 / s.median;
}

static void append_batch(struct bench_subject *subject, enum alx_precision precision, double rate,
                         const char *reason)
{
    json_t *entry = json_object();
    cli_json_set(entry, "precision", json_string(alx_precision_name(precision)));
    cli_json_set(entry, "batch", cli_json_count(subject->batch));
    cli_json_set(entry, "images_per_s", cli_json_number(rate));
    cli_json_set(entry, "reason", cli_json_text(reason));
    json_array_append_new(json_object_get(subject->row, "batches"), entry);
}

/* On a slow device a large batch takes longer than a whole measurement may: false, and noted. */
static bool is_worth_trying(struct bench_subject *subject, const struct bench_task *task,
                            size_t batch)
{
    char reason[96];
    double run_s = (double)batch / subject->best_rate;
    subject->batch = batch;
    if (subject->searching && run_s * 1e9 > (double)task->time_ns) {
        snprintf(reason, sizeof reason, "a run would take about %.1f s", run_s);
        append_batch(subject, task->precision, NAN, reason);
        subject->searching = false;
    }
    if (!subject->searching)
        subject->batch = 0;
    return subject->searching;
}

static void add_batch(struct bench_subject *subject, const struct bench_task *task)
{
    bool failed = *subject->reason;
    double rate = failed ? NAN : rate_of(subject);
    append_batch(subject, task->precision, rate, subject->reason);
    /* Too little memory only ends the search; wrong results and a driver that died are failures. */
    if (failed && !subject->untried && (subject->prepared || !subject->worker.pid))
        set_failed_run(subject, task);
    /* a gain that is worth the longer wait */
    subject->searching = !failed && rate > 1.05 * subject->best_rate;
    if (rate > subject->best_rate) {
        subject->best_rate = rate;
        subject->best_batch = subject->batch;
    }
}

/* --- layers --- */

/* Times of a layer in ms, NAN where they cannot be: a layer longer than its run, layers that are
 * together longer, or next to no time at all, which some drivers give for every kernel. */
static const char *layer_samples(const struct bench_subject *subject, size_t layer, double *out)
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
        else if (!(sum >= 0.01 * run))
            reason = "the device's clock tells less than a hundredth of the run for all layers";
        else
            continue;
        out[i] = NAN;
    }
    return reason;
}

static void add_layers(struct bench_subject *subject, json_t *run)
{
    double *times = cli_alloc(BENCH_MOST_SAMPLES, sizeof *times, "the layers' times");
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

static void take_trace(const struct bench_group *group, struct bench_subject *subject)
{
    json_t *reply = bench_ask(group, subject, json_pack("{ss}", "do", "trace"), "trace");
    json_t *entry;
    if (!reply)
        return;
    entry = json_pack("{sisO}", "number", (int)subject->info->number, "events",
                      json_object_get(reply, "events"));
    json_array_append_new(group->bench->trace, entry);
    json_decref(reply);
}

/* --- the measurements of a group --- */

/* Adds samples of each limit. */
static void take_limits(struct bench_subject *subject, const json_t *reply)
{
    json_t *limits = json_object_get(subject->row, "limits"), *list;
    const char *name;
    if (!json_is_object(limits)) {
        cli_json_set(subject->row, "limits",
                     json_pack("{sO}", "samples", json_object_get(reply, "samples")));
        return;
    }
    json_object_foreach(json_object_get(reply, "samples"), name, list)
        json_array_extend(json_object_get(json_object_get(limits, "samples"), name), list);
}

static bool ask_limits(const struct bench_group *group, struct bench_subject *subject)
{
    json_t *reply = bench_ask(group, subject, json_pack("{ss}", "do", "limits"), "limits");
    bool answered = reply;
    if (answered)
        take_limits(subject, reply);
    json_decref(reply);
    bench_progress.done++;
    return answered;
}

static void measure_limits(const struct bench_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        struct bench_subject *subject = &group->subjects[i];
        struct alx_host_state state;
        alx_host_state_read(NULL, &state);
        cli_json_set(subject->row, "before", bench_state_json(&state));
        if (ask_limits(group, subject))
            continue;
        bench_note_death(subject);
        subject->given_up = true; /* what cannot do so little */
        bench_set_failed(subject, "limits");
    }
}

/* Once more at the end: the best of both counts, so that a disturbance does not lower a roof. */
static void measure_limits_again(const struct bench_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->subjects[i].worker.pid)
            ask_limits(group, &group->subjects[i]);
}

static void set_batches(const struct bench_group *group, size_t batch)
{
    for (size_t i = 0; i < group->count; i++)
        group->subjects[i].batch = batch;
}

/* Larger and larger batches, until images per second stop growing or something ends. */
static void search_batches(const struct bench_group *group, const struct bench_task *whole)
{
    const struct bench *bench = group->bench;
    const struct bench_task task = {whole->precision, false, bench->search_ns, bench->search_ns / 2,
                                    whole->interval};
    size_t done = bench_progress.done, wanted = 1;
    for (size_t batch = 4; wanted && batch <= bench->most_batch; batch *= 2) {
        wanted = 0;
        for (size_t i = 0; i < group->count; i++)
            wanted += is_worth_trying(&group->subjects[i], whole, batch);
        if (wanted)
            bench_measure(group, &task);
        bench_progress.done = done; /* the whole search counts as one */
        for (size_t i = 0; i < group->count; i++)
            if (group->subjects[i].batch)
                add_batch(&group->subjects[i], &task);
    }
    bench_progress.done += group->count;
}

static void measure_precision(const struct bench_group *group, enum alx_precision precision)
{
    const struct bench *bench = group->bench;
    const struct bench_task task = {precision, false, bench->time_ns, bench->warm_up_ns,
                                    bench->interval};
    size_t asked = bench->options->batch;
    set_batches(group, asked ? asked : 1);
    bench_measure(group, &task);
    for (size_t i = 0; i < group->count; i++) {
        struct bench_subject *subject = &group->subjects[i];
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
    search_batches(group, &task);
    for (size_t i = 0; i < group->count; i++) {
        struct bench_subject *subject = &group->subjects[i];
        subject->batch = subject->best_batch > 1 ? subject->best_batch : 0;
        if (subject->best_batch == 1) {
            json_t *runs = json_object_get(subject->row, "runs");
            cli_json_set(json_array_get(runs, json_array_size(runs) - 1), "best", json_true());
        }
    }
    bench_measure(group, &task);
    for (size_t i = 0; i < group->count; i++) {
        json_t *run = group->subjects[i].batch ? add_run(&group->subjects[i], &task) : NULL;
        if (run)
            cli_json_set(run, "best", json_true());
    }
}

/* The run of a subject that is number `index` of those that succeeded at a precision. */
static json_t *good_run(const struct bench_subject *subject, enum alx_precision precision,
                        size_t index)
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
static void measure_layers(const struct bench_group *group, enum alx_precision precision,
                           size_t index)
{
    const struct bench *bench = group->bench;
    const struct bench_task task = {precision, true, bench->time_ns / 2, bench->warm_up_ns / 2,
                                    bench->interval};
    for (size_t i = 0; i < group->count; i++) {
        const json_t *run = good_run(&group->subjects[i], precision, index);
        group->subjects[i].batch = run ? (size_t)bench_number(run, "batch") : 0;
    }
    bench_measure(group, &task);
    for (size_t i = 0; i < group->count; i++) {
        struct bench_subject *subject = &group->subjects[i];
        if (!subject->batch)
            continue;
        add_layers(subject, good_run(subject, precision, index));
        if (bench->trace && !*subject->reason && !index && precision == bench->precisions[0])
            take_trace(group, subject);
    }
}

static void finish(struct bench_subject *subject, const struct bench *bench)
{
    struct alx_host_state state;
    const json_t *runs = bench_array(subject->row, "runs"), *run;
    size_t i, good = 0;
    json_array_foreach(runs, i, run) good += bench_is(run, "status", "ok");
    if (!bench_is(subject->row, "status", "failed")) {
        cli_json_set(subject->row, "status", json_string(good ? "ok" : "skipped"));
        cli_json_set(subject->row, "reason",
                     cli_json_text(good ? "" : bench_text(json_array_get(runs, 0), "reason")));
    }
    bench_worker_stop(&subject->worker, bench);
    alx_host_state_read(NULL, &state);
    cli_json_set(subject->row, "after", bench_state_json(&state));
    json_decref(subject->prepared);
    json_decref(subject->layers);
    free(subject->samples);
}

static void measure_group(struct bench *bench, const size_t *chosen, size_t count)
{
    struct bench_subject *subjects = cli_alloc(count, sizeof *subjects, "the devices");
    const struct bench_group group = {bench, subjects, count};
    for (size_t i = 0; i < count; i++) {
        subjects[i].info_index = chosen[i];
        subjects[i].info = &bench->infos[chosen[i]];
        subjects[i].row = bench_row(bench, chosen[i]);
        subjects[i].samples =
            cli_alloc(BENCH_MOST_SAMPLES, sizeof *subjects[i].samples, "the samples");
    }
    measure_limits(&group);
    for (size_t p = 0; p < bench->precision_count; p++)
        measure_precision(&group, bench->precisions[p]);
    for (size_t p = 0; p < bench->precision_count; p++)
        for (size_t index = 0; index < (bench->options->batch ? 1 : 2); index++)
            measure_layers(&group, bench->precisions[p], index);
    measure_limits_again(&group);
    for (size_t i = 0; i < count; i++)
        finish(&subjects[i], bench);
    free(subjects);
}

void bench_measure_all(struct bench *bench)
{
    /* limits, twice; a run and its layers; the search, the best batch and its layers */
    size_t each = 2 + bench->precision_count * (bench->options->batch ? 2 : 5);
    bench_progress.done = 0;
    bench_progress.all = bench->chosen_count * each;
    bench_progress.start_ns = alx_clock_ns();
    if (bench->options->interleave)
        measure_group(bench, bench->chosen, bench->chosen_count);
    else
        for (size_t i = 0; i < bench->chosen_count; i++) {
            measure_group(bench, bench->chosen + i, 1);
            bench_progress.done = (i + 1) * each;
        }
    cli_progress_clear();
}
