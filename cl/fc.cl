/*
 * Fully connected layers as matrix times vector: bound by how fast the weights are read.
 *
 *   out[n][o] = act(bias[o] + scale[o] * sum over k of w[o][k] * in[n][k])
 *
 * k counts the input in the order in which it lies in memory (no halo), and out is linear, too.
 *
 * Macros beside common.h's: K_ELEMS, ROWS (output channels of a panel), IMAGES (images that share a
 * pass over the weights), ACTIVATION (0 none, 1 ReLU), ROWS_PADDED (rows of bias[] and of scale[],
 * which follows it).
 */
#define K_VECTORS ((K_ELEMS + VECTOR - 1) / VECTOR)

#if defined(FC_GEMV)
/*
 * Weights: w[panel][k / VECTOR][ROWS][VECTOR], padded with zeros: one stream for each work-group.
 * The LANES work-items of a group take the vectors of k in turn and add up in local memory.
 * Work-group (LANES, 1, 1); global (panels * LANES, 1, 1).
 */
static vec load_input(__global const float *in, int k)
{
#if K_ELEMS % VECTOR
    if (k + VECTOR > K_ELEMS) {
        float lanes[VECTOR];
        for (int i = 0; i < VECTOR; i++)
            lanes[i] = k + i < K_ELEMS ? in[k + i] : 0.0f;
        return LOAD(lanes);
    }
#endif
    return LOAD(in + k);
}

static float sum_of(vec v)
{
#if VECTOR == 1
    return v;
#elif VECTOR == 2
    return v.x + v.y;
#else
#if VECTOR == 16
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;
#elif VECTOR == 8
    const float4 b = v.lo + v.hi;
#else
    const float4 b = v;
#endif
    const float2 c = b.lo + b.hi;
    return c.x + c.y;
#endif
}

__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
fc_gemv(__global const float *restrict in, __global const weight *restrict weights,
        __global const float *restrict bias, __global float *restrict out, int first_panel)
{
#if LANES > 1
    __local float partial[LANES * ROWS * IMAGES];
#endif
    const int lane = LANES == 1 ? 0 : (int)get_local_id(0);
    const int part_panel = (int)get_group_id(0);
    const int row = (first_panel + part_panel) * ROWS;
    __global const weight *w = weights + (size_t)part_panel * (K_VECTORS * VECTOR * ROWS);

    for (int first = 0; first < BATCH; first += IMAGES) {
        vec sum[ROWS][IMAGES];
        float total[ROWS][IMAGES];
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int i = 0; i < IMAGES; i++)
                sum[r][i] = (vec)(0.0f);

        /* As many rounds for every lane: where they differ, Intel's CPU compiler goes wrong. */
        for (int round = 0; round < K_VECTORS; round += LANES) {
            const int k = round + lane;
            vec x[IMAGES];
            if (K_VECTORS % LANES && k >= K_VECTORS)
                continue;
#pragma unroll
            for (int i = 0; i < IMAGES; i++)
                x[i] = load_input(in + min(first + i, BATCH - 1) * K_ELEMS, k * VECTOR);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                const vec v = LOAD_WEIGHTS(w + (k * ROWS + r) * VECTOR);
#pragma unroll
                for (int i = 0; i < IMAGES; i++)
                    sum[r][i] = fma(v, x[i], sum[r][i]);
            }
        }

#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
            for (int i = 0; i < IMAGES; i++)
                total[r][i] = sum_of(sum[r][i]);
#if LANES > 1
        /* A tree of fixed shape, so that results repeat to the bit. */
        for (int r = 0; r < ROWS; r++)
            for (int i = 0; i < IMAGES; i++)
                partial[(r * IMAGES + i) * LANES + lane] = total[r][i];
        for (int half_lanes = LANES / 2; half_lanes > 0; half_lanes /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            if (lane < half_lanes)
                for (int s = 0; s < ROWS * IMAGES; s++)
                    partial[s * LANES + lane] += partial[s * LANES + lane + half_lanes];
        }
        if (lane == 0)
            for (int r = 0; r < ROWS; r++)
                for (int i = 0; i < IMAGES; i++)
                    total[r][i] = partial[(r * IMAGES + i) * LANES];
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane > 0)
            continue;
#endif
        for (int r = 0; r < ROWS; r++)
            for (int i = 0; i < IMAGES; i++)
                if (row + r < OUT_C && first + i < BATCH) {
                    float value = total[r][i];
#if WEIGHT_BITS == 8
                    value *= bias[ROWS_PADDED + row + r];
#endif
                    value += bias[row + r];
                    out[(first + i) * OUT_C + row + r] = ACTIVATION == 1 ? RELU1(value) : value;
                }
    }
}
#endif

#if defined(FC_EPILOGUE)
/*
 * After a GEMM: product[BATCH][OUT_C] plus bias, activation.
 * Work-group (LANES, 1, 1); global (OUT_C rounded up to LANES, BATCH).
 */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
fc_epilogue(__global const float *restrict product, __global const float *restrict bias,
            __global float *restrict out)
{
    const int o = (int)get_global_id(0), n = (int)get_global_id(1);
    if (o >= OUT_C)
        return;
    const float sum = product[n * OUT_C + o] + bias[o];
    out[n * OUT_C + o] = ACTIVATION == 1 ? RELU1(sum) : sum;
}
#endif
