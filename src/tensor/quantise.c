#include "tensor/quantise.h"

#include <float.h>
#include <math.h>

enum { MOST = 127 };

float alx_quantise_scale(const float *row, size_t count)
{
    float largest = 0, finite = 0;
    for (size_t i = 0; i < count; i++) {
        float magnitude = fabsf(row[i]);
        largest = magnitude > largest ? magnitude : largest;
        finite += row[i] * 0; /* NaN from NaN and infinity on */
    }
    if (finite != 0)
        return NAN;
    /* A scale below FLT_MIN has lost so many bits that values could come out above 127. */
    float scale = largest / MOST;
    return scale >= FLT_MIN ? scale : 1;
}

void alx_quantise(const float *row, size_t count, float scale, int8_t *out)
{
    /* Adding 1.5 * 2^23 leaves no bits behind the point: rounds to nearest, ties to even, in a way
     * that compilers turn into vector instructions. */
    const float round = 0x1.8p23f;
    for (size_t i = 0; i < count; i++) {
        float rounded = row[i] / scale + round;
        out[i] = (int8_t)(int32_t)(rounded - round);
    }
}
