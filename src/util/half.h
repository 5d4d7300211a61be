/*
 * Half (IEEE 754 binary16) and bfloat16 values and float32. Roundings are to nearest, ties to even;
 * NaN stays NaN.
 */
#ifndef ALX_UTIL_HALF_H
#define ALX_UTIL_HALF_H

#include <stddef.h>
#include <stdint.h>

float alx_half_to_float(uint16_t half);
uint16_t alx_float_to_half(float value);
/* Many at once; the halves lie anywhere. */
void alx_halves_to_floats(const void *halves, size_t count, float *out);
void alx_floats_to_halves(const float *values, size_t count, uint16_t *out);
float alx_bfloat16_to_float(uint16_t bits);
/* Many at once, wherever they lie. */
void alx_bfloat16s_to_floats(const void *bfloats, size_t count, float *out);
uint16_t alx_float_to_bfloat16(float value);

#endif
