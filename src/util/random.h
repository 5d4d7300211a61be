/*
 * A reproducible sequence of numbers: splitmix64 (Steele, Lea, Flood, OOPSLA 2014). Not for
 * secrets.
 */
#ifndef ALX_UTIL_RANDOM_H
#define ALX_UTIL_RANDOM_H

#include <stdint.h>

/* The state is the seed; every value of it is a good one. */
uint64_t alx_random_next(uint64_t *state);
/* Uniform in [low, high). */
float alx_random_float(uint64_t *state, float low, float high);
/* Uniform in low..high. */
int alx_random_int(uint64_t *state, int low, int high);

#endif
