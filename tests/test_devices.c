/* Which device is meant, over made-up lists; and the real list. */
#include <stdio.h>
#include <string.h>

#include "device/cl.h"
#include "device/device.h"
#include "device/devices.h"
#include "support/devices.h"
#include "support/test.h"

/* --- finding --- */

#define NAMED(number_, platform_number_, device_number_, platform_, name_)                         \
    .number = number_, .platform_number = platform_number_, .device_number = device_number_,       \
    .platform = platform_, .name = name_, .usable = true

/* A machine with one of everything; index = number - 1. */
static const struct alx_device_info machine[] = {
    {NAMED(1, 1, 1, "Oclgrind", "Oclgrind Simulator"), .simulator = true, .type = ALX_DEVICE_GPU},
    {NAMED(2, 2, 1, "Portable Computing Language", "cpu-haswell-Ryzen"), .type = ALX_DEVICE_CPU},
    {NAMED(3, 3, 1, "rusticl", "llvmpipe (LLVM 15.0.6, 256 bits)"), .type = ALX_DEVICE_GPU,
     .software = true},
    {NAMED(4, 4, 1, "Intel(R) OpenCL Graphics", "Intel(R) UHD Graphics 630"),
     .type = ALX_DEVICE_GPU, .unified_memory = true},
    {NAMED(5, 5, 1, "NVIDIA CUDA", "NVIDIA GeForce RTX 3060"), .type = ALX_DEVICE_GPU},
    {NAMED(6, 5, 2, "NVIDIA CUDA", "NVIDIA GeForce RTX 3060 Ti"), .type = ALX_DEVICE_GPU},
    {NAMED(7, 6, 1, "FPGA Boards", "board"), .type = ALX_DEVICE_ACCELERATOR},
    {NAMED(8, 7, 1, "Old", "Tesla"), .type = ALX_DEVICE_GPU},
};
enum { MACHINE = sizeof machine / sizeof *machine, NOT_USABLE = 7 };
static struct alx_device_info devices[MACHINE];

static int make_machine(void **state)
{
    (void)state;
    memcpy(devices, machine, sizeof devices);
    devices[NOT_USABLE].usable = false;
    return 0;
}

/* The number of the device that is found, 0 when none is. */
static size_t found(const char *spec)
{
    size_t index = 1000;
    enum alx_status status = alx_find_one(devices, MACHINE, spec, &index);
    if (status != ALX_STATUS_OK)
        assert_int_equal(index, 1000);
    return status == ALX_STATUS_OK ? devices[index].number : 0;
}

static void numbers_positions_and_names_find(void **state)
{
    static const struct {
        const char *spec;
        size_t number;
    } cases[] = {
        {NULL, 5},
        {"1", 1},
        {"8", 8},
        {"007", 7},
        {"5:2", 6},
        {"2:1", 2},
        {"cpu", 2},
        {"CPU", 2},
        {"gpu", 5},
        {"Gpu", 5},
        {"ryzen", 2},
        {"portable", 2},
        {"UHD", 4},
        {"intel", 4},
        {"llvmpipe (LLVM 15.0.6, 256 bits)", 3},
        {"nvidia geforce rtx 3060", 5}, /* whole names win */
        {"3060 ti", 6},
        {"oclgrind", 1}, /* a simulator when named */
        {"board", 7},
        {"Tesla", 8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (found(cases[i].spec) != cases[i].number)
            fail_msg("%s gives %zu instead of %zu", cases[i].spec ? cases[i].spec : "(default)",
                     found(cases[i].spec), cases[i].number);
}

static void what_is_not_there_lists_what_is(void **state)
{
    static const char *const wrong[] = {"0",   "9",      "18446744073709551617",
                                        "5:3", "9:1",    "0:1",
                                        "5:0", "voodoo", "99999999999999999999999999"};
    size_t index = 1000;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_fails(alx_find_one(devices, MACHINE, wrong[i], &index), ALX_STATUS_NO_DEVICE,
                     wrong[i]);
        for (size_t j = 0; j < MACHINE; j++)
            assert_non_null(strstr(alx_error_message(), devices[j].name));
        assert_null(strchr(alx_error_message(), '\n'));
    }
    assert_int_equal(index, 1000);
    assert_fails(alx_find_one(devices, MACHINE, "5:x", &index), ALX_STATUS_NO_DEVICE, "5:x");
    assert_fails(alx_find_one(devices, MACHINE, "1,2", &index), ALX_STATUS_NO_DEVICE, "1,2");
    assert_fails(alx_find_one(devices, MACHINE, "\x1b[2J", &index), ALX_STATUS_NO_DEVICE, "?[2J");
}

static void ambiguous_names_list_the_matches(void **state)
{
    size_t index = 1000;
    (void)state;
    assert_fails(alx_find_one(devices, MACHINE, "nvidia", &index), ALX_STATUS_USAGE, "RTX 3060,");
    assert_non_null(strstr(alx_error_message(), "5 (NVIDIA"));
    assert_non_null(strstr(alx_error_message(), "6 (NVIDIA"));
    assert_null(strstr(alx_error_message(), "Ryzen"));
    assert_fails(alx_find_one(devices, MACHINE, "", &index), ALX_STATUS_USAGE, "empty");

    strcpy(devices[5].name, devices[4].name); /* two of a kind */
    assert_fails(alx_find_one(devices, MACHINE, devices[4].name, &index), ALX_STATUS_USAGE, "6 (");
    assert_int_equal(index, 1000);
}

/* Takes the best away, again and again. */
static void the_default_is_the_best_that_is_left(void **state)
{
    static const size_t order[] = {5, 6, 4, 2, 7, 3};
    (void)state;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        assert_int_equal(found(NULL), order[i]);
        assert_int_equal(alx_find_default(devices, MACHINE), order[i] - 1);
        devices[order[i] - 1].usable = false;
    }
    size_t index;
    assert_int_equal(alx_find_default(devices, MACHINE), MACHINE);
    assert_fails(alx_find_one(devices, MACHINE, NULL, &index), ALX_STATUS_NO_DEVICE, "pocl");
    assert_fails(alx_find_one(devices, MACHINE, "gpu", &index), ALX_STATUS_NO_DEVICE, "gpu");
    assert_fails(alx_find_one(devices, MACHINE, "cpu", &index), ALX_STATUS_NO_DEVICE, "cpu");
    assert_fails(alx_find_all(devices, MACHINE, "all", &index, 1, &index), ALX_STATUS_NO_DEVICE,
                 "all");
}

static void without_opencl_packages_are_named(void **state)
{
    static const char *const specs[] = {NULL, "1", "cpu", "gpu", "x", "all", "1,2", "1:1"};
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        size_t index, count;
        assert_fails(alx_find_all(NULL, 0, specs[i], &index, 1, &count), ALX_STATUS_NO_DEVICE,
                     "pocl-opencl-icd");
    }
}

static void assert_list(const char *spec, const char *numbers)
{
    size_t indices[MACHINE], count = 0;
    char got[64] = "";
    assert_ok(alx_find_all(devices, MACHINE, spec, indices, MACHINE, &count));
    for (size_t i = 0; i < count; i++)
        sprintf(got + strlen(got), "%s%zu", i ? " " : "", devices[indices[i]].number);
    assert_string_equal(got, numbers);
}

static void lists_find_several(void **state)
{
    size_t indices[MACHINE], count = 1000;
    (void)state;
    assert_list("all", "2 3 4 5 6 7"); /* no simulator, nothing unusable */
    assert_list(NULL, "5");
    assert_list("3,1", "3 1");
    assert_list("3,1,3,2:1,cpu", "3 1 2");
    assert_list("gpu,ryzen", "5 2");
    assert_list("llvmpipe (LLVM 15.0.6, 256 bits)", "3");
    assert_ok(alx_find_all(devices, MACHINE, "all", indices, 2, &count));
    assert_int_equal(count, 2);
    count = 1000;
    assert_fails(alx_find_all(devices, MACHINE, "1,9", indices, MACHINE, &count),
                 ALX_STATUS_NO_DEVICE, "device 9");
    assert_fails(alx_find_all(devices, MACHINE, "1,", indices, MACHINE, &count), ALX_STATUS_USAGE,
                 "empty");
    assert_fails(alx_find_all(devices, MACHINE, "1,nvidia", indices, MACHINE, &count),
                 ALX_STATUS_USAGE, "fits several");
    assert_int_equal(count, 1000);
}

/* --- the real ones --- */

static void the_list_agrees_with_itself(void **state)
{
    alx_devices *list = NULL;
    (void)state;
    assert_ok(alx_devices_create(&list));
    size_t count = alx_devices_count(list), defaults = 0, index;
    for (size_t i = 0; i < count; i++) {
        const struct alx_device_info *info = alx_devices_info(list, i);
        char spec[64];
        assert_int_equal(info->number, i + 1);
        sprintf(spec, "%zu:%zu", info->platform_number, info->device_number);
        assert_ok(alx_devices_find(list, spec, &index));
        assert_int_equal(index, i);
        assert_true(info->usable || info->problem[0]);
        defaults += info->is_default;
        if (info->is_default) {
            assert_ok(alx_devices_find(list, NULL, &index));
            assert_int_equal(index, i);
        }
    }
    assert_true(defaults <= 1);
    for (size_t i = 0; i < alx_devices_empty_platform_count(list); i++)
        assert_non_null(alx_devices_empty_platform(list, i));
    alx_devices_destroy(&list);
    assert_null(list);
    alx_devices_destroy(&list);
}

static void check_open(alx_device *device)
{
    const struct alx_device_info *info = alx_device_get_info(device);
    assert_non_null(device->context);
    assert_non_null(device->queue);
    assert_true(info->usable && info->name[0] && info->max_alloc_bytes > 0);
    struct alx_program_counts counts = alx_device_program_counts(device);
    assert_int_equal(counts.built + counts.cached, 0);
}

static void every_device_opens(void **state)
{
    alx_devices *list = NULL;
    alx_device *device = NULL;
    (void)state;
    test_each_device(NULL, check_open);
    assert_ok(alx_devices_create(&list));
    assert_fails(alx_device_open(list, alx_devices_count(list), NULL, &device),
                 ALX_STATUS_NO_DEVICE, "entry");
    assert_null(device);
    alx_device_close(&device);
    alx_devices_destroy(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(numbers_positions_and_names_find, make_machine),
        cmocka_unit_test_setup(what_is_not_there_lists_what_is, make_machine),
        cmocka_unit_test_setup(ambiguous_names_list_the_matches, make_machine),
        cmocka_unit_test_setup(the_default_is_the_best_that_is_left, make_machine),
        cmocka_unit_test_setup(without_opencl_packages_are_named, make_machine),
        cmocka_unit_test_setup(lists_find_several, make_machine),
        cmocka_unit_test(the_list_agrees_with_itself),
        cmocka_unit_test(every_device_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
