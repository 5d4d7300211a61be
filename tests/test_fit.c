/* Names and shapes of tensors against networks: recognition, and what is assumed for a network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/net.h>

#include "model/fit.h"
#include "model/labels.h"
#include "model/preprocess.h"
#include "support/test.h"

enum { MAX_TENSORS = 48, MAX_NETS = 32 };

/* Tensors without values. */
struct tensors {
    struct alx_source source;
    struct alx_source_tensor tensors[MAX_TENSORS];
};

/* The tensors that a network needs, under our names or others'. */
static void fill(struct tensors *t, const alx_net *net, const struct alx_naming *naming)
{
    size_t weighted = 0;
    memset(t, 0, sizeof *t);
    t->source.tensors = t->tensors;
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        struct alx_need needs[ALX_NEEDS_A_LAYER];
        size_t count = alx_needs_of(alx_net_layer(net, i), needs);
        for (size_t j = 0; j < count; j++) {
            char name[128];
            struct alx_source_tensor *tensor = &t->tensors[t->source.tensor_count++];
            snprintf(name, sizeof name, "%s.%s",
                     naming ? naming->names[weighted] : alx_net_layer(net, i)->layer.name,
                     j ? "bias" : "weight");
            tensor->name = strdup(name);
            tensor->dim_count = needs[j].dim_count;
            memcpy(tensor->dims, needs[j].dims, sizeof needs[j].dims);
        }
        weighted += count > 0;
    }
    if (naming)
        assert_null(naming->names[weighted]);
    alx_source_sort(&t->source);
}

static void empty(struct tensors *t)
{
    for (size_t i = 0; i < t->source.tensor_count; i++)
        free(t->tensors[i].name);
}

static alx_net *nets[MAX_NETS];
static size_t net_count;

static int create_nets(void **state)
{
    (void)state;
    for (; alx_net_builtin_name(net_count); net_count++)
        assert_ok(alx_net_create_named(alx_net_builtin_name(net_count), &nets[net_count]));
    return 0;
}

static int destroy_nets(void **state)
{
    (void)state;
    while (net_count)
        alx_net_destroy(&nets[--net_count]);
    return 0;
}

static const alx_net *net_of(const char *name)
{
    for (size_t i = 0; i < net_count; i++)
        if (!strcmp(alx_net_name(nets[i]), name))
            return nets[i];
    fail_msg("no network %s", name);
    return NULL;
}

static enum alx_status recognise(const struct tensors *t, const struct alx_naming **naming,
                                 alx_net **found)
{
    return alx_fit_recognise(&t->source, (const alx_net *const *)nets, net_count, naming, found);
}

static struct alx_source_tensor *find(struct tensors *t, const char *name)
{
    struct alx_source_tensor *tensor = alx_source_find(&t->source, name);
    assert_non_null(tensor);
    return tensor;
}

static void names_of_others_are_recognised(void **state)
{
    (void)state;
    const struct alx_naming *row;
    for (size_t i = 0; (row = alx_naming_row(i)); i++) {
        const struct alx_naming *naming = NULL;
        alx_net *found = NULL;
        struct tensors t;
        fill(&t, net_of(row->network), row);
        assert_ok(recognise(&t, &naming, &found));
        assert_ptr_equal(naming, row);
        assert_string_equal(alx_net_name(found), row->network);
        assert_int_equal(alx_net_parameters(found), alx_net_parameters(net_of(row->network)));
        alx_net_destroy(&found);
        assert_ptr_equal(alx_fit_naming(&t.source, net_of(row->network)), row);
        assert_null(alx_fit_naming(&t.source, net_of("alexnet")));
        empty(&t);
    }
    assert_int_equal(net_count, 11);
}

static void our_names_are_recognised(void **state)
{
    (void)state;
    static const char *const names[] = {"alexnet-owt", "zfnet",  "lenet-5", "lenet-5-32",
                                        "alexnet-bn",  "vgg-11", "vgg-16"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct alx_naming *naming = NULL;
        alx_net *found = NULL;
        struct tensors t;
        fill(&t, net_of(names[i]), NULL);
        assert_ok(recognise(&t, &naming, &found));
        assert_null(naming);
        assert_string_equal(alx_net_name(found), names[i]);
        alx_net_destroy(&found);
        empty(&t);
    }
    alx_net *found = NULL;
    const struct alx_naming *naming = NULL;
    struct tensors t;
    fill(&t, net_of("caffenet"), NULL); /* three differ in layers without weights */
    assert_fails(recognise(&t, &naming, &found), ALX_STATUS_MODEL,
                 "fit several; use --network NAME with one of: alexnet, bvlc-alexnet, caffenet");
    empty(&t);
}

static void other_widths_are_taken_from_the_file(void **state)
{
    (void)state;
    const struct alx_naming *naming = NULL;
    alx_net *found = NULL;
    struct tensors t;
    fill(&t, net_of("alexnet-owt"), alx_naming_row(0));
    find(&t, "classifier.6.weight")->dims[0] = 20; /* other classes */
    find(&t, "classifier.6.bias")->dims[0] = 20;
    find(&t, "features.10.weight")->dims[0] = 128; /* and a narrower layer */
    find(&t, "features.10.bias")->dims[0] = 128;
    find(&t, "classifier.1.weight")->dims[1] = 128 * 6 * 6;
    assert_ok(recognise(&t, &naming, &found));
    assert_string_equal(alx_net_name(found), "alexnet-owt");
    assert_int_equal(alx_net_output(found).channels, 20);
    alx_net_destroy(&found);
    empty(&t);
}

static void what_does_not_fit_together_is_not_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t dim, value;
    } cases[] = {
        {"features.0.weight", 0, 65},       {"features.0.weight", 0, 0},
        {"features.0.weight", 1, 1},        {"features.0.weight", 2, 7},
        {"features.0.weight", 3, 12},       {"features.0.bias", 0, 63},
        {"features.3.weight", 1, 32},       {"classifier.1.weight", 1, 9217},
        {"classifier.6.weight", 0, 1001},   {"classifier.6.bias", 0, 999},
        {"features.8.weight", 0, SIZE_MAX}, {"classifier.4.weight", 1, 0},
    };
    const struct alx_naming *naming = NULL;
    alx_net *found = NULL;
    struct tensors t;
    fill(&t, net_of("alexnet-owt"), alx_naming_row(0));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t *dim = &find(&t, cases[i].name)->dims[cases[i].dim], before = *dim;
        *dim = cases[i].value;
        assert_fails(recognise(&t, &naming, &found), ALX_STATUS_MODEL, "16 tensors fit none");
        *dim = before;
    }
    find(&t, "features.6.weight")->dim_count = 2;
    assert_fails(recognise(&t, &naming, &found), ALX_STATUS_MODEL, "fit none");
    find(&t, "features.6.weight")->dim_count = 4;
    find(&t, "features.6.bias")->name[0] = 'F';
    alx_source_sort(&t.source);
    assert_fails(recognise(&t, &naming, &found), ALX_STATUS_MODEL, "fit none");
    assert_null(found);
    empty(&t);
}

static const float two[] = {4, 9};

static void add(struct tensors *t, const char *layer, const char *part, size_t dim_count)
{
    struct alx_source_tensor *tensor = &t->tensors[t->source.tensor_count++];
    char name[128];
    snprintf(name, sizeof name, "%s.%s", layer, part);
    *tensor = (struct alx_source_tensor){.name = strdup(name),
                                         .readable = true,
                                         .view = {two, ALX_DTYPE_F32, 2},
                                         .dims = {2, 1, 1, 1},
                                         .dim_count = dim_count};
}

/* Two channels everywhere, as PyTorch's examples name them; on the heap, as readers leave it. */
static void fill_normalised(struct tensors *t, const struct alx_naming *naming)
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; naming->names[i]; i++) {
        add(t, naming->names[i], "weight", 4);
        if (!naming->norms[i])
            continue;
        add(t, naming->norms[i], "running_mean", 1);
        add(t, naming->norms[i], "running_var", 1);
    }
    t->source.tensors = malloc(sizeof t->tensors);
    assert_non_null(t->source.tensors);
    memcpy(t->source.tensors, t->tensors, sizeof t->tensors);
    alx_source_sort(&t->source);
}

static void normalisations_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *part;
    } cases[] = {
        {"features.1.running_mean", "but the layer before it has 2 channels"},
        {"classifier.6.running_var", "but the layer before it has 2 channels"},
        {"features.0.weight", "does not fit the normalisation features.1"},
    };
    const struct alx_naming *naming = alx_naming_row(3);
    struct tensors t;
    fill_normalised(&t, naming);
    size_t count = t.source.tensor_count;
    assert_ok(alx_naming_fold_norms(&t.source));
    assert_int_equal(t.source.tensor_count, count + 7); /* biases */
    const float *weights = find(&t, "classifier.5.weight")->view.data;
    const float *bias = find(&t, "classifier.5.bias")->view.data;
    assert_true(fabsf(weights[1] - 3) < 1e-4f); /* 9 / sqrt(9) */
    assert_true(fabsf(bias[0] + 2) < 1e-4f);    /* -4 / sqrt(4) */
    assert_true(find(&t, "features.5.running_var")->used);
    alx_source_free(&t.source);
    for (size_t i = 0; i < 3 * sizeof cases / sizeof *cases; i++) {
        fill_normalised(&t, naming);
        struct alx_source_tensor *tensor = find(&t, cases[i / 3].name);
        if (i % 3 == 0)
            tensor->readable = false;
        else if (i % 3 == 1)
            tensor->view.elems = 0;
        else
            tensor->dims[0] = tensor->view.elems = tensor->dim_count = 0;
        assert_fails(alx_naming_fold_norms(&t.source), ALX_STATUS_MODEL, cases[i / 3].part);
        alx_source_free(&t.source);
    }
    fill_normalised(&t, naming);
    find(&t, "features.9.running_var")->name[0] = 'F'; /* then it is no such network */
    alx_source_sort(&t.source);
    assert_ok(alx_naming_fold_norms(&t.source));
    assert_int_equal(t.source.tensor_count, count);
    alx_source_free(&t.source);
}

static void every_network_has_a_recipe(void **state)
{
    (void)state;
    struct alx_preprocess p, torch;
    for (size_t i = 0; i < net_count; i++) {
        assert_true(alx_preprocess_assume(nets[i], NULL, &p));
        assert_ok(alx_preprocess_check(&p, nets[i]));
        assert_true(p.scale > 0 && p.std[0] > 0 && p.std[1] > 0 && p.std[2] > 0);
    }
    assert_true(alx_preprocess_assume(net_of("caffenet"), NULL, &p));
    assert_true(p.order == ALX_ORDER_BGR && p.resize == ALX_RESIZE_WARP && p.mean[2] == 123);
    assert_true(alx_preprocess_assume(net_of("lenet-5"), NULL, &p));
    assert_true(p.resize_size == 0 && p.scale == 1.0f / 256 && p.mean[0] == 0);
    /* The authors' weights and torchvision's want different inputs. */
    assert_true(alx_preprocess_assume(net_of("vgg-16"), NULL, &p));
    assert_true(p.order == ALX_ORDER_BGR && p.mean[0] == 103.939f && p.scale == 1);
    assert_true(alx_preprocess_assume(net_of("vgg-16"), "torchvision", &torch));
    assert_true(torch.order == ALX_ORDER_RGB && torch.mean[0] == 0.485f);
    assert_int_equal(torch.resize_size, 256);
    const struct alx_layer relu = {.name = "r", .kind = ALX_LAYER_RELU};
    alx_net *unknown = NULL;
    assert_ok(alx_net_create("unknown", (struct alx_shape){3, 448, 448}, &relu, 1, &unknown));
    assert_false(alx_preprocess_assume(unknown, NULL, &p));
    assert_int_equal(p.resize_size, 512);
    assert_true(p.mean[1] == torch.mean[1] && p.std[1] == torch.std[1]);
    alx_net_destroy(&unknown);
}

static void labels_of_imagenet_are_in_their_order(void **state)
{
    (void)state;
    static const struct {
        size_t index;
        const char *label;
    } known[] = {
        {0, "tench"},
        {1, "goldfish"},
        {207, "golden retriever"},
        {281, "tabby"},
        {282, "tiger cat"},
        {285, "Egyptian cat"},
        {277, "red fox"},
        {287, "lynx"},
        {463, "bucket"},
        {817, "sports car"},
        {999, "toilet tissue"},
        {134, "crane bird"},
        {517, "crane"},
        {639, "maillot tank suit"},
    };
    struct alx_labels labels = {0};
    assert_ok(alx_labels_imagenet(&labels));
    assert_int_equal(labels.count, 1000);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_string_equal(labels.texts[known[i].index], known[i].label);
    for (size_t i = 0; i < labels.count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(labels.texts[i], labels.texts[j]);
    alx_labels_free(&labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_others_are_recognised),
        cmocka_unit_test(our_names_are_recognised),
        cmocka_unit_test(other_widths_are_taken_from_the_file),
        cmocka_unit_test(what_does_not_fit_together_is_not_recognised),
        cmocka_unit_test(normalisations_that_do_not_fit_are_refused),
        cmocka_unit_test(every_network_has_a_recipe),
        cmocka_unit_test(labels_of_imagenet_are_in_their_order),
    };
    return cmocka_run_group_tests(tests, create_nets, destroy_nets);
}
