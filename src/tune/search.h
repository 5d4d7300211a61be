/*
 * Looking for the fastest way to compute one layer.
 */
#ifndef ALX_TUNE_SEARCH_H
#define ALX_TUNE_SEARCH_H

#include "tune/trial.h"

/* A way and what is known of it. */
struct alx_tried {
    struct alx_way way;
    enum { ALX_UNTRIED, ALX_MEASURED, ALX_REFUSED } state;
    double score; /* time as a part of the default's; measured in the same rounds */
};

struct alx_search {
    struct alx_tried *list; /* owned */
    size_t count;
    size_t usual, best;  /* places of the default and of the fastest so far */
    uint64_t default_ns; /* the default's median when it was measured first */
    size_t measured, refused;
};

/* Lists every way to compute a step of a plan without tunings. With `exhaustive`, also algorithms
 * that say of themselves that they do not suit it; never the safe kernel, unless it is all there
 * is. */
enum alx_status alx_search_create(const struct alx_plan *plan, size_t step, bool exhaustive,
                                  struct alx_search *out);
void alx_search_destroy(struct alx_search *search);

/* Measures ways, those near the best one first, until nothing better is found (with `exhaustive`:
 * until all were tried) or the clock shows `deadline_ns`. Afterwards the list is sorted, fastest
 * first. Fails when the default cannot be run. */
enum alx_status alx_search_run(struct alx_search *search, struct alx_layer_trial *trial,
                               struct alx_chill *chill, uint64_t deadline_ns, bool exhaustive);

#endif
