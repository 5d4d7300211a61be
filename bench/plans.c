/*
 * What the planner would run on devices that are not here: one line a launch, with columns between
 * tabs, for programs that compile the kernels (registers.py) or predict times (roofline.py).
 *
 *   family layer algorithm kernel file global local macs weight_bytes moved_bytes options
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/alexnet_cl.h>

#include "plan/plan.h"

/* Families by a device that stands for them, with what its driver says. */
static const struct family {
    const char *name;
    size_t vendor_id, generation, wave, units, max_work_group, block_read_lanes;
    bool unified;
} families[] = {
    /* units of Intel's GPUs have 8 lanes, AMD's 64, NVIDIA's 64 to 128 */
    {"intel-gen9", 0x8086, 900, 0, 24, 256, 16, true},    /* HD Graphics 530 */
    {"intel-xe", 0x8086, 1200, 0, 32, 512, 16, true},     /* UHD Graphics 770 */
    {"intel-arc", 0x8086, 1255, 0, 512, 1024, 16, false}, /* Arc A770 */
    {"amd-gcn", 0x1002, 0, 64, 60, 256, 0, false},        /* Radeon VII */
    {"amd-rdna", 0x1002, 0, 32, 22, 256, 0, false},       /* Radeon RX 5500 XT */
    {"nvidia", 0x10de, 75, 0, 46, 1024, 0, false},        /* GeForce RTX 2080 */
};

static void check(enum alx_status status)
{
    if (status == ALX_STATUS_OK)
        return;
    fprintf(stderr, "plans: %s\n", alx_error_message());
    exit(1);
}

static struct alx_device_info describe(const struct family *family)
{
    return (struct alx_device_info){
        .type = ALX_DEVICE_GPU,
        .vendor_id = family->vendor_id,
        .generation = family->generation,
        .wave = family->wave,
        .compute_units = family->units,
        .local_bytes = 64 << 10,
        .max_work_group = family->max_work_group,
        .block_read_lanes = family->block_read_lanes,
        .unified_memory = family->unified,
        .vector_floats = 1,
        .global_bytes = (uint64_t)8 << 30,
        .max_alloc_bytes = (uint64_t)2 << 30,
        .base_align_bytes = 128,
    };
}

static void print_launch(const struct family *family, const struct alx_step *step,
                         const struct alx_launch *launch)
{
    size_t panels = launch->per_panel ? step->panels : 1;
    size_t global[3] = {launch->global[0], launch->global[1], launch->global[2]};
    global[launch->panel_axis] *= panels;
    printf("%s\t%s\t%s\t%s\t%s\t%zu,%zu,%zu\t%zu\t%zu\t%llu\t%llu\t%s\n", family->name,
           step->info.layer.name, step->algorithm->name, launch->kernel ? launch->kernel : "",
           launch->file ? launch->file : "", global[0], global[1], global[2], launch->local[0],
           (size_t)step->shown.macs, (unsigned long long)step->shown.weight_bytes,
           (unsigned long long)step->shown.moved_bytes, alx_text_get(&step->recipe.options));
}

static void print_plan(const struct family *family, const alx_net *net,
                       const struct alx_plan_options *options)
{
    const struct alx_device_info info = describe(family);
    const struct alx_plan_overrides overrides = {0};
    alx_plan *plan = NULL;
    check(alx_plan_describe(net, &info, options, &overrides, &plan));
    for (size_t i = 0; i < plan->step_count; i++)
        for (size_t j = 0; j < plan->steps[i].recipe.launch_count; j++)
            print_launch(family, &plan->steps[i], &plan->steps[i].recipe.launches[j]);
    alx_plan_destroy(&plan);
}

/* 1 to 4096, or 0. */
static size_t batch_of(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    return *end || value > 4096 ? 0 : value;
}

int main(int argc, char **argv)
{
    bool exact = argc == 5 && !strcmp(argv[4], "exact"), right = argc == 4 || exact;
    struct alx_plan_options options = {.batch = right ? batch_of(argv[2]) : 0, .exact = exact};
    int precision = ALX_PRECISION_FP32;
    while (right && precision <= ALX_PRECISION_INT8 &&
           strcmp(argv[3], alx_precision_name((enum alx_precision)precision)))
        precision++;
    if (!options.batch || precision > ALX_PRECISION_INT8) {
        fputs("usage: plans NETWORK BATCH fp32|fp16|int8 [exact]\n", stderr);
        return 2;
    }
    options.precision = (enum alx_precision)precision;
    alx_net *net = NULL;
    check(alx_net_create_named(argv[1], &net));
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        print_plan(&families[i], net, &options);
    alx_net_destroy(&net);
    return 0;
}
