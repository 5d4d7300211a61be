/* Networks in Caffe's text format. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/prototxt.h"
#include "support/test.h"

#define INPUT "name: 'n' input: \"data\" input_dim: 1 input_dim: 3 input_dim: 5 input_dim: 4\n"
#define CONV(more)                                                                                 \
    "layer { name: 'c' type: 'Convolution' bottom: 'data' top: 'c' convolution_param { "           \
    "num_output: "                                                                                 \
    "6 kernel_size: 3 " more " } }\n"
#define LAYER(type, more)                                                                          \
    INPUT CONV("") "layer { name: 'x' type: '" type "' bottom: 'c' top: 'x' " more " }"

static enum alx_status parse(const char *text, alx_net **net)
{
    size_t bytes = strlen(text); /* in memory of exactly its size, so that sanitizers see */
    char *copy = malloc(bytes + 1);
    assert_non_null(copy);
    memcpy(copy, text, bytes);
    char *exact = realloc(copy, bytes ? bytes : 1);
    enum alx_status status = alx_prototxt_parse_net(exact, bytes, net);
    free(exact);
    return status;
}

static void all_ways_of_writing_mean_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        INPUT CONV("stride: 2 pad: 1 group: 3"),
        "# a comment\n" INPUT CONV("stride: 2, pad: 1; group: 3 # more\n"),
        INPUT CONV("stride_h: 2 stride_w: 2 pad_h: 1 pad_w: 1 group: 0x3"),
        INPUT CONV("stride: [2] pad: [1, 1] group: 3 weight_filler { type: 'gaussian' std: 1e-2 }"),
        INPUT CONV("stride: [2, 2] pad: [1] group: 3 weight_filler: < type: 'x' > engine: CAFFE"),
        "name: 'n' layer { name: 'data' type: 'Input' top: 'data' input_param { shape: { dim: 1 "
        "dim: 3 dim: 5 dim: 4 } } }\n" CONV("stride: 2 pad: 1 group: 3"),
        "name: 'n' input: 'data' input_shape { dim: [1, 3, 5, 4] }" CONV(
            "stride: 2 pad: 1 group: 3"),
        INPUT
        "layers { name: 'c' type: CONVOLUTION bottom: 'data' top: 'c' blobs_lr: 1 blobs_lr: 2 "
        "convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: 3 } }",
        INPUT "layers { name: 'c' type: 4 bottom: 'data' top: 'c' "
              "convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: 3 } }",
        "name: 'a' name: 'n' input: 'da' 'ta' input_dim: [1, 3, 5, 4] unknown: [] other { a { } "
        "}" CONV("stride: 2 pad: 1 group: 3"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        alx_net *net = NULL;
        if (parse(texts[i], &net) != ALX_STATUS_OK)
            fail_msg("%s: %s", texts[i], alx_error_message());
        const struct alx_layer_info *info = alx_net_layer(net, 0);
        assert_string_equal(alx_net_name(net), "n");
        assert_int_equal(info->layer.groups, 3);
        assert_int_equal(info->layer.pad_bottom, 1);
        assert_true(info->out.channels == 6 && info->out.height == 3 && info->out.width == 2);
        alx_net_destroy(&net);
    }
}

static void layers_take_their_parameters(void **state)
{
    (void)state;
    alx_net *net = NULL;
    assert_ok(parse(LAYER("LRN", "lrn_param { local_size: 3 alpha: 3e-4 beta: 0.5f k: 2 }"), &net));
    const struct alx_layer *layer = &alx_net_layer(net, 1)->layer;
    assert_true(layer->lrn_size == 3 && layer->lrn_alpha == 3e-4 / 3 && layer->lrn_beta == 0.5);
    assert_true(layer->lrn_k == 2);
    alx_net_destroy(&net);
    assert_ok(
        parse(LAYER("Pooling", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"), &net));
    layer = &alx_net_layer(net, 1)->layer;
    assert_true(layer->ceil_mode && alx_net_output(net).height == 2);
    alx_net_destroy(&net);
    assert_ok(parse(
        LAYER("Pooling", "pooling_param { kernel_size: 2 stride: 2 round_mode: FLOOR }"), &net));
    assert_int_equal(alx_net_output(net).height, 1);
    alx_net_destroy(&net);
    assert_ok(
        parse("layer { name: 'd' type: 'Data' top: 'data' top: 'label' include { phase: TRAIN } "
              "transform_param { crop_size: 5 } }" CONV(
                  "") "layer { name: 'l' type: 'SoftmaxWithLoss' bottom: 'c' bottom: 'label' }",
              &net));
    assert_int_equal(alx_net_input(net).channels, 3);
    assert_int_equal(alx_net_layer_count(net), 2);
    alx_net_destroy(&net);
}

static const struct {
    const char *text, *part;
} bad[] = {
    {"", "does not say the size of its input"},
    {CONV(""), "does not say the size of its input"},
    {"name", "line 1: a ':' or a '{' is missing"},
    {"name:", "line 1: a name or a value is missing"},
    {"name: n", "line 1: name must be a text in quotes"},
    {"name: 'n", "line 1: a text without an end"},
    {"name: 'n\n'", "line 1: a text without an end"},
    {"name: 'n\\", "line 1: a text without an end"},
    {"\n\nname { }", "line 3: name is no message"},
    {"layer: 5", "line 1: layer must be a message"},
    {"layer {", "line 1: the text ends, but a '}' is missing"},
    {"layer { name: 'x' >", "line 1: a name or a value is missing"},
    {"layer }", "line 1: a ':' or a '{' is missing"},
    {"}", "line 1: a name or a value is missing"},
    {"input_dim: [1, 2", "a name or a value is missing"},
    {"input_dim: 'x'", "line 1: input_dim must be a number"},
    {"input_dim: x", "line 1: input_dim cannot be 'x'"},
    {"input_dim: 99999999999999999999", "input_dim cannot be"},
    {"input_dim: 1.5", "input_dim cannot be '1.5'"},
    {"\x01", "line 1: a name or a value is missing"},
    {INPUT "layer { lrn_param { alpha: x } }", "line 2: alpha cannot be 'x'"},
    {INPUT CONV("bias_term: maybe"), "line 2: bias_term cannot be 'maybe'"},
    {INPUT "layers { type: ABSVALUE }", "type cannot be 'ABSVALUE'"},
    {INPUT "layers { layer { } }", "first format (V0)"},
    {INPUT CONV("") "layers { name: 'x' }", "Caffe's old form"},
    {INPUT CONV("kernel_size: -1"), "kernel, stride"},
    {INPUT CONV("stride_h: -1"), "field 13 of a convolution is out of range"},
    {INPUT "a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{", "nested too deeply"},
    {LAYER("Eltwise", ""), "layer x: Caffe's layer type Eltwise"},
    {LAYER("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"),
     "layer x: a pooling other"},
};

static void bad_texts_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        alx_net *net = NULL;
        enum alx_status status = parse(bad[i].text, &net);
        if (status != ALX_STATUS_MODEL || !strstr(alx_error_message(), bad[i].part))
            fail_msg("%s: %s: %s", bad[i].text, alx_status_name(status), alx_error_message());
        assert_null(net);
    }
}

static void cut_texts_do_no_harm(void **state)
{
    (void)state;
    static const char text[] = INPUT CONV("stride: [2, 2] pad: 1") "# end";
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        char part[sizeof text];
        alx_net *net = NULL;
        snprintf(part, sizeof part, "%.*s", (int)cut, text);
        if (parse(part, &net) == ALX_STATUS_OK)
            alx_net_destroy(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways_of_writing_mean_the_same),
        cmocka_unit_test(layers_take_their_parameters),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(cut_texts_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
