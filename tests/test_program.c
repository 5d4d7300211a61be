/* Programs: built once, found again in the process and on disk, right after any damage, and failing
 * with a message that fits a terminal. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "device/cl.h"
#include "device/device.h"
#include "device/program.h"
#include "support/devices.h"
#include "support/files.h"
#include "support/test.h"

/* layout_clear_halo() over a tensor of 1 x 2 with a halo of 1. */
enum { ROWS = 3, ROW = 4, ELEMS = ROWS * ROW };
#define OPTIONS                                                                                    \
    "-DBATCH=1 -DVECTOR=1 -DLANES=1 -DWEIGHT_BITS=32 -DIN_C=1 -DIN_H=1 -DIN_W=1 -DIN_B=1 "         \
    "-DIN_HALO=0 -DOUT_C=1 -DOUT_H=1 -DOUT_W=2 -DOUT_B=1 -DOUT_HALO=1"

static char folder[PATH_MAX];
static int warnings;

static void count_warnings(void *user, enum alx_log_level level, const char *message)
{
    (void)user, (void)message;
    warnings += level == ALX_LOG_WARNING;
}

/* --- one program --- */

static void assert_computes(alx_device *device)
{
    enum alx_status status = ALX_STATUS_OK;
    cl_kernel kernel = NULL;
    cl_mem buffer = NULL;
    struct alx_mapped mapped = {0};
    const size_t global = ROWS, local = 1;
    assert_ok(alx_kernel_create(device, "layout.cl", "layout_clear_halo", OPTIONS, &kernel));
    assert_ok(alx_buffer_create(device, ELEMS * sizeof(float), &buffer));
    assert_ok(alx_buffer_map(device, buffer, true, ELEMS * sizeof(float), &mapped));
    for (size_t i = 0; i < ELEMS; i++)
        ((float *)mapped.data)[i] = 7;
    assert_ok(alx_buffer_unmap(device, &mapped));
    assert_null(mapped.data);
    ALX_CL(clSetKernelArg(kernel, 0, sizeof buffer, &buffer));
    ALX_CL(clEnqueueNDRangeKernel(device->queue, kernel, 1, NULL, &global, &local, 0, NULL, NULL));
error:
    assert_int_equal(status, ALX_STATUS_OK);
    assert_ok(alx_buffer_map(device, buffer, false, ELEMS * sizeof(float), &mapped));
    for (size_t i = 0; i < ELEMS; i++)
        assert_true(((float *)mapped.data)[i] == (i == 5 || i == 6 ? 7 : 0));
    assert_ok(alx_buffer_unmap(device, &mapped));
    assert_ok(alx_buffer_unmap(device, &mapped));
    alx_buffer_release(buffer);
    clReleaseKernel(kernel);
}

static void assert_counts(const alx_device *device, size_t built, size_t cached)
{
    struct alx_program_counts counts = alx_device_program_counts(device);
    assert_int_equal(counts.built, built);
    assert_int_equal(counts.cached, cached);
}

static void check_reuse(alx_device *device)
{
    cl_kernel kernel = NULL;
    assert_computes(device);
    assert_counts(device, 1, 0);
    uint64_t build_ns = alx_device_program_counts(device).build_ns;
    assert_true(build_ns > 0);
    assert_computes(device);
    assert_counts(device, 1, 0);
    assert_ok(alx_kernel_create(device, "layout.cl", "layout_clear_halo", OPTIONS " -DX", &kernel));
    clReleaseKernel(kernel);
    assert_counts(device, 2, 0);
    assert_ok(alx_kernel_create(device, "elementwise.cl", "elementwise_relu", OPTIONS, &kernel));
    clReleaseKernel(kernel);
    assert_counts(device, 3, 0);
}

static void programs_are_built_once(void **state)
{
    (void)state;
    test_each_device(&(struct alx_device_options){.no_cache = true}, check_reuse);
}

/* --- on disk --- */

static void check_first(alx_device *device)
{
    assert_computes(device);
    assert_counts(device, 1, 0);
}

static void check_second(alx_device *device)
{
    assert_computes(device);
    assert_counts(device, 0, 1);
    assert_computes(device);
    assert_counts(device, 0, 1);
}

static int remove_cache(void **state)
{
    char command[PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s", test_files_path("cache"));
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    (void)state;
    return system(command);
}

static void programs_come_from_disk(void **state)
{
    struct alx_device_options options = {.cache_dir = folder};
    struct alx_cache_info info;
    (void)state;
    test_each_device(&options, check_first);
    assert_ok(alx_cache_inspect(folder, &info));
    assert_true(info.files > 0);
    test_each_device(&options, check_second);
}

/* Flips a byte in the middle of every file of the folder. */
static void damage(void)
{
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command,
             "for f in '%s'/*.clbin; do s=$(stat -c %%s \"$f\"); "
             "printf x | dd of=\"$f\" bs=1 seek=$((s / 2)) conv=notrunc status=none; "
             "printf y | dd of=\"$f\" bs=1 seek=$((s / 2 + 1)) conv=notrunc status=none; done",
             folder);
    assert_false(system(command));
}

static void damage_is_compiled_over(void **state)
{
    struct alx_device_options options = {.cache_dir = folder};
    (void)state;
    test_each_device(&options, check_first);
    damage();
    test_each_device(&options, check_first);
    test_each_device(&options, check_second);
}

static void transient_programs_are_not_kept(void **state)
{
    alx_devices *devices = NULL;
    alx_device *device = NULL;
    struct alx_device_options options = {.cache_dir = folder};
    struct alx_cache_info info;
    size_t index;
    (void)state;
    assert_ok(alx_devices_create(&devices));
    assert_ok(alx_devices_find_all(devices, "1", &index, 1, &(size_t){0}));
    assert_ok(alx_device_open(devices, index, &options, &device));
    device->transient = true;
    assert_computes(device);
    alx_device_close(&device);
    assert_ok(alx_cache_inspect(folder, &info));
    assert_int_equal(info.files, 0);
    alx_devices_destroy(&devices);
}

static void without_a_folder_it_goes_on(void **state)
{
    struct alx_device_options options = {.cache_dir = "/dev/null/nowhere"};
    (void)state;
    alx_log_set(count_warnings, NULL);
    test_each_device(&options, check_first);
    test_each_device(&options, check_first);
    alx_log_set(NULL, NULL);
    assert_int_equal(warnings, 1);
}

/* --- many --- */

/* More programs than are kept: those let go are built again or come from the disk. */
static void check_many(alx_device *device)
{
    enum { MANY = 66 };
    char options[512];
    cl_kernel kernel;
    if (test_small(device))
        return;
    for (int i = 0; i <= MANY; i++) {
        snprintf(options, sizeof options, OPTIONS " -DNUMBER=%d", i % MANY);
        assert_ok(alx_kernel_create(device, "layout.cl", "layout_clear_halo", options, &kernel));
        clReleaseKernel(kernel);
    }
    struct alx_program_counts counts = alx_device_program_counts(device);
    assert_int_equal(counts.built + counts.cached, MANY + 1);
}

static void the_eldest_programs_are_let_go(void **state)
{
    (void)state;
    test_each_device(&(struct alx_device_options){.no_cache = true}, check_many);
}

/* Runs without assertions of its own: those belong to the test's thread. */
static void *build_in_thread(void *argument)
{
    const alx_devices *devices = argument;
    struct alx_device_options options = {.cache_dir = folder};
    for (size_t i = 0; i < alx_devices_count(devices); i++) {
        alx_device *device = NULL;
        cl_kernel kernel;
        if (!alx_devices_info(devices, i)->usable)
            continue;
        if (alx_device_open(devices, i, &options, &device) != ALX_STATUS_OK)
            return argument;
        enum alx_status status =
            alx_kernel_create(device, "layout.cl", "layout_clear_halo", OPTIONS, &kernel);
        if (status == ALX_STATUS_OK)
            clReleaseKernel(kernel);
        alx_device_close(&device);
        if (status != ALX_STATUS_OK)
            return argument;
    }
    return NULL;
}

static void threads_build_one_after_the_other(void **state)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    alx_devices *devices = NULL;
    (void)state;
    assert_ok(alx_devices_create(&devices));
    for (size_t i = 0; i < THREADS; i++)
        assert_false(pthread_create(&threads[i], NULL, build_in_thread, devices));
    for (size_t i = 0; i < THREADS; i++) {
        void *failed;
        assert_false(pthread_join(threads[i], &failed));
        assert_null(failed);
    }
    alx_devices_destroy(&devices);
}

/* --- failures --- */

static void check_broken(alx_device *device)
{
    static const char *const broken[] = {OPTIONS " -D__kernel=\x01\x1b[31m",
                                         OPTIONS " -Dfloat=struct", "-DBATCH=1 -DOUT_C=]]]]",
                                         "--no-such-option-" OPTIONS};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        cl_kernel kernel = NULL;
        assert_fails(
            alx_kernel_create(device, "layout.cl", "layout_clear_halo", broken[i], &kernel),
            ALX_STATUS_DEVICE, "layout.cl");
        const char *message = alx_error_message();
        assert_null(kernel);
        assert_true(strlen(message) < 2500);
        for (const char *c = message; *c; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
    cl_kernel kernel = NULL;
    assert_fails(alx_kernel_create(device, "layout.cl", "no_such_kernel", OPTIONS, &kernel),
                 ALX_STATUS_DEVICE, "no_such_kernel");
    assert_fails(alx_kernel_create(device, "nowhere.cl", "x", OPTIONS, &kernel),
                 ALX_STATUS_INTERNAL, "nowhere.cl");
    assert_null(kernel);
    assert_computes(device); /* it is none the worse */
}

static void broken_programs_say_why(void **state)
{
    (void)state;
    test_each_device(&(struct alx_device_options){.no_cache = true}, check_broken);
}

static void assert_log(const char *log, size_t bytes, size_t room, const char *cleaned)
{
    char out[64];
    memset(out, 'x', sizeof out);
    alx_build_log_clean(log, bytes, out, room);
    assert_string_equal(out, cleaned);
}

static void build_logs_become_one_line(void **state)
{
    (void)state;
    assert_log("", 0, 64, "");
    assert_log("\n", 1, 64, "");
    assert_log("a\nb", 3, 64, "a | b");
    assert_log("\r\n  a: \r\n\n\n b  \n\0junk", 20, 64, "  a: |  b");
    assert_log("no end", 2, 64, "no");
    assert_log("\x1b[31mred\x07", 9, 64, "?[31mred?");
    assert_log("abcdef", 6, 5, "abcd");
    assert_log("abcdef\nghi", 10, 9, "abcdef");
    assert_log("abcdef\nghi", 10, 11, "abcdef | g");
    assert_log("ab\xc3\xa9", 4, 4, "ab?"); /* cut inside a letter */
    assert_log("a\nb\nc", 5, 1, "");
}

static void buffers_that_do_not_fit_say_so(alx_device *device)
{
    cl_mem buffer = NULL;
    assert_fails(alx_buffer_create(device, SIZE_MAX / 2, &buffer), ALX_STATUS_DEVICE, "MiB");
    assert_null(buffer);
    alx_buffer_release(NULL);
}

static void memory_has_limits(void **state)
{
    (void)state;
    test_each_device(NULL, buffers_that_do_not_fit_say_so);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_built_once),
        cmocka_unit_test_setup_teardown(programs_come_from_disk, remove_cache, remove_cache),
        cmocka_unit_test_setup_teardown(damage_is_compiled_over, remove_cache, remove_cache),
        cmocka_unit_test_setup_teardown(transient_programs_are_not_kept, remove_cache,
                                        remove_cache),
        cmocka_unit_test(without_a_folder_it_goes_on),
        cmocka_unit_test(the_eldest_programs_are_let_go),
        cmocka_unit_test_setup_teardown(threads_build_one_after_the_other, remove_cache,
                                        remove_cache),
        cmocka_unit_test(broken_programs_say_why),
        cmocka_unit_test(build_logs_become_one_line),
        cmocka_unit_test(memory_has_limits),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
