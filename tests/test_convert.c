/* What converting does to a model: int8 and its scales, where it is from, names of classes, values
 * that are not finite. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/model.h>

#include "model/model.h"
#include "support/files.h"
#include "support/test.h"
#include "support/views.h"
#include "support/warnings.h"
#include "tensor/view.h"
#include "util/text.h"

static const struct alx_layer layers[] = {
    {.name = "conv1",
     .kind = ALX_LAYER_CONV,
     .activation = ALX_ACTIVATION_RELU,
     .out_channels = 4,
     .kernel_h = 3,
     .kernel_w = 2},
    {.name = "conv2",
     .kind = ALX_LAYER_CONV,
     .out_channels = 6,
     .kernel_h = 3,
     .kernel_w = 3,
     .groups = 2,
     .no_bias = true},
    {.name = "relu2", .kind = ALX_LAYER_RELU},
    {.name = "fc3", .kind = ALX_LAYER_FC, .out_channels = 5},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static alx_model *small_model(void)
{
    alx_net *net = NULL;
    alx_model *model = NULL;
    assert_ok(alx_net_create("small", (struct alx_shape){3, 9, 8}, layers, LAYERS, &net));
    assert_ok(alx_model_create_random(net, 5, &model));
    alx_net_destroy(&net);
    return model;
}

static void int8_weights_have_a_scale_for_each_output_channel(void **state)
{
    (void)state;
    const char *path = test_files_path("int8.safetensors");
    const char *again = test_files_path("again.safetensors");
    const char *third = test_files_path("third.safetensors");
    const char *full = test_files_path("full.safetensors");
    alx_model *model = small_model(), *whole = NULL, *wide = NULL;
    assert_ok(alx_model_save(model, path, ALX_DTYPE_I8));
    assert_ok(alx_model_load(path, NULL, &whole));
    assert_ok(alx_model_save(whole, full, ALX_DTYPE_F32));
    assert_ok(alx_model_load(full, NULL, &wide));
    for (size_t i = 0; i < LAYERS; i++) {
        struct alx_tensor_view a = alx_model_weights(model, i), b = alx_model_weights(whole, i);
        struct alx_tensor_view scales = alx_model_scales(whole, i), c = alx_model_weights(wide, i);
        size_t rows = alx_net_layer(alx_model_net(model), i)->layer.out_channels;
        assert_int_equal(a.elems, b.elems);
        assert_int_equal(alx_model_scales(model, i).elems, 0);
        assert_int_equal(alx_model_scales(wide, i).elems, 0);
        if (!a.elems)
            continue;
        assert_int_equal(b.dtype, ALX_DTYPE_I8);
        assert_int_equal(scales.dtype, ALX_DTYPE_F32);
        assert_int_equal(scales.elems, rows);
        assert_int_equal((uintptr_t)scales.data % sizeof(float), 0);
        for (size_t j = 0; j < a.elems; j++) {
            float x, y, z, scale;
            alx_view_read(a, j, 1, &x);
            alx_view_read(b, j, 1, &y);
            alx_view_read(c, j, 1, &z);
            alx_view_read(scales, j / (a.elems / rows), 1, &scale);
            assert_true(fabsf(x - y * scale) <= 0.5001f * scale);
            assert_true(z == y * scale);
        }
        assert_same_values(alx_model_biases(model, i), alx_model_biases(whole, i));
    }
    /* once rounded, nothing changes any more: as I8, or through F32 */
    assert_ok(alx_model_save(whole, again, ALX_DTYPE_I8));
    assert_ok(alx_model_save(wide, third, ALX_DTYPE_I8));
    alx_model_destroy(&wide);
    alx_model_destroy(&model);
    assert_ok(alx_model_load(third, NULL, &wide));
    assert_ok(alx_model_load(again, NULL, &model));
    for (size_t i = 0; i < LAYERS; i++) {
        assert_same_values(alx_model_weights(whole, i), alx_model_weights(model, i));
        assert_same_values(alx_model_scales(whole, i), alx_model_scales(model, i));
        assert_same_values(alx_model_weights(whole, i), alx_model_weights(wide, i));
    }
    alx_model_destroy(&wide);
    alx_model_destroy(&whole);
    alx_model_destroy(&model);
}

/* What golden/make_safetensors.py wrote. */
static void int8_of_the_reference_implementation_loads(void **state)
{
    (void)state;
    static const size_t weighted[] = {0, 3}, tensors[] = {0, 2}, rows[] = {4, 3};
    char path[512];
    alx_model *model = NULL;
    snprintf(path, sizeof path, "%s/safetensors/int8.safetensors", getenv("ALX_TEST_GOLDEN"));
    assert_ok(alx_model_load(path, NULL, &model));
    for (size_t l = 0; l < 2; l++) {
        struct alx_tensor_view weights = alx_model_weights(model, weighted[l]);
        struct alx_tensor_view scales = alx_model_scales(model, weighted[l]);
        assert_int_equal(weights.dtype, ALX_DTYPE_I8);
        assert_int_equal(scales.elems, rows[l]);
        for (size_t i = 0; i < weights.elems; i++) {
            float value, scale;
            alx_view_read(weights, i, 1, &value);
            alx_view_read(scales, i / (weights.elems / rows[l]), 1, &scale);
            assert_true(value == (float)((int)((37 * i + 11 * tensors[l]) % 101) - 50));
            assert_true(scale == (float)(i / (weights.elems / rows[l]) + 1) / 64);
        }
        assert_int_equal(alx_model_biases(model, weighted[l]).dtype, ALX_DTYPE_F32);
    }
    assert_int_equal(alx_model_scales(model, 1).elems, 0);
    alx_model_destroy(&model);
}

/* Scales that are not positive, or so large that a product could overflow. */
static void wrong_scales_are_refused(void **state)
{
    (void)state;
    const float bad[] = {0, -1, NAN, INFINITY, 0x1p120f};
    const char *path = test_files_path("scales.safetensors");
    alx_model *model = small_model(), *loaded = NULL;
    assert_ok(alx_model_save(model, path, ALX_DTYPE_I8));
    alx_model_destroy(&model);
    assert_ok(alx_model_load(path, NULL, &model));
    size_t bytes = model->mapping.bytes;
    uint8_t *file = malloc(bytes);
    assert_non_null(file);
    memcpy(file, model->mapping.data, bytes);
    uint8_t *scale = file +
                     ((const uint8_t *)alx_model_scales(model, 0).data - model->mapping.data) +
                     sizeof *bad;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(scale, &bad[i], sizeof bad[i]);
        assert_fails(alx_model_read("x", file, bytes, NULL, &loaded), ALX_STATUS_MODEL,
                     "x: tensor conv1.weight_scale: value 1 is not a positive number below 2^120");
    }
    const float largest = 0x1.fffffep119f;
    memcpy(scale, &largest, sizeof largest);
    assert_ok(alx_model_read("x", file, bytes, NULL, &loaded));
    assert_ok(alx_model_save(loaded, path, ALX_DTYPE_F32));
    alx_model_destroy(&loaded);
    alx_model_destroy(&model);
    free(file);
}

static void where_weights_come_from_is_kept(void **state)
{
    (void)state;
    const char *first = test_files_path("first.safetensors");
    const char *second = test_files_path("second.safetensors");
    alx_model *model = small_model(), *loaded = NULL;
    char sha256[65];
    assert_null(alx_model_provenance(model)->file);
    assert_ok(alx_model_save(model, first, ALX_DTYPE_F32));
    alx_model_destroy(&model);
    assert_ok(alx_model_load(first, NULL, &model));
    assert_null(alx_model_provenance(model)->file); /* was made here */
    assert_ok(alx_model_sha256(model, sha256));
    assert_ok(alx_model_save(model, second, ALX_DTYPE_F16));
    for (int step = 0; step < 2; step++) { /* and so it stays when it is converted again */
        assert_ok(alx_model_load(second, NULL, &loaded));
        const struct alx_provenance *from = alx_model_provenance(loaded);
        assert_string_equal(from->file, "first.safetensors");
        assert_string_equal(from->format, "safetensors");
        assert_string_equal(from->sha256, sha256);
        assert_null(from->note);
        assert_ok(alx_model_save(loaded, second, ALX_DTYPE_BF16));
        alx_model_destroy(&loaded);
    }
    alx_model_destroy(&model);
}

static void names_of_imagenet_come_with_1000_classes(void **state)
{
    (void)state;
    const struct alx_layer wide = {.name = "fc", .kind = ALX_LAYER_FC, .out_channels = 1000};
    const char *paths[] = {test_files_path("wide.safetensors"), test_files_path("w2.safetensors")};
    struct alx_text names = {0};
    alx_net *net = NULL;
    alx_model *model = NULL, *loaded = NULL;
    assert_ok(alx_net_create("wide", (struct alx_shape){3, 2, 2}, &wide, 1, &net));
    assert_ok(alx_model_create_random(net, 5, &model));
    alx_net_destroy(&net);
    for (size_t i = 0; i < 2; i++) { /* also after a second time */
        assert_ok(alx_model_save(model, paths[i], ALX_DTYPE_F32));
        alx_model_destroy(&model);
        assert_ok(alx_model_load(paths[i], NULL, &model));
        assert_string_equal(alx_model_label(model, 0), "tench");
        assert_string_equal(alx_model_long_label(model, 0), "tench, Tinca tinca");
        assert_string_equal(alx_model_class_id(model, 0), "n01440764");
        assert_string_equal(alx_model_label(model, 134), "crane bird");
        assert_string_equal(alx_model_long_label(model, 639), "maillot, tank suit");
        assert_string_equal(alx_model_class_id(model, 999), "n15075141");
        for (size_t c = 1; c < 1000; c++)
            assert_true(strcmp(alx_model_class_id(model, c - 1), alx_model_class_id(model, c)) < 0);
    }
    for (size_t c = 0; c < 1000; c++) /* other labels have one name alone */
        alx_text_add(&names, "label %zu\n", c);
    struct alx_model_options options = {
        .labels_path = test_files_write_text("labels.txt", alx_text_get(&names))};
    alx_text_free(&names);
    assert_ok(alx_model_load(paths[0], &options, &loaded));
    assert_string_equal(alx_model_long_label(loaded, 7), "label 7");
    assert_string_equal(alx_model_class_id(loaded, 7), "");
    assert_ok(alx_model_save(loaded, paths[1], ALX_DTYPE_F32));
    alx_model_destroy(&loaded);
    assert_ok(alx_model_load(paths[1], NULL, &loaded));
    assert_string_equal(alx_model_label(loaded, 7), "label 7");
    alx_model_destroy(&loaded);
    alx_model_destroy(&model);
}

static void values_that_are_not_finite_are_taken_when_allowed(void **state)
{
    (void)state;
    const struct alx_model_options allow = {.allow_nan = true};
    const float bad[] = {NAN, INFINITY};
    const char *path = test_files_path("bad.safetensors");
    const char *again = test_files_path("again.safetensors");
    for (size_t i = 0; i < 2; i++) {
        alx_model *model = small_model(), *loaded = NULL;
        memcpy(model->values + 3, &bad[i], sizeof bad[i]);
        assert_ok(alx_model_save(model, path, ALX_DTYPE_F32));
        assert_fails(alx_model_load(path, NULL, &loaded), ALX_STATUS_MODEL,
                     "bad.safetensors: tensor conv1.weight: value 3 is NaN or infinite; ");
        test_warnings_watch();
        assert_ok(alx_model_load(path, &allow, &loaded));
        assert_int_equal(test_warnings_count(), 1);
        assert_non_null(strstr(test_warnings_last(),
                               "bad.safetensors: tensor conv1.weight: value 3 is NaN or infinite"));
        assert_same_values(alx_model_weights(model, 0), alx_model_weights(loaded, 0));
        /* what halves can hold is written, whole numbers cannot */
        assert_ok(alx_model_save(loaded, again, ALX_DTYPE_F16));
        assert_fails(alx_model_save(loaded, again, ALX_DTYPE_I8), ALX_STATUS_MODEL,
                     "tensor conv1.weight: a value of row 0 is NaN or infinite; I8 has neither");
        alx_model_destroy(&loaded);
        alx_model_destroy(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(int8_weights_have_a_scale_for_each_output_channel),
        cmocka_unit_test(int8_of_the_reference_implementation_loads),
        cmocka_unit_test(wrong_scales_are_refused),
        cmocka_unit_test(where_weights_come_from_is_kept),
        cmocka_unit_test(names_of_imagenet_come_with_1000_classes),
        cmocka_unit_test(values_that_are_not_finite_are_taken_when_allowed),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
