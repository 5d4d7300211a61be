/*
 * What tunings are inside the library.
 */
#ifndef ALX_PLAN_TUNINGS_H
#define ALX_PLAN_TUNINGS_H

#include <alexnet_cl/tunings.h>

#include "ops/op.h"

/* What one says, beside what people see of it. */
struct alx_tuned {
    struct alx_tuning shown;
    struct alx_params params;
};

struct alx_tunings {
    char made_by[32]; /* this program and its kernels */
    struct alx_tuned *list;
    size_t count, capacity;
};

enum { ALX_MAX_TUNINGS = 16384 };

/* Copies one into the list, in place of another of the same key. */
enum alx_status alx_tunings_add(alx_tunings *tunings, const struct alx_tuned *tuned);

/* The key of a problem on a device: all of `shown` that comes before the algorithm. Layouts are no
 * part of it: they follow from the algorithms. */
void alx_tunings_key(const alx_tunings *tunings, const struct alx_device_info *device,
                     const struct alx_problem *problem, struct alx_tuning *key);
/* The one with that key, or NULL. */
const struct alx_tuned *alx_tunings_find(const alx_tunings *tunings, const struct alx_tuning *key);
/* Sets algorithm, parameters (also as text) and times of a tuning that has its key, and adds it. */
enum alx_status alx_tunings_set(alx_tunings *tunings, const struct alx_tuning *key,
                                const struct alx_algorithm *algorithm,
                                const struct alx_params *params, uint64_t ns, uint64_t default_ns);

/* --- tunings_file.c --- */

/* Writes the parameters that are not 0: "lanes=1 vector=8". */
void alx_params_write(const struct alx_params *params, char *out, size_t out_bytes);
/* Reads a whole file's text; the reason why it cannot be, or NULL. Adds to `out`, which is of no
 * use after a failure. */
const char *alx_tunings_parse(const char *text, size_t bytes, alx_tunings *out);

#endif
