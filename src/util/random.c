#include "util/random.h"

uint64_t alx_random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

float alx_random_float(uint64_t *state, float low, float high)
{
    float unit = (float)(alx_random_next(state) >> 40) * 0x1p-24f;
    return low + (high - low) * unit;
}

int alx_random_int(uint64_t *state, int low, int high)
{
    uint64_t count = (uint64_t)(high - low) + 1;
    return low + (int)(alx_random_next(state) % count);
}
