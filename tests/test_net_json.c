/* Networks, preprocessing and labels as text: both ways, and texts that are refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/labels.h"
#include "model/net_json.h"
#include "model/preprocess.h"
#include "support/files.h"
#include "support/test.h"

/* every_key_goes_both_ways() shows that the text holds everything. */
static void assert_same_net(const alx_net *a, const alx_net *b)
{
    char *text_a = NULL, *text_b = NULL;
    assert_ok(alx_net_to_text(a, &text_a));
    assert_ok(alx_net_to_text(b, &text_b));
    assert_string_equal(text_a, text_b);
    free(text_a);
    free(text_b);
}

static void built_in_tables_are_written_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; alx_net_builtin_name(i); i++) {
        alx_net *net = NULL, *read = NULL;
        char *text = NULL;
        assert_ok(alx_net_create_named(alx_net_builtin_name(i), &net));
        assert_ok(alx_net_to_text(net, &text));
        assert_string_equal(text, alx_net_builtin_name(i));
        assert_ok(alx_net_from_text(text, &read));
        assert_same_net(net, read);
        free(text);
        alx_net_destroy(&net);
        alx_net_destroy(&read);
    }
}

/* A table that has a built-in name but is another is written in full. */
static void a_changed_table_is_written_in_full(void **state)
{
    (void)state;
    alx_net *net = NULL, *changed = NULL, *read = NULL;
    struct alx_layer layers[64];
    char *text = NULL;
    assert_ok(alx_net_create_named("alexnet", &net));
    size_t count = alx_net_layer_count(net);
    for (size_t i = 0; i < count; i++)
        layers[i] = alx_net_layer(net, i)->layer;
    layers[1].lrn_k = 1.0000000000000002;
    assert_ok(alx_net_create("alexnet", alx_net_input(net), layers, count, &changed));
    assert_ok(alx_net_to_text(changed, &text));
    assert_int_equal(text[0], '{');
    assert_ok(alx_net_from_text(text, &read));
    assert_same_net(changed, read);
    free(text);
    alx_net_destroy(&net);
    alx_net_destroy(&changed);
    alx_net_destroy(&read);
}

static const char full_text[] =
    "{\"name\":\"full\",\"input\":[3,40,41],\"layers\":["
    "{\"name\":\"c1\",\"kind\":\"conv\",\"activation\":\"relu\",\"out_channels\":12,\"kernel\":[5,"
    "3],\"stride\":[2,3],\"padding\":[1,2,3,4],\"dilation\":[2,1],\"groups\":3,\"bias\":false},"
    "{\"name\":\"n1\",\"kind\":\"lrn\",\"groups\":2,\"size\":4,\"alpha\":0.0001,\"beta\":0.75,"
    "\"k\":2.0},"
    "{\"name\":\"p1\",\"kind\":\"max-pool\",\"kernel\":[3,2],\"stride\":[2,1],\"padding\":[1,0,2,1]"
    ",\"ceil_mode\":true},"
    "{\"name\":\"a1\",\"kind\":\"avg-pool\",\"kernel\":[2,2],\"padding\":[1,1,1,1],"
    "\"count_padding\":true},"
    "{\"name\":\"r1\",\"kind\":\"relu\"},"
    "{\"name\":\"r2\",\"kind\":\"relu\",\"limit\":6.0},"
    "{\"name\":\"d1\",\"kind\":\"dropout\",\"ratio\":0.5},"
    "{\"name\":\"f1\",\"kind\":\"fc\",\"activation\":\"relu\",\"out_channels\":9,\"bias\":false},"
    "{\"name\":\"f2\",\"kind\":\"fc\",\"out_channels\":5},"
    "{\"name\":\"s\",\"kind\":\"softmax\"}]}";

static void every_key_goes_both_ways(void **state)
{
    (void)state;
    alx_net *net = NULL;
    char *text = NULL;
    assert_ok(alx_net_from_text(full_text, &net));
    const struct alx_layer *c = &alx_net_layer(net, 0)->layer, *p = &alx_net_layer(net, 2)->layer;
    assert_int_equal(c->kernel_h, 5);
    assert_int_equal(c->kernel_w, 3);
    assert_int_equal(c->stride_h, 2);
    assert_int_equal(c->stride_w, 3);
    assert_int_equal(c->pad_top, 1);
    assert_int_equal(c->pad_left, 2);
    assert_int_equal(c->pad_bottom, 3);
    assert_int_equal(c->pad_right, 4);
    assert_int_equal(c->dilation_h, 2);
    assert_int_equal(c->groups, 3);
    assert_true(c->no_bias && c->activation == ALX_ACTIVATION_RELU);
    assert_true(p->ceil_mode && p->kernel_w == 2);
    assert_int_equal(alx_net_layer(net, 1)->layer.lrn_size, 4);
    assert_int_equal(alx_net_layer(net, 1)->layer.groups, 2);
    assert_true(alx_net_layer(net, 3)->layer.count_padding);
    assert_true(alx_net_layer(net, 4)->layer.relu_limit == 0);
    assert_true(alx_net_layer(net, 5)->layer.relu_limit == 6);
    assert_true(alx_net_layer(net, 6)->layer.dropout == 0.5);
    assert_false(alx_net_layer(net, 8)->layer.no_bias);
    assert_ok(alx_net_to_text(net, &text));
    assert_string_equal(text, full_text);
    free(text);
    alx_net_destroy(&net);
}

static void missing_keys_have_their_meaning(void **state)
{
    (void)state;
    alx_net *net = NULL, *spelt = NULL;
    assert_ok(alx_net_from_text(
        " {\"layers\":[{\"kind\":\"conv\",\"name\":\"c\",\"out_channels\":4,\"kernel\":[3,3]},"
        "{\"kind\":\"max-pool\",\"name\":\"p\",\"kernel\":[2,2]}],\"input\":[3,9,9],\"name\":"
        "\"m\"}",
        &net));
    assert_ok(alx_net_from_text(
        "{\"name\":\"m\",\"input\":[3,9,9],\"layers\":[{\"name\":\"c\",\"kind\":\"conv\","
        "\"activation\":\"none\",\"out_channels\":4,\"kernel\":[3,3],\"stride\":[1,1],"
        "\"padding\":[0,0,0,0],\"dilation\":[1,1],\"groups\":1,\"bias\":true},{\"name\":\"p\","
        "\"kind\":\"max-pool\",\"kernel\":[2,2],\"stride\":[1,1],\"padding\":[0,0,0,0],"
        "\"ceil_mode\":false}]}",
        &spelt));
    assert_same_net(net, spelt);
    alx_net_destroy(&net);
    alx_net_destroy(&spelt);
}

static void a_softmax_is_added_once(void **state)
{
    (void)state;
    static const struct {
        const char *layers, *last;
        size_t count;
    } cases[] = {
        {"{\"name\":\"a\",\"kind\":\"relu\"}", "prob", 2},
        {"{\"name\":\"prob\",\"kind\":\"relu\"}", "prob2", 2},
        {"{\"name\":\"prob\",\"kind\":\"relu\"},{\"name\":\"prob2\",\"kind\":\"relu\"}", "prob3",
         3},
        {"{\"name\":\"end\",\"kind\":\"softmax\"}", "end", 1},
        {"{\"name\":\"s\",\"kind\":\"softmax\"},{\"name\":\"r\",\"kind\":\"relu\"}", "prob", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        alx_net *net = NULL, *ended = NULL;
        snprintf(text, sizeof text, "{\"name\":\"n\",\"input\":[3,1,1],\"layers\":[%s]}",
                 cases[i].layers);
        assert_ok(alx_net_from_text(text, &net));
        assert_ok(alx_net_with_softmax(net, &ended));
        assert_int_equal(alx_net_layer_count(ended), cases[i].count);
        const struct alx_layer *last = &alx_net_layer(ended, cases[i].count - 1)->layer;
        assert_string_equal(last->name, cases[i].last);
        assert_int_equal(last->kind, ALX_LAYER_SOFTMAX);
        alx_net_destroy(&net);
        alx_net_destroy(&ended);
    }
}

#define NET(layers) "{\"name\":\"n\",\"input\":[3,9,9],\"layers\":[" layers "]}"
#define CONV(more)                                                                                 \
    NET("{\"name\":\"c\",\"kind\":\"conv\",\"out_channels\":4,\"kernel\":[3,3]" more "}")
#define POOL(more) NET("{\"name\":\"p\",\"kind\":\"max-pool\",\"kernel\":[3,3]" more "}")
#define LRN(keys)  NET("{\"name\":\"l\",\"kind\":\"lrn\"," keys "}")

static const struct {
    const char *text, *part;
} wrong_networks[] = {
    {"alxnet", "did you mean alexnet"},
    {"", "neither a name nor JSON"},
    {"  ", "unknown"},
    {"[]", "unknown"},
    {"a\tb", "neither a name nor JSON"},
    {"{", "network: JSON"},
    {"{}", "no \"name\""},
    {"{\"name\":\"n\"}", "\"layers\" must be an array"},
    {"{\"name\":7,\"input\":[3,9,9],\"layers\":[]}", "no \"name\""},
    {"{\"name\":\"\",\"input\":[3,9,9],\"layers\":[]}", "no \"name\""},
    {"{\"name\":\"n\",\"input\":[3,9,9],\"layers\":{}}", "\"layers\" must be an array"},
    {"{\"name\":\"n\",\"input\":[3,9,9],\"layers\":[]}", "0 layers"},
    {"{\"name\":\"n\",\"name\":\"n\",\"input\":[3,9,9],\"layers\":[]}", "duplicate"},
    {"{\"name\":\"n\",\"input\":[3,9,9],\"layers\":[],\"x\":1}", "no key \"x\""},
    {"{\"name\":\"n\",\"layers\":[]}", "\"input\" must be [C, H, W]"},
    {"{\"name\":\"n\",\"input\":[3,9],\"layers\":[]}", "\"input\" must be [C, H, W]"},
    {"{\"name\":\"n\",\"input\":[3,9,0],\"layers\":[]}", "\"input\" must be 3 whole numbers"},
    {"{\"name\":\"n\",\"input\":[3,9,9.5],\"layers\":[]}", "\"input\" must be 3 whole"},
    {"{\"name\":\"n\",\"input\":[3,9,-9],\"layers\":[]}", "\"input\" must be 3 whole numbers"},
    {"{\"name\":\"n\",\"input\":[3,9,99999999],\"layers\":[]}", "\"input\" must be 3 whole"},
    {"{\"name\":\"n\",\"input\":[3,9,99999999999999999999],\"layers\":[]}", "integer"},
    {NET("7"), "layer 1 has no \"name\""},
    {NET("{\"kind\":\"relu\"}"), "layer 1 has no \"name\""},
    {NET("{\"name\":\"\",\"kind\":\"relu\"}"), "layer 1 has no \"name\""},
    {NET("{\"name\":\"a\\u001b[2J\",\"kind\":\"relu\"}"), "layer 1 has no \"name\""},
    {NET("{\"name\":\"a\\u009b2J\",\"kind\":\"relu\"}"), "layer 1 has no \"name\""},
    {NET("{\"name\":"
         "\"0123456789012345678901234567890123456789012345678901234567890123\",\"kind\":"
         "\"relu\"}"),
     "layer 1 has no \"name\""},
    {NET("{\"name\":\"a\"}"), "layer a: \"kind\""},
    {NET("{\"name\":\"a\",\"kind\":3}"), "layer a: \"kind\""},
    {NET("{\"name\":\"a\",\"kind\":\"lstm\"}"), "layer a: \"kind\""},
    {NET("{\"name\":\"a\",\"kind\":\"relu\"},{\"name\":\"a\",\"kind\":\"relu\"}"),
     "two layers are named a"},
    {NET("{\"name\":\"a\",\"kind\":\"relu\",\"size\":3}"), "a relu has no key \"size\""},
    {NET("{\"name\":\"a\",\"kind\":\"fc\",\"out_channels\":3,\"kernel\":[1,1]}"),
     "a fc has no key \"kernel\""},
    {NET("{\"name\":\"a\",\"kind\":\"fc\"}"), "layer a: \"out_channels\" is missing"},
    {NET("{\"name\":\"a\",\"kind\":\"conv\",\"out_channels\":4}"),
     "layer a: \"kernel\" is missing"},
    {CONV(",\"colour\":1"), "layer c: a conv has no key \"colour\""},
    {CONV(",\"ceil_mode\":true"), "layer c: a conv has no key \"ceil_mode\""},
    {CONV(",\"stride\":2"), "layer c: \"stride\" must be 2 whole numbers"},
    {CONV(",\"stride\":[2]"), "layer c: \"stride\" must be 2 whole numbers"},
    {CONV(",\"stride\":[2,0]"), "layer c: \"stride\" must be 2 whole numbers from 1 to 4096"},
    {CONV(",\"stride\":[2,4097]"), "layer c: \"stride\" must be 2 whole numbers"},
    {CONV(",\"stride\":[2,2.0]"), "layer c: \"stride\" must be 2 whole numbers"},
    {CONV(",\"stride\":[2,\"2\"]"), "layer c: \"stride\" must be 2 whole numbers"},
    {CONV(",\"padding\":[1,1]"), "layer c: \"padding\" must be 4 whole numbers"},
    {CONV(",\"padding\":[1,1,1,-1]"), "layer c: \"padding\" must be 4 whole numbers from 0"},
    {CONV(",\"dilation\":[1,0]"), "layer c: \"dilation\" must be 2 whole numbers"},
    {CONV(",\"dilation\":[9,9]"), "layer c (conv of 9x9x3): the window is larger"},
    {CONV(",\"groups\":0"), "layer c: \"groups\" must be a whole number from 1"},
    {CONV(",\"groups\":2"), "layer c (conv of 9x9x3): groups must divide"},
    {CONV(",\"bias\":1"), "layer c: \"bias\" must be true or false"},
    {CONV(",\"bias\":null"), "layer c: \"bias\" must be true or false"},
    {CONV(",\"activation\":\"tanh\""), "layer c: \"activation\" must be \"none\" or \"relu\""},
    {CONV(",\"activation\":true"), "layer c: \"activation\" must be \"none\" or \"relu\""},
    {POOL(",\"count_padding\":true"), "layer p: a max-pool has no key \"count_padding\""},
    {POOL(",\"limit\":6"), "layer p: a max-pool has no key \"limit\""},
    {CONV(",\"limit\":0"), "layer c: \"limit\" must be a number from 1e-06 to 1e+06"},
    {CONV(",\"limit\":6"), "layer c (conv of 9x9x3): a ReLU's limit"},
    {POOL(",\"groups\":1"), "layer p: a max-pool has no key \"groups\""},
    {POOL(",\"ceil_mode\":\"yes\""), "layer p: \"ceil_mode\" must be true or false"},
    {POOL(",\"padding\":[3,0,0,0]"), "layer p (max-pool of 9x9x3): padding must be smaller"},
    {LRN("\"size\":5,\"alpha\":1,\"beta\":1"), "layer l: \"k\" is missing"},
    {LRN("\"groups\":0,\"size\":5,\"alpha\":1,\"beta\":1,\"k\":1"), "layer l: \"groups\" must be"},
    {LRN("\"groups\":2,\"size\":5,\"alpha\":1,\"beta\":1,\"k\":1"),
     "layer l (lrn of 9x9x3): groups must divide the channels"},
    {LRN("\"size\":0,\"alpha\":1,\"beta\":1,\"k\":1"), "layer l: \"size\" must be a whole"},
    {LRN("\"size\":5.5,\"alpha\":1,\"beta\":1,\"k\":1"), "layer l: \"size\" must be a whole"},
    {LRN("\"size\":5,\"alpha\":-1,\"beta\":1,\"k\":1"), "layer l: \"alpha\" must be a number"},
    {LRN("\"size\":5,\"alpha\":1e7,\"beta\":1,\"k\":1"), "layer l: \"alpha\" must be a number"},
    {LRN("\"size\":5,\"alpha\":1e999,\"beta\":1,\"k\":1"), "real number overflow"},
    {LRN("\"size\":5,\"alpha\":NaN,\"beta\":1,\"k\":1"), "network: JSON"},
    {LRN("\"size\":5,\"alpha\":1,\"beta\":17,\"k\":1"), "layer l: \"beta\" must be a number"},
    {LRN("\"size\":5,\"alpha\":1,\"beta\":1,\"k\":0"), "layer l: \"k\" must be a number"},
    {LRN("\"size\":5,\"alpha\":1,\"beta\":1,\"k\":\"1\""), "layer l: \"k\" must be a number"},
    {NET("{\"name\":\"d\",\"kind\":\"dropout\"}"), "layer d: \"ratio\" is missing"},
    {NET("{\"name\":\"d\",\"kind\":\"dropout\",\"ratio\":1}"), "layer d: \"ratio\" must be"},
};

static void wrong_networks_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_networks / sizeof *wrong_networks; i++) {
        alx_net *net = NULL;
        enum alx_status status = alx_net_from_text(wrong_networks[i].text, &net);
        if (status != ALX_STATUS_MODEL || !strstr(alx_error_message(), wrong_networks[i].part))
            fail_msg("%s: %s: %s", wrong_networks[i].text, alx_status_name(status),
                     alx_error_message());
        assert_null(net);
    }
}

#define RECIPE(size, scale, mean, std)                                                             \
    "{\"resize\":\"crop\",\"resize_size\":" size ",\"filter\":\"bilinear\",\"order\":\"bgr\","     \
    "\"scale\":" scale ",\"mean\":" mean ",\"std\":" std "}"

static void preprocessing_goes_both_ways(void **state)
{
    (void)state;
    struct alx_preprocess p = {.resize = ALX_RESIZE_NONE,
                               .filter = ALX_FILTER_BILINEAR,
                               .order = ALX_ORDER_BGR,
                               .resize_size = 17,
                               .scale = 1.0f / 255,
                               .mean = {0.1f, -3.25f, 122.67891f},
                               .std = {0.229f, 1e-3f, 7}},
                          read;
    char *text = NULL;
    assert_ok(alx_preprocess_to_json(&p, 3, &text));
    assert_ok(alx_preprocess_from_json(text, &read));
    assert_memory_equal(&p, &read, sizeof p);
    free(text);
    /* one channel: the number is for all */
    assert_ok(alx_preprocess_to_json(&p, 1, &text));
    assert_ok(alx_preprocess_from_json(text, &read));
    assert_true(read.mean[2] == p.mean[0] && read.std[1] == p.std[0]);
    free(text);
    assert_ok(alx_preprocess_from_json(RECIPE("0", "1", "[1]", "[2,3,4]"), &read));
    assert_int_equal(read.resize, ALX_RESIZE_CROP);
    assert_int_equal(read.resize_size, 0);
    assert_true(read.std[2] == 4);
}

static void wrong_preprocessing_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "preprocess: JSON"},
        {"[]", "\"resize\" must be"},
        {"{}", "\"resize\" must be"},
        {"{\"resize\":\"stretch\"}", "\"resize\" must be"},
        {"{\"resize\":\"warp\",\"filter\":\"cubic\"}", "\"filter\" must be"},
        {"{\"resize\":\"warp\",\"filter\":\"bilinear\",\"order\":\"gbr\"}", "\"order\" must be"},
        {"{\"crop\":1}", "no key \"crop\""},
        {RECIPE("-1", "1", "[1]", "[1]"), "\"resize_size\" must be"},
        {RECIPE("1.5", "1", "[1]", "[1]"), "\"resize_size\" must be"},
        {RECIPE("16385", "1", "[1]", "[1]"), "\"resize_size\" must be"},
        {RECIPE("256", "0", "[1]", "[1]"), "\"scale\" must be"},
        {RECIPE("256", "-1", "[1]", "[1]"), "\"scale\" must be"},
        {RECIPE("256", "\"1\"", "[1]", "[1]"), "\"scale\" must be"},
        {RECIPE("256", "1", "1", "[1]"), "\"mean\" must be an array"},
        {RECIPE("256", "1", "[]", "[1]"), "\"mean\" must be an array"},
        {RECIPE("256", "1", "[1,2]", "[1]"), "\"mean\" must be an array"},
        {RECIPE("256", "1", "[1,2,null]", "[1]"), "\"mean\" must be numbers"},
        {RECIPE("256", "1", "[1,2,1e7]", "[1]"), "\"mean\" must be numbers"},
        {RECIPE("256", "1", "[1]", "[1,0,1]"), "\"std\" must be numbers above 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct alx_preprocess p;
        assert_fails(alx_preprocess_from_json(cases[i].text, &p), ALX_STATUS_MODEL, cases[i].part);
    }
}

static void what_is_not_said_is_assumed(void **state)
{
    (void)state;
    struct alx_preprocess p;
    alx_net *net = NULL;
    assert_ok(alx_net_create_named("bvlc-alexnet", &net));
    alx_preprocess_assume(net, NULL, &p);
    assert_int_equal(p.order, ALX_ORDER_BGR);
    assert_true(p.mean[0] == 104 && p.scale == 1);
    assert_ok(alx_preprocess_check(&p, net));
    p.resize_size = 226;
    assert_fails(alx_preprocess_check(&p, net), ALX_STATUS_MODEL, "\"resize_size\" is 226");
    p.resize = ALX_RESIZE_NONE;
    assert_ok(alx_preprocess_check(&p, net));
    alx_net_destroy(&net);
    assert_ok(alx_net_from_text("{\"name\":\"n\",\"input\":[3,224,224],\"layers\":[{\"name\":\"f\","
                                "\"kind\":\"fc\",\"out_channels\":2}]}",
                                &net));
    alx_preprocess_assume(net, NULL, &p);
    assert_int_equal(p.resize_size, 256);
    assert_ok(alx_preprocess_check(&p, net));
    alx_net_destroy(&net);
}

static void labels_go_both_ways(void **state)
{
    (void)state;
    struct alx_labels labels = {0};
    char *text = NULL;
    assert_ok(
        alx_labels_from_json("[\"\\u00e9t\\u00e9\", \"a \\\"b\\\"\", \"x\\u001b[2J\"]", &labels));
    assert_int_equal(labels.count, 3);
    assert_string_equal(labels.texts[0], "\xc3\xa9t\xc3\xa9");
    assert_string_equal(labels.texts[2], "x?[2J");
    assert_ok(alx_labels_to_json(&labels, &text));
    assert_string_equal(text, "[\"\xc3\xa9t\xc3\xa9\",\"a \\\"b\\\"\",\"x?[2J\"]");
    free(text);
    alx_labels_free(&labels);
    assert_int_equal(labels.count, 0);
    assert_fails(alx_labels_from_json("{}", &labels), ALX_STATUS_MODEL, "labels: not an array");
    assert_fails(alx_labels_from_json("[\"a\",1]", &labels), ALX_STATUS_MODEL,
                 "class 1 is no text");
    assert_fails(alx_labels_from_json("[\"\"]", &labels), ALX_STATUS_MODEL, "class 0 is no text");
    assert_fails(alx_labels_from_json("[\"a\"", &labels), ALX_STATUS_MODEL, "labels: JSON");
    assert_fails(alx_labels_from_json("[\"\xff\"]", &labels), ALX_STATUS_MODEL, "labels: JSON");
}

static void label_files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
        const char *first, *last;
    } cases[] = {
        {"cat\ndog\n", 2, "cat", "dog"},
        {"cat\ndog", 2, "cat", "dog"},
        {"cat\r\ndog, big\r\n", 2, "cat", "dog, big"},
        {"\xef\xbb\xbf"
         "cat\ndog\n\n\r\n",
         2, "cat", "dog"},
        {"one", 1, "one", "one"},
        {"\xff\tx\n\xe2\x82\xac\n", 2, "??x", "\xe2\x82\xac"},
        {"\n\n", 0, NULL, NULL},
        {"", 0, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct alx_labels labels = {0};
        assert_ok(alx_labels_from_file(test_files_write_text("l.txt", cases[i].text), &labels));
        assert_int_equal(labels.count, cases[i].count);
        if (labels.count) {
            assert_string_equal(labels.texts[0], cases[i].first);
            assert_string_equal(labels.texts[labels.count - 1], cases[i].last);
        }
        alx_labels_free(&labels);
    }
    struct alx_labels labels = {0};
    assert_fails(alx_labels_from_file(test_files_write_text("l.txt", "a\n\nb\n"), &labels),
                 ALX_STATUS_MODEL, "l.txt: line 2 is empty");
    assert_fails(alx_labels_from_file(test_files_write("l.txt", "a\0b\n", 4), &labels),
                 ALX_STATUS_MODEL, "l.txt: not a text file");
    assert_fails(alx_labels_from_file(test_files_path("none.txt"), &labels),
                 ALX_STATUS_FILE_NOT_FOUND, "none.txt");
    assert_null(labels.texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_tables_are_written_by_name),
        cmocka_unit_test(a_changed_table_is_written_in_full),
        cmocka_unit_test(every_key_goes_both_ways),
        cmocka_unit_test(missing_keys_have_their_meaning),
        cmocka_unit_test(a_softmax_is_added_once),
        cmocka_unit_test(wrong_networks_are_refused),
        cmocka_unit_test(preprocessing_goes_both_ways),
        cmocka_unit_test(wrong_preprocessing_is_refused),
        cmocka_unit_test(what_is_not_said_is_assumed),
        cmocka_unit_test(labels_go_both_ways),
        cmocka_unit_test(label_files_are_read),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
