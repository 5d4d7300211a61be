/*
 * A network on one device behind a line protocol, so that another program can time it beside
 * others, turn by turn.
 *
 * It reads the input, runs once, writes the probabilities, and prints "ready". For every line N on
 * standard input it then runs N times and prints the N times in milliseconds on one line. It ends
 * with standard input.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <alexnet_cl/alexnet_cl.h>

#include "net/shape.h"
#include "tool.h"
#include "util/clock.h"

enum { MAX_RUNS = 100000 };

struct arguments {
    const char *model, *device, *input, *output;
    enum alx_precision precision;
    size_t batch;
};

const struct tool tool = {
    "network", "usage: network MODEL DEVICE fp32|fp16|int8 BATCH INPUT OUTPUT\n"
               "INPUT holds [BATCH, C, H, W] and OUTPUT gets [BATCH, classes], float32.\n"};

static void refuse(const char *what, const char *why)
{
    fprintf(stderr, "network: %s: %s\n", what, why);
    exit(2);
}

static struct arguments read_arguments(int argc, char **argv)
{
    if (argc != 7)
        tool_wrong_usage();
    return (struct arguments){.model = argv[1],
                              .device = argv[2],
                              .precision = tool_precision(argv[3]),
                              .batch = tool_number(argv[4], 4096),
                              .input = argv[5],
                              .output = argv[6]};
}

static void read_values(const char *path, float *values, size_t count)
{
    FILE *file = fopen(path, "rb");
    if (!file || fread(values, sizeof *values, count, file) != count)
        refuse(path, "cannot be read, or is too short");
    fclose(file);
}

static void write_values(const char *path, const float *values, size_t count)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(values, sizeof *values, count, file) != count || fclose(file))
        refuse(path, "cannot be written");
}

static void serve(alx_session *session, const float *in, size_t batch, float *out)
{
    char line[32];
    while (fgets(line, sizeof line, stdin)) {
        unsigned long runs = strtoul(line, NULL, 10);
        if (!runs || runs > MAX_RUNS)
            refuse(line, "no number of runs");
        for (unsigned long i = 0; i < runs; i++) {
            uint64_t start_ns = alx_clock_ns();
            tool_check(alx_session_run(session, in, batch, out));
            printf("%.6f ", (double)(alx_clock_ns() - start_ns) / 1e6);
        }
        printf("\n");
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    const struct arguments arguments = read_arguments(argc, argv);
    alx_devices *devices = NULL;
    alx_device *device = NULL;
    alx_model *model = NULL;
    alx_plan *plan = NULL;
    alx_session *session = NULL;
    size_t index;
    tool_check(alx_model_load(arguments.model, NULL, &model));
    tool_check(alx_devices_create(&devices));
    tool_check(alx_devices_find(devices, arguments.device, &index));
    tool_check(alx_device_open(devices, index, NULL, &device));
    const struct alx_plan_options options = {.batch = arguments.batch,
                                             .precision = arguments.precision};
    tool_check(alx_plan_create(alx_model_net(model), device, &options, &plan));
    tool_check(alx_session_create(plan, model, &session));
    size_t classes = alx_model_class_count(model);
    size_t in_elems = arguments.batch * alx_shape_elems(alx_net_input(alx_model_net(model)));
    float *in = tool_values(in_elems), *out = tool_values(arguments.batch * classes);
    read_values(arguments.input, in, in_elems);
    tool_check(alx_session_run(session, in, arguments.batch, out));
    write_values(arguments.output, out, arguments.batch * classes);
    printf("ready\n");
    fflush(stdout);
    serve(session, in, arguments.batch, out);
    free(out);
    free(in);
    alx_session_destroy(&session);
    alx_plan_destroy(&plan);
    alx_device_close(&device);
    alx_devices_destroy(&devices);
    alx_model_destroy(&model);
    return 0;
}
