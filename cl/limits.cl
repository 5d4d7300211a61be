/*
 * What a device can do at most: multiply-adds in registers, and reading memory.
 *
 * Macros beside common.h's: STEPS (multiply-adds of each of 12 chains), CHUNK (floats that a
 * work-item reads, a multiple of 4 * LANES * VECTOR).
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

/* 2 * CHAINS * STEPS * VECTOR operations a work-item. Work-group (LANES, 1, 1); out[work-items]
 * starts as any finite values. */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
limits_fma(__global float *restrict out)
{
    const int i = (int)get_global_id(0);
    vec chain[CHAINS], total = (vec)(0.0f);
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        chain[c] = (vec)(out[i] + (float)c);
    for (int step = 0; step < STEPS; step++)
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
