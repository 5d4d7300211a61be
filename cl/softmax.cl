/*
 * Softmax over the channels of each pixel, with the largest value subtracted.
 *
 *   out(c) = exp(in(c) - max) / sum over i of exp(in(i) - max)
 *
 * One work-group a pixel. Work-group (LANES, 1, 1), LANES a power of two;
 * global (BATCH * OUT_H * OUT_W * LANES, 1, 1).
 */
#if LANES > 1
#define GATHER(value, combine)                                                                     \
    {                                                                                              \
        partial[lane] = value;                                                                     \
        for (int half_lanes = LANES / 2; half_lanes > 0; half_lanes /= 2) {                        \
            barrier(CLK_LOCAL_MEM_FENCE);                                                          \
            if (lane < half_lanes)                                                                 \
                partial[lane] = combine(partial[lane], partial[lane + half_lanes]);                \
        }                                                                                          \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
        value = partial[0];                                                                        \
        barrier(CLK_LOCAL_MEM_FENCE);                                                              \
    }
#else
#define GATHER(value, combine)
#endif
#define ADD(a, b) ((a) + (b))

__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
softmax_channels(__global const float *restrict in, __global float *restrict out)
{
#if LANES > 1
    __local float partial[LANES];
#endif
    const int lane = LANES == 1 ? 0 : (int)get_local_id(0);
    const int pixel = GROUP_ID(0);
    const int n = pixel / (OUT_H * OUT_W), y = pixel / OUT_W % OUT_H, x = pixel % OUT_W;
    float largest = -INFINITY, sum = 0.0f;
    for (int c = lane; c < OUT_C; c += LANES)
        largest = fmax(largest, in[IN_AT(n, c, y, x)]);
    GATHER(largest, fmax)
    for (int c = lane; c < OUT_C; c += LANES)
        sum += exp(in[IN_AT(n, c, y, x)] - largest);
    GATHER(sum, ADD)
    for (int c = lane; c < OUT_C; c += LANES)
        out[OUT_AT(n, c, y, x)] = exp(in[IN_AT(n, c, y, x)] - largest) / sum;
}
