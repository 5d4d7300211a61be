/* The references against PyTorch in double precision. */
#include <math.h>
#include <stdlib.h>

#include <alexnet_cl/net.h>

#include "golden/layers.h"
#include "net/shape.h"
#include "ops/op.h"
#include "support/test.h"

static void references_agree_with_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden_layers / sizeof *golden_layers; i++) {
        const struct golden_layer *g = &golden_layers[i];
        struct alx_layer_info info;
        assert_ok(alx_layer_infer("golden", &g->layer, g->in, &info));
        size_t elems = g->batch * alx_shape_elems(info.out);
        double *out = malloc(elems * sizeof *out), *magnitude = malloc(elems * sizeof *out);
        assert_int_equal(elems, g->output_elems);
        alx_reference_run(&info, g->batch,
                          &(struct alx_reference){g->input, g->weights, g->biases, out, magnitude});
        for (size_t j = 0; j < elems; j++) {
            if (!(fabs(out[j] - g->output[j]) <= 1e-13 * (1 + fabs(g->output[j]))))
                fail_msg("%s: output %zu is %.17g instead of %.17g", g->name, j, out[j],
                         g->output[j]);
            assert_true(magnitude[j] >= 0);
        }
        free(magnitude);
        free(out);
    }
}

static void magnitudes_are_sums_of_absolute_products(void **state)
{
    (void)state;
    const struct alx_layer layer = {.name = "fc", .kind = ALX_LAYER_FC, .out_channels = 1};
    const float in[] = {1, -2, 3}, weights[] = {4, 5, -6}, bias[] = {-7};
    struct alx_layer_info info;
    double out, magnitude;
    assert_ok(alx_layer_infer("test", &layer, (struct alx_shape){3, 1, 1}, &info));
    alx_reference_run(&info, 1, &(struct alx_reference){in, weights, bias, &out, &magnitude});
    assert_true(out == 4 - 10 - 18 - 7);
    assert_true(magnitude == 4 + 10 + 18 + 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_agree_with_pytorch),
        cmocka_unit_test(magnitudes_are_sums_of_absolute_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
