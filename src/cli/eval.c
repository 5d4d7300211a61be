/*
 * alexnet-cl eval: how often a model is right on labelled images.
 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dataset.h"
#include "cli/engine.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"

enum {
    DEFAULT_BATCH = 32,
    TEN_CROP_BATCH = 3, /* about as many views */
    TOP = 5,
    MATRIX_CLASSES = 12,   /* a matrix of more does not fit a terminal */
    COUNTED_CLASSES = 4096 /* of more, pairs are not counted */
};

struct evaluation {
    struct cli_engine engine;
    const struct cli_options *options;
    struct cli_dataset dataset;
    size_t *expected; /* owned, [batch]: the classes of the images in the batch */
    size_t *order;    /* owned, [batch]: their numbers in the data set */
    size_t filled;
    size_t images, failed, top1, top5;
    size_t *confusion;    /* owned, [classes, classes]: class, answer; NULL when not counted */
    float *probabilities; /* owned, [images, classes], NaN where an image failed; or NULL */
    uint64_t start_ns, shown_ns, ns;
};

static double part(size_t count, size_t all)
{
    return all ? (double)count / (double)all : NAN;
}

/* Images per second, with all that has to be done for them. */
static double rate(const struct evaluation *e)
{
    return e->ns ? (double)(e->images + e->failed) * 1e9 / (double)e->ns : NAN;
}

static void show_progress(struct evaluation *e)
{
    enum { EVERY_NS = 200000000 };
    uint64_t now_ns = alx_clock_ns();
    size_t done = e->images + e->failed, all = e->dataset.count;
    e->ns = now_ns - e->start_ns;
    if (!done || now_ns - e->shown_ns < EVERY_NS)
        return;
    e->shown_ns = now_ns;
    cli_progress("%s of %s images, top-1 %.2f %%, %.1f images/s, ends in %s", cli_count(done).text,
                 cli_count(all).text, 100 * part(e->top1, e->images), rate(e),
                 cli_duration((uint64_t)((double)(all - done) / rate(e) * 1e9)).text);
}

/* --- measuring --- */

static void count_answer(struct evaluation *e, size_t slot)
{
    size_t classes = e->engine.classes, top[TOP], expected = e->expected[slot];
    const float *answer = e->engine.outputs + slot * classes;
    char what[PATH_MAX];
    cli_dataset_name(&e->dataset, e->order[slot], what, sizeof what);
    if (cli_engine_check(&e->engine, what, slot) != ALX_STATUS_OK) {
        e->failed++;
        return;
    }
    cli_top(answer, classes, top, alx_min(TOP, classes));
    e->images++;
    e->top1 += top[0] == expected;
    for (size_t i = 0; i < alx_min(TOP, classes); i++)
        e->top5 += top[i] == expected;
    if (e->confusion)
        e->confusion[expected * classes + top[0]]++;
    if (e->probabilities)
        memcpy(e->probabilities + e->order[slot] * classes, answer, classes * sizeof *answer);
}

static enum alx_status run_batch(struct evaluation *e)
{
    enum alx_status status = ALX_STATUS_OK;
    if (!e->filled)
        return ALX_STATUS_OK;
    ALX_TRY(cli_engine_run(&e->engine, e->filled));
    for (size_t i = 0; i < e->filled; i++)
        count_answer(e, i);
    e->filled = 0;
error:
    return status;
}

static enum alx_status run_all(struct evaluation *e)
{
    enum alx_status status = ALX_STATUS_OK;
    struct cli_dataset *dataset = &e->dataset;
    e->start_ns = alx_clock_ns();
    while (dataset->next < dataset->count) {
        e->order[e->filled] = dataset->next;
        if (cli_dataset_put(dataset, &e->engine, e->filled, &e->expected[e->filled]) ==
            ALX_STATUS_OK)
            e->filled++;
        else
            e->failed++;
        if (e->filled == e->engine.batch)
            ALX_TRY(run_batch(e));
        show_progress(e);
    }
    ALX_TRY(run_batch(e));
error:
    e->ns = alx_clock_ns() - e->start_ns;
    cli_progress_clear();
    return status;
}

/* --- showing --- */

static void print_matrix(const struct evaluation *e)
{
    const size_t classes = e->engine.classes;
    struct cli_column columns[MATRIX_CLASSES + 3] = {{"#", true, false}, {"Class", false, true}};
    char titles[MATRIX_CLASSES][24];
    for (size_t i = 0; i < classes; i++) {
        snprintf(titles[i], sizeof titles[i], "%zu", i);
        columns[2 + i] = (struct cli_column){titles[i], true, false};
    }
    columns[2 + classes] = (struct cli_column){"Right", true, false};
    struct cli_table table = {columns, classes + 3, NULL, 0, 0};
    for (size_t i = 0; i < classes; i++) {
        size_t all = 0;
        cli_table_add(&table, "%zu", i);
        cli_table_add(&table, "%s", alx_model_label(e->engine.model, i));
        for (size_t j = 0; j < classes; j++) {
            size_t count = e->confusion[i * classes + j];
            all += count;
            if (count)
                cli_table_add(&table, "%zu", count);
            else
                cli_table_add(&table, ".");
        }
        if (all)
            cli_table_add(&table, "%.1f %%", 100 * part(e->confusion[i * classes + i], all));
        else
            cli_table_add(&table, "-");
    }
    printf("What (rows) was taken for what (columns)\n");
    cli_table_print(&table);
}

/* The pairs of classes that are confused most. */
static void print_pairs(const struct evaluation *e)
{
    enum { MOST_PAIRS = 10 };
    static const struct cli_column columns[] = {
        {"Times", true, false}, {"What", false, true}, {"was taken for", false, true}};
    const size_t classes = e->engine.classes;
    struct cli_table table = {columns, 3, NULL, 0, 0};
    size_t pairs[MOST_PAIRS], count = 0;
    for (size_t i = 0; i < classes * classes; i++) {
        size_t place = count;
        if (i / classes == i % classes || !e->confusion[i])
            continue;
        while (place && e->confusion[pairs[place - 1]] < e->confusion[i])
            place--;
        if (place == MOST_PAIRS)
            continue;
        count = alx_min(count + 1, MOST_PAIRS);
        memmove(pairs + place + 1, pairs + place, (count - place - 1) * sizeof *pairs);
        pairs[place] = i;
    }
    for (size_t i = 0; i < count; i++) {
        cli_table_add(&table, "%zu", e->confusion[pairs[i]]);
        cli_table_add(&table, "%s", alx_model_label(e->engine.model, pairs[i] / classes));
        cli_table_add(&table, "%s", alx_model_label(e->engine.model, pairs[i] % classes));
    }
    if (count)
        cli_table_print(&table);
}

static void print_text(const struct evaluation *e)
{
    struct alx_text names = {0};
    if (e->confusion && e->engine.classes <= MATRIX_CLASSES)
        print_matrix(e);
    else if (e->confusion)
        print_pairs(e);
    putchar('\n');
    if (e->images) {
        cli_print_line(STYLE_BOLD, "top-1  %6.2f %%  %s of %s images",
                       100 * part(e->top1, e->images), cli_count(e->top1).text,
                       cli_count(e->images).text);
        cli_print_line(STYLE_BOLD, "top-5  %6.2f %%  %s", 100 * part(e->top5, e->images),
                       cli_count(e->top5).text);
    }
    if (e->failed)
        cli_print_line(STYLE_BAD, "%s images could not be read", cli_count(e->failed).text);
    if (e->options->quiet)
        return;
    cli_engine_names(&e->engine, &names);
    cli_print_line(STYLE_PLAIN, "%.1f images/s (%s)", rate(e), cli_duration(e->ns).text);
    cli_print_line(STYLE_DIM, "%s%sbatch %zu", alx_text_get(&names), cli_separator(),
                   e->engine.batch);
    alx_text_free(&names);
}

static json_t *confusion_json(const struct evaluation *e)
{
    const size_t classes = e->engine.classes;
    if (!e->confusion)
        return json_null();
    json_t *rows = json_array();
    for (size_t i = 0; i < classes; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < classes; j++)
            json_array_append_new(row, cli_json_count(e->confusion[i * classes + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static int print_json(const struct evaluation *e, int code)
{
    json_t *document = cli_json_document("eval/1"), *labels = json_array();
    cli_engine_add_json(&e->engine, e->options, document);
    for (size_t i = 0; i < e->engine.classes; i++)
        json_array_append_new(labels, cli_json_text(alx_model_label(e->engine.model, i)));
    cli_json_set(document, "images", cli_json_count(e->images));
    cli_json_set(document, "failed", cli_json_count(e->failed));
    cli_json_set(document, "top1", cli_json_number(part(e->top1, e->images)));
    cli_json_set(document, "top5", cli_json_number(part(e->top5, e->images)));
    cli_json_set(document, "images_per_s", cli_json_number(rate(e)));
    cli_json_set(document, "labels", labels);
    cli_json_set(document, "confusion", confusion_json(e));
    return cli_json_finish(document, e->options, code);
}

/* --- the command --- */

static enum alx_status open_dataset(struct evaluation *e)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct cli_options *options = e->options;
    size_t classes = e->engine.classes;
    if (options->operand_count == 2)
        ALX_TRY(cli_dataset_open_idx(&e->dataset, options->operands[0], options->operands[1],
                                     e->engine.model));
    else
        ALX_TRY(cli_dataset_open_folder(&e->dataset, options->operands[0], e->engine.model));
    e->expected = cli_alloc(e->engine.batch, sizeof *e->expected, "the classes");
    e->order = cli_alloc(e->engine.batch, sizeof *e->order, "the classes");
    if (classes <= COUNTED_CLASSES)
        e->confusion = cli_alloc(classes * classes, sizeof *e->confusion, "the confusions");
    if (options->probabilities) {
        e->probabilities =
            cli_alloc(e->dataset.count, classes * sizeof *e->probabilities, "the probabilities");
        for (size_t i = 0; i < e->dataset.count * classes; i++)
            e->probabilities[i] = NAN;
    }
error:
    return status;
}

static enum alx_status write_probabilities(const struct evaluation *e)
{
    size_t bytes = e->dataset.count * e->engine.classes * sizeof *e->probabilities;
    const struct alx_bytes pieces[] = {{e->probabilities, bytes}};
    return e->probabilities ? alx_file_write(e->options->probabilities, pieces, 1) : ALX_STATUS_OK;
}

int cli_eval(const struct cli_options *options)
{
    struct evaluation e = {.options = options};
    int code =
        cli_engine_open(&e.engine, options, options->ten_crop ? TEN_CROP_BATCH : DEFAULT_BATCH);
    if (!code)
        code = cli_exit_code(open_dataset(&e), EXIT_SOME_FAILED);
    if (code)
        goto done;
    if (options->explain && !options->json)
        cli_explain_print(&e.engine);
    code = cli_exit_code(run_all(&e), EXIT_DEVICE);
    if (!code)
        code = cli_exit_code(write_probabilities(&e), EXIT_SOME_FAILED);
    if (!code && e.failed)
        code = EXIT_SOME_FAILED;
    if (options->json)
        code = print_json(&e, code);
    else
        print_text(&e);
done:
    free(e.expected);
    free(e.order);
    free(e.confusion);
    free(e.probabilities);
    cli_dataset_close(&e.dataset);
    cli_engine_close(&e.engine);
    return code;
}
