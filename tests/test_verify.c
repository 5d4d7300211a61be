/* Every algorithm on every device that the loader shows, and that wrong kernels are found. */
#include <stdio.h>
#include <string.h>

#include <alexnet_cl/verify.h>

#include "ops/op.h"
#include "support/devices.h"
#include "support/test.h"

enum { SHAPES_WANTED = 30 };

static size_t rows, fewest;

static void show(void *user, const struct alx_verify_row *row)
{
    (void)user;
    printf("%-8s %-8s %-10s %-5s %3zu shapes, %zu wrong, worst %.3f of its bound %s\n", row->layer,
           row->algorithm, row->form, row->precision, row->shapes, row->failures, row->worst,
           row->detail);
    fflush(stdout);
    if (!strncmp(row->form, "own", 3) && row->shapes < fewest)
        fewest = row->shapes;
    rows++;
}

static void verify_device(alx_device *device)
{
    const struct alx_verify_options options = {.small = test_small(device)};
    size_t algorithms;
    alx_algorithms(&algorithms);
    rows = 0;
    fewest = SIZE_MAX;
    assert_ok(alx_verify_run(device, &options, show, NULL));
    assert_true(rows >= algorithms - 3); /* CLBlast and CPU forms are not everywhere */
    assert_true(fewest >= SHAPES_WANTED);
}

static void every_algorithm_is_right(void **state)
{
    (void)state;
    test_each_device(NULL, verify_device);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm_is_right),
        cmocka_unit_test(unknown_algorithms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
