/*
 * Every algorithm on every device that the loader shows, and that wrong kernels are found.
 *
 * Arguments: the kinds of layers to verify; none means all. ALX_TEST_SHAPES: only so many shapes;
 * ALX_TEST_WITHOUT: a list of algorithms that are left out.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/verify.h>

#include "alx_config.h"
#include "ops/op.h"
#include "support/devices.h"
#include "support/test.h"

/* Of the device's own form in float32, and of what it would not choose; `alexnet-cl verify` tries
 * more of both. */
enum { SHAPES_WANTED = 30, OTHERS_TRIED = 4 };

/* --- the loader's functions, watched or changed on the way --- */

static bool warned, sabotage;

/* Compilers must have nothing to say: what they say, PoCL prints. CLBlast's kernels are its own. */
cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *user)
{
    static char log[65536];
    cl_int (*real)(cl_program, cl_uint, const cl_device_id *, const char *,
                   void(CL_CALLBACK *)(cl_program, void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "clBuildProgram");
    cl_int error = real(program, count, devices, options, notify, user);
    bool ours = options && strstr(options, "-DBATCH=");
    if (error == CL_SUCCESS && ours &&
        clGetProgramBuildInfo(program, devices[0], CL_PROGRAM_BUILD_LOG, sizeof log - 1, log,
                              NULL) == CL_SUCCESS &&
        strstr(log, "warning")) {
        printf("%s:\n%s\n", options, log);
        warned = true;
    }
    return error;
}

/* Sabotaged, leaves the last work-group of the first axis out. */
cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint event_count, const cl_event *events, cl_event *event)
{
    cl_int (*real)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *,
                   const size_t *, cl_uint, const cl_event *, cl_event *);
    *(void **)&real = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");
    size_t less[3] = {global[0], dimensions > 1 ? global[1] : 1, dimensions > 2 ? global[2] : 1};
    if (sabotage && local && less[0] > local[0])
        less[0] -= local[0];
    return real(queue, kernel, dimensions, offset, less, local, event_count, events, event);
}

/* --- all kernels --- */

static char **kinds;
static size_t kind_count;
static size_t rows, own_rows, fewest;

static bool is_wanted(const struct alx_algorithm *algorithm)
{
    const char *without = getenv("ALX_TEST_WITHOUT");
    if ((without && strstr(without, algorithm->name)) ||
        (!ALX_HAVE_CLBLAST && !strcmp(algorithm->name, "clblast")))
        return false;
    for (size_t i = 0; i < kind_count; i++)
        if (!strcmp(kinds[i], alx_layer_kind_name(algorithm->kind)))
            return true;
    return !kind_count;
}

static void show(void *user, const struct alx_verify_row *row)
{
    (void)user;
    printf("%-8s %-8s %-10s %-5s %3zu shapes, %zu wrong, worst %.3f of its bound %s\n", row->layer,
           row->algorithm, row->form, row->precision, row->shapes, row->failures, row->worst,
           row->detail);
    fflush(stdout);
    rows++;
    if (strncmp(row->form, "own", 3) || strcmp(row->precision, "fp32"))
        return;
    own_rows++;
    fewest = row->shapes < fewest ? row->shapes : fewest;
}

static void verify_device(alx_device *device)
{
    const char *few = getenv("ALX_TEST_SHAPES");
    struct alx_verify_options options = {.small = test_small(device),
                                         .max_shapes = few ? strtoul(few, NULL, 10) : SHAPES_WANTED,
                                         .max_others = OTHERS_TRIED};
    struct alx_traits traits = alx_traits_of_device(alx_device_get_info(device));
    size_t count;
    const struct alx_algorithm *const *algorithms = alx_algorithms(&count);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(algorithms[i]))
            continue;
        options.layer = alx_layer_kind_name(algorithms[i]->kind);
        options.algorithm = algorithms[i]->name;
        rows = own_rows = 0;
        fewest = SIZE_MAX;
        warned = false;
        assert_ok(alx_verify_run(device, &options, show, NULL));
        assert_false(warned);
        assert_true(rows > 0);
        /* some are for CPUs alone, some for devices whose work-items run in step */
        bool elsewhere = strstr(algorithms[i]->name, "tiled") ? !traits.simt : traits.simt;
        assert_true(own_rows > 0 || elsewhere);
        /* most that suit it are too large for a simulator */
        bool large = options.small && strstr(algorithms[i]->name, "winograd");
        assert_true(few || fewest >= (large ? SHAPES_WANTED / 3 : SHAPES_WANTED));
    }
}

static void every_algorithm_is_right(void **state)
{
    (void)state;
    test_each_device(NULL, verify_device);
}

/* --- wrong kernels --- */

static size_t found;

static void count_failures(void *user, const struct alx_verify_row *row)
{
    (void)user;
    found += row->failures;
    if (row->failures) {
        assert_non_null(strstr(row->detail, "instead of"));
        assert_true(row->failures <= row->shapes);
    }
}

static void verify_sabotaged(alx_device *device)
{
    static const char *const cases[][2] = {
        {"conv", "naive"}, {"relu", "direct"}, {"softmax", "direct"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct alx_verify_options options = {
            .layer = cases[i][0], .algorithm = cases[i][1], .small = true, .max_shapes = 4};
        found = 0;
        sabotage = true;
        enum alx_status status = alx_verify_run(device, &options, count_failures, NULL);
        sabotage = false;
        if (status != ALX_STATUS_DEVICE || !found)
            fail_msg("%s: wrong results are not found", cases[i][0]);
    }
}

static void wrong_results_are_found(void **state)
{
    (void)state;
    /* what is found must not be remembered for other tests */
    test_each_device(&(struct alx_device_options){.no_cache = true}, verify_sabotaged);
}

/* --- candidates --- */

static size_t tried;

static void count_shapes(void *user, const struct alx_verify_row *row)
{
    (void)user;
    tried += row->shapes;
    assert_int_equal(row->failures, 0);
}

static void verify_candidates(alx_device *device)
{
    struct alx_verify_options options = {.layer = "max-pool", .small = true, .max_shapes = 2};
    size_t with, without;
    tried = 0;
    assert_ok(alx_verify_run(device, &options, count_shapes, NULL));
    without = tried;
    tried = 0;
    options.candidates = true;
    assert_ok(alx_verify_run(device, &options, count_shapes, NULL));
    with = tried;
    assert_true(with > without); /* several widths of a group */
}

static void all_candidates_can_be_tried(void **state)
{
    (void)state;
    test_each_device(NULL, verify_candidates);
}

static void reject_unknown(alx_device *device)
{
    const struct alx_verify_options options = {.algorithm = "magic"};
    assert_fails(alx_verify_run(device, &options, show, NULL), ALX_STATUS_USAGE, "magic");
}

static void unknown_algorithms_are_refused(void **state)
{
    (void)state;
    test_each_device(NULL, reject_unknown);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_algorithms_are_refused),
        cmocka_unit_test(wrong_results_are_found),
        cmocka_unit_test(all_candidates_can_be_tried),
    };
    const struct CMUnitTest all[] = {cmocka_unit_test(every_algorithm_is_right)};
    kinds = arguments + 1;
    kind_count = (size_t)argument_count - 1;
    if (kind_count && !strcmp(kinds[0], "--itself"))
        return cmocka_run_group_tests(tests, NULL, NULL);
    return cmocka_run_group_tests(all, NULL, NULL);
}
