/* safetensors files: those of the reference implementation, and those that must be refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/model.h>

#include "model/model.h"
#include "support/test.h"
#include "support/warnings.h"
#include "tensor/view.h"
#include "util/clock.h"

static enum alx_status load_golden(const char *name, alx_model **model)
{
    char path[512];
    const char *folder = getenv("ALX_TEST_GOLDEN");
    assert_non_null(folder);
    snprintf(path, sizeof path, "%s/safetensors/%s", folder, name);
    test_warnings_watch();
    return alx_model_load(path, NULL, model);
}

/* The values that golden/make_safetensors.py wrote. */
static void assert_golden_view(struct alx_tensor_view view, enum alx_dtype dtype, size_t tensor,
                               size_t elems)
{
    assert_int_equal(view.elems, elems);
    assert_int_equal(view.dtype, dtype);
    for (size_t i = 0; i < elems; i++) {
        float value;
        alx_view_read(view, i, 1, &value);
        assert_true(value == (float)((int)((37 * i + 11 * tensor) % 101) - 50) / 64);
    }
}

static void assert_golden(const alx_model *model, enum alx_dtype dtype)
{
    const alx_net *net = alx_model_net(model);
    const struct alx_preprocess *p = alx_model_preprocess(model);
    assert_string_equal(alx_model_name(model), "golden model");
    assert_string_equal(alx_net_name(net), "golden");
    assert_int_equal(alx_net_layer_count(net), 5);
    assert_golden_view(alx_model_weights(model, 0), dtype, 0, 72);
    assert_golden_view(alx_model_biases(model, 0), dtype, 1, 4);
    assert_golden_view(alx_model_weights(model, 3), dtype, 2, 12);
    assert_golden_view(alx_model_biases(model, 3), dtype, 3, 3);
    assert_int_equal(alx_model_weights(model, 1).elems, 0);
    assert_int_equal(alx_model_biases(model, 4).elems, 0);
    assert_int_equal(alx_model_class_count(model), 3);
    assert_string_equal(alx_model_label(model, 0), "\xc3\xa9t\xc3\xa9");
    assert_string_equal(alx_model_label(model, 2), "three");
    assert_int_equal(p->resize, ALX_RESIZE_CROP);
    assert_int_equal(p->filter, ALX_FILTER_BILINEAR);
    assert_int_equal(p->order, ALX_ORDER_BGR);
    assert_int_equal(p->resize_size, 6);
    assert_true(p->scale == 0.5f && p->mean[1] == 2.5f && p->std[2] == 2.0f);
}

static void files_of_the_reference_implementation_load(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum alx_dtype dtype;
    } files[] = {
        {"f32.safetensors", ALX_DTYPE_F32},
        {"f16.safetensors", ALX_DTYPE_F16},
        {"bf16.safetensors", ALX_DTYPE_BF16},
        {"surplus.safetensors", ALX_DTYPE_F32},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        alx_model *model = NULL;
        assert_ok(load_golden(files[i].name, &model));
        const struct alx_preprocess *p = alx_model_preprocess(model);
        assert_golden(model, files[i].dtype);
        if (i == 0) {
            assert_int_equal(p->mean_height, 6);
            assert_int_equal(p->mean_width, 6);
            struct alx_tensor_view view = {p->mean_image, ALX_DTYPE_F32, 3 * 6 * 6};
            assert_golden_view(view, ALX_DTYPE_F32, 4, 3 * 6 * 6);
        } else {
            assert_null(p->mean_image);
        }
        assert_int_equal(test_warnings_count(), i == 3);
        alx_model_destroy(&model);
    }
    assert_non_null(strstr(test_warnings_last(),
                           "surplus.safetensors: network golden does not use 5 "
                           "tensors of the file: a.scalar, b.empty, c.empty, "
                           "d.flags, e.bytes"));
    alx_model *model = NULL;
    assert_fails(load_golden("weights_only.safetensors", &model), ALX_STATUS_MODEL,
                 "weights_only.safetensors: does not say its network, and its 4 tensors fit none");
}

/* A small file: a network of one layer of 2 x 4 weights and 2 biases. */
#define NETWORK                                                                                    \
    "{\\\"name\\\":\\\"n\\\",\\\"input\\\":[1,2,2],\\\"layers\\\":[{\\\"name\\\":\\\"fc\\\","      \
    "\\\"kind\\\":\\\"fc\\\",\\\"out_channels\\\":2}]}"
#define META_OF(network, more)                                                                     \
    "\"__metadata__\":{\"alexnet_cl\":\"1\",\"network\":\"" network "\"" more "}"
#define META META_OF(NETWORK, "")
#define TENSOR(name, dtype, shape, begin, end)                                                     \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end   \
    "]}"
#define WEIGHT TENSOR("fc.weight", "F32", "[2,4]", "0", "32")
#define BIAS   TENSOR("fc.bias", "F32", "[2]", "32", "40")
#define INT8_WITH(dtype, shape, begin, end)                                                        \
    TENSOR("fc.weight", "I8", "[2,4]", "0", "8")                                                   \
    "," TENSOR("fc.bias", "F32", "[2]", "8", "16") "," TENSOR("fc.weight_scale", dtype, shape,     \
                                                              begin, end)
#define WITH(more) "{" META "," WEIGHT "," BIAS more "}"
#define GOOD       WITH("")

enum { DATA_BYTES = 40 };

/* Puts a file together in memory of exactly its size; free() it. */
static uint8_t *make_file(uint64_t length, const char *header, size_t header_bytes,
                          const void *data, size_t data_bytes, size_t *bytes)
{
    *bytes = 8 + header_bytes + data_bytes;
    uint8_t *file = calloc(1, *bytes);
    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        file[i] = (uint8_t)(length >> 8 * i);
    memcpy(file + 8, header, header_bytes);
    if (data)
        memcpy(file + 8 + header_bytes, data, data_bytes);
    return file;
}

static void assert_refused(const char *what, const uint8_t *file, size_t bytes, const char *part)
{
    alx_model *model = NULL;
    uint64_t begin = alx_clock_ns();
    enum alx_status status = alx_model_read("bad.safetensors", file, bytes, NULL, &model);
    const char *message = alx_error_message();
    if (status != ALX_STATUS_MODEL || strncmp(message, "bad.safetensors: ", 17) ||
        !strstr(message, part))
        fail_msg("%s: %s: %s", what, alx_status_name(status), message);
    assert_null(model);
    assert_true(alx_clock_ns() - begin < 2000000000u);
}

static void refuse(const char *header, size_t data_bytes, const char *part)
{
    size_t bytes;
    uint8_t *file = make_file(strlen(header), header, strlen(header), NULL, data_bytes, &bytes);
    assert_refused(header, file, bytes, part);
    free(file);
}

static enum alx_status read_header(const char *header, size_t data_bytes, alx_model **model)
{
    size_t bytes;
    uint8_t *file = make_file(strlen(header), header, strlen(header), NULL, data_bytes, &bytes);
    enum alx_status status = alx_model_read("x.safetensors", file, bytes, NULL, model);
    free(file); /* the views are not looked at */
    return status;
}

static void unusual_files_that_are_legal_load(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data_bytes;
    } cases[] = {
        {GOOD, DATA_BYTES},
        {GOOD "                                                  ", DATA_BYTES},
        {"{" BIAS "," META "," WEIGHT "}", DATA_BYTES},
        /* odd addresses, zero and scalar shapes, types that are not read, odd names */
        {"{" TENSOR("x", "U8", "[1]", "0", "1") "," TENSOR(
             "fc.weight", "F32", "[2,4]", "1", "33") "," META "," TENSOR("fc.bias", "F16", "[2]",
                                                                         "33", "37") "}",
         37},
        {WITH("," TENSOR("", "I64", "[]", "40", "48")), 48},
        {WITH("," TENSOR("z", "F32", "[5,0]", "32", "32")), DATA_BYTES},
        {WITH("," TENSOR("z", "F32", "[0]", "40", "40")), DATA_BYTES},
        {WITH("," TENSOR("z", "FP3", "[7]", "40", "43")), 43},
        {WITH("," TENSOR("z", "F4", "[6]", "40", "43")), 43},
        {WITH("," TENSOR("\\u001b[31mred", "U8", "[3]", "40", "43")), 43},
        {"{\"__metadata__\":{\"alexnet_cl\":\"1\",\"format\":\"pt\",\"network\":\"" NETWORK
         "\"}," WEIGHT "," BIAS "}",
         DATA_BYTES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        alx_model *model = NULL;
        if (read_header(cases[i].header, cases[i].data_bytes, &model) != ALX_STATUS_OK)
            fail_msg("%s: %s", cases[i].header, alx_error_message());
        alx_model_destroy(&model);
    }
}

static void text_from_files_cannot_move_the_cursor(void **state)
{
    (void)state;
    alx_model *model = NULL;
    assert_ok(read_header(WITH("," TENSOR("\\u001b[31mred", "U8", "[3]", "40", "43")), 43, &model));
    assert_non_null(strstr(test_warnings_last(), "?[31mred"));
    alx_model_destroy(&model);
    refuse(WITH("," TENSOR("\\u001b\\u009b", "U8", "[4]", "40", "43")), 43, "tensor ???: U8");
    refuse("{\"\xc2\x9b"
           "a\":1,\"\xc2\x9b"
           "a\":2}",
           0, "'\"??a\"'");
}

static const struct {
    const char *header, *part;
} wrong_headers[] = {
    {"{", "header: JSON"},
    {"{}", "network"},
    {"{\"a\"", "header: JSON"},
    {"{} x", "header: JSON"},
    {"{}{}", "header: JSON"},
    {"{'a':1}", "header: JSON"},
    {"{\"a\":1,}", "header: JSON"},
    {"{\"\xff\":1}", "unable to decode byte"},
    {"{\"\xc0\x80\":1}", "unable to decode byte"},
    {"{\"\xed\xa0\x80\":1}", "unable to decode byte"},
    {"{\"a\\u0000b\":1}", "header: JSON"},
    {"{\"a\\ud800\":1}", "header: JSON"},
    {"{\"a\nb\":1}", "header: JSON"},
    {"{\"a\":NaN}", "header: JSON"},
    {"{\"a\":1}", "tensor a: not described"},
    {"{\"a\":[]}", "tensor a: not described"},
    {"{\"a\":null}", "tensor a: not described"},
    {"{\"a\":{}}", "tensor a: \"dtype\""},
    {WITH("," WEIGHT), "duplicate"},
    {WITH("," META), "duplicate"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "duplicate"},
    {"{\"a\":{\"dtype\":32,\"shape\":[],\"data_offsets\":[0,4]}}", "tensor a: \"dtype\""},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "tensor a: \"shape\""},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", "tensor a: \"data_offsets\""},
    {TENSOR("a", "F32", "[1]", "0", "4"), "offset 0: no known model format"},
    {"{" TENSOR("a", "F32", "4", "0", "4") "}", "tensor a: \"shape\" is not an array"},
    {"{" TENSOR("a", "F32", "{}", "0", "4") "}", "tensor a: \"shape\" is not an array"},
    {"{" TENSOR("a", "F32", "[-1]", "0", "4") "}", "tensor a: dimension 0"},
    {"{" TENSOR("a", "F32", "[1,1.0]", "0", "4") "}", "tensor a: dimension 1"},
    {"{" TENSOR("a", "F32", "[\"1\"]", "0", "4") "}", "tensor a: dimension 0"},
    {"{" TENSOR("a", "F32", "[[1]]", "0", "4") "}", "tensor a: dimension 0"},
    {"{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", "tensor a: 9 dimensions"},
    {"{" TENSOR("a", "F32", "[4294967296,4294967296]", "0", "0") "}",
     "tensor a: its shape has too many"},
    {"{" TENSOR("a", "F32", "[4611686018427387904,4]", "0", "0") "}",
     "tensor a: its shape has too many"},
    {"{" TENSOR("a", "F32", "[4611686018427387904]", "0", "0") "}", "tensor a: F32"},
    {"{" TENSOR("a", "F64", "[288230376151711744]", "0", "0") "}", "tensor a: F64"},
    {"{" TENSOR("a", "F32", "[9223372036854775808]", "0", "0") "}", "big integer"},
    {"{" TENSOR("a", "F32", "[1]", "0", "5") "}", "tensor a: F32 [1] does not fill"},
    {"{" TENSOR("a", "F32", "[2]", "0", "4") "}", "tensor a: F32 [2] does not fill"},
    {"{" TENSOR("a", "F32", "[]", "0", "0") "}", "tensor a: F32 [] does not fill"},
    {"{" TENSOR("a", "F32", "[0]", "0", "4") "}", "tensor a: F32 [0] does not fill"},
    {"{" TENSOR("a", "F4", "[7]", "0", "3") "}", "tensor a: F4 [7] does not fill"},
    {"{" TENSOR("a", "F32", "[1]", "-4", "0") "}", "tensor a: \"data_offsets\""},
    {"{" TENSOR("a", "F32", "[1]", "4", "0") "}", "tensor a: \"data_offsets\""},
    {"{" TENSOR("a", "F32", "[1]", "0.0", "4") "}", "tensor a: \"data_offsets\""},
    {"{" TENSOR("a", "F32", "[1]", "0", "4e0") "}", "tensor a: \"data_offsets\""},
    {"{" TENSOR("a", "F32", "[1]", "\"0\"", "4") "}", "tensor a: \"data_offsets\""},
    {"{" TENSOR("a", "F32", "[1]", "0,2", "4") "}", "tensor a: \"data_offsets\""},
    {"{" TENSOR("a", "F32", "[1]", "0", "18446744073709551616") "}", "big integer"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":4}}", "tensor a: \"data_offsets\""},
    {"{\"__metadata__\":[]}", "metadata: not an object"},
    {"{\"__metadata__\":\"x\"}", "metadata: not an object"},
    {"{\"__metadata__\":{\"a\":1}}", "metadata: \"a\" is not a text"},
    {"{\"__metadata__\":{\"a\":null}}", "metadata: \"a\" is not a text"},
    {"{\"__metadata__\":{\"alexnet_cl\":\"2\"}}", "metadata: version 2"},
    {"{" META_OF("alexnut", "") "}", "did you mean alexnet"},
    {"{" META_OF("{", "") "}", "network: JSON"},
    {"{" META_OF("{}", "") "}", "network: no \"name\""},
};

static void wrong_headers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_headers / sizeof *wrong_headers; i++)
        refuse(wrong_headers[i].header, 0, wrong_headers[i].part);
}

static const struct {
    const char *header;
    size_t data_bytes;
    const char *part;
} wrong_contents[] = {
    /* the bytes after the header */
    {GOOD, DATA_BYTES - 1, "tensor fc.bias: ends at offset 40"},
    {GOOD, 32, "tensor fc.bias: ends at offset 40"},
    {GOOD, 31, "tensor fc.weight: ends at offset 32"},
    {GOOD, 0, "tensor fc.weight: ends at offset 32"},
    {GOOD, DATA_BYTES + 1, "1 trailing bytes"},
    {GOOD, DATA_BYTES + 1000, "1000 trailing bytes"},
    {WITH("," TENSOR("z", "F32", "[1]", "44", "48")), 48, "tensor z: begins at offset 44"},
    {WITH("," TENSOR("z", "F32", "[1]", "44", "48")), 48, "there is a hole"},
    {WITH("," TENSOR("z", "F32", "[1]", "36", "40")), 40, "they overlap"},
    {WITH("," TENSOR("z", "F32", "[1]", "0", "4")), 40, "they overlap"},
    {WITH("," TENSOR("z", "F32", "[10]", "0", "40")), 40, "they overlap"},
    {WITH("," TENSOR("z", "F32", "[0]", "16", "16")), 40, "tensor z: begins at offset 16"},
    {WITH("," TENSOR("z", "XX", "[1]", "40", "9223372036854775807")), 40, "cut off"},
    {WITH("," TENSOR("z", "XX", "[1]", "9223372036854775807", "9223372036854775807")), 40,
     "there is a hole"},
    {"{" META "," TENSOR("fc.weight", "F32", "[2,4]", "4", "36") "," TENSOR("fc.bias", "F32", "[2]",
                                                                            "36", "44") "}",
     44, "tensor fc.weight: begins at offset 4"},
    /* tensors against the network */
    {"{" META "}", 0, "tensor fc.weight [2, 4] is missing"},
    {"{" META "," WEIGHT "}", 32, "tensor fc.bias [2] is missing"},
    {"{" META "," WEIGHT "," TENSOR("fc.bias ", "F32", "[2]", "32", "40") "}", 40,
     "tensor fc.bias [2] is missing"},
    {"{" META "," WEIGHT "," TENSOR("FC.bias", "F32", "[2]", "32", "40") "}", 40,
     "tensor fc.bias [2] is missing"},
    {"{" META "," TENSOR("fc.weight", "F32", "[4,2]", "0", "32") "," BIAS "}", 40,
     "tensor fc.weight: its shape is [4, 2], but network n needs [2, 4]"},
    {"{" META "," TENSOR("fc.weight", "F32", "[2,1,2,2]", "0", "32") "," BIAS "}", 40,
     "tensor fc.weight: its shape is [2, 1, 2, 2]"},
    {"{" META "," TENSOR("fc.weight", "F32", "[8]", "0", "32") "," BIAS "}", 40,
     "tensor fc.weight: its shape is [8]"},
    {"{" META "," TENSOR("fc.weight", "F32", "[]", "0", "4") "," TENSOR("fc.bias", "F32", "[2]",
                                                                        "4", "12") "}",
     12, "tensor fc.weight: its shape is []"},
    {"{" META "," WEIGHT "," TENSOR("fc.bias", "F32", "[2,1]", "32", "40") "}", 40,
     "tensor fc.bias: its shape is [2, 1]"},
    {"{" META "," TENSOR("fc.weight", "F64", "[2,4]", "0", "64") "," TENSOR("fc.bias", "F32", "[2]",
                                                                            "64", "72") "}",
     72, "tensor fc.weight: values of type F64"},
    {"{" META "," WEIGHT "," TENSOR("fc.bias", "I8", "[2]", "32", "34") "}", 34,
     "tensor fc.bias: values of type I8"},
    {"{" META "," WEIGHT "," TENSOR("fc.bias", "F\\u001b9", "[2]", "32", "34") "}", 34,
     "tensor fc.bias: values of type F?9"},
    /* the rest of the metadata */
    {"{\"__metadata__\":{\"alexnet_cl\":\"1\"}," WEIGHT "," BIAS "}", 40,
     "use --network NAME with one of: alexnet, bvlc-alexnet"},
    {"{" WEIGHT "," BIAS "}", 40, "does not say its network, and its 2 tensors fit none"},
    {"{" META_OF(NETWORK, ",\"labels\":\"[\\\"a\\\"]\"") "," WEIGHT "," BIAS "}", 40,
     "labels: 1 labels, but network n has 2 classes"},
    {"{" META_OF(NETWORK, ",\"labels\":\"[\\\"a\\\",\\\"b\\\",\\\"c\\\"]\"") "," WEIGHT "," BIAS
                                                                             "}",
     40, "labels: 3 labels, but network n has 2 classes"},
    {"{" META_OF(NETWORK, ",\"labels\":\"[1,2]\"") "," WEIGHT "," BIAS "}", 40,
     "labels: the one of class 0"},
    {"{" META_OF(NETWORK, ",\"preprocess\":\"{}\"") "," WEIGHT "," BIAS "}", 40,
     "preprocess: \"resize\""},
    /* int8 and its scales */
    {"{" META "," TENSOR("fc.weight", "I8", "[2,4]", "0", "8") "," TENSOR("fc.bias", "F32", "[2]",
                                                                          "8", "16") "}",
     16, "tensor fc.weight: values of type I8"},
    {"{" META "," INT8_WITH("F16", "[2]", "16", "20") "}", 20, "tensor fc.weight_scale: not F32"},
    {"{" META "," INT8_WITH("F32", "[2,1]", "16", "24") "}", 24,
     "tensor fc.weight_scale: not F32, or not one value for each row"},
    {"{" META "," INT8_WITH("F32", "[1]", "16", "20") "}", 20, "tensor fc.weight_scale: not F32"},
    {"{" META "," INT8_WITH("F32", "[2]", "16", "24") "}", 24,
     "tensor fc.weight_scale: value 0 is not a positive number"},
    {"{" META "," WEIGHT "," TENSOR("fc.bias", "I8", "[2]", "32",
                                    "34") "," TENSOR("fc.bias_scale", "F32", "[2]", "34", "42") "}",
     42, "tensor fc.bias_scale: value 0 is not"},
    /* provenance */
    {"{" META_OF(NETWORK, ",\"converted_from\":\"[]\"") "," WEIGHT "," BIAS "}", 40,
     "converted_from: not an object of 3 texts"},
    {"{" META_OF(NETWORK, ",\"converted_from\":\"{}\"") "," WEIGHT "," BIAS "}", 40,
     "converted_from: not an object of 3 texts"},
    {"{" META_OF(NETWORK, ",\"converted_from\":\"{\\\"file\\\":1,\\\"format\\\":\\\"a\\\","
                          "\\\"sha256\\\":\\\"b\\\"}\"") "," WEIGHT "," BIAS "}",
     40, "converted_from: \"file\" is not"},
    {"{" META_OF(NETWORK, ",\"converted_from\":\"{\\\"file\\\":\\\"x\\\",\\\"format\\\":"
                          "\\\"a\\\",\\\"sha256\\\":\\\"b\\\"}\"") "," WEIGHT "," BIAS "}",
     40, "converted_from: \"sha256\" is not"},
    {WITH("," TENSOR("preprocess.mean_image", "F32", "[3,2,2]", "40", "88")), 88,
     "tensor preprocess.mean_image: its shape is [3, 2, 2], but network n needs [1, 2"},
    {WITH("," TENSOR("preprocess.mean_image", "F32", "[1,1,2]", "40", "48")), 48,
     "tensor preprocess.mean_image: its shape is [1, 1, 2]"},
    {WITH("," TENSOR("preprocess.mean_image", "F32", "[4]", "40", "56")), 56,
     "tensor preprocess.mean_image: its shape is [4]"},
    {WITH("," TENSOR("preprocess.mean_image", "F16", "[1,2,2]", "40", "48")), 48,
     "tensor preprocess.mean_image: its type is F16"},
    {WITH("," TENSOR("preprocess.mean_image", "F64", "[1,2,2]", "40", "72")), 72,
     "tensor preprocess.mean_image: values of type F64"},
    {"{" META_OF("{\\\"name\\\":\\\"n\\\",\\\"input\\\":[2,1,1],\\\"layers\\\":[{\\\"name\\\":"
                 "\\\"r\\\",\\\"kind\\\":\\\"relu\\\"}]}",
                 "") "}",
     0, "network n: reads 2 channels"},
    {"{" META_OF("{\\\"name\\\":\\\"n\\\",\\\"input\\\":[3,2,1],\\\"layers\\\":[{\\\"name\\\":"
                 "\\\"r\\\",\\\"kind\\\":\\\"relu\\\"}]}",
                 "") "}",
     0, "network n: its output is 2x1x3"},
};

static void wrong_contents_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_contents / sizeof *wrong_contents; i++)
        refuse(wrong_contents[i].header, wrong_contents[i].data_bytes, wrong_contents[i].part);
}

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    const uint64_t good = strlen(GOOD);
    const struct {
        uint64_t length;
        const char *part;
    } cases[] = {
        {0, "header: JSON"},
        {1, "header: JSON"},
        {good - 1, "header: JSON"},
        {good + 1, "header: JSON"}, /* a NUL of the data */
        {good + DATA_BYTES, "header: JSON"},
        {good + DATA_BYTES + 1, "offset 0: a header of"},
        {100000000, "offset 0: a header of"},
        {100000001, "offset 0: the header length 100000001 is above"},
        {(uint64_t)1 << 32, "offset 0: the header length"},
        {(uint64_t)1 << 63, "offset 0: the header length"},
        {UINT64_MAX, "offset 0: the header length"},
        {UINT64_MAX - 7, "offset 0: the header length"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes;
        uint8_t *file = make_file(cases[i].length, GOOD, strlen(GOOD), NULL, DATA_BYTES, &bytes);
        assert_refused(cases[i].part, file, bytes, cases[i].part);
        free(file);
    }
}

static void deep_and_wide_headers_are_refused(void **state)
{
    (void)state;
    enum { LONG = 3000000 };
    static const struct {
        const char *unit, *part;
    } cases[] = {
        {"[", "nested deeper than 32"},
        {"{\"\":", "nested deeper than 32"},
        {"[],", "more than 1048576 values"},
        {"0,", "more than 1048576 values"},
    };
    char *header = malloc(LONG + 16);
    assert_non_null(header);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t unit = strlen(cases[i].unit), bytes = 6;
        memcpy(header, "{\"a\":[", 6);
        for (; bytes + unit < LONG; bytes += unit)
            memcpy(header + bytes, cases[i].unit, unit);
        header[bytes] = 0;
        refuse(header, 0, cases[i].part);
    }
    memset(header, 'a', LONG); /* one long name */
    memcpy(header, "{\"", 2);
    memcpy(header + LONG - 6, "\":null}", 8);
    refuse(header, 0, "aaa...: not described");
    free(header);
}

static void values_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    const uint32_t nan32 = 0x7fc00000, inf32 = 0x7f800000, minus_inf32 = 0xff800000;
    const uint32_t signalling = 0x7f800001, largest = 0x7f7fffff;
    const struct {
        uint32_t bits;
        size_t index;
        const char *part;
    } cases[] = {
        {nan32, 0, "tensor fc.weight: value 0 is NaN or infinite"},
        {nan32, 7, "tensor fc.weight: value 7 is NaN or infinite"},
        {inf32, 3, "tensor fc.weight: value 3 is NaN or infinite"},
        {minus_inf32, 4, "tensor fc.weight: value 4 is NaN or infinite"},
        {signalling, 5, "tensor fc.weight: value 5 is NaN or infinite"},
        {nan32, 9, "tensor fc.bias: value 1 is NaN or infinite"},
        {largest, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t data[DATA_BYTES / 4] = {0};
        size_t bytes;
        data[cases[i].index] = cases[i].bits;
        uint8_t *file = make_file(strlen(GOOD), GOOD, strlen(GOOD), data, sizeof data, &bytes);
        if (cases[i].part) {
            assert_refused(cases[i].part, file, bytes, cases[i].part);
        } else {
            alx_model *model = NULL;
            assert_ok(alx_model_read("x", file, bytes, NULL, &model));
            alx_model_destroy(&model);
        }
        free(file);
    }
}

static void half_values_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        uint16_t bits;
        bool finite;
    } cases[] = {
        {"F16", 0x7c00, false},  {"F16", 0xfc00, false},         {"F16", 0x7e00, false},
        {"F16", 0x7bff, true},   {"F16", 0x7f80 & 0xfbff, true}, {"BF16", 0x7f80, false},
        {"BF16", 0xff80, false}, {"BF16", 0x7fc0, false},        {"BF16", 0x7c00, true},
        {"BF16", 0x7f7f, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[1024];
        uint16_t data[10] = {0};
        alx_model *model = NULL;
        size_t bytes;
        data[6] = cases[i].bits;
        snprintf(header, sizeof header,
                 "{" META ",\"fc.weight\":{\"dtype\":\"%s\",\"shape\":[2,4],\"data_offsets\":[0,"
                 "16]},\"fc.bias\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[16,20]}}",
                 cases[i].dtype, cases[i].dtype);
        uint8_t *file = make_file(strlen(header), header, strlen(header), data, 20, &bytes);
        if (cases[i].finite)
            assert_ok(alx_model_read("x", file, bytes, NULL, &model));
        else
            assert_refused(cases[i].dtype, file, bytes, "tensor fc.weight: value 6 is NaN");
        alx_model_destroy(&model);
        free(file);
    }
    const uint32_t mean[] = {0, 0, 0x7f800000, 0};
    const char *header = WITH("," TENSOR("preprocess.mean_image", "F32", "[1,2,2]", "40", "56"));
    uint8_t data[56] = {0};
    size_t bytes;
    memcpy(data + 40, mean, sizeof mean);
    uint8_t *file = make_file(strlen(header), header, strlen(header), data, 56, &bytes);
    assert_refused("mean image", file, bytes, "tensor preprocess.mean_image: value 2 is NaN");
    free(file);
}

/* Every prefix of a good file is refused, and every flipped bit leaves a file that is either fine
 * or refused. */
static void damaged_files_are_refused_or_read(void **state)
{
    (void)state;
    size_t bytes, refused = 0;
    uint8_t *file = make_file(strlen(GOOD), GOOD, strlen(GOOD), NULL, DATA_BYTES, &bytes);
    for (size_t i = 0; i < bytes; i++) {
        uint8_t *prefix = malloc(i ? i : 1); /* so that sanitisers see a byte too many */
        assert_non_null(prefix);
        memcpy(prefix, file, i);
        assert_refused("a prefix", prefix, i, "");
        const char *message = alx_error_message();
        assert_true(strstr(message, "tensor") || strstr(message, "offset"));
        free(prefix);
    }
    for (size_t i = 0; i < 8 * bytes; i++) {
        alx_model *model = NULL;
        file[i / 8] ^= (uint8_t)(1 << i % 8);
        enum alx_status status = alx_model_read("bad.safetensors", file, bytes, NULL, &model);
        assert_true(status == ALX_STATUS_OK || status == ALX_STATUS_MODEL);
        refused += status == ALX_STATUS_MODEL;
        alx_model_destroy(&model);
        file[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_true(refused > 4 * bytes);
    free(file);
}

static void other_files_are_no_models(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t bytes;
    } cases[] = {
        {"", 0},
        {"{", 1},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16},
        {"PK\5\6\0\0\0\0\0\0\0\0", 12},
        {"This is a text file.\n", 21},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused("no model", (const uint8_t *)cases[i].data, cases[i].bytes,
                       "offset 0: no known model format");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_reference_implementation_load),
        cmocka_unit_test(unusual_files_that_are_legal_load),
        cmocka_unit_test(text_from_files_cannot_move_the_cursor),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(wrong_contents_are_refused),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(deep_and_wide_headers_are_refused),
        cmocka_unit_test(values_that_are_not_finite_are_refused),
        cmocka_unit_test(half_values_that_are_not_finite_are_refused),
        cmocka_unit_test(damaged_files_are_refused_or_read),
        cmocka_unit_test(other_files_are_no_models),
    };
    test_warnings_watch();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
