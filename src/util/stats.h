/*
 * Small statistics of measurements.
 */
#ifndef ALX_UTIL_STATS_H
#define ALX_UTIL_STATS_H

#include <stddef.h>
#include <stdint.h>

/* The median of `count` values, at least 1, which are sorted; the upper one of two. */
uint64_t alx_median(uint64_t *values, size_t count);

#endif
