#include "support/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "net/shape.h"
#include "ops/op.h"
#include "support/proto.h"
#include "support/test.h"
#include "tensor/view.h"
#include "util/clock.h"

const char *test_golden_path(const char *file)
{
    static char path[512];
    const char *folder = getenv("ALX_TEST_GOLDEN");
    assert_non_null(folder);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return path;
}

static float *values_of(struct alx_tensor_view view)
{
    float *values = calloc(view.elems + 1, sizeof *values);
    assert_non_null(values);
    if (view.elems)
        alx_view_read(view, 0, view.elems, values);
    return values;
}

/* `in` is freed; the result is owned. */
static float *run_layer(const alx_model *model, size_t index, float *in)
{
    const struct alx_layer_info *info = alx_net_layer(alx_model_net(model), index);
    size_t elems = alx_shape_elems(info->out);
    double *sums = calloc(elems, sizeof *sums);
    float *out = calloc(elems, sizeof *out);
    float *weights = values_of(alx_model_weights(model, index));
    float *biases = values_of(alx_model_biases(model, index));
    assert_non_null(sums);
    assert_non_null(out);
    struct alx_reference reference = {
        .in = in, .weights = weights, .biases = info->layer.no_bias ? NULL : biases, .out = sums};
    if (info->layer.kind == ALX_LAYER_DROPOUT) {
        memcpy(out, in, elems * sizeof *out);
    } else {
        alx_reference_run(info, 1, &reference);
        for (size_t i = 0; i < elems; i++) {
            out[i] = (float)sums[i];
            if (info->layer.activation == ALX_ACTIVATION_RELU && out[i] < 0)
                out[i] = 0;
        }
    }
    free(weights);
    free(biases);
    free(sums);
    free(in);
    return out;
}

void test_golden_compare(const alx_model *model, const char *file, double most)
{
    const alx_net *net = alx_model_net(model);
    size_t elems = alx_shape_elems(alx_net_input(net)), classes = alx_model_class_count(model);
    float *values = calloc(elems, sizeof *values), expected[64];
    assert_non_null(values);
    for (size_t i = 0; i < elems; i++)
        values[i] = (float)((int)((37 * i + 11) % 101) - 50) / 50;
    for (size_t i = 0; i < alx_net_layer_count(net); i++)
        values = run_layer(model, i, values);
    FILE *stream = fopen(test_golden_path(file), "rb");
    assert_non_null(stream);
    assert_int_equal(fread(expected, sizeof *expected, 64, stream), classes);
    fclose(stream);
    for (size_t i = 0; i < classes; i++)
        if (!(fabs((double)values[i] - (double)expected[i]) <= most))
            fail_msg("%s: class %zu: %.9g instead of %.9g", file, i, (double)values[i],
                     (double)expected[i]);
    free(values);
}

static void refuse(const char *what, const uint8_t *bytes, size_t byte_count, const char *part)
{
    alx_model *model = NULL;
    uint64_t begin = alx_clock_ns();
    enum alx_status status = alx_model_read("bad", bytes, byte_count, NULL, &model);
    const char *message = alx_error_message();
    if (status != ALX_STATUS_MODEL || strncmp(message, "bad: ", 5) || !strstr(message, part))
        fail_msg("%s: %s: %s", what, alx_status_name(status), message);
    assert_null(model);
    assert_true(alx_clock_ns() - begin < 2000000000u);
}

void test_accepted(const char *file, bool same)
{
    alx_model *model = NULL;
    size_t bytes;
    uint8_t *data = test_proto_make(file, &bytes);
    if (alx_model_read("x", data, bytes, NULL, &model) != ALX_STATUS_OK)
        fail_msg("%s: %s", file, alx_error_message());
    if (same) {
        float values[8];
        struct alx_tensor_view view = alx_model_weights(model, 0);
        assert_int_equal(view.elems, 8);
        alx_view_read(view, 0, 8, values);
        assert_true(values[0] == 0.125f && values[2] == 0.375f);
    }
    alx_model_destroy(&model);
    free(data);
}

void test_all_refused(const struct test_bad_file *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes;
        uint8_t *file = test_proto_make(bad[i].file, &bytes);
        refuse(bad[i].file, file, bytes, bad[i].part);
        free(file);
    }
}

void test_cuts_refused(const char *good)
{
    size_t bytes;
    uint8_t *file = test_proto_make(good, &bytes);
    for (size_t cut = 0; cut < bytes; cut++) {
        uint8_t *part = malloc(cut + 1);
        assert_non_null(part);
        memcpy(part, file, cut);
        refuse("a cut file", part, cut, "");
        free(part);
    }
    free(file);
}

void test_is_view(const char *good)
{
    alx_model *model = NULL;
    size_t bytes;
    uint8_t *file = test_proto_make(good, &bytes);
    assert_ok(alx_model_read("x", file, bytes, NULL, &model));
    const uint8_t *data = alx_model_weights(model, 0).data;
    assert_true(data > file && data + 32 <= file + bytes);
    alx_model_destroy(&model);
    free(file);
}
