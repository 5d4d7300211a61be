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
#ifndef K_ELEMS
#define K_ELEMS (GROUP_IN * KERNEL_H * KERNEL_W)
#endif
#ifndef COLUMNS
#define COLUMNS LANES /* of a work-group, side by side along output channels */
#endif

/* Scale, bias and activation of one output; `row` is the padded row of its channel. */
static float finished(float sum, __global const float *bias, int row)
{
#if WEIGHT_BITS == 8
    sum *= bias[ROWS_PADDED + row];
#endif
    sum += bias[row];
    return ACTIVATION == 1 ? RELU1(sum) : sum;
}

#if defined(CONV_DIRECT) || defined(CONV_TILED)
#define PANEL        (VECTORS * COLUMNS * VECTOR)
#define GROUP_PANELS ((GROUP_OUT + PANEL - 1) / PANEL)
#define BLOCK_IN     (IN_B < GROUP_IN ? IN_B : GROUP_IN)
#define GROUP_BLOCKS (GROUP_IN / BLOCK_IN)
/* Whole rows of the window are contiguous when nothing lies between its columns. */
#define MERGED       (BLOCK_IN == IN_B && DILATION_W == 1)
#define RUN          (MERGED ? KERNEL_W * IN_B : BLOCK_IN)
#define RUNS         (MERGED ? 1 : KERNEL_W)
#define VECTOR_STORE (OUT_B % VECTOR == 0 && GROUP_OUT % VECTOR == 0)

/* Where the window of an output pixel begins in a group's input. */
#define WINDOW_AT(pixel, group)                                                                    \
    IN_AT((pixel) / OUT_PIXELS, (group)*GROUP_IN,                                                  \
          (pixel) % OUT_PIXELS / OUT_W * STRIDE_H - PAD_TOP,                                       \
          (pixel) % OUT_W * STRIDE_W - PAD_LEFT)

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
        *(__global vec *)(out + OUT_AT(n, group * GROUP_OUT + o, y, x)) = value;
#else
    float lanes[VECTOR];
    STORE(value, lanes);
    for (int i = 0; i < min(VECTOR, GROUP_OUT - o); i++)
        out[OUT_AT(n, group * GROUP_OUT + o + i, y, x)] = lanes[i];
#endif
}
#endif

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
        x[i] = in + WINDOW_AT(pixel, group);
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

#if defined(CONV_TILED)
/*
 * Convolution as a product of matrices, for devices whose work-items run in step:
 *
 *   product[m][o] = sum over k of A[m][k] * w[o][k]
 *
 * Row m of A is the window of output pixel m, counted flat over images (fully connected: image m);
 * weights w[panel][k][PANEL] and k are those of conv_direct. With PRODUCTS > 1 it multiplies what
 * winograd_input wrote: rows are tiles, in = work[group][point][m][k], points IN_STEP apart, and
 * w[panel][point][k][PANEL].
 *
 * A work-group computes TILE_ROWS rows by a panel, a lane ROWS rows by VECTORS vectors. What the
 * lanes of a group have in common goes
 *   SUB_GROUP 0  through local memory, DEPTH values of k at a time: LANES / COLUMNS lanes lie
 *                along the rows, COLUMNS along channels;
 *   SUB_GROUP 1  through the registers of one sub-group (cl_intel_subgroups): all lanes lie along
 *                channels, and each reads another k of every row and hands it to the others.
 *
 * SPLIT groups may share the sum over k, so that few rows and channels fill a large device, too.
 * RAW sums, those of parts or points, go to out[PRODUCT_OFFSET + (point or part, m, o)];
 * conv_tiled_sum adds the parts in order.
 *
 * Work-group (LANES, 1, 1); global (panels * LANES, ceil(ROW_COUNT / TILE_ROWS), PRODUCTS * SPLIT).
 * Needs a halo of at least the padding; IN_B and GROUP_IN divide one another. One of PRODUCTS and
 * SPLIT is 1.
 *
 *   ROW_COUNT  rows of A            ROWS     1 .. 16    VECTORS  1, 2, with VECTOR 4 or, in a
 *   COLUMNS    divides LANES        SPLIT    1 .. 16    sub-group, 1; there, COLUMNS is LANES
 */
#define RAW       (SPLIT > 1 || PRODUCTS > 1)
#define DEPTH     16
#define STEP      (SUB_GROUP ? LANES : DEPTH) /* of k */
#define K_PART    (((K_ELEMS + SPLIT - 1) / SPLIT + STEP - 1) / STEP * STEP)
#define TILE_ROWS (LANES / COLUMNS * ROWS)

#if PRODUCTS > 1
#define ROW_AT(m, group, point) (((group)*PRODUCTS + (point)) * IN_STEP + (m)*K_ELEMS)
#define K_AT(k)                 (k)
#define K_RUN                   K_ELEMS
#else
#define ROW_AT(m, group, point) WINDOW_AT(m, group)
#define K_AT(k)                                                                                    \
    ((k) / (RUN * RUNS * KERNEL_H) * IN_PLANE +                                                    \
     (k) / (RUN * RUNS) % KERNEL_H * (DILATION_H * IN_ROW) +                                       \
     (k) / RUN % RUNS * (DILATION_W * IN_B) + (k) % RUN)
#define K_RUN RUN
#endif

/* VECTOR sums of row m; `z` counts points or parts, `row` is the first one of the bias. */
static void store_sums(vec value, __global const float *bias, __global float *out, int m, int z,
                       int group, int row)
{
#if RAW
    const int o = row - group * (GROUP_PANELS * PANEL);
    __global float *to = out + PRODUCT_OFFSET + (z * ROW_COUNT + m) * OUT_C + group * GROUP_OUT + o;
#if GROUP_OUT % VECTOR == 0
    if (o < GROUP_OUT)
        *(__global vec *)to = value;
#else
    float lanes[VECTOR];
    STORE(value, lanes);
    for (int i = 0; i < min(VECTOR, GROUP_OUT - o); i++)
        to[i] = lanes[i];
#endif
#else
    store_outputs(value, bias, out, m, group, row);
#endif
}

#if SUB_GROUP
#pragma OPENCL EXTENSION cl_intel_subgroups : enable
#define SUB_GROUP_SIZE __attribute__((intel_reqd_sub_group_size(LANES)))

/* LANES values from `p` on, one a lane. */
static float read_block(__global const float *p)
{
    return as_float(intel_sub_group_block_read((__global const uint *)p));
}

#if WEIGHT_BITS == 32
#define READ_WEIGHTS(p, lane) read_block(p)
#else
#define READ_WEIGHTS(p, lane) WEIGHT((p) + (lane))
#endif

/* Values of A past the end are 0, so that it does not matter which weights meet them. */
static void multiply(vec sum[ROWS][VECTORS], __global const float *in, __global const weight *w,
                     const int at[ROWS], int first_k, int end_k)
{
    const int lane = (int)get_sub_group_local_id();
#pragma nounroll
    for (int k = first_k; k < end_k; k += LANES) {
        float x[ROWS];
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#if K_RUN % LANES == 0
            x[i] = read_block(in + at[i] + K_AT(k));
#else
            x[i] = k + lane < K_ELEMS ? in[at[i] + K_AT(k + lane)] : 0.0f;
#endif
#pragma unroll
        for (int u = 0; u < LANES; u++) {
            const int row = K_ELEMS % LANES ? min(k + u, K_ELEMS - 1) : k + u;
            float v[VECTORS];
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                v[j] = READ_WEIGHTS(w + row * PANEL + j * LANES, lane);
#pragma unroll
            for (int i = 0; i < ROWS; i++)
#pragma unroll
                for (int j = 0; j < VECTORS; j++)
                    sum[i][j] = fma(sub_group_broadcast(x[i], u), v[j], sum[i][j]);
        }
    }
}
#else
#define SUB_GROUP_SIZE
/* Values of A and vectors of weights that a lane brings to local memory in each step. */
#define ROW_FETCHES    ((TILE_ROWS * DEPTH + LANES - 1) / LANES)
#define WEIGHT_FETCHES ((PANEL * DEPTH / VECTOR + LANES - 1) / LANES)
#define ROW_STRIDE     (TILE_ROWS + 4) /* apart, so that lanes along k do not share a bank */
/* Rows of a lane that are read from local memory at once. */
#if ROWS % 4 == 0
#define ROW_VECTOR 4
typedef float4 row_vec;
#elif ROWS % 2 == 0
#define ROW_VECTOR 2
typedef float2 row_vec;
#else
#define ROW_VECTOR 1
typedef float row_vec;
#endif

static void multiply(vec sum[ROWS][VECTORS], __global const float *in, __global const weight *w,
                     const int at[ROW_FETCHES], int first_k, int end_k, __local row_vec *row_vecs,
                     __local vec *panel)
{
    const uint lane = get_local_id(0), column = lane % COLUMNS, line = lane / COLUMNS;
    __local float *rows = (__local float *)row_vecs;
#pragma nounroll
    for (uint k = first_k; k < (uint)end_k; k += DEPTH) {
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int i = 0; i < ROW_FETCHES; i++) {
            const uint e = lane + i * LANES, u = e % DEPTH;
            if (TILE_ROWS * DEPTH % LANES == 0 || e < TILE_ROWS * DEPTH)
                rows[u * ROW_STRIDE + e / DEPTH] =
                    K_ELEMS % DEPTH == 0 || k + u < K_ELEMS ? in[at[i] + K_AT(k + u)] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < WEIGHT_FETCHES; i++) {
            const uint e = lane + i * LANES;
            if (PANEL * DEPTH / VECTOR % LANES == 0 || e < PANEL * DEPTH / VECTOR)
                panel[e] = K_ELEMS % DEPTH == 0 || k + e * VECTOR / PANEL < K_ELEMS
                               ? LOAD_WEIGHTS(w + k * PANEL + e * VECTOR)
                               : (vec)(0.0f);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 4
        for (int u = 0; u < DEPTH; u++) {
            vec v[VECTORS];
            union {
                row_vec vectors[ROWS / ROW_VECTOR];
                float values[ROWS];
            } x;
#pragma unroll
            for (int i = 0; i < ROWS / ROW_VECTOR; i++)
                x.vectors[i] = row_vecs[(u * ROW_STRIDE + line * ROWS) / ROW_VECTOR + i];
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                v[j] = panel[(u * VECTORS + j) * COLUMNS + column];
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                const vec value = (vec)(x.values[i]);
#pragma unroll
                for (int j = 0; j < VECTORS; j++)
                    sum[i][j] = fma(value, v[j], sum[i][j]);
            }
        }
    }
}
#endif

SUB_GROUP_SIZE __attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
conv_tiled(__global const float *restrict in, __global const weight *restrict weights,
           __global const float *restrict bias, __global float *restrict out, int first_panel)
{
    const int part_panel = GROUP_ID(0), panel = first_panel + part_panel;
    const int group = panel / GROUP_PANELS, z = GROUP_ID(2);
    const int point = z / SPLIT, first_k = z % SPLIT * K_PART;
    const int end_k = min(first_k + K_PART, K_ELEMS);
    const int lane = (int)get_local_id(0), column = lane % COLUMNS, line = lane / COLUMNS;
    const int first_row = GROUP_ID(1) * TILE_ROWS, own_row = first_row + line * ROWS;
    __global const weight *w =
        weights + ((size_t)part_panel * PRODUCTS + point) * ((size_t)K_ELEMS * PANEL);
    vec sum[ROWS][VECTORS];
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int j = 0; j < VECTORS; j++)
            sum[i][j] = (vec)(0.0f);

            /* Rows past the end: computed again, not stored. */
#if SUB_GROUP
    int at[ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; i++)
        at[i] = ROW_AT(min(first_row + i, ROW_COUNT - 1), group, point);
    multiply(sum, in, w, at, first_k, end_k);
#else
    __local row_vec rows_k[DEPTH * ROW_STRIDE / ROW_VECTOR];
    __local vec panel_k[DEPTH * PANEL / VECTOR];
    int at[ROW_FETCHES];
#pragma unroll
    for (int i = 0; i < ROW_FETCHES; i++)
        at[i] = ROW_AT(min(first_row + (lane + i * LANES) / DEPTH, ROW_COUNT - 1), group, point);
    multiply(sum, in, w, at, first_k, end_k, rows_k, panel_k);
#endif

#pragma unroll
    for (int i = 0; i < ROWS; i++)
        if (own_row + i < ROW_COUNT)
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                store_sums(sum[i][j], bias, out, own_row + i, z, group,
                           panel * PANEL + (j * COLUMNS + column) * VECTOR);
}

#if SPLIT > 1
/* Adds the parts. Work-group (LANES, 1, 1); global (OUT_C rounded up to LANES, ROW_COUNT, 1). */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
conv_tiled_sum(__global const float *restrict work, __global const float *restrict bias,
               __global float *restrict out)
{
    const int o = (int)get_global_id(0), m = (int)get_global_id(1);
    if (o >= OUT_C)
        return;
    float sum = 0.0f;
    for (int part = 0; part < SPLIT; part++)
        sum += work[PRODUCT_OFFSET + (part * ROW_COUNT + m) * OUT_C + o];
    out[OUT_AT(m / OUT_PIXELS, o, m % OUT_PIXELS / OUT_W, m % OUT_W)] =
        finished(sum, bias, o / GROUP_OUT * (GROUP_PANELS * PANEL) + o % GROUP_OUT);
}
#endif
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
    out[OUT_AT(n, o, y, x)] = finished(sum, bias, o);
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
    const float sum = work[PRODUCT_OFFSET + o * OUT_PIXELS + pixel];
    out[OUT_AT(n, o, pixel / OUT_W, pixel % OUT_W)] = finished(sum, bias, o);
}
#endif
