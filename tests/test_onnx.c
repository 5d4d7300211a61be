/* ONNX's models: those that compute what ONNX Runtime computes, and those that must be refused. */
#include <stdio.h>
#include <string.h>

#include "model/onnx.h"
#include "support/golden.h"
#include "support/test.h"
#include "support/warnings.h"

static void goldens_compute_what_onnx_runtime_does(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum alx_dtype dtype;
    } rows[] = {
        {"zoo9", ALX_DTYPE_F32},         {"zoo7", ALX_DTYPE_F32},
        {"zoo3", ALX_DTYPE_F32},         {"exported", ALX_DTYPE_F32},
        {"quantised", ALX_DTYPE_F32},    {"filled", ALX_DTYPE_F32},
        {"raw", ALX_DTYPE_F32},          {"float_data", ALX_DTYPE_F32},
        {"float16", ALX_DTYPE_F16},      {"float16_data", ALX_DTYPE_F32},
        {"bfloat16", ALX_DTYPE_BF16},    {"bfloat16_data", ALX_DTYPE_F32},
        {"double", ALX_DTYPE_F32},       {"double_data", ALX_DTYPE_F32},
        {"towers_split", ALX_DTYPE_F32}, {"towers_slice", ALX_DTYPE_F32},
        {"towers_paper", ALX_DTYPE_F32}, {"mobile9", ALX_DTYPE_F32},
        {"mobile19", ALX_DTYPE_F32},     {"channels_last", ALX_DTYPE_F32},
        {"gemm_forms7", ALX_DTYPE_F32},  {"gemm_forms21", ALX_DTYPE_F32},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char file[64], out[64];
        alx_model *model = NULL;
        snprintf(file, sizeof file, "onnx/%s.onnx", rows[i].name);
        snprintf(out, sizeof out, "onnx/%s.out", rows[i].name);
        assert_ok(alx_model_load(test_golden_path(file), NULL, &model));
        assert_string_equal(alx_model_format(model), "onnx");
        assert_int_equal(alx_model_weights(model, 0).dtype, rows[i].dtype);
        test_golden_compare(model, out, 2e-6);
        alx_model_destroy(&model);
    }
}

static void the_zoos_alexnet_is_recognised(void **state)
{
    (void)state;
    alx_model *model = NULL;
    test_warnings_watch();
    assert_ok(alx_model_load(test_golden_path("onnx/zoo9.onnx"), NULL, &model));
    const struct alx_preprocess *p = alx_model_preprocess(model);
    assert_true(p->order == ALX_ORDER_BGR && p->resize == ALX_RESIZE_WARP && !p->resize_size);
    assert_true(p->mean[0] == 103.939f && p->mean[2] == 123.68f && p->scale == 1);
    assert_int_equal(test_warnings_count(), 0);
    assert_string_equal(alx_net_layer(alx_model_net(model), 10)->layer.name, "fc6");
    alx_model_destroy(&model);
    assert_ok(alx_model_load(test_golden_path("onnx/exported.onnx"), NULL, &model));
    assert_true(alx_model_preprocess(model)->order == ALX_ORDER_RGB);
    assert_int_equal(test_warnings_count(), 1);
    assert_non_null(strstr(test_warnings_last(), "does not say how pictures are preprocessed"));
    alx_model_destroy(&model);
    alx_log_set(NULL, NULL);
}

static void quantised_activations_differ_by_their_rounding(void **state)
{
    (void)state;
    alx_model *model = NULL;
    test_warnings_watch();
    assert_ok(alx_model_load(test_golden_path("onnx/quantised_around.onnx"), NULL, &model));
    assert_int_equal(test_warnings_count(), 2);
    test_golden_compare(model, "onnx/quantised_around.out", 2e-4);
    alx_model_destroy(&model);
    alx_log_set(NULL, NULL);
}

static void towers_are_groups(void **state)
{
    (void)state;
    static const char *const names[] = {"onnx/towers_split.onnx", "onnx/towers_slice.onnx"};
    static const size_t groups[] = {1, 2, 1, 2, 2}, channels[] = {8, 12, 8, 8, 4};
    for (size_t n = 0; n < 2; n++) {
        alx_model *model = NULL;
        size_t convs = 0;
        assert_ok(alx_model_load(test_golden_path(names[n]), NULL, &model));
        const alx_net *net = alx_model_net(model);
        for (size_t i = 0; i < alx_net_layer_count(net); i++) {
            const struct alx_layer *layer = &alx_net_layer(net, i)->layer;
            if (layer->kind != ALX_LAYER_CONV)
                continue;
            assert_int_equal(layer->groups, groups[convs]);
            assert_int_equal(layer->out_channels, channels[convs]);
            assert_int_equal(layer->activation, ALX_ACTIVATION_RELU);
            convs++;
        }
        assert_int_equal(convs, 5);
        alx_model_destroy(&model);
    }
}

/* Normalisations end at the borders of the towers that they stood in. */
static void towers_keep_their_normalisations(void **state)
{
    (void)state;
    alx_model *model = NULL;
    size_t convs = 0, norms = 0;
    assert_ok(alx_model_load(test_golden_path("onnx/towers_paper.onnx"), NULL, &model));
    const alx_net *net = alx_model_net(model);
    static const size_t groups[] = {1, 2, 1, 2};
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        const struct alx_layer *layer = &alx_net_layer(net, i)->layer;
        if (layer->kind == ALX_LAYER_CONV) {
            assert_int_equal(layer->groups, groups[convs++]);
            assert_false(layer->no_bias);
        } else if (layer->kind == ALX_LAYER_LRN) {
            assert_int_equal(layer->groups, 2);
            norms++;
        }
    }
    assert_int_equal(convs, 4);
    assert_int_equal(norms, 3);
    alx_model_destroy(&model);
}

static void every_opset_is_read(void **state)
{
    (void)state;
    for (int opset = ALX_ONNX_OPSET_FIRST; opset <= ALX_ONNX_OPSET_LAST; opset++) {
        char file[1024];
        const char *clip = opset < 11 ? "5{1'min' 2~0}" : "1'zero'";
        snprintf(file, sizeof file,
                 "1=8 8{2=%d} 7{2'net' 11{1'x' 2{1{1=1 2{1{1=1} 1{1=1} 1{1=2} 1{1=2}}}}} "
                 "5{1=2 1=4 2=1 8'w' 4*8} 5{1=2 2=1 8'b' 4*2} 5{2=1 8'zero' 4~0} "
                 "1{1'x' 2'f' 4'Flatten'} 1{1'f' 1'w' 1'b' 2'g' 4'Gemm' 5{1'transB' 3=1}} "
                 "1{1'g' 2'c' 4'Clip' %s} 1{1'c' 2'd' 4'Dropout'} 1{1'd' 2'y' 4'Softmax'} "
                 "12{1'y'}}",
                 opset, clip);
        test_accepted(file, true);
    }
}

#define DIM(n)                   "1{1=" n "} "
#define VALUE(c, h)              "11{1'x' 2{1{1=1 2{" DIM("1") DIM(c) DIM(h) DIM(h) "}}}} "
#define MODEL_OF(set, in, graph) "1=8 8{2=" set "} 7{2'net' " in graph "}"
#define MODEL(graph)             MODEL_OF("13", VALUE("1", "2"), graph)
#define W                        "5{1=2 1=4 2=1 8'w' 4*8} "
#define B                        "5{1=2 2=1 8'b' 4*2} "
#define FLATTEN                  "1{1'x' 2'f' 4'Flatten'} "
#define GEMM(more)               "1{1'f' 1'w' 1'b' 2'y' 4'Gemm' 5{1'transB' 3=1} " more "} "
#define Y                        "12{1'y'} "
#define GRAPH                    W B FLATTEN GEMM("") Y
#define GOOD                     MODEL(GRAPH)
/* A network with a blob x of two channels, in parts p and q, which are put together as f. */
#define TOWERS(begin, nodes)                                                                       \
    MODEL_OF("13", "11{1'in' 2{1{1=1 2{" DIM("1") DIM("1") DIM("1") DIM("1") "}}}} ",              \
             "5{1=2 1=2 2=1 8'w' 4*4} 5{1=2 1=1 1=1 1=1 2=1 8'k' 4*2} " B                          \
             "1{1'in' 1'k' 2'x' 4'Conv'} " begin nodes GEMM_OF_F Y)
#define GEMM_OF_F   "1{1'f' 2'v' 4'Flatten'} 1{1'v' 1'w' 1'b' 2'y' 4'Gemm' 5{1'transB' 3=1}} "
#define SPLIT       "1{1'x' 2'p' 2'q' 4'Split' 5{1'axis' 3=1}} "
#define RELUS       "1{1'p' 2'r' 4'Relu'} 1{1'q' 2's' 4'Relu'} "
#define CONCAT      "1{1'p' 1'q' 2'f' 4'Concat' 5{1'axis' 3=1}} "
#define CONCAT_RS   "1{1'r' 1's' 2'f' 4'Concat' 5{1'axis' 3=1}} "
#define LRN(more)   "4'LRN' 5{1'size' 3=3} " more "} "
#define LRNS(more)  "1{1'p' 2'r' " LRN("") "1{1'q' 2's' " LRN(more)
#define ONE         "5{1=1 2=1 8'o' 4*1} "
#define NORM(a, op) "1{1'" a "' 1'o' 1'o' 1'o' 1'o' " op "} "
#define SLICES(begin, end)                                                                         \
    "1{1'x' 2'p' 4'Slice' 5{1'starts' 8=" begin "} 5{1'ends' 8=" end "} 5{1'axes' 8=1}} "          \
    "1{1'x' 2'q' 4'Slice' 5{1'starts' 8=1} 5{1'ends' 8=99} 5{1'axes' 8=1}} "
/* A node after the good ones. */
#define THEN(node) MODEL(W B FLATTEN GEMM("") "1{1'y' " node " 2'z'} 12{1'z'}")
/* Another tensor for the matrix. */
#define WEIGHT(w)     MODEL(w B FLATTEN GEMM("") Y)
#define CONV(w, more) MODEL_OF("13", VALUE("1", "4"), w "1{1'x' 1'w' 2'y' 4'Conv' " more "} " Y)
#define KERNEL        "5{1=2 1=1 1=4 1=4 2=1 8'w' 4*32} "
#define SMALL         "5{1=2 1=1 1=3 1=3 2=1 8'w' 4*18} "
#define NODES(more)   "1{1'x' 2'p' 4'MaxPool' " more "} 1{1'p' 2'f' 4'Flatten'} "
#define POOL(more)    MODEL(W B NODES(more) GEMM("") Y)

static void small_files_load(void **state)
{
    (void)state;
    static const char *const files[] = {
        GOOD,
        WEIGHT("5{1=2 1=4 2=1 8'w' 4.8} "),
        WEIGHT("5{1=2 1=4 2=1 8'w' 4*3 4*5} "),
        WEIGHT("5{1=2 1=4 2=11 8'w' 10d8} "),
        WEIGHT("5{1=2 1=4 2=11 8'w' 10d3 10d5} "),
        MODEL(GRAPH "11{1'w'} 11{1'b'} "), /* initializers are inputs, too */
        MODEL_OF("24", VALUE("1", "2"), GRAPH),
        MODEL_OF("7", VALUE("1", "2"), GRAPH),
        THEN("4'Relu'"),
        THEN("4'Identity'"),
        THEN("4'Softmax'"),
        THEN("4'LogSoftmax' 5{1'axis' 3=1}"),
        THEN("4'Dropout' 5{1'ratio' 2~0.25}"),
        THEN("4'GlobalAveragePool'"),
        THEN("4'Clip' 5{1'min' 2~0}"),
        POOL("5{1'kernel_shape' 8=1 8=1}"),
        CONV(KERNEL, ""),
        CONV(SMALL, "5{1'strides' 8=9 8=9}"),
        TOWERS(SPLIT, CONCAT),
        TOWERS(SPLIT, RELUS CONCAT_RS),
        TOWERS(SLICES("0", "1"), RELUS CONCAT_RS),
        TOWERS(SPLIT, LRNS("") CONCAT_RS),
        TOWERS(ONE SPLIT, NORM("p", "2'r' 4'BatchNormalization'")
                              NORM("q", "2's' 4'BatchNormalization'") CONCAT_RS),
        TOWERS("5{1=1 1=1 1=1 2=1 8'o' 4*1} " SPLIT,
               "1{1'p' 1'o' 2'r' 4'Add'} 1{1'o' 1'q' 2's' 4'Add'} " CONCAT_RS),
        TOWERS("5{1=2 2=7 8's' 7=1 7=1} 1{1'x' 1's' 2'p' 2'q' 4'Split' 5{1'axis' 3=-3}} ",
               RELUS CONCAT_RS),
        TOWERS("1{1'x' 2'p' 2'q' 4'Split' 5{1'axis' 3=1} 5{1'num_outputs' 3=2}} ",
               "1{1'p' 2'r' 4'Dropout'} 1{1'q' 2's' 4'Dropout'} " CONCAT_RS),
        TOWERS(SPLIT, "1{1'p' 2'r' 4'Clip' 5{1'min' 2~0}} 1{1'q' 2's' 4'Clip' 5{1'min' 2~0}} "
                      "1{1'r' 2't' 4'Identity'} 1{1's' 2'u' 4'Identity'} "
                      "1{1't' 1'u' 2'f' 4'Concat' 5{1'axis' 3=-3}} "),
        THEN("4'Clip' 5{1'min' 2~0} 5{1'max' 2~6}"),
        MODEL(W B "1{1'x' 2'e' 4'Flatten'} 1{1'e' 2'f' 4'Transpose'} " GEMM("5{1'transA' 3=1}") Y),
        MODEL(W B FLATTEN GEMM("") "1{2'high' 4'Constant' 5{1'value_float' 2~6}} "
                                   "1{2'low' 4'Constant' 5{1'value_float' 2~0}} "
                                   "1{1'y' 1'low' 1'high' 2'z' 4'Clip'} 12{1'z'}"),
        POOL("5{1'kernel_shape' 8=1 8=1} 5{1'strides' 8=1 8=1}"),
        MODEL(W B "1{1'x' 2't' 4'Transpose' 5{1'perm' 8=0 8=2 8=3 8=1}} "
                  "1{1't' 2'r' 4'Relu'} 1{1'r' 2'u' 4'Transpose' 5{1'perm' 8=0 8=3 8=1 8=2}} "
                  "1{1'u' 2'f' 4'Flatten'} " GEMM("") Y),
        MODEL_OF("13", "11{1'x' 2{1{1=1 2{" DIM("1") DIM("2") DIM("2") DIM("1") "}}}} ",
                 W B "1{1'x' 2't' 4'Transpose' 5{1'perm' 8=0 8=3 8=1 8=2}} "
                     "1{1't' 2'f' 4'Flatten'} " GEMM("") Y),
        MODEL("5{1=2 2=7 8's' 7=1 7=-1} " W B "1{1'x' 1's' 2'f' 4'Reshape'} " GEMM("") Y),
        MODEL("5{1=2 2=7 8's' 9#01000000000000000400000000000000} " W B
              "1{1'x' 1's' 2'f' 4'Reshape'} " GEMM("") Y),
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        test_accepted(files[i], i < 8); /* the values, however they are written */
}

static void values_are_views_into_the_file(void **state)
{
    (void)state;
    test_is_view(GOOD);
}

static const struct test_bad_file bad[] = {
    /* the wire */
    {"1=8", "has no graph"},
    {"1=8 7=5", "no known model format"},
    {"1=8 8{2=13} 7{!ff}", "not the beginning of a field"},
    {"1=8 7{} !3a", "a length that does not end"},
    {"1=8 7{} !3a05", "cut off"},
    {"1=8 8{2=13} 7{}", "has no input"},
    {"1=8 8{2=13} 7{1=3}", "a number where bytes belong"},
    {MODEL("1{} " Y), "without operator or output"},
    {MODEL("1{4'Relu'} " Y), "without operator or output"},
    {"1=8 8{2=13} 7{5=1}", "a number where bytes belong"},
    {"1=8 8{2=13} 7{" VALUE("1", "2") "}", "has no output"},
    {"1=8 8{2=13} 7{" VALUE("1", "2") "12{1'a'} 12{1'b'}}", "has several outputs"},
    {"1=8 8{2=13} 7{" VALUE("1", "2") "11{1'x2' 2{}} 12{1'a'}}", "has several inputs"},
    {"1=8 8{2=13} 7{11{1'x' 2{1{1=1 2{1{1=1}}}}} 12{1'a'}}", "not of a fixed shape"},
    {"1=8 8{2=13} 7{11{1'x' 2{1{1=1 2{1{1=1} 1{1=1} 1{2'h'} 1{1=2}}}}} 12{1'a'}}",
     "not of a fixed shape"},
    {"1=8 8{2=13} 7{11{1'x' 2{1{1=1 2{1{1=1} 1{1=1} 1{1=-2} 1{1=2}}}}} 12{1'a'}}",
     "not of a fixed shape"},
    {"1=8 8{2=13} 7{11{1'x' 2{1{1=1 2{1{1=1} 1{1=1} 1{1=9999999} 1{1=2}}}}} 12{1'a'}}",
     "not of a fixed shape"},
    {MODEL_OF("2", VALUE("1", "2"), GRAPH), "opset 2; 3 to 21 are read"},
    {MODEL_OF("-1", VALUE("1", "2"), GRAPH), "opset -1"},
    {"1=8 7{2'net' " VALUE("1", "2") GRAPH "}", "opset 1;"},
    {"1=8 8{2=13} 7{" VALUE("1", "2") Y "}", "output y: not what the last node writes"},
    {MODEL(W B FLATTEN GEMM("") "12{1'f'}"), "output f: not what the last node writes"},
    /* tensors */
    {WEIGHT(""), "weights or parameters that are computed"},
    {WEIGHT(W W), "tensor w: is there twice"},
    {WEIGHT("5{1=2 1=4 2=1 8'w'} "), "tensor w: its shape is [2, 4], but there are 0 values"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 4*7} "), "tensor w: its shape is [2, 4], but there are 7 values"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 4*9} "), "but there are 9 values"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 9#00} "), "but there are 0 values"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 4*8 9#00} "), "tensor w: has values twice"},
    {WEIGHT("5{1=2 1=4 2=11 8'w' 10d7} "), "but there are 7 values"},
    {WEIGHT("5{1=2 1=4 2=10 8'w' 5=1} "), "but there are 1 values"},
    {WEIGHT("5{1=2 1=4 2=10 8'w' 5#ff} "), "a number that does not end"},
    {WEIGHT("5{1=2 1=4 2=10 8'w' 5~1} "), "no list of whole numbers"},
    {WEIGHT("5{1=2 1=4 2=10 8'w' 9#0000} "), "but there are 1 values"},
    {WEIGHT("5{1=2 1=4 2=8 8'w' 4*8} "), "tensor w: values of its type are not read"},
    {WEIGHT("5{1=2 1=4 2=0 8'w' 4*8} "), "tensor w: values of its type are not read"},
    {WEIGHT("5{1=2 1=4 2=99999 8'w' 4*8} "), "tensor w: values of its type are not read"},
    {WEIGHT("5{1=2 1=-4 2=1 8'w' 4*8} "), "tensor w: its shape is out of range"},
    {WEIGHT("5{1=4294967296 1=4294967296 2=1 8'w' 4*8} "), "tensor w: its shape is out of range"},
    {WEIGHT("5{1=2 1=4611686018427387904 2=1 8'w' 4*8} "), "its matrix does not fit its input"},
    {WEIGHT("5{1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 1=1 2=1 8'w' 4*1} "), "a list of more than 8"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 14=2 4*8} "), "tensor w: its values lie at an unknown kind"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 14=1 4*8} "), "tensor w: has values twice"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 14=1 9#00 13{1'location' 2'w.bin'}} "),
     "tensor w: has values twice"},
    {WEIGHT("5{1=4 1=2 2=1 8'w' 4*8} "), "its matrix does not fit its input"},
    {WEIGHT("5{1=8 2=1 8'w' 4*8} "), "a constant matrix"},
    {WEIGHT("5{1=0 1=4 2=1 8'w'} "), "its matrix does not fit its input"},
    {WEIGHT("5{1=2 1=4 2=1 8'w' 4#0000c07f00000000000000000000000000000000000000000000000000000000"
            "} "),
     "tensor fc1.weight: value 0 is NaN"},
    {MODEL(W "5{1=3 2=1 8'b' 4*3} " FLATTEN GEMM("") Y), "not one value, or one an output"},
    {MODEL(W "5{1=2 1=1 2=1 8'b' 4*2} " FLATTEN GEMM("") Y), "not one value, or one an output"},
    /* nodes */
    {MODEL(W B FLATTEN GEMM("5{1'transA' 3=1}") Y), "node y (Gemm): transA"},
    {MODEL(W B "1{1'x' 2'e' 4'Flatten'} 1{1'e' 2'f' 4'Transpose'} " GEMM("") Y),
     "node y (Gemm): transA, or its lack"},
    {MODEL(W B FLATTEN "1{1'f' 2'y' 4'Transpose'} " Y), "output y: not what the last node writes"},
    {MODEL(W B FLATTEN "1{1'f' 2't' 4'Transpose'} 1{1't' 1'w' 2'y' 4'MatMul'} " Y),
     "node y (MatMul): reads a transposed matrix"},
    {MODEL(W B FLATTEN GEMM("5=1") Y), "a number where bytes belong"},
    {MODEL(W B FLATTEN GEMM("5{1'alpha' 2=1}") Y), "field 2 of an attribute is of type 0"},
    {MODEL(W B FLATTEN GEMM("7'com.microsoft'") Y),
     "node y (Gemm): an operator that is not computed"},
    {MODEL(W B "1{1'x' 1'w' 1'b' 2'y' 4'Gemm' 5{1'transB' 3=1}} " Y), "a flattened input"},
    {MODEL(W B FLATTEN "1{1'w' 1'f' 2'y' 4'MatMul'} " Y), "does not read what the node before"},
    {MODEL(W B FLATTEN "1{1'x' 1'w' 1'b' 2'y' 4'Gemm'} " Y), "does not read what the node before"},
    {MODEL(W B "1{1'x' 2'f' 4'Flatten' 5{1'axis' 3=2}} " GEMM("") Y),
     "node f (Flatten): would mix"},
    {MODEL(W B "1{1'x' 2'f' 4'Reshape'} " GEMM("") Y), "node f (Reshape): only reshaping"},
    {MODEL("5{1=2 2=7 8's' 7=-1 7=-1} " W B "1{1'x' 1's' 2'f' 4'Reshape'} " GEMM("") Y),
     "node f (Reshape): only reshaping"},
    {MODEL("5{1=2 2=7 8's' 7=2 7=2} " W B "1{1'x' 1's' 2'f' 4'Reshape'} " GEMM("") Y),
     "node f (Reshape): only reshaping"},
    {MODEL("5{1=2 2=7 8's' 7=2} " W B "1{1'x' 1's' 2'f' 4'Reshape'} " GEMM("") Y),
     "tensor s: its shape is [2], but there are 1 values"},
    {MODEL("5{1=2 2=1 8's' 4*2} " W B "1{1'x' 1's' 2'f' 4'Reshape'} " GEMM("") Y),
     "tensor s: must hold whole numbers"},
    {MODEL("5{1=9 2=7 8's' 7=1} " W B "1{1'x' 1's' 2'f' 4'Reshape'} " GEMM("") Y),
     "tensor s: has too many numbers"},
    {THEN("3'it' 4'Sigmoid'"), "node it (Sigmoid): it would take another activation"},
    {THEN("4'Resize'"),
     "node z (Resize): an operator that is not computed; it would take a new kind"},
    {THEN("4'QLinearConv'"), "node z (QLinearConv): it would take integer arithmetic"},
    {THEN("4'Mul' 1'y'"), "node z (Mul): it would take arithmetic between tensors"},
    {THEN("4'Concat' 1'y' 5{1'axis' 3=1}"), "node z (Concat): it would take a network with branch"},
    {THEN("4'Shape'"), "node z (Shape): it would take shapes that are computed"},
    {THEN("4'If' 5{1'then_branch' 6{}}"), "node z (If): it would take control flow"},
    {THEN("4'Add' 1'y'"), "node z (Add): weights or parameters that are computed"},
    {THEN("4'Add' 1'b'"), "node z (Add): only the bias of the layer before"},
    {THEN("4'Softmax' 5{1'axis' 3=0}"), "node z (Softmax): only a softmax over the classes"},
    {THEN("4'AveragePool' 5{1'kernel_shape' 8=2 8=2}"), "node z (AveragePool): reads a matrix"},
    {THEN("4'AveragePool'"), "node z (AveragePool): reads a matrix"},
    {THEN("4'Clip' 5{1'min' 2~1} 5{1'max' 2~6}"), "node z (Clip): only limits of 0 and a number"},
    {THEN("4'Clip' 5{1'min' 2~0} 5{1'max' 2~-1}"), "node z (Clip): only limits of 0 and a number"},
    {THEN("4'Clip' 5{1'max' 2~6}"), "node z (Clip): only limits of 0 and a number"},
    {THEN("4'Clip' 5{1'min' 2~0} 5{1'max' 2#0000c07f}"), "field 2 of an attribute"},
    {THEN("4'Clip' 1'b'"), "node z (Clip): a limit that is not one value"},
    {THEN("4'BatchNormalization' 1'b' 1'b' 1'b'"), "node z (BatchNormalization): its parameters"},
    {THEN("4'BatchNormalization' 1'b' 1'b' 1'b' 1'w'"), "its parameters do not fit"},
    {THEN("4'LRN' 5{1'size' 3=5}"), "node z (LRN): reads a matrix"},
    {THEN("4'Dropout' 5{1'ratio' 2~1}"), "layer drop1 (dropout"},
    {THEN("4'DequantizeLinear' 1'b'"), "node z (DequantizeLinear): nothing was quantised"},
    {MODEL(W B FLATTEN GEMM("") "1{1'y' 2's' 4'Softmax'} 1{1's' 2'z' 4'Relu'} 12{1'z'}"),
     "node z (Relu): comes after the softmax"},
    {POOL(""), "node p (MaxPool): has no kernel_shape"},
    {POOL("5{1'kernel_shape' 8=2}"), "node p (MaxPool): its windows are not two-dimensional"},
    {POOL("5{1'kernel_shape' 8=0 8=0}"), "node p (MaxPool): kernel, strides"},
    {POOL("5{1'kernel_shape' 8=3 8=3}"), "layer pool0 (max-pool"},
    {POOL("5{1'kernel_shape' 8=2 8=2} 5{1'dilations' 8=2 8=2}"), "pooling has no dilation"},
    {POOL("5{1'kernel_shape' 8=1 8=1} 5{1'pads' 8=-1 8=0 8=0 8=0}"), "kernel, strides, pads"},
    {POOL("5{1'kernel_shape' 8=1 8=1} 5{1'auto_pad' 4'SAME'}"), "an unknown auto_pad"},
    {CONV("5{1=2 1=4 2=1 8'w' 4*8} ", ""), "only two-dimensional convolutions"},
    {CONV(KERNEL, "5{1'group' 3=0}"), "group is out of range"},
    {CONV(KERNEL, "5{1'group' 3=2}"), "its weights do not fit its input"},
    {CONV(KERNEL, "5{1'kernel_shape' 8=3 8=3}"), "kernel_shape and weights differ"},
    {CONV(SMALL, ""), "2x2x2, not one value a class"},
    {CONV("5{1=2 1=2 1=4 1=4 2=1 8'w' 4*64} ", ""),
     "node y (Conv): its weights do not fit its input"},
    /* constants */
    {MODEL("5{1=2 2=7 8'n' 7=4 7=1000000} 1{1'n' 2'w' 4'ConstantOfShape'} " FLATTEN
           "1{1'f' 1'w' 2'g' 4'MatMul'} 5{1=2 2=7 8'm' 7=1000000 7=1000000} "
           "1{1'm' 2'v' 4'ConstantOfShape'} 1{1'g' 1'v' 2'y' 4'MatMul'} " Y),
     "more than 268435456 values"},
    {MODEL("5{1=2 2=7 8'n' 7=4294967296 7=4294967296} 1{1'n' 2'w' 4'ConstantOfShape'} " FLATTEN Y),
     "its shape is out of range"},
    {MODEL("1{2'w' 4'Constant'} " FLATTEN Y), "node w (Constant): a constant of a kind"},
    {MODEL(W "1{2'w' 4'Constant' 5{1'value_int' 3=1}} " FLATTEN Y), "is there already"},
    {MODEL("5{1=8 2=3 8'q' 5=1 5=1 5=1 5=1 5=1 5=1 5=1 5=1} 5{1=3 2=1 8's' 4*3} "
           "1{1'q' 1's' 2'w' 4'DequantizeLinear'} " FLATTEN Y),
     "scales and zero points do not fit"},
    {MODEL("5{1=2 1=4 2=1 8'q' 4*8} 1{1'q' 2'w' 4'Transpose' 5{1'perm' 8=1 8=1}} " FLATTEN Y),
     "node w (Transpose): perm is no permutation"},
    {MODEL("5{1=2 1=4 2=1 8'q' 4*8} 1{1'q' 2'w' 4'Transpose' 5{1'perm' 8=0 8=2}} " FLATTEN Y),
     "node w (Transpose): perm is no permutation"},
    {MODEL("5{1=2 2=1 8'q' 4*2} 5{2=1 8's' 4*1} 5{2=6 8'z' 5=1} "
           "1{1'q' 1's' 1'z' 2'w' 4'QuantizeLinear'} " FLATTEN Y),
     "node w (QuantizeLinear): only values of 8 bits"},
    {MODEL(W B "1{1'x' 2't' 4'Transpose' 5{1'perm' 8=0 8=1 8=3 8=2}} " FLATTEN GEMM("") Y),
     "node t (Transpose): moves more than the channels"},
    {MODEL(W B "1{1'x' 2't' 4'Transpose' 5{1'perm' 8=0 8=2 8=3 8=1}} "
               "1{1't' 2'f' 4'MaxPool' 5{1'kernel_shape' 8=1 8=1}} " GEMM("") Y),
     "node f (MaxPool): reads channels that lie last"},
    /* towers */
    {TOWERS(SPLIT, "1{1'q' 1'p' 2'f' 4'Concat' 5{1'axis' 3=1}} "),
     "node f (Concat): only all parts of the channels, in their order"},
    {TOWERS(SPLIT, "1{1'p' 1'q' 2'f' 4'Concat' 5{1'axis' 3=2}} "), "node f (Concat): only all"},
    {TOWERS(SPLIT, "1{1'p' 2'f' 4'Concat' 5{1'axis' 3=1}} "), "tensor q: 0 nodes read this part"},
    {TOWERS(SPLIT, "1{1'p' 2'r' 4'Relu'} 1{1'p' 2's' 4'Relu'} " CONCAT),
     "tensor p: 3 nodes read this part"},
    {TOWERS(SPLIT, "1{1'p' 2'r' 4'Relu'} 1{1'q' 2's' 4'Sigmoid'} " CONCAT_RS),
     "node s (Sigmoid): is not like the node in the tower beside it"},
    {TOWERS(SPLIT, LRNS("5{1'beta' 2~0.5}") CONCAT_RS),
     "node s (LRN): is not like the node in the tower beside it"},
    {TOWERS(SPLIT, "1{1'p' 2'r' 4'LRN'} 1{1'q' 2's' 4'LRN'} " CONCAT_RS),
     "node r (LRN): reads a matrix, or its size is out of range"},
    {TOWERS(SPLIT, "1{1'p' 2'r' 4'LRN' 5{1'size' 3=3}} 1{1'q' 2's' 4'Relu'} " CONCAT_RS),
     "node s (Relu): is not like the node in the tower beside it"},
    {TOWERS(SPLIT, "1{1'p' 2'r' 4'Sigmoid'} 1{1'q' 2's' 4'Sigmoid'} " CONCAT_RS),
     "node s (Sigmoid): it would take another activation"},
    {TOWERS(SPLIT, "1{1'p' 2'r' 4'Flatten'} 1{1'q' 2's' 4'Flatten'} " CONCAT_RS),
     "node s (Flatten): is not computed on parts of the channels"},
    {TOWERS(ONE SPLIT, NORM("p", "2'r' 4'BatchNormalization'") "1{1'q' 1'o' 1'o' 1'b' 1'o' 2's' "
                                                               "4'BatchNormalization'} " CONCAT_RS),
     "node s (BatchNormalization): its weights are not like those of the node beside it"},
    {TOWERS(ONE SPLIT, RELUS "1{1'r' 1'o' 1'o' 1'o' 1'o' 2't' 4'BatchNormalization'} "
                             "1{1's' 1'o' 1'o' 1'o' 1'o' 2'u' 4'BatchNormalization'} "
                             "1{1't' 1'u' 2'f' 4'Concat' 5{1'axis' 3=1}} "),
     "node t (BatchNormalization): batch normalisation is read only right after"},
    {TOWERS(SPLIT, "1{1'p' 1'b' 2'r' 4'Add'} 1{1'q' 1'b' 2's' 4'Add'} " CONCAT_RS),
     "node r (Add): what is added is not one value, or one an output"},
    {TOWERS(SPLIT, "1{1'p' 1'q' 2'r' 4'Add'} 1{1'q' 1'p' 2's' 4'Add'} " CONCAT_RS),
     "tensor p: 2 nodes read this part"},
    {TOWERS(SPLIT, "1{1'p' 2'r' 4'Clip' 5{1'max' 2~1}} 1{1'q' 2's' 4'Clip'} " CONCAT_RS),
     "node s (Clip): is not like the node in the tower beside it"},
    {TOWERS(SPLIT, "1{1'p' 1'w' 2'r' 4'Conv'} 1{1'q' 1'b' 2's' 4'Conv'} " CONCAT_RS),
     "node r (Conv): only two-dimensional"},
    {TOWERS("1{1'x' 2'p' 2'q' 4'Split' 5{1'axis' 3=2}} ", CONCAT),
     "node p (Split): only channels are split, into equal parts"},
    {TOWERS("1{1'x' 2'p' 2'q' 4'Split'} ", CONCAT), "node p (Split): only channels"},
    {TOWERS("1{1'x' 2'p' 2'q' 4'Split' 5{1'axis' 3=1} 5{1'split' 8=0 8=2}} ", CONCAT),
     "node p (Split): only channels"},
    {TOWERS("1{1'x' 2'p' 2'q' 2'r' 4'Split' 5{1'axis' 3=1}} ", CONCAT),
     "node p (Split): only channels"},
    {TOWERS("1{1'x' 2'p' 2'q' 2'a' 2'b' 2'c' 2'd' 2'e' 2'g' 2'h' 4'Split' 5{1'axis' 3=1}} ",
            CONCAT),
     "node p (Split): writes more than 8"},
    {MODEL_OF("13", VALUE("1", "4"),
              KERNEL B
              "1{1'x' 1'w' 2'c' 4'Conv'} 1{1'x' 1'w' 2'd' 4'Conv' 5{1'pads' 8=1 8=1 8=1 8=1}} "
              "1{1'c' 1'd' 2'f' 4'Concat' 5{1'axis' 3=1}} " GEMM_OF_F Y),
     "node d (Conv): is not like the node in the tower beside it"},
    {MODEL_OF("13", VALUE("1", "4"),
              KERNEL B "1{1'x' 1'w' 2'c' 4'Conv'} 1{1'x' 1'c' 2'f' 4'Add'} " GEMM_OF_F Y),
     "node f (Add): is not like the node in the tower beside it; it would take a network with"},
    {TOWERS(SLICES("1", "2"), CONCAT), "node p (Slice): only slices that are equal parts"},
    {TOWERS(SLICES("0", "2"), CONCAT), "node p (Slice): only slices that are equal parts"},
    {TOWERS(SLICES("0", "1") "1{1'x' 2'r' 4'Relu'} ", CONCAT),
     "node p (Slice): only slices that are equal parts"},
    {TOWERS(SLICES("0", "1"), "1{1'p' 2'f' 4'Concat' 5{1'axis' 3=1}} "),
     "tensor q: 0 nodes read this part"},
    /* nothing is recursive: a graph in a graph in a graph is bytes */
    {THEN("4'Loop' 5{1'body' 6{1{4'If' 5{1'then_branch' 6{1{4'If' 5{1'then_branch' 6{}}}}}}}}"),
     "node z (Loop): it would take control flow"},
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
    test_cuts_refused(TOWERS(SPLIT, LRNS("") CONCAT_RS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens_compute_what_onnx_runtime_does),
        cmocka_unit_test(the_zoos_alexnet_is_recognised),
        cmocka_unit_test(quantised_activations_differ_by_their_rounding),
        cmocka_unit_test(towers_are_groups),
        cmocka_unit_test(towers_keep_their_normalisations),
        cmocka_unit_test(every_opset_is_read),
        cmocka_unit_test(small_files_load),
        cmocka_unit_test(values_are_views_into_the_file),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(cut_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
