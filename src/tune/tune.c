#include <alexnet_cl/tune.h>

#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "plan/tunings.h"
#include "tune/search.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/stats.h"

/* Steps that are computed in the same way are one problem. */
struct problem {
    struct alx_tuning key;
    size_t step;  /* the first of them */
    double share; /* of the network's time */
    struct alx_search search;
};

enum { VARIANTS = 3 }; /* the best of every problem, the second best, the third best */

struct tuner {
    alx_device *device;
    const alx_net *net;
    const struct alx_tune_options *options;
    alx_tune_report *report;
    void *user;
    alx_tunings *into;
    struct alx_tune_result *result;

    uint64_t start_ns, search_end_ns, end_ns;
    alx_model *model; /* random */
    float *in, *out;  /* [batch, ...] */
    alx_plan *plan;   /* without tunings */
    alx_session *session;
    struct alx_chill chill;
    struct problem *problems;
    size_t problem_count, done;
};

static void tell(struct tuner *t, const char *what, bool found)
{
    uint64_t now_ns = alx_clock_ns();
    struct alx_tune_progress progress = {.what = what,
                                         .done = t->done,
                                         .all = t->problem_count,
                                         .candidates = t->result->candidates,
                                         .left_ns = now_ns < t->end_ns ? t->end_ns - now_ns : 0,
                                         .found = found};
    if (t->report)
        t->report(t->user, &progress);
}

/* --- the whole network --- */

/* A plan of the whole network with times of its steps. */
struct variant {
    alx_plan *plan;
    alx_session *session;
};
enum { NETWORK_ROUNDS = 9, FEWEST_ROUNDS = 3 };

static void variant_close(struct variant *variant)
{
    alx_session_destroy(&variant->session);
    alx_plan_destroy(&variant->plan);
}

static enum alx_status variant_open(struct tuner *t, const alx_tunings *tunings,
                                    struct variant *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct variant variant = {0};
    const struct alx_plan_options options = {.batch = t->options->batch,
                                             .precision = t->options->precision,
                                             .memory_limit_bytes = t->options->memory_limit_bytes,
                                             .tunings = tunings};
    ALX_TRY(alx_plan_create(t->net, t->device, &options, &variant.plan));
    ALX_TRY(alx_session_create(variant.plan, t->model, &variant.session));
    ALX_TRY(alx_session_run(variant.session, t->in, alx_plan_batch(variant.plan), t->out));
    *out = variant;
    variant = (struct variant){0};
error:
    variant_close(&variant);
    return status;
}

/* Times of some variants, measured in turn: of each step, and behind them of the whole. */
struct times {
    size_t variants, steps, rounds;
    uint64_t *ns; /* [variants][steps + 1][NETWORK_ROUNDS] */
};

static uint64_t *times_of(const struct times *times, size_t variant, size_t step)
{
    return times->ns + (variant * (times->steps + 1) + step) * NETWORK_ROUNDS;
}

/* `out->ns` is owned: free(). */
static enum alx_status time_variants(struct tuner *t, const struct variant *variants, size_t count,
                                     struct times *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct times times = {.variants = count, .steps = t->plan->step_count};
    ALX_TRY(alx_alloc(count * (times.steps + 1) * NETWORK_ROUNDS, sizeof *times.ns, "tuning",
                      &times.ns));
    for (; times.rounds < NETWORK_ROUNDS; times.rounds++) {
        if (times.rounds >= FEWEST_ROUNDS && alx_clock_ns() >= t->end_ns)
            break;
        for (size_t v = 0; v < count; v++) {
            const alx_session *session = variants[v].session;
            ALX_TRY(alx_session_run(variants[v].session, t->in, alx_plan_batch(t->plan), t->out));
            for (size_t i = 0; i < times.steps; i++)
                times_of(&times, v, i)[times.rounds] = alx_session_step_ns(session, i);
            times_of(&times, v, times.steps)[times.rounds] = alx_session_measured_ns(session);
        }
    }
    *out = times;
    times.ns = NULL;
error:
    free(times.ns);
    return status;
}

/* What problem `p` takes in a variant: the sum over its steps. */
static uint64_t problem_ns(const struct tuner *t, const struct times *times, size_t variant,
                           const struct problem *p)
{
    struct alx_tuning key;
    uint64_t sum = 0;
    for (size_t i = 0; i < times->steps; i++) {
        alx_tunings_key(t->into, alx_device_get_info(t->device), &t->plan->steps[i].problem, &key);
        if (!strcmp(key.layer, p->key.layer))
            sum += alx_median(times_of(times, variant, i), times->rounds);
    }
    return sum;
}

/* --- beginning: the default, and which layers cost what --- */

static enum alx_status open_default(struct tuner *t)
{
    enum alx_status status = ALX_STATUS_OK;
    struct variant variant;
    struct alx_shape in = alx_net_input(t->net), out = alx_net_output(t->net);
    size_t in_elems = t->options->batch * in.channels * in.height * in.width;
    size_t out_elems = t->options->batch * out.channels * out.height * out.width;
    ALX_TRY(alx_model_create_random(t->net, 3, &t->model));
    ALX_TRY(alx_alloc(in_elems, sizeof *t->in, "tuning", &t->in));
    ALX_TRY(alx_alloc(out_elems, sizeof *t->out, "tuning", &t->out));
    for (size_t i = 0; i < in_elems; i++)
        t->in[i] = (float)(i * 7919 % 251) / 251 - 0.5f;
    ALX_TRY(variant_open(t, NULL, &variant));
    t->plan = variant.plan;
    t->session = variant.session;
    ALX_TRY(alx_chill_create(t->device, &t->plan->traits, &t->chill));
error:
    return status;
}

static enum alx_status add_problem(struct tuner *t, size_t step)
{
    enum alx_status status = ALX_STATUS_OK;
    struct problem *p = &t->problems[t->problem_count];
    alx_tunings_key(t->into, alx_device_get_info(t->device), &t->plan->steps[step].problem,
                    &p->key);
    for (size_t i = 0; i < t->problem_count; i++)
        if (!strcmp(t->problems[i].key.layer, p->key.layer))
            return ALX_STATUS_OK;
    ALX_TRY(alx_search_create(t->plan, step, t->options->exhaustive, &p->search));
    p->step = step;
    if (p->search.count > 1)
        t->problem_count++;
    else
        alx_search_destroy(&p->search);
error:
    return status;
}

static int compare_shares(const void *a, const void *b)
{
    double x = ((const struct problem *)a)->share, y = ((const struct problem *)b)->share;
    return (x < y) - (x > y);
}

/* Lists the problems, those that cost most first, and keeps time for the whole network. */
static enum alx_status list_problems(struct tuner *t)
{
    enum alx_status status = ALX_STATUS_OK;
    struct times times = {0};
    struct variant usual = {t->plan, t->session};
    uint64_t opened_ns = alx_clock_ns() - t->start_ns;
    ALX_TRY(alx_alloc(t->plan->step_count, sizeof *t->problems, "tuning", &t->problems));
    for (size_t i = 0; i < t->plan->step_count; i++)
        ALX_TRY(add_problem(t, i));
    ALX_TRY(time_variants(t, &usual, 1, &times));
    uint64_t whole_ns = alx_median(times_of(&times, 0, times.steps), times.rounds);
    for (size_t i = 0; i < t->problem_count; i++)
        t->problems[i].share =
            (double)problem_ns(t, &times, 0, &t->problems[i]) / (double)alx_max(1, whole_ns);
    qsort(t->problems, t->problem_count, sizeof *t->problems, compare_shares);
    uint64_t budget_ns = t->end_ns - t->start_ns;
    uint64_t kept_ns = 2 * opened_ns + (VARIANTS + 1) * 2 * NETWORK_ROUNDS * whole_ns;
    t->search_end_ns = t->end_ns - (kept_ns < budget_ns / 2 ? kept_ns : budget_ns / 2);
    t->result->layers = t->problem_count;
error:
    free(times.ns);
    return status;
}

/* --- layer by layer --- */

/* Where nothing was compared, nothing was found. */
static enum alx_status set_tuning(alx_tunings *tunings, const struct problem *p, size_t place,
                                  uint64_t ns, uint64_t default_ns)
{
    const struct alx_way *way = &p->search.list[place].way;
    return p->search.measured > 1
               ? alx_tunings_set(tunings, &p->key, way->algorithm, &way->params, ns, default_ns)
               : ALX_STATUS_OK;
}

/* Time is given by what layers cost; what one leaves over, the next ones get. */
static uint64_t deadline_of(const struct tuner *t, size_t problem)
{
    uint64_t now_ns = alx_clock_ns();
    double rest = 0;
    if (t->options->exhaustive)
        return UINT64_MAX;
    for (size_t i = problem; i < t->problem_count; i++)
        rest += t->problems[i].share;
    if (now_ns >= t->search_end_ns || rest <= 0)
        return now_ns;
    double part = t->problems[problem].share / rest;
    return now_ns + (uint64_t)(part * (double)(t->search_end_ns - now_ns));
}

static enum alx_status tune_problem(struct tuner *t, size_t index)
{
    enum alx_status status = ALX_STATUS_OK;
    struct problem *p = &t->problems[index];
    struct alx_layer_trial trial = {0};
    const char *name = t->plan->steps[p->step].info.layer.name;
    tell(t, name, false);
    ALX_TRY(
        alx_layer_trial_create(t->plan, p->step, t->model, t->options->memory_limit_bytes, &trial));
    ALX_TRY(alx_search_run(&p->search, &trial, &t->chill, deadline_of(t, index),
                           t->options->exhaustive));
    t->result->candidates += p->search.measured;
    t->result->refused += p->search.refused;
    t->done++;
    ALX_TRY(set_tuning(t->into, p, 0,
                       (uint64_t)(p->search.list[0].score * (double)p->search.default_ns),
                       p->search.default_ns));
    tell(t, name, true);
error:
    alx_layer_trial_destroy(&trial);
    return status;
}

/* --- the best ones, in the whole network --- */

/* The place of a problem's way in a variant: later ones differ only where they may win. */
static size_t place_in(const struct problem *p, size_t variant)
{
    const double close = 1.15;
    bool may = variant < p->search.count && p->search.list[variant].state == ALX_MEASURED &&
               p->search.list[variant].score < close * p->search.list[0].score;
    return may ? variant : 0;
}

/* Opens the default and the variants that fit into memory. */
static enum alx_status open_variants(struct tuner *t, struct variant variants[VARIANTS + 1],
                                     size_t *count)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_tunings *tunings = NULL;
    const struct alx_plan_memory m = alx_plan_memory(t->plan);
    uint64_t each = m.weights_bytes + m.arena_bytes + m.staging_bytes;
    variants[0] = (struct variant){t->plan, t->session};
    *count = 1;
    for (size_t v = 0; v < VARIANTS && (*count + 1) * each <= m.limit_bytes; v++) {
        if (v && alx_clock_ns() >= t->end_ns)
            break;
        ALX_TRY(alx_tunings_create(&tunings));
        for (size_t i = 0; i < t->done; i++)
            ALX_TRY(set_tuning(tunings, &t->problems[i], place_in(&t->problems[i], v), 1, 1));
        ALX_TRY(variant_open(t, tunings, &variants[*count]));
        alx_tunings_destroy(&tunings);
        ++*count;
    }
error:
    alx_tunings_destroy(&tunings);
    return status;
}

/* For every problem the variant in which it was fastest; the default unless another one is clearly
 * better. */
static enum alx_status compose(struct tuner *t, const struct times *times)
{
    enum alx_status status = ALX_STATUS_OK;
    const double clearly = 0.99;
    for (size_t i = 0; i < t->done; i++) {
        const struct problem *p = &t->problems[i];
        uint64_t default_ns = problem_ns(t, times, 0, p), least_ns = default_ns;
        size_t place = p->search.usual;
        for (size_t v = 1; v < times->variants; v++) {
            uint64_t ns = problem_ns(t, times, v, p);
            if (place_in(p, v - 1) == p->search.usual)
                continue;
            if (ns < least_ns && (double)ns < clearly * (double)default_ns) {
                least_ns = ns;
                place = place_in(p, v - 1);
            }
        }
        ALX_TRY(set_tuning(t->into, p, place, least_ns, default_ns));
    }
error:
    return status;
}

/* The outcome beside the default; should it lose, the default is what was found. */
static enum alx_status judge(struct tuner *t)
{
    enum alx_status status = ALX_STATUS_OK;
    struct variant pair[2] = {{t->plan, t->session}, {0}};
    struct times times = {0};
    t->device->transient = false; /* these programs will be wanted */
    ALX_TRY(variant_open(t, t->into, &pair[1]));
    ALX_TRY(time_variants(t, pair, 2, &times));
    t->result->default_ns = alx_median(times_of(&times, 0, times.steps), times.rounds);
    t->result->tuned_ns = alx_median(times_of(&times, 1, times.steps), times.rounds);
    if (t->result->tuned_ns > t->result->default_ns) {
        t->result->tuned_ns = t->result->default_ns;
        for (size_t i = 0; i < t->done; i++) {
            uint64_t ns = problem_ns(t, &times, 0, &t->problems[i]);
            ALX_TRY(set_tuning(t->into, &t->problems[i], t->problems[i].search.usual, ns, ns));
        }
    }
error:
    free(times.ns);
    variant_close(&pair[1]);
    return status;
}

static enum alx_status try_in_network(struct tuner *t)
{
    enum alx_status status = ALX_STATUS_OK;
    struct variant variants[VARIANTS + 1] = {{0}};
    struct times times = {0};
    size_t count = 1;
    tell(t, "the whole network", false);
    /* Without the device's clock, steps cannot be told apart: what was best alone is the best. */
    if (t->device->profiling) {
        ALX_TRY(open_variants(t, variants, &count));
        if (count > 1) {
            ALX_TRY(time_variants(t, variants, count, &times));
            ALX_TRY(compose(t, &times));
        }
    }
error:
    for (size_t v = 1; v < count; v++)
        variant_close(&variants[v]);
    free(times.ns);
    return status == ALX_STATUS_OK ? judge(t) : status;
}

/* --- all of it --- */

static void tuner_close(struct tuner *t)
{
    for (size_t i = 0; i < t->problem_count; i++)
        alx_search_destroy(&t->problems[i].search);
    free(t->problems);
    alx_chill_destroy(&t->chill);
    alx_session_destroy(&t->session);
    alx_plan_destroy(&t->plan);
    alx_model_destroy(&t->model);
    free(t->in);
    free(t->out);
}

enum alx_status alx_tune(alx_device *device, const alx_net *net,
                         const struct alx_tune_options *options, alx_tune_report *report,
                         void *user, alx_tunings *into, struct alx_tune_result *out)
{
    enum alx_status status = ALX_STATUS_OK;
    static const struct alx_tune_options defaults;
    const uint64_t default_budget_ns = 60ull * 1000 * 1000 * 1000;
    struct alx_tune_options complete = options ? *options : defaults;
    struct alx_tune_result result = {0};
    struct tuner t = {.device = device,
                      .net = net,
                      .options = &complete,
                      .report = report,
                      .user = user,
                      .into = into,
                      .result = &result,
                      .start_ns = alx_clock_ns()};
    complete.batch = alx_max(1, complete.batch);
    t.end_ns = t.start_ns + (complete.budget_ns ? complete.budget_ns : default_budget_ns);
    if (complete.exhaustive)
        t.end_ns = UINT64_MAX;
    tell(&t, "the default", false);
    device->transient = true; /* hundreds of programs */
    ALX_TRY(open_default(&t));
    ALX_TRY(list_problems(&t));
    for (size_t i = 0; i < t.problem_count && alx_clock_ns() < t.search_end_ns; i++)
        ALX_TRY(tune_problem(&t, i));
    if (t.done)
        ALX_TRY(try_in_network(&t));
    result.ns = alx_clock_ns() - t.start_ns;
    *out = result;
error:
    device->transient = false;
    tuner_close(&t);
    return status;
}
