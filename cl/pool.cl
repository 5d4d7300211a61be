/*
 * Pooling with overlapping windows.
 *
 *   out(n, c, y, x) = max, or mean, over ky, kx of
 *                     in(n, c, y * STRIDE_H + ky - PAD_TOP, x * STRIDE_W + kx - PAD_LEFT)
 *
 * Windows are clipped to the input. The mean is over what is left of them; with COUNT_PADDING it is
 * over what lies in the input or in its padding, which is 0. A work-item takes ITEM_C channels (a
 * multiple of VECTOR; VECTOR divides both blocks) of ITEM_X neighbouring outputs: whole rows on a
 * CPU, one on a GPU.
 *
 * Work-group (LANES, 1, 1); global (ceil(OUT_C / ITEM_C) rounded up to LANES, ceil(OUT_W / ITEM_X),
 * BATCH * OUT_H).
 * Macros beside common.h's: KERNEL_H KERNEL_W STRIDE_H STRIDE_W PAD_TOP PAD_LEFT ITEM_C ITEM_X; for
 * pool_average COUNT_PADDING PAD_BOTTOM PAD_RIGHT.
 */
#if !defined(POOL_AVERAGE)
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
pool_max(__global const float *restrict in, __global float *restrict out)
{
    const int first_c = (int)get_global_id(0) * ITEM_C, first_x = (int)get_global_id(1) * ITEM_X;
    const int n = (int)get_global_id(2) / OUT_H, y = (int)get_global_id(2) % OUT_H;
    const int top = max(y * STRIDE_H - PAD_TOP, 0);
    const int bottom = min(y * STRIDE_H - PAD_TOP + KERNEL_H, IN_H);
    for (int x = first_x; x < min(first_x + ITEM_X, OUT_W); x++) {
        const int left = max(x * STRIDE_W - PAD_LEFT, 0);
        const int right = min(x * STRIDE_W - PAD_LEFT + KERNEL_W, IN_W);
        for (int c = first_c; c < min(first_c + ITEM_C, OUT_C); c += VECTOR) {
            vec largest = LOAD(in + IN_AT(n, c, top, left));
            for (int iy = top; iy < bottom; iy++)
                for (int ix = left; ix < right; ix++)
                    largest = fmax(largest, LOAD(in + IN_AT(n, c, iy, ix)));
            STORE(largest, out + OUT_AT(n, c, y, x));
        }
    }
}
#else
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
pool_average(__global const float *restrict in, __global float *restrict out)
{
    const int first_c = (int)get_global_id(0) * ITEM_C, first_x = (int)get_global_id(1) * ITEM_X;
    const int n = (int)get_global_id(2) / OUT_H, y = (int)get_global_id(2) % OUT_H;
    const int window_top = y * STRIDE_H - PAD_TOP;
    const int top = max(window_top, 0), bottom = min(window_top + KERNEL_H, IN_H);
    const int height = COUNT_PADDING ? min(KERNEL_H, IN_H + PAD_BOTTOM - window_top) : bottom - top;
    for (int x = first_x; x < min(first_x + ITEM_X, OUT_W); x++) {
        const int window_left = x * STRIDE_W - PAD_LEFT;
        const int left = max(window_left, 0), right = min(window_left + KERNEL_W, IN_W);
        const int width =
            COUNT_PADDING ? min(KERNEL_W, IN_W + PAD_RIGHT - window_left) : right - left;
        for (int c = first_c; c < min(first_c + ITEM_C, OUT_C); c += VECTOR) {
            vec sum = (vec)(0.0f);
            for (int iy = top; iy < bottom; iy++)
                for (int ix = left; ix < right; ix++)
                    sum += LOAD(in + IN_AT(n, c, iy, ix));
            STORE(sum / (vec)((float)(height * width)), out + OUT_AT(n, c, y, x));
        }
    }
}
#endif
