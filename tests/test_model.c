/* Models: made, saved, loaded again, found by name, and what comes with them. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <alexnet_cl/model.h>

#include "model/model.h"
#include "model/net_json.h"
#include "support/files.h"
#include "support/test.h"
#include "support/views.h"
#include "tensor/view.h"
#include "util/sha256.h"
#include "util/text.h"

#define CONV1                                                                                      \
    "{\"name\":\"conv1\",\"kind\":\"conv\",\"activation\":\"relu\",\"out_channels\":4,"            \
    "\"kernel\":[3,2],\"stride\":[2,1]}"
#define FC3 "{\"name\":\"fc3\",\"kind\":\"fc\",\"out_channels\":5}"
#define SMALL_LAYERS                                                                               \
    CONV1 ",{\"name\":\"norm1\",\"kind\":\"lrn\",\"size\":5,\"alpha\":0.0001,\"beta\":0.75,\"k\":" \
          "2},"                                                                                    \
          "{\"name\":\"conv2\",\"kind\":\"conv\",\"out_channels\":6,\"kernel\":[3,3],"             \
          "\"padding\":[1,1,1,1],\"groups\":2,\"bias\":false},"                                    \
          "{\"name\":\"relu2\",\"kind\":\"relu\"}," FC3
enum { SMALL_LAYER_COUNT = 5, CLASSES = 5 };

static alx_net *make_net(const char *name, size_t channels, const char *layers)
{
    char text[1024];
    alx_net *net = NULL;
    snprintf(text, sizeof text, "{\"name\":\"%s\",\"input\":[%zu,9,8],\"layers\":[%s]}", name,
             channels, layers);
    assert_ok(alx_net_from_text(text, &net));
    return net;
}

static alx_net *small_net(void)
{
    return make_net("small", 3, SMALL_LAYERS);
}

static alx_model *small_model(void)
{
    alx_net *net = small_net();
    alx_model *model = NULL;
    assert_ok(alx_model_create_random(net, 5, &model));
    alx_net_destroy(&net);
    return model;
}

static void assert_same_file(const char *a, const char *b)
{
    struct alx_mapping x = {0}, y = {0};
    assert_ok(alx_file_map(a, &x));
    assert_ok(alx_file_map(b, &y));
    assert_int_equal(x.bytes, y.bytes);
    assert_memory_equal(x.data, y.data, x.bytes);
    alx_file_unmap(&x);
    alx_file_unmap(&y);
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
    assert_int_equal(alx_net_layer_count(alx_model_net(loaded)), SMALL_LAYER_COUNT + 1);
    for (size_t i = 0; i <= SMALL_LAYER_COUNT; i++) {
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

static void the_other_types_hold_rounded_values(void **state)
{
    (void)state;
    const enum alx_dtype dtypes[] = {ALX_DTYPE_F16, ALX_DTYPE_BF16};
    const float steps[] = {0x1p-11f, 0x1p-8f};
    alx_model *model = small_model();
    for (size_t d = 0; d < 2; d++) {
        const char *path = test_files_path("half.safetensors");
        const char *again = test_files_path("again.safetensors");
        const char *third = test_files_path("third.safetensors");
        const char *full = test_files_path("full.safetensors");
        alx_model *half = NULL, *wide = NULL;
        assert_ok(alx_model_save(model, path, dtypes[d]));
        assert_ok(alx_model_load(path, NULL, &half));
        for (size_t i = 0; i < SMALL_LAYER_COUNT; i++) {
            struct alx_tensor_view a = alx_model_weights(model, i), b = alx_model_weights(half, i);
            assert_int_equal(a.elems, b.elems);
            assert_true(!a.elems || b.dtype == dtypes[d]);
            for (size_t j = 0; j < a.elems; j++) {
                float x, y;
                alx_view_read(a, j, 1, &x);
                alx_view_read(b, j, 1, &y);
                assert_true(fabsf(x - y) <= steps[d] * fabsf(x) + 0x1p-24f);
            }
        }
        /* once rounded, nothing changes any more: as the same type, or through F32 */
        assert_ok(alx_model_save(half, again, dtypes[d]));
        assert_ok(alx_model_save(half, full, ALX_DTYPE_F32));
        assert_ok(alx_model_load(full, NULL, &wide));
        assert_ok(alx_model_save(wide, third, dtypes[d]));
        assert_same_file(again, third);
        for (size_t i = 0; i < SMALL_LAYER_COUNT; i++)
            if (alx_model_weights(half, i).elems)
                assert_true(alx_model_weights(wide, i).dtype == ALX_DTYPE_F32);
        alx_model_destroy(&wide);
        alx_model_destroy(&half);
    }
    alx_model_destroy(&model);
}

static void saving_keeps_everything(void **state)
{
    (void)state;
    static const char *const goldens[] = {"f32", "f16", "bf16"};
    for (enum alx_dtype dtype = ALX_DTYPE_F32; dtype <= ALX_DTYPE_BF16; dtype++) {
        char golden[512];
        const char *saved = test_files_path("kept.safetensors");
        const char *again = test_files_path("again.safetensors");
        alx_model *first = NULL, *second = NULL;
        snprintf(golden, sizeof golden, "%s/safetensors/%s.safetensors", getenv("ALX_TEST_GOLDEN"),
                 goldens[dtype]);
        assert_ok(alx_model_load(golden, NULL, &first));
        assert_ok(alx_model_save(first, saved, dtype));
        assert_ok(alx_model_load(saved, NULL, &second));
        const struct alx_preprocess *p = alx_model_preprocess(first);
        const struct alx_preprocess *q = alx_model_preprocess(second);
        size_t mean_bytes = sizeof(float) * 3 * p->mean_height * p->mean_width;
        assert_string_equal(alx_model_name(second), "golden model");
        assert_string_equal(second->provenance.note, "made by make_safetensors.py");
        assert_string_equal(alx_model_label(second, 0), "\xc3\xa9t\xc3\xa9");
        assert_true(p->resize == q->resize && p->filter == q->filter && p->order == q->order &&
                    p->resize_size == q->resize_size && p->scale == q->scale);
        assert_memory_equal(p->mean, q->mean, sizeof p->mean);
        assert_memory_equal(p->std, q->std, sizeof p->std);
        assert_int_equal(p->mean_height, q->mean_height);
        if (p->mean_image)
            assert_memory_equal(p->mean_image, q->mean_image, mean_bytes);
        for (size_t i = 0; i < alx_net_layer_count(alx_model_net(first)); i++) {
            assert_same_values(alx_model_weights(first, i), alx_model_weights(second, i));
            assert_same_values(alx_model_biases(first, i), alx_model_biases(second, i));
        }
        assert_ok(alx_model_save(second, again, dtype));
        assert_same_file(saved, again);
        /* the values begin at a multiple of 8, and each tensor at one of its type */
        assert_int_equal((uintptr_t)alx_model_weights(second, 0).data % 4, 0);
        alx_model_destroy(&first);
        alx_model_destroy(&second);
    }
}

static void a_model_can_replace_its_own_file(void **state)
{
    (void)state;
    const char *path = test_files_path("self.safetensors");
    alx_model *model = small_model(), *loaded = NULL;
    assert_ok(alx_model_save(model, path, ALX_DTYPE_F32));
    assert_ok(alx_model_load(path, NULL, &loaded));
    assert_ok(alx_model_save(loaded, path, ALX_DTYPE_F16));
    assert_same_values(alx_model_weights(model, 0), alx_model_weights(loaded, 0));
    alx_model_destroy(&loaded);
    assert_ok(alx_model_load(path, NULL, &loaded));
    assert_int_equal(alx_model_weights(loaded, 0).dtype, ALX_DTYPE_F16);
    alx_model_destroy(&model);
    alx_model_destroy(&loaded);
}

static void what_cannot_be_saved_leaves_nothing(void **state)
{
    (void)state;
    alx_model *model = small_model();
    size_t before = test_files_count();
    const char *path = test_files_path("full.disk");
    struct rlimit old, small = {1000, RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum alx_status status = alx_model_save(model, path, ALX_DTYPE_F32);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, ALX_STATUS_FILE_UNWRITABLE);
    assert_non_null(strstr(alx_error_message(), path));
    assert_fails(alx_model_save(model, "/nowhere/a/b.safetensors", ALX_DTYPE_F32),
                 ALX_STATUS_FILE_UNWRITABLE, "/nowhere/a/b.safetensors: ");
    assert_int_equal(test_files_count(), before);
    /* a value beyond half's range */
    float large = 65520;
    memcpy(model->values + 3, &large, sizeof large);
    assert_fails(alx_model_save(model, path, ALX_DTYPE_F16), ALX_STATUS_MODEL,
                 "full.disk: tensor conv1.weight: value 3 is too large for F16");
    assert_int_equal(test_files_count(), before);
    assert_ok(alx_model_save(model, path, ALX_DTYPE_BF16));
    alx_model_destroy(&model);
}

static void random_models_are_reproducible(void **state)
{
    (void)state;
    alx_net *net = small_net();
    alx_model *a = NULL, *b = NULL, *c = NULL;
    char digest[65];
    assert_ok(alx_model_create_random(net, 1, &a));
    assert_ok(alx_model_create_random(net, 1, &b));
    assert_ok(alx_model_create_random(net, 2, &c));
    assert_string_equal(alx_model_format(a), "random");
    assert_string_equal(alx_model_path(a), "");
    assert_string_equal(alx_model_name(a), "small");
    assert_string_equal(alx_model_label(a, 3), "class 3");
    assert_ok(alx_model_sha256(a, digest));
    assert_string_equal(digest, "");
    for (size_t i = 0; i < SMALL_LAYER_COUNT; i++) {
        const struct alx_layer_info *info = alx_net_layer(net, i);
        struct alx_tensor_view w = alx_model_weights(a, i), x = alx_model_biases(a, i);
        size_t fan_in = w.elems / (w.elems ? info->out.channels : 1);
        assert_int_equal(w.elems + x.elems, info->parameters);
        assert_same_values(w, alx_model_weights(b, i));
        assert_same_values(x, alx_model_biases(b, i));
        if (!w.elems)
            continue;
        assert_memory_not_equal(w.data, alx_model_weights(c, i).data, w.elems * sizeof(float));
        const float *values = w.data, *biases = x.data;
        double squares = 0;
        for (size_t j = 0; j < w.elems; j++)
            squares += (double)values[j] * (double)values[j];
        assert_true(fabs(squares / (double)w.elems * (double)fan_in - 2) < 0.6);
        for (size_t j = 0; j < x.elems; j++)
            assert_true(biases[j] >= 0 && biases[j] <= 0.1f);
    }
    alx_net_destroy(&net);
    alx_model_destroy(&a);
    alx_model_destroy(&b);
    alx_model_destroy(&c);
}

/* A net of any output can be random, but only a classifier can be a file. */
static void only_classifiers_are_saved(void **state)
{
    (void)state;
    alx_net *net = NULL;
    alx_model *model = NULL;
    const char *path = test_files_path("none.safetensors");
    net = make_net("flat", 3, CONV1);
    assert_ok(alx_model_create_random(net, 1, &model));
    assert_int_equal(alx_model_class_count(model), 4 * 4 * 7);
    assert_fails(alx_model_save(model, path, ALX_DTYPE_F32), ALX_STATUS_MODEL, "output is 4x7x4");
    alx_net_destroy(&net);
    alx_model_destroy(&model);
    net = make_net("deep", 5, FC3);
    assert_ok(alx_model_create_random(net, 1, &model));
    assert_fails(alx_model_save(model, path, ALX_DTYPE_F32), ALX_STATUS_MODEL, "reads 5 channels");
    alx_net_destroy(&net);
    alx_model_destroy(&model);
}

static void labels_come_from_a_file(void **state)
{
    (void)state;
    const char *path = test_files_path("labels.safetensors");
    alx_model *model = small_model(), *loaded = NULL;
    assert_ok(alx_model_save(model, path, ALX_DTYPE_F32));
    struct alx_model_options options = {
        .labels_path = test_files_write_text("l.txt", "a\r\nb\r\nc\r\nd\r\ne\r\n")};
    assert_ok(alx_model_load(path, &options, &loaded));
    assert_string_equal(alx_model_label(loaded, 0), "a");
    assert_string_equal(alx_model_label(loaded, 4), "e");
    alx_model_destroy(&loaded);
    options.labels_path = test_files_write_text("l.txt", "a\nb\nc\nd\n");
    assert_fails(alx_model_load(path, &options, &loaded), ALX_STATUS_MODEL,
                 "l.txt: 4 labels, but network small has 5 classes");
    options.labels_path = test_files_write_text("l.txt", "\n");
    assert_fails(alx_model_load(path, &options, &loaded), ALX_STATUS_MODEL, "l.txt: 0 labels");
    options.labels_path = test_files_path("no.txt");
    assert_fails(alx_model_load(path, &options, &loaded), ALX_STATUS_FILE_NOT_FOUND, "no.txt");
    assert_null(loaded);
    alx_model_destroy(&model);
}

static void the_digest_is_the_files(void **state)
{
    (void)state;
    static const char hex_of_f16[] =
        "9ebc65371aa40e9ccaf3c6789f5bc2faeb46a05b0d4383b8f6d81c9be251d0d9";
    char path[512], digest[65];
    alx_model *model = NULL;
    snprintf(path, sizeof path, "%s/safetensors/f16.safetensors", getenv("ALX_TEST_GOLDEN"));
    assert_ok(alx_model_load(path, NULL, &model));
    for (int i = 0; i < 2; i++) {
        assert_ok(alx_model_sha256(model, digest));
        assert_string_equal(digest, hex_of_f16);
    }
    alx_model_destroy(&model);
}

/* Writes a sparse file of zeros with the network's tensors as F16. */
static const char *write_zeros(const char *name, const char *metadata, const alx_net *net)
{
    struct alx_text header = {0};
    size_t offset = 0;
    alx_text_add(&header, "{\"__metadata__\":{%s}", metadata);
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        size_t count = alx_needs_of(alx_net_layer(net, i), needs);
        for (size_t j = 0; j < count; j++) {
            char dims[ALX_SHOW_BYTES];
            size_t bytes = 2;
            for (size_t d = 0; d < needs[j].dim_count; d++)
                bytes *= needs[j].dims[d];
            alx_text_add(&header,
                         ",\"%s\":{\"dtype\":\"F16\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                         needs[j].name, alx_show_dims(needs[j].dims, needs[j].dim_count, dims),
                         offset, offset + bytes);
            offset += bytes;
        }
    }
    alx_text_add(&header, "}");
    uint64_t length = header.bytes;
    const char *path = test_files_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(&length, 1, 8, file), 8);
    assert_int_equal(fwrite(header.data, 1, header.bytes, file), header.bytes);
    assert_int_equal(fflush(file), 0);
    assert_int_equal(ftruncate(fileno(file), (off_t)(8 + header.bytes + offset)), 0);
    assert_int_equal(fclose(file), 0);
    alx_text_free(&header);
    return path;
}

/* Neither checking the values nor the digest keeps in memory what nobody reads any more. */
static void loading_and_digest_leave_no_pages(void **state)
{
    (void)state;
    const struct alx_model_options options = {.network = "alexnet"};
    uint8_t whole[ALX_SHA256_BYTES];
    char digest[65], expected[65];
    alx_net *net = NULL;
    alx_model *model = NULL;
    assert_ok(alx_net_create_named("alexnet", &net));
    const char *path = write_zeros("large.safetensors", "", net);
    const size_t start = test_resident_pages();
    assert_ok(alx_model_load(path, &options, &model));
    const struct alx_mapping *mapping = &model->mapping;
    const size_t pages = mapping->bytes / (size_t)sysconf(_SC_PAGESIZE);
    assert_true(test_resident_pages() < start + pages / 4);
    alx_sha256(mapping->data, mapping->bytes, whole);
    alx_sha256_hex(whole, expected);
    size_t before = test_resident_pages();
    assert_true(before > pages);
    assert_ok(alx_model_sha256(model, digest));
    assert_string_equal(digest, expected);
    assert_true(test_resident_pages() < before - pages * 3 / 4);
    alx_model_destroy(&model);
    alx_net_destroy(&net);
}

static void weights_alone_need_a_network(void **state)
{
    (void)state;
    alx_net *net = NULL;
    alx_model *model = NULL;
    struct alx_model_options options = {.network = "bvlc-alexnet"};
    assert_ok(alx_net_create_named("alexnet", &net));
    const char *path = write_zeros("alone.safetensors", "", net);
    /* The paper's network and Caffe's have the same tensors. */
    assert_fails(alx_model_load(path, NULL, &model), ALX_STATUS_MODEL,
                 "tensors fit several; use --network NAME with one of: alexnet, bvlc-alexnet");
    assert_ok(alx_model_load(path, &options, &model));
    assert_string_equal(alx_net_name(alx_model_net(model)), "bvlc-alexnet");
    assert_string_equal(alx_model_name(model), "alone");
    assert_int_equal(alx_model_class_count(model), 1000);
    assert_string_equal(alx_model_label(model, 281), "tabby"); /* ImageNet's */
    assert_int_equal(alx_model_preprocess(model)->order, ALX_ORDER_BGR);
    alx_model_destroy(&model);
    options.network = "alexnut";
    assert_fails(alx_model_load(path, &options, &model), ALX_STATUS_USAGE, "did you mean alexnet");
    alx_net_destroy(&net);
    net = small_net();
    path = write_zeros("small.safetensors", "", net);
    assert_fails(alx_model_load(path, NULL, &model), ALX_STATUS_MODEL, "5 tensors fit none");
    options.network = "alexnet";
    assert_fails(alx_model_load(path, &options, &model), ALX_STATUS_MODEL,
                 "tensor conv1.weight: its shape is [4, 3, 3, 2], but network alexnet needs [96, "
                 "3, 11, 11]");
    alx_net_destroy(&net);
}

static void the_network_asked_for_wins(void **state)
{
    (void)state;
    const struct alx_model_options options = {.network = "bvlc-alexnet"};
    alx_net *net = NULL;
    alx_model *model = NULL;
    assert_ok(alx_net_create_named("alexnet", &net));
    const char *path =
        write_zeros("told.safetensors", "\"alexnet_cl\":\"1\",\"network\":\"alexnet\"", net);
    assert_ok(alx_model_load(path, NULL, &model));
    assert_true(alx_net_layer(alx_model_net(model), 1)->layer.lrn_k == 2);
    alx_model_destroy(&model);
    assert_ok(alx_model_load(path, &options, &model));
    assert_true(alx_net_layer(alx_model_net(model), 1)->layer.lrn_k == 1);
    alx_model_destroy(&model);
    alx_net_destroy(&net);
}

static void one_fitting_network_is_recognised(void **state)
{
    (void)state;
    alx_net *nets[3] = {NULL};
    struct alx_source source = {0};
    struct alx_source_tensor tensors[3] = {0};
    const struct alx_naming *naming = NULL;
    alx_net *found = NULL;
    nets[0] = small_net();
    nets[1] = make_net("two", 3, FC3);
    nets[2] = make_net("one", 3, CONV1);
    for (size_t i = 0; i < 2; i++) {
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        alx_needs_of(alx_net_layer(nets[2], 0), needs);
        tensors[i].name = strdup(needs[1 - i].name); /* bias, weight: sorted */
        tensors[i].dim_count = needs[1 - i].dim_count;
        memcpy(tensors[i].dims, needs[1 - i].dims, sizeof needs->dims);
    }
    source.tensors = tensors;
    source.tensor_count = 2;
    const alx_net *const *candidates = (const alx_net *const *)nets;
    assert_ok(alx_fit_recognise(&source, candidates, 3, &naming, &found));
    assert_string_equal(alx_net_name(found), "one");
    alx_net_destroy(&found);
    assert_fails(alx_fit_recognise(&source, candidates, 2, &naming, &found), ALX_STATUS_MODEL,
                 "fit none exactly; use --network NAME with one of: small, two");
    tensors[0].dims[0]++;
    assert_fails(alx_fit_recognise(&source, candidates, 3, &naming, &found), ALX_STATUS_MODEL,
                 "fit none");
    free(tensors[0].name);
    free(tensors[1].name);
    for (size_t i = 0; i < 3; i++)
        alx_net_destroy(&nets[i]);
}

enum { LISTED = 64 };
struct listed {
    size_t count, stop_at;
    char names[LISTED][64], paths[LISTED][512];
};

static bool list(void *user, const char *name, const char *path)
{
    struct listed *listed = user;
    if (listed->count < LISTED) {
        snprintf(listed->names[listed->count], 64, "%s", name);
        snprintf(listed->paths[listed->count], 512, "%s", path);
    }
    return ++listed->count != listed->stop_at;
}

static void installed_models_are_found_by_name(void **state)
{
    (void)state;
    alx_model *model = small_model(), *loaded = NULL;
    struct listed listed = {0};
    const char *path = test_files_path("zebra.safetensors");
    char folder[512], folders[1100];
    assert_ok(alx_model_save(model, path, ALX_DTYPE_F32));
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    snprintf(folders, sizeof folders, "/nowhere::%s:%s/", folder, folder);
    setenv("ALEXNET_CL_MODELS", folders, 1);
    test_files_write_text("notes.txt", "no model");
    assert_ok(alx_model_load("zebra", NULL, &loaded));
    assert_string_equal(alx_model_path(loaded), path);
    alx_model_destroy(&loaded);
    assert_fails(alx_model_load("zebar", NULL, &loaded), ALX_STATUS_FILE_NOT_FOUND,
                 "zebar: neither a file nor an installed model; did you mean zebra? There are: ");
    assert_fails(alx_model_load("notes", NULL, &loaded), ALX_STATUS_FILE_NOT_FOUND, "zebra");
    assert_fails(alx_model_load(folder, NULL, &loaded), ALX_STATUS_FILE_IS_FOLDER, folder);
    assert_fails(alx_model_load("./zebra", NULL, &loaded), ALX_STATUS_FILE_NOT_FOUND, "./zebra");
    assert_fails(alx_model_load("", NULL, &loaded), ALX_STATUS_FILE_NOT_FOUND, "neither");

    assert_ok(alx_model_list(list, &listed));
    bool found = false;
    for (size_t i = 0; i < listed.count && i < LISTED; i++) {
        found = found || (!strcmp(listed.names[i], "zebra") && !strcmp(listed.paths[i], path));
        assert_null(strstr(listed.names[i], "notes"));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(listed.names[i], listed.names[j]);
    }
    assert_true(found);
    struct listed first = {.stop_at = 1};
    assert_ok(alx_model_list(list, &first));
    assert_int_equal(first.count, 1);
    unsetenv("ALEXNET_CL_MODELS");
    alx_model_destroy(&model);
}

static void a_file_in_this_folder_is_a_path(void **state)
{
    (void)state;
    alx_model *model = small_model(), *loaded = NULL;
    char folder[512], before[512];
    snprintf(folder, sizeof folder, "%s", test_files_path("here"));
    assert_ok(alx_model_save(model, folder, ALX_DTYPE_F32));
    *strrchr(folder, '/') = 0;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_ok(alx_model_load("here", NULL, &loaded));
    assert_int_equal(chdir(before), 0);
    assert_string_equal(alx_model_path(loaded), "here");
    alx_model_destroy(&loaded);
    alx_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_model_loads_bit_for_bit),
        cmocka_unit_test(the_other_types_hold_rounded_values),
        cmocka_unit_test(saving_keeps_everything),
        cmocka_unit_test(a_model_can_replace_its_own_file),
        cmocka_unit_test(what_cannot_be_saved_leaves_nothing),
        cmocka_unit_test(random_models_are_reproducible),
        cmocka_unit_test(only_classifiers_are_saved),
        cmocka_unit_test(labels_come_from_a_file),
        cmocka_unit_test(the_digest_is_the_files),
        cmocka_unit_test(loading_and_digest_leave_no_pages),
        cmocka_unit_test(weights_alone_need_a_network),
        cmocka_unit_test(the_network_asked_for_wins),
        cmocka_unit_test(one_fitting_network_is_recognised),
        cmocka_unit_test(installed_models_are_found_by_name),
        cmocka_unit_test(a_file_in_this_folder_is_a_path),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
