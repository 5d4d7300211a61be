/* Which device is meant, over made-up lists; what devices say of themselves, by made-up drivers;
 * and the real list. */
#include <CL/cl_ext.h>
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

/* --- describing --- */

enum { CL_DEVICE_IP_VERSION = 0x4250 }; /* an Intel extension, not in every header */

/* What a made-up driver answers. */
static struct {
    const char *version, *name, *extensions;
    cl_uint sub_groups, attribute; /* what queries of vendors' extensions answer */
    cl_bool compiler, available, little;
    cl_device_info failing; /* this query fails */
    cl_device_info huge;    /* this text claims to be endless */
    cl_device_type type;
    size_t work_group;
    cl_uint align_bits;
    size_t too_new; /* queries that the version does not know */
} driver;

static cl_int answer(const void *value, size_t value_bytes, size_t bytes, void *out,
                     size_t *out_bytes)
{
    if (out && bytes < value_bytes)
        return CL_INVALID_VALUE;
    if (out)
        memcpy(out, value, value_bytes);
    if (out_bytes)
        *out_bytes = value_bytes;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL fake_query(cl_device_id id, cl_device_info what, size_t bytes, void *out,
                                     size_t *out_bytes)
{
    const char *text = NULL;
    cl_uint narrow = 0;
    cl_ulong wide = 0;
    (void)id;
    if (what == driver.failing)
        return CL_INVALID_VALUE;
    if (what == driver.huge)
        return answer(NULL, SIZE_MAX / 2, bytes, NULL, out_bytes);
    switch (what) {
    case CL_DEVICE_VERSION:
        text = driver.version;
        break;
    case CL_DEVICE_NAME:
        text = driver.name;
        break;
    case CL_DEVICE_EXTENSIONS:
        text = driver.extensions;
        break;
    case CL_DEVICE_VENDOR:
    case CL_DRIVER_VERSION:
        text = "maker";
        break;
    case CL_DEVICE_OPENCL_C_VERSION:
        driver.too_new += !strncmp(driver.version, "OpenCL 1.0", 10);
        text = "OpenCL C 1.2";
        break;
    case CL_DEVICE_MAX_NUM_SUB_GROUPS:
        driver.too_new += driver.version[7] < '2';
        narrow = driver.sub_groups;
        break;
    case CL_DEVICE_VENDOR_ID:
        narrow = 0x1002;
        break;
    case CL_DEVICE_IP_VERSION:
    case CL_DEVICE_WAVEFRONT_WIDTH_AMD:
    case CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV:
    case CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV:
        narrow = driver.attribute;
        break;
    case CL_DEVICE_COMPILER_AVAILABLE:
        narrow = driver.compiler;
        break;
    case CL_DEVICE_AVAILABLE:
        narrow = driver.available;
        break;
    case CL_DEVICE_ENDIAN_LITTLE:
        narrow = driver.little;
        break;
    case CL_DEVICE_TYPE:
        return answer(&driver.type, sizeof driver.type, bytes, out, out_bytes);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
    case CL_DEVICE_LOCAL_MEM_SIZE:
        wide = (cl_ulong)1 << 33;
        return answer(&wide, sizeof wide, bytes, out, out_bytes);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer(&driver.work_group, sizeof driver.work_group, bytes, out, out_bytes);
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN:
        narrow = driver.align_bits;
        break;
    case CL_DEVICE_MAX_COMPUTE_UNITS:
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
        narrow = 8;
        break;
    default:
        fail_msg("unexpected query 0x%x", (unsigned)what);
    }
    if (text)
        return answer(text, strlen(text) + 1, bytes, out, out_bytes);
    return answer(&narrow, sizeof narrow, bytes, out, out_bytes);
}

static struct alx_device_info describe(void)
{
    struct alx_device_info info = {0};
    alx_device_describe(fake_query, NULL, &info);
    return info;
}

static int make_driver(void **state)
{
    (void)state;
    memset(&driver, 0, sizeof driver);
    driver.version = "OpenCL 3.0 maker";
    driver.name = "  thing\x01 of  many names ";
    driver.extensions = "cl_khr_fp16 cl_khr_other";
    driver.compiler = driver.available = driver.little = CL_TRUE;
    driver.type = CL_DEVICE_TYPE_GPU;
    driver.work_group = 4096;
    driver.align_bits = 1024;
    return 0;
}

static void properties_are_read(void **state)
{
    (void)state;
    struct alx_device_info info = describe();
    assert_true(info.usable);
    assert_string_equal(info.problem, "");
    assert_string_equal(info.name, "thing? of  many names");
    assert_string_equal(info.vendor, "maker");
    assert_string_equal(info.opencl, "OpenCL 3.0 maker");
    assert_int_equal(info.opencl_major, 3);
    assert_int_equal(info.opencl_minor, 0);
    assert_int_equal(info.type, ALX_DEVICE_GPU);
    assert_int_equal(info.compute_units, 8);
    assert_int_equal(info.global_bytes, (uint64_t)1 << 33);
    assert_int_equal(info.max_work_group, 4096);
    assert_int_equal(info.base_align_bytes, 128);
    assert_int_equal(info.vector_floats, 8);
    assert_true(info.fp16 && info.unified_memory);
    assert_false(info.sub_groups || info.int8_dot || info.simulator || info.software);
}

static void alignments_are_plausible(void **state)
{
    (void)state;
    driver.align_bits = 0;
    assert_int_equal(describe().base_align_bytes, 1);
    driver.align_bits = 1 << 19;
    assert_int_equal(describe().base_align_bytes, 65536);
    assert_string_equal(describe().problem, "");
    for (driver.align_bits = 1000; driver.align_bits; driver.align_bits <<= 22) {
        assert_int_equal(describe().base_align_bytes, 4096);
        assert_non_null(strstr(describe().problem, "bits is not plausible"));
        assert_true(describe().usable);
    }
}

static void generations_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(describe().vendor_id, 0x1002);
    assert_int_equal(describe().generation + describe().wave, 0);
    driver.attribute = 32;
    driver.extensions = "cl_khr_fp16 cl_amd_device_attribute_query";
    assert_int_equal(describe().wave, 32);
    assert_int_equal(describe().generation, 0);
    driver.attribute = 7;
    driver.extensions = "cl_nv_device_attribute_query";
    assert_int_equal(describe().generation, 77);
    driver.attribute = 12 << 22 | 55 << 14 | 8;
    driver.extensions = "cl_intel_device_attribute_query";
    assert_int_equal(describe().generation, 1255);
    driver.failing = CL_DEVICE_IP_VERSION; /* of no account */
    assert_int_equal(describe().generation, 0);
    assert_true(describe().usable);
}

static void options_follow_from_version_and_extensions(void **state)
{
    (void)state;
    driver.sub_groups = 4;
    assert_true(describe().sub_groups); /* 3.0 with the option */
    driver.version = "OpenCL 1.2 maker";
    assert_false(describe().sub_groups);
    driver.extensions = "cl_khr_subgroups_extended_types cl_khr_fp16x cl_khr_fp64";
    assert_false(describe().sub_groups || describe().fp16);
    driver.extensions = "cl_intel_subgroups";
    assert_true(describe().sub_groups);
    driver.extensions = "a cl_khr_integer_dot_product";
    assert_true(describe().int8_dot);
    driver.name = "softpipe";
    assert_true(describe().software);
    driver.name = "Oclgrind Simulator";
    assert_true(describe().simulator);
    driver.type = CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_DEFAULT;
    assert_int_equal(describe().type, ALX_DEVICE_CPU);
    driver.type = CL_DEVICE_TYPE_ACCELERATOR;
    assert_int_equal(describe().type, ALX_DEVICE_ACCELERATOR);
    assert_int_equal(driver.too_new, 0);
}

static void assert_unusable(const char *why)
{
    struct alx_device_info info = describe();
    assert_false(info.usable);
    if (!strstr(info.problem, why))
        fail_msg("\"%s\" does not say \"%s\"", info.problem, why);
    assert_int_equal(driver.too_new, 0);
}

static void unusable_devices_say_why(void **state)
{
    (void)state;
    driver.compiler = CL_FALSE;
    assert_unusable("no compiler");
    make_driver(NULL);
    driver.available = CL_FALSE;
    assert_unusable("not available");
    make_driver(NULL);
    driver.little = CL_FALSE;
    assert_unusable("big-endian");
    make_driver(NULL);
    driver.work_group = 0;
    assert_unusable("work-group limit");
    make_driver(NULL);
    driver.version = "OpenCL 1.1 maker";
    assert_unusable("OpenCL 1.2 is needed");
    driver.version = "OpenCL 1.0 maker";
    assert_unusable("OpenCL 1.2 is needed");
    driver.version = "OpenCL 99999999999999999999.1";
    assert_false(describe().opencl_major > 999);
    driver.version = "nonsense";
    assert_unusable("nonsense");
    driver.version = "";
    assert_unusable("version");
}

static void failing_queries_are_noted(void **state)
{
    static const struct {
        cl_device_info query;
        bool usable; /* all the same */
        const char *note;
    } cases[] = {
        {CL_DEVICE_VERSION, false, "version"},
        {CL_DEVICE_NAME, true, "name"},
        {CL_DEVICE_VENDOR, true, "vendor"},
        {CL_DRIVER_VERSION, true, "driver version"},
        {CL_DEVICE_OPENCL_C_VERSION, true, "language"},
        {CL_DEVICE_TYPE, true, "type"},
        {CL_DEVICE_MAX_CLOCK_FREQUENCY, true, "clock"},
        {CL_DEVICE_GLOBAL_MEM_SIZE, false, "memory size"},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, false, "largest buffer"},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, false, "work-group"},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, true, "vector width"},
        {CL_DEVICE_HOST_UNIFIED_MEMORY, true, "unified"},
        {CL_DEVICE_EXTENSIONS, true, ""},
        {CL_DEVICE_MAX_NUM_SUB_GROUPS, true, ""},
        {CL_DEVICE_AVAILABLE, true, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        driver.failing = cases[i].query;
        struct alx_device_info info = describe();
        if (info.usable != cases[i].usable || !strstr(info.problem, cases[i].note))
            fail_msg("query 0x%x: usable %d, \"%s\"", (unsigned)cases[i].query, info.usable,
                     info.problem);
        assert_true(info.vector_floats >= 1 && info.base_align_bytes >= 1);
    }
}

static void endless_texts_are_left_out(void **state)
{
    (void)state;
    driver.huge = CL_DEVICE_NAME;
    assert_string_equal(describe().name, "");
    driver.huge = CL_DEVICE_EXTENSIONS;
    assert_false(describe().fp16);
    driver.huge = CL_DEVICE_VERSION;
    assert_unusable("version");
}

static void long_texts_are_cut_between_letters(void **state)
{
    char name[200] = "";
    (void)state;
    while (strlen(name) < 150)
        strcat(name, strlen(name) ? "\xc3\xa9" : "x");
    driver.name = name;
    struct alx_device_info info = describe();
    assert_int_equal(strlen(info.name), sizeof info.name - 1);
    assert_string_equal(info.name + 125, "\xc3\xa9"); /* x and 63 letters of two bytes */
    name[0] = 0;
    while (strlen(name) < 150)
        strcat(name, "\xc3\xa9");
    info = describe();
    assert_string_equal(info.name + 124, "\xc3\xa9?");
}

static void errors_have_names(void **state)
{
    (void)state;
    assert_string_equal(alx_cl_error_name(CL_SUCCESS), "CL_SUCCESS");
    assert_string_equal(alx_cl_error_name(CL_OUT_OF_RESOURCES), "CL_OUT_OF_RESOURCES");
    assert_string_equal(alx_cl_error_name(CL_PLATFORM_NOT_FOUND_KHR), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(alx_cl_error_name(-9999), "OpenCL error -9999");
    assert_fails(alx_cl_fail("clFinish(queue)", CL_OUT_OF_RESOURCES), ALX_STATUS_DEVICE,
                 "clFinish: ");
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
        cmocka_unit_test_setup(properties_are_read, make_driver),
        cmocka_unit_test_setup(alignments_are_plausible, make_driver),
        cmocka_unit_test_setup(generations_are_told_apart, make_driver),
        cmocka_unit_test_setup(options_follow_from_version_and_extensions, make_driver),
        cmocka_unit_test_setup(unusable_devices_say_why, make_driver),
        cmocka_unit_test_setup(failing_queries_are_noted, make_driver),
        cmocka_unit_test_setup(endless_texts_are_left_out, make_driver),
        cmocka_unit_test_setup(long_texts_are_cut_between_letters, make_driver),
        cmocka_unit_test(errors_have_names),
        cmocka_unit_test(the_list_agrees_with_itself),
        cmocka_unit_test(every_device_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
