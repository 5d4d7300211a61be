/* Half and bfloat16: every value, and the roundings where they are hard. */
#include <math.h>
#include <string.h>

#include "support/test.h"
#include "util/half.h"

static void every_half_survives(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = alx_half_to_float((uint16_t)bits);
        uint16_t back = alx_float_to_half(value);
        if (isnan(value))
            assert_true((back & 0x7c00) == 0x7c00 && (back & 0x3ff));
        else
            assert_int_equal(back, bits);
    }
}

static void half_rounds_to_nearest_even(void **state)
{
    (void)state;
    /* Between each pair of neighbours: the middle goes to the even one, beside it to the nearer. */
    for (uint32_t bits = 0; bits < 0x7bff; bits++) {
        float low = alx_half_to_float((uint16_t)bits),
              high = alx_half_to_float((uint16_t)(bits + 1));
        float middle = (low + high) / 2;
        assert_int_equal(alx_float_to_half(middle), bits + (bits & 1));
        assert_int_equal(alx_float_to_half(nextafterf(middle, low)), bits);
        assert_int_equal(alx_float_to_half(nextafterf(middle, high)), bits + 1);
    }
    assert_int_equal(alx_float_to_half(65519.f), 0x7bff);
    assert_int_equal(alx_float_to_half(65520.f), 0x7c00);
    assert_int_equal(alx_float_to_half(-INFINITY), 0xfc00);
    assert_int_equal(alx_float_to_half(-0.f), 0x8000);
}

static void half_values_are_right(void **state)
{
    (void)state;
    assert_true(alx_half_to_float(0x3c00) == 1.f);
    assert_true(alx_half_to_float(0xc000) == -2.f);
    assert_true(alx_half_to_float(0x0001) == 0x1p-24f);
    assert_true(alx_half_to_float(0x0400) == 0x1p-14f);
    assert_true(alx_half_to_float(0x7bff) == 65504.f);
}

static void bfloat16_rounds_to_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(alx_float_to_bfloat16(1.f), 0x3f80);
    assert_int_equal(alx_float_to_bfloat16(1.f + 0x1p-8f), 0x3f80);
    assert_int_equal(alx_float_to_bfloat16(1.f + 0x1.8p-7f), 0x3f82);
    assert_int_equal(alx_float_to_bfloat16(1.f + 0x1.02p-8f), 0x3f81);
    assert_true(isnan(alx_bfloat16_to_float(alx_float_to_bfloat16(NAN))));
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = alx_bfloat16_to_float((uint16_t)bits);
        if (!isnan(value))
            assert_int_equal(alx_float_to_bfloat16(value), bits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_survives),
        cmocka_unit_test(half_rounds_to_nearest_even),
        cmocka_unit_test(half_values_are_right),
        cmocka_unit_test(bfloat16_rounds_to_nearest_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
