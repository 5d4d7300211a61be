/*
 * The child that measures one device: a servant of requests, of which each is a line of JSON.
 *
 *   {"do": "limits"}                          {"samples": {"fma_gflops": [...], ...}, "left_out":
 *                                             [what plans leave out, as verify found it wrong]}
 *   {"do": "prepare", "precision", "batch",   plan, times, check; what the timing is to be taken of
 *    "profiling", "first", "control"}
 *   {"do": "sample", "ns", "most", "control"} {"runs": [ms], "layers": [[ms], ...],
 *                                             "control": {"fma_gflops": [...], ...}}
 *   {"do": "trace"}                           {"events": [{"name", "start_us", "duration_us"}]}
 *   {"do": "quit"}
 *
 * Before a reply, lines {"progress": "..."} say that it still lives; "patience_s" in one is how
 * long the next line may take. {"error": "...", "limited"} is the reply to what failed; the second
 * says that it needs more memory than there is.
 */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/engine.h"
#include "cli/json.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/text.h"

enum {
    LIMIT_SAMPLES = 5,
    KEPT_ANSWERS = 8,
    WRONG_BYTES = 160,
    RUN_PATIENCE_S = 10, /* of kernels that have run before */
};

static struct {
    const struct bench *bench;
    size_t info_index;
    int replies;
    alx_device *device;
    bool profiling;
    alx_plan *plan;
    alx_session *session;
    alx_limits *control; /* NULL where there is none */
    size_t batch;
    float *inputs, *outputs; /* [max(batch, image_count), ...] */
    double first_run_s;
    /* Answers by how the layers' weights are stored. */
    struct {
        enum alx_precision *precisions;
        alx_answers *answers;
    } kept[KEPT_ANSWERS];
    size_t kept_count;
} child;

/* --- talking --- */

/* A parent that went away is no one to work for. */
static void send_line(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (!alx_write_all(child.replies, text, strlen(text)) || !alx_write_all(child.replies, "\n", 1))
        _exit(1);
    free(text);
    json_decref(object);
}

static void send_progress(const char *text, double patience_s)
{
    json_t *object = json_object();
    cli_json_set(object, "progress", cli_json_text(text));
    if (patience_s > 0)
        cli_json_set(object, "patience_s", cli_json_number(patience_s));
    send_line(object);
}

/* The library's messages: what it compiled is progress, errors come with the reply. */
static void receive(void *user, enum alx_log_level level, const char *message)
{
    char short_message[64];
    (void)user;
    if (level == ALX_LOG_ERROR)
        return;
    if (level == ALX_LOG_WARNING) {
        json_t *object = json_object();
        cli_json_set(object, "warning", cli_json_text(message));
        send_line(object);
        return;
    }
    alx_text_copy(short_message, sizeof short_message, message);
    short_message[strcspn(short_message, ":")] = 0;
    send_progress(short_message, 0);
}

/* --- limits --- */

static enum alx_status measure_limit(alx_limits *limits, enum alx_limit limit, json_t *samples)
{
    enum alx_status status = ALX_STATUS_OK;
    json_t *list = json_array();
    cli_json_set(samples, alx_limit_name(limit), list);
    for (size_t i = 0; i < LIMIT_SAMPLES && alx_limits_offer(limits, limit); i++) {
        double value;
        send_progress(alx_limit_name(limit), RUN_PATIENCE_S);
        ALX_TRY(alx_limits_measure(limits, limit, &value));
        json_array_append_new(list, cli_json_number(value));
    }
error:
    return status;
}

static enum alx_status open_device(bool profiling)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_devices *devices = NULL;
    const struct cli_options *options = child.bench->options;
    const struct alx_device_options how = {
        .cache_dir = options->cache_dir, .no_cache = options->no_cache, .profiling = profiling};
    if (child.device && child.profiling == profiling)
        return ALX_STATUS_OK;
    alx_device_close(&child.device); /* which keeps what was compiled */
    send_progress("opening", 0);
    ALX_TRY(alx_devices_create(&devices));
    ALX_TRY(alx_device_open(devices, child.info_index, &how, &child.device));
    child.profiling = profiling;
error:
    alx_devices_destroy(&devices);
    return status;
}

static enum alx_status serve_limits(const json_t *request, json_t *reply)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_limits *limits = NULL;
    json_t *samples = json_object();
    (void)request;
    cli_json_set(reply, "samples", samples);
    ALX_TRY(open_device(false));
    cli_json_set(reply, "left_out", cli_json_lines(alx_device_faults(child.device)));
    ALX_TRY(alx_limits_create(child.device, &limits));
    for (int i = 0; i < ALX_LIMIT_COUNT; i++)
        ALX_TRY(measure_limit(limits, (enum alx_limit)i, samples));
error:
    alx_limits_destroy(&limits);
    return status;
}

/* --- a session --- */

static void release(void)
{
    alx_session_destroy(&child.session);
    alx_plan_destroy(&child.plan);
    alx_limits_destroy(&child.control);
    free(child.inputs);
    free(child.outputs);
    child.inputs = child.outputs = NULL;
}

static enum alx_status allocate(void)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct bench *bench = child.bench;
    size_t count = alx_max(child.batch, bench->image_count);
    size_t image_bytes = bench->input_elems * sizeof *child.inputs;
    ALX_TRY(alx_alloc(count, image_bytes, "a batch of images", &child.inputs));
    ALX_TRY(alx_alloc(count, alx_model_class_count(bench->model) * sizeof *child.outputs,
                      "a batch of answers", &child.outputs));
    for (size_t i = 0; i < count; i++)
        memcpy(child.inputs + i * bench->input_elems,
               bench->images + i % bench->image_count * bench->input_elems, image_bytes);
error:
    return status;
}

static void answers_progress(void *user, size_t done, size_t all)
{
    char text[64];
    (void)user;
    snprintf(text, sizeof text, "reference, layer %zu of %zu", done + 1, all);
    send_progress(text, 0);
}

/* What the plan's weights should lead to: the parent's answers, those of an earlier plan, or new
 * ones, for which it takes `is_new`; NULL without. */
static enum alx_status find_answers(bool is_new, const alx_answers **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct bench *bench = child.bench;
    size_t layers = alx_net_layer_count(alx_model_net(bench->model)), place = child.kept_count;
    enum alx_precision *precisions = NULL;
    bool exact = true;
    ALX_TRY(alx_alloc(layers, sizeof *precisions, "the answers", &precisions));
    alx_plan_weight_precisions(child.plan, precisions);
    for (size_t i = 0; i < layers; i++)
        exact = exact && precisions[i] == ALX_PRECISION_FP32;
    for (size_t i = 0; i < child.kept_count; i++)
        if (!memcmp(child.kept[i].precisions, precisions, layers * sizeof *precisions))
            place = i;
    if (!exact && place == child.kept_count && !is_new) {
        *out = NULL;
        goto error;
    }
    if (!exact && place == child.kept_count) {
        place = alx_min(place, KEPT_ANSWERS - 1);
        alx_answers_destroy(&child.kept[place].answers);
        free(child.kept[place].precisions);
        child.kept[place].precisions = NULL;
        child.kept_count = place;
        ALX_TRY(alx_answers_create(bench->model, precisions, bench->images, bench->image_count,
                                   answers_progress, NULL, &child.kept[place].answers));
        child.kept[place].precisions = precisions;
        child.kept_count = place + 1;
        precisions = NULL;
    }
    *out = exact ? bench->answers : child.kept[place].answers;
error:
    free(precisions);
    return status;
}

static json_t *check_json(const struct alx_check *check)
{
    json_t *object = json_object();
    cli_json_set(object, "images", cli_json_count(check->images));
    cli_json_set(object, "top1_agree", cli_json_count(check->top1_agree));
    cli_json_set(object, "max_abs_error", cli_json_number(check->max_abs_error));
    cli_json_set(object, "bound", cli_json_number(check->bound));
    cli_json_set(object, "worst", cli_json_number(check->worst));
    return object;
}

/* How a batch of answers compares with what they should be; what is wrong with it. */
static json_t *check_answers(const alx_answers *answers, size_t count, char wrong[WRONG_BYTES])
{
    struct alx_check check = alx_answers_compare(answers, child.outputs, count);
    if (isnan(check.worst))
        snprintf(wrong, WRONG_BYTES, "wrong results: not finite");
    else if (check.worst > 1)
        snprintf(wrong, WRONG_BYTES, "wrong results: off by %.2g, %.2g times what rounding allows",
                 check.max_abs_error, check.worst);
    else if (check.top1_agree < check.images)
        snprintf(wrong, WRONG_BYTES, "wrong results: another class for %zu of %zu images",
                 check.images - check.top1_agree, check.images);
    return check_json(&check);
}

/* The first run, and results before anything is timed. A plan that was found right in an earlier
 * process is not worth new answers. */
static enum alx_status try_session(const json_t *request, json_t *reply)
{
    enum alx_status status = ALX_STATUS_OK;
    const alx_answers *answers = NULL;
    bool is_first = json_is_true(json_object_get(request, "first"));
    char wrong[WRONG_BYTES] = "";
    size_t count = alx_max(child.batch, child.bench->image_count);
    send_progress("first run", 0);
    ALX_TRY(alx_session_run(child.session, child.inputs, child.batch, child.outputs));
    uint64_t first_ns = alx_session_times(child.session).run_ns;
    child.first_run_s = (double)first_ns / 1e9;
    if (count > child.batch)
        ALX_TRY(alx_session_run(child.session, child.inputs, count, child.outputs));
    ALX_TRY(find_answers(is_first, &answers));
    cli_json_set(reply, "check", answers ? check_answers(answers, count, wrong) : json_null());
    cli_json_set(reply, "first_run_ms", cli_json_ms(first_ns));
    cli_json_set(reply, "wrong", cli_json_text(wrong));
error:
    return status;
}

static void add_plan(json_t *reply)
{
    struct alx_plan_memory memory = alx_plan_memory(child.plan);
    struct alx_text text = {0};
    char hash[ALX_HASH_BYTES];
    json_t *layers = json_array();
    for (size_t i = 0; i < alx_plan_step_count(child.plan); i++) {
        const struct alx_plan_step *step = alx_plan_step(child.plan, i);
        json_t *layer = json_object();
        cli_json_set(layer, "name", cli_json_text(step->layer));
        cli_json_set(layer, "algorithm", cli_json_text(step->algorithm));
        cli_json_set(layer, "parameters", cli_json_text(step->parameters));
        cli_json_set(layer, "macs", cli_json_count(step->macs));
        cli_json_set(layer, "moved_bytes", cli_json_count(step->moved_bytes));
        json_array_append_new(layers, layer);
        alx_text_add(&text, "%s|%s|%s|%s\n", step->layer, step->algorithm, step->file,
                     step->parameters);
    }
    alx_hash(alx_text_get(&text), text.bytes, hash);
    alx_text_free(&text);
    cli_json_set(reply, "layers", layers);
    cli_json_set(reply, "plan_sha256", cli_json_text(hash));
    cli_json_set(reply, "plan", cli_json_text(alx_plan_origin(child.plan)));
    cli_json_set(reply, "device_bytes",
                 cli_json_count(memory.weights_bytes + memory.arena_bytes + memory.staging_bytes));
    cli_json_set(reply, "streamed_bytes", cli_json_count(cli_streamed_bytes(child.plan)));
}

/* Each limit once more: medians of a few samples, of which one is as uncertain as the time that it
 * is to explain. Multiplying is steady. */
static enum alx_status measure_control(json_t *control)
{
    enum { MOST = 3 };
    enum alx_status status = ALX_STATUS_OK;
    for (int i = 0; i < ALX_LIMIT_COUNT && child.control; i++) {
        size_t count = i == ALX_LIMIT_FMA ? 1 : MOST;
        double values[MOST];
        struct alx_statistics s;
        if (!bench_is_control((enum alx_limit)i))
            continue;
        for (size_t j = 0; j < count; j++)
            ALX_TRY(alx_limits_measure(child.control, (enum alx_limit)i, &values[j]));
        ALX_TRY(alx_statistics_of(values, count, &s));
        cli_json_set(control, alx_limit_name((enum alx_limit)i), json_pack("[f]", s.median));
    }
error:
    return status;
}

/* Limits beside the network tell whether the device itself became slower; where there is no memory
 * left for them, nothing is known of that. The first values are those of pages that nobody read. */
static void make_control(void)
{
    json_t *unused = json_object();
    if (alx_limits_create(child.device, &child.control) != ALX_STATUS_OK ||
        measure_control(unused) != ALX_STATUS_OK)
        alx_limits_destroy(&child.control);
    json_decref(unused);
}

/* Some drivers' clocks tell next to no time for every kernel: layers are then waited for one by
 * one. No time at all, and what cannot be, is left as it is, to be refused. */
static void choose_clock(json_t *reply)
{
    enum { LEAST_PART = 100 };
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < alx_plan_step_count(child.plan); i++)
        sum_ns += alx_session_step_ns(child.session, i);
    bool waits = sum_ns && sum_ns < alx_session_times(child.session).run_ns / LEAST_PART;
    alx_session_wait_for_steps(child.session, waits);
    cli_json_set(reply, "waits", json_boolean(waits));
}

static enum alx_status serve_prepare(const json_t *request, json_t *reply)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct bench *bench = child.bench;
    alx_tunings *tunings = NULL;
    struct alx_plan_options how;
    release();
    child.batch = (size_t)json_integer_value(json_object_get(request, "batch"));
    ALX_TRY(cli_plan_options(bench->options, &how, &tunings));
    how.batch = child.batch;
    how.precision = (enum alx_precision)json_integer_value(json_object_get(request, "precision"));
    ALX_TRY(open_device(json_is_true(json_object_get(request, "profiling"))));
    struct alx_program_counts before = alx_device_program_counts(child.device);
    ALX_TRY(alx_plan_create(alx_model_net(bench->model), child.device, &how, &child.plan));
    ALX_TRY(allocate());
    send_progress("sending the weights", 0);
    ALX_TRY(alx_session_create(child.plan, bench->model, &child.session));
    ALX_TRY(try_session(request, reply));
    choose_clock(reply);
    struct alx_program_counts after = alx_device_program_counts(child.device);
    struct alx_session_times times = alx_session_times(child.session);
    cli_json_set(reply, "build_ms", cli_json_ms(times.build_ns));
    cli_json_set(reply, "upload_ms", cli_json_ms(times.upload_ns));
    cli_json_set(reply, "programs",
                 json_pack("{sIsI}", "built", (json_int_t)(after.built - before.built), "cached",
                           (json_int_t)(after.cached - before.cached)));
    add_plan(reply);
    if (json_is_true(json_object_get(request, "control")) && !bench->options->memory_limit_mib)
        make_control();
error:
    alx_tunings_destroy(&tunings);
    if (status != ALX_STATUS_OK)
        release();
    return status;
}

/* --- samples --- */

static enum alx_status serve_sample(const json_t *request, json_t *reply)
{
    enum alx_status status = ALX_STATUS_OK;
    uint64_t budget_ns = (uint64_t)json_integer_value(json_object_get(request, "ns"));
    size_t most = (size_t)json_integer_value(json_object_get(request, "most"));
    size_t steps = child.profiling ? alx_plan_step_count(child.plan) : 0;
    bool controlled = child.control && json_is_true(json_object_get(request, "control"));
    json_t *runs = json_array(), *layers = json_array(), *control = json_object();
    cli_json_set(reply, "runs", runs);
    cli_json_set(reply, "layers", layers);
    cli_json_set(reply, "control", controlled ? json_incref(control) : json_null());
    for (size_t i = 0; i < steps; i++)
        json_array_append_new(layers, json_array());
    send_progress(BENCH_RUNNING, RUN_PATIENCE_S + 20 * child.first_run_s + (double)budget_ns / 1e9);
    if (controlled)
        ALX_TRY(measure_control(control));
    uint64_t start_ns = alx_clock_ns();
    do {
        ALX_TRY(alx_session_run(child.session, child.inputs, child.batch, child.outputs));
        json_array_append_new(runs, cli_json_ms(alx_session_times(child.session).run_ns));
        for (size_t i = 0; i < steps; i++)
            json_array_append_new(json_array_get(layers, i),
                                  cli_json_ms(alx_session_step_ns(child.session, i)));
    } while (alx_clock_ns() - start_ns < budget_ns && json_array_size(runs) < most);
    cli_json_set(control, "samples", json_pack("[I]", (json_int_t)json_array_size(runs)));
error:
    json_decref(control);
    return status;
}

static enum alx_status serve_trace(const json_t *request, json_t *reply)
{
    json_t *events = json_array();
    (void)request;
    for (size_t i = 0; i < alx_plan_step_count(child.plan); i++) {
        const struct alx_plan_step *step = alx_plan_step(child.plan, i);
        json_t *event = json_object();
        cli_json_set(event, "name", cli_json_text(step->layer));
        cli_json_set(event, "algorithm", cli_json_text(step->algorithm));
        cli_json_set(event, "start_us",
                     cli_json_number((double)alx_session_step_start_ns(child.session, i) / 1000));
        cli_json_set(event, "duration_us",
                     cli_json_number((double)alx_session_step_ns(child.session, i) / 1000));
        json_array_append_new(events, event);
    }
    cli_json_set(reply, "events", events);
    return ALX_STATUS_OK;
}

/* --- serving --- */

static const struct {
    const char *name;
    enum alx_status (*serve)(const json_t *request, json_t *reply);
    bool needs_session;
} services[] = {
    {"limits", serve_limits, false},
    {"prepare", serve_prepare, false},
    {"sample", serve_sample, true},
    {"trace", serve_trace, true},
};

static void serve(const json_t *request)
{
    const char *name = bench_text(request, "do");
    enum alx_status status = ALX_STATUS_OK;
    json_t *reply = json_object();
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(name, services[i].name))
            continue;
        if (services[i].needs_session && !child.session)
            cli_json_set(reply, "error", json_string("nothing is prepared"));
        else if ((status = services[i].serve(request, reply)) != ALX_STATUS_OK)
            cli_json_set(reply, "error", cli_json_text(alx_error_message()));
    }
    cli_json_set(reply, "limited", json_boolean(status == ALX_STATUS_MEMORY_LIMIT));
    send_line(reply);
}

/* Drivers write to where they please: what they say is kept out of the tables, and shown on
 * standard error when the user wants to hear more. */
static void quieten(bool verbose)
{
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere < 0)
        return;
    dup2(nowhere, STDOUT_FILENO);
    if (!verbose)
        dup2(nowhere, STDERR_FILENO);
}

_Noreturn void bench_child_run(const struct bench *bench, size_t info_index, int requests,
                               int replies)
{
    char *line = NULL;
    size_t capacity = 0;
    child.bench = bench;
    child.info_index = info_index;
    child.replies = replies;
    quieten(bench->options->verbose > 0);
    alx_log_set(receive, NULL);
    FILE *stream = fdopen(requests, "r");
    while (stream && getline(&line, &capacity, stream) > 0) {
        json_t *request = json_loads(line, 0, NULL);
        bool quit = bench_is(request, "do", "quit");
        if (!quit)
            serve(request);
        json_decref(request);
        if (quit)
            break;
    }
    release();
    alx_device_close(&child.device);
    _exit(0); /* what the parent's buffers held is the parent's to write */
}
