#include "util/half.h"

#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Both ways have no branches, so that compilers make vector instructions of loops over them. */
static inline float to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fff;
    uint32_t normal = (magnitude << 13) + ((magnitude >= 0x7c00 ? 224u : 112u) << 23);
    uint32_t tiny = bits_of((float)(int32_t)magnitude * 0x1p-24f); /* a multiple of 2^-24 */
    return float_of(sign | (magnitude < 0x400 ? tiny : normal));
}

static inline uint16_t to_half(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t magnitude = bits & 0x7fffffff;
    uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
    /* Below 2^-14 a half is a multiple of 2^-24, which is the last bit of floats from 1/2 to 1. */
    uint32_t tiny = bits_of(float_of(magnitude < 0x38800000 ? magnitude : 0) + 0.5f) - 0x3f000000;
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
    return float_of((uint32_t)bits << 16);
}

uint16_t alx_float_to_bfloat16(float value)
{
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
