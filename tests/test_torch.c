/* PyTorch's files: what torch wrote gives what torch computes; files that must be refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/model.h>

#include "golden/torch.h"
#include "model/model.h"
#include "net/shape.h"
#include "ops/op.h"
#include "support/files.h"
#include "support/test.h"
#include "support/zips.h"
#include "tensor/view.h"
#include "util/file.h"

enum { CLASSES = 5, INPUT_ELEMS = 3 * 224 * 224 };

static const char *golden_path(const char *name)
{
    static char path[512];
    const char *folder = getenv("ALX_TEST_GOLDEN");
    assert_non_null(folder);
    snprintf(path, sizeof path, "%s/torch/%s", folder, name);
    return path;
}

/* --- what torch wrote --- */

static const struct golden {
    const char *name, *network, *format;
    enum alx_dtype dtype;
    size_t copied; /* tensors that do not lie in the file as they are used */
    const double *output;
} goldens[] = {
    {"zip.pth", "alexnet-owt", "torch", ALX_DTYPE_F32, 0, golden_torch_f32},
    {"stream.pth", "alexnet-owt", "torch", ALX_DTYPE_F32, 0, golden_torch_f32},
    {"tar.pth", "alexnet-owt", "torch", ALX_DTYPE_F32, 0, golden_torch_f32},
    {"half.pth", "alexnet-owt", "torch", ALX_DTYPE_F16, 0, golden_torch_f16},
    {"bfloat16.pth", "alexnet-owt", "torch", ALX_DTYPE_BF16, 0, golden_torch_bf16},
    {"double.pth", "alexnet-owt", "torch", ALX_DTYPE_F32, 16, golden_torch_f32},
    {"views.pth", "alexnet-owt", "torch", ALX_DTYPE_F32, 1, golden_torch_f32},
    {"big_endian.pth", "alexnet-owt", "torch", ALX_DTYPE_F32, 16, golden_torch_f32},
    {"checkpoint.pth", "alexnet-owt", "torch", ALX_DTYPE_F32, 0, golden_torch_f32},
    {"alexnet.safetensors", "alexnet-owt", "safetensors", ALX_DTYPE_F32, 0, golden_torch_f32},
    {"vgg_11.pth", "vgg-11", "torch", ALX_DTYPE_F32, 0, golden_torch_vgg_11},
    {"alexnet_bn.pth", "alexnet-bn", "torch", ALX_DTYPE_F32, 10, golden_torch_alexnet_bn},
    {"deep_cluster.pth", "alexnet-bn", "torch", ALX_DTYPE_F32, 10, golden_torch_deep_cluster},
    {"examples.pth", "alexnet-bn", "torch", ALX_DTYPE_F32, 14, golden_torch_examples},
};
enum { GOLDEN_COUNT = sizeof goldens / sizeof *goldens };

static float *read_view(struct alx_tensor_view view)
{
    if (!view.elems)
        return NULL;
    float *values = malloc(view.elems * sizeof *values);
    assert_non_null(values);
    alx_view_read(view, 0, view.elems, values);
    return values;
}

/* One layer by its reference; the values go from `*x` to a new `*x`. */
static void run_layer(const alx_model *model, size_t index, float **x)
{
    const struct alx_layer_info *info = alx_net_layer(alx_model_net(model), index);
    size_t elems = alx_shape_elems(info->out);
    if (info->layer.kind == ALX_LAYER_DROPOUT)
        return;
    double *out = malloc(elems * sizeof *out);
    float *weights = read_view(alx_model_weights(model, index));
    float *biases = read_view(alx_model_biases(model, index));
    assert_non_null(out);
    alx_reference_run(info, 1, &(struct alx_reference){*x, weights, biases, out, NULL});
    *x = realloc(*x, elems * sizeof **x);
    assert_non_null(*x);
    for (size_t i = 0; i < elems; i++)
        (*x)[i] = (float)out[i];
    free(out);
    free(weights);
    free(biases);
}

static void assert_computes(const alx_model *model, const double *output)
{
    float *x = malloc(INPUT_ELEMS * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < INPUT_ELEMS; i++)
        x[i] = (float)((int)(37 * i % 101) - 50) / 64;
    for (size_t i = 0; i < alx_net_layer_count(alx_model_net(model)); i++)
        run_layer(model, i, &x);
    for (size_t i = 0; i < CLASSES; i++)
        if (!(fabs((double)x[i] - output[i]) < 1e-6))
            fail_msg("class %zu: %.9g instead of %.9g", i, (double)x[i], output[i]);
    free(x);
}

static size_t count_copied(const alx_model *model)
{
    const uint8_t *begin = model->mapping.data, *end = begin + model->mapping.bytes;
    size_t copied = 0;
    for (size_t i = 0; i < alx_net_layer_count(alx_model_net(model)); i++) {
        struct alx_tensor_view views[] = {alx_model_weights(model, i), alx_model_biases(model, i)};
        for (size_t j = 0; j < 2; j++) {
            const uint8_t *data = views[j].data;
            copied += views[j].elems && (data < begin || data >= end);
        }
    }
    return copied;
}

static void files_of_torch_give_its_results(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        const struct golden *g = &goldens[i];
        alx_model *model = NULL;
        assert_ok(alx_model_load(golden_path(g->name), NULL, &model));
        assert_string_equal(alx_model_format(model), g->format);
        assert_string_equal(alx_net_name(alx_model_net(model)), g->network);
        assert_int_equal(alx_model_class_count(model), CLASSES);
        assert_string_equal(alx_model_label(model, 4), "class 4");
        assert_int_equal(alx_model_weights(model, 0).dtype, g->dtype);
        const struct alx_preprocess *p = alx_model_preprocess(model);
        assert_int_equal(p->resize, ALX_RESIZE_CROP);
        assert_int_equal(p->resize_size, 256);
        assert_int_equal(p->order, ALX_ORDER_RGB);
        assert_true(p->scale == 1.0f / 255 && p->mean[0] == 0.485f && p->std[2] == 0.225f);
        assert_int_equal(count_copied(model), g->copied);
        assert_computes(model, g->output);
        alx_model_destroy(&model);
    }
}

static void the_network_may_be_named(void **state)
{
    (void)state;
    struct alx_model_options options = {.network = "alexnet-owt"};
    alx_model *model = NULL;
    assert_fails(alx_model_load(golden_path("zip.pth"), &options, &model), ALX_STATUS_MODEL,
                 "tensor features.0.weight: its shape is [3, 3, 11, 11], but network alexnet-owt "
                 "needs [64, 3, 11, 11]");
    options.network = "vgg-11";
    assert_fails(alx_model_load(golden_path("zip.pth"), &options, &model), ALX_STATUS_MODEL,
                 "tensor features.0.weight: its shape is [3, 3, 11, 11], but network vgg-11");
    options.network = "alexnet";
    assert_fails(alx_model_load(golden_path("zip.pth"), &options, &model), ALX_STATUS_MODEL,
                 "tensor conv1.weight [96, 3, 11, 11] is missing");
}

static void converted_files_compute_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"checkpoint.pth", "double.pth", "vgg_11.pth"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = test_files_path("converted.safetensors");
        alx_model *model = NULL, *converted = NULL;
        assert_ok(alx_model_load(golden_path(names[i]), NULL, &model));
        assert_ok(alx_model_save(model, path, ALX_DTYPE_F32));
        assert_ok(alx_model_load(path, NULL, &converted));
        assert_string_equal(alx_net_name(alx_model_net(converted)),
                            alx_net_name(alx_model_net(model)));
        assert_memory_equal(alx_model_preprocess(converted), alx_model_preprocess(model),
                            sizeof(struct alx_preprocess));
        for (size_t l = 0; l < alx_net_layer_count(alx_model_net(model)); l++) {
            struct alx_tensor_view a = alx_model_weights(model, l);
            struct alx_tensor_view b = alx_model_weights(converted, l);
            assert_int_equal(a.elems, b.elems);
            if (a.elems)
                assert_memory_equal(a.data, b.data, a.elems * sizeof(float));
        }
        alx_model_destroy(&converted);
        alx_model_destroy(&model);
    }
}

/* --- files that must be refused --- */

static enum alx_status read_bytes(const uint8_t *data, size_t bytes, struct alx_source *source)
{
    const struct alx_reader *reader = NULL;
    uint8_t *copy = malloc(bytes + !bytes); /* so that sanitisers see a byte too many */
    assert_non_null(copy);
    memcpy(copy, data, bytes);
    enum alx_status status = alx_reader_find(copy, bytes, &reader);
    if (status == ALX_STATUS_OK)
        status = reader->read(copy, bytes, source);
    free(copy); /* values are not looked at */
    return status;
}

static void refuse(const char *what, size_t number, const uint8_t *data, size_t bytes,
                   const char *part)
{
    struct alx_source source = {0};
    enum alx_status status = read_bytes(data, bytes, &source);
    if (status != ALX_STATUS_MODEL || !strstr(alx_error_message(), part))
        fail_msg("%s %zu: \"%s\" instead of \"%s\"", what, number, alx_error_message(), part);
    alx_source_free(&source);
}

#define BYTES(text) text, sizeof text - 1
#define OD          "ccollections\nOrderedDict\n)R"
#define ID(kind, key, elems)                                                                       \
    "(X\7\0\0\0storagectorch\n" kind "Storage\n" key "X\3\0\0\0cpu" elems "tQ"
#define KEY_0                    "X\1\0\0\0000"
#define FLOATS                   ID("Float", KEY_0, "K\4")
#define TENSOR(storage, o, s, t) "ctorch._utils\n_rebuild_tensor_v2\n(" storage o s t "\211" OD "tR"
#define MATRIX                   TENSOR(FLOATS, "K\0", "K\2K\2\206", "K\2K\1\206")
#define DICT(items)              "\200\2" OD "(" items "u."
#define NAME                     "X\3\0\0\0a.w"
#define PARAMETER                "ctorch.nn.parameter\nParameter\n"

/* A ZIP file around a pickle; storage 0 has 16 bytes. */
static struct test_zip around(const char *pickle, size_t bytes)
{
    struct test_zip zip = {0};
    test_zip_add(&zip, "top/data.pkl", pickle, bytes);
    test_zip_add(&zip, "top/byteorder", "little", 6);
    test_zip_add(&zip, "top/data/0", "0123456789abcdef", 16);
    test_zip_add(&zip, "top/version", "3\n", 2);
    test_zip_finish(&zip);
    return zip;
}

static const struct {
    const char *pickle;
    size_t bytes, tensors;
} good_pickles[] = {
    {BYTES(DICT(NAME MATRIX)), 1},
    {BYTES("\200\2}" NAME MATRIX "s."), 1},
    {BYTES(DICT(NAME MATRIX "X\1\0\0\0bK\1X\1\0\0\0cN")), 1},
    {BYTES(DICT(NAME "ctorch._utils\n_rebuild_parameter\n" MATRIX "\210" OD "\207R")), 1},
    {BYTES(DICT(NAME PARAMETER MATRIX "\205R(\210\211Ntb")), 1},
    {BYTES(DICT(NAME PARAMETER ")\201(" MATRIX "NN\210\211tb")), 1},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\4", "K\0\205", "K\1\205"))), 1},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\3", ")", ")"))), 1},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\1K\4\206", "K\77K\1\206"))), 1},
    {BYTES(DICT(NAME TENSOR(ID("Long", KEY_0, "K\2"), "K\0", "K\2\205", "K\1\205"))), 1},
    {BYTES(DICT(NAME TENSOR(ID("Double", KEY_0, "K\2"), "K\0", "K\2\205", "K\1\205"))), 1},
    {BYTES(DICT(NAME MATRIX "X\12\0\0\0module.b.w" MATRIX)), 2},
    {BYTES(DICT("X\5\0\0\0model" OD "(" NAME MATRIX "u" NAME MATRIX)), 1},
    {BYTES(DICT("X\5\0\0\0modelK\1" NAME MATRIX)), 1},
    {BYTES(DICT(NAME MATRIX "X\1\0\0\0dctorch\ndevice\nX\3\0\0\0cpu\205R")), 1},
};

static void unusual_pickles_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_pickles / sizeof *good_pickles; i++) {
        struct test_zip zip = around(good_pickles[i].pickle, good_pickles[i].bytes);
        struct alx_source source = {0};
        if (read_bytes(zip.data, zip.bytes, &source) != ALX_STATUS_OK)
            fail_msg("pickle %zu: %s", i, alx_error_message());
        assert_int_equal(source.tensor_count, good_pickles[i].tensors);
        assert_string_equal(source.tensors[0].name, "a.w");
        alx_source_free(&source);
        test_zip_free(&zip);
    }
}

static const struct {
    const char *pickle;
    size_t bytes;
    const char *part;
} wrong_pickles[] = {
    /* the object */
    {BYTES(""), "a pickle that is cut off"},
    {BYTES("\200\2N."), "None instead of a state dict"},
    {BYTES("\200\2]."), "a list instead of a state dict"},
    {BYTES("\200\2" MATRIX "."), "an object instead of a state dict"},
    {BYTES("\200\2" FLOATS "."), "something stored elsewhere instead of a state dict"},
    {BYTES("\200\2}."), "a dict without tensors"},
    {BYTES(DICT("")), "a dict without tensors"},
    {BYTES(DICT(NAME "K\1")), "a dict without tensors"},
    {BYTES(DICT(NAME FLOATS)), "a dict without tensors"},
    {BYTES(DICT("X\1\0\0\0a}" NAME MATRIX "s")), "a dict without tensors"},
    {BYTES(DICT("X\12\0\0\0state_dict}" NAME MATRIX)), "a dict without tensors"},
    {BYTES(DICT(NAME MATRIX NAME MATRIX)), "tensor a.w: is there twice"},
    {BYTES(DICT("X\12\0\0\0module.a.w" MATRIX NAME MATRIX)), "tensor a.w: is there twice"},
    {BYTES(DICT("K\1" MATRIX)), "a whole number where a text is expected"},
    {BYTES(DICT("X\3\0\0\0a\0b" MATRIX)), "a text with a NUL in it"},
    {BYTES("\200\2ctorchvision.models.alexnet\nAlexNet\n)\201}b."),
     "wants torchvision.models.alexnet.AlexNet, which is no part of a state dict"},
    {BYTES(DICT(NAME "cnumpy.core.multiarray\nscalar\n")), "wants numpy.core.multiarray.scalar"},
    {BYTES(DICT(NAME "ctorch._utils\n_rebuild_sparse_tensor\n")), "_rebuild_sparse_tensor"},
    {BYTES(DICT(NAME "ctorch.storage\n_load_from_bytes\n")), "wants torch.storage._load_from"},
    {BYTES(DICT(NAME "ctorch\nload\nX\1\0\0\0x\205R")), "wants torch.load"},
    {BYTES(DICT(NAME "ctorch\nFloatStorage\n)R")), "calls what cannot be called"},
    /* parameters that are none */
    {BYTES(DICT(NAME PARAMETER ")R")), "a dict without tensors"},
    {BYTES(DICT(NAME PARAMETER ")RN\205b")), "a dict without tensors"},
    {BYTES(DICT(NAME PARAMETER ")Rq\1h\1\205b")), "a dict without tensors"}, /* of itself */
    /* the arguments of a tensor */
    {BYTES(DICT(NAME "ctorch._utils\n_rebuild_tensor_v2\n)R")), "not the arguments of a tensor"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "N", "K\4\205", "K\1\205"))), "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "J\377\377\377\377", "K\4\205", "K\1\205"))),
     "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\4", "K\1\205"))), "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "N\205", "K\1\205"))), "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "J\376\377\377\377\205", "K\1\205"))),
     "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\4\205", ")"))), "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\4\205", "K\1K\1\206"))), "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\4\205", "J\377\377\377\377\205"))),
     "not the arguments"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", ")"))),
     "a tensor of 9 dimensions"},
    /* its extent */
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\5\205", "K\1\205"))),
     "tensor a.w: reaches value 4, but its storage has only 4"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\1", "K\4\205", "K\1\205"))), "tensor a.w: reaches value 4"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\4", ")", ")"))), "tensor a.w: reaches value 4"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\5", "K\0\205", "K\1\205"))), "its storage has only 4"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\2K\2\206", "K\3K\1\206"))), "reaches value 4"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "\212\10\377\377\377\377\377\377\377\177", ")", ")"))),
     "its storage has only 4"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\3\205",
                            "\212\10\377\377\377\377\377\377\377\177"
                            "\205"))),
     "its storage has only 4"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "\212\5\0\0\0\0\1\212\5\0\0\0\0\1\206", "K\0K\0\206"))),
     "tensor a.w: its shape has too many values"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\5\205", "K\0\205"))), "used again and again"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\377K\377K\377\207", "K\0K\0K\0\207"))),
     "used again and again"},
    {BYTES(DICT(NAME TENSOR(FLOATS, "K\0", "K\3K\3\206", "K\1K\0\206"))), "used again and again"},
    /* its storage */
    {BYTES(DICT(NAME TENSOR("N", "K\0", "K\4\205", "K\1\205"))), "not the id of a storage"},
    {BYTES(DICT(NAME TENSOR("X\1\0\0\0aQ", "K\0", "K\4\205", "K\1\205"))), "not the id"},
    {BYTES(DICT(NAME TENSOR(")Q", "K\0", "K\4\205", "K\1\205"))), "not the id of a storage"},
    {BYTES(DICT(NAME TENSOR(ID("Float", "K\0", "K\4"), "K\0", ")", ")"))), "not the id"},
    {BYTES(DICT(NAME TENSOR(ID("Float", KEY_0, "N"), "K\0", ")", ")"))), "not the id"},
    {BYTES(DICT(NAME TENSOR(ID("Float", KEY_0, "J\0\0\0\377"), "K\0", ")", ")"))), "not the id"},
    {BYTES(DICT(NAME TENSOR(ID("Float", KEY_0, ""), "K\0", ")", ")"))), "not the id"},
    {BYTES(DICT(NAME TENSOR(ID("Untyped", KEY_0, "K\4"), "K\0", ")", ")"))),
     "wants torch.UntypedStorage"},
    {BYTES(DICT(NAME TENSOR(ID("Float", KEY_0, "K\4K\0"), "K\0", ")", ")"))),
     "a storage that is a part of another one"},
    {BYTES(DICT(NAME TENSOR(ID("Float", KEY_0, "K\3"), "K\0", ")", ")"))),
     "storage data/0 has 16 bytes, but should have 3 values of F32"},
    {BYTES(DICT(NAME TENSOR(ID("Half", KEY_0, "K\4"), "K\0", ")", ")"))), "should have 4 values"},
    {BYTES(DICT(NAME TENSOR(ID("Float", KEY_0, "\212\10\4\0\0\0\0\0\0\100"), "K\0", ")", ")"))),
     "storage data/0 has 16 bytes"},
    {BYTES(DICT(NAME TENSOR(ID("Float", "X\1\0\0\0001", "K\4"), "K\0", ")", ")"))),
     "the ZIP file has no storage data/1"},
    {BYTES(DICT(NAME TENSOR(ID("Float", "X\2\0\0\0000\0", "K\4"), "K\0", ")", ")"))),
     "the ZIP file has no storage data/0"},
    {BYTES(DICT(NAME TENSOR(ID("Float", "X\0\0\0\0", "K\4"), "K\0", ")", ")"))), "no storage"},
    {BYTES(DICT(NAME TENSOR(ID("Float", "X\14\0\0\000../../etc/p0", "K\4"), "K\0", ")", ")"))),
     "the ZIP file has no storage data/../../etc/p0"},
};

/* Pickles that say little, but very often. */
static void repetition_is_bounded(void **state)
{
    (void)state;
    enum { MANY = 70000 };
    static const struct {
        const char *begin, *unit, *end, *part;
        size_t begin_bytes, unit_bytes, end_bytes, times;
    } cases[] = {
#define CASE(begin, unit, end, times, part)                                                        \
    {begin, unit, end, part, sizeof begin - 1, sizeof unit - 1, sizeof end - 1, times}
        CASE("\200\2}(" NAME "q\1" MATRIX "q\2", "h\1h\2", "u.", MANY, "a dict of 70001 pairs"),
        CASE("\200\2}(" NAME "q\1" MATRIX "q\2", "h\1h\2", "u.", 99, "is there twice"),
        CASE("\200\2}(" NAME "q\1" TENSOR(FLOATS, "K\0", "K\2K\2\206", "K\1K\2\206") "q\2",
             "h\1h\2", "u.", MANY / 2, "tensor a.w: with it, more values are converted"),
        CASE("\200\2}X\376\377\0\0", "module.", MATRIX "s.", 9362, "a text of 65534 bytes"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes = cases[i].begin_bytes + cases[i].times * cases[i].unit_bytes;
        char *pickle = malloc(bytes + cases[i].end_bytes);
        assert_non_null(pickle);
        memcpy(pickle, cases[i].begin, cases[i].begin_bytes);
        for (size_t j = 0; j < cases[i].times; j++)
            memcpy(pickle + cases[i].begin_bytes + j * cases[i].unit_bytes, cases[i].unit,
                   cases[i].unit_bytes);
        memcpy(pickle + bytes, cases[i].end, cases[i].end_bytes);
        struct test_zip zip = around(pickle, bytes + cases[i].end_bytes);
        refuse("repetition", i, zip.data, zip.bytes, cases[i].part);
        test_zip_free(&zip);
        free(pickle);
    }
}

static void wrong_pickles_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_pickles / sizeof *wrong_pickles; i++) {
        struct test_zip zip = around(wrong_pickles[i].pickle, wrong_pickles[i].bytes);
        refuse("pickle", i, zip.data, zip.bytes, wrong_pickles[i].part);
        test_zip_free(&zip);
    }
}

static void wrong_members_are_refused(void **state)
{
    (void)state;
    static const char good[] = DICT(NAME MATRIX);
    static const struct {
        const char *names[3], *contents[3];
        const char *part;
    } cases[] = {
        {{"a.txt"}, {"x"}, "a ZIP file without data.pkl"},
        {{"data.pkl"}, {NULL}, "a ZIP file without data.pkl"},
        {{"topdata.pkl"}, {NULL}, "a ZIP file without data.pkl"},
        {{"top/data.pkl2"}, {NULL}, "a ZIP file without data.pkl"},
        {{"a/data.pkl", "b/data.pkl"}, {NULL, NULL}, "a second data.pkl"},
        {{"t/constants.pkl", "t/data.pkl"}, {"x", NULL}, "a TorchScript program"},
        {{"t/byteorder", "t/data.pkl"}, {"middle", NULL}, "the byte order is neither"},
        {{"t/byteorder", "t/data.pkl"}, {"", NULL}, "the byte order is neither"},
        {{"t/data.pkl"}, {NULL}, "no storage data/0"},
        {{"t/data.pkl", "u/data/0"}, {NULL, "0123456789abcdef"}, "no storage data/0"},
        {{"t/data.pkl", "t/data/00"}, {NULL, "0123456789abcdef"}, "no storage data/0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_zip zip = {0};
        for (size_t j = 0; j < 3 && cases[i].names[j]; j++)
            test_zip_add(&zip, cases[i].names[j],
                         cases[i].contents[j] ? cases[i].contents[j] : good,
                         cases[i].contents[j] ? strlen(cases[i].contents[j]) : sizeof good - 1);
        test_zip_finish(&zip);
        refuse("members", i, zip.data, zip.bytes, cases[i].part);
        test_zip_free(&zip);
    }
    struct test_zip zip = around(good, sizeof good - 1);
    zip.data[zip.members[2].content] ^= 1;
    refuse("members", 99, zip.data, zip.bytes, "the ZIP member top/data/0 is damaged");
    test_zip_free(&zip);
}

static struct alx_mapping map_golden(const char *name)
{
    struct alx_mapping mapping = {0};
    assert_ok(alx_file_map(golden_path(name), &mapping));
    return mapping;
}

/* Every prefix is refused; with a changed bit, a file is read or refused, and never worse. */
static void damaged_files_are_refused_or_read(void **state)
{
    (void)state;
    static const char *const names[] = {"zip.pth", "stream.pth", "tar.pth", "checkpoint.pth"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct alx_mapping file = map_golden(names[n]);
        uint8_t *copy = malloc(file.bytes);
        assert_non_null(copy);
        memcpy(copy, file.data, file.bytes);
        size_t end = file.bytes;
        while (!copy[end - 1]) /* a tar file ends in zeros that nobody needs */
            end--;
        for (size_t i = 0; i < end; i += i < 3000 || i + 1000 > end ? 7 : 97)
            refuse(names[n], i, copy, i, "");
        for (size_t i = 0; i < 8 * file.bytes; i += i < 8 * 3000 ? 3 : 801) {
            struct alx_source source = {0};
            copy[i / 8] ^= (uint8_t)(1 << i % 8);
            enum alx_status status = read_bytes(copy, file.bytes, &source);
            assert_true(status == ALX_STATUS_OK || status == ALX_STATUS_MODEL);
            alx_source_free(&source);
            copy[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        free(copy);
        alx_file_unmap(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_torch_give_its_results),
        cmocka_unit_test(the_network_may_be_named),
        cmocka_unit_test(converted_files_compute_the_same),
        cmocka_unit_test(unusual_pickles_are_read),
        cmocka_unit_test(wrong_pickles_are_refused),
        cmocka_unit_test(repetition_is_bounded),
        cmocka_unit_test(wrong_members_are_refused),
        cmocka_unit_test(damaged_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
