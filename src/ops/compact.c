#include "ops/compact.h"

#include <math.h>
#include <string.h>

#include "util/bits.h"

enum { MANTISSA_BITS = 23, ONE = 127, LEAST = ONE - 14 }; /* exponents of 1 and of 2^-14 */

float alx_compact_row(const float *row, size_t count, uint32_t *words)
{
    const uint32_t infinity = 0x7f800000u;
    int32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t magnitude = (int32_t)(alx_float_bits(row[i]) & 0x7fffffffu);
        largest = magnitude > largest ? magnitude : largest;
    }
    if (largest == 0 || (uint32_t)largest >= infinity) {
        memset(words, 0, count * sizeof *words);
        return largest ? NAN : 1;
    }
    int exponent = largest >> MANTISSA_BITS > 0 ? largest >> MANTISSA_BITS : 1;
    /* Powers of two: products are exact, and so is 2^-127, which is subnormal. */
    const float scale = ldexpf(1, exponent - ONE), inverse = ldexpf(1, ONE - exponent);
    const float least = alx_bits_float((uint32_t)LEAST << MANTISSA_BITS);
    for (size_t i = 0; i < count; i++) {
        float scaled = row[i] * inverse;
        uint32_t bits = alx_float_bits(scaled), magnitude = bits & 0x7fffffffu;
        /* The sum has as many bits as fit: they are m, rounded to nearest. */
        uint32_t small =
            alx_float_bits(alx_bits_float(magnitude) + least) - ((uint32_t)LEAST << MANTISSA_BITS);
        uint32_t usual = magnitude - ((uint32_t)(LEAST - 1) << MANTISSA_BITS);
        words[i] =
            (bits & 0x80000000u) | ((int32_t)magnitude < (LEAST << MANTISSA_BITS) ? small : usual);
    }
    return scale;
}

/* `vector` values; with and without `sources` this becomes a loop of its own. */
static inline void join_vector(const uint32_t *words, size_t count, const uint32_t *sources,
                               size_t k, size_t now, size_t vector, uint32_t *out)
{
    for (size_t i = 0; i < now; i++) {
        const uint32_t *first = words + (sources ? sources[k + i] : k + i);
        uint32_t last = first[7 * count];
        last = (last & 0x07ffffffu) | (last >> 4 & 0x08000000u);
        for (size_t q = 0; q < ALX_COMPACT_WORDS; q++)
            out[q * vector + i] = first[q * count] | (last >> 4 * q & 15) << 27;
    }
}

void alx_compact_join(const uint32_t *words, size_t count, const uint32_t *sources, size_t vector,
                      size_t stride, uint32_t *out)
{
    for (size_t k = 0; k < count; k += vector, out += stride) {
        size_t now = count - k < vector ? count - k : vector;
        if (sources)
            join_vector(words, count, sources, k, now, vector, out);
        else if (now == vector && vector == 16) /* a constant, so that it becomes vector code */
            join_vector(words, count, NULL, k, 16, 16, out);
        else
            join_vector(words, count, NULL, k, now, vector, out);
    }
}
