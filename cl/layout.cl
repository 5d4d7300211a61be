/*
 * Zeroes the halo of the output tensor, whose place in the arena may have held something else.
 * One work-item a row of a plane.
 * Work-group (1, 1, 1); global (BATCH * OUT_C / OUT_B * (OUT_H + 2 * OUT_HALO), 1, 1).
 */
__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void
layout_clear_halo(__global float *restrict out)
{
    const int y = (int)get_global_id(0) % (OUT_H + 2 * OUT_HALO) - OUT_HALO;
    __global float *row = out + (size_t)get_global_id(0) * OUT_ROW;
    const bool inside = y >= 0 && y < OUT_H;
    const int left = inside ? OUT_HALO * OUT_B : OUT_ROW;
    for (int i = 0; i < left; i++)
        row[i] = 0.0f;
    if (inside)
        for (int i = 0; i < OUT_HALO * OUT_B; i++)
            row[OUT_ROW - 1 - i] = 0.0f;
}
