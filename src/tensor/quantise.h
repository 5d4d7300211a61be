/*
 * Rounding weights to int8: every row (output channel) has a scale of its own, and a weight w is
 * stored as the whole number nearest to w / scale, from -127 to 127.
 */
#ifndef ALX_TENSOR_QUANTISE_H
#define ALX_TENSOR_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

/* Largest |value| / 127; 1 for a row of zeros, NaN when a value is not finite. */
float alx_quantise_scale(const float *row, size_t count);
/* `scale` is positive and finite. */
void alx_quantise(const float *row, size_t count, float scale, int8_t *out);

#endif
