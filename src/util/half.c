#include "util/half.h"

#include <string.h>

#include "util/bits.h"

/* Both ways have no branches, so that compilers make vector instructions of loops over them. */
static inline float to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fff;
    uint32_t normal = (magnitude << 13) + ((magnitude >= 0x7c00 ? 224u : 112u) << 23);
    uint32_t tiny = alx_float_bits((float)(int32_t)magnitude * 0x1p-24f); /* a multiple of 2^-24 */
    return alx_bits_float(sign | (magnitude < 0x400 ? tiny : normal));
}

static inline uint16_t to_half(float value)
{
    uint32_t bits = alx_float_bits(value);
    uint32_t magnitude = bits & 0x7fffffff;
    uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
    /* Below 2^-14 a half is a multiple of 2^-24, which is the last bit of floats from 1/2 to 1. */
    uint32_t tiny =
        alx_float_bits(alx_bits_float(magnitude < 0x38800000 ? magnitude : 0) + 0.5f) - 0x3f000000;
    uint32_t half = magnitude < 0x38800000 ? tiny : normal;
    half = magnitude >= 0x477ff000 ? 0x7c00 : half; /* rounds beyond 65504 */
    half = magnitude > 0x7f800000 ? 0x7e00 : half;
    return (uint16_t)((bits >> 16 & 0x8000) | half);
}

float alx_half_to_float(uint16_t half)
{
    return to_float(half);
}

uint16_t alx_float_to_half(float value)
{
    return to_half(value);
}

void alx_halves_to_floats(const void *halves, size_t count, float *out)
{
    const uint8_t *bytes = halves;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        out[i] = to_float(half);
    }
}

void alx_floats_to_halves(const float *values, size_t count, uint16_t *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = to_half(values[i]);
}

float alx_bfloat16_to_float(uint16_t bits)
{
    return alx_bits_float((uint32_t)bits << 16);
}

void alx_bfloat16s_to_floats(const void *bfloats, size_t count, float *out)
{
    const uint8_t *bytes = bfloats;
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, bytes + 2 * i, sizeof bits);
        out[i] = alx_bits_float((uint32_t)bits << 16);
    }
}

uint16_t alx_float_to_bfloat16(float value)
{
    uint32_t bits = alx_float_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
