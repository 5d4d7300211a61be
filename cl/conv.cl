/*
 * Convolution, and fully connected layers seen as one over their whole input.
 *
 *   out(n, o, y, x) = act(bias[o] + scale[o] * sum over c, ky, kx of
 *                         in(n, g * IN_C/GROUPS + c, iy, ix) * w[o][c][ky][kx])
 *   with g = o / (OUT_C/GROUPS), iy = y * STRIDE_H + ky * DILATION_H - PAD_TOP, ix likewise;
 *   positions outside of the input count as 0.
 *
 * Macros beside common.h's: KERNEL_H KERNEL_W STRIDE_H STRIDE_W PAD_TOP PAD_LEFT DILATION_H
 * DILATION_W GROUPS, and
 *   ACTIVATION       0 none, 1 ReLU
 *   ROWS_PADDED      rows of bias[] and of scale[], which follows it: output channels, padded to
 *                    whole panels per group
 */
#define GROUP_IN   (IN_C / GROUPS)
#define GROUP_OUT  (OUT_C / GROUPS)
#define OUT_PIXELS (OUT_H * OUT_W)
#define K_ELEMS    (GROUP_IN * KERNEL_H * KERNEL_W)

#if defined(CONV_DIRECT)
/*
 * Direct convolution on channel-blocked tensors: a register tile of PIXELS output pixels by a panel
 * of PANEL = VECTORS * LANES * VECTOR output channels. Pixels are counted flat over images, rows
 * and columns, so that no tile is cut at a row's end.
 *
 * Weights: w[panel][k][PANEL], with k over the group's input in the order block, ky, kx, channel in
 * block: the order in which the input lies in memory. A run of RUN values of k lies contiguously in
 * the input.
 *
 * Work-group (LANES, 1, 1); global (panels * LANES, ceil(BATCH * OUT_PIXELS / PIXELS), 1). On a CPU
 * LANES is 1 and VECTOR the register's width; on a GPU VECTOR is 1 and neighbouring lanes read
 * neighbouring weights and the same input.
 * Needs a halo of at least the padding; IN_B and GROUP_IN divide one another.
 *
 *   PIXELS   1 .. 16     VECTORS  1 .. 4      UNROLL   divides RUN
 */
#define PANEL        (VECTORS * LANES * VECTOR)
#define GROUP_PANELS ((GROUP_OUT + PANEL - 1) / PANEL)
#define BLOCK_IN     (IN_B < GROUP_IN ? IN_B : GROUP_IN)
#define GROUP_BLOCKS (GROUP_IN / BLOCK_IN)
/* Whole rows of the window are contiguous when nothing lies between its columns. */
#define MERGED       (BLOCK_IN == IN_B && DILATION_W == 1)
#define RUN          (MERGED ? KERNEL_W * IN_B : BLOCK_IN)
#define RUNS         (MERGED ? 1 : KERNEL_W)
#define VECTOR_STORE (OUT_B % VECTOR == 0 && GROUP_OUT % VECTOR == 0)

/* VECTOR output channels of a pixel, the first of which is row `row` of the bias. */
static void store_outputs(vec value, __global const float *bias, __global float *out, int pixel,
                          int group, int row)
{
    const int n = pixel / OUT_PIXELS, y = pixel % OUT_PIXELS / OUT_W, x = pixel % OUT_W;
    const int o = row - group * (GROUP_PANELS * PANEL); /* in the group */
#if WEIGHT_BITS == 8
    value *= LOAD(bias + ROWS_PADDED + row);
#endif
    value += LOAD(bias + row);
#if ACTIVATION == 1
    value = RELU(value);
#endif
#if VECTOR_STORE
    if (o < GROUP_OUT)
        STORE(value, out + OUT_AT(n, group * GROUP_OUT + o, y, x));
#else
    float lanes[VECTOR];
    STORE(value, lanes);
    for (int i = 0; i < min(VECTOR, GROUP_OUT - o); i++)
        out[OUT_AT(n, group * GROUP_OUT + o + i, y, x)] = lanes[i];
#endif
}

__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
conv_direct(__global const float *restrict in, __global const weight *restrict weights,
            __global const float *restrict bias, __global float *restrict out, int first_panel)
{
    const int lane = LANES == 1 ? 0 : (int)get_local_id(0);
    const int part_panel = GROUP_ID(0);
    const int panel = first_panel + part_panel;
    const int group = panel / GROUP_PANELS;
    const int row = panel * PANEL + lane * VECTOR;
    const int first_pixel = GROUP_ID(1) * PIXELS;
    __global const weight *w = weights + (size_t)part_panel * (K_ELEMS * PANEL) + lane * VECTOR;
    __global const float *x[PIXELS];
    vec sum[PIXELS][VECTORS];

#pragma unroll
    for (int i = 0; i < PIXELS; i++) {
        /* past the end: computed again, not stored */
        const int pixel = min(first_pixel + i, BATCH * OUT_PIXELS - 1);
        const int n = pixel / OUT_PIXELS, y = pixel % OUT_PIXELS / OUT_W, px = pixel % OUT_W;
        x[i] = in + IN_AT(n, group * GROUP_IN, y * STRIDE_H - PAD_TOP, px * STRIDE_W - PAD_LEFT);
#pragma unroll
        for (int j = 0; j < VECTORS; j++)
            sum[i][j] = (vec)(0.0f);
    }

    for (int block = 0; block < GROUP_BLOCKS; block++)
        for (int ky = 0; ky < KERNEL_H; ky++)
            for (int kx = 0; kx < RUNS; kx++) {
                int offset =
                    block * IN_PLANE + ky * (DILATION_H * IN_ROW) + kx * (DILATION_W * IN_B);
#pragma nounroll
                for (int run = 0; run < RUN; run += UNROLL) {
#pragma unroll
                    for (int u = 0; u < UNROLL; u++) {
                        vec v[VECTORS];
#pragma unroll
                        for (int j = 0; j < VECTORS; j++)
                            v[j] = LOAD_WEIGHTS(w + u * PANEL + j * (LANES * VECTOR));
#pragma unroll
                        for (int i = 0; i < PIXELS; i++) {
                            const vec value = (vec)(x[i][offset + u]);
#pragma unroll
                            for (int j = 0; j < VECTORS; j++)
                                sum[i][j] = fma(value, v[j], sum[i][j]);
                        }
                    }
                    w += UNROLL * PANEL;
                    offset += UNROLL;
                }
            }

#pragma unroll
    for (int i = 0; i < PIXELS; i++)
        if (first_pixel + i < BATCH * OUT_PIXELS)
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                store_outputs(sum[i][j], bias, out, first_pixel + i, group,
                              row + j * (LANES * VECTOR));
}
#endif

#if defined(CONV_NAIVE)
/*
 * The safe kernel: one work-item an output, any layout. Weights w[o][c][ky][kx].
 * Work-group (LANES, 1, 1); global (OUT_PIXELS rounded up to LANES, OUT_C, BATCH).
 */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
conv_naive(__global const float *restrict in, __global const weight *restrict weights,
           __global const float *restrict bias, __global float *restrict out, int first_panel)
{
    const int pixel = (int)get_global_id(0), n = (int)get_global_id(2);
    const int part_row = (int)get_global_id(1), o = first_panel + part_row;
    if (pixel >= OUT_PIXELS)
        return;
    const int y = pixel / OUT_W, x = pixel % OUT_W;
    const int first_channel = o / GROUP_OUT * GROUP_IN;
    __global const weight *w = weights + (size_t)part_row * K_ELEMS;
    float sum = 0.0f;
    for (int c = 0; c < GROUP_IN; c++)
        for (int ky = 0; ky < KERNEL_H; ky++)
            for (int kx = 0; kx < KERNEL_W; kx++, w++) {
                const int iy = y * STRIDE_H + ky * DILATION_H - PAD_TOP;
                const int ix = x * STRIDE_W + kx * DILATION_W - PAD_LEFT;
                if (iy >= 0 && iy < IN_H && ix >= 0 && ix < IN_W)
                    sum = fma(in[IN_AT(n, first_channel + c, iy, ix)], WEIGHT(w), sum);
            }
#if WEIGHT_BITS == 8
    sum *= bias[ROWS_PADDED + o];
#endif
    sum += bias[o];
    out[OUT_AT(n, o, y, x)] = ACTIVATION == 1 ? RELU1(sum) : sum;
}
#endif

#if defined(CONV_IM2COL)
/*
 * Around a GEMM: im2col writes the group's input of one image as the matrix columns[k][pixel], with
 * k over (c, ky, kx); the epilogue adds bias and activation to the product and brings it into the
 * output's layout.
 * Work-group (LANES, 1, 1).
 */
/* global (OUT_PIXELS rounded up to LANES, K_ELEMS) */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
conv_im2col(__global const float *restrict in, __global float *restrict columns, int n, int group)
{
    const int pixel = (int)get_global_id(0), k = (int)get_global_id(1);
    if (pixel >= OUT_PIXELS)
        return;
    const int c = k / (KERNEL_H * KERNEL_W), ky = k / KERNEL_W % KERNEL_H, kx = k % KERNEL_W;
    const int y = pixel / OUT_W * STRIDE_H + ky * DILATION_H - PAD_TOP;
    const int x = pixel % OUT_W * STRIDE_W + kx * DILATION_W - PAD_LEFT;
    const bool inside = y >= 0 && y < IN_H && x >= 0 && x < IN_W;
    columns[k * OUT_PIXELS + pixel] = inside ? in[IN_AT(n, group * GROUP_IN + c, y, x)] : 0.0f;
}

/* global (OUT_PIXELS rounded up to LANES, OUT_C); product[OUT_C][OUT_PIXELS] of image n lies
 * PRODUCT_OFFSET into `work` */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
conv_epilogue(__global const float *restrict work, __global const float *restrict bias,
              __global float *restrict out, int n)
{
    const int pixel = (int)get_global_id(0), o = (int)get_global_id(1);
    if (pixel >= OUT_PIXELS)
        return;
    const float sum = work[PRODUCT_OFFSET + o * OUT_PIXELS + pixel] + bias[o];
    out[OUT_AT(n, o, pixel / OUT_W, pixel % OUT_W)] = ACTIVATION == 1 ? RELU1(sum) : sum;
}
#endif
