/*
 * Time.
 */
#ifndef ALX_UTIL_CLOCK_H
#define ALX_UTIL_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that never steps back. */
uint64_t alx_clock_ns(void);

#endif
