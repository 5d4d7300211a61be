/* Values where they lie in a file: at odd addresses, in every type, which are not finite, and int8.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "tensor/quantise.h"
#include "tensor/view.h"
#include "util/half.h"

enum { ELEMS = 10000 };

static void store(uint8_t *data, enum alx_dtype dtype, size_t index, float value)
{
    uint16_t half =
        dtype == ALX_DTYPE_F16 ? alx_float_to_half(value) : alx_float_to_bfloat16(value);
    if (dtype == ALX_DTYPE_F32)
        memcpy(data + 4 * index, &value, 4);
    else
        memcpy(data + 2 * index, &half, 2);
}

static void values_are_read_at_any_address(void **state)
{
    (void)state;
    static const float values[] = {0, -1.5f, 0.25f, 1024, -0.0078125f};
    for (enum alx_dtype dtype = ALX_DTYPE_F32; dtype <= ALX_DTYPE_BF16; dtype++) {
        for (size_t shift = 0; shift < 4; shift++) {
            uint8_t data[32] = {0};
            float out[3] = {0};
            for (size_t i = 0; i < 5; i++)
                store(data + shift, dtype, i, values[i]);
            alx_view_read((struct alx_tensor_view){data + shift, dtype, 5}, 1, 3, out);
            assert_memory_equal(out, values + 1, sizeof out);
        }
    }
}

static void the_first_value_that_is_not_finite_is_found(void **state)
{
    (void)state;
    static const size_t places[] = {0, 1, 4095, 4096, 8191, 9999};
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    uint8_t *data = malloc(4 * ELEMS + 1);
    assert_non_null(data);
    for (enum alx_dtype dtype = ALX_DTYPE_F32; dtype <= ALX_DTYPE_BF16; dtype++) {
        /* the largest finite values are not taken for infinity */
        struct alx_tensor_view view = {data + 1, dtype, ELEMS};
        for (size_t i = 0; i < ELEMS; i++)
            store(data + 1, dtype, i, dtype == ALX_DTYPE_F16 ? 65504.0f : 3.38e38f);
        assert_int_equal(alx_view_first_not_finite(view), ELEMS);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            store(data + 1, dtype, ELEMS - 1, NAN);
            store(data + 1, dtype, places[i], bad[i % 3]);
            assert_int_equal(alx_view_first_not_finite(view), places[i]);
            store(data + 1, dtype, places[i], 1);
            store(data + 1, dtype, ELEMS - 1, 1);
        }
        view.elems = 0;
        assert_int_equal(alx_view_first_not_finite(view), 0);
    }
    free(data);
}

static void ranges_leave_out_nan(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    static float values[MANY];
    struct alx_tensor_view view = {values, ALX_DTYPE_F32, MANY};
    values[MANY - 1] = -3;
    values[4096] = 7;
    values[0] = NAN;
    assert_true(alx_value_range(view).smallest == -3 && alx_value_range(view).largest == 7);
    view.elems = 1;
    assert_true(alx_value_range(view).smallest == 0 && alx_value_range(view).largest == 0);
    view.elems = 0;
    assert_true(alx_value_range(view).smallest == 0 && alx_value_range(view).largest == 0);
    static const uint16_t halves[] = {0x3c00, 0xc000}; /* 1, -2 */
    view = (struct alx_tensor_view){halves, ALX_DTYPE_F16, 2};
    assert_true(alx_value_range(view).smallest == -2 && alx_value_range(view).largest == 1);
}

static void whole_numbers_are_read_without_their_scale(void **state)
{
    (void)state;
    static const int8_t values[] = {-128, -127, 0, 1, 127};
    struct alx_tensor_view view = {values, ALX_DTYPE_I8, 5};
    float out[4];
    alx_view_read(view, 1, 4, out);
    assert_true(out[0] == -127 && out[1] == 0 && out[2] == 1 && out[3] == 127);
    assert_int_equal(alx_view_first_not_finite(view), 5);
}

static void rounding_to_int8_goes_to_the_nearest(void **state)
{
    (void)state;
    const float row[] = {127, -127, 0.5f, 1.5f, -2.5f, 0.49f, 126.51f, -0.f};
    const int8_t whole[] = {127, -127, 0, 2, -2, 0, 127, 0};
    int8_t out[8];
    float tiny[] = {200 * 0x1p-149f, -0x1p-149f}, bad[] = {1, NAN, 2};
    assert_true(alx_quantise_scale(row, 8) == 1);
    alx_quantise(row, 8, 1, out);
    assert_memory_equal(out, whole, sizeof out);
    assert_true(alx_quantise_scale(tiny, 2) == 1); /* too small to be divided */
    assert_true(alx_quantise_scale(row, 0) == 1);
    assert_true(isnan(alx_quantise_scale(bad, 3)));
    bad[1] = -INFINITY;
    assert_true(isnan(alx_quantise_scale(bad, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_at_any_address),
        cmocka_unit_test(whole_numbers_are_read_without_their_scale),
        cmocka_unit_test(rounding_to_int8_goes_to_the_nearest),
        cmocka_unit_test(the_first_value_that_is_not_finite_is_found),
        cmocka_unit_test(ranges_leave_out_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
