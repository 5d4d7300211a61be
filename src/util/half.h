/*
 * Half (IEEE 754 binary16) and bfloat16 values and float32. Roundings are to nearest, ties to even;
 * NaN stays NaN.
 */
#ifndef ALX_UTIL_HALF_H
#define ALX_UTIL_HALF_H

#include <stdint.h>

float alx_half_to_float(uint16_t half);
uint16_t alx_float_to_half(float value);
float alx_bfloat16_to_float(uint16_t bits);
uint16_t alx_float_to_bfloat16(float value);

#endif
