/*
 * Local response normalisation across channels.
 *
 *   out(c) = in(c) / (K + ALPHA * S(c))^BETA
 *   S(c) = sum of in(i)^2 for i from c - BELOW to c + ABOVE, clipped to the group of c: the
 * channels are cut into GROUPS equal parts, one after the other
 *
 * ALPHA is the factor of the plain sum. For BETA = 0.75 the power is s * sqrt(s) with
 * s = sqrt(...), which is exact to a few units in the last place on every device; others go through
 * pow().
 *
 * Macros beside common.h's: GROUPS BELOW ABOVE ALPHA BETA K BETA_IS_075.
 */
#define GROUP_C (IN_C / GROUPS)
/* The first channel of the group of c. */
#if GROUPS == 1
#define GROUP_BEGIN(c) 0
#else
#define GROUP_BEGIN(c) ((c) / GROUP_C * GROUP_C)
#endif

#if BETA_IS_075
#define POWER(t, type) (sqrt(t) * sqrt(sqrt(t)))
#else
#define POWER(t, type) pow(t, (type)(BETA))
#endif

/* One output, any layout. */
static float normalised(__global const float *in, int n, int c, int y, int x)
{
    const int begin = GROUP_BEGIN(c), end = begin + GROUP_C;
    float sum = 0.0f;
    for (int i = max(c - BELOW, begin); i <= min(c + ABOVE, end - 1); i++) {
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

#if defined(LRN_POOL_ELEMENT)
/*
 * One output of the max-pool behind it, any layout: values in several windows are normalised in
 * each, which is cheaper than writing them. Macros: those of pool.cl without ITEM_C and ITEM_X.
 * Work-group (LANES, 1, 1); global (OUT_C rounded up to LANES, OUT_W, BATCH * OUT_H).
 */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
lrn_pool_element(__global const float *restrict in, __global float *restrict out)
{
    const int c = (int)get_global_id(0), x = (int)get_global_id(1);
    const int n = (int)get_global_id(2) / OUT_H, y = (int)get_global_id(2) % OUT_H;
    const int top = max(y * STRIDE_H - PAD_TOP, 0), left = max(x * STRIDE_W - PAD_LEFT, 0);
    const int bottom = min(y * STRIDE_H - PAD_TOP + KERNEL_H, IN_H);
    const int right = min(x * STRIDE_W - PAD_LEFT + KERNEL_W, IN_W);
    if (c >= OUT_C)
        return;
    float largest = normalised(in, n, c, top, left);
    for (int iy = top; iy < bottom; iy++)
        for (int ix = left; ix < right; ix++)
            largest = fmax(largest, normalised(in, n, c, iy, ix));
    out[OUT_AT(n, c, y, x)] = largest;
}
#endif

#if defined(LRN_ROW) || defined(LRN_POOL)
/*
 * Vectors of channels. NHWC without halo on the input (IN_B = IN_C), so that a pixel's channels are
 * shifted by loading from shifted addresses; lanes that belong to another group or pixel count as
 * 0. VECTOR, at least 2, divides GROUP_C, so that a vector lies in one group.
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

/* VECTOR outputs from channel c on. */
static vec normalised_channels(__global const float *in, int n, int c, int y, int x)
{
    __global const float *at = in + IN_AT(n, c, y, x);
    const int begin = GROUP_BEGIN(c), end = begin + GROUP_C;
    vec sum = (vec)(0.0f);
    if (IN_AT(n, c, y, x) < BELOW || IN_AT(n, c, y, x) + ABOVE + VECTOR > IN_ELEMS) {
        /* the first and the last pixels of the tensor */
        float lane_values[VECTOR];
        for (int i = 0; i < VECTOR; i++)
            lane_values[i] = normalised(in, n, c + i, y, x);
        return LOAD(lane_values);
    }
    /* Compilers unroll these loops as they like: asked to, Oclgrind's adds up wrong values. */
    if (c >= begin + BELOW && c + VECTOR + ABOVE <= end) {
        for (int d = -BELOW; d <= ABOVE; d++) {
            const vec value = LOAD(at + d);
            sum = fma(value, value, sum);
        }
    } else {
        for (int d = -BELOW; d <= ABOVE; d++) {
            const lanes channel = lane_numbers() + (c + d);
            const vec value =
                select((vec)(0.0f), LOAD(at + d), (channel >= begin) & (channel < end));
            sum = fma(value, value, sum);
        }
    }
    return LOAD(at) / POWER(fma((vec)(ALPHA), sum, (vec)(K)), vec);
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

#endif

#if defined(LRN_ROW)
/* One work-item an image row. Work-group (1, 1, 1); global (BATCH * OUT_H, 1, 1). */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
lrn_row(__global const float *restrict in, __global float *restrict out)
{
    const int n = (int)get_global_id(0) / OUT_H, y = (int)get_global_id(0) % OUT_H;
    for (int x = 0; x < OUT_W; x++)
        for (int c = 0; c < OUT_C; c += VECTOR)
            store_channels(normalised_channels(in, n, c, y, x), out, n, c, y, x);
}
#endif

#if defined(LRN_POOL)
/*
 * With the max-pool behind it in one pass. A work-item makes a strip of STRIP output rows: it
 * normalises one input row after the other in private memory and takes each into the output rows
 * whose windows hold it. Only rows between two strips are normalised twice.
 * Work-group (1, 1, 1); global (BATCH * ceil(OUT_H / STRIP), 1, 1).
 * Macros: those of pool.cl without ITEM_C and ITEM_X; STRIP 1 .. OUT_H.
 */
static vec load_channels(__global const float *out, int n, int c, int y, int x)
{
#if OUT_B % VECTOR == 0
    return LOAD(out + OUT_AT(n, c, y, x));
#else
    float lane_values[VECTOR];
    for (int i = 0; i < VECTOR; i++)
        lane_values[i] = out[OUT_AT(n, c + i, y, x)];
    return LOAD(lane_values);
#endif
}

/* `first`: the output row holds nothing yet. */
static void pool_row(const float *row, __global float *out, int n, int y, bool first)
{
    for (int x = 0; x < OUT_W; x++) {
        const int left = max(x * STRIDE_W - PAD_LEFT, 0);
        const int right = min(x * STRIDE_W - PAD_LEFT + KERNEL_W, IN_W);
        for (int c = 0; c < OUT_C; c += VECTOR) {
            vec largest = first ? LOAD(row + left * IN_C + c) : load_channels(out, n, c, y, x);
            for (int ix = left; ix < right; ix++)
                largest = fmax(largest, LOAD(row + ix * IN_C + c));
            store_channels(largest, out, n, c, y, x);
        }
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
lrn_pool(__global const float *restrict in, __global float *restrict out)
{
    const int strips = (OUT_H + STRIP - 1) / STRIP;
    const int n = (int)get_global_id(0) / strips;
    const int first_y = (int)get_global_id(0) % strips * STRIP;
    const int end_y = min(first_y + STRIP, OUT_H);
    const int bottom = min((end_y - 1) * STRIDE_H - PAD_TOP + KERNEL_H, IN_H);
    float row[IN_W * IN_C];
    for (int iy = max(first_y * STRIDE_H - PAD_TOP, 0); iy < bottom; iy++) {
        for (int x = 0; x < IN_W; x++)
            for (int c = 0; c < IN_C; c += VECTOR)
                STORE(normalised_channels(in, n, c, iy, x), row + x * IN_C + c);
        for (int y = first_y; y < end_y; y++) {
            const int top = y * STRIDE_H - PAD_TOP;
            if (iy >= top && iy < top + KERNEL_H)
                pool_row(row, out, n, y, iy == max(top, 0));
        }
    }
}
#endif
