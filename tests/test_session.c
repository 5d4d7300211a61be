/* Plans and sessions: whole networks against the references, batches, precisions, streaming and
 * limits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/session.h>

#include "net/shape.h"
#include "ops/pack.h"
#include "session/session.h"
#include "support/devices.h"
#include "support/test.h"
#include "util/random.h"

/* AlexNet's topology, small: odd maps, groups, a ReLU of its own, overlapping pooling, dropout. */
static const struct alx_layer layers[] = {
    {.name = "conv1",
     .kind = ALX_LAYER_CONV,
     .activation = ALX_ACTIVATION_RELU,
     .out_channels = 16,
     .kernel_h = 5,
     .kernel_w = 5,
     .stride_h = 2,
     .stride_w = 2},
    {.name = "norm1",
     .kind = ALX_LAYER_LRN,
     .groups = 2,
     .lrn_size = 5,
     .lrn_alpha = 1e-2,
     .lrn_beta = 0.75,
     .lrn_k = 2},
    {.name = "pool1",
     .kind = ALX_LAYER_MAX_POOL,
     .kernel_h = 3,
     .kernel_w = 3,
     .stride_h = 2,
     .stride_w = 2},
    {.name = "conv2",
     .kind = ALX_LAYER_CONV,
     .out_channels = 24,
     .kernel_h = 3,
     .kernel_w = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1,
     .groups = 2},
    {.name = "relu2", .kind = ALX_LAYER_RELU, .relu_limit = 1.5}, /* folded into conv2 */
    {.name = "norm2",
     .kind = ALX_LAYER_LRN,
     .lrn_size = 3,
     .lrn_alpha = 1e-2,
     .lrn_beta = 0.75,
     .lrn_k = 1},
    {.name = "relu3", .kind = ALX_LAYER_RELU},
    {.name = "pool2",
     .kind = ALX_LAYER_MAX_POOL,
     .kernel_h = 2,
     .kernel_w = 2,
     .stride_h = 2,
     .stride_w = 2,
     .ceil_mode = true},
    {.name = "fc3", .kind = ALX_LAYER_FC, .activation = ALX_ACTIVATION_RELU, .out_channels = 50},
    {.name = "drop3", .kind = ALX_LAYER_DROPOUT, .dropout = 0.5},
    {.name = "fc4", .kind = ALX_LAYER_FC, .out_channels = 7},
    {.name = "prob", .kind = ALX_LAYER_SOFTMAX},
};
enum { LAYERS = sizeof layers / sizeof *layers, IMAGES = 7, SIDE = 25, CLASSES = 7 };
enum { IMAGE_ELEMS = 3 * SIDE * SIDE };

static alx_net *net;
static float *weights[LAYERS], *biases[LAYERS], images[IMAGES * IMAGE_ELEMS];
static struct alx_tensor_view weight_views[LAYERS], bias_views[LAYERS];

static int make_net(void **state)
{
    (void)state;
    uint64_t random = 11;
    assert_ok(alx_net_create("small", (struct alx_shape){3, SIDE, SIDE}, layers, LAYERS, &net));
    for (size_t i = 0; i < LAYERS; i++) {
        struct alx_weight_shape w = alx_layer_weight_shape(alx_net_layer(net, i));
        size_t row = w.in_channels * w.kernel_h * w.kernel_w, elems = row * w.out_channels;
        float range = elems ? 2.5f / sqrtf((float)row) : 0;
        weights[i] = malloc(elems * sizeof(float) + 1);
        biases[i] = malloc(w.out_channels * sizeof(float) + 1);
        for (size_t j = 0; j < elems; j++)
            weights[i][j] = alx_random_float(&random, -range, range);
        for (size_t j = 0; j < w.out_channels; j++)
            biases[i][j] = alx_random_float(&random, -0.2f, 0.2f);
        weight_views[i] = (struct alx_tensor_view){weights[i], ALX_DTYPE_F32, elems};
        bias_views[i] = (struct alx_tensor_view){biases[i], ALX_DTYPE_F32, w.out_channels};
    }
    for (size_t i = 0; i < IMAGES * IMAGE_ELEMS; i++)
        images[i] = alx_random_float(&random, -2, 2);
    return 0;
}

static int free_net(void **state)
{
    (void)state;
    for (size_t i = 0; i < LAYERS; i++) {
        free(weights[i]);
        free(biases[i]);
    }
    alx_net_destroy(&net);
    return 0;
}

/* Layer after layer by the references, rounded to float between them. */
static void expect(enum alx_precision precision, size_t count, float *out)
{
    float *in = malloc(count * IMAGE_ELEMS * sizeof *in);
    memcpy(in, images, count * IMAGE_ELEMS * sizeof *in);
    for (size_t i = 0; i < LAYERS; i++) {
        const struct alx_layer_info *info = alx_net_layer(net, i);
        struct alx_weight_shape w = alx_layer_weight_shape(info);
        size_t elems = count * alx_shape_elems(info->out),
               row = w.in_channels * w.kernel_h * w.kernel_w;
        float *rounded = malloc(row * w.out_channels * sizeof *rounded + 1);
        double *result = malloc(elems * sizeof *result);
        memcpy(rounded, weights[i], row * w.out_channels * sizeof *rounded);
        for (size_t o = 0; o < w.out_channels; o++)
            alx_pack_round_row(rounded + o * row, row, precision);
        if (layers[i].kind != ALX_LAYER_DROPOUT) {
            alx_reference_run(info, count,
                              &(struct alx_reference){in, rounded, biases[i], result, NULL});
            in = realloc(in, elems * sizeof *in);
            for (size_t j = 0; j < elems; j++)
                in[j] = (float)result[j];
        }
        free(result);
        free(rounded);
    }
    memcpy(out, in, count * CLASSES * sizeof *out);
    free(in);
}

static void run(alx_device *device, const struct alx_plan_options *options, size_t count,
                float *out)
{
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    assert_ok(alx_plan_create(net, device, options, &plan));
    assert_ok(alx_session_create_with(plan, weight_views, bias_views, NULL, &session));
    assert_ok(alx_session_run(session, images, count, out));
    alx_session_destroy(&session);
    assert_null(session);
    alx_plan_destroy(&plan);
    assert_null(plan);
}

static void assert_close(const float *got, const float *want, size_t count, float tolerance)
{
    for (size_t i = 0; i < count * CLASSES; i++)
        if (!(fabsf(got[i] - want[i]) <= tolerance))
            fail_msg("output %zu is %.9g instead of %.9g", i, (double)got[i], (double)want[i]);
}

static void check_results(alx_device *device)
{
    static const char *const algorithms[] = {NULL,      "naive",    "clblast",        "direct",
                                             "element", "winograd", "winograd-tiled", "tiled",
                                             "gemm"};
    float want[IMAGES * CLASSES], got[IMAGES * CLASSES];
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++) {
        expect((enum alx_precision)p, IMAGES, want);
        for (size_t a = 0; a < sizeof algorithms / sizeof *algorithms; a++) {
            if ((p || test_small(device)) && a)
                break;
            struct alx_plan_options options = {
                .batch = 1, .precision = (enum alx_precision)p, .force_algorithm = algorithms[a]};
            memset(got, 0xff, sizeof got);
            run(device, &options, IMAGES, got);
            assert_close(got, want, IMAGES, 2e-6f);
        }
    }
}

static void whole_networks_match_the_reference(void **state)
{
    (void)state;
    test_each_device(NULL, check_results);
}

static void check_batches(alx_device *device)
{
    float want[IMAGES * CLASSES], got[IMAGES * CLASSES];
    expect(ALX_PRECISION_FP32, IMAGES, want);
    for (size_t batch = 2; batch <= 8; batch += 3) {
        struct alx_plan_options options = {.batch = batch};
        memset(got, 0xff, sizeof got);
        run(device, &options, IMAGES, got); /* 2 + 2 + 2 + 1, 5 + 2, 7 of 8 */
        assert_close(got, want, IMAGES, 2e-6f);
    }
}

static void partial_batches_give_the_same(void **state)
{
    (void)state;
    test_each_device(NULL, check_batches);
}

/* The same image at every place of a batch, and the same run again: equal to the bit. */
static void check_repeats(alx_device *device)
{
    struct alx_plan_options options = {.batch = 3};
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    float copies[3 * IMAGE_ELEMS], first[3 * CLASSES], again[3 * CLASSES];
    for (size_t i = 0; i < 3; i++)
        memcpy(copies + i * IMAGE_ELEMS, images, IMAGE_ELEMS * sizeof *copies);
    assert_ok(alx_plan_create(net, device, &options, &plan));
    assert_ok(alx_session_create_with(plan, weight_views, bias_views, NULL, &session));
    assert_ok(alx_session_run(session, copies, 3, first));
    assert_memory_equal(first, first + CLASSES, CLASSES * sizeof *first);
    assert_memory_equal(first, first + 2 * CLASSES, CLASSES * sizeof *first);
    for (int round = 0; round < 20; round++) {
        assert_ok(alx_session_run(session, copies, 3, again));
        assert_memory_equal(first, again, sizeof first);
    }
    alx_session_destroy(&session);
    alx_plan_destroy(&plan);
}

static void results_repeat_to_the_bit(void **state)
{
    (void)state;
    test_each_device(NULL, check_repeats);
}

/* A plan within the limit, which streams something; makes the limit one byte too small for it. */
static bool plan_streams(alx_device *device, struct alx_plan_options *options)
{
    alx_plan *plan = NULL;
    size_t streams = 0;
    if (alx_plan_create(net, device, options, &plan) != ALX_STATUS_OK)
        return false;
    struct alx_plan_memory memory = alx_plan_memory(plan);
    uint64_t needed = memory.arena_bytes + memory.weights_bytes + memory.staging_bytes;
    for (size_t i = 0; i < alx_plan_step_count(plan); i++)
        streams += alx_plan_step(plan, i)->streamed;
    alx_plan_destroy(&plan);
    assert_true(needed <= options->memory_limit_bytes);
    assert_true(streams > 0);
    options->memory_limit_bytes = needed - 1;
    return true;
}

static void check_streaming_of(alx_device *device, enum alx_precision precision, size_t most_limits)
{
    float resident[IMAGES * CLASSES], streamed[IMAGES * CLASSES];
    alx_plan *plan = NULL;
    struct alx_plan_options options = {.batch = 2, .precision = precision};
    assert_ok(alx_plan_create(net, device, &options, &plan));
    struct alx_plan_memory memory = alx_plan_memory(plan);
    assert_int_equal(memory.staging_bytes, 0);
    alx_plan_destroy(&plan);
    run(device, &options, IMAGES, resident);

    /* More and more layers do not fit, and then the pieces become smaller. */
    size_t limits = 0;
    options.memory_limit_bytes = memory.arena_bytes + memory.weights_bytes - 1;
    for (struct alx_plan_options next = options;
         limits < most_limits && plan_streams(device, &next); options = next, limits++) {
        run(device, &options, IMAGES, streamed);
        assert_memory_equal(resident, streamed, sizeof resident);
    }
    assert_true(limits > 1);
    options.memory_limit_bytes = 1000;
    assert_fails(alx_plan_create(net, device, &options, &plan), ALX_STATUS_MEMORY_LIMIT, "MiB");
    assert_null(plan);
}

static void check_streaming(alx_device *device)
{
    check_streaming_of(device, ALX_PRECISION_FP32, 6);
    check_streaming_of(device, ALX_PRECISION_FP16, 2);
    check_streaming_of(device, ALX_PRECISION_INT8, 2);
}

static void streamed_weights_give_the_same_bits(void **state)
{
    (void)state;
    test_each_device(NULL, check_streaming);
}

/* Every launch in slices, also those for parts of the weights. */
static void check_slices(alx_device *device)
{
    float whole[IMAGES * CLASSES], sliced[IMAGES * CLASSES];
    const struct alx_plan_options options = {.batch = 2};
    run(device, &options, IMAGES, whole);
    for (size_t part_bytes = 0; part_bytes <= 4096; part_bytes += 4096)
        for (size_t slices = 2; slices <= 1000; slices *= 7) {
            const struct alx_plan_overrides overrides = {.slices = slices,
                                                         .max_part_bytes = part_bytes};
            alx_plan *plan = NULL;
            alx_session *session = NULL;
            assert_ok(alx_plan_create_with(net, device, &options, &overrides, &plan));
            assert_ok(alx_session_create_with(plan, weight_views, bias_views, NULL, &session));
            assert_true(session->steps[0].launch_count >= 2 * plan->steps[0].recipe.launch_count);
            assert_ok(alx_session_run(session, images, IMAGES, sliced));
            assert_memory_equal(whole, sliced, sizeof whole);
            alx_session_destroy(&session);
            alx_plan_destroy(&plan);
        }
}

static void slices_give_the_same_bits(void **state)
{
    (void)state;
    test_each_device(NULL, check_slices);
}

static void check_plan(alx_device *device)
{
    static const char *const steps[] = {"conv1", "norm1+pool1", "conv2", "norm2", "relu3",
                                        "pool2", "fc3",         "fc4",   "prob"};
    alx_plan *plan = NULL;
    assert_ok(alx_plan_create(net, device, NULL, &plan));
    /* relu2 is folded into conv2, pool1 into norm1; dropout is nothing, relu3 stays */
    assert_int_equal(alx_plan_step_count(plan), sizeof steps / sizeof *steps);
    uint64_t macs = 0;
    for (size_t i = 0; i < alx_plan_step_count(plan); i++) {
        const struct alx_plan_step *step = alx_plan_step(plan, i);
        assert_string_equal(step->layer, steps[i]);
        assert_true(step->algorithm[0] && step->reason[0] && step->file[0]);
        macs += step->macs;
    }
    assert_int_equal(macs, alx_net_macs(net));
    assert_int_equal(alx_plan_batch(plan), 1);
    alx_plan_destroy(&plan);
}

static void plans_fold_and_tell(void **state)
{
    (void)state;
    test_each_device(NULL, check_plan);
}

/* Winograd's sums are not those of the definition: `exact` keeps it away, even when asked for. */
static void check_exact(alx_device *device)
{
    struct alx_traits traits = alx_traits_of_device(alx_device_get_info(device));
    struct alx_plan_options options = {.force_algorithm =
                                           traits.simt ? "winograd-tiled" : "winograd"};
    for (int exact = 0; exact < 2; exact++) {
        alx_plan *plan = NULL;
        size_t inexact = 0;
        options.exact = exact;
        assert_ok(alx_plan_create(net, device, &options, &plan));
        for (size_t i = 0; i < alx_plan_step_count(plan); i++)
            inexact += !strcmp(alx_plan_step(plan, i)->algorithm, options.force_algorithm);
        assert_int_equal(inexact, exact ? 0 : 2);
        alx_plan_destroy(&plan);
    }
}

static void exact_plans_have_no_winograd(void **state)
{
    (void)state;
    test_each_device(NULL, check_exact);
}

static void check_times(alx_device *device)
{
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    float out[CLASSES];
    uint64_t sum = 0;
    assert_ok(alx_plan_create(net, device, NULL, &plan));
    assert_ok(alx_session_create_with(plan, weight_views, bias_views, NULL, &session));
    assert_ok(alx_session_run(session, images, 1, out));
    for (size_t i = 0; i < alx_plan_step_count(plan); i++)
        sum += alx_session_step_ns(session, i);
    assert_true(sum > 0);
    assert_true(sum <= alx_session_times(session).run_ns);
    alx_session_destroy(&session);
    alx_plan_destroy(&plan);
}

static void steps_are_timed_when_profiling(void **state)
{
    (void)state;
    test_each_device(&(struct alx_device_options){.profiling = true}, check_times);
}

/* Without profiling, each step has a time of its own, and results are the same. */
static void check_waiting(alx_device *device)
{
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    float queued[CLASSES], waited[CLASSES];
    uint64_t sum = 0;
    assert_ok(alx_plan_create(net, device, NULL, &plan));
    assert_ok(alx_session_create_with(plan, weight_views, bias_views, NULL, &session));
    assert_ok(alx_session_run(session, images, 1, queued));
    assert_int_equal(alx_session_step_ns(session, 0), 0);
    alx_session_wait_for_steps(session, true);
    assert_ok(alx_session_run(session, images, 1, waited));
    for (size_t i = 0; i < alx_plan_step_count(plan); i++) {
        assert_true(alx_session_step_ns(session, i) > 0);
        assert_true(alx_session_step_start_ns(session, i) >= sum);
        sum += alx_session_step_ns(session, i);
    }
    assert_true(sum <= alx_session_times(session).run_ns);
    assert_memory_equal(queued, waited, sizeof queued);
    alx_session_wait_for_steps(session, false);
    assert_ok(alx_session_run(session, images, 1, waited));
    assert_int_equal(alx_session_step_ns(session, 0), 0);
    alx_session_destroy(&session);
    alx_plan_destroy(&plan);
}

static void steps_are_timed_when_waited_for(void **state)
{
    (void)state;
    test_each_device(NULL, check_waiting);
}

static void check_foreign(alx_device *device)
{
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    struct alx_tensor_view views[LAYERS];
    memcpy(views, weight_views, sizeof views);
    views[0].elems--;
    assert_ok(alx_plan_create(net, device, NULL, &plan));
    assert_fails(alx_session_create_with(plan, views, bias_views, NULL, &session), ALX_STATUS_MODEL,
                 "conv1");
    assert_null(session);
    alx_plan_destroy(&plan);
}

static void foreign_weights_are_refused(void **state)
{
    (void)state;
    test_each_device(NULL, check_foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_networks_match_the_reference),
        cmocka_unit_test(partial_batches_give_the_same),
        cmocka_unit_test(results_repeat_to_the_bit),
        cmocka_unit_test(streamed_weights_give_the_same_bits),
        cmocka_unit_test(slices_give_the_same_bits),
        cmocka_unit_test(plans_fold_and_tell),
        cmocka_unit_test(exact_plans_have_no_winograd),
        cmocka_unit_test(steps_are_timed_when_profiling),
        cmocka_unit_test(steps_are_timed_when_waited_for),
        cmocka_unit_test(foreign_weights_are_refused),
    };
    return cmocka_run_group_tests(tests, make_net, free_net);
}
