/*
 * Sets of values for an algorithm's macros, and their fields by name.
 */
#include <stddef.h>
#include <string.h>

#include "ops/op.h"
#include "util/memory.h"

static const struct field {
    const char *name;
    size_t offset;
} fields[] = {
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct alx_params, name)                                                   \
    }
    FIELD(lanes),     FIELD(vector), FIELD(vectors), FIELD(pixels),   FIELD(rows),    FIELD(images),
    FIELD(block),     FIELD(tile),   FIELD(tiles),   FIELD(prefetch), FIELD(columns), FIELD(split),
    FIELD(sub_group), FIELD(whole),  FIELD(bits),    FIELD(stream),
#undef FIELD
};
enum { FIELDS = sizeof fields / sizeof *fields };
_Static_assert(FIELDS * sizeof(size_t) == sizeof(struct alx_params), "every field has a name");

const char *alx_params_field_name(size_t index)
{
    return index < FIELDS ? fields[index].name : NULL;
}

size_t *alx_params_field(struct alx_params *params, size_t index)
{
    return (size_t *)(void *)((char *)params + fields[index].offset);
}

void alx_params_replace(struct alx_params *params, const struct alx_params *by)
{
    struct alx_params from = *by;
    for (size_t i = 0; i < FIELDS; i++)
        if (*alx_params_field(&from, i))
            *alx_params_field(params, i) = *alx_params_field(&from, i);
}

size_t alx_params_distance(const struct alx_params *a, const struct alx_params *b)
{
    struct alx_params one = *a, other = *b;
    size_t distance = 0;
    for (size_t i = 0; i < FIELDS; i++)
        distance += *alx_params_field(&one, i) != *alx_params_field(&other, i);
    return distance;
}

size_t alx_candidates_find(const struct alx_candidates *candidates, const struct alx_params *params)
{
    size_t i = 0;
    while (i < candidates->count && alx_params_distance(&candidates->list[i], params))
        i++;
    return i;
}

void alx_candidates_add(struct alx_candidates *candidates, const struct alx_params *params)
{
    if (candidates->count < ALX_MAX_CANDIDATES &&
        alx_candidates_find(candidates, params) == candidates->count)
        candidates->list[candidates->count++] = *params;
}

void alx_candidates_of(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                       const struct alx_traits *traits, struct alx_candidates *out)
{
    const struct alx_params chosen = algorithm->choose(problem, traits);
    out->count = 0;
    alx_candidates_add(out, &chosen);
    if (algorithm->candidates)
        algorithm->candidates(problem, traits, out);
}

void alx_lane_candidates(const struct alx_problem *problem, const struct alx_traits *traits,
                         struct alx_candidates *out)
{
    struct alx_params params = out->list[0];
    (void)problem;
    for (params.lanes = 16; traits->simt && params.lanes <= traits->max_lanes; params.lanes *= 2)
        alx_candidates_add(out, &params);
}
