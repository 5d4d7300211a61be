/*
 * alexnet-cl tune: the fastest plan for a device, found by measuring and remembered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/alexnet_cl.h>

#include "cli/engine.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/error.h"
#include "util/text.h"

enum { MOST_DEVICES = 64 };

/* --- what was found before --- */

static json_t *tuning_json(const alx_tunings *tunings, size_t index)
{
    const struct alx_tuning *tuning = alx_tunings_get(tunings, index);
    json_t *object = json_object();
    cli_json_set(object, "platform", cli_json_text(tuning->platform));
    cli_json_set(object, "device", cli_json_text(tuning->device));
    cli_json_set(object, "driver", cli_json_text(tuning->driver));
    cli_json_set(object, "current", json_boolean(alx_tunings_is_current(tunings, index)));
    cli_json_set(object, "layer", cli_json_text(tuning->layer));
    cli_json_set(object, "batch", cli_json_count(tuning->batch));
    cli_json_set(object, "precision", cli_json_text(tuning->precision));
    cli_json_set(object, "algorithm", cli_json_text(tuning->algorithm));
    cli_json_set(object, "parameters", cli_json_text(tuning->parameters));
    cli_json_set(object, "ms", cli_json_ms(tuning->ns));
    cli_json_set(object, "default_ms", cli_json_ms(tuning->default_ns));
    return object;
}

static json_t *tunings_json(const alx_tunings *tunings)
{
    json_t *array = json_array();
    for (size_t i = 0; i < alx_tunings_count(tunings); i++)
        json_array_append_new(array, tuning_json(tunings, i));
    return array;
}

static double gain_of(uint64_t ns, uint64_t default_ns)
{
    return 100 * ((double)default_ns / (double)ns - 1);
}

static void print_tunings(const alx_tunings *tunings)
{
    static const struct cli_column columns[] = {
        {"Device", false, true},   {"Layer", false, true},      {"Batch", true, false},
        {"Weights", false, false}, {"Algorithm", false, false}, {"Time", true, false},
        {"Gain", true, false},     {"Parameters", false, true},
    };
    struct cli_table table = {columns, sizeof columns / sizeof *columns, NULL, 0, 0};
    for (size_t i = 0; i < alx_tunings_count(tunings); i++) {
        const struct alx_tuning *tuning = alx_tunings_get(tunings, i);
        cli_table_add(&table, "%s", tuning->device);
        cli_table_add(&table, "%s", tuning->layer);
        cli_table_add(&table, "%zu", tuning->batch);
        cli_table_add(&table, "%s", tuning->precision);
        cli_table_add(&table, "%s", tuning->algorithm);
        cli_table_add(&table, "%s", cli_duration(tuning->ns).text);
        cli_table_add(&table, "%.0f %%", gain_of(tuning->ns, tuning->default_ns));
        cli_table_add(&table, "%s%s", tuning->parameters,
                      alx_tunings_is_current(tunings, i) ? "" : " (of another version)");
    }
    if (table.cell_count)
        cli_table_print(&table);
    else
        printf("There are no tunings; alexnet-cl tune makes some.\n");
}

/* A document with the tunings and no devices. */
static int finish_without_devices(const alx_tunings *tunings, const struct cli_options *options)
{
    json_t *document = cli_json_document("tune/1");
    cli_json_set(document, "devices", json_array());
    cli_json_set(document, "tunings", tunings_json(tunings));
    return cli_json_finish(document, options, EXIT_ALL_DONE);
}

static enum alx_status import_file(const struct cli_options *options, const alx_tunings *read)
{
    size_t current = 0, count = alx_tunings_count(read);
    for (size_t i = 0; i < count; i++)
        current += alx_tunings_is_current(read, i);
    if (count && !current)
        return alx_fail(ALX_STATUS_FILE_UNREADABLE,
                        "%s: all tunings were made by another version of alexnet-cl; tune again",
                        options->import);
    if (!options->json)
        printf("%zu tunings are taken from %s%s\n", current, options->import,
               current < count ? ", others are of another version" : "");
    return alx_tunings_save(read, options->cache_dir);
}

/* --show, --export, --import, --clear. */
static int manage(const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_tunings *tunings = NULL;
    int code;
    if (options->import)
        ALX_TRY(alx_tunings_read(options->import, &tunings));
    else
        ALX_TRY(alx_tunings_load(options->cache_dir, &tunings));
    if (options->import)
        ALX_TRY(import_file(options, tunings));
    if (options->export)
        ALX_TRY(alx_tunings_write(tunings, options->export));
    if (options->clear)
        ALX_TRY(alx_tunings_clear(options->cache_dir));
    if (options->show && !options->json)
        print_tunings(tunings);
    if (options->clear && !options->json)
        printf("removed %zu tunings\n", alx_tunings_count(tunings));
    if (options->json) {
        code = finish_without_devices(tunings, options);
        alx_tunings_destroy(&tunings);
        return code;
    }
error:
    alx_tunings_destroy(&tunings);
    return cli_exit_code(status, EXIT_SOME_FAILED);
}

/* --- one device --- */

/* A device being tuned. */
struct tuning {
    const struct cli_options *options;
    const struct alx_device_info *info;
    alx_device *device;
    const alx_net *net;
    alx_tunings *found;
    enum alx_status saved; /* whether keeping them works */
    struct alx_tune_result result;
};

/* What is found is kept at once, so that Ctrl-C loses nothing. */
static void keep(struct tuning *t)
{
    if (!t->options->no_cache && t->saved == ALX_STATUS_OK)
        t->saved = alx_tunings_save(t->found, t->options->cache_dir);
}

static void follow(void *user, const struct alx_tune_progress *progress)
{
    struct tuning *t = user;
    cli_progress("tuning for %s: %s, %zu of %zu layers done, %zu candidates, ends in %s",
                 t->info->name, progress->what, progress->done, progress->all, progress->candidates,
                 cli_duration(progress->left_ns).text);
    if (progress->found)
        keep(t);
}

static enum alx_status tune_device(const alx_devices *devices, size_t index, struct tuning *t)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct cli_options *options = t->options;
    const struct alx_device_options how = {
        .cache_dir = options->cache_dir, .no_cache = options->no_cache, .profiling = true};
    const struct alx_tune_options what = {.batch = options->batch,
                                          .precision = cli_precision(options),
                                          .memory_limit_bytes = (uint64_t)options->memory_limit_mib
                                                                << 20,
                                          .budget_ns = (uint64_t)options->budget * 1000000000,
                                          .exhaustive = options->exhaustive};
    ALX_TRY(alx_tunings_create(&t->found));
    keep(t); /* should that not work, it is better known before */
    ALX_TRY(t->saved);
    ALX_TRY(alx_device_open(devices, index, &how, &t->device));
    ALX_TRY(alx_tune(t->device, t->net, &what, follow, t, t->found, &t->result));
    keep(t);
    status = t->saved;
error:
    cli_progress_clear();
    return status;
}

static enum alx_status print_plan(const struct tuning *t)
{
    static const struct cli_column columns[] = {{"Layer", false, false},
                                                {"Algorithm", false, false},
                                                {"How", false, true},
                                                {"Why", false, true}};
    enum alx_status status = ALX_STATUS_OK;
    struct cli_table table = {columns, sizeof columns / sizeof *columns, NULL, 0, 0};
    const struct alx_plan_options how = {.batch = t->options->batch,
                                         .precision = cli_precision(t->options),
                                         .memory_limit_bytes =
                                             (uint64_t)t->options->memory_limit_mib << 20,
                                         .tunings = t->found};
    alx_plan *plan = NULL;
    ALX_TRY(alx_plan_create(t->net, t->device, &how, &plan));
    for (size_t i = 0; i < alx_plan_step_count(plan); i++) {
        const struct alx_plan_step *step = alx_plan_step(plan, i);
        cli_table_add(&table, "%s", step->layer);
        cli_table_add(&table, "%s", step->algorithm);
        cli_table_add(&table, "%s", step->parameters);
        cli_table_add(&table, "%s", step->reason);
    }
    cli_table_print(&table);
error:
    alx_plan_destroy(&plan);
    return status;
}

static enum alx_status print_device(const struct tuning *t, enum alx_status status)
{
    const struct alx_tune_result *r = &t->result;
    cli_print_line(STYLE_BOLD, "%zu  %s%s%s", t->info->number, t->info->name, cli_separator(),
                   t->info->platform);
    if (status == ALX_STATUS_OK)
        status = print_plan(t);
    if (status != ALX_STATUS_OK)
        cli_print_line(STYLE_BAD, "could not be tuned");
    else if (!r->tuned_ns)
        cli_print_line(STYLE_BAD, "nothing was measured in the time given; use a larger --budget");
    else
        cli_print_line(STYLE_GOOD,
                       "%s a run instead of %s: %.1f %% faster; %zu candidates of %zu layers in %s",
                       cli_duration(r->tuned_ns).text, cli_duration(r->default_ns).text,
                       gain_of(r->tuned_ns, r->default_ns), r->candidates, r->layers,
                       cli_duration(r->ns).text);
    if (r->refused)
        cli_print_line(STYLE_DIM, "%zu candidates were refused; -v says why", r->refused);
    putchar('\n');
    return status;
}

static json_t *device_json(const struct tuning *t, enum alx_status status)
{
    const struct alx_tune_result *r = &t->result;
    json_t *object = json_object();
    bool ok = status == ALX_STATUS_OK, measured = ok && r->tuned_ns;
    cli_json_set(object, "device", cli_json_device(t->info));
    cli_json_set(object, "status", json_string(ok ? "ok" : "failed"));
    cli_json_set(object, "reason", cli_json_text(ok ? "" : cli_last_error()));
    cli_json_set(object, "layers", cli_json_count(r->layers));
    cli_json_set(object, "candidates", cli_json_count(r->candidates));
    cli_json_set(object, "refused", cli_json_count(r->refused));
    cli_json_set(object, "default_ms", measured ? cli_json_ms(r->default_ns) : json_null());
    cli_json_set(object, "tuned_ms", measured ? cli_json_ms(r->tuned_ns) : json_null());
    cli_json_set(object, "took_ms", ok ? cli_json_ms(r->ns) : json_null());
    return object;
}

/* --- the command --- */

/* The network: of a table alone, or of a model. */
static enum alx_status open_net(const struct cli_options *options, alx_net **named,
                                alx_model **model)
{
    const struct alx_model_options how = {.network = options->network};
    return options->network && !options->model ? alx_net_open(options->network, named)
                                               : alx_model_load(options->model, &how, model);
}

static int tune(const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_devices *devices = NULL;
    alx_net *named = NULL;
    alx_model *model = NULL;
    alx_tunings *all = NULL;
    size_t indices[MOST_DEVICES], count = 0;
    json_t *list = json_array();
    int code;
    code = cli_exit_code(open_net(options, &named, &model), EXIT_MODEL);
    if (code)
        goto done;
    ALX_TRY(alx_tunings_create(&all));
    ALX_TRY(alx_devices_create(&devices));
    ALX_TRY(alx_devices_find_all(devices, options->device, indices, MOST_DEVICES, &count));
    for (size_t i = 0; i < count && cli_output_flush(); i++) {
        struct tuning t = {.options = options,
                           .info = alx_devices_info(devices, indices[i]),
                           .net = named ? named : alx_model_net(model)};
        enum alx_status outcome = tune_device(devices, indices[i], &t);
        if (!options->json)
            outcome = print_device(&t, outcome);
        json_array_append_new(list, device_json(&t, outcome));
        if (t.found && outcome == ALX_STATUS_OK)
            outcome = alx_tunings_merge(all, t.found);
        status = outcome != ALX_STATUS_OK ? outcome : status;
        alx_tunings_destroy(&t.found);
        alx_device_close(&t.device);
    }
error:
    code = cli_exit_code(status, EXIT_SOME_FAILED);
    if (options->json && count) {
        json_t *document = cli_json_document("tune/1");
        cli_json_set(document, "devices", json_incref(list));
        cli_json_set(document, "tunings", tunings_json(all));
        code = cli_json_finish(document, options, code);
    }
done:
    json_decref(list);
    alx_tunings_destroy(&all);
    alx_devices_destroy(&devices);
    alx_model_destroy(&model);
    alx_net_destroy(&named);
    return code;
}

int cli_tune(const struct cli_options *options)
{
    int asked = options->show + !!options->export + !!options->import + options->clear;
    if (asked > 1)
        return cli_exit_code(alx_fail(ALX_STATUS_USAGE,
                                      "tune: --show, --export, --import and --clear exclude one "
                                      "another; give one at a time"),
                             EXIT_USAGE);
    return asked ? manage(options) : tune(options);
}
