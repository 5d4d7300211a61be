/*
 * A float32's bits, and back; inline, so that loops over them become vector instructions.
 */
#ifndef ALX_UTIL_BITS_H
#define ALX_UTIL_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t alx_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float alx_bits_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
