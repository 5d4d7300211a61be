/*
 * A ReLU that could not be fused into the layer before it.
 * Work-group (LANES, 1, 1); global (OUT_C rounded up to LANES, OUT_W, BATCH * OUT_H).
 */
__attribute__((reqd_work_group_size(LANES, 1, 1))) __kernel void
elementwise_relu(__global const float *restrict in, __global float *restrict out)
{
    const int c = (int)get_global_id(0), x = (int)get_global_id(1);
    const int n = (int)get_global_id(2) / OUT_H, y = (int)get_global_id(2) % OUT_H;
    if (c < OUT_C)
        out[OUT_AT(n, c, y, x)] = RELU1(in[IN_AT(n, c, y, x)]);
}
