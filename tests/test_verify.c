/*
 * Every algorithm on every device that the loader shows, and that wrong kernels are found.
 *
 * Arguments: the kinds of layers to verify; none means all. ALX_TEST_SHAPES: only so many shapes,
 * and only kernels of our own.
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

enum { SHAPES_WANTED = 30 };

static char **kinds;
static size_t kind_count;
static size_t own_rows, fewest;

static bool is_wanted(const struct alx_algorithm *algorithm)
{
    bool ours = strcmp(algorithm->name, "clblast") != 0;
    if (!ours && (!ALX_HAVE_CLBLAST || getenv("ALX_TEST_SHAPES")))
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
    if (strncmp(row->form, "own", 3))
        return;
    own_rows++;
    fewest = row->shapes < fewest ? row->shapes : fewest;
}

static void verify_device(alx_device *device)
{
    const char *few = getenv("ALX_TEST_SHAPES");
    struct alx_verify_options options = {.small = test_small(device),
                                         .max_shapes = few ? strtoul(few, NULL, 10) : 0};
    struct alx_traits traits = alx_traits_of_device(alx_device_get_info(device));
    size_t count;
    const struct alx_algorithm *const *algorithms = alx_algorithms(&count);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(algorithms[i]))
            continue;
        options.layer = alx_layer_kind_name(algorithms[i]->kind);
        options.algorithm = algorithms[i]->name;
        own_rows = 0;
        fewest = SIZE_MAX;
        assert_ok(alx_verify_run(device, &options, show, NULL));
        /* lrn's rows of vectors are for CPUs */
        assert_true(own_rows > 0 || (traits.simt && !strcmp(algorithms[i]->name, "row")));
        assert_true(few || fewest >= SHAPES_WANTED);
    }
}

static void every_algorithm_is_right(void **state)
{
    (void)state;
    test_each_device(NULL, verify_device);
}

/* --- wrong kernels --- */

static bool sabotage;

/* Takes the place of the loader's: leaves the last work-group of the first axis out. */
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
    test_each_device(NULL, verify_sabotaged);
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
    };
    const struct CMUnitTest all[] = {cmocka_unit_test(every_algorithm_is_right)};
    kinds = arguments + 1;
    kind_count = (size_t)argument_count - 1;
    if (kind_count && !strcmp(kinds[0], "--itself"))
        return cmocka_run_group_tests(tests, NULL, NULL);
    return cmocka_run_group_tests(all, NULL, NULL);
}
