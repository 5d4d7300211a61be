#include "tune/search.h"

#include <math.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/stats.h"

enum { GROUP = 4, ROUNDS = 7, FEWEST_ROUNDS = 3 };
#define GIVE_UP        2.0  /* times the best's time */
#define IMPROVED       0.99 /* of the best's time */
#define IDLE_GROUPS    2    /* without an improvement, then the search ends */
#define FIELDS_OF_TIME 20.0 /* a tenth slower is as far as two fields */

/* --- the list --- */

static bool may_win(const struct alx_algorithm *algorithm, const struct alx_step *step,
                    const struct alx_traits *traits, bool exhaustive)
{
    if (algorithm == step->algorithm)
        return true;
    return algorithm->kind == step->info.layer.kind &&
           algorithm->supports(&step->problem, traits) && !algorithm->safe &&
           (exhaustive || !algorithm->suits || algorithm->suits(&step->problem, traits));
}

static enum alx_status add_ways(struct alx_search *search, const struct alx_algorithm *algorithm,
                                const struct alx_candidates *candidates)
{
    struct alx_tried *larger =
        realloc(search->list, (search->count + candidates->count) * sizeof *larger);
    if (!larger)
        return alx_fail(ALX_STATUS_NO_MEMORY, "tuning: no memory for a list");
    search->list = larger;
    for (size_t i = 0; i < candidates->count; i++)
        larger[search->count++] = (struct alx_tried){
            .way = {.algorithm = algorithm, .candidate = i, .params = candidates->list[i]},
            .score = INFINITY};
    return ALX_STATUS_OK;
}

enum alx_status alx_search_create(const struct alx_plan *plan, size_t index, bool exhaustive,
                                  struct alx_search *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_step *step = &plan->steps[index];
    struct alx_search search = {0};
    size_t count;
    const struct alx_algorithm *const *all = alx_algorithms(&count);
    for (size_t i = 0; i < count; i++) {
        struct alx_candidates candidates;
        if (!may_win(all[i], step, &plan->traits, exhaustive))
            continue;
        alx_candidates_of(all[i], &step->problem, &plan->traits, &candidates);
        if (all[i] == step->algorithm)
            search.usual = search.count + alx_candidates_find(&candidates, &step->params);
        ALX_TRY(add_ways(&search, all[i], &candidates));
    }
    search.best = search.usual;
    *out = search;
    search = (struct alx_search){0};
error:
    free(search.list);
    return status;
}

void alx_search_destroy(struct alx_search *search)
{
    for (size_t i = 0; i < search->count; i++)
        alx_way_close(&search->list[i].way);
    free(search->list);
    *search = (struct alx_search){0};
}

/* --- what to try next --- */

/* The fastest way of an algorithm, or NULL. */
static const struct alx_tried *best_of(const struct alx_search *search,
                                       const struct alx_algorithm *algorithm)
{
    const struct alx_tried *best = NULL;
    for (size_t i = 0; i < search->count; i++) {
        const struct alx_tried *tried = &search->list[i];
        if (tried->way.algorithm == algorithm && tried->state == ALX_MEASURED &&
            (!best || tried->score < best->score))
            best = tried;
    }
    return best;
}

/* How far a way is from what is known to be fast; an algorithm starts with its own choice. */
static double remoteness(const struct alx_search *search, const struct alx_tried *tried)
{
    const struct alx_tried *near = best_of(search, tried->way.algorithm);
    if (!near)
        return tried->way.candidate == 0 ? 0 : INFINITY;
    double slower = near->score / search->list[search->best].score - 1;
    return (double)alx_params_distance(&tried->way.params, &near->way.params) +
           FIELDS_OF_TIME * slower;
}

/* The nearest that was not tried, or NULL. With `exhaustive` any, when none is near. */
static struct alx_tried *next_of(struct alx_search *search, bool exhaustive)
{
    struct alx_tried *next = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < search->count; i++) {
        struct alx_tried *tried = &search->list[i];
        double far = tried->state == ALX_UNTRIED ? remoteness(search, tried) : INFINITY;
        if (far < least) {
            least = far;
            next = tried;
        }
    }
    for (size_t i = 0; i < search->count && !next && exhaustive; i++)
        if (search->list[i].state == ALX_UNTRIED)
            next = &search->list[i];
    return next;
}

/* --- measuring --- */

/* Ways that are measured in turn; the first one is the best so far. */
struct group {
    struct alx_tried *members[GROUP + 1];
    uint64_t ns[GROUP + 1][ROUNDS];
    bool given_up[GROUP + 1];
    size_t count;
};

/* Opens a way; one that fails or is wrong is refused. */
static void admit(struct alx_search *search, struct alx_layer_trial *trial, struct alx_tried *tried)
{
    bool right = false;
    alx_error_hush(true); /* a device may have its reasons */
    enum alx_status status = alx_way_open(trial, &tried->way, &right);
    alx_error_hush(false);
    if (status == ALX_STATUS_OK && right) {
        tried->state = ALX_MEASURED;
        return;
    }
    alx_log(ALX_LOG_INFO, "layer %s: %s is refused: %s", trial->step->info.layer.name,
            tried->way.algorithm->name,
            status == ALX_STATUS_OK ? "wrong numbers" : alx_error_message());
    alx_way_close(&tried->way);
    tried->state = ALX_REFUSED;
    search->refused++;
}

/* Adds ways as long as there are some, and time and device memory. */
static void gather(struct alx_search *search, struct alx_layer_trial *trial, struct group *group,
                   uint64_t deadline_ns, bool exhaustive)
{
    uint64_t limit = alx_plan_memory(trial->plan).limit_bytes, bytes = 0;
    struct alx_tried *next;
    group->members[0] = &search->list[search->best];
    group->count = 1;
    bytes = alx_way_bytes(&group->members[0]->way);
    while (group->count <= GROUP && (next = next_of(search, exhaustive)) &&
           alx_clock_ns() < deadline_ns && bytes < limit / 2) {
        admit(search, trial, next);
        if (next->state != ALX_MEASURED)
            continue;
        bytes += alx_way_bytes(&next->way);
        group->members[group->count++] = next;
    }
}

static enum alx_status time_group(struct group *group, struct alx_layer_trial *trial,
                                  struct alx_chill *chill, uint64_t deadline_ns, size_t *rounds)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t round = 0;
    for (; round < ROUNDS; round++) {
        if (round >= FEWEST_ROUNDS && alx_clock_ns() >= deadline_ns)
            break;
        for (size_t i = 0; i < group->count; i++) {
            uint64_t *ns = &group->ns[i][round];
            if (group->given_up[i])
                continue;
            ALX_TRY(alx_way_time(trial, &group->members[i]->way, chill, ns));
            group->given_up[i] = (double)*ns > GIVE_UP * (double)group->ns[0][round] && round > 0;
        }
    }
    *rounds = round;
error:
    return status;
}

/* Scores relate to the best one of the same rounds, so that a machine that slows down slows all. */
static void score_group(struct alx_search *search, struct group *group, size_t rounds)
{
    double best = group->members[0]->score;
    double best_ns = (double)alx_median(group->ns[0], rounds);
    for (size_t i = 1; i < group->count; i++) {
        struct alx_tried *tried = group->members[i];
        tried->score = group->given_up[i]
                           ? GIVE_UP * best
                           : best * (double)alx_median(group->ns[i], rounds) / best_ns;
        search->measured++;
        if (tried->score < search->list[search->best].score)
            search->best = (size_t)(tried - search->list);
    }
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i] != &search->list[search->best])
            alx_way_close(&group->members[i]->way);
}

static enum alx_status run_group(struct alx_search *search, struct alx_layer_trial *trial,
                                 struct alx_chill *chill, uint64_t deadline_ns, bool exhaustive)
{
    enum alx_status status = ALX_STATUS_OK;
    struct group group = {0};
    size_t rounds = 0;
    gather(search, trial, &group, deadline_ns, exhaustive);
    ALX_TRY(time_group(&group, trial, chill, deadline_ns, &rounds));
    score_group(search, &group, rounds);
error:
    return status;
}

/* The default, alone. */
static enum alx_status start(struct alx_search *search, struct alx_layer_trial *trial,
                             struct alx_chill *chill)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_tried *usual = &search->list[search->usual];
    uint64_t ns[FEWEST_ROUNDS];
    bool right = false;
    ALX_TRY(alx_way_open(trial, &usual->way, &right));
    if (!right)
        return alx_fail(ALX_STATUS_DEVICE,
                        "layer %s: %s gives wrong numbers; try alexnet-cl verify",
                        trial->step->info.layer.name, usual->way.algorithm->name);
    for (size_t i = 0; i < FEWEST_ROUNDS; i++)
        ALX_TRY(alx_way_time(trial, &usual->way, chill, &ns[i]));
    search->default_ns = alx_median(ns, FEWEST_ROUNDS);
    usual->state = ALX_MEASURED;
    usual->score = 1;
    search->measured++;
error:
    return status;
}

static int compare_tried(const void *a, const void *b)
{
    double x = ((const struct alx_tried *)a)->score, y = ((const struct alx_tried *)b)->score;
    return (x > y) - (x < y);
}

enum alx_status alx_search_run(struct alx_search *search, struct alx_layer_trial *trial,
                               struct alx_chill *chill, uint64_t deadline_ns, bool exhaustive)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_way usual;
    ALX_TRY(start(search, trial, chill));
    for (size_t idle = 0; exhaustive || idle < IDLE_GROUPS;) {
        double before = search->list[search->best].score;
        if (!next_of(search, exhaustive) || alx_clock_ns() >= deadline_ns)
            break;
        ALX_TRY(run_group(search, trial, chill, deadline_ns, exhaustive));
        idle = search->list[search->best].score < IMPROVED * before ? 0 : idle + 1;
    }
error:
    usual = search->list[search->usual].way;
    for (size_t i = 0; i < search->count; i++)
        alx_way_close(&search->list[i].way);
    qsort(search->list, search->count, sizeof *search->list, compare_tried);
    search->best = 0;
    for (size_t i = 0; i < search->count; i++)
        if (search->list[i].way.algorithm == usual.algorithm &&
            search->list[i].way.candidate == usual.candidate)
            search->usual = i;
    return status;
}
