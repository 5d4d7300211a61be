/*
 * Every algorithm that can compute a layer of a network, timed on a device, layer by layer.
 *
 * The algorithms of a layer run in turn, round after round, so that a machine which slows down
 * slows all of them; figures are medians over the rounds, of the device's own times.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/alexnet_cl.h>

#include "measure/limits.h"
#include "plan/plan.h"

enum { MAX_ALGORITHMS = 16, MAX_ROUNDS = 1000, WARM_UPS = 2 };

struct options {
    const char *network, *device;
    size_t batch, rounds, vector;
    bool cold;
    enum alx_precision precision;
};

/* The device, the traits that it is to be taken for, and its limits. */
struct target {
    alx_device *device;
    struct alx_traits traits;
    alx_limits *limits;
};

/* One algorithm on one layer. */
struct candidate {
    const char *name;
    alx_plan *plan;
    alx_session *session;
    uint64_t ns[MAX_ROUNDS];
};

static const char usage[] =
    "usage: kernels [OPTIONS]\n"
    "  -n, --network NAME    a built-in network (alexnet)\n"
    "  -d, --device SPEC     as for alexnet-cl (the default device)\n"
    "  -b, --batch N         images a run (1)\n"
    "  -r, --rounds N        measurements of each algorithm (11)\n"
    "  -p, --precision P     fp32, fp16 or int8 (fp32)\n"
    "  -v, --vector N        on CPUs: as for registers of N floats\n"
    "  -c, --cold            read other memory before every run, so that\n"
    "                        caches are as cold as inside a large network\n";

static void check(enum alx_status status)
{
    if (status == ALX_STATUS_OK)
        return;
    fprintf(stderr, "kernels: %s\n", alx_error_message());
    exit(1);
}

static void wrong_usage(void)
{
    fputs(usage, stderr);
    exit(2);
}

static size_t number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || !value || value > most)
        wrong_usage();
    return value;
}

static enum alx_precision precision(const char *text)
{
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++)
        if (!strcmp(text, alx_precision_name((enum alx_precision)p)))
            return (enum alx_precision)p;
    wrong_usage();
    return ALX_PRECISION_FP32;
}

static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"network", required_argument, NULL, 'n'},
        {"device", required_argument, NULL, 'd'},
        {"batch", required_argument, NULL, 'b'},
        {"rounds", required_argument, NULL, 'r'},
        {"precision", required_argument, NULL, 'p'},
        {"vector", required_argument, NULL, 'v'},
        {"cold", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.network = "alexnet", .batch = 1, .rounds = 11};
    for (int c; (c = getopt_long(argc, argv, "n:d:b:r:p:v:ch", known, NULL)) != -1;) {
        switch (c) {
        case 'n':
            options.network = optarg;
            break;
        case 'd':
            options.device = optarg;
            break;
        case 'b':
            options.batch = number(optarg, 4096);
            break;
        case 'r':
            options.rounds = number(optarg, MAX_ROUNDS);
            break;
        case 'p':
            options.precision = precision(optarg);
            break;
        case 'v':
            options.vector = number(optarg, 16);
            break;
        case 'c':
            options.cold = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            wrong_usage();
        }
    }
    if (optind != argc)
        wrong_usage();
    return options;
}

/* Fills `candidates` with the algorithms that the planner grants for this net of one layer. */
static size_t make_candidates(const alx_net *net, const alx_model *model,
                              const struct target *target, const struct options *options,
                              struct candidate *candidates)
{
    size_t count, made = 0;
    const struct alx_algorithm *const *algorithms = alx_algorithms(&count);
    enum alx_layer_kind kind = alx_net_layer(net, 0)->layer.kind;
    for (size_t i = 0; i < count && made < MAX_ALGORITHMS; i++) {
        struct candidate *candidate = &candidates[made];
        const struct alx_plan_options plan_options = {.batch = options->batch,
                                                      .precision = options->precision};
        const struct alx_plan_overrides overrides = {.traits = &target->traits,
                                                     .algorithm = algorithms[i]->name};
        if (algorithms[i]->kind != kind)
            continue;
        *candidate = (struct candidate){.name = algorithms[i]->name};
        check(
            alx_plan_create_with(net, target->device, &plan_options, &overrides, &candidate->plan));
        if (strcmp(alx_plan_step(candidate->plan, 0)->algorithm, candidate->name)) {
            alx_plan_destroy(&candidate->plan);
            continue;
        }
        check(alx_session_create(candidate->plan, model, &candidate->session));
        made++;
    }
    return made;
}

static int compare_ns(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

/* The limits as measured in the same rounds. */
struct yardsticks {
    double gflops[MAX_ROUNDS], gb_per_s[MAX_ROUNDS];
};

/* Percent of the limit that binds; above 100 where an algorithm saves multiplications. */
static void report(const char *layer, struct candidate *candidate, size_t rounds,
                   struct yardsticks *yardsticks)
{
    const struct alx_plan_step *step = alx_plan_step(candidate->plan, 0);
    qsort(candidate->ns, rounds, sizeof *candidate->ns, compare_ns);
    double ns = (double)candidate->ns[rounds / 2], least = (double)candidate->ns[0];
    double gflops = ns > 0 ? 2 * (double)step->macs / ns : 0;
    double gb_per_s = ns > 0 ? (double)step->moved_bytes / ns : 0;
    double compute = gflops / median(yardsticks->gflops, rounds);
    double memory = gb_per_s / median(yardsticks->gb_per_s, rounds);
    printf("%-8s %-8s %10.3f %10.3f %10.1f %8.1f %6.0f%% %s  %s\n", layer, candidate->name,
           ns / 1e6, least / 1e6, gflops, gb_per_s, 100 * (compute > memory ? compute : memory),
           compute > memory ? "compute" : "memory ", step->parameters);
}

static void measure_layer(const struct alx_layer_info *info, const struct target *target,
                          const struct options *options)
{
    static struct yardsticks yardsticks;
    static struct candidate candidates[MAX_ALGORITHMS];
    alx_net *net = NULL;
    alx_model *model = NULL;
    check(alx_net_create("bench", info->in, &info->layer, 1, &net));
    check(alx_model_create_random(net, 1, &model));
    size_t in_elems = info->in.channels * info->in.height * info->in.width;
    size_t out_elems = info->out.channels * info->out.height * info->out.width;
    float *in = calloc(options->batch * in_elems, sizeof *in);
    float *out = calloc(options->batch * out_elems, sizeof *out);
    if (!in || !out)
        exit(1);
    for (size_t i = 0; i < options->batch * in_elems; i++)
        in[i] = (float)(i % 251) / 251;
    size_t count = make_candidates(net, model, target, options, candidates);
    for (size_t round = 0; round < options->rounds + WARM_UPS; round++) {
        size_t kept = round < WARM_UPS ? 0 : round - WARM_UPS;
        check(alx_limits_measure(target->limits, ALX_LIMIT_FMA, &yardsticks.gflops[kept]));
        check(alx_limits_measure(target->limits, ALX_LIMIT_READ, &yardsticks.gb_per_s[kept]));
        for (size_t i = 0; i < count; i++) {
            double unused;
            if (options->cold)
                check(alx_limits_measure(target->limits, ALX_LIMIT_READ, &unused));
            check(alx_session_run(candidates[i].session, in, options->batch, out));
            if (round >= WARM_UPS)
                candidates[i].ns[kept] = alx_session_step_ns(candidates[i].session, 0);
        }
    }
    for (size_t i = 0; i < count; i++) {
        report(info->layer.name, &candidates[i], options->rounds, &yardsticks);
        alx_session_destroy(&candidates[i].session);
        alx_plan_destroy(&candidates[i].plan);
    }
    fflush(stdout);
    free(out);
    free(in);
    alx_model_destroy(&model);
    alx_net_destroy(&net);
}

int main(int argc, char **argv)
{
    const struct options options = read_options(argc, argv);
    const struct alx_device_options device_options = {.profiling = true};
    alx_devices *devices = NULL;
    struct target target = {0};
    alx_net *net = NULL;
    size_t index;
    check(alx_net_create_named(options.network, &net));
    check(alx_devices_create(&devices));
    check(alx_devices_find(devices, options.device, &index));
    check(alx_device_open(devices, index, &device_options, &target.device));
    printf("%s on %s, batch %zu, %s\n", options.network, alx_device_get_info(target.device)->name,
           options.batch, alx_precision_name(options.precision));
    target.traits = alx_traits_of_device(alx_device_get_info(target.device));
    if (options.vector && !target.traits.simt) {
        target.traits.vector = options.vector;
        target.traits.registers = options.vector >= 16 ? 32 : 16;
    }
    check(alx_limits_create_with(target.device, &target.traits, &target.limits));
    printf("%-8s %-8s %10s %10s %10s %8s %15s  %s\n", "layer", "by", "median ms", "least ms",
           "GFLOP/s", "GB/s", "of the limit", "parameters");
    for (size_t i = 0; i < alx_net_layer_count(net); i++)
        if (alx_net_layer(net, i)->layer.kind != ALX_LAYER_DROPOUT)
            measure_layer(alx_net_layer(net, i), &target, &options);
    alx_limits_destroy(&target.limits);
    alx_device_close(&target.device);
    alx_devices_destroy(&devices);
    alx_net_destroy(&net);
    return 0;
}
