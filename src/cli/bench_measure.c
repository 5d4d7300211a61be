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

#include "cli/bench_report.h"
#include "cli/bench_tables.h"
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

static const struct bench_taken *taken_of(const struct bench_subject *subject, const json_t *run,
                                          bool profiling)
{
    int precision = ALX_PRECISION_FP32;
    while (precision < ALX_PRECISION_INT8 &&
           !bench_is(run, "precision", alx_precision_name((enum alx_precision)precision)))
        precision++;
    return bench_find_taken(subject, (enum alx_precision)precision,
                            (size_t)bench_number(run, "batch"), profiling);
}

static bool shares_package(const struct alx_device_info *info)
{
    return info->type == ALX_DEVICE_CPU || info->unified_memory;
}

/* Heat shows as runs that become longer. */
static void note_drift(json_t *run, const struct bench_taken *taken)
{
    enum { PERCENT = 7 };
    struct alx_statistics first, last;
    size_t third = taken->count / 3;
    if (third < BENCH_LEAST_SAMPLES ||
        alx_statistics_of(taken->samples, third, &first) != ALX_STATUS_OK ||
        alx_statistics_of(taken->samples + taken->count - third, third, &last) != ALX_STATUS_OK)
        return;
    double percent = 100 * (last.median / first.median - 1);
    if (percent > PERCENT)
        json_array_append_new(
            json_object_get(run, "notes"),
            json_sprintf("slowed down by %.0f %% while it was measured", percent));
}

static void set_failed(struct bench_subject *subject, const struct bench_task *task, json_t *run)
{
    bool skipped = subject->untried || subject->worker.limited;
    cli_json_set(run, "status", json_string(skipped ? "skipped" : "failed"));
    cli_json_set(run, "reason", cli_json_text(subject->reason));
    if (!skipped)
        set_failed_run(subject, task);
}

/* The entry of a measured batch, its times left out; NULL when it failed. */
static json_t *add_run(struct bench_subject *subject, const struct bench_task *task)
{
    static const char *const copied[] = {"build_ms", "upload_ms",    "first_run_ms",
                                         "programs", "check",        "plan_sha256",
                                         "plan",     "device_bytes", "streamed_bytes"};
    const json_t *prepared = subject->taken->prepared;
    json_t *run = bench_new_run(task->precision, subject->batch);
    json_array_append_new(json_object_get(subject->row, "runs"), run);
    for (size_t i = 0; i < sizeof copied / sizeof *copied && prepared; i++)
        cli_json_set(run, copied[i], json_incref(json_object_get(prepared, copied[i])));
    if (!*subject->reason)
        return run;
    set_failed(subject, task, run);
    return NULL;
}

/* What came out of all visits. */
static void finish_run(const struct bench_subject *subject, json_t *run, double interval)
{
    const struct bench_taken *taken = taken_of(subject, run, false);
    if (!taken || !bench_is(run, "status", "ok"))
        return;
    struct alx_statistics s = bench_set_spread(run, taken->samples, taken->count);
    cli_json_set(run, "steady", json_boolean(alx_statistics_are_steady(&s, interval)));
    cli_json_set(run, "control", json_incref(taken->control));
    if (shares_package(subject->info) && taken->images)
        cli_json_set(run, "joule_per_image", cli_json_number(taken->joule / (double)taken->images));
    note_drift(run, taken);
    if (*taken->reason)
        json_array_append_new(json_object_get(run, "notes"),
                              json_sprintf("measured once: %s", taken->reason));
}

static double rate_of(const struct bench_subject *subject)
{
    struct alx_statistics s;
    const struct bench_taken *taken = subject->taken;
    if (alx_statistics_of(taken->samples, taken->count, &s) != ALX_STATUS_OK)
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
    if (failed && !subject->untried && (subject->taken->prepared || !subject->worker.pid))
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
static const char *layer_samples(const struct bench_taken *taken, size_t layer, double *out)
{
    const char *reason = "";
    size_t layers = json_array_size(taken->layers);
    for (size_t i = 0; i < taken->count; i++) {
        double run = taken->samples[i], sum = 0;
        for (size_t j = 0; j < layers; j++)
            sum += json_number_value(json_array_get(json_array_get(taken->layers, j), i));
        out[i] = json_number_value(json_array_get(json_array_get(taken->layers, layer), i));
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

static void note_profiling(const struct bench_taken *taken, json_t *run)
{
    struct alx_statistics s;
    if (alx_statistics_of(taken->samples, taken->count, &s) != ALX_STATUS_OK)
        return;
    cli_json_set(run, "profiled_ms", cli_json_number(s.median));
    double slower = s.median / bench_number(run, "median_ms");
    if (slower > 1.1)
        json_array_append_new(
            json_object_get(run, "notes"),
            json_sprintf("profiling makes it %.2f times slower: layers are shorter in the run",
                         slower));
}

static void note_clock(const struct bench_taken *taken, json_t *run)
{
    if (json_is_true(json_object_get(taken->prepared, "waits")))
        json_array_append_new(
            json_object_get(run, "notes"),
            json_string("the device's clock tells next to no time: each layer is waited for, and "
                        "timed by the host's clock, the launch and the wait included"));
}

static void finish_layers(const struct bench_subject *subject, json_t *run)
{
    const struct bench_taken *taken = taken_of(subject, run, true);
    if (!taken || !bench_is(run, "status", "ok"))
        return;
    if (*taken->reason)
        json_array_append_new(json_object_get(run, "notes"),
                              json_sprintf(taken->count ? "the layers were measured once: %s"
                                                        : "the layers have no times: %s",
                                           taken->reason));
    if (!taken->count)
        return;
    double *times = cli_alloc(taken->count, sizeof *times, "the layers' times");
    json_t *list = json_object_get(run, "layers"), *layer;
    size_t i;
    json_array_foreach(json_object_get(taken->prepared, "layers"), i, layer)
    {
        const char *reason = layer_samples(taken, i, times);
        struct alx_statistics s = bench_set_spread(layer, times, taken->count);
        cli_json_set(layer, "reason", cli_json_text(s.count ? "" : reason));
        json_array_append(list, layer);
    }
    free(times);
    cli_json_set(run, "profiled_control", json_incref(taken->control));
    note_clock(taken, run);
    note_profiling(taken, run);
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

/* Adds samples of each limit, and takes what else the reply says of the device. */
static void take_limits(struct bench_subject *subject, const json_t *reply)
{
    json_t *limits = json_object_get(subject->row, "limits"), *list;
    const char *name;
    cli_json_set(subject->row, "left_out", json_incref(json_object_get(reply, "left_out")));
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
    const struct bench_task task = {.precision = whole->precision,
                                    .visits = 1,
                                    .least_turns = 1,
                                    .time_ns = bench->search_ns,
                                    .warm_up_ns = bench->search_ns / 2,
                                    .interval = whole->interval};
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

/* What was best in the document to compare with: searched anew, it might be another one. */
static void take_old_batch(const struct bench *bench, struct bench_subject *subject,
                           enum alx_precision precision)
{
    const json_t *devices = json_object_get(bench->old, "devices"), *run = NULL;
    for (size_t i = 0; i < json_array_size(bench->rows); i++)
        if (json_array_get(bench->rows, i) == subject->row)
            run = bench_find_run(bench_find_device(devices, bench->rows, i),
                                 alx_precision_name(precision), true);
    if (!run)
        return;
    subject->best_batch = (size_t)bench_number(run, "batch");
    subject->searching = false;
}

static struct bench_task whole_task(const struct bench *bench, enum alx_precision precision,
                                    size_t visit)
{
    return (struct bench_task){.precision = precision,
                               .visit = visit,
                               .visits = bench->visits,
                               .least_turns = BENCH_LEAST_TURNS,
                               .time_ns = bench->time_ns,
                               .warm_up_ns = bench->warm_up_ns / (visit ? bench->visits : 1),
                               .interval = bench->interval};
}

static void measure_precision(const struct bench_group *group, enum alx_precision precision)
{
    const struct bench *bench = group->bench;
    const struct bench_task task = whole_task(bench, precision, 0);
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
        if (run && !asked) {
            add_batch(subject, &task);
            take_old_batch(bench, subject, precision);
        }
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

/* Batches of the runs that are number `index` of the good ones and still have time left. */
static void set_good_batches(const struct bench_group *group, const struct bench_task *task,
                             size_t index)
{
    for (size_t i = 0; i < group->count; i++) {
        struct bench_subject *subject = &group->subjects[i];
        const json_t *run = good_run(subject, task->precision, index);
        const struct bench_taken *taken = run ? taken_of(subject, run, task->profiling) : NULL;
        bool done = task->visit && (!taken || taken->used_ns >= task->time_ns);
        subject->batch = run && !done ? (size_t)bench_number(run, "batch") : 0;
    }
}

/* Some time later. */
static void measure_again(const struct bench_group *group, const struct bench_task *task,
                          size_t index)
{
    set_good_batches(group, task, index);
    bench_measure(group, task);
    for (size_t i = 0; i < group->count; i++) {
        struct bench_subject *subject = &group->subjects[i];
        if (subject->batch && *subject->reason && !subject->untried)
            set_failed(subject, task, good_run(subject, task->precision, index));
    }
}

/* With a profiling queue, which some drivers run slower: after everything else. */
static void measure_layers(const struct bench_group *group, enum alx_precision precision,
                           size_t visit, size_t index)
{
    const struct bench *bench = group->bench;
    struct bench_task task = whole_task(bench, precision, visit);
    task.profiling = true;
    task.time_ns /= 2;
    task.warm_up_ns /= 2;
    set_good_batches(group, &task, index);
    bench_measure(group, &task);
    for (size_t i = 0; i < group->count && bench->trace && !visit && !index; i++)
        if (group->subjects[i].batch && !*group->subjects[i].reason &&
            precision == bench->precisions[0])
            take_trace(group, &group->subjects[i]);
}

/* Runs are measured first, then their layers. */
static void visit(const struct bench_group *group, size_t number)
{
    const struct bench *bench = group->bench;
    size_t runs = bench->options->batch ? 1 : 2; /* of a precision */
    for (size_t p = 0; p < bench->precision_count; p++) {
        const struct bench_task task = whole_task(bench, bench->precisions[p], number);
        if (!number)
            measure_precision(group, bench->precisions[p]);
        for (size_t index = runs; number && index-- > 0;) /* what failed is no good run any more */
            measure_again(group, &task, index);
    }
    for (size_t p = 0; p < bench->precision_count; p++)
        for (size_t index = 0; index < runs; index++)
            measure_layers(group, bench->precisions[p], number, index);
}

/* A process has drawn by lot where its memory lies, and buffers that it frees are given to it
 * again: each visit has one of its own. The last one stays for the limits. */
static void end_visit(const struct bench_group *group, size_t number)
{
    for (size_t i = 0; i < group->count && number + 1 < group->bench->visits; i++)
        bench_worker_stop(&group->subjects[i].worker, group->bench);
}

static void finish(struct bench_subject *subject, const struct bench *bench)
{
    struct alx_host_state state;
    json_t *runs = json_object_get(subject->row, "runs"), *run;
    size_t i, good = 0;
    json_array_foreach(runs, i, run)
    {
        finish_run(subject, run, bench->interval);
        finish_layers(subject, run);
        good += bench_is(run, "status", "ok");
    }
    if (!bench_is(subject->row, "status", "failed")) {
        cli_json_set(subject->row, "status", json_string(good ? "ok" : "skipped"));
        cli_json_set(subject->row, "reason",
                     cli_json_text(good ? "" : bench_text(json_array_get(runs, 0), "reason")));
    }
    bench_worker_stop(&subject->worker, bench);
    alx_host_state_read(NULL, &state);
    cli_json_set(subject->row, "after", bench_state_json(&state));
    bench_free_taken(subject);
}

static void measure_group(struct bench *bench, const size_t *chosen, size_t count)
{
    struct bench_subject *subjects = cli_alloc(count, sizeof *subjects, "the devices");
    const struct bench_group group = {bench, subjects, count};
    struct alx_host_state before;
    alx_host_state_read(NULL, &before);
    for (size_t i = 0; i < count; i++) {
        subjects[i].info_index = chosen[i];
        subjects[i].info = &bench->infos[chosen[i]];
        subjects[i].row = bench_row(bench, chosen[i]);
    }
    measure_limits(&group);
    for (size_t number = 0; number < bench->visits; number++) {
        visit(&group, number);
        end_visit(&group, number);
    }
    measure_limits_again(&group);
    for (size_t i = 0; i < count; i++)
        finish(&subjects[i], bench);
    for (size_t i = 0; i < count; i++)
        bench_note_others(json_object_get(subjects[i].row, "notes"), &before, "meanwhile");
    free(subjects);
}

void bench_measure_all(struct bench *bench)
{
    /* limits, twice; runs and their layers, of batch 1 and the best one, which is searched once */
    size_t runs = bench->options->batch ? 1 : 2;
    size_t each = 2 + bench->precision_count * (2 * runs * bench->visits + runs - 1);
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
