/*
 * Which algorithm computes a layer: family defaults, until measurements say otherwise.
 */
#include <stdint.h>
#include <string.h>

#include "plan/plan.h"

enum family { CPU, SIMT };

/* The first row that fits and whose algorithm supports the problem. */
static const struct rule {
    enum family family;
    enum alx_layer_kind kind;
    size_t smallest_batch, largest_batch;
    const char *algorithm, *reason;
} rules[] = {
    {CPU, ALX_LAYER_FC, 1, 4, "gemv", "CPU default: bound by reading weights"},
    {CPU, ALX_LAYER_FC, 5, SIZE_MAX, "gemm", "CPU default: weights serve many images"},
    {CPU, ALX_LAYER_CONV, 1, SIZE_MAX, "winograd", "CPU default: fewer multiplications"},
    {CPU, ALX_LAYER_CONV, 1, SIZE_MAX, "direct", "CPU default"},
    {CPU, ALX_LAYER_LRN, 1, SIZE_MAX, "pooled", "CPU default: one pass for both layers"},
    {SIMT, ALX_LAYER_FC, 1, 4, "gemv", "GPU default: bound by reading weights"},
    {SIMT, ALX_LAYER_FC, 5, SIZE_MAX, "tiled", "GPU default: weights serve many images"},
    {SIMT, ALX_LAYER_CONV, 1, SIZE_MAX, "winograd-tiled", "GPU default: fewer multiplications"},
    {SIMT, ALX_LAYER_CONV, 1, SIZE_MAX, "tiled", "GPU default"},
};

static bool usable(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                   const struct alx_traits *traits, bool exact)
{
    return algorithm && algorithm->supports(problem, traits) && !(exact && algorithm->magnify);
}

static bool suits(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                  const struct alx_traits *traits)
{
    return !algorithm->suits || algorithm->suits(problem, traits);
}

const struct alx_algorithm *alx_choose_algorithm(const struct alx_problem *problem,
                                                 const struct alx_traits *traits,
                                                 const char *wanted, bool exact,
                                                 const char **reason)
{
    enum alx_layer_kind kind = problem->info->layer.kind;
    enum family family = traits->simt ? SIMT : CPU;
    if (wanted && usable(alx_algorithm_find(kind, wanted), problem, traits, exact)) {
        *reason = "asked for";
        return alx_algorithm_find(kind, wanted);
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        const struct alx_algorithm *algorithm = alx_algorithm_find(kind, rule->algorithm);
        if (rule->family == family && rule->kind == kind &&
            problem->batch >= rule->smallest_batch && problem->batch <= rule->largest_batch &&
            usable(algorithm, problem, traits, exact) && suits(algorithm, problem, traits)) {
            *reason = rule->reason;
            return algorithm;
        }
    }
    size_t count;
    const struct alx_algorithm *const *all = alx_algorithms(&count);
    *reason = "first that can";
    for (size_t i = 0; i < count; i++)
        if (all[i]->kind == kind && usable(all[i], problem, traits, exact) &&
            suits(all[i], problem, traits))
            return all[i];
    return NULL; /* no such kind: the table's last of each kind supports everything */
}

bool alx_choose_pooled(const struct alx_problem *problem, const struct alx_traits *traits,
                       const char *wanted)
{
    /* Whoever asks for an algorithm of one of the two layers alone gets it. */
    if (wanted && alx_algorithm_find(ALX_LAYER_MAX_POOL, wanted))
        return false;
    const struct alx_algorithm *asked = wanted ? alx_algorithm_find(ALX_LAYER_LRN, wanted) : NULL;
    if (asked)
        return asked->supports(problem, traits);
    size_t count;
    const struct alx_algorithm *const *all = alx_algorithms(&count);
    for (size_t i = 0; i < count; i++)
        if (all[i]->kind == ALX_LAYER_LRN && all[i]->supports(problem, traits))
            return true;
    return false;
}
