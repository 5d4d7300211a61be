/*
 * Comes before every kernel file.
 *
 * The host gives shapes and layouts as macros:
 *   BATCH                              images
 *   IN_C IN_H IN_W IN_B IN_HALO        input tensor: channels, rows, columns, block, halo
 *   OUT_C OUT_H OUT_W OUT_B OUT_HALO   output tensor
 *   VECTOR       1, 2, 4, 8, 16        floats that a work-item handles at a time
 *   LANES        1 .. work-group limit work-items of a group that share a task; 1 on CPUs
 *   WEIGHT_BITS  32, 28, 16, 8         float, float in 28 bits (fc.cl), half or int8 (with a scale
 *                                      per output channel)
 *   RELU_LIMIT   6.0f, ...             where a ReLU ends (ReLU6); not given: nowhere
 *   PREFETCH     0 ..                  cache lines that a kernel asks for ahead of need at a time
 *   STREAM       1: outputs that are not read soon go to memory past the caches, else 0
 *   X_SPACE      __global, __private   where a register tile on a CPU finds its inputs
 *
 * Element (n, c, y, x) of a tensor with block B and halo h lies at
 *   (((n * C/B + c/B) * (H + 2h) + y + h) * (W + 2h) + x + h) * B + c%B
 */
#ifndef VECTOR
#define VECTOR 1
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef WEIGHT_BITS
#define WEIGHT_BITS 32
#endif
#ifndef PREFETCH
#define PREFETCH 0
#endif
#ifndef STREAM
#define STREAM 0
#endif
#ifndef X_SPACE
#define X_SPACE __global
#endif

#pragma OPENCL FP_CONTRACT OFF

/* The number of the work-group in its whole range: a range may be launched in slices, each from an
 * offset on, and get_group_id() starts at 0 in each of them. */
#define GROUP_ID(axis) ((int)(get_global_id(axis) / get_local_size(axis)))

#define IN_ROW   ((IN_W + 2 * IN_HALO) * IN_B)
#define IN_PLANE ((IN_H + 2 * IN_HALO) * IN_ROW)
#define IN_IMAGE (IN_C / IN_B * IN_PLANE)
#define IN_AT(n, c, y, x)                                                                          \
    (IN_IMAGE * (n) + (c) / IN_B * IN_PLANE + ((y) + IN_HALO) * IN_ROW + ((x) + IN_HALO) * IN_B +  \
     (c) % IN_B)

#define OUT_ROW   ((OUT_W + 2 * OUT_HALO) * OUT_B)
#define OUT_PLANE ((OUT_H + 2 * OUT_HALO) * OUT_ROW)
#define OUT_IMAGE (OUT_C / OUT_B * OUT_PLANE)
#define OUT_AT(n, c, y, x)                                                                         \
    (OUT_IMAGE * (n) + (c) / OUT_B * OUT_PLANE + ((y) + OUT_HALO) * OUT_ROW +                      \
     ((x) + OUT_HALO) * OUT_B + (c) % OUT_B)

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

#if VECTOR == 1
typedef float vec;
#define LOAD(p)     (*(p))
#define STORE(v, p) (*(p) = (v))
#else
typedef JOIN(float, VECTOR) vec;
#define LOAD(p)     JOIN(vload, VECTOR)(0, p)
#define STORE(v, p) JOIN(vstore, VECTOR)(v, 0, p)
#endif

/* Vectors of weights are aligned, which compilers for GPUs need to know to read them at once. */
#if WEIGHT_BITS == 32
typedef float weight;
#define LOAD_WEIGHTS(p) (*(__global const vec *)(p))
#define WEIGHT(p)       (*(p))
#elif WEIGHT_BITS == 28
typedef uint weight; /* words */
#elif WEIGHT_BITS == 16
typedef half weight;
#define WEIGHT(p) vload_half(0, p)
#if VECTOR == 1
#define LOAD_WEIGHTS(p) vload_half(0, p)
#else
#define LOAD_WEIGHTS(p) JOIN(vloada_half, VECTOR)(0, p)
#endif
#else
typedef char weight;
#define WEIGHT(p) ((float)*(p))
#if VECTOR == 1
#define LOAD_WEIGHTS(p) ((float)*(p))
#else
#define LOAD_WEIGHTS(p) JOIN(convert_float, VECTOR)(*(__global const JOIN(char, VECTOR) *)(p))
#endif
#endif

/* Asks for PREFETCH cache lines from `p` on, which may lie past the end of a buffer: the hardware
 * ignores that. `nearness` 3: into the first cache, 2: into the second. The host gives 0 to
 * simulators and GPUs. */
#define LINE_BYTES   64
#define LINE_WEIGHTS (LINE_BYTES * 8 / WEIGHT_BITS)
#if PREFETCH > 0 && defined(__has_builtin)
#if __has_builtin(__builtin_prefetch)
#define FETCH_AHEAD(p, nearness)                                                                   \
    _Pragma("unroll") for (int line_ = 0; line_ < PREFETCH; line_++)                               \
        __builtin_prefetch((__global const char *)(p) + line_ * LINE_BYTES, 0, nearness)
#endif
#endif
#ifndef FETCH_AHEAD
#define FETCH_AHEAD(p, nearness)
#endif

/* Stores a vector of whole cache lines at its aligned place: what a cache would have to read before
 * it is written, only to write it back before anyone reads it. Other processors' reads come behind
 * STREAM_END(): x86 does not order such stores, except by locked instructions and this. */
#if STREAM && defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define STREAM_STORE(v, p) __builtin_nontemporal_store(v, (__global vec *)(p))
#if __has_builtin(__builtin_ia32_sfence)
#define STREAM_END() __builtin_ia32_sfence()
#else
#define STREAM_END() mem_fence(CLK_GLOBAL_MEM_FENCE)
#endif
#endif
#endif
#ifndef STREAM_STORE
#define STREAM_STORE(v, p) STORE(v, p)
#define STREAM_END()
#endif

#if defined(ROWS) && defined(VECTORS) && defined(UNROLL)
/* A register tile on a CPU: sum[i][...] += x[i * step + k] * w[k][VECTORS * VECTOR] for k from 0 to
 * count - 1, a multiple of UNROLL. Meanwhile PREFETCH lines a step of UNROLL are asked for from
 * `next` on. */
static void add_products(vec sum[ROWS][VECTORS], X_SPACE const float *x, int step,
                         __global const weight *w, int count, __global const weight *next)
{
#pragma nounroll
    for (int k = 0; k < count; k += UNROLL) {
        FETCH_AHEAD(next, 2);
        next += PREFETCH * LINE_WEIGHTS;
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            vec v[VECTORS];
#pragma unroll
            for (int j = 0; j < VECTORS; j++)
                v[j] = LOAD_WEIGHTS(w + (u * VECTORS + j) * VECTOR);
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                const vec value = (vec)(x[i * step + k + u]);
#pragma unroll
                for (int j = 0; j < VECTORS; j++)
                    sum[i][j] = fma(value, v[j], sum[i][j]);
            }
        }
        w += UNROLL * VECTORS * VECTOR;
    }
}
#endif

/* Negative values become 0, those above RELU_LIMIT, where there is one, that; NaN stays NaN. */
#ifdef RELU_LIMIT
#define RELU(v)                                                                                    \
    select(select(v, (vec)(0.0f), (v) < (vec)(0.0f)), (vec)(RELU_LIMIT), (v) > (vec)(RELU_LIMIT))
#define RELU1(v) ((v) < 0.0f ? 0.0f : (v) > RELU_LIMIT ? RELU_LIMIT : (v))
#else
#define RELU(v)  select(v, (vec)(0.0f), (v) < (vec)(0.0f))
#define RELU1(v) ((v) < 0.0f ? 0.0f : (v))
#endif
