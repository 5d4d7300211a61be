/*
 * Convolution by Winograd's minimal filtering F(TILE, KERNEL): TILE x TILE outputs from SIDE x SIDE
 * inputs with SIDE * SIDE multiplications a channel, SIDE = TILE + KERNEL - 1.
 *
 *   out = A^T [ sum over k of (G w_k G^T) * (B^T in_k B) ] A + bias, then the activation
 *
 * WEIGHT_BITS is 32. Comes after the transforms that cook_toom.py writes (TRANSFORM_INPUT is B^T,
 * TRANSFORM_OUTPUT is A^T). A convolution of stride S becomes one of stride 1 by taking the S * S
 * phases of the input as channels (space to depth): k counts GROUP_K = GROUP_IN * STRIDE^2 of them.
 *
 * On a CPU, winograd_whole does all of it, or winograd_multiply what follows winograd_input; where
 * work-items run in step, conv_tiled in conv.cl multiplies, and winograd_output ends.
 *
 * A pass computes IMAGES images; TILES tiles are counted flat over images, rows and columns.
 * Transformed input:   work[group][point][tile][GROUP_K], points IN_STEP apart.
 * Transformed weights: w[panel][point][k][PANEL], padded with zeros; bias[] as in conv.cl.
 * Input: NHWC without halo, or NCHW without halo when ALONG_X.
 *
 * Macros beside common.h's: GROUPS PAD_TOP PAD_LEFT ACTIVATION as in conv.cl, and
 *   TILE KERNEL  (2, 3, 4) x (3, 5)  STRIDE     1 ..
 *   IMAGES       1 .. BATCH          IN_VECTOR  1, 2, 4, 8, 16: floats of an input vector
 *   ALONG_X      1: a vector divides STRIDE, or is 2 or 4 of its rows, k = (channel, dy, dx);
 *                0: it lies along channels and divides GROUP_IN, k = (dy, dx, channel)
 *   ITEM_K       multiple of IN_VECTOR: values of k a work-item of winograd_input transforms
 *   BLOCK        1 .. TILES: tiles of a work-item of winograd_multiply
 *   ROWS         1 .. BLOCK, VECTORS 1 .. 4: its register tile, tiles by vectors
 *   UNROLL       divides GROUP_K     PREFETCH   cache lines fetched ahead every UNROLL steps of k
 *   IN_STEP      at least TILES * GROUP_K, WHOLE: BLOCK * GROUP_K
 *   WHOLE        1: winograd_whole, for which X_SPACE is __private, IMAGES is BATCH
 * With CONV_TILED only IN_STEP and those before BLOCK, IN_VECTOR and ITEM_K 1, and
 *   PANEL_ROWS   output channels of a panel
 *   PRODUCT_OFFSET  of the products in the workspace
 */
#ifndef WHOLE
#define WHOLE 0
#endif
#define SIDE         (TILE + KERNEL - 1)
#define POINTS       (SIDE * SIDE)
#define GROUP_IN     (IN_C / GROUPS)
#define GROUP_OUT    (OUT_C / GROUPS)
#define GROUP_K      (GROUP_IN * STRIDE * STRIDE)
#define TILES_Y      ((OUT_H + TILE - 1) / TILE)
#define TILES_X      ((OUT_W + TILE - 1) / TILE)
#define TILES        (IMAGES * TILES_Y * TILES_X)
#define PANEL        (VECTORS * VECTOR)
#define GROUP_PANELS ((GROUP_OUT + PANEL - 1) / PANEL)
/* One cache line more than needed, so that the points of a tile do not share a cache set. */
#define OUT_STEP (BLOCK * PANEL + 16)

#if IN_VECTOR == 1
typedef float in_vec;
#define IN_LOAD(p)     (*(p))
#define IN_STORE(v, p) (*(p) = (v))
#else
typedef JOIN(float, IN_VECTOR) in_vec;
#define IN_LOAD(p)     JOIN(vload, IN_VECTOR)(0, p)
#define IN_STORE(v, p) JOIN(vstore, IN_VECTOR)(v, 0, p)
#endif

/* An output vector. */
#if defined(CONV_TILED)
#define OUT_VECTOR 1
typedef float out_vec;
#define OUT_LOAD(p)     (*(p))
#define OUT_STORE(v, p) (*(p) = (v))
#define OUT_WRITE(v, p) OUT_STORE(v, p)
#define OUT_RELU(v)     RELU1(v)
#undef OUT_STEP
#define OUT_STEP 1
#else
#define OUT_VECTOR      VECTOR
typedef vec out_vec;
#define OUT_LOAD(p)     LOAD(p)
#define OUT_STORE(v, p) STORE(v, p)
#define OUT_WRITE(v, p) STREAM_STORE(v, p) /* to the output */
#define OUT_RELU(v)     RELU(v)
#endif

static int tile_image(int tile)
{
    return tile / (TILES_Y * TILES_X);
}

static int tile_y(int tile)
{
    return tile / TILES_X % TILES_Y * TILE;
}

static int tile_x(int tile)
{
    return tile % TILES_X * TILE;
}

/* --- input --- */

#if ALONG_X && IN_VECTOR > 1
#define RUN (IN_VECTOR < STRIDE ? IN_VECTOR : STRIDE) /* values side by side */
#if IN_VECTOR <= STRIDE
typedef in_vec run_vec;
#define RUN_LOAD(p) IN_LOAD(p)
#else
typedef JOIN(float, STRIDE) run_vec;
#define RUN_LOAD(p) JOIN(vload, STRIDE)(0, p)
#endif

/* Zeros outside of the input. */
static run_vec load_run(__global const float *in, int n, int c, int y, int x, bool inside)
{
    __global const float *at = in + IN_AT(n, c, y, x);
    run_vec run = (run_vec)(0.0f);
    if (inside || (y >= 0 && y < IN_H && x >= 0 && x + RUN <= IN_W))
        run = RUN_LOAD(at);
    else if (y >= 0 && y < IN_H)
        for (int i = max(0, -x); i < min(RUN, IN_W - x); i++)
            ((float *)&run)[i] = at[i];
    return run;
}
#endif

/* IN_VECTOR values of k, zeros outside of the input; `inside`: no test is needed. */
static in_vec load_input(__global const float *in, int n, int c, int y, int x, bool inside)
{
#if !ALONG_X || IN_VECTOR == 1
    return inside || (y >= 0 && y < IN_H && x >= 0 && x < IN_W) ? IN_LOAD(in + IN_AT(n, c, y, x))
                                                                : (in_vec)(0.0f);
#elif IN_VECTOR <= STRIDE
    return load_run(in, n, c, y, x, inside);
#elif IN_VECTOR == 2 * STRIDE
    return (in_vec)(load_run(in, n, c, y, x, inside), load_run(in, n, c, y + 1, x, inside));
#else
    return (in_vec)(load_run(in, n, c, y, x, inside), load_run(in, n, c, y + 1, x, inside),
                    load_run(in, n, c, y + 2, x, inside), load_run(in, n, c, y + 3, x, inside));
#endif
}

/* IN_VECTOR values of k of one tile; `inside`: no test is needed, which a compiler must know. */
__attribute__((always_inline)) static void transform_input(__global const float *in,
                                                           X_SPACE float *to, int n, int c, int y,
                                                           int x, bool inside)
{
    in_vec d[SIDE][SIDE];
#pragma unroll
    for (int j = 0; j < SIDE; j++) {
        in_vec column[SIDE];
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            column[i] = load_input(in, n, c, y + i * STRIDE, x + j * STRIDE, inside);
#define X(i) column[i]
#define Y(i) d[i][j]
        TRANSFORM_INPUT(in_vec, X, Y)
#undef X
#undef Y
    }
#pragma unroll
    for (int i = 0; i < SIDE; i++) {
        in_vec row[SIDE];
#define X(j) d[i][j]
#define Y(j) row[j]
        TRANSFORM_INPUT(in_vec, X, Y)
#undef X
#undef Y
#pragma unroll
        for (int j = 0; j < SIDE; j++)
            IN_STORE(row[j], to + (i * SIDE + j) * IN_STEP);
    }
}

/* IN_VECTOR values of a group's k, the first of which is `phase`, of one tile. */
static void transform_phases(__global const float *in, X_SPACE float *to, int tile, int first_image,
                             int group, int phase)
{
    const int n = first_image + tile_image(tile);
    const int y = tile_y(tile) * STRIDE - PAD_TOP, x = tile_x(tile) * STRIDE - PAD_LEFT;
    const bool inside = y >= 0 && y + SIDE * STRIDE <= IN_H && x >= 0 && x + SIDE * STRIDE <= IN_W;
#if ALONG_X
    const int c = phase / (STRIDE * STRIDE), dy = phase / STRIDE % STRIDE, dx = phase % STRIDE;
#else
    const int c = phase % GROUP_IN, dy = phase / (STRIDE * GROUP_IN),
              dx = phase / GROUP_IN % STRIDE;
#endif
    if (inside)
        transform_input(in, to, n, group * GROUP_IN + c, y + dy, x + dx, true);
    else
        transform_input(in, to, n, group * GROUP_IN + c, y + dy, x + dx, false);
}

#if !WHOLE
/* Work-group (LANES, 1, 1); global (ceil(GROUPS * GROUP_K / ITEM_K) rounded up to LANES, TILES, 1).
 */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
winograd_input(__global const float *restrict in, __global float *restrict work, int first_image)
{
    const int tile = (int)get_global_id(1), first = (int)get_global_id(0) * ITEM_K;
    for (int k = first; k < min(first + ITEM_K, GROUPS * GROUP_K); k += IN_VECTOR) {
        const int group = k / GROUP_K, phase = k % GROUP_K;
        transform_phases(in, work + group * (POINTS * IN_STEP) + tile * GROUP_K + phase, tile,
                         first_image, group, phase);
    }
}
#endif

/* --- output and multiplication --- */

/* OUT_VECTOR output channels, the first of which is `o` in its group, of a pixel that may lie
 * outside. */
static void store_output(out_vec value, __global float *out, int n, int group, int o, int y, int x)
{
    if (y >= OUT_H || x >= OUT_W)
        return;
#if ACTIVATION == 1
    value = OUT_RELU(value);
#endif
#if OUT_B % OUT_VECTOR == 0 && GROUP_OUT % OUT_VECTOR == 0
    OUT_WRITE(value, out + OUT_AT(n, group * GROUP_OUT + o, y, x));
#else
    float lanes[OUT_VECTOR];
    OUT_STORE(value, lanes);
    for (int i = 0; i < min(OUT_VECTOR, GROUP_OUT - o); i++)
        out[OUT_AT(n, group * GROUP_OUT + o + i, y, x)] = lanes[i];
#endif
}

static void transform_output(const float *product, out_vec bias, __global float *out, int tile,
                             int first_image, int group, int o)
{
    const int n = first_image + tile_image(tile), y = tile_y(tile), x = tile_x(tile);
    out_vec m[TILE][SIDE];
#pragma unroll
    for (int j = 0; j < SIDE; j++) {
        out_vec column[SIDE];
#pragma unroll
        for (int i = 0; i < SIDE; i++)
            column[i] = OUT_LOAD(product + (i * SIDE + j) * OUT_STEP);
#define X(i) column[i]
#define Y(i) m[i][j]
        TRANSFORM_OUTPUT(out_vec, X, Y)
#undef X
#undef Y
    }
#pragma unroll
    for (int i = 0; i < TILE; i++) {
        out_vec row[TILE];
#define X(j) m[i][j]
#define Y(j) row[j]
        TRANSFORM_OUTPUT(out_vec, X, Y)
#undef X
#undef Y
#pragma unroll
        for (int j = 0; j < TILE; j++)
            store_output(row[j] + bias, out, n, group, o, y + i, x + j);
    }
}

#if defined(CONV_TILED)
/*
 * Transforms the products of conv_tiled back, work[PRODUCT_OFFSET + (point, tile, o)]: a work-item
 * makes one tile of an output channel. `row` of the bias: channels padded to panels of PANEL_ROWS.
 * Work-group (LANES, 1, 1); global (OUT_C rounded up to LANES, TILES, 1).
 */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
winograd_output(__global const float *restrict work, __global const float *restrict bias,
                __global float *restrict out, int first_image)
{
    const int o = (int)get_global_id(0), tile = (int)get_global_id(1);
    if (o >= OUT_C)
        return;
    const int group = o / GROUP_OUT, in_group = o % GROUP_OUT;
    const int panels = (GROUP_OUT + PANEL_ROWS - 1) / PANEL_ROWS;
    float product[POINTS];
#pragma unroll
    for (int point = 0; point < POINTS; point++)
        product[point] = work[PRODUCT_OFFSET + (point * TILES + tile) * OUT_C + o];
    transform_output(product, bias[group * (panels * PANEL_ROWS) + in_group], out, tile,
                     first_image, group, in_group);
}
#else
/* One point: ROWS tiles by a panel. `next` is what is read after these weights. */
static void multiply(X_SPACE const float *x, __global const weight *w, __global const weight *next,
                     float *product)
{
    vec sum[ROWS][VECTORS];
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int j = 0; j < VECTORS; j++)
            sum[i][j] = (vec)(0.0f);
    add_products(sum, x, GROUP_K, w, GROUP_K, next);
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int j = 0; j < VECTORS; j++)
            STORE(sum[i][j], product + i * PANEL + j * VECTOR);
}

/* A panel of output channels of BLOCK tiles from first_tile on, of which those from own_tile on are
 * stored. The products stay in private memory, that is in the core's own cache. */
static void multiply_panel(X_SPACE const float *x, __global const weight *w,
                           __global const float *bias, __global float *out, int panel, int own_tile,
                           int first_tile, int first_image)
{
    const int group = panel / GROUP_PANELS;
    const int first_row = panel * PANEL - group * (GROUP_PANELS * PANEL);
    float product[POINTS * OUT_STEP];

    for (int point = 0; point < POINTS; point++) {
        for (int i = 0; i < (BLOCK + ROWS - 1) / ROWS; i++) {
            const int tile = min(i * ROWS, BLOCK - ROWS);
            multiply(x + tile * GROUP_K, w,
                     w + GROUP_K * PANEL + i * (GROUP_K / UNROLL * PREFETCH * LINE_WEIGHTS),
                     product + point * OUT_STEP + tile * PANEL);
        }
        w += GROUP_K * PANEL;
        x += IN_STEP;
    }
    for (int tile = own_tile; tile < min(own_tile + BLOCK, TILES); tile++)
        for (int i = 0; i < PANEL && first_row + i < GROUP_OUT; i += VECTOR)
            transform_output(product + (tile - first_tile) * PANEL + i,
                             LOAD(bias + panel * PANEL + i), out, tile, first_image, group,
                             first_row + i);
}

#if WHOLE
/*
 * All of it for BLOCK tiles of a group: what is transformed is never seen by another core.
 * Work-group (1, 1, 1); global (GROUPS, ceil(TILES / BLOCK), 1).
 */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
winograd_whole(__global const float *restrict in, __global const weight *restrict weights,
               __global const float *restrict bias, __global float *restrict out, int first_panel,
               int panels)
{
    const int group = (int)get_global_id(0);
    const int own_tile = (int)get_global_id(1) * BLOCK, first_tile = min(own_tile, TILES - BLOCK);
    const int begin = max(first_panel, group * GROUP_PANELS);
    const int end = min(first_panel + panels, (group + 1) * GROUP_PANELS);
    float x[POINTS * IN_STEP];
    if (begin >= end)
        return;
    for (int tile = 0; tile < BLOCK; tile++)
        for (int phase = 0; phase < GROUP_K; phase += IN_VECTOR)
            transform_phases(in, x + tile * GROUP_K + phase, first_tile + tile, 0, group, phase);
    for (int panel = begin; panel < end; panel++)
        multiply_panel(x, weights + (size_t)(panel - first_panel) * (POINTS * GROUP_K * PANEL),
                       bias, out, panel, own_tile, first_tile, 0);
    STREAM_END();
}
#else
/* A panel of a block of tiles. Work-group (1, 1, 1); global (panels, ceil(TILES / BLOCK), 1). */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
winograd_multiply(__global const float *restrict work, __global const weight *restrict weights,
                  __global const float *restrict bias, __global float *restrict out,
                  int first_panel, int first_image)
{
    const int part_panel = (int)get_global_id(0), panel = first_panel + part_panel;
    /* The last block begins earlier, so that it is whole, and stores only what is its own. */
    const int own_tile = (int)get_global_id(1) * BLOCK, first_tile = min(own_tile, TILES - BLOCK);
    multiply_panel(work + panel / GROUP_PANELS * (POINTS * IN_STEP) + first_tile * GROUP_K,
                   weights + (size_t)part_panel * (POINTS * GROUP_K * PANEL), bias, out, panel,
                   own_tile, first_tile, first_image);
    STREAM_END();
}
#endif
#endif
