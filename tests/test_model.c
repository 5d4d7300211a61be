/* Models: made, saved, loaded again, found by name, and what comes with them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <alexnet_cl/model.h>

#include "net/shape.h"
#include "support/files.h"
#include "support/test.h"
#include "tensor/view.h"

static const struct alx_layer small_layers[] = {
    {.name = "conv1",
     .kind = ALX_LAYER_CONV,
     .activation = ALX_ACTIVATION_RELU,
     .out_channels = 4,
     .kernel_h = 3,
     .kernel_w = 2,
     .stride_h = 2,
     .stride_w = 1},
    {.name = "norm1",
     .kind = ALX_LAYER_LRN,
     .lrn_size = 5,
     .lrn_alpha = 1e-4,
     .lrn_beta = 0.75,
     .lrn_k = 2},
    {.name = "conv2",
     .kind = ALX_LAYER_CONV,
     .out_channels = 6,
     .kernel_h = 3,
     .kernel_w = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1,
     .groups = 2,
     .no_bias = true},
    {.name = "relu2", .kind = ALX_LAYER_RELU},
    {.name = "fc3", .kind = ALX_LAYER_FC, .out_channels = 5},
};
enum { SMALL_LAYERS = sizeof small_layers / sizeof *small_layers, CLASSES = 5 };

static alx_net *small_net(void)
{
    alx_net *net = NULL;
    assert_ok(
        alx_net_create("small", (struct alx_shape){3, 9, 8}, small_layers, SMALL_LAYERS, &net));
    return net;
}

static alx_model *small_model(void)
{
    alx_net *net = small_net();
    alx_model *model = NULL;
    assert_ok(alx_model_create_random(net, 5, &model));
    alx_net_destroy(&net);
    return model;
}

static void assert_same_values(struct alx_tensor_view a, struct alx_tensor_view b)
{
    assert_int_equal(a.elems, b.elems);
    assert_int_equal(a.dtype, b.dtype);
    if (a.elems)
        assert_memory_equal(a.data, b.data, a.elems * alx_dtype_bytes(a.dtype));
}

static void a_saved_model_loads_bit_for_bit(void **state)
{
    (void)state;
    const char *path = test_files_path("round.safetensors");
    alx_model *model = small_model(), *loaded = NULL;
    assert_ok(alx_model_save(model, path, ALX_DTYPE_F32));
    assert_ok(alx_model_load(path, NULL, &loaded));
    assert_string_equal(alx_model_name(loaded), "small");
    assert_string_equal(alx_model_format(loaded), "safetensors");
    assert_string_equal(alx_model_path(loaded), path);
    assert_int_equal(alx_net_layer_count(alx_model_net(loaded)), SMALL_LAYERS + 1);
    for (size_t i = 0; i <= SMALL_LAYERS; i++) {
        assert_same_values(alx_model_weights(model, i), alx_model_weights(loaded, i));
        assert_same_values(alx_model_biases(model, i), alx_model_biases(loaded, i));
    }
    assert_int_equal(alx_model_class_count(loaded), CLASSES);
    assert_string_equal(alx_model_label(loaded, 4), "class 4");
    alx_model_destroy(&model);
    alx_model_destroy(&loaded);
    assert_null(loaded);
    alx_model_destroy(&loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_model_loads_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
