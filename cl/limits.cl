/*
 * What a device can do at most: multiply-adds in registers, reading memory, and nothing at all.
 *
 * Macros beside common.h's: CHUNK (floats that a work-item reads, a multiple of 4 * VECTOR);
 * HALF (0, or the halves that a work-item handles at a time); DOT (1: 8-bit dot products).
 */
#define CHAINS 12

static float sum_of_lanes(vec v)
{
    float lanes[VECTOR], sum = 0.0f;
    STORE(v, lanes);
    for (int i = 0; i < VECTOR; i++)
        sum += lanes[i];
    return sum;
}

/* 2 * CHAINS * steps * VECTOR operations a work-item. Work-group (LANES, 1, 1); out[work-items]
 * starts as any finite values. */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
limits_fma(__global float *restrict out, int steps)
{
    const int i = (int)get_global_id(0);
    vec chain[CHAINS], total = (vec)(0.0f);
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        chain[c] = (vec)(out[i] + (float)c);
    for (int step = 0; step < steps; step++)
#pragma unroll
        for (int c = 0; c < CHAINS; c++)
            chain[c] = fma(chain[c], (vec)(0.5f), (vec)(1.0f));
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        total += chain[c];
    out[i] = sum_of_lanes(total);
}

/* A work-group reads LANES * CHUNK floats. Work-group (LANES, 1, 1); out[work-items]. */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
limits_read(__global const float *restrict in, __global float *restrict out)
{
    const int lane = LANES == 1 ? 0 : (int)get_local_id(0);
    __global const float *from = in + (size_t)GROUP_ID(0) * (LANES * CHUNK) + lane * VECTOR;
    vec sum[4];
#pragma unroll
    for (int j = 0; j < 4; j++)
        sum[j] = (vec)(0.0f);
    for (int i = 0; i < CHUNK / VECTOR; i += 4)
#pragma unroll
        for (int j = 0; j < 4; j++)
            sum[j] = fma(LOAD(from + (i + j) * (LANES * VECTOR)), (vec)(0.5f), sum[j]);
    out[get_global_id(0)] = sum_of_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* What launching costs. */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
limits_nothing(__global float *restrict out)
{
    out[get_global_id(0)] = 0.0f;
}

#if HALF
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
typedef JOIN(half, HALF) halves;

/* 2 * CHAINS * steps * HALF operations a work-item; as limits_fma(). */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
limits_fma_half(__global float *restrict out, int steps)
{
    const int i = (int)get_global_id(0);
    halves chain[CHAINS], total = (halves)((half)0);
    half lanes[HALF];
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        chain[c] = (halves)((half)(out[i] + (float)c));
    for (int step = 0; step < steps; step++)
#pragma unroll
        for (int c = 0; c < CHAINS; c++)
            chain[c] = fma(chain[c], (halves)((half)0.5f), (halves)((half)1.0f));
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        total += chain[c];
    JOIN(vstore, HALF)(total, 0, lanes);
    float sum = 0.0f;
    for (int j = 0; j < HALF; j++)
        sum += (float)lanes[j];
    out[i] = sum;
}
#endif

#if DOT
#pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable

/* 8 * CHAINS * steps operations a work-item; as limits_fma(). */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
limits_dot_int8(__global float *restrict out, int steps)
{
    const int i = (int)get_global_id(0);
    int chain[CHAINS], total = 0;
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        chain[c] = (int)out[i] + c;
    for (int step = 0; step < steps; step++)
#pragma unroll
        for (int c = 0; c < CHAINS; c++)
            chain[c] += dot_4x8packed_ss_int(as_uint(chain[c]), 0x01fe03fdu);
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        total ^= chain[c];
    out[i] = (float)(total & 1023);
}
#endif
