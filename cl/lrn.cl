/*
 * Local response normalisation across channels.
 *
 *   out(c) = in(c) / (K + ALPHA * S(c))^BETA
 *   S(c) = sum of in(i)^2 for i from c - BELOW to c + ABOVE, clipped to the channels
 *
 * ALPHA is the factor of the plain sum. For BETA = 0.75 the power is s * sqrt(s) with
 * s = sqrt(...), which is exact to a few units in the last place on every device; others go through
 * pow().
 *
 * Macros beside common.h's: BELOW ABOVE ALPHA BETA K BETA_IS_075.
 */
#if BETA_IS_075
#define POWER(t, type) (sqrt(t) * sqrt(sqrt(t)))
#else
#define POWER(t, type) pow(t, (type)(BETA))
#endif

/* One output, any layout. */
static float normalised(__global const float *in, int n, int c, int y, int x)
{
    float sum = 0.0f;
    for (int i = max(c - BELOW, 0); i <= min(c + ABOVE, IN_C - 1); i++) {
        const float value = in[IN_AT(n, i, y, x)];
        sum = fma(value, value, sum);
    }
    return in[IN_AT(n, c, y, x)] / POWER(fma((float)(ALPHA), sum, (float)(K)), float);
}

#if defined(LRN_ELEMENT)
/* Work-group (LANES, 1, 1); global (OUT_C rounded up to LANES, OUT_W, BATCH * OUT_H). */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
lrn_element(__global const float *restrict in, __global float *restrict out)
{
    const int c = (int)get_global_id(0), x = (int)get_global_id(1);
    const int n = (int)get_global_id(2) / OUT_H, y = (int)get_global_id(2) % OUT_H;
    if (c < OUT_C)
        out[OUT_AT(n, c, y, x)] = normalised(in, n, c, y, x);
}
#endif

#if defined(LRN_ROW)
/*
 * One work-item an image row; NHWC without halo on the input (IN_B = IN_C), so that a pixel's
 * channels are shifted by loading from shifted addresses; lanes that belong to another pixel count
 * as 0. VECTOR divides IN_C.
 * Work-group (1, 1, 1); global (BATCH * OUT_H, 1, 1).
 */
#define IN_ELEMS (BATCH * IN_IMAGE)
typedef JOIN(int, VECTOR) lanes;

static lanes lane_numbers(void)
{
#if VECTOR == 2
    return (int2)(0, 1);
#elif VECTOR == 4
    return (int4)(0, 1, 2, 3);
#elif VECTOR == 8
    return (int8)(0, 1, 2, 3, 4, 5, 6, 7);
#else
    return (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

static void store_channels(vec v, __global float *out, int n, int c, int y, int x)
{
#if OUT_B % VECTOR == 0
    STORE(v, out + OUT_AT(n, c, y, x));
#else
    float lane_values[VECTOR];
    STORE(v, lane_values);
    for (int i = 0; i < VECTOR; i++)
        out[OUT_AT(n, c + i, y, x)] = lane_values[i];
#endif
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
lrn_row(__global const float *restrict in, __global float *restrict out)
{
    const int n = (int)get_global_id(0) / OUT_H, y = (int)get_global_id(0) % OUT_H;
    for (int x = 0; x < OUT_W; x++) {
        const int pixel = IN_AT(n, 0, y, x);
        for (int c = 0; c < OUT_C; c += VECTOR) {
            if (pixel + c < BELOW || pixel + c + ABOVE + VECTOR > IN_ELEMS) {
                /* the first and the last pixels of the tensor */
                for (int i = c; i < c + VECTOR; i++)
                    out[OUT_AT(n, i, y, x)] = normalised(in, n, i, y, x);
                continue;
            }
            vec sum = (vec)(0.0f);
            if (c >= BELOW && c + VECTOR + ABOVE <= OUT_C) {
#pragma unroll
                for (int d = -BELOW; d <= ABOVE; d++) {
                    const vec value = LOAD(in + pixel + c + d);
                    sum = fma(value, value, sum);
                }
            } else {
#pragma unroll
                for (int d = -BELOW; d <= ABOVE; d++) {
                    const lanes channel = lane_numbers() + (c + d);
                    const vec value = select((vec)(0.0f), LOAD(in + pixel + c + d),
                                             (channel >= 0) & (channel < OUT_C));
                    sum = fma(value, value, sum);
                }
            }
            const vec power = POWER(fma((vec)(ALPHA), sum, (vec)(K)), vec);
            store_channels(LOAD(in + pixel + c) / power, out, n, c, y, x);
        }
    }
}
#endif
