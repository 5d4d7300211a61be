/* Winograd's matrices in exact arithmetic, transformed weights, and the sums behind its outputs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "ops/winograd.h"
#include "support/test.h"
#include "util/random.h"

/* For every output o, tap k and input i: sum over the points of at[o] g[k] bt[i] is 1 where i = o +
 * k and 0 elsewhere, which is what a correlation does. Integers, so nothing is rounded. */
static void matrices_make_a_correlation(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct alx_winograd *f; (f = alx_winograd_at(count)); count++) {
        int64_t one = (int64_t)f->at_denominator * f->g_denominator * f->bt_denominator;
        assert_true(one > 0);
        for (size_t o = 0; o < f->m; o++)
            for (size_t k = 0; k < f->r; k++)
                for (size_t i = 0; i < f->m + f->r - 1; i++) {
                    int64_t sum = 0;
                    for (size_t p = 0; p < f->m + f->r - 1; p++)
                        sum += (int64_t)f->at[o][p] * f->g[p][k] * f->bt[p][i];
                    assert_true(sum == (i == o + k ? one : 0));
                }
    }
    assert_int_equal(count, 6); /* m = 2, 3, 4 and r = 3, 5 */
}

static void unknown_sizes_have_none(void **state)
{
    (void)state;
    for (size_t m = 2; m <= 4; m++) {
        assert_non_null(alx_winograd_find(m, 3));
        assert_non_null(alx_winograd_find(m, 5));
        assert_null(alx_winograd_find(m, 4));
    }
    assert_null(alx_winograd_find(5, 3));
    assert_null(alx_winograd_find(1, 3));
}

static struct alx_layer_info conv(size_t channels, size_t size, size_t out, size_t kernel,
                                  size_t stride, size_t pad, size_t groups)
{
    struct alx_layer_info info;
    const struct alx_layer layer = {.name = "conv",
                                    .kind = ALX_LAYER_CONV,
                                    .out_channels = out,
                                    .kernel_h = kernel,
                                    .kernel_w = kernel,
                                    .stride_h = stride,
                                    .stride_w = stride,
                                    .pad_top = pad,
                                    .pad_left = pad,
                                    .pad_bottom = pad,
                                    .pad_right = pad,
                                    .groups = groups};
    assert_ok(alx_layer_infer("test", &layer, (struct alx_shape){channels, size, size}, &info));
    return info;
}

/* One output pixel at the origin of a tile, straight from the definition of the method. */
static double filtered(const struct alx_layer_info *info, size_t tile, const float *in,
                       const float *transformed)
{
    const struct alx_winograd_geometry g = alx_winograd_geometry(info);
    const struct alx_winograd *f = alx_winograd_find(tile, g.r);
    size_t n = tile + g.r - 1, phases = g.stride * g.stride, channels = info->in.channels;
    double sum = 0;
    for (size_t k = 0; k < g.group_k; k++) {
        size_t c = g.along_x ? k / phases : k % channels;
        size_t phase = g.along_x ? k % phases : k / channels;
        for (size_t point = 0; point < n * n; point++) {
            double d = 0;
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++) {
                    size_t y = i * g.stride + phase / g.stride, x = j * g.stride + phase % g.stride;
                    double value = y < info->in.height && x < info->in.width
                                       ? (double)in[(c * info->in.height + y) * info->in.width + x]
                                       : 0;
                    d += value * f->bt[point / n][i] * f->bt[point % n][j];
                }
            sum += d * (double)transformed[point * g.group_k + k] * f->at[0][point / n] *
                   f->at[0][point % n];
        }
    }
    double denominator = (double)f->at_denominator * f->bt_denominator;
    return sum / (denominator * denominator);
}

static void transformed_weights_give_the_convolution(void **state)
{
    (void)state;
    const struct alx_layer_info infos[] = {conv(5, 9, 1, 3, 1, 0, 1), conv(2, 9, 1, 5, 1, 0, 1),
                                           conv(3, 30, 1, 11, 4, 0, 1), conv(8, 21, 1, 5, 2, 0, 1)};
    uint64_t random = 5;
    for (size_t l = 0; l < sizeof infos / sizeof *infos; l++)
        for (size_t tile = 2; tile <= 4; tile++) {
            const struct alx_layer_info *info = &infos[l];
            const struct alx_winograd_geometry g = alx_winograd_geometry(info);
            size_t taps = info->parameters - 1, side = tile + g.r - 1;
            size_t outputs = alx_shape_elems(info->out);
            float *in = malloc(alx_shape_elems(info->in) * sizeof *in);
            float *weights = malloc(taps * sizeof *weights);
            float *transformed = malloc(side * side * g.group_k * sizeof *transformed);
            double *out = malloc(outputs * sizeof *out), *magnitude = malloc(outputs * sizeof *out);
            for (size_t i = 0; i < alx_shape_elems(info->in); i++)
                in[i] = alx_random_float(&random, -1, 1);
            for (size_t i = 0; i < taps; i++)
                weights[i] = alx_random_float(&random, -1, 1);
            const struct alx_reference reference = {in, weights, NULL, out, magnitude};
            alx_reference_run(info, 1, &reference);
            alx_winograd_transform(info, tile, weights, transformed);
            double plain = magnitude[0], got = filtered(info, tile, in, transformed);
            /* only the rounding of the transformed weights to float32 is left */
            assert_ok(alx_winograd_magnify(&(struct alx_problem){.info = info, .batch = 1},
                                           &(struct alx_params){.tile = tile}, &reference));
            assert_true(fabs(got - out[0]) <= 0x1p-24 * magnitude[0]);
            /* it adds at least the products of the definition, and not absurdly more */
            assert_true(magnitude[0] >= plain);
            assert_true(magnitude[0] <= 5000 * plain);
            free(magnitude);
            free(out);
            free(transformed);
            free(weights);
            free(in);
        }
}

static void layers_become_stride_one(void **state)
{
    (void)state;
    const struct alx_layer_info conv1 = conv(3, 227, 96, 11, 4, 0, 1);
    const struct alx_layer_info conv2 = conv(96, 27, 256, 5, 1, 2, 2);
    const struct alx_layer_info middle = conv(96, 55, 256, 5, 2, 2, 2);
    struct alx_winograd_geometry g = alx_winograd_geometry(&conv1);
    assert_true(g.stride == 4 && g.r == 3 && g.group_k == 48 && g.along_x);
    assert_int_equal(alx_winograd_tiles(&conv1, 4), 14 * 14);
    g = alx_winograd_geometry(&conv2);
    assert_true(g.stride == 1 && g.r == 5 && g.group_k == 48 && !g.along_x);
    assert_int_equal(alx_winograd_tiles(&conv2, 4), 7 * 7);
    g = alx_winograd_geometry(&middle);
    assert_true(g.stride == 2 && g.r == 3 && g.group_k == 48 * 4 && !g.along_x);
}

static void a_missing_matrix_is_an_error(void **state)
{
    (void)state;
    const struct alx_layer_info info = conv(1, 8, 1, 4, 1, 0, 1);
    assert_fails(alx_winograd_magnify(&(struct alx_problem){.info = &info, .batch = 1},
                                      &(struct alx_params){.tile = 2}, &(struct alx_reference){0}),
                 ALX_STATUS_INTERNAL, "F(2, 4)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrices_make_a_correlation),
        cmocka_unit_test(unknown_sizes_have_none),
        cmocka_unit_test(transformed_weights_give_the_convolution),
        cmocka_unit_test(layers_become_stride_one),
        cmocka_unit_test(a_missing_matrix_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
