/*
 * Which algorithm computes a layer, and with which values: what is asked for, what was measured,
 * what is shipped for the device's family, and else whatever can.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "device/faults.h"
#include "plan/plan.h"
#include "plan/tunings.h"

/* Sets of families. */
#define ONE(family) (1u << ALX_FAMILY_##family)
enum {
    CPUS = ONE(CPU) | ONE(POCL_AVX2) | ONE(POCL_AVX512) | ONE(INTEL_CPU),
    GPUS = ONE(GPU) | ONE(GEN9) | ONE(XE_LP) | ONE(XE_HPG) | ONE(GCN) | ONE(RDNA) |
           ONE(NVIDIA_PASCAL) | ONE(NVIDIA_TURING),
};

/* The first row that fits and whose algorithm supports the problem. `params`: fields that are not 0
 * replace those that the algorithm chooses, where the outcome is one of its candidates. */
static const struct rule {
    unsigned families;
    enum alx_layer_kind kind;
    size_t smallest_batch, largest_batch;
    const char *algorithm, *reason;
    struct alx_params params;
} rules[] = {
    {CPUS, ALX_LAYER_FC, 1, 4, "gemv", "bound by reading weights", {0}},
    {CPUS, ALX_LAYER_FC, 5, SIZE_MAX, "gemm", "weights serve many images", {0}},
    {CPUS, ALX_LAYER_CONV, 1, SIZE_MAX, "winograd", "fewer multiplications", {0}},
    {CPUS, ALX_LAYER_CONV, 1, SIZE_MAX, "direct", "register tiles", {0}},
    {CPUS, ALX_LAYER_LRN, 1, SIZE_MAX, "pooled", "one pass for both layers", {0}},
    {GPUS, ALX_LAYER_FC, 1, 4, "gemv", "bound by reading weights", {0}},
    {GPUS, ALX_LAYER_FC, 5, SIZE_MAX, "tiled", "weights serve many images", {0}},
    /* Computed for 34 GB/s and 441 GFLOP/s (HD Graphics 530): at batch 1, F(4, 3) saves less
     * arithmetic in conv3 to conv5 of AlexNet than reading its larger weights costs beyond F(2, 3).
     * Other GPUs have more bandwidth; what that makes, algorithms reckon from the traits. */
    {ONE(GEN9) | ONE(XE_LP),
     ALX_LAYER_CONV,
     1,
     1,
     "winograd-tiled",
     "fewer multiplications, few more weights",
     {.tile = 2}},
    {GPUS, ALX_LAYER_CONV, 1, SIZE_MAX, "winograd-tiled", "fewer multiplications", {0}},
    {GPUS, ALX_LAYER_CONV, 1, SIZE_MAX, "tiled", "tiles shared by a work-group", {0}},
};

/* Layers without weights compute the same at every precision. */
static bool is_fault(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                     const struct alx_traits *traits)
{
    bool weighted = algorithm->kind == ALX_LAYER_CONV || algorithm->kind == ALX_LAYER_FC;
    return alx_faults_name(traits->faults, alx_layer_kind_name(algorithm->kind), algorithm->name,
                           alx_precision_name(weighted ? problem->precision : ALX_PRECISION_FP32));
}

static bool usable(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                   const struct alx_traits *traits, bool exact)
{
    return algorithm && algorithm->supports(problem, traits) && !(exact && algorithm->magnify) &&
           !is_fault(algorithm, problem, traits);
}

static bool suits(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                  const struct alx_traits *traits)
{
    return !algorithm->suits || algorithm->suits(problem, traits);
}

/* Takes these values if the algorithm could have come to them. */
static bool take_params(const struct alx_problem *problem, const struct alx_traits *traits,
                        const struct alx_params *params, struct alx_choice *out)
{
    struct alx_candidates candidates;
    alx_candidates_of(out->algorithm, problem, traits, &candidates);
    if (alx_candidates_find(&candidates, params) == candidates.count)
        return false;
    out->params = *params;
    return true;
}

static bool choose_tuned(const struct alx_problem *problem, const struct alx_traits *traits,
                         const struct alx_wishes *wishes, struct alx_choice *out)
{
    struct alx_tuning key;
    if (!wishes->tunings)
        return false;
    alx_tunings_key(wishes->tunings, wishes->device, problem, &key);
    const struct alx_tuned *tuned = alx_tunings_find(wishes->tunings, &key);
    if (!tuned)
        return false;
    out->algorithm = alx_algorithm_find(problem->info->layer.kind, tuned->shown.algorithm);
    if (!usable(out->algorithm, problem, traits, wishes->exact) ||
        !take_params(problem, traits, &tuned->params, out))
        return false;
    double ms = (double)tuned->shown.ns * 1e-6;
    double gain = 100 * ((double)tuned->shown.default_ns / (double)tuned->shown.ns - 1);
    if (gain >= 0.5)
        snprintf(out->reason, sizeof out->reason, "tuned: %.2f ms, %.0f %% faster than the default",
                 ms, gain);
    else
        snprintf(out->reason, sizeof out->reason, "tuned: %.2f ms, nothing was faster", ms);
    out->origin = ALX_ORIGIN_TUNED;
    return true;
}

static bool choose_family(const struct alx_problem *problem, const struct alx_traits *traits,
                          bool exact, struct alx_choice *out)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        const struct alx_algorithm *algorithm = alx_algorithm_find(rule->kind, rule->algorithm);
        if (!(rule->families & 1u << traits->family) || rule->kind != problem->info->layer.kind ||
            problem->batch < rule->smallest_batch || problem->batch > rule->largest_batch ||
            !usable(algorithm, problem, traits, exact) || !suits(algorithm, problem, traits))
            continue;
        out->algorithm = algorithm;
        out->params = algorithm->choose(problem, traits);
        struct alx_params wanted = out->params;
        alx_params_replace(&wanted, &rule->params);
        take_params(problem, traits, &wanted, out);
        snprintf(out->reason, sizeof out->reason, "%s default: %s", alx_family_name(traits->family),
                 rule->reason);
        out->origin = ALX_ORIGIN_FAMILY;
        return true;
    }
    return false;
}

static void take(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                 const struct alx_traits *traits, const char *reason, struct alx_choice *out)
{
    *out = (struct alx_choice){.algorithm = algorithm,
                               .params = algorithm->choose(problem, traits),
                               .origin = ALX_ORIGIN_DEFAULT};
    snprintf(out->reason, sizeof out->reason, "%s", reason);
}

static void choose_any(const struct alx_problem *problem, const struct alx_traits *traits,
                       const struct alx_wishes *wishes, struct alx_choice *out)
{
    enum alx_layer_kind kind = problem->info->layer.kind;
    const struct alx_algorithm *wanted =
        wishes->algorithm ? alx_algorithm_find(kind, wishes->algorithm) : NULL;
    size_t count;
    const struct alx_algorithm *const *all = alx_algorithms(&count);
    if (usable(wanted, problem, traits, wishes->exact)) {
        take(wanted, problem, traits, "asked for", out);
        return;
    }
    if (choose_tuned(problem, traits, wishes, out) ||
        choose_family(problem, traits, wishes->exact, out))
        return;
    for (size_t i = 0; i < count; i++)
        if (all[i]->kind == kind && usable(all[i], problem, traits, wishes->exact) &&
            suits(all[i], problem, traits)) {
            take(all[i], problem, traits, "first that can", out);
            return;
        }
}

/* Says which were left out because verify found them wrong. */
static void tell_faults(const struct alx_problem *problem, const struct alx_traits *traits,
                        struct alx_choice *out)
{
    size_t count, used = strlen(out->reason);
    const struct alx_algorithm *const *all = alx_algorithms(&count);
    for (size_t i = 0; i < count; i++)
        if (all[i]->kind == problem->info->layer.kind && is_fault(all[i], problem, traits)) {
            snprintf(out->reason + used, sizeof out->reason - used,
                     "; %s is wrong here, says "
                     "verify",
                     all[i]->name);
            used += strlen(out->reason + used);
        }
}

bool alx_choose(const struct alx_problem *problem, const struct alx_traits *traits,
                const struct alx_wishes *wishes, struct alx_choice *out)
{
    *out = (struct alx_choice){0};
    choose_any(problem, traits, wishes, out);
    tell_faults(problem, traits, out);
    return out->algorithm;
}

bool alx_choose_pooled(const struct alx_problem *problem, const struct alx_traits *traits,
                       const char *wanted)
{
    /* Whoever asks for an algorithm of one of the two layers alone gets it. */
    if (wanted && alx_algorithm_find(ALX_LAYER_MAX_POOL, wanted))
        return false;
    const struct alx_algorithm *asked = wanted ? alx_algorithm_find(ALX_LAYER_LRN, wanted) : NULL;
    if (asked)
        return usable(asked, problem, traits, false);
    size_t count;
    const struct alx_algorithm *const *all = alx_algorithms(&count);
    for (size_t i = 0; i < count; i++)
        if (all[i]->kind == ALX_LAYER_LRN && usable(all[i], problem, traits, false))
            return true;
    return false;
}
