/*
 * Plans for devices that are described and not there: what a GPU of each kind would run.
 */
#include <string.h>

#include <alexnet_cl/net.h>

#include "plan/plan.h"
#include "support/test.h"

enum { BATCHES = 3, PRECISIONS = 3 };
static const size_t batches[BATCHES] = {1, 4, 32};

/* Few and many units, sharing through local memory and through sub-groups of both sizes. */
static const struct {
    size_t units, lanes, block_read_lanes;
    bool unified;
} gpus[] = {{8, 64, 0, true},
            {24, 64, 16, true},
            {32, 64, 8, true},
            {60, 64, 0, false},
            {512, 64, 16, false}};

static struct alx_device_info gpu(size_t index)
{
    return (struct alx_device_info){
        .type = ALX_DEVICE_GPU,
        .compute_units = gpus[index].units,
        .local_bytes = 64 << 10,
        .max_work_group = 256,
        .block_read_lanes = gpus[index].block_read_lanes,
        .unified_memory = gpus[index].unified,
        .vector_floats = 1,
        .global_bytes = (uint64_t)4 << 30,
        .max_alloc_bytes = (uint64_t)1 << 30,
    };
}

static alx_plan *plan_for(const alx_net *net, size_t index, const struct alx_plan_options *options)
{
    const struct alx_plan_overrides overrides = {0};
    const struct alx_device_info info = gpu(index);
    alx_plan *plan = NULL;
    assert_ok(alx_plan_describe(net, &info, options, &overrides, &plan));
    return plan;
}

/* Calls `check` with every plan of AlexNet. */
static void each_plan(void (*check)(const alx_plan *plan))
{
    alx_net *net = NULL;
    assert_ok(alx_net_create_named("alexnet", &net));
    for (size_t i = 0; i < sizeof gpus / sizeof *gpus * BATCHES * PRECISIONS * 2; i++) {
        const struct alx_plan_options options = {
            .batch = batches[i / 2 % BATCHES],
            .precision = (enum alx_precision)(i / 2 / BATCHES % PRECISIONS),
            .exact = i % 2};
        alx_plan *plan = plan_for(net, i / 2 / BATCHES / PRECISIONS, &options);
        check(plan);
        alx_plan_destroy(&plan);
        assert_null(plan);
    }
    alx_net_destroy(&net);
}

/* What a unit can run by itself: 64 work-items, or a sub-group. */
static size_t waves_of(const alx_plan *plan, const struct alx_step *step,
                       const struct alx_launch *launch)
{
    size_t lanes = plan->traits.block_read_lanes ? plan->traits.block_read_lanes : 64;
    size_t waves = launch->per_panel ? step->panels : 1;
    for (size_t axis = 0; axis < 3; axis++)
        waves *= launch->global[axis] / launch->local[axis];
    return waves * (launch->local[0] + lanes - 1) / lanes;
}

/* Layers with weights, which take nearly all of the time. */
static void check_filled(const alx_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++)
        for (size_t j = 0; plan->steps[i].panels && j < plan->steps[i].recipe.launch_count; j++) {
            const struct alx_launch *launch = &plan->steps[i].recipe.launches[j];
            size_t waves = waves_of(plan, &plan->steps[i], launch);
            if (launch->per_panel && waves < plan->traits.units)
                fail_msg("%s at batch %zu: work for %zu of %zu units",
                         plan->steps[i].info.layer.name, plan->batch, waves, plan->traits.units);
        }
}

static void every_unit_has_work(void **state)
{
    (void)state;
    each_plan(check_filled);
}

/* Sums that a work-item holds at a time: docs/registers.md has what compilers make of them. */
static void check_tiles(const alx_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct alx_params *p = &plan->steps[i].params;
        if (!p->columns)
            continue;
        assert_int_equal(p->lanes % p->columns, 0);
        assert_int_equal(p->sub_group, plan->traits.block_read_lanes > 0);
        assert_int_equal(p->lanes,
                         p->sub_group ? plan->traits.block_read_lanes : plan->traits.lanes);
        assert_true(p->rows * p->vectors * p->vector <= (p->sub_group ? 256 / p->lanes : 32));
        assert_true(p->split >= 1 && p->split <= 16);
    }
}

static void tiles_fit_into_registers(void **state)
{
    (void)state;
    each_plan(check_tiles);
}

static void check_names(const alx_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct alx_plan_step *step = alx_plan_step(plan, i);
        assert_string_not_equal(step->algorithm, "naive");
        assert_string_not_equal(step->algorithm, "clblast"); /* only where it was measured */
        if (!strncmp(step->layer, "conv", 4))
            assert_non_null(strstr(step->algorithm, "tiled"));
        if (!strncmp(step->layer, "fc", 2))
            assert_string_equal(step->algorithm, plan->batch > 4 ? "tiled" : "gemv");
    }
}

static void gpus_get_kernels_for_gpus(void **state)
{
    (void)state;
    each_plan(check_names);
}

static void workspaces_keep_to_small_buffers(void **state)
{
    (void)state;
    struct alx_device_info info = gpu(1);
    const struct alx_plan_overrides overrides = {0};
    const struct alx_plan_options options = {.batch = 32};
    alx_net *net = NULL;
    alx_plan *plan = NULL;
    info.max_alloc_bytes = (uint64_t)128 << 20;
    assert_ok(alx_net_create_named("alexnet", &net));
    assert_ok(alx_plan_describe(net, &info, &options, &overrides, &plan));
    for (size_t i = 0; i < plan->step_count; i++)
        assert_true(plan->steps[i].work.bytes <= info.max_alloc_bytes / 4);
    assert_true(alx_plan_memory(plan).arena_bytes <= info.max_alloc_bytes);
    alx_plan_destroy(&plan);
    info.global_bytes = 1 << 20; /* not even a part of the weights */
    assert_fails(alx_plan_describe(net, &info, &options, &overrides, &plan),
                 ALX_STATUS_MEMORY_LIMIT, "alexnet");
    assert_null(plan);
    alx_net_destroy(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_has_work),
        cmocka_unit_test(tiles_fit_into_registers),
        cmocka_unit_test(gpus_get_kernels_for_gpus),
        cmocka_unit_test(workspaces_keep_to_small_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
