/*
 * alexnet-cl IMAGE...: what the images show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/engine.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/memory.h"

enum { BAR_COLUMNS = 20 };

/* An image of the batch that runs or is being filled, or one that failed meanwhile. */
struct pending {
    const char *path;
    enum alx_status status;
    char *message; /* owned, NULL when status is OK */
    size_t slot;
};

struct run {
    struct cli_engine engine;
    const struct cli_options *options;
    struct pending *pending;  /* in the order of the command line */
    size_t reported, started; /* of these: those before were reported, or belong to what runs */
    size_t filled;            /* places of the next batch */
    enum alx_status status;   /* the device's failure is one of all images that are left */
    size_t done, failed;
    size_t *top, top_count;
    json_t *images; /* NULL when text is printed */
};

/* --- one image's answer --- */

static void print_answer(const struct run *run, const struct pending *image)
{
    const float *answer = run->engine.outputs + image->slot * run->engine.classes;
    size_t width = cli_output_width(), taken = 14 + BAR_COLUMNS;
    cli_print_styled(STYLE_BOLD, "%s", image->path);
    putchar('\n');
    for (size_t i = 0; i < run->top_count; i++) {
        double part = (double)answer[run->top[i]];
        printf("  %6.2f %%  ", 100 * part);
        cli_print_bar(part, BAR_COLUMNS);
        printf("  ");
        cli_print_cut(run->options->verbose ? alx_model_long_label(run->engine.model, run->top[i])
                                            : alx_model_label(run->engine.model, run->top[i]),
                      width == SIZE_MAX ? width : width - taken);
        putchar('\n');
    }
}

static json_t *answer_json(const struct run *run, const struct pending *image)
{
    const float *answer = run->engine.outputs + image->slot * run->engine.classes;
    json_t *top = json_array();
    for (size_t i = 0; i < run->top_count; i++) {
        json_t *row = json_object();
        cli_json_set(row, "class", cli_json_count(run->top[i]));
        cli_json_set(row, "label", cli_json_text(alx_model_label(run->engine.model, run->top[i])));
        cli_json_set(row, "long_label",
                     cli_json_text(alx_model_long_label(run->engine.model, run->top[i])));
        cli_json_set(row, "probability", cli_json_number((double)answer[run->top[i]]));
        json_array_append_new(top, row);
    }
    return top;
}

static json_t *error_json(const struct pending *image)
{
    json_t *error = json_object();
    cli_json_set(error, "code", json_string(alx_status_name(image->status)));
    cli_json_set(error, "message", cli_json_text(image->message));
    return error;
}

static void fail_image(struct run *run, struct pending *image, enum alx_status status,
                       const char *message)
{
    image->status = status;
    image->message = cli_copy(message);
    run->failed++;
}

/* Prints what is known of an image, which was run when `ran`. */
static void report(struct run *run, struct pending *image, bool ran)
{
    ran = ran && image->status == ALX_STATUS_OK;
    if (ran) {
        enum alx_status status = cli_engine_check(&run->engine, image->path, image->slot);
        const float *answer = run->engine.outputs + image->slot * run->engine.classes;
        if (status != ALX_STATUS_OK)
            fail_image(run, image, status, cli_last_error());
        if (run->options->top)
            cli_top(answer, run->engine.classes, run->top, run->top_count);
        run->done++;
    }
    if (run->images) {
        json_t *entry = json_object();
        cli_json_set(entry, "path", cli_json_text(image->path));
        if (ran)
            cli_json_set(entry, "top", answer_json(run, image));
        if (image->status != ALX_STATUS_OK)
            cli_json_set(entry, "error", error_json(image));
        json_array_append_new(run->images, entry);
    } else if (image->status == ALX_STATUS_OK) {
        print_answer(run, image);
    }
    free(image->message);
}

/* --- all images --- */

/* Waits for the batch that was started, if any, and reports on its images. */
static void finish_batch(struct run *run)
{
    run->status = cli_engine_finish(&run->engine);
    for (; run->reported < run->started; run->reported++) {
        struct pending *image = &run->pending[run->reported];
        if (run->status != ALX_STATUS_OK && image->status == ALX_STATUS_OK)
            fail_image(run, image, run->status, run->engine.running.message);
        report(run, image, run->status == ALX_STATUS_OK);
    }
}

/* Starts the batch as far as it is filled, to which the images before `end` belong. */
static void start_batch(struct run *run, size_t end)
{
    if (run->filled && run->status == ALX_STATUS_OK)
        cli_engine_start(&run->engine, run->filled);
    run->started = end;
    run->filled = 0;
}

/* A batch is decoded while the one before it runs. */
static void classify_all(struct run *run)
{
    size_t count = run->options->operand_count;
    for (size_t i = 0; i < count && cli_output_flush(); i++) {
        struct pending *image = &run->pending[i];
        *image = (struct pending){.path = run->options->operands[i], .slot = run->filled};
        if (run->status == ALX_STATUS_OK) {
            enum alx_status read = cli_engine_put_file(&run->engine, image->path, image->slot);
            if (read == ALX_STATUS_OK)
                run->filled++;
            else
                fail_image(run, image, read, cli_last_error());
        }
        if (run->filled && run->filled < run->engine.batch && i + 1 < count)
            continue;
        finish_batch(run);
        start_batch(run, i + 1);
        if (i + 1 == count || !run->engine.running.active)
            finish_batch(run);
    }
}

static void print_summary(const struct run *run)
{
    const struct cli_times *times = &run->engine.times;
    struct alx_session_times session = alx_session_times(run->engine.session);
    struct alx_program_counts programs = alx_device_program_counts(run->engine.device);
    struct alx_text names = {0};
    cli_engine_names(&run->engine, &names);
    if (run->done)
        cli_print_line(STYLE_DIM, "%s%s%s%s", alx_text_get(&names), cli_separator(),
                       cli_duration(cli_engine_image_ns(&run->engine)).text,
                       run->done > 1 ? "/image" : "");
    if (run->options->verbose)
        cli_print_line(STYLE_DIM,
                       "discover %s, model %s, build %s (%zu compiled, %zu cached), upload %s, "
                       "decode %s, run %s, total %s",
                       cli_duration(times->discover_ns).text, cli_duration(times->model_ns).text,
                       cli_duration(session.build_ns).text, programs.built, programs.cached,
                       cli_duration(session.upload_ns).text, cli_duration(times->decode_ns).text,
                       cli_duration(times->run_ns).text,
                       cli_duration(alx_clock_ns() - times->start_ns).text);
    alx_text_free(&names);
}

int cli_classify(const struct cli_options *options)
{
    struct run run = {.options = options};
    int code;
    if (!options->operand_count && !options->explain) {
        alx_fail(ALX_STATUS_USAGE, "no image is named; try alexnet-cl photo.jpg, or --help");
        return EXIT_USAGE;
    }
    code = cli_engine_open(&run.engine, options, 1);
    if (code)
        goto done;
    run.top_count = options->top ? alx_min(options->top, run.engine.classes) : run.engine.classes;
    run.top = cli_alloc(run.top_count, sizeof *run.top, "the classes");
    for (size_t i = 0; i < run.top_count; i++)
        run.top[i] = i;
    run.pending = cli_alloc(options->operand_count, sizeof *run.pending, "the images");
    if (options->json)
        run.images = json_array();
    else if (options->explain)
        cli_explain_print(&run.engine);
    classify_all(&run);
    code = cli_exit_code(run.status, EXIT_DEVICE);
    if (!code && run.failed)
        code = EXIT_SOME_FAILED;
    if (options->json) {
        json_t *document = cli_json_document("classify/1");
        cli_engine_add_json(&run.engine, options, document);
        cli_json_set(document, "images", run.images);
        code = cli_json_finish(document, options, code);
    } else if (!options->quiet) {
        print_summary(&run);
    }
done:
    free(run.top);
    free(run.pending);
    cli_engine_close(&run.engine);
    return code;
}
