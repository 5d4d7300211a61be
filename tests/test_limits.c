/* What devices can do at most, and whole networks against the answers that they should give. */
#include "support/test.h"

#include <alexnet_cl/alexnet_cl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/devices.h"
#include "util/random.h"

static void measure_limits(alx_device *device)
{
    alx_limits *limits = NULL;
    double value;
    assert_ok(alx_limits_create(device, &limits));
    for (int i = 0; i < ALX_LIMIT_COUNT; i++) {
        enum alx_limit limit = (enum alx_limit)i;
        if (!alx_limits_offer(limits, limit)) {
            assert_true(limit == ALX_LIMIT_FMA_HALF || limit == ALX_LIMIT_DOT_INT8);
            assert_fails(alx_limits_measure(limits, limit, &value), ALX_STATUS_USAGE,
                         alx_limit_name(limit));
            continue;
        }
        value = 0;
        assert_ok(alx_limits_measure(limits, limit, &value));
        printf("    %s %.3g\n", alx_limit_name(limit), value);
        assert_true(value > 0 && isfinite(value));
    }
    alx_limits_destroy(&limits);
    assert_null(limits);
}

static void limits_are_measured(void **state)
{
    (void)state;
    test_each_device(NULL, measure_limits);
}

/* --- whole networks --- */

enum { IMAGES = 3, MOST_LAYERS = 32 };

static alx_model *model;
static float *images;

static struct alx_check check_run(alx_device *device, enum alx_precision precision,
                                  const char *algorithm, float spoil)
{
    const struct alx_plan_options options = {
        .batch = 2, .precision = precision, .force_algorithm = algorithm};
    enum alx_precision precisions[MOST_LAYERS];
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    alx_answers *answers = NULL;
    size_t classes = alx_model_class_count(model);
    float *out = calloc(IMAGES * classes, sizeof *out);
    assert_ok(alx_plan_create(alx_model_net(model), device, &options, &plan));
    assert_ok(alx_session_create(plan, model, &session));
    assert_ok(alx_session_run(session, images, IMAGES, out));
    alx_plan_weight_precisions(plan, precisions);
    assert_ok(alx_answers_create(model, precisions, images, IMAGES, NULL, NULL, &answers));
    out[classes + 1] += spoil;
    struct alx_check check = alx_answers_compare(answers, out, IMAGES);
    alx_answers_destroy(&answers);
    alx_session_destroy(&session);
    alx_plan_destroy(&plan);
    free(out);
    return check;
}

static void check_answers(alx_device *device)
{
    static const char *const algorithms[] = {NULL, "direct", "winograd"};
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++)
        for (size_t a = 0; a < sizeof algorithms / sizeof *algorithms; a++) {
            struct alx_check check = check_run(device, (enum alx_precision)p, algorithms[a], 0);
            printf("    %s %s: %.3g of the bound\n", alx_precision_name((enum alx_precision)p),
                   algorithms[a] ? algorithms[a] : "chosen", check.worst);
            assert_int_equal(check.images, IMAGES);
            assert_int_equal(check.top1_agree, IMAGES);
            assert_true(check.worst < 1 && check.max_abs_error < 1e-5);
        }
    struct alx_check check = check_run(device, ALX_PRECISION_FP32, NULL, 1e-3f);
    assert_true(check.worst > 1 && check.max_abs_error > 9e-4);
    check = check_run(device, ALX_PRECISION_FP32, NULL, 10);
    assert_int_equal(check.top1_agree, IMAGES - 1);
}

static void networks_give_the_answers(void **state)
{
    (void)state;
    test_each_device(NULL, check_answers);
}

static int make_model(void **state)
{
    (void)state;
    uint64_t random = 9;
    alx_net *net = NULL;
    assert_ok(alx_net_create_named("lenet-5", &net));
    assert_ok(alx_model_create_random(net, 3, &model));
    struct alx_shape in = alx_net_input(net);
    size_t elems = IMAGES * in.channels * in.height * in.width;
    images = malloc(elems * sizeof *images);
    for (size_t i = 0; i < elems; i++)
        images[i] = alx_random_float(&random, -2, 2);
    alx_net_destroy(&net);
    return 0;
}

static int free_model(void **state)
{
    (void)state;
    alx_model_destroy(&model);
    free(images);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_measured),
        cmocka_unit_test(networks_give_the_answers),
    };
    return cmocka_run_group_tests(tests, make_model, free_model);
}
