/* Packing weights: every value at its documented place, padding zero, all types and precisions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "ops/compact.h"
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

/* What a kernel makes of a number of 28 bits, by the words of compact.h. */
static double compact_value(bool negative, uint32_t bits, float scale)
{
    int e = (int)(bits >> 23 & 15);
    double m = (double)(bits & 0x7fffff) * 0x1p-23;
    double value = e ? ldexp(1 + m, e - 15) : ldexp(m, -14);
    return (negative ? -value : value) * (double)scale;
}

/* Weight k of a row in a compact panel of the layer, by the words of op.h and compact.h. */
static double compact_at(const struct alx_weight_format *f, const uint8_t *panel, size_t row,
                         size_t k)
{
    uint32_t words[8] = {0};
    float scale;
    size_t scale_bytes = (f->panel_rows * 4 + 63) / 64 * 64;
    size_t first = (k / f->k_vector * (f->panel_rows / 8) + row / 8) * 7 * f->k_vector;
    memcpy(&scale, panel + 4 * row, sizeof scale);
    for (size_t q = 0; q < 7; q++) {
        size_t index = first + q * f->k_vector + k % f->k_vector;
        memcpy(&words[q], panel + scale_bytes + 4 * index, sizeof *words);
        words[7] |= (words[q] >> 27 & 15) << 4 * q;
    }
    bool negative = row % 8 == 7 ? words[7] >> 27 : words[row % 8] >> 31;
    return compact_value(negative, words[row % 8] & 0x07ffffff, scale);
}

static void eight_rows_lie_in_seven_words(void **state)
{
    (void)state;
    static const size_t formats[][3] = {{8, 1, 1}, {8, 4, 3}, {16, 8, 1}, {24, 16, 3}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t rows = formats[i][0], block = formats[i][2];
        struct alx_pack pack = pack_of(rows, formats[i][1], block, ALX_PRECISION_FP32);
        pack.format.compact = true;
        size_t bytes = alx_pack_panel_bytes(&pack.format), vector = formats[i][1];
        size_t padded_k = (ROW + vector - 1) / vector * vector;
        assert_int_equal(bytes, (rows * 4 + 63) / 64 * 64 + rows * padded_k * 7 / 2);
        uint8_t *packed = malloc(GROUPS * bytes);
        memset(packed, 0x55, GROUPS * bytes);
        assert_ok(alx_pack_weights(&pack, 0, GROUPS, packed));
        for (size_t row = 0; row < GROUPS * rows; row++)
            for (size_t k = 0; k < padded_k; k++) {
                size_t group = row / rows, in_group = row % rows, c = k / (K * K * block) * block;
                double got = compact_at(&pack.format, packed + group * bytes, in_group, k);
                c += k % block;
                size_t o = group * (OUT / GROUPS) + in_group, yx = k / block % (K * K);
                if (in_group < OUT / GROUPS && k < ROW)
                    assert_true(got == (double)weights[o * ROW + c * K * K + yx]);
                else if (in_group < OUT / GROUPS)
                    assert_true(got == 0);
            }
        free(packed);
    }
}

static void numbers_in_28_bits_are_near_enough(void **state)
{
    (void)state;
    static const float largest[] = {1, 1.75f, 0x1.fffffep127f, 0x1p-126f, 0x1p-130f, 3e-5f};
    enum { COUNT = 400 };
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof largest / sizeof *largest; i++) {
        float row[COUNT] = {largest[i], 0, -largest[i]};
        uint32_t words[COUNT];
        size_t small = 0;
        for (size_t k = 3; k < COUNT; k++)
            row[k] = ldexpf(alx_random_float(&random, -1, 1) * largest[i], -(int)k / 10);
        float scale = alx_compact_row(row, COUNT, words);
        /* subnormal rows have the least scale */
        assert_true(scale <= fmaxf(largest[i], 0x1p-126f) &&
                    2 * (double)scale > (double)largest[i]);
        for (size_t k = 0; k < COUNT; k++) {
            double got = compact_value(words[k] >> 31, words[k] & 0x07ffffff, scale);
            double error = fabs(got - (double)row[k]);
            assert_int_equal(words[k] & 0x78000000, 0);
            if (fabsf(row[k]) >= scale * 0x1p-14f)
                assert_true(error == 0);
            else
                assert_true(error <= (double)scale * 0x1p-38);
            small += row[k] != 0 && fabsf(row[k]) < scale * 0x1p-14f;
        }
        assert_true(small > 100 || largest[i] < 1e-30f); /* subnormal ones become 0 */
    }
    float row[] = {1, -2, 0x1.fffffep-15f}; /* rounded up to a number of another form */
    uint32_t words[3];
    assert_true(alx_compact_row(row, 3, words) == 2);
    assert_true(compact_value(false, words[2], 2) == 0x1p-14);
    row[1] = 0x1.8p-15f;
    assert_true(alx_compact_row(row, 3, words) == 1);
    assert_true(compact_value(false, words[1], 1) == 0x1.8p-15);
    row[2] = -INFINITY;
    assert_true(isnan(alx_compact_row(row, 3, words)) && words[0] == 0);
    row[2] = NAN;
    assert_true(isnan(alx_compact_row(row, 3, words)));
    memset(row, 0, sizeof row);
    assert_true(alx_compact_row(row, 3, words) == 1 && words[2] == 0);
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
        cmocka_unit_test(eight_rows_lie_in_seven_words),
        cmocka_unit_test(numbers_in_28_bits_are_near_enough),
        cmocka_unit_test(half_and_bfloat16_files_are_read),
        cmocka_unit_test(int8_files_are_packed),
        cmocka_unit_test(what_is_not_finite_stays_so),
        cmocka_unit_test(a_row_of_zeros_has_a_scale),
        cmocka_unit_test(rounding_is_what_packing_does),
    };
    return cmocka_run_group_tests(tests, make_layer, NULL);
}
