/* Packing weights: every value at its documented place, padding zero, all types and precisions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "ops/pack.h"
#include "support/test.h"
#include "util/half.h"
#include "util/random.h"

enum { OUT = 10, IN = 6, K = 3, GROUPS = 2, ROW = IN / GROUPS * K * K };

static const struct alx_layer layer = {.name = "conv",
                                       .kind = ALX_LAYER_CONV,
                                       .out_channels = OUT,
                                       .kernel_h = K,
                                       .kernel_w = K,
                                       .groups = GROUPS};
static float weights[OUT * ROW], biases[OUT];
static struct alx_layer_info info;

static int make_layer(void **state)
{
    (void)state;
    uint64_t random = 3;
    for (size_t i = 0; i < OUT * ROW; i++)
        weights[i] = alx_random_float(&random, -1, 1);
    for (size_t i = 0; i < OUT; i++)
        biases[i] = (float)i + 0.5f;
    return (int)alx_layer_infer("test", &layer, (struct alx_shape){IN, 8, 8}, &info);
}

static struct alx_pack pack_of(size_t panel_rows, size_t k_vector, size_t block,
                               enum alx_precision precision)
{
    return (struct alx_pack){
        .info = &info,
        .format = {.panel_rows = panel_rows,
                   .k_vector = k_vector,
                   .block = block,
                   .k_elems = ROW,
                   .groups = GROUPS,
                   .group_panels = (OUT / GROUPS + panel_rows - 1) / panel_rows,
                   .precision = precision},
        .weights = {weights, ALX_DTYPE_F32, OUT * ROW},
        .biases = {biases, ALX_DTYPE_F32, OUT},
    };
}

static float value_at(const struct alx_pack *pack, const void *packed, size_t index)
{
    if (pack->format.precision == ALX_PRECISION_FP32)
        return ((const float *)packed)[index];
    if (pack->format.precision == ALX_PRECISION_FP16)
        return alx_half_to_float(((const uint16_t *)packed)[index]);
    return (float)((const int8_t *)packed)[index];
}

static void check_format(size_t panel_rows, size_t k_vector, size_t block,
                         enum alx_precision precision)
{
    struct alx_pack pack = pack_of(panel_rows, k_vector, block, precision);
    size_t panels = alx_pack_panel_count(&pack.format);
    size_t panel_bytes = alx_pack_panel_bytes(&pack.format);
    size_t rows = alx_pack_padded_rows(&pack.format), used = 0;
    size_t value_bytes = precision == ALX_PRECISION_FP32   ? 4
                         : precision == ALX_PRECISION_FP16 ? 2
                                                           : 1;
    size_t elems = panels * panel_bytes / value_bytes, nonzero = 0;
    uint8_t *packed = malloc(panels * panel_bytes);
    float *bias = malloc(2 * rows * sizeof *bias);
    memset(packed, 0x55, panels * panel_bytes);
    /* in two parts, as devices with small buffers get them */
    assert_ok(alx_pack_weights(&pack, 0, 1, packed));
    assert_ok(alx_pack_weights(&pack, 1, panels - 1, packed + panel_bytes));
    assert_ok(alx_pack_biases(&pack, bias));
    for (size_t o = 0; o < OUT; o++) {
        size_t group = o / (OUT / GROUPS), in_group = o % (OUT / GROUPS);
        size_t panel = group * pack.format.group_panels + in_group / panel_rows;
        size_t row = panel * panel_rows + in_group % panel_rows;
        float scale = bias[rows + row];
        assert_true(bias[row] == biases[o]);
        assert_true(precision == ALX_PRECISION_INT8 || scale == 1);
        for (size_t c = 0; c < IN / GROUPS; c++)
            for (size_t y = 0; y < K; y++)
                for (size_t x = 0; x < K; x++) {
                    /* the formula of op.h and layout.h, written out */
                    size_t k = ((c / block * K + y) * K + x) * block + c % block;
                    size_t index = panel * (panel_bytes / value_bytes) +
                                   k / k_vector * panel_rows * k_vector +
                                   in_group % panel_rows * k_vector + k % k_vector;
                    float got = value_at(&pack, packed, index) * scale;
                    float want = weights[((o * (IN / GROUPS) + c) * K + y) * K + x];
                    float tolerance = precision == ALX_PRECISION_FP32   ? 0
                                      : precision == ALX_PRECISION_FP16 ? 0x1p-11f
                                                                        : 0.51f * scale;
                    assert_true(fabsf(got - want) <= tolerance);
                    used++;
                }
    }
    assert_int_equal(used, OUT * ROW);
    for (size_t i = 0; i < elems; i++)
        nonzero += value_at(&pack, packed, i) != 0;
    assert_true(nonzero <= OUT * ROW); /* all the rest is padding, and zero */
    free(bias);
    free(packed);
}

static void every_value_is_at_its_place(void **state)
{
    (void)state;
    static const size_t formats[][3] = {{1, ROW, 1}, {4, 1, 1},  {4, 1, 3}, {16, 1, 3},
                                        {8, 4, 3},   {2, 16, 1}, {5, 8, 1}, {3, 1, 1}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++)
            check_format(formats[i][0], formats[i][1], formats[i][2], (enum alx_precision)p);
}

static void half_and_bfloat16_files_are_read(void **state)
{
    (void)state;
    uint16_t half[4], bfloat[4];
    float out[3], values[] = {1.5f, -2.25f, 0.0078125f, 96};
    for (size_t i = 0; i < 4; i++) {
        half[i] = alx_float_to_half(values[i]);
        bfloat[i] = alx_float_to_bfloat16(values[i]);
    }
    alx_view_read((struct alx_tensor_view){half, ALX_DTYPE_F16, 4}, 1, 3, out);
    assert_memory_equal(out, values + 1, sizeof out);
    alx_view_read((struct alx_tensor_view){bfloat, ALX_DTYPE_BF16, 4}, 1, 3, out);
    assert_memory_equal(out, values + 1, sizeof out);
}

/* Whole numbers with scales are packed like their products, and keep their scales in int8. */
static void int8_files_are_packed(void **state)
{
    (void)state;
    enum { PANELS = 6, BYTES = PANELS * 2 * ROW * 4 };
    static int8_t whole[OUT * ROW];
    static float scales[OUT], products[OUT * ROW];
    static uint8_t got[BYTES], want[BYTES];
    uint64_t random = 7;
    for (size_t i = 0; i < OUT * ROW; i++) {
        scales[i / ROW] = 0.001f * (float)(i / ROW + 1);
        whole[i] = (int8_t)alx_random_float(&random, -127, 127);
        products[i] = (float)whole[i] * scales[i / ROW];
    }
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++) {
        float bias[2 * 2 * PANELS];
        struct alx_pack pack = pack_of(2, 1, 1, (enum alx_precision)p), plain = pack;
        assert_int_equal(alx_pack_panel_count(&pack.format), PANELS);
        plain.weights.data = products;
        pack.weights = (struct alx_tensor_view){whole, ALX_DTYPE_I8, OUT * ROW};
        pack.scales = (struct alx_tensor_view){scales, ALX_DTYPE_F32, OUT};
        size_t bytes = PANELS * alx_pack_panel_bytes(&pack.format);
        assert_ok(alx_pack_weights(&pack, 0, PANELS, got));
        assert_ok(alx_pack_biases(&pack, bias));
        if (p != ALX_PRECISION_INT8) {
            assert_ok(alx_pack_weights(&plain, 0, PANELS, want));
            assert_memory_equal(got, want, bytes);
            continue;
        }
        assert_true(bias[2 * PANELS + 1] == scales[1]); /* although no value of it is 127 */
        for (size_t k = 0; k < ROW; k++)
            assert_int_equal(((int8_t *)got)[2 * k + 1], whole[ROW + k]);
    }
}

static void what_is_not_finite_stays_so(void **state)
{
    (void)state;
    float saved = weights[3], bias[2 * OUT];
    struct alx_pack pack = pack_of(1, ROW, 1, ALX_PRECISION_INT8);
    const float values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        weights[3] = values[i];
        assert_ok(alx_pack_biases(&pack, bias));
        assert_true(isnan(bias[OUT]) && isfinite(bias[OUT + 1]));
    }
    weights[3] = saved;
}

static void a_row_of_zeros_has_a_scale(void **state)
{
    (void)state;
    float saved[ROW], bias[2 * 16];
    struct alx_pack pack = pack_of(5, 1, 1, ALX_PRECISION_INT8);
    memcpy(saved, weights, sizeof saved);
    memset(weights, 0, sizeof saved);
    assert_ok(alx_pack_biases(&pack, bias));
    assert_true(bias[alx_pack_padded_rows(&pack.format)] == 1);
    memcpy(weights, saved, sizeof saved);
}

static void rounding_is_what_packing_does(void **state)
{
    (void)state;
    float row[ROW];
    memcpy(row, weights, sizeof row);
    alx_pack_round_row(row, ROW, ALX_PRECISION_FP32);
    assert_memory_equal(row, weights, sizeof row);
    struct alx_pack pack = pack_of(1, ROW, 1, ALX_PRECISION_INT8);
    int8_t packed[ROW];
    float bias[2 * OUT];
    assert_ok(alx_pack_weights(&pack, 0, 1, packed));
    assert_ok(alx_pack_biases(&pack, bias));
    alx_pack_round_row(row, ROW, ALX_PRECISION_INT8);
    for (size_t i = 0; i < ROW; i++)
        assert_true(row[i] == (float)packed[i] * bias[OUT]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_at_its_place),
        cmocka_unit_test(half_and_bfloat16_files_are_read),
        cmocka_unit_test(int8_files_are_packed),
        cmocka_unit_test(what_is_not_finite_stays_so),
        cmocka_unit_test(a_row_of_zeros_has_a_scale),
        cmocka_unit_test(rounding_is_what_packing_does),
    };
    return cmocka_run_group_tests(tests, make_layer, NULL);
}
