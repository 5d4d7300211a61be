/*
 * alexnet-cl bench: every device of this machine, measured side by side.
 */
#include "cli/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/random.h"

enum {
    MOST_IMAGES = 4,
    REFERENCE_MACS = 1500000000, /* that the reference computes in a second or two */
    MODEL_SEED = 1,
    DEFAULT_TIMEOUT_S = 60,
};

/* --- what is run --- */

/* The network that is asked for with random weights, unless there is a model. */
static enum alx_status load_model(struct bench *bench)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct cli_options *options = bench->options;
    const struct alx_model_options how = {.network = options->network};
    alx_net *net = NULL;
    cli_progress("making the network ...");
    if (options->model) {
        ALX_TRY(alx_model_load(options->model, &how, &bench->model));
    } else {
        ALX_TRY(alx_net_open(options->network ? options->network : "alexnet", &net));
        ALX_TRY(alx_model_create_random(net, MODEL_SEED, &bench->model));
    }
error:
    alx_net_destroy(&net);
    return status;
}

static void show_reference(void *user, size_t done, size_t all)
{
    (void)user;
    cli_progress("computing what devices should answer: layer %zu of %zu ...", done + 1, all);
}

/* Random pictures, the same ones every time, and what the network should say of them. */
static enum alx_status make_images(struct bench *bench)
{
    enum alx_status status = ALX_STATUS_OK;
    const alx_net *net = alx_model_net(bench->model);
    struct alx_shape in = alx_net_input(net);
    uint64_t state = MODEL_SEED;
    size_t fitting = REFERENCE_MACS / alx_max((size_t)alx_net_macs(net), 1);
    bench->image_count = bench->options->quick ? 1 : alx_max(1, alx_min(fitting, MOST_IMAGES));
    bench->input_elems = in.channels * in.height * in.width;
    ALX_TRY(alx_alloc(bench->image_count, bench->input_elems * sizeof *bench->images, "the images",
                      &bench->images));
    for (size_t i = 0; i < bench->image_count * bench->input_elems; i++)
        bench->images[i] = alx_random_float(&state, -2, 2);
    ALX_TRY(alx_answers_create(bench->model, NULL, bench->images, bench->image_count,
                               show_reference, NULL, &bench->answers));
error:
    return status;
}

/* --- how --- */

static enum alx_status choose_settings(struct bench *bench)
{
    const struct cli_options *options = bench->options;
    double time_s = options->quick ? 1 : 10;
    if (options->time.given)
        time_s = (double)options->time.values[0];
    if (!(time_s > 0))
        return alx_fail(ALX_STATUS_USAGE, "--time: cannot be %g; give seconds above 0", time_s);
    bench->time_ns = (uint64_t)(time_s * 1e9);
    bench->warm_up_ns = bench->time_ns * 3 / 10;
    bench->search_ns = bench->time_ns / 10;
    bench->interval = 0.02;
    bench->visits = options->quick ? 1 : 6;
    bench->most_batch = options->quick ? 16 : 512;
    bench->timeout_s = options->timeout ? (unsigned)options->timeout : DEFAULT_TIMEOUT_S;
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++)
        if (options->precision < 0 || options->precision == p)
            bench->precisions[bench->precision_count++] = (enum alx_precision)p;
    return ALX_STATUS_OK;
}

/* So that no device or precision always has the machine when it is cold, or hot. */
static void shuffle(struct bench *bench)
{
    uint64_t state;
    bench->seed = alx_clock_ns() & 0xffffffff;
    state = bench->seed;
    for (size_t i = bench->chosen_count; i > 1; i--) {
        size_t j = alx_random_next(&state) % i, chosen = bench->chosen[j];
        bench->chosen[j] = bench->chosen[i - 1];
        bench->chosen[i - 1] = chosen;
    }
    for (size_t i = bench->precision_count; i > 1; i--) {
        size_t j = alx_random_next(&state) % i;
        enum alx_precision precision = bench->precisions[j];
        bench->precisions[j] = bench->precisions[i - 1];
        bench->precisions[i - 1] = precision;
    }
}

/* --- the command --- */

static int show(const struct bench *bench, int code)
{
    const struct cli_options *options = bench->options;
    if (options->trace && bench_write_trace(bench, options->trace) != ALX_STATUS_OK && !code)
        code = EXIT_SOME_FAILED;
    return bench_finish(json_incref(bench->document), options, code);
}

static void clean_up(struct bench *bench)
{
    json_decref(bench->document);
    json_decref(bench->old);
    json_decref(bench->trace);
    free(bench->infos);
    free(bench->chosen);
    free(bench->images);
    alx_answers_destroy(&bench->answers);
    alx_model_destroy(&bench->model);
}

int cli_bench(const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    struct bench bench = {.options = options};
    int code = EXIT_ALL_DONE;
    if (bench_only_reads(options))
        return bench_read_files(options);
    alx_host_state_read(NULL, &bench.started);
    ALX_TRY(bench_check_options(options));
    ALX_TRY(choose_settings(&bench));
    code = bench_discover(&bench);
    if (code)
        goto error;
    ALX_TRY(load_model(&bench));
    ALX_TRY(make_images(&bench));
    shuffle(&bench);
    if (options->trace)
        bench.trace = json_array();
    code = bench_document_begin(&bench);
    cli_progress_clear();
    if (code)
        goto error;
    ALX_TRY(bench_check_old(bench.document, options, &bench.old));
    bench_measure_all(&bench);
    bench_document_finish(&bench);
    code = show(&bench, bench_document_code(&bench));
error:
    cli_progress_clear();
    clean_up(&bench);
    return code ? code : cli_exit_code(status, EXIT_MODEL);
}
