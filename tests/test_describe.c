/* What devices say of themselves, as a made-up driver answers. */
#include <CL/cl_ext.h>
#include <string.h>

#include "device/cl.h"
#include "device/devices.h"
#include "support/test.h"

/* Of extensions, and not in every header. */
enum { CL_DEVICE_IP_VERSION = 0x4250, PCI_BUS_ID_NV = 0x4008 };

/* What a made-up driver answers. */
static struct {
    const char *version, *name, *extensions;
    cl_uint sub_groups, attribute; /* what queries of vendors' extensions answer */
    size_t sub_group_sizes[3];
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

/* NULL when it is no text that is asked for. */
static const char *text_of(cl_device_info what)
{
    switch (what) {
    case CL_DEVICE_VERSION:
        return driver.version;
    case CL_DEVICE_NAME:
        return driver.name;
    case CL_DEVICE_EXTENSIONS:
        return driver.extensions;
    case CL_DEVICE_VENDOR:
    case CL_DRIVER_VERSION:
        return "maker";
    case CL_DEVICE_OPENCL_C_VERSION:
        driver.too_new += !strncmp(driver.version, "OpenCL 1.0", 10);
        return "OpenCL C 1.2";
    default:
        return NULL;
    }
}

static cl_uint number_of(cl_device_info what)
{
    switch (what) {
    case CL_DEVICE_MAX_NUM_SUB_GROUPS:
        driver.too_new += driver.version[7] < '2';
        return driver.sub_groups;
    case CL_DEVICE_VENDOR_ID:
        return 0x1002;
    case CL_DEVICE_IP_VERSION:
    case CL_DEVICE_WAVEFRONT_WIDTH_AMD:
    case CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV:
    case CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV:
        return driver.attribute;
    case CL_DEVICE_COMPILER_AVAILABLE:
        return driver.compiler;
    case CL_DEVICE_AVAILABLE:
        return driver.available;
    case CL_DEVICE_ENDIAN_LITTLE:
        return driver.little;
    case CL_DEVICE_MEM_BASE_ADDR_ALIGN:
        return driver.align_bits;
    case CL_DEVICE_MAX_COMPUTE_UNITS:
    case CL_DEVICE_MAX_CLOCK_FREQUENCY:
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
        return 8;
    default:
        fail_msg("unexpected query 0x%x", (unsigned)what);
        return 0;
    }
}

static cl_int CL_API_CALL fake_query(cl_device_id id, cl_device_info what, size_t bytes, void *out,
                                     size_t *out_bytes)
{
    const char *text;
    const cl_ulong wide = (cl_ulong)1 << 33;
    (void)id;
    if (what == driver.failing)
        return CL_INVALID_VALUE;
    if (what == driver.huge)
        return answer(NULL, SIZE_MAX / 2, bytes, NULL, out_bytes);
    if ((text = text_of(what)))
        return answer(text, strlen(text) + 1, bytes, out, out_bytes);
    switch (what) {
    case CL_DEVICE_SUB_GROUP_SIZES_INTEL:
        return answer(driver.sub_group_sizes, sizeof driver.sub_group_sizes, bytes, out, out_bytes);
    case CL_DEVICE_TOPOLOGY_AMD:
    case PCI_BUS_ID_NV:
        return CL_INVALID_VALUE;
    case CL_DEVICE_TYPE:
        return answer(&driver.type, sizeof driver.type, bytes, out, out_bytes);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return answer(&wide, sizeof wide, bytes, out, out_bytes);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer(&driver.work_group, sizeof driver.work_group, bytes, out, out_bytes);
    default:
        return answer(&(cl_uint){number_of(what)}, sizeof(cl_uint), bytes, out, out_bytes);
    }
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

/* Whose extension it is that tells the place. */
static cl_device_info place_query;

static cl_int CL_API_CALL query_place(cl_device_id id, cl_device_info what, size_t bytes, void *out,
                                      size_t *out_bytes)
{
    static const cl_uint khronos[] = {1, 0x2a, 0x1f, 7}, nvidia[] = {0x65, 2 << 3 | 1, 3};
    static const cl_char amd[24] = {CL_DEVICE_TOPOLOGY_TYPE_PCIE_AMD, [21] = (cl_char)0xc1, 0, 1};
    (void)id;
    if (place_query == 0x4008 && what >= 0x4008 && what <= 0x400a)
        return answer(&nvidia[what - 0x4008], sizeof *nvidia, bytes, out, out_bytes);
    if (what != place_query)
        return CL_INVALID_VALUE;
    if (what == CL_DEVICE_PCI_BUS_INFO_KHR)
        return answer(khronos, sizeof khronos, bytes, out, out_bytes);
    return answer(amd, sizeof amd, bytes, out, out_bytes);
}

static bool has_part(const char *words, const char *word)
{
    return strstr(words, word);
}

static void the_place_on_the_bus_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *extensions;
        cl_device_info query;
        const char *place;
    } cases[] = {
        {"cl_khr_pci_bus_info", CL_DEVICE_PCI_BUS_INFO_KHR, "0001:2a:1f.7"},
        {"cl_nv_device_attribute_query", PCI_BUS_ID_NV, "0003:65:02.1"},
        {"cl_amd_device_attribute_query", CL_DEVICE_TOPOLOGY_AMD, "0000:c1:00.1"},
        {"cl_khr_pci_bus_info cl_nv_device_attribute_query", PCI_BUS_ID_NV, "0003:65:02.1"},
        {"cl_khr_pci_bus_info", 0, ""}, /* promised, and not told */
        {"", CL_DEVICE_PCI_BUS_INFO_KHR, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char place[16] = "";
        place_query = cases[i].query;
        alx_device_place(query_place, NULL, has_part, cases[i].extensions, place, sizeof place);
        assert_string_equal(place, cases[i].place);
    }
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
    driver.sub_group_sizes[0] = 8;
    assert_int_equal(describe().block_read_lanes, 0); /* a kernel cannot demand it */
    driver.extensions = "cl_intel_subgroups cl_intel_required_subgroup_size";
    assert_int_equal(describe().block_read_lanes, 8);
    driver.sub_group_sizes[1] = 32;
    driver.sub_group_sizes[2] = 16;
    assert_int_equal(describe().block_read_lanes, 16);
    driver.failing = CL_DEVICE_SUB_GROUP_SIZES_INTEL;
    assert_int_equal(describe().block_read_lanes, 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_place_on_the_bus_is_read),
        cmocka_unit_test_setup(properties_are_read, make_driver),
        cmocka_unit_test_setup(alignments_are_plausible, make_driver),
        cmocka_unit_test_setup(generations_are_told_apart, make_driver),
        cmocka_unit_test_setup(options_follow_from_version_and_extensions, make_driver),
        cmocka_unit_test_setup(unusable_devices_say_why, make_driver),
        cmocka_unit_test_setup(failing_queries_are_noted, make_driver),
        cmocka_unit_test_setup(endless_texts_are_left_out, make_driver),
        cmocka_unit_test_setup(long_texts_are_cut_between_letters, make_driver),
        cmocka_unit_test(errors_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
