#include "cli/engine.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/memory.h"

/* --- opening --- */

static enum alx_status open_device(struct cli_engine *engine, const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_devices *devices = NULL;
    size_t index;
    struct alx_device_options how = {.cache_dir = options->cache_dir,
                                     .no_cache = options->no_cache};
    uint64_t start_ns = alx_clock_ns();
    ALX_TRY(alx_devices_create(&devices));
    ALX_TRY(alx_devices_find(devices, options->device, &index));
    ALX_TRY(alx_device_open(devices, index, &how, &engine->device));
    engine->times.discover_ns = alx_clock_ns() - start_ns;
error:
    alx_devices_destroy(&devices);
    return status;
}

static size_t elems(struct alx_shape shape)
{
    return shape.channels * shape.height * shape.width;
}

/* The same layers for another input. Only weights whose number does not change can be used. */
static enum alx_status resize_net(struct cli_engine *engine, size_t size)
{
    enum alx_status status = ALX_STATUS_OK;
    const alx_net *net = alx_model_net(engine->model);
    struct alx_shape input = alx_net_input(net);
    size_t count = alx_net_layer_count(net);
    struct alx_layer *layers = NULL;
    if (input.height == size && input.width == size)
        return ALX_STATUS_OK;
    ALX_TRY(alx_alloc(count, sizeof *layers, "the layers", &layers));
    for (size_t i = 0; i < count; i++)
        layers[i] = alx_net_layer(net, i)->layer;
    ALX_TRY(alx_net_create(alx_net_name(net), (struct alx_shape){input.channels, size, size},
                           layers, count, &engine->resized));
    for (size_t i = 0; i < count; i++) {
        const struct alx_layer_info *was = alx_net_layer(net, i),
                                    *is = alx_net_layer(engine->resized, i);
        bool last = i + 1 == count;
        if (was->parameters != is->parameters || (last && elems(was->out) != elems(is->out))) {
            status = alx_fail(ALX_STATUS_MODEL,
                              "--input-size %zu: layer %s of %s would not fit; its weights are for "
                              "an input of %zux%zu",
                              size, is->layer.name, alx_model_name(engine->model), input.height,
                              input.width);
            goto error;
        }
    }
    engine->net = engine->resized;
    /* The part of the picture that the network sees stays the same. */
    engine->preprocess.resize_size = engine->preprocess.resize_size * size / input.height;
error:
    free(layers);
    return status;
}

static void override_preprocess(struct alx_preprocess *p, const struct cli_options *options)
{
    if (options->resize >= 0)
        p->resize = (enum alx_resize)options->resize;
    if (options->order >= 0)
        p->order = (enum alx_channel_order)options->order;
    if (!options->mean.given && !options->std.given && !options->scale.given)
        return;
    p->mean_image = NULL;
    p->scale = options->scale.given ? options->scale.values[0] : 1;
    for (size_t i = 0; i < 3; i++) {
        p->mean[i] = options->mean.given ? options->mean.values[i] : 0;
        p->std[i] = options->std.given ? options->std.values[i] : 1;
    }
}

/* A mean image that the user names instead of numbers. */
static enum alx_status load_mean(struct cli_engine *engine, const char *path)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_shape input = alx_net_input(engine->net);
    struct alx_mean_image *image = &engine->mean_image;
    if (!path)
        return status;
    ALX_TRY(alx_mean_image_load(path, image));
    if (image->channels != input.channels || image->height < input.height ||
        image->width < input.width)
        return alx_fail(ALX_STATUS_MODEL,
                        "%s: a mean image of %zux%zux%zu, but the network reads %zux%zux%zu", path,
                        image->height, image->width, image->channels, input.height, input.width,
                        input.channels);
    engine->preprocess.mean_image = image->values;
    engine->preprocess.mean_height = image->height;
    engine->preprocess.mean_width = image->width;
error:
    return status;
}

static enum alx_status load_model(struct cli_engine *engine, const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_model_options how = {.network = options->network,
                                    .labels_path = options->labels,
                                    .allow_nan = options->allow_nan};
    uint64_t start_ns = alx_clock_ns();
    ALX_TRY(alx_model_load(options->model, &how, &engine->model));
    engine->net = alx_model_net(engine->model);
    engine->classes = alx_model_class_count(engine->model);
    engine->preprocess = *alx_model_preprocess(engine->model);
    override_preprocess(&engine->preprocess, options);
    if (options->input_size)
        ALX_TRY(resize_net(engine, options->input_size));
    ALX_TRY(load_mean(engine, options->mean.file));
    engine->input_elems = elems(alx_net_input(engine->net));
    engine->times.model_ns = alx_clock_ns() - start_ns;
error:
    return status;
}

/* One line, where nothing was tuned for the device yet. */
static void offer_tuning(const struct cli_engine *engine, const alx_tunings *tunings)
{
    const struct alx_device_info *info = alx_device_get_info(engine->device);
    if (tunings && !info->simulator && !info->software && !alx_tunings_count_for(tunings, info))
        cli_hint("alexnet-cl tune --device %zu may find a faster plan for this device",
                 info->number);
}

enum alx_status cli_plan_options(const struct cli_options *options, struct alx_plan_options *how,
                                 alx_tunings **tunings)
{
    enum alx_status status = ALX_STATUS_OK;
    if (!options->no_cache)
        ALX_TRY(alx_tunings_load(options->cache_dir, tunings));
    *how = (struct alx_plan_options){
        .memory_limit_bytes = (uint64_t)options->memory_limit_mib << 20,
        .force_algorithm = options->algorithm,
        .exact = options->exact,
        .tunings = *tunings,
    };
error:
    return status;
}

enum alx_precision cli_precision(const struct cli_options *options)
{
    return options->precision >= 0 ? (enum alx_precision)options->precision : ALX_PRECISION_FP32;
}

static enum alx_status make_plan(struct cli_engine *engine, const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_plan_options how;
    alx_tunings *tunings = NULL;
    ALX_TRY(cli_plan_options(options, &how, &tunings));
    how.batch = engine->batch * engine->views;
    how.precision = engine->precision;
    ALX_TRY(alx_plan_create(engine->net, engine->device, &how, &engine->plan));
    offer_tuning(engine, tunings);
error:
    alx_tunings_destroy(&tunings);
    return status;
}

static enum alx_status start_session(struct cli_engine *engine, const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(make_plan(engine, options));
    cli_progress("compiling for %s ...", alx_device_get_info(engine->device)->name);
    ALX_TRY(alx_session_create(engine->plan, engine->model, &engine->session));
    ALX_TRY(alx_alloc(alx_plan_batch(engine->plan), engine->input_elems * sizeof *engine->inputs,
                      "a batch of images", &engine->inputs));
    ALX_TRY(alx_alloc(alx_plan_batch(engine->plan), engine->classes * sizeof *engine->outputs,
                      "a batch of answers", &engine->outputs));
error:
    cli_progress_clear();
    return status;
}

int cli_engine_open(struct cli_engine *engine, const struct cli_options *options, size_t batch)
{
    enum alx_status status = ALX_STATUS_OK;
    *engine = (struct cli_engine){.batch = options->batch ? options->batch : batch,
                                  .views = options->ten_crop ? ALX_TEN_CROPS : 1,
                                  .precision = cli_precision(options)};
    engine->times.start_ns = alx_clock_ns();
    ALX_TRY(alx_decoder_create(&engine->decoder));
    ALX_TRY(open_device(engine, options));
    ALX_TRY(load_model(engine, options));
    ALX_TRY(start_session(engine, options));
error:
    return cli_exit_code(status, EXIT_MODEL);
}

void cli_engine_close(struct cli_engine *engine)
{
    cli_engine_finish(engine);
    free(engine->running.inputs);
    free(engine->running.message);
    free(engine->inputs);
    free(engine->outputs);
    alx_session_destroy(&engine->session);
    alx_plan_destroy(&engine->plan);
    alx_net_destroy(&engine->resized);
    alx_mean_image_free(&engine->mean_image);
    alx_model_destroy(&engine->model);
    alx_device_close(&engine->device);
    alx_decoder_destroy(&engine->decoder);
}

/* --- running --- */

enum alx_status cli_engine_put(struct cli_engine *engine, const char *what,
                               const struct alx_image *image, size_t slot)
{
    uint64_t start_ns = alx_clock_ns();
    enum alx_status (*preprocess)(const char *, const struct alx_image *,
                                  const struct alx_preprocess *, struct alx_shape, float *) =
        engine->views > 1 ? alx_image_to_ten_crops : alx_image_to_tensor;
    enum alx_status status =
        preprocess(what, image, &engine->preprocess, alx_net_input(engine->net),
                   engine->inputs + slot * engine->views * engine->input_elems);
    engine->times.decode_ns += alx_clock_ns() - start_ns;
    return status;
}

enum alx_status cli_engine_put_file(struct cli_engine *engine, const char *path, size_t slot)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_image image = {0};
    uint64_t start_ns = alx_clock_ns();
    status = alx_decoder_decode_file(engine->decoder, path, &image);
    engine->times.decode_ns += alx_clock_ns() - start_ns;
    if (status == ALX_STATUS_OK)
        status = cli_engine_put(engine, path, &image, slot);
    alx_image_free(&image);
    return status;
}

/* Replaces the answers to each image's views by their mean. */
static void average_views(struct cli_engine *engine, size_t count)
{
    size_t views = engine->views, classes = engine->classes;
    for (size_t image = 0; image < count; image++)
        for (size_t i = 0; i < classes; i++) {
            double sum = 0;
            for (size_t view = 0; view < views; view++)
                sum += (double)engine->outputs[(image * views + view) * classes + i];
            engine->outputs[image * classes + i] = (float)(sum / (double)views);
        }
}

static enum alx_status run_inputs(struct cli_engine *engine, const float *inputs, size_t count)
{
    struct cli_times *times = &engine->times;
    bool first = !times->images;
    if (first)
        cli_progress("running on %s ...", alx_device_get_info(engine->device)->name);
    enum alx_status status =
        alx_session_run(engine->session, inputs, count * engine->views, engine->outputs);
    if (status == ALX_STATUS_OK && engine->views > 1)
        average_views(engine, count);
    uint64_t ns = alx_session_times(engine->session).run_ns;
    if (first) {
        cli_progress_clear();
        times->first_run_ns = ns;
        times->first_images = count;
    }
    times->run_ns += ns;
    times->images += count;
    return status;
}

enum alx_status cli_engine_run(struct cli_engine *engine, size_t count)
{
    return run_inputs(engine, engine->inputs, count);
}

static void run_and_keep(struct cli_engine *engine, const float *inputs)
{
    struct cli_running *running = &engine->running;
    running->status = run_inputs(engine, inputs, running->count);
    if (running->status != ALX_STATUS_OK)
        running->message = cli_copy(cli_last_error());
}

static void *run_thread(void *argument)
{
    struct cli_engine *engine = argument;
    run_and_keep(engine, engine->running.inputs);
    return NULL;
}

void cli_engine_start(struct cli_engine *engine, size_t count)
{
    struct cli_running *running = &engine->running;
    size_t bytes = alx_plan_batch(engine->plan) * engine->input_elems * sizeof *engine->inputs;
    float *filled = engine->inputs;
    bool first = !engine->times.images;
    running->count = count;
    if (!first && !running->inputs)
        running->inputs = malloc(bytes);
    if (!first && running->inputs) {
        engine->inputs = running->inputs;
        running->inputs = filled;
        running->active = !pthread_create(&running->thread, NULL, run_thread, engine);
    }
    if (!running->active)
        run_and_keep(engine, filled);
}

enum alx_status cli_engine_finish(struct cli_engine *engine)
{
    struct cli_running *running = &engine->running;
    if (running->active)
        pthread_join(running->thread, NULL);
    running->active = false;
    return running->status;
}

uint64_t cli_engine_image_ns(const struct cli_engine *engine)
{
    const struct cli_times *times = &engine->times;
    size_t later = times->images - times->first_images;
    return later ? (times->run_ns - times->first_run_ns) / later
                 : times->run_ns / alx_max(times->images, 1);
}

enum alx_status cli_engine_check(const struct cli_engine *engine, const char *what, size_t slot)
{
    const float *answer = engine->outputs + slot * engine->classes;
    for (size_t i = 0; i < engine->classes; i++)
        if (!isfinite(answer[i]))
            return alx_fail(ALX_STATUS_NOT_FINITE,
                            "%s: the probability of class %zu is not finite; check --mean, --std "
                            "and --scale, and the device with alexnet-cl verify",
                            what, i);
    return ALX_STATUS_OK;
}

void cli_top(const float *values, size_t classes, size_t *top, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < classes; i++) {
        size_t place = found;
        while (place && values[top[place - 1]] < values[i])
            place--;
        if (place == count)
            continue;
        found = alx_min(found + 1, count);
        memmove(top + place + 1, top + place, (found - place - 1) * sizeof *top);
        top[place] = i;
    }
}

/* --- what ran --- */

uint64_t cli_streamed_bytes(const alx_plan *plan)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < alx_plan_step_count(plan); i++)
        if (alx_plan_step(plan, i)->streamed)
            bytes += alx_plan_step(plan, i)->weight_bytes;
    return bytes;
}

void cli_engine_names(const struct cli_engine *engine, struct alx_text *text)
{
    uint64_t streamed = cli_streamed_bytes(engine->plan);
    const struct alx_device_info *info = alx_device_get_info(engine->device);
    alx_text_add(text, "device %zu %s%s%s%s%s%s%s", info->number, info->name, cli_separator(),
                 alx_model_name(engine->model), cli_separator(),
                 alx_precision_name(engine->precision), engine->views > 1 ? cli_separator() : "",
                 engine->views > 1 ? "ten views" : "");
    if (streamed)
        alx_text_add(text, "%s%s of weights sent at every run", cli_separator(),
                     cli_bytes(streamed).text);
}

void cli_engine_add_json(const struct cli_engine *engine, const struct cli_options *options,
                         json_t *document)
{
    struct alx_session_times session = alx_session_times(engine->session);
    struct alx_program_counts programs = alx_device_program_counts(engine->device);
    json_t *time = json_object(), *counts = json_object();
    cli_json_set(document, "device", cli_json_device(alx_device_get_info(engine->device)));
    cli_json_set(document, "model", cli_json_model(engine->model, engine->net));
    cli_json_set(document, "precision", json_string(alx_precision_name(engine->precision)));
    cli_json_set(document, "batch", cli_json_count(engine->batch));
    cli_json_set(document, "views", cli_json_count(engine->views));
    cli_json_set(time, "discover", cli_json_ms(engine->times.discover_ns));
    cli_json_set(time, "model", cli_json_ms(engine->times.model_ns));
    cli_json_set(time, "build", cli_json_ms(session.build_ns));
    cli_json_set(time, "upload", cli_json_ms(session.upload_ns));
    cli_json_set(time, "decode", cli_json_ms(engine->times.decode_ns));
    cli_json_set(time, "run", cli_json_ms(engine->times.run_ns));
    cli_json_set(time, "total", cli_json_ms(alx_clock_ns() - engine->times.start_ns));
    cli_json_set(document, "time_ms", time);
    cli_json_set(counts, "built", cli_json_count(programs.built));
    cli_json_set(counts, "cached", cli_json_count(programs.cached));
    cli_json_set(document, "programs", counts);
    cli_json_set(document, "plan", cli_json_text(alx_plan_origin(engine->plan)));
    cli_json_set(document, "streamed_bytes", cli_json_count(cli_streamed_bytes(engine->plan)));
    if (options->explain)
        cli_json_set(document, "explain", cli_explain_json(engine));
}
