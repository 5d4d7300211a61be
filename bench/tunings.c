/*
 * Plans of one network side by side: the default of the device's family, and those of files of
 * tunings. They run in turn, round after round, so that ratios hold on a machine that slows down.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/alexnet_cl.h>

#include "util/stats.h"

enum { MAX_PLANS = 8, MAX_ROUNDS = 1000, WARM_UPS = 2, PARTS = 1000000 };

struct options {
    const char *network, *device;
    size_t batch, rounds;
    enum alx_precision precision;
};

/* A plan, and what it took. */
struct contender {
    const char *name;
    alx_plan *plan;
    alx_session *session;
    uint64_t ns[MAX_ROUNDS];
    uint64_t ratio[MAX_ROUNDS]; /* to the first plan's time of the same round, in PARTS */
};

static const char usage[] = "usage: tunings [OPTIONS] [TUNINGS...]\n"
                            "  -n, --network NAME    a built-in network (alexnet)\n"
                            "  -d, --device SPEC     as for alexnet-cl (the default device)\n"
                            "  -b, --batch N         images a run (1)\n"
                            "  -r, --rounds N        measurements of each plan (51)\n"
                            "  -p, --precision P     fp32, fp16 or int8 (fp32)\n"
                            "TUNINGS are files that alexnet-cl tune --export wrote.\n";

static void check(enum alx_status status)
{
    if (status == ALX_STATUS_OK)
        return;
    fprintf(stderr, "tunings: %s\n", alx_error_message());
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
        {"network", required_argument, NULL, 'n'},   {"device", required_argument, NULL, 'd'},
        {"batch", required_argument, NULL, 'b'},     {"rounds", required_argument, NULL, 'r'},
        {"precision", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
    struct options options = {.network = "alexnet", .batch = 1, .rounds = 51};
    for (int c; (c = getopt_long(argc, argv, "n:d:b:r:p:", known, NULL)) != -1;) {
        if (c == 'n')
            options.network = optarg;
        else if (c == 'd')
            options.device = optarg;
        else if (c == 'b')
            options.batch = number(optarg, 4096);
        else if (c == 'r')
            options.rounds = number(optarg, MAX_ROUNDS);
        else if (c == 'p')
            options.precision = precision(optarg);
        else
            wrong_usage();
    }
    if (argc - optind >= MAX_PLANS)
        wrong_usage();
    return options;
}

/* `path` NULL: without tunings. */
static void open_contender(const char *path, const alx_net *net, const alx_model *model,
                           alx_device *device, const struct options *options, struct contender *out)
{
    alx_tunings *tunings = NULL;
    if (path)
        check(alx_tunings_read(path, &tunings));
    const struct alx_plan_options how = {
        .batch = options->batch, .precision = options->precision, .tunings = tunings};
    out->name = path ? path : "default";
    check(alx_plan_create(net, device, &how, &out->plan));
    check(alx_session_create(out->plan, model, &out->session));
    alx_tunings_destroy(&tunings);
}

/* Ratios within rounds: what disturbs a round mostly disturbs all its plans. */
static void rate(struct contender *contender, const struct contender *first, size_t rounds)
{
    for (size_t i = 0; i < rounds; i++)
        contender->ratio[i] =
            (uint64_t)((double)contender->ns[i] / (double)first->ns[i] * PARTS + 0.5);
    alx_median(contender->ratio, rounds); /* sorts */
}

static void measure(struct contender *contenders, size_t count, const struct options *options,
                    const float *in, float *out)
{
    for (size_t round = 0; round < options->rounds + WARM_UPS; round++)
        for (size_t i = 0; i < count; i++) {
            check(alx_session_run(contenders[i].session, in, options->batch, out));
            contenders[i].ns[round < WARM_UPS ? 0 : round - WARM_UPS] =
                alx_session_times(contenders[i].session).run_ns;
        }
    printf("%-10s %10s %10s %10s %8s %15s  %s\n", "plan", "median ms", "10 % ms", "90 % ms",
           "ratio", "(25 to 75 %)", "origin");
    for (size_t i = count;
         i-- > 0;) /* the first one last: its rounds are what ratios are made of */
        rate(&contenders[i], &contenders[0], options->rounds);
    for (size_t i = 0; i < count; i++) {
        struct contender *c = &contenders[i];
        size_t rounds = options->rounds;
        double ms = (double)alx_median(c->ns, rounds) / 1e6; /* sorts */
        printf("%-10.40s %10.3f %10.3f %10.3f %8.3f %6.3f to %5.3f  %s\n", c->name, ms,
               (double)c->ns[rounds / 10] / 1e6, (double)c->ns[rounds * 9 / 10] / 1e6,
               (double)c->ratio[rounds / 2] / PARTS, (double)c->ratio[rounds / 4] / PARTS,
               (double)c->ratio[rounds * 3 / 4] / PARTS, alx_plan_origin(c->plan));
    }
}

int main(int argc, char **argv)
{
    static struct contender contenders[MAX_PLANS];
    const struct options options = read_options(argc, argv);
    alx_devices *devices = NULL;
    alx_device *device = NULL;
    alx_net *net = NULL;
    alx_model *model = NULL;
    size_t index, count = 1 + (size_t)(argc - optind);
    check(alx_net_create_named(options.network, &net));
    check(alx_model_create_random(net, 1, &model));
    check(alx_devices_create(&devices));
    check(alx_devices_find(devices, options.device, &index));
    check(alx_device_open(devices, index, NULL, &device));
    for (size_t i = 0; i < count; i++)
        open_contender(i ? argv[optind + (int)i - 1] : NULL, net, model, device, &options,
                       &contenders[i]);
    struct alx_shape s = alx_net_input(net), answers = alx_net_output(net);
    float *in = calloc(options.batch * s.channels * s.height * s.width, sizeof *in);
    float *out =
        calloc(options.batch * answers.channels * answers.height * answers.width, sizeof *out);
    if (!in || !out)
        return 1;
    for (size_t i = 0; i < options.batch * s.channels * s.height * s.width; i++)
        in[i] = (float)(i % 251) / 251;
    measure(contenders, count, &options, in, out);
    for (size_t i = 0; i < count; i++) {
        alx_session_destroy(&contenders[i].session);
        alx_plan_destroy(&contenders[i].plan);
    }
    free(out);
    free(in);
    alx_device_close(&device);
    alx_devices_destroy(&devices);
    alx_model_destroy(&model);
    alx_net_destroy(&net);
    return 0;
}
