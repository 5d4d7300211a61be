/*
 * Work that a host does on several processors at once.
 */
#ifndef ALX_UTIL_PARALLEL_H
#define ALX_UTIL_PARALLEL_H

#include <stddef.h>

enum { ALX_MAX_WORKERS = 8 };

/* As many as there are processors, at least 1 and at most ALX_MAX_WORKERS, and each with at least
 * `least` of the `count` things to do. */
size_t alx_parallel_workers(size_t count, size_t least);

/* Does `worker`'s range of 0 .. count - 1; must not fail. */
typedef void alx_parallel_fn(void *context, size_t worker, size_t first, size_t count);

/* Cuts 0 .. count - 1 into `workers` ranges of nearly equal length, does each in a thread of its
 * own (this one takes the first, and those for which there is no thread), and returns when all are
 * done. */
void alx_parallel_run(size_t count, size_t workers, alx_parallel_fn *work, void *context);

#endif
