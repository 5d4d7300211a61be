/* Tables of layers: shape rules, costs, published numbers, and tables that are no networks. */
#include <math.h>
#include <string.h>

#include <alexnet_cl/net.h>

#include "net/shape.h"
#include "support/test.h"

static void assert_shape(struct alx_shape shape, size_t channels, size_t height, size_t width)
{
    assert_int_equal(shape.channels, channels);
    assert_int_equal(shape.height, height);
    assert_int_equal(shape.width, width);
}

static void alexnet_has_the_published_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t channels, size;
        uint64_t parameters, macs;
    } expected[] = {
        {"conv1", 96, 55, 34944, 105415200},
        {"norm1", 96, 55, 0, 0},
        {"pool1", 96, 27, 0, 0},
        {"conv2", 256, 27, 307456, 223948800},
        {"norm2", 256, 27, 0, 0},
        {"pool2", 256, 13, 0, 0},
        {"conv3", 384, 13, 885120, 149520384},
        {"conv4", 384, 13, 663936, 112140288},
        {"conv5", 256, 13, 442624, 74760192},
        {"pool5", 256, 6, 0, 0},
        {"fc6", 4096, 1, 37752832, 37748736},
        {"drop6", 4096, 1, 0, 0},
        {"fc7", 4096, 1, 16781312, 16777216},
        {"drop7", 4096, 1, 0, 0},
        {"fc8", 1000, 1, 4097000, 4096000},
        {"prob", 1000, 1, 0, 0},
    };
    static const char *const names[] = {"alexnet", "bvlc-alexnet"};
    for (size_t n = 0; n < 2; n++) {
        alx_net *net = NULL;
        assert_ok(alx_net_create_named(names[n], &net));
        assert_string_equal(alx_net_name(net), names[n]);
        assert_int_equal(alx_net_layer_count(net), sizeof expected / sizeof *expected);
        for (size_t i = 0; i < alx_net_layer_count(net); i++) {
            const struct alx_layer_info *info = alx_net_layer(net, i);
            assert_string_equal(info->layer.name, expected[i].name);
            assert_shape(info->out, expected[i].channels, expected[i].size, expected[i].size);
            assert_int_equal(info->parameters, expected[i].parameters);
            assert_int_equal(info->macs, expected[i].macs);
        }
        assert_int_equal(alx_net_parameters(net), 60965224);
        assert_int_equal(alx_net_macs(net), 724406816);
        assert_shape(alx_net_output(net), 1000, 1, 1);
        alx_net_destroy(&net);
        assert_null(net);
    }
}

/* Totals, and the maps that the publications name. VGG's, AlexNet's (2014): torchvision's tables of
 * weights; CaffeNet's and LeNet's: their prototxts by Caffe's own rules; ZFNet's maps: figure 3,
 * LeNet-5's of 1998: figure 2. Without groups AlexNet has 62,378,344 parameters. */
static const struct {
    const char *name;
    struct alx_shape input;
    size_t classes;
    uint64_t parameters, macs;
    struct {
        const char *layer;
        size_t channels, size;
    } maps[6];
} published[] = {
    {"caffenet",
     {3, 227, 227},
     1000,
     60965224,
     724406816,
     {{"pool1", 96, 27}, {"norm1", 96, 27}, {"pool2", 256, 13}, {"pool5", 256, 6}}},
    {"alexnet-owt",
     {3, 224, 224},
     1000,
     61100840,
     714188480,
     {{"conv1", 64, 55}, {"conv2", 192, 27}, {"conv4", 256, 13}, {"pool5", 256, 6}}},
    {"alexnet-bn",
     {3, 224, 224},
     1000,
     62378344,
     1135256096,
     {{"conv1", 96, 55}, {"conv2", 256, 27}, {"conv4", 384, 13}, {"pool5", 256, 6}}},
    {"zfnet",
     {3, 224, 224},
     1000,
     62357608,
     1168032896,
     {{"conv1", 96, 110},
      {"norm1", 96, 55},
      {"conv2", 256, 26},
      {"norm2", 256, 13},
      {"conv5", 256, 13},
      {"pool5", 256, 6}}},
    {"lenet-5",
     {1, 28, 28},
     10,
     431080,
     2293000,
     {{"conv1", 20, 24}, {"pool1", 20, 12}, {"conv2", 50, 8}, {"pool2", 50, 4}, {"ip1", 500, 1}}},
    {"lenet-5-32",
     {1, 32, 32},
     10,
     61706,
     416520,
     {{"conv1", 6, 28}, {"pool1", 6, 14}, {"conv2", 16, 10}, {"pool2", 16, 5}, {"fc2", 84, 1}}},
    {"vgg-11",
     {3, 224, 224},
     1000,
     132863336,
     7609090048,
     {{"conv1_1", 64, 224}, {"conv3_2", 256, 56}, {"pool5", 512, 7}}},
    {"vgg-16",
     {3, 224, 224},
     1000,
     138357544,
     15470264320,
     {{"conv1_2", 64, 224}, {"conv5_3", 512, 14}, {"pool5", 512, 7}}},
    {"vgg-19",
     {3, 224, 224},
     1000,
     143667240,
     19632062464,
     {{"conv2_2", 128, 112}, {"conv5_4", 512, 14}, {"pool5", 512, 7}}},
};

static void networks_have_the_published_numbers(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof published / sizeof *published; n++) {
        alx_net *net = NULL;
        assert_ok(alx_net_create_named(published[n].name, &net));
        struct alx_shape input = published[n].input;
        assert_shape(alx_net_input(net), input.channels, input.height, input.width);
        assert_shape(alx_net_output(net), published[n].classes, 1, 1);
        assert_int_equal(alx_net_parameters(net), published[n].parameters);
        assert_int_equal(alx_net_macs(net), published[n].macs);
        for (size_t m = 0; m < 6 && published[n].maps[m].layer; m++) {
            size_t i = 0, size = published[n].maps[m].size;
            while (strcmp(alx_net_layer(net, i)->layer.name, published[n].maps[m].layer))
                assert_true(++i < alx_net_layer_count(net));
            assert_shape(alx_net_layer(net, i)->out, published[n].maps[m].channels, size, size);
        }
        alx_net_destroy(&net);
    }
}

static void caffenet_pools_before_it_normalises(void **state)
{
    (void)state;
    static const char *const names[] = {"conv1", "pool1", "norm1", "conv2", "pool2", "norm2"};
    alx_net *net = NULL;
    assert_ok(alx_net_create_named("caffenet", &net));
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(alx_net_layer(net, i)->layer.name, names[i]);
    assert_true(alx_net_layer(net, 2)->layer.lrn_k == 1);
    assert_int_equal(alx_net_layer(net, 3)->layer.groups, 2);
    alx_net_destroy(&net);
}

static void the_two_normalisations_differ(void **state)
{
    (void)state;
    alx_net *paper = NULL, *caffe = NULL;
    assert_ok(alx_net_create_named("alexnet", &paper));
    assert_ok(alx_net_create_named("bvlc-alexnet", &caffe));
    assert_true(alx_net_layer(paper, 1)->layer.lrn_k == 2);
    assert_true(alx_net_layer(paper, 1)->layer.lrn_alpha == 1e-4);
    assert_true(alx_net_layer(caffe, 1)->layer.lrn_k == 1);
    assert_true(fabs(alx_net_layer(caffe, 1)->layer.lrn_alpha - 2e-5) < 1e-20);
    alx_net_destroy(&paper);
    alx_net_destroy(&caffe);
}

static void pooling_rounds_as_asked(void **state)
{
    (void)state;
    /* in, kernel, stride, pad before, pad after, ceil, out: Caffe's and torch's rules */
    static const size_t cases[][7] = {
        {55, 3, 2, 0, 0, 0, 27}, {55, 3, 2, 0, 0, 1, 27}, {54, 3, 2, 0, 0, 0, 26},
        {54, 3, 2, 0, 0, 1, 27}, {12, 3, 2, 0, 1, 0, 6},  {3, 2, 2, 1, 1, 1, 2},
        {3, 2, 3, 0, 0, 1, 1},   {4, 2, 3, 0, 0, 1, 2},   {7, 3, 2, 1, 1, 1, 4},
        {1, 1, 1, 0, 0, 0, 1},   {2, 3, 2, 1, 1, 0, 1},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        const size_t *c = cases[i / 2];
        struct alx_layer layer = {.name = "pool",
                                  .kind = i % 2 ? ALX_LAYER_AVG_POOL : ALX_LAYER_MAX_POOL,
                                  .kernel_h = c[1],
                                  .kernel_w = c[1],
                                  .stride_h = c[2],
                                  .stride_w = c[2],
                                  .pad_top = c[3],
                                  .pad_left = c[3],
                                  .pad_bottom = c[4],
                                  .pad_right = c[4],
                                  .ceil_mode = c[5]};
        struct alx_layer_info info;
        assert_ok(alx_layer_infer("test", &layer, (struct alx_shape){3, c[0], c[0]}, &info));
        assert_shape(info.out, 3, c[6], c[6]);
    }
}

static void wrong_layers_are_named(void **state)
{
    (void)state;
    static const struct {
        struct alx_layer layer;
        const char *message;
    } cases[] = {
        {{.kind = ALX_LAYER_CONV, .out_channels = 4}, "kernel"},
        {{.kind = ALX_LAYER_CONV, .out_channels = 4, .kernel_h = 9, .kernel_w = 9}, "larger than"},
        {{.kind = ALX_LAYER_CONV, .kernel_h = 3, .kernel_w = 3}, "output channels"},
        {{.kind = ALX_LAYER_CONV, .out_channels = 4, .kernel_h = 1, .kernel_w = 1, .groups = 4},
         "groups"},
        {{.kind = ALX_LAYER_CONV, .out_channels = 5, .kernel_h = 1, .kernel_w = 1, .groups = 2},
         "groups"},
        {{.kind = ALX_LAYER_CONV, .out_channels = 4, .kernel_h = 1, .kernel_w = 1, .pad_top = 5000},
         "padding"},
        {{.kind = ALX_LAYER_CONV, .out_channels = (size_t)1 << 40, .kernel_h = 1, .kernel_w = 1},
         "output channels"},
        {{.kind = ALX_LAYER_FC, .out_channels = 4, .groups = 2}, "groups"},
        {{.kind = ALX_LAYER_MAX_POOL, .kernel_h = 2, .kernel_w = 2, .pad_top = 2}, "padding"},
        {{.kind = ALX_LAYER_MAX_POOL, .kernel_h = 2, .kernel_w = 2, .dilation_h = 2}, "dilation"},
        {{.kind = ALX_LAYER_AVG_POOL, .kernel_h = 2, .kernel_w = 2, .pad_left = 2}, "padding"},
        {{.kind = ALX_LAYER_AVG_POOL, .kernel_h = 9, .kernel_w = 2}, "larger than"},
        {{.kind = ALX_LAYER_AVG_POOL, .kernel_h = 2, .kernel_w = 2, .dilation_w = 2}, "dilation"},
        {{.kind = ALX_LAYER_RELU, .relu_limit = -1}, "limit"},
        {{.kind = ALX_LAYER_RELU, .relu_limit = NAN}, "limit"},
        {{.kind = ALX_LAYER_FC, .out_channels = 4, .relu_limit = 6}, "limit"},
        {{.kind = ALX_LAYER_LRN, .lrn_k = 1}, "window"},
        {{.kind = ALX_LAYER_LRN, .lrn_size = 5, .lrn_k = 1, .groups = 4}, "groups"},
        {{.kind = ALX_LAYER_LRN, .lrn_size = 5, .lrn_k = 1, .groups = 12}, "groups"},
        {{.kind = ALX_LAYER_LRN, .lrn_size = 5, .lrn_alpha = -1, .lrn_k = 1}, "range"},
        {{.kind = ALX_LAYER_LRN, .lrn_size = 5}, "range"},
        {{.kind = ALX_LAYER_LRN, .lrn_size = 5, .lrn_k = NAN}, "range"},
        {{.kind = ALX_LAYER_DROPOUT, .dropout = 1}, "ratio"},
        {{.kind = ALX_LAYER_KIND_COUNT}, "unknown kind"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct alx_layer layer = cases[i].layer;
        alx_net *net = NULL;
        strcpy(layer.name, "culprit");
        assert_fails(alx_net_create("test", (struct alx_shape){6, 8, 8}, &layer, 1, &net),
                     ALX_STATUS_MODEL, cases[i].message);
        assert_non_null(strstr(alx_error_message(), "culprit"));
        assert_null(net);
    }
}

static void wrong_tables_are_refused(void **state)
{
    (void)state;
    struct alx_layer relu[2] = {{.name = "a", .kind = ALX_LAYER_RELU},
                                {.name = "a", .kind = ALX_LAYER_RELU}};
    struct alx_shape input = {3, 8, 8};
    alx_net *net = NULL;
    assert_fails(alx_net_create("test", input, relu, 2, &net), ALX_STATUS_MODEL, "two layers");
    assert_fails(alx_net_create("test", input, relu, 0, &net), ALX_STATUS_MODEL, "0 layers");
    assert_fails(alx_net_create("test", (struct alx_shape){0, 8, 8}, relu, 1, &net),
                 ALX_STATUS_MODEL, "input");
    relu[1].name[0] = 0;
    assert_fails(alx_net_create("test", input, relu, 2, &net), ALX_STATUS_MODEL, "no proper name");
    memset(relu[1].name, 'x', sizeof relu[1].name);
    assert_fails(alx_net_create("test", input, relu, 2, &net), ALX_STATUS_MODEL, "no proper name");
    assert_null(net);
}

static void unknown_networks_are_answered_with_the_nearest(void **state)
{
    (void)state;
    alx_net *net = NULL;
    assert_fails(alx_net_create_named("alxnet", &net), ALX_STATUS_USAGE, "did you mean alexnet");
    assert_fails(alx_net_create_named("", &net), ALX_STATUS_USAGE, "bvlc-alexnet");
    assert_null(alx_net_builtin_name(1000));
    for (size_t i = 0; alx_net_builtin_name(i); i++)
        assert_non_null(alx_net_builtin_summary(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alexnet_has_the_published_numbers),
        cmocka_unit_test(networks_have_the_published_numbers),
        cmocka_unit_test(caffenet_pools_before_it_normalises),
        cmocka_unit_test(the_two_normalisations_differ),
        cmocka_unit_test(pooling_rounds_as_asked),
        cmocka_unit_test(wrong_layers_are_named),
        cmocka_unit_test(wrong_tables_are_refused),
        cmocka_unit_test(unknown_networks_are_answered_with_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
