#include "cli/bench_turns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/text.h"

enum {
    ROUND_NS = 250000000, /* of a turn */
    MOST_CRASHES = 3      /* of a device; then the rest is left out */
};

/* --- progress --- */

struct bench_progress bench_progress;

/* What is done, of how many, and how long the rest may take. */
static void describe(const struct bench_subject *subject, const char *what,
                     char out[BENCH_REASON_BYTES])
{
    char left[64] = "";
    uint64_t ns = alx_clock_ns() - bench_progress.start_ns;
    if (bench_progress.done)
        snprintf(
            left, sizeof left, ", about %s left",
            cli_duration(ns / bench_progress.done *
                         (bench_progress.all - alx_min(bench_progress.done, bench_progress.all)))
                .text);
    snprintf(out, BENCH_REASON_BYTES, "%zu of %zu%s: device %zu, %s", bench_progress.done + 1,
             alx_max(bench_progress.all, bench_progress.done + 1), left, subject->info->number,
             what);
}

/* --- failures --- */

void bench_set_failed(struct bench_subject *subject, const char *phase)
{
    if (bench_is(subject->row, "status", "failed"))
        return; /* the first reason is the one to know */
    cli_json_set(subject->row, "status", json_string("failed"));
    cli_json_set(subject->row, "reason", cli_json_text(subject->reason));
    cli_json_set(subject->row, "phase", cli_json_text(phase));
}

/* After a failure: a child that died is counted. */
void bench_note_death(struct bench_subject *subject)
{
    subject->active = false;
    if (subject->worker.pid)
        return;
    subject->crashes++;
    subject->given_up = subject->worker.hung || subject->crashes >= MOST_CRASHES;
}

json_t *bench_ask(const struct bench_group *group, struct bench_subject *subject, json_t *request,
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

struct bench_taken *bench_find_taken(const struct bench_subject *subject,
                                     enum alx_precision precision, size_t batch, bool profiling)
{
    struct bench_taken *taken = subject->list;
    while (taken && (taken->precision != precision || taken->batch != batch ||
                     taken->profiling != profiling))
        taken = taken->next;
    return taken;
}

static void empty(struct bench_taken *taken)
{
    json_decref(taken->prepared);
    json_decref(taken->layers);
    json_decref(taken->control);
    free(taken->samples);
}

void bench_free_taken(struct bench_subject *subject)
{
    for (struct bench_taken *taken = subject->list, *next; taken; taken = next) {
        next = taken->next;
        empty(taken);
        free(taken);
    }
    subject->list = NULL;
}

/* Makes room for what is to be taken; a first visit begins anew. */
static void begin(struct bench_subject *subject, const struct bench_task *task)
{
    struct bench_taken *taken =
        bench_find_taken(subject, task->precision, subject->batch, task->profiling);
    subject->taken = taken;
    if (taken && task->visit)
        return;
    if (taken) {
        empty(taken);
    } else {
        taken = cli_alloc(1, sizeof *taken, "the samples");
        taken->next = subject->list;
        subject->list = taken;
    }
    *taken = (struct bench_taken){.precision = task->precision,
                                  .batch = subject->batch,
                                  .profiling = task->profiling,
                                  .next = taken->next};
    taken->samples = cli_alloc(BENCH_MOST_SAMPLES, sizeof *taken->samples, "the samples");
    subject->taken = taken;
}

/* Draws the session of a task; false with `reason` when there is none. */
static bool prepare(const struct bench_group *group, struct bench_subject *subject,
                    const struct bench_task *task)
{
    char what[96];
    snprintf(what, sizeof what, "%s, batch %zu%s", alx_precision_name(task->precision),
             subject->batch, task->profiling ? ", layers" : "");
    subject->used_ns = subject->turns = 0;
    subject->last_ms = 0;
    subject->warm = false;
    subject->reason[0] = 0;
    json_t *prepared =
        bench_ask(group, subject,
                  json_pack("{sssisIsbsbsb}", "do", "prepare", "precision", (int)task->precision,
                            "batch", (json_int_t)subject->batch, "profiling", (int)task->profiling,
                            "first", (int)!task->visit, "control", (int)(task->least_turns > 1)),
                  what);
    if (prepared && *bench_text(prepared, "wrong"))
        alx_text_copy(subject->reason, sizeof subject->reason, bench_text(prepared, "wrong"));
    if (!subject->taken->prepared)
        subject->taken->prepared = json_incref(prepared);
    json_decref(prepared);
    subject->active = !*subject->reason;
    if (!subject->active)
        bench_note_death(subject);
    return subject->active;
}

/* Adds each list of `more`, an array or an object of lists, to the one in its place. */
static void extend_lists(json_t **lists, json_t *more)
{
    const char *name;
    json_t *list;
    size_t i;
    if (json_is_null(more))
        return;
    if (!*lists) {
        *lists = json_deep_copy(more);
        return;
    }
    json_array_foreach(more, i, list) json_array_extend(json_array_get(*lists, i), list);
    json_object_foreach(more, name, list) json_array_extend(json_object_get(*lists, name), list);
}

/* A time is possible when it is positive, and no longer than what was waited for all of them. */
static void take_runs(struct bench_taken *taken, const json_t *reply, uint64_t waited_ns)
{
    const json_t *value, *runs = bench_array(reply, "runs");
    size_t i;
    double sum = 0;
    json_array_foreach(runs, i, value) sum += json_number_value(value);
    bool possible = sum <= (double)waited_ns / 1e6;
    json_array_foreach(runs, i, value)
    {
        double ms = json_number_value(value);
        if (taken->count < BENCH_MOST_SAMPLES)
            taken->samples[taken->count++] = possible && ms > 0 ? ms : NAN;
    }
    extend_lists(&taken->layers, json_object_get(reply, "layers"));
    extend_lists(&taken->control, json_object_get(reply, "control"));
}

/* How many samples there may be after this visit. */
static size_t most_samples(const struct bench_task *task)
{
    size_t most = task->profiling ? BENCH_MOST_LAYER_SAMPLES : BENCH_MOST_SAMPLES;
    return most * (task->visit + 1) / task->visits;
}

static uint64_t visit_ns(const struct bench_task *task)
{
    return task->time_ns / task->visits;
}

/* Runs that a turn may take: a quick network would have all its samples in one moment. */
static size_t turn_samples(const struct bench_taken *taken, const struct bench_task *task)
{
    size_t most = task->profiling ? BENCH_MOST_LAYER_SAMPLES : BENCH_MOST_SAMPLES;
    return alx_min(most / task->visits / task->least_turns, most_samples(task) - taken->count);
}

/* One turn of a device. Returns the reply, owned; NULL when it failed. */
static json_t *take_turn(const struct bench_group *group, struct bench_subject *subject,
                         const struct bench_task *task, bool warming)
{
    char what[128];
    struct alx_host_state before, after;
    struct bench_taken *taken = subject->taken;
    uint64_t left_ns = (warming ? task->warm_up_ns : visit_ns(task)) - subject->used_ns;
    snprintf(what, sizeof what, "%s, batch %zu%s: %s, %zu runs",
             alx_precision_name(task->precision), subject->batch, task->profiling ? ", layers" : "",
             warming ? "warming up" : "sampling", taken->count);
    alx_host_state_read(NULL, &before);
    uint64_t start_ns = alx_clock_ns();
    json_t *reply = bench_ask(
        group, subject,
        json_pack("{sssIsIsb}", "do", "sample", "ns", (json_int_t)alx_min(ROUND_NS, left_ns),
                  "most", (json_int_t)turn_samples(taken, task), "control", (int)!warming),
        what);
    uint64_t waited_ns = alx_clock_ns() - start_ns;
    alx_host_state_read(NULL, &after);
    subject->used_ns += waited_ns;
    if (!reply) {
        bench_note_death(subject);
        return NULL;
    }
    if (!warming) {
        subject->turns++;
        taken->used_ns += waited_ns;
        taken->joule += alx_host_joule(&before, &after);
        taken->images += json_array_size(bench_array(reply, "runs")) * subject->batch;
        take_runs(taken, reply, waited_ns);
    }
    return reply;
}

/* The clock is up when two turns take the same. */
static void warm_up(const struct bench_group *group, struct bench_subject *subject,
                    const struct bench_task *task)
{
    double values[BENCH_MOST_SAMPLES];
    struct alx_statistics s;
    json_t *reply = take_turn(group, subject, task, true), *value;
    size_t i, count = 0;
    json_array_foreach(json_object_get(reply, "runs"), i, value)
    {
        if (count < BENCH_MOST_SAMPLES)
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

static bool enough(const struct bench_subject *subject, const struct bench_task *task)
{
    struct alx_statistics s;
    const struct bench_taken *taken = subject->taken;
    if (subject->used_ns >= visit_ns(task) || taken->count >= most_samples(task))
        return true;
    return taken->count >= BENCH_LEAST_SAMPLES && subject->turns >= task->least_turns &&
           alx_statistics_in_order(taken->samples, taken->count, 1, &s) == ALX_STATUS_OK &&
           alx_statistics_are_steady(&s, task->interval);
}

/* Every subject whose `batch` is not 0; what came out is in each. */
void bench_measure(const struct bench_group *group, const struct bench_task *task)
{
    size_t running = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct bench_subject *subject = &group->subjects[i];
        subject->active = false;
        subject->untried = subject->given_up;
        if (subject->batch)
            begin(subject, task);
        if (subject->batch && !subject->given_up)
            running += prepare(group, subject, task);
        else if (subject->given_up)
            alx_text_copy(subject->reason, sizeof subject->reason,
                          "not tried after what happened before");
    }
    while (running) {
        running = 0;
        for (size_t i = 0; i < group->count; i++) {
            struct bench_subject *subject = &group->subjects[i];
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
    for (size_t i = 0; i < group->count; i++)
        if (group->subjects[i].batch)
            alx_text_copy(group->subjects[i].taken->reason, BENCH_REASON_BYTES,
                          group->subjects[i].reason);
    bench_progress.done += group->count;
}
