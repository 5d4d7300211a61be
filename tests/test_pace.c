/* How launches are cut, for made-up devices and layers. */
#include "plan/plan.h"
#include "support/test.h"

static const struct alx_device_info large = {
    .type = ALX_DEVICE_GPU, .compute_units = 80, .clock_mhz = 1500};
/* 10^8 multiplications in 200 ms. */
static const struct alx_device_info slow = {
    .type = ALX_DEVICE_GPU, .compute_units = 5, .clock_mhz = 100};

/* A convolution of 10^9 multiplications an image, in `parts` of weights; then a launch that clears
 * a halo. Returns the slices of both. */
struct cut {
    size_t multiply, clear;
};
static struct cut cut(const struct alx_device_info *info, size_t batch, size_t parts, size_t slices)
{
    struct alx_launch launches[] = {{.kernel = "multiply", .per_panel = true}, {.kernel = "clear"}};
    struct alx_step step = {.part_count = parts};
    step.info.macs = 1000000000;
    step.info.in = step.info.out = (struct alx_shape){64, 50, 50};
    step.recipe.launches = launches;
    step.recipe.launch_count = 2;
    alx_pace_step(&step, batch, info, slices);
    return (struct cut){launches[0].slices, launches[1].slices};
}

static void slow_devices_get_slices(void **state)
{
    (void)state;
    assert_int_equal(cut(&slow, 1, 1, 0).multiply, 11);
    assert_int_equal(cut(&slow, 4, 1, 0).multiply, 41);
    assert_int_equal(cut(&slow, 4, 4, 0).multiply, 11); /* parts are launches of their own */
    assert_int_equal(cut(&slow, 1, 1, 0).clear, 1);
    assert_int_equal(cut(&slow, 100, 1, 0).clear, 6);
    assert_int_equal(cut(&large, 1, 1, 0).multiply, 1);
    assert_int_equal(cut(&large, 64, 1, 0).multiply, 3);
}

static void what_is_no_gpu_is_left_alone(void **state)
{
    (void)state;
    struct alx_device_info info = slow;
    info.type = ALX_DEVICE_CPU;
    assert_int_equal(cut(&info, 4, 1, 0).multiply, 0);
    info.type = ALX_DEVICE_GPU;
    info.software = true;
    assert_int_equal(cut(&info, 4, 1, 0).multiply, 0);
    assert_int_equal(cut(&info, 4, 1, 7).multiply, 7);
    assert_int_equal(cut(&info, 4, 1, 7).clear, 7);
}

static void nonsense_is_bounded(void **state)
{
    (void)state;
    struct alx_device_info info = {.type = ALX_DEVICE_GPU};
    assert_int_equal(cut(&info, 1, 1, 0).multiply, 51); /* one unit at 100 MHz */
    assert_int_equal(cut(&info, 1000, 1, 0).multiply, 256);
    info.compute_units = info.clock_mhz = (size_t)-1;
    assert_int_equal(cut(&info, 1000, 1, 0).multiply, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_devices_get_slices),
        cmocka_unit_test(what_is_no_gpu_is_left_alone),
        cmocka_unit_test(nonsense_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
