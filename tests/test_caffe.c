/* Caffe's models: those that compute what OpenCV computes, and those that must be refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "support/golden.h"
#include "support/proto.h"
#include "support/test.h"
#include "support/warnings.h"
#include "tensor/view.h"

static void goldens_compute_what_opencv_does(void **state)
{
    (void)state;
    static const char *const names[] = {"alexnet_v1",     "alexnet_v2",       "caffenet_upgraded",
                                        "alexnet_double", "alexnet_unpacked", "batch_norm",
                                        "towers_v1",      "towers_v2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[64], out[64];
        alx_model *model = NULL;
        snprintf(file, sizeof file, "caffe/%s.caffemodel", names[i]);
        snprintf(out, sizeof out, "caffe/%s.out", names[i]);
        assert_ok(alx_model_load(test_golden_path(file), NULL, &model));
        assert_string_equal(alx_model_format(model), "caffemodel");
        test_golden_compare(model, out, 2e-6);
        const struct alx_preprocess *p = alx_model_preprocess(model);
        assert_true(p->order == ALX_ORDER_BGR && p->resize == ALX_RESIZE_WARP);
        assert_true(p->mean[0] == 104 && p->mean[2] == 123 && p->scale == 1);
        alx_model_destroy(&model);
    }
}

static void normalisations_are_folded(void **state)
{
    (void)state;
    alx_model *model = NULL;
    char path[512];
    test_warnings_watch();
    snprintf(path, sizeof path, "%s", test_golden_path("caffe/batch_norm.prototxt"));
    struct alx_model_options options = {.network = path};
    assert_ok(alx_model_load(test_golden_path("caffe/batch_norm.caffemodel"), &options, &model));
    test_golden_compare(model, "caffe/batch_norm.out", 2e-6);
    const alx_net *net = alx_model_net(model);
    assert_int_equal(alx_net_layer_count(net), 8);
    assert_false(alx_net_layer(net, 0)->layer.no_bias);
    assert_int_equal(alx_net_layer(net, 1)->layer.kind, ALX_LAYER_AVG_POOL);
    /* one: the two name the network differently; none of unused blobs */
    assert_int_equal(test_warnings_count(), 1);
    alx_model_destroy(&model);
    alx_log_set(NULL, NULL);
}

static void transposed_weights_are_turned(void **state)
{
    (void)state;
    alx_model *model = NULL;
    assert_ok(alx_model_load(test_golden_path("caffe/transposed.caffemodel"), NULL, &model));
    test_golden_compare(model, "caffe/alexnet_v2.out", 2e-6);
    alx_model_destroy(&model);
}

static void layers_keep_their_names_and_parameters(void **state)
{
    (void)state;
    alx_model *model = NULL;
    assert_ok(alx_model_load(test_golden_path("caffe/alexnet_v1.caffemodel"), NULL, &model));
    const alx_net *net = alx_model_net(model);
    assert_string_equal(alx_net_name(net), "alexnet_v1");
    assert_int_equal(alx_net_layer_count(net), 16);
    const struct alx_layer *norm = &alx_net_layer(net, 1)->layer;
    assert_string_equal(norm->name, "norm1");
    assert_true(norm->lrn_alpha == 0.01 / 5 && norm->lrn_beta == 0.75 && norm->lrn_k == 1);
    assert_true(alx_net_layer(net, 2)->layer.ceil_mode);
    assert_int_equal(alx_net_layer(net, 2)->out.height, 8);
    assert_true(alx_net_layer(net, 0)->layer.activation == ALX_ACTIVATION_RELU);
    assert_string_equal(alx_net_layer(net, 15)->layer.name, "loss");
    alx_model_destroy(&model);
}

static void a_prototxt_says_the_network(void **state)
{
    (void)state;
    alx_model *model = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s", test_golden_path("caffe/caffenet.prototxt"));
    struct alx_model_options options = {.network = path};
    assert_ok(
        alx_model_load(test_golden_path("caffe/caffenet_upgraded.caffemodel"), &options, &model));
    assert_string_equal(alx_net_name(alx_model_net(model)), "deploy");
    test_golden_compare(model, "caffe/caffenet_upgraded.out", 2e-6);
    alx_model_destroy(&model);
}

/* What the layers of towers are, and that their weights are all used. */
static void towers_are_groups(void **state)
{
    (void)state;
    static const char *const names[] = {"caffe/towers_v1.caffemodel", "caffe/towers_v2.caffemodel"};
    static const struct {
        const char *name;
        size_t groups, channels;
    } rows[] = {{"conv1a", 1, 12}, {"norm1a", 2, 12}, {"pool1a", 1, 12}, {"conv2a", 2, 20},
                {"norm2a", 2, 20}, {"pool2a", 1, 20}, {"conv3", 1, 16},  {"conv4a", 2, 12},
                {"conv5a", 2, 12}, {"drop5a", 1, 12}, {"pool5", 1, 12},  {"fc6", 1, 5}};
    test_warnings_watch();
    for (size_t n = 0; n < 2; n++) {
        alx_model *model = NULL;
        assert_ok(alx_model_load(test_golden_path(names[n]), NULL, &model));
        const alx_net *net = alx_model_net(model);
        assert_int_equal(alx_net_layer_count(net), sizeof rows / sizeof *rows + 1);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const struct alx_layer_info *info = alx_net_layer(net, i);
            bool conv = info->layer.kind == ALX_LAYER_CONV;
            assert_string_equal(info->layer.name, rows[i].name);
            assert_int_equal(info->layer.groups, rows[i].groups);
            assert_int_equal(info->out.channels, rows[i].channels);
            assert_true(info->layer.activation ==
                        (conv ? ALX_ACTIVATION_RELU : ALX_ACTIVATION_NONE));
        }
        alx_model_destroy(&model);
    }
    assert_int_equal(test_warnings_count(), 0);
    alx_log_set(NULL, NULL);
}

static void a_prototxt_says_towers(void **state)
{
    (void)state;
    alx_model *model = NULL;
    char path[512];
    snprintf(path, sizeof path, "%s", test_golden_path("caffe/towers.prototxt"));
    struct alx_model_options options = {.network = path};
    assert_ok(alx_model_load(test_golden_path("caffe/towers_v2.caffemodel"), &options, &model));
    assert_string_equal(alx_net_name(alx_model_net(model)), "deploy");
    test_golden_compare(model, "caffe/towers_v2.out", 2e-6);
    alx_model_destroy(&model);
}

/* Their weights are joined although the file does not say how large its pictures are. */
static void a_prototxt_says_the_input_of_towers(void **state)
{
    (void)state;
    static const uint8_t said[] = {0xfa, 8, 8, 10, 6, 10, 4, 1, 3, 71, 71}; /* input_param */
    alx_model *model = NULL;
    uint8_t *file;
    size_t bytes;
    char path[512];
    snprintf(path, sizeof path, "%s", test_golden_path("caffe/towers.prototxt"));
    struct alx_model_options options = {.network = path};
    assert_ok(alx_file_read(test_golden_path("caffe/towers_v2.caffemodel"), 1 << 20,
                            ALX_STATUS_MODEL, &file, &bytes));
    uint8_t *field = memmem(file, bytes, said, sizeof said);
    assert_non_null(field);
    field[1] = 9; /* another one's number, which is skipped */
    test_warnings_watch();
    assert_fails(alx_model_read("x", file, bytes, NULL, &model), ALX_STATUS_MODEL, "fit none");
    assert_ok(alx_model_read("x", file, bytes, &options, &model));
    assert_string_equal(alx_net_name(alx_model_net(model)), "deploy");
    test_golden_compare(model, "caffe/towers_v2.out", 2e-6);
    assert_int_equal(test_warnings_count(), 0);
    alx_log_set(NULL, NULL);
    alx_model_destroy(&model);
    free(file);
}

#define INPUT(dims) "100{1'data' 2'Input' 4'data' 143{1{" dims "}}} "
#define DIMS        "1=1 1=1 1=2 1=2"
#define WEIGHT      "7{7{1=2 1=4} 5*8} "
#define BIAS        "7{7{1=2} 5*2} "
#define FC(blobs)   "100{1'fc' 2'InnerProduct' 3'data' 4'fc' 117{1=2} " blobs "} "
#define GOOD        "1'net' " INPUT(DIMS) FC(WEIGHT BIAS)
#define WITH(more)  GOOD more
/* A layer after the good ones. */
#define LAYER(type, more) WITH("100{1'x' 2'" type "' 3'fc' 4'x' " more "}")
#define CONV(more)                                                                                 \
    "1'net' " INPUT("1=1 1=1 1=4 1=4") "100{1'c' 2'Convolution' 3'data' 4'c' " more "} "

/* A blob "data" of two channels, of which `begin` makes p and q, and what follows f. */
#define TOWERS(begin, layers)                                                                      \
    "1'net' 100{1'in' 2'Input' 4'in' 143{1{" DIMS "}}} 100{1'i' 2'Convolution' 3'in' 4'data' "     \
    "106{1=2 4=1} 7{7{1=2 1=1 1=1 1=1} 5*2} " BIAS "} " begin layers                               \
    "100{1'fc' 2'InnerProduct' 3'f' 4'fc' 117{1=2} 7{7{1=2 1=8} 5*16} " BIAS "} "
#define SLICE(more)        "100{1's' 2'Slice' 3'data' 4'p' 4'q' " more "} "
#define CONCAT(more)       "100{1'j' 2'Concat' 3'p' 3'q' 4'f' " more "} "
#define IN_PLACE(n, b, of) "100{1'" n "' 3'" b "' 4'" b "' " of "} "
#define RELUS              IN_PLACE("r", "p", "2'ReLU'") IN_PLACE("t", "q", "2'ReLU'")
#define LRNS(a, b)         IN_PLACE("r", "p", "2'LRN' " a) IN_PLACE("t", "q", "2'LRN' " b)
/* A convolution from blob to blob, and its weights for one channel and two. */
#define SIDE(n, from, to, more) "100{1'" n "' 2'Convolution' 3'" from "' 4'" to "' " more "} "
#define ONE                     "106{1=1 4=1} 7{7{1=1 1=1 1=1 1=1} 5*1} 7{7{1=1} 5*1} "
#define BOTH                    "106{1=1 4=1} 7{7{1=1 1=2 1=1 1=1} 5*2} 7{7{1=1} 5*1} "
#define NO_BIAS                 "106{1=1 4=1 2=0} 7{7{1=1 1=2 1=1 1=1} 5*2} "
#define NORM(n, b)              IN_PLACE(n, b, "2'Scale' 7{7{1=1} 5*1}")
#define V1(layers)                                                                                 \
    "1'net' 3'in' 4=1 4=1 4=2 4=2 2{4'i' 5=4 2'in' 3'data' 10{1=2 4=1} "                           \
    "6{7{1=2 1=1 1=1 1=1} 5*2} 6{7{1=2} 5*2}} " layers                                             \
    "2{4'fc' 5=14 2'f' 3'fc' 17{1=2} 6{7{1=2 1=8} 5*16} 6{7{1=2} 5*2}} "

static void small_files_load(void **state)
{
    (void)state;
    static const char *const files[] = {
        GOOD,
        "1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5.8} " BIAS),
        "1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5*3 5*5} " BIAS),
        "1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 8d8} " BIAS),
        "1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 8d3 8d5} " BIAS),
        "1'net' " INPUT(DIMS) FC("7{1=1 2=1 3=2 4=4 5*8} 7{1=1 2=1 3=1 4=2 5*2}"),
        "1'net' 3'data' 4=1 4=1 4=2 4=2 " FC(WEIGHT BIAS),
        "1'net' 3'data' 8{" DIMS "} " FC(WEIGHT BIAS),
        "1'net' 100{1'd' 2'Data' 4'data' 4'label' 100{3=2 7=1 1~0.5}} " FC(
            WEIGHT BIAS) "100{1'a' 2'Accuracy' 3'fc' 3'label'} 100{1'l' 2'SoftmaxWithLoss' 3'fc' "
                         "3'label'}",
        WITH("100{1's' 2'Split' 3'fc' 4'a' 4'b'} 100{1'p' 2'Softmax' 3'b' 4'p'}"),
        LAYER("ReLU", "123{1~0}"),
        LAYER("Flatten", ""),
        LAYER("Pooling", "121{1=1 2=1}"),
        LAYER("LRN", "118{1=3 2~0.1}"),
        LAYER("BatchNorm", "8{1=0}"), /* for training */
        LAYER("Pooling", "121{1=1 12=1}"),
        LAYER("ReLU", "200'of no interest' 201~1"),
        TOWERS(SLICE(""), CONCAT("")),
        TOWERS(SLICE("126{1=1 2=1}"), RELUS CONCAT("104{2=1}")),
        TOWERS(SLICE("126{3=-3}"), LRNS("", "") CONCAT("104{1=1}")),
        TOWERS(SLICE(""), SIDE("a", "p", "v", ONE) SIDE("b", "q", "w", ONE) NORM("m", "v")
                              NORM("n", "w") "100{1'j' 2'Concat' 3'v' 3'w' 4'f'} "),
        TOWERS(SIDE("a", "data", "p", BOTH) SIDE("b", "data", "q", BOTH), RELUS CONCAT("")),
        TOWERS("100{1'd' 2'Split' 3'data' 4'x' 4'y'} " SIDE("a", "x", "p", BOTH)
                   SIDE("b", "y", "q", BOTH),
               CONCAT("")),
        TOWERS("100{1'd' 2'Split' 3'data' 4'x'} 100{1's' 2'Slice' 3'x' 4'p' 4'q'} ",
               "100{1'e' 2'Split' 3'q' 4'z'} 100{1'j' 2'Concat' 3'p' 3'z' 4'f'} "),
        V1("2{4's' 5=33 2'data' 3'p' 3'q' 31{1=1 2=1}} 2{4'j' 5=3 2'p' 2'q' 3'f' 9{1=1}} "),
        V1("2{4'd' 5=22 2'data' 3'x' 3'y'} 2{4's' 5=33 2'y' 3'p' 3'q'} 2{4'j' 5=3 2'p' 2'q' "
           "3'f'} "),
        CONV("106{1=2 4=3 2=0} 7{7{1=2 1=1 1=3 1=3} 5*18}") "100{1'p' 2'Pooling' 3'c' 4'p' "
                                                            "121{12=1}}",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        test_accepted(files[i], i < 8); /* the values, however they are written */
}

static void values_are_views_into_the_file(void **state)
{
    (void)state;
    test_is_view(GOOD);
}

static void scale_and_mean_of_the_data_layer_are_taken(void **state)
{
    (void)state;
    alx_model *model = NULL;
    size_t bytes;
    uint8_t *file = test_proto_make(
        "1'net' 100{1'd' 2'Data' 4'data' 100{3=2 7=1 1~0.5 5~7}} " FC(WEIGHT BIAS), &bytes);
    assert_ok(alx_model_read("x", file, bytes, NULL, &model));
    const struct alx_preprocess *p = alx_model_preprocess(model);
    assert_true(p->scale == 1 && p->mean[0] == 7 && p->std[0] == 2 && p->resize_size == 0);
    alx_model_destroy(&model);
    free(file);
}

/* Caffe inserts a Split where a blob has several readers; the scale reads the second name. */
static void a_scale_behind_a_split_is_folded(void **state)
{
    (void)state;
    static const char file[] = WITH("100{1's' 2'Split' 3'fc' 4'a' 4'b'} "
                                    "100{1'n' 2'Scale' 3'b' 4'n' 7{7{1=2} 5*2}}");
    alx_model *model = NULL;
    size_t bytes;
    uint8_t *data = test_proto_make(file, &bytes);
    assert_ok(alx_model_read("x", data, bytes, NULL, &model));
    struct alx_tensor_view weights = alx_model_weights(model, 0);
    assert_int_equal(weights.elems, 8);
    for (size_t i = 0; i < weights.elems; i++) {
        float value;
        alx_view_read(weights, i, 1, &value);
        assert_true(value == (float)(i + 1) / 8 * (float)(i / 4 + 1) / 8);
    }
    alx_model_destroy(&model);
    free(data);
}

static void pictures_are_cut_from_256_where_networks_are_of_that_size(void **state)
{
    (void)state;
    static const char file[] =
        "1'net' " INPUT("1=1 1=1 1=227 1=227") "100{1'p' 2'Pooling' 3'data' 4'p' 121{12=1}} "
                                               "100{1'fc' 2'InnerProduct' 3'p' 4'fc' 117{1=2} "
                                               "7{7{1=2 1=1} 5*2} " BIAS "}";
    alx_model *model = NULL;
    size_t bytes;
    uint8_t *data = test_proto_make(file, &bytes);
    assert_ok(alx_model_read("x", data, bytes, NULL, &model));
    assert_int_equal(alx_model_preprocess(model)->resize_size, 256);
    alx_model_destroy(&model);
    free(data);
}

static const struct test_bad_file bad[] = {
    /* the wire */
    {"", "no known model format"},
    {"1'net'", "none of its 0 layers has weights"},
    {"1'net' !ff", "offset 5: not the beginning of a field"},
    {"1'net' !ffffffffffffffffffff01", "offset 5: not the beginning of a field"},
    {"1'net' !00", "offset 5: not the beginning of a field"},
    {"1'net' !0700", "offset 5: not the beginning of a field"},
    {"1'net' !a3060000", "a field of a type"},
    {"1'net' !a406", "a field of a type"},
    {"1'net' !a206", "offset 5: a length that does not end"},
    {"1'net' !a20605", "cut off"},
    {"1'net' !a206ffffffffffffffff7f00", "cut off"},
    {"1'net' !a206ffffffffffffffffff7f", "a length that does not end"},
    {"1'net' !a10601020304", "cut off"},
    {"1'net' !a506010203", "cut off"},
    {"1'net' !a006ff", "a number that does not end"},
    {"1'net' 100=5", "no known model format"},
    {"1'net' 100{1=5}", "field 1 of a layer is of type 0"},
    {"1'net' 100{2=5}", "field 2 of a layer is of type 0"},
    {"1'net' 100{3=5}", "a number where bytes belong"},
    {"1'net' 100{117=5}", "field 117 of a layer is of type 0"},
    {"1'net' 100{!ff}", "not the beginning of a field"},
    {"1'net' 1=5", "no known model format"},
    {"1'net' 4~0.5 100{}", "no known model format"},
    {"1'net' 4=1 4=1 4=1 4=1 4=1 4=1 4=1 4=1 4=1", "a list of more than 8 numbers"},
    {"1'net' 2{4'a'} 100{1'b'}", "1 layers of Caffe's old form and 1 of the new"},
    {"1'net' 2{1{1'a' 2'conv'}}", "first format (V0)"},
    /* blobs */
    {"1'net' " INPUT(DIMS) FC("7=5"), "a number where bytes belong"},
    {"1'net' " INPUT(DIMS) FC("7{}"), "tensor fc.weight: its shape is [], but there are 0 bytes"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4}} " BIAS),
     "tensor fc.weight: its shape is [2, 4], but there are 0 bytes"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5*7} " BIAS),
     "tensor fc.weight: its shape is [2, 4], but there are 28 bytes"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5*9} " BIAS), "but there are 36 bytes"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5#0102} " BIAS), "but there are 2 bytes"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5=3} " BIAS), "but there are 1 bytes"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 8d7} " BIAS), "but there are 56 bytes"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=-2 1=4} 5*8} " BIAS), "its shape has too many"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=1073741824 1=1073741824 1=1073741824} 5*8} " BIAS),
     "tensor fc.weight: its shape has too many"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=9223372036854775807} 5*8} " BIAS), "its shape has too many"},
    {"1'net' " INPUT(DIMS) FC("7{1=1 2=1 3=2 4=-1 5*8} " BIAS), "its shape is [1, 1, 2, 0]"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1} 5*1} " BIAS),
     "a list of more than 8"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5#0000c07f000000000000000000000000000000000000000000000"
                              "00000000000} " BIAS),
     "tensor fc.weight: value 0 is NaN"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 5#0000000000000000000000000000000000000000000000000000"
                              "00000000807f} " BIAS),
     "tensor fc.weight: value 7 is NaN or infinite"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=2 1=4} 8#ffffffffffffef7f"
                              "00000000000000000000000000000000000000000000000000000000"
                              "00000000000000000000000000000000000000000000000000000000} " BIAS),
     "tensor fc.weight: value 0 is NaN or infinite"},
    {"1'net' " INPUT(DIMS) FC(WEIGHT), "tensor fc.bias [2] is missing"},
    {"1'net' " INPUT(DIMS) FC(""), "has weights"},
    {"1'net' " INPUT(DIMS) FC("7{7{1=4 1=2} 5*8} " BIAS),
     "its shape is [4, 2], but network net needs [2, 4]"},
    {"1'net' " INPUT(DIMS) FC("7{1=2 2=1 3=1 4=4 5*8} " BIAS), "its shape is [2, 1, 1, 4]"},
    {"1'net' " INPUT(DIMS) FC(WEIGHT "7{7{1=1 1=2} 5*2}"), "tensor fc.bias: its shape is [1, 2]"},
    {GOOD FC(WEIGHT BIAS), "tensor fc.bias: is there twice"},
    {"1'net' " INPUT(DIMS)
         FC(BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS BIAS),
     "layer fc: more than 16 blobs"},
    /* the network */
    {"1'net' " FC(WEIGHT BIAS), "does not say its network, and its 2 tensors fit none"},
    {"1'net' " INPUT("1=1 1=1 1=2 1=-2") FC(WEIGHT BIAS), "input is out of range"},
    {"1'net' " INPUT("1=1 1=1 1=2 1=2000000") FC(WEIGHT BIAS), "input is out of range"},
    {"1'net' " INPUT("1=1 1=2 1=2 1=1") FC(WEIGHT BIAS), "network net: reads 2 channels"},
    {"1'net' " INPUT("1=1 1=1 1=3 1=3") FC(WEIGHT BIAS), "needs [2, 9]"},
    {"1'net' " INPUT(DIMS) "100{1'fc' 2'InnerProduct' 3'other' 4'fc' 117{1=2} " WEIGHT BIAS "}",
     "layer fc: reads other, which is not what"},
    {"1'net' " INPUT(DIMS) "100{1'fc' 2'InnerProduct' 3'data' 4'fc' 117{1=0} " WEIGHT BIAS "}",
     "layer fc"},
    {"1'net' " INPUT(DIMS) "100{1'fc' 2'InnerProduct' 3'data' 4'fc' 117{1=2 6=1} " WEIGHT BIAS "}",
     "tensor fc.weight: its shape is [4, 2], but network net needs [2, 4]"},
    {"1'net' " INPUT(
         DIMS) "100{1'fc' 2'InnerProduct' 3'data' 4'fc' 117{1=2 6=1} 7{7{1=8} 5*8} " BIAS "}",
     "layer fc: its transposed weights are no matrix"},
    {"1'net' " INPUT(DIMS) "100{1'fc' 2'InnerProduct' 3'data' 4'fc' 117{1=2 5=-1} " WEIGHT BIAS "}",
     "layer fc: an inner product over another axis"},
    {"1'net' " INPUT(DIMS) "100{1'fc' 2'InnerProduct' 3'data' 4'fc' 117{1=2 5=2} " WEIGHT BIAS "}",
     "layer fc: an inner product over another axis"},
    {"1'net' " INPUT(DIMS) "100{1'fc' 2'InnerProduct' 3'data' 4'fc' 117{1=4294967296} " WEIGHT BIAS
                           "}",
     "field 1 of an inner product is out of range"},
    {WITH("100{1'x' 2'ReLU' 3'data' 4'x'}"), "layer x: reads data"},
    {LAYER("Eltwise", ""), "layer x: Caffe's layer type Eltwise is not computed"},
    {LAYER("Concat", ""), "layer x: Caffe's layer type Concat"},
    {LAYER("Slice", ""), "layer x: only channels are sliced, into equal parts"},
    /* towers */
    {TOWERS(SLICE("126{2=2}"), CONCAT("")), "layer s: only channels are sliced, into equal parts"},
    {TOWERS(SLICE("126{2=1 2=2}"), CONCAT("")), "layer s: only channels are sliced"},
    {TOWERS(SLICE("126{3=2}"), CONCAT("")), "layer s: only channels are sliced"},
    {TOWERS(SLICE("126{1=2}"), CONCAT("")), "layer s: only channels are sliced"},
    {TOWERS(SLICE("4'o'"), CONCAT("")), "layer s: only channels are sliced, into equal parts"},
    {TOWERS(SLICE("4'1' 4'2' 4'3' 4'4' 4'5' 4'6' 4'7'"), CONCAT("")),
     "layer s: channels are sliced into 1 to 8 parts"},
    {TOWERS(SLICE("126{2=1 2=1 2=1 2=1 2=1 2=1 2=1 2=1 2=1}"), CONCAT("")),
     "a list of more than 8"},
    {TOWERS(SLICE("126{3~1}"), CONCAT("")), "field 3 of a slice is of type 5"},
    {TOWERS(SLICE(""), CONCAT("104{2~1}")), "field 2 of a concatenation is of type 5"},
    {TOWERS(SLICE(""), CONCAT("104{2=2}")),
     "layer j: only all parts of the channels, in their order"},
    {TOWERS(SLICE(""), CONCAT("104{1=0}")), "layer j: only all parts of the channels"},
    {TOWERS(SLICE(""), CONCAT("3'data'")), "layer j: only all parts of the channels"},
    {TOWERS(SLICE(""), "100{1'j' 2'Concat' 3'q' 3'p' 4'f'} "), "layer j: only all parts"},
    {TOWERS(SLICE(""), "100{1'j' 2'Concat' 3'p' 4'f'} "), "blob q: 0 layers read this part"},
    {TOWERS(SLICE(""), ""), "blob p: 0 layers read this part"},
    {TOWERS(SLICE(""), RELUS), "blob p: 0 layers read this part"},
    {TOWERS(SLICE(""), "100{1'r' 2'ReLU' 3'p' 4'v'} 100{1't' 2'ReLU' 3'p' 4'w'} " CONCAT("")),
     "blob p: 3 layers read this part of the channels; it would take a network with branches"},
    {TOWERS(SLICE(""), IN_PLACE("r", "p", "2'ReLU'") IN_PLACE("t", "q", "2'Dropout'") CONCAT("")),
     "layer t: is not like the layer in the tower beside it"},
    {TOWERS(SLICE(""), IN_PLACE("r", "p", "2'ReLU'") CONCAT("")),
     "layer j: is not like the layer in the tower beside it"},
    {TOWERS(SLICE(""), IN_PLACE("t", "q", "2'ReLU'") CONCAT("")),
     "layer j: only all parts of the channels"},
    {TOWERS(SLICE(""), LRNS("118{1=3}", "118{1=5}") CONCAT("")), "layer t: is not like the layer"},
    {TOWERS(SLICE(""), LRNS("118{2~3}", "118{2~5}") CONCAT("")), "layer t: is not like the layer"},
    {TOWERS(SLICE(""), LRNS("118{4=1}", "118{4=1}") CONCAT("")), "layer r: normalisation within"},
    {TOWERS(SLICE(""), IN_PLACE("r", "p", "2'TanH'") IN_PLACE("t", "q", "2'TanH'") CONCAT("")),
     "layer r: Caffe's layer type TanH is not computed"},
    {TOWERS(SLICE(""),
            IN_PLACE("r", "p", "2'Softmax'") IN_PLACE("t", "q", "2'Softmax'") CONCAT("")),
     "layer r: is not computed on parts of the channels"},
    {TOWERS(SLICE(""), NORM("r", "p") NORM("t", "q") CONCAT("")),
     "layer r: batch normalisation and scale are read only right after"},
    {TOWERS("100{1'c' 2'Convolution' 3'data' 4'c' 106{1=2 4=1} 7{7{1=2 1=2 1=1 1=1} 5*4} " BIAS
            "} 100{1's' 2'Slice' 3'c' 4'p' 4'q'} ",
            NORM("r", "p") NORM("t", "q") CONCAT("")),
     "layer r: batch normalisation and scale are read only right after"},
    {TOWERS(SIDE("a", "data", "p", BOTH) SIDE("b", "data", "q", "106{1=1 4=1} " BIAS BIAS),
            CONCAT("")),
     "layer b: its weights are not like those of the layer beside it"},
    {TOWERS(SIDE("a", "data", "p", BOTH) SIDE("b", "data", "q", "106{1=1 4=1}"), CONCAT("")),
     "layer b: its weights are not like those of the layer beside it"},
    {TOWERS(SIDE("a", "data", "p", BOTH) SIDE("b", "data", "q", NO_BIAS), CONCAT("")),
     "layer b: is not like the layer in the tower beside it"},
    {TOWERS(SIDE("a", "data", "p", "106{1=2 4=1 5=2}") SIDE("b", "data", "q", "106{1=2 4=1 5=2}"),
            CONCAT("")),
     "layer a: a grouped convolution beside another one is not computed"},
    {TOWERS(SIDE("a", "data", "p", BOTH) "100{1'b' 2'Pooling' 3'data' 4'q' 121{2=1}} ", CONCAT("")),
     "layer b: is not like the layer in the tower beside it; it would take a network with "
     "branches"},
    {TOWERS(SIDE("a", "data", "p", BOTH) SIDE("b", "data", "q", BOTH), RELUS),
     "blob p: 0 layers read this part"},
    {V1("2{4's' 5=33 2'data' 3'p' 3'q' 31{1=1 2=2}} 2{4'j' 5=3 2'p' 2'q' 3'f'} "),
     "layer s: only channels are sliced"},
    {V1("2{4's' 5=33 2'data' 3'p' 3'q'} 2{4'j' 5=3 2'p' 2'q' 3'f' 9{1=3}} "),
     "layer j: only all parts of the channels"},
    /* other layers */
    {LAYER("Scale", ""), "layer x: its scale or bias is missing"},
    {LAYER("Scale", "7{7{1=3} 5*3}"), "layer x: its blobs do not fit"},
    {LAYER("Scale", "142{4=1} 7{7{1=2} 5*2}"), "layer x: its scale or bias is missing"},
    {LAYER("Scale", "7{7{1=2} 5*2} 7{7{1=2} 5*2}"), "layer x: its scale or bias is missing"},
    {LAYER("Scale", "142{4=1} 7{7{1=2} 5*2} 7{7{1=1} 5*1}"), "layer x: its blobs do not fit"},
    {LAYER("Scale", "142{1=0} 7{7{1=2} 5*2}"), "layer x: a scale of other axes"},
    {LAYER("Scale", "142{2=-1} 7{7{1=2} 5*2}"), "layer x: a scale of other axes"},
    {LAYER("Scale", "7{7{1=2} 5#0000c07f0000803f}"), "tensor fc.weight: value 0 is NaN"},
    {LAYER("Scale", "7{7{1=2} 5#0000807f0000803f}"), "tensor fc.weight: value 0 is NaN or inf"},
    {LAYER("BatchNorm", ""), "layer x: has no mean, variance and factor"},
    {LAYER("BatchNorm", "7{7{1=2} 5*2} 7{7{1=2} 5*2}"), "layer x: has no mean, variance"},
    {LAYER("BatchNorm", "7{7{1=2} 5*2} 7{7{1=3} 5*3} 7{7{1=1} 5*1}"), "its blobs do not fit"},
    {LAYER("BatchNorm", "7{7{1=2} 5*2} 7{7{1=2} 5*2} 7{7{1=2} 5*2}"), "its blobs do not fit"},
    {LAYER("BatchNorm", "7{7{1=2} 5*2} 7{7{1=2} 5#0000c0bf0000c0bf} 7{7{1=1} 5*1}"),
     "tensor fc.weight: value 0 is NaN"},
    {LAYER("BatchNorm", "139{3=5} 7{7{1=2} 5*2} 7{7{1=2} 5*2} 7{7{1=1} 5*1}"),
     "field 3 of a batch normalisation is of type 0"},
    {LAYER("ReLU", "") "100{1'n' 2'BatchNorm' 3'x' 4'n'}",
     "layer n: batch normalisation and scale are read only right after"},
    {"1'net' " INPUT(DIMS) "100{1'n' 2'Scale' 3'data' 4'n' 7{7{1=1} 5*1}} ",
     "layer n: batch normalisation and scale are read only right after"},
    {LAYER("S!1b", ""), "layer x: Caffe's layer type S!1b"},
    {LAYER("", ""), "layer x: Caffe's layer type  is not"},
    {"1'net' 2{4'd' 5=5 3'data' 11{5=2}} 2{4'fc' 5=14 2'data' 3'fc' 17{1=2} 6{7{1=2 1=12} 5*24} "
     "6{7{1=2} 5*2}} 2{4'x' 5=25 2'fc' 3'x'}",
     "layer x: Caffe's layer type Eltwise is not computed"},
    {"1'net' 2{4'd' 5=5 3'data' 11{5=2}} 2{4'fc' 5=14 2'data' 3'fc' 17{1=2} 6{7{1=2 1=12} 5*24} "
     "6{7{1=2} 5*2}} 2{4'x' 5=99 2'fc' 3'x'}",
     "layer x: Caffe's layer type number 99"},
    {LAYER("SPP", ""), "layer x: Caffe's layer type SPP is not computed"},
    {LAYER("PReLU", ""), "layer x: Caffe's layer type PReLU is not computed"},
    {LAYER("ReLU", "123{1~0.1}"), "layer x: a ReLU with a negative slope"},
    {LAYER("Softmax", "125{2=2}"), "layer x: a softmax over another axis"},
    {LAYER("Dropout", "108{1~1}"), "layer x (dropout"},
    {LAYER("LRN", "118{1=0}"), "layer x: a normalisation over 0 channels"},
    {LAYER("LRN", "118{4=1}"), "layer x: normalisation within a channel"},
    {LAYER("LRN", "118{1=300}"), "layer x (lrn"},
    {LAYER("LRN", "118{5~-1}"), "layer x (lrn"},
    {LAYER("LRN", "118{2=5}"), "field 2 of a normalisation is of type 0"},
    {LAYER("Pooling", "121{1=1 2=2}"), "layer x (avg-pool"},
    {LAYER("Pooling", "121{1=2 2=2}"), "layer x: a pooling other than MAX"},
    {LAYER("Pooling", "121{2=0}"), "layer x (max-pool"},
    {LAYER("Pooling", "121{2=9}"), "layer x (max-pool"},
    {LAYER("Pooling", "121{2=-1}"), "layer x: kernel, stride"},
    {LAYER("Softmax", "") "100{1'y' 2'ReLU' 3'x' 4'y'}", "layer y: reads x"},
    {WITH("100{1'fc' 2'ReLU' 3'fc' 4'x'} 100{1'fc' 2'LRN' 3'x' 4'y' 118{1=1}}"),
     "layers are named"},
    {CONV("106{1=0 4=3} 7{7{1=2 1=1 1=3 1=3} 5*18} " BIAS), "layer c: a convolution without"},
    {CONV("106{1=2 4=3 5=0} 7{7{1=2 1=1 1=3 1=3} 5*18} " BIAS), "layer c: a convolution without"},
    {CONV("106{1=2 4=3 5=2} 7{7{1=2 1=1 1=3 1=3} 5*18} " BIAS), "groups must divide"},
    {CONV("106{1=2 4=5} 7{7{1=2 1=1 1=5 1=5} 5*50} " BIAS), "the window is larger"},
    {CONV("106{1=2 4=3 4=3 4=3} 7{7{1=2 1=1 1=3 1=3} 5*18} " BIAS), "layer c: kernel, stride"},
    {CONV("106{1=2 4=3 6=0} 7{7{1=2 1=1 1=3 1=3} 5*18} " BIAS), "2x2x2, not one value a class"},
    {CONV("106{1=2 4=4} 7{7{1=2 1=1 1=3 1=3} 5*18} " BIAS), "needs [2, 1, 4, 4]"},
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    test_all_refused(bad, sizeof bad / sizeof *bad);
}

static void cut_files_are_refused(void **state)
{
    (void)state;
    test_cuts_refused(GOOD);
    test_cuts_refused(TOWERS(SLICE("126{2=1}"), LRNS("", "") CONCAT("104{2=1}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens_compute_what_opencv_does),
        cmocka_unit_test(normalisations_are_folded),
        cmocka_unit_test(transposed_weights_are_turned),
        cmocka_unit_test(layers_keep_their_names_and_parameters),
        cmocka_unit_test(a_prototxt_says_the_network),
        cmocka_unit_test(towers_are_groups),
        cmocka_unit_test(a_prototxt_says_towers),
        cmocka_unit_test(a_prototxt_says_the_input_of_towers),
        cmocka_unit_test(small_files_load),
        cmocka_unit_test(values_are_views_into_the_file),
        cmocka_unit_test(a_scale_behind_a_split_is_folded),
        cmocka_unit_test(scale_and_mean_of_the_data_layer_are_taken),
        cmocka_unit_test(pictures_are_cut_from_256_where_networks_are_of_that_size),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(cut_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
