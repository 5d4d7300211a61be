/*
 * Fully connected layers as matrix times vector, bound by how fast the weights are read, and for
 * larger batches as matrix times matrix.
 *
 *   out[n][o] = act(bias[o] + scale[o] * sum over k of w[o][k] * in[n][k])
 *
 * k counts the input in the order in which it lies in memory (no halo), and out is linear, too.
 *
 * Macros beside common.h's: K_ELEMS, IMAGES (images that share a pass over the weights), ACTIVATION
 * (0 none, 1 ReLU), ROWS_PADDED (rows of bias[] and of scale[], which follows it).
 */
#define K_VECTORS ((K_ELEMS + VECTOR - 1) / VECTOR)

#if defined(FC_GEMV)
/*
 * Weights: w[panel][k / VECTOR][ROWS][VECTOR], padded with zeros: one stream for each work-group,
 * asked for AHEAD_BYTES before it is read (PREFETCH lines are one step of k). ROWS is the panel's
 * output channels.
 * The LANES work-items of a group take the vectors of k in turn and add up in local memory.
 * Work-group (LANES, 1, 1); global (panels * LANES, 1, 1).
 */
#if WEIGHT_BITS == 28
/*
 * Float32 in 28 bits, as src/ops/compact.h says: a panel is the scales of its rows, in whole lines,
 * then w[k / VECTOR][ROWS / 8][7][VECTOR]. Eight rows lie in seven words: s in bit 31, e and m in
 * bits 26 to 0, and in bits 30 to 27 of word q bits 4q + 3 to 4q of the eighth row's number, whose
 * s is bit 27.
 */
#define SCALE_WORDS ((ROWS + 15) / 16 * 16)
#define PANEL_WORDS (SCALE_WORDS + K_VECTORS * VECTOR * ROWS / 8 * 7)
#define STEP_WORDS  (ROWS / 8 * 7 * VECTOR)
#if VECTOR == 1
typedef uint words;
#define AS_VEC(v) as_float(v)
#else
typedef JOIN(uint, VECTOR) words;
#define AS_VEC(v) JOIN(as_float, VECTOR)(v)
#endif

/* From s and e, m. Where e is 0, the number lacks its first 1: (2^-15 * 1.m) * 2 - 2^-14. */
static vec unpack(words word)
{
    const vec value = AS_VEC(word + (112u << 23));
    const vec least = AS_VEC((word & 0x80000000u) | (113u << 23));
    return select(value, fma(value, (vec)(2.0f), -least), (word & 0x07800000u) == 0);
}

static void add_step(vec sum[ROWS][IMAGES], const vec x[IMAGES], __global const weight *w)
{
#pragma unroll
    for (int first = 0; first < ROWS; first += 8, w += 7 * VECTOR) {
        words last = (words)(0);
#pragma unroll
        for (int q = 0; q < 8; q++) {
            words word;
            if (q < 7) {
                word = *(__global const words *)(w + q * VECTOR);
                last = last >> 4 | (word & 0x78000000u);
                word &= 0x87ffffffu;
            } else {
                word = (last >> 3 & 0x07ffffffu) | (last << 1 & 0x80000000u);
            }
            const vec v = unpack(word);
#pragma unroll
            for (int i = 0; i < IMAGES; i++)
                sum[first + q][i] = fma(v, x[i], sum[first + q][i]);
        }
    }
}
#else
#define SCALE_WORDS 0
#define PANEL_WORDS (K_VECTORS * VECTOR * ROWS)
#define STEP_WORDS  (ROWS * VECTOR)

static void add_step(vec sum[ROWS][IMAGES], const vec x[IMAGES], __global const weight *w)
{
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        const vec v = LOAD_WEIGHTS(w + r * VECTOR);
#pragma unroll
        for (int i = 0; i < IMAGES; i++)
            sum[r][i] = fma(v, x[i], sum[r][i]);
    }
}
#endif

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
    const int part_panel = GROUP_ID(0);
    const int row = (first_panel + part_panel) * ROWS;
    __global const weight *panel = weights + (size_t)part_panel * PANEL_WORDS;
    __global const weight *w = panel + SCALE_WORDS;

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
            FETCH_AHEAD((__global const char *)(w + k * STEP_WORDS) + AHEAD_BYTES, 3);
#pragma unroll
            for (int i = 0; i < IMAGES; i++)
                x[i] = load_input(in + min(first + i, BATCH - 1) * K_ELEMS, k * VECTOR);
            add_step(sum, x, w + k * STEP_WORDS);
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
        barrier(CLK_LOCAL_MEM_FENCE); /* compilers read before they know which lane it is */
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
#elif WEIGHT_BITS == 28
                    value *= as_float(panel[r]);
#endif
                    value += bias[row + r];
                    out[(first + i) * OUT_C + row + r] = ACTIVATION == 1 ? RELU1(value) : value;
                }
    }
}
#endif

#if defined(FC_GEMM)
/*
 * A work-item computes a panel of output channels for IMAGES images. It goes through k in blocks,
 * so that a block's weights stay in its cache while all register tiles of ROWS images by VECTORS
 * vectors use them, and asks for the next block meanwhile.
 *
 * Weights: w[panel][k][PANEL], padded with zeros.
 * Work-group (1, 1, 1); global (panels, ceil(BATCH / IMAGES), 1).
 *
 *   ROWS  1 .. IMAGES    VECTORS  1 .. 3    UNROLL  divides K_ELEMS and K_BLOCK    K_BLOCK  any
 */
#define PANEL (VECTORS * VECTOR)

static void store_outputs(const float *sums, __global const float *bias, __global float *out, int n,
                          int row)
{
    for (int i = 0; i < PANEL && row + i < OUT_C; i++) {
        float value = sums[i];
#if WEIGHT_BITS == 8
        value *= bias[ROWS_PADDED + row + i];
#endif
        value += bias[row + i];
        out[n * OUT_C + row + i] = ACTIVATION == 1 ? RELU1(value) : value;
    }
}

__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
fc_gemm(__global const float *restrict in, __global const weight *restrict weights,
        __global const float *restrict bias, __global float *restrict out, int first_panel)
{
    const int part_panel = (int)get_global_id(0);
    /* The last images begin earlier, so that they are IMAGES, and store only what is their own. */
    const int own_image = (int)get_global_id(1) * IMAGES;
    const int first_image = min(own_image, BATCH - IMAGES);
    __global const weight *w = weights + (size_t)part_panel * (K_ELEMS * PANEL);
    __global const float *x = in + first_image * K_ELEMS;
    float sums[IMAGES * PANEL];
    for (int i = 0; i < IMAGES * PANEL; i += VECTOR)
        STORE((vec)(0.0f), sums + i);

    for (int k = 0; k < K_ELEMS; k += K_BLOCK) {
        const int count = min(K_BLOCK, K_ELEMS - k);
        for (int t = 0; t < (IMAGES + ROWS - 1) / ROWS; t++) {
            /* Images of the last tile that others had would be added twice: their sums are kept. */
            const int image = min(t * ROWS, IMAGES - ROWS), kept = t * ROWS - image;
            vec sum[ROWS][VECTORS];
#pragma unroll
            for (int i = 0; i < ROWS; i++)
#pragma unroll
                for (int j = 0; j < VECTORS; j++)
                    sum[i][j] = LOAD(sums + (image + i) * PANEL + j * VECTOR);
            add_products(sum, x + image * K_ELEMS + k, K_ELEMS, w, count,
                         w + K_BLOCK * PANEL + t * (K_BLOCK / UNROLL * PREFETCH * LINE_WEIGHTS));
#pragma unroll
            for (int i = 0; i < ROWS; i++)
                if (i >= kept)
#pragma unroll
                    for (int j = 0; j < VECTORS; j++)
                        STORE(sum[i][j], sums + (image + i) * PANEL + j * VECTOR);
        }
        w += K_BLOCK * PANEL;
    }
    for (int n = own_image; n < min(own_image + IMAGES, BATCH); n++)
        store_outputs(sums + (n - first_image) * PANEL, bias, out, n,
                      (first_panel + part_panel) * PANEL);
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
