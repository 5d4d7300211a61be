/* Tuning a small network on every device: what is found, that it is right, that wrong kernels are
 * refused, and budgets. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/tune.h>

#include "device/device.h"
#include "plan/tunings.h"
#include "session/session.h"
#include "support/devices.h"
#include "support/test.h"
#include "tune/search.h"

static const struct alx_layer layers[] = {
    {.name = "conv1",
     .kind = ALX_LAYER_CONV,
     .activation = ALX_ACTIVATION_RELU,
     .out_channels = 16,
     .kernel_h = 3,
     .kernel_w = 3,
     .pad_top = 1,
     .pad_left = 1,
     .pad_bottom = 1,
     .pad_right = 1},
    {.name = "norm1",
     .kind = ALX_LAYER_LRN,
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
    {.name = "fc2", .kind = ALX_LAYER_FC, .out_channels = 10},
    {.name = "prob", .kind = ALX_LAYER_SOFTMAX},
};
enum { LAYERS = sizeof layers / sizeof *layers, BATCH = 2, SIDE = 9, CLASSES = 10 };
enum { IMAGE_ELEMS = 8 * SIDE * SIDE };

static alx_net *net;
static alx_model *model;
static float images[BATCH * IMAGE_ELEMS];

static int make_net(void **state)
{
    (void)state;
    assert_ok(alx_net_create("tiny", (struct alx_shape){8, SIDE, SIDE}, layers, LAYERS, &net));
    assert_ok(alx_model_create_random(net, 9, &model));
    for (size_t i = 0; i < BATCH * IMAGE_ELEMS; i++)
        images[i] = (float)(i * 31 % 61) / 30 - 1;
    return 0;
}

static int free_net(void **state)
{
    (void)state;
    alx_model_destroy(&model);
    alx_net_destroy(&net);
    return 0;
}

/* --- a saboteur: leaves the last work-group of the first axis out --- */

static const char *sabotaged; /* a kernel, or NULL */

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint event_count, const cl_event *events, cl_event *event)
{
    char name[64] = "";
    cl_int (*real)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *,
                   const size_t *, cl_uint, const cl_event *, cl_event *);
    *(void **)&real = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");
    clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    size_t less[3] = {global[0], dimensions > 1 ? global[1] : 1, dimensions > 2 ? global[2] : 1};
    if (sabotaged && !strcmp(name, sabotaged))
        less[less[0] > local[0] ? 0 : 1] -= less[0] > local[0] ? local[0] : 1;
    if (!less[1])
        less[1] = 1;
    return real(queue, kernel, dimensions, offset, less, local, event_count, events, event);
}

/* --- helpers --- */

static size_t reports, found;

static void count(void *user, const struct alx_tune_progress *progress)
{
    (void)user;
    reports++;
    found += progress->found;
    assert_non_null(progress->what);
    assert_true(progress->done <= progress->all);
}

static void run_plan(alx_device *device, const alx_tunings *tunings, char *origin, float *out)
{
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    const struct alx_plan_options options = {.batch = BATCH, .tunings = tunings};
    assert_ok(alx_plan_create(net, device, &options, &plan));
    strcpy(origin, alx_plan_origin(plan));
    assert_ok(alx_session_create(plan, model, &session));
    assert_ok(alx_session_run(session, images, BATCH, out));
    alx_session_destroy(&session);
    alx_plan_destroy(&plan);
}

/* --- whole networks --- */

/* With as large a budget as it takes to try several ways of two layers: machines may be slow. */
static alx_tunings *tune_enough(alx_device *device, struct alx_tune_result *result)
{
    enum { FIRST_S = 5, LAST_S = 320 };
    alx_tunings *tunings = NULL;
    for (uint64_t seconds = FIRST_S; seconds <= LAST_S; seconds *= 2) {
        const struct alx_tune_options options = {.batch = BATCH, .budget_ns = seconds * 1000000000};
        alx_tunings_destroy(&tunings);
        assert_ok(alx_tunings_create(&tunings));
        reports = found = 0;
        assert_ok(alx_tune(device, net, &options, count, NULL, tunings, result));
        if (result->layers >= 2 && result->candidates > result->layers)
            return tunings;
    }
    fail_msg("%zu ways of %zu layers were tried", result->candidates, result->layers);
    return NULL;
}

static void tune_device(alx_device *device)
{
    struct alx_tune_result result = {0};
    float usual[BATCH * CLASSES], tuned[BATCH * CLASSES], again[BATCH * CLASSES];
    char origin[16];
    alx_tunings *tunings = tune_enough(device, &result);
    assert_int_equal(result.refused, 0);
    assert_true(reports > found && found >= 1 && found <= result.layers);
    assert_true(result.tuned_ns && result.tuned_ns <= result.default_ns);
    assert_true(alx_tunings_count(tunings) >= 1);
    for (size_t i = 0; i < alx_tunings_count(tunings); i++) {
        const struct alx_tuning *tuning = alx_tunings_get(tunings, i);
        assert_true(tuning->ns <= tuning->default_ns);
        assert_int_equal(tuning->batch, BATCH);
    }
    run_plan(device, NULL, origin, usual);
    assert_string_not_equal(origin, "tuned");
    run_plan(device, tunings, origin, tuned);
    assert_string_equal(origin, "tuned");
    run_plan(device, tunings, origin, again);
    assert_memory_equal(tuned, again, sizeof tuned); /* the same plan: the same bits */
    for (size_t i = 0; i < BATCH * CLASSES; i++)
        assert_true(fabsf(tuned[i] - usual[i]) <= 1e-4f);
    alx_tunings_destroy(&tunings);
}

static void networks_are_tuned(void **state)
{
    (void)state;
    test_each_device(&(struct alx_device_options){.profiling = true}, tune_device);
}

static void tune_without_clock(alx_device *device)
{
    const struct alx_tune_options options = {
        .batch = BATCH, .precision = ALX_PRECISION_INT8, .budget_ns = 5ull * 1000000000};
    struct alx_tune_result result = {0};
    alx_tunings *tunings = NULL;
    assert_ok(alx_tunings_create(&tunings));
    assert_ok(alx_tune(device, net, &options, NULL, NULL, tunings, &result));
    assert_true(result.tuned_ns <= result.default_ns);
    alx_tunings_destroy(&tunings);
}

static void no_profiling_and_int8(void **state)
{
    (void)state;
    test_each_device(NULL, tune_without_clock);
}

static void tune_in_no_time(alx_device *device)
{
    const struct alx_tune_options options = {.budget_ns = 1};
    struct alx_tune_result result = {.layers = 99};
    alx_tunings *tunings = NULL;
    assert_ok(alx_tunings_create(&tunings));
    assert_ok(alx_tune(device, net, &options, NULL, NULL, tunings, &result));
    assert_int_equal(result.candidates, 0);
    assert_int_equal(result.tuned_ns, 0);
    assert_int_equal(alx_tunings_count(tunings), 0);
    assert_false(device->transient);
    alx_tunings_destroy(&tunings);
}

static void no_budget_finds_nothing(void **state)
{
    (void)state;
    test_each_device(NULL, tune_in_no_time);
}

/* --- wrong kernels --- */

static void refuse_wrong_ones(alx_device *device)
{
    const struct alx_plan_options options = {.batch = BATCH};
    const struct alx_plan_overrides overrides = {.algorithm = "naive"};
    alx_plan *plan = NULL;
    struct alx_layer_trial trial;
    struct alx_search search;
    struct alx_chill chill;
    assert_ok(alx_plan_create_with(net, device, &options, &overrides, &plan));
    assert_ok(alx_layer_trial_create(plan, 0, model, 0, &trial));
    assert_ok(alx_chill_create(device, &plan->traits, &chill));
    assert_ok(alx_search_create(plan, 0, false, &search));
    sabotaged = "conv_direct";
    assert_ok(alx_search_run(&search, &trial, &chill, UINT64_MAX, true));
    sabotaged = NULL;
    size_t refused = 0;
    for (size_t i = 0; i < search.count; i++) {
        bool direct = !strcmp(search.list[i].way.algorithm->name, "direct");
        refused += search.list[i].state == ALX_REFUSED;
        assert_int_not_equal(search.list[i].state, ALX_UNTRIED);
        if (direct) /* one whose only work-group remains whole computes right */
            assert_true(search.list[i].state == ALX_REFUSED || search.list[i].score < INFINITY);
        else
            assert_int_equal(search.list[i].state, ALX_MEASURED);
    }
    assert_true(refused >= 1 && refused == search.refused);
    assert_string_equal(search.list[search.usual].way.algorithm->name, "naive");
    alx_search_destroy(&search);
    sabotaged = "conv_naive"; /* the default itself is wrong: nothing can be compared */
    assert_ok(alx_search_create(plan, 0, false, &search));
    trial.usual_known = false;
    assert_fails(alx_search_run(&search, &trial, &chill, UINT64_MAX, false), ALX_STATUS_DEVICE,
                 "wrong numbers");
    sabotaged = NULL;
    alx_search_destroy(&search);
    alx_chill_destroy(&chill);
    alx_layer_trial_destroy(&trial);
    alx_plan_destroy(&plan);
}

static void wrong_numbers_never_win(void **state)
{
    (void)state;
    test_each_device(NULL, refuse_wrong_ones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_tuned),
        cmocka_unit_test(no_profiling_and_int8),
        cmocka_unit_test(no_budget_finds_nothing),
        cmocka_unit_test(wrong_numbers_never_win),
    };
    return cmocka_run_group_tests(tests, make_net, free_net);
}
