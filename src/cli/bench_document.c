/*
 * The document: what was asked for and of which machine, entries for devices, and what follows from
 * their times.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/bench.h"
#include "cli/json.h"
#include "cli/message.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

/* --- the machine --- */

json_t *bench_state_json(const struct alx_host_state *state)
{
    json_t *object = json_object();
    cli_json_set(object, "clock_mhz", cli_json_number(state->clock_mhz));
    cli_json_set(object, "temperature_c", cli_json_number(state->temperature_c));
    cli_json_set(object, "load", cli_json_number(state->load));
    cli_json_set(object, "throttled", cli_json_count(state->throttled));
    return object;
}

/* Tells machines apart, and nothing of whose they are. */
static json_t *fingerprint(const struct bench *bench, const struct alx_host *host)
{
    char hash[ALX_HASH_BYTES];
    struct alx_text text = {0};
    alx_text_add(&text, "%s|%zu|%llu|%s|%s", host->cpu, host->logical_cpus,
                 (unsigned long long)host->memory_bytes >> 28, host->machine, host->os);
    for (size_t i = 0; i < bench->info_count; i++)
        alx_text_add(&text, "|%s|%s", bench->infos[i].platform, bench->infos[i].name);
    alx_hash(alx_text_get(&text), text.bytes, hash);
    alx_text_free(&text);
    hash[16] = 0;
    return json_string(hash);
}

static json_t *host_json(const struct bench *bench, const struct alx_host *host)
{
    json_t *object = json_object();
    cli_json_set(object, "cpu", cli_json_text(host->cpu));
    cli_json_set(object, "logical_cpus", cli_json_known(host->logical_cpus));
    cli_json_set(object, "memory_bytes", cli_json_known(host->memory_bytes));
    cli_json_set(object, "os", cli_json_text(host->os));
    cli_json_set(object, "machine", cli_json_text(host->machine));
    cli_json_set(object, "clock_max_mhz", cli_json_number(host->clock_max_mhz));
    cli_json_set(object, "governor", cli_json_text(host->governor));
    cli_json_set(object, "on_battery",
                 host->on_battery < 0 ? json_null() : json_boolean(host->on_battery));
    cli_json_set(object, "fingerprint", fingerprint(bench, host));
    return object;
}

void bench_note_others(json_t *notes, const struct alx_host_state *before, const char *when)
{
    const double noteworthy = 0.25; /* of a processor */
    struct alx_host_state now;
    alx_host_state_read(NULL, &now);
    double others = alx_host_others(before, &now);
    if (others > noteworthy)
        json_array_append_new(
            notes,
            json_sprintf("the machine is busy: others kept %.2f processors busy %s", others, when));
}

/* Where the system tells no more than that, what ran in the last minute must do. */
static void note_load(json_t *notes, const struct alx_host_state *now)
{
    const double noteworthy = 0.5; /* processes beside, on average */
    if (isnan(now->busy_s) && now->load > noteworthy)
        json_array_append_new(notes,
                              json_sprintf("the machine may be busy: %.2f processes wanted to run "
                                           "in the minute before it began",
                                           now->load));
}

/* What makes all times doubtful. */
static json_t *machine_notes(const struct bench *bench, const struct alx_host *host)
{
    json_t *notes = json_array();
    bench_note_others(notes, &bench->started, "just before it began");
    note_load(notes, &bench->started);
    if (host->on_battery > 0)
        json_array_append_new(notes, json_string("it runs on battery"));
    return notes;
}

/* --- hardware --- */

/* The hardware of a device, new when it is the first of it. */
static size_t find_hardware(struct bench *bench, const struct alx_host *host, size_t *owners,
                            size_t index)
{
    char name[128];
    json_t *list = json_object_get(bench->document, "hardware"), *entry;
    size_t place = 0;
    while (place < json_array_size(list) &&
           !alx_hardware_is_same(bench->infos, owners[place], index))
        place++;
    if (place == json_array_size(list)) {
        alx_hardware_name(&bench->infos[index], host->cpu, name);
        entry = json_object();
        cli_json_set(entry, "name", cli_json_text(name));
        cli_json_set(entry, "type", json_string(cli_device_type(&bench->infos[index])));
        cli_json_set(entry, "devices", json_array());
        json_array_append_new(list, entry);
        owners[place] = index;
    }
    json_array_append_new(json_object_get(json_array_get(list, place), "devices"),
                          cli_json_count(bench->infos[index].number));
    return place;
}

/* --- entries --- */

static json_t *new_row(const struct alx_device_info *info, size_t hardware)
{
    static const char *const unknown[] = {"reason", "phase", "limits", "check"};
    json_t *row = json_object();
    cli_json_set(row, "device", cli_json_device_all(info));
    cli_json_set(row, "hardware", cli_json_count(hardware));
    cli_json_set(row, "status", json_string("skipped"));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        cli_json_set(row, unknown[i], json_null());
    cli_json_set(row, "batches", json_array());
    cli_json_set(row, "before", json_null());
    cli_json_set(row, "after", json_null());
    cli_json_set(row, "left_out", json_array());
    cli_json_set(row, "notes", json_array());
    cli_json_set(row, "runs", json_array());
    return row;
}

json_t *bench_new_run(enum alx_precision precision, size_t batch)
{
    static const char *const unknown[] = {
        "reason",       "median_ms",        "p10_ms",          "p90_ms",
        "ci_low_ms",    "ci_high_ms",       "images_per_s",    "gflops",
        "limit_ms",     "percent_of_limit", "build_ms",        "upload_ms",
        "first_run_ms", "programs",         "joule_per_image", "plan_sha256",
        "plan",         "device_bytes",     "check",           "profiled_ms",
        "control",      "profiled_control", "streamed_bytes"};
    json_t *run = json_object();
    cli_json_set(run, "batch", cli_json_count(batch));
    cli_json_set(run, "precision", json_string(alx_precision_name(precision)));
    cli_json_set(run, "best", json_false());
    cli_json_set(run, "status", json_string("ok"));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        cli_json_set(run, unknown[i], json_null());
    cli_json_set(run, "samples", cli_json_count(0));
    cli_json_set(run, "samples_ms", json_array());
    cli_json_set(run, "steady", json_false());
    cli_json_set(run, "notes", json_array());
    cli_json_set(run, "layers", json_array());
    return run;
}

struct alx_statistics bench_set_spread(json_t *object, const double *samples, size_t count)
{
    struct alx_statistics s;
    json_t *raw = json_array();
    if (alx_statistics_in_order(samples, count, 1, &s) != ALX_STATUS_OK)
        s = (struct alx_statistics){0, NAN, NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < count; i++)
        json_array_append_new(raw, cli_json_number(samples[i]));
    cli_json_set(object, "samples", cli_json_count(s.count));
    cli_json_set(object, "median_ms", cli_json_number(s.median));
    cli_json_set(object, "p10_ms", cli_json_number(s.p10));
    cli_json_set(object, "p90_ms", cli_json_number(s.p90));
    cli_json_set(object, "ci_low_ms", cli_json_number(s.low));
    cli_json_set(object, "ci_high_ms", cli_json_number(s.high));
    cli_json_set(object, "samples_ms", raw);
    return s;
}

json_t *bench_row(const struct bench *bench, size_t info_index)
{
    json_t *row;
    size_t i;
    json_array_foreach(bench->rows, i, row)
    {
        if (bench_number(json_object_get(row, "device"), "number") ==
            (double)bench->infos[info_index].number)
            return row;
    }
    return NULL;
}

static bool is_chosen(const struct bench *bench, size_t index)
{
    for (size_t i = 0; i < bench->chosen_count; i++)
        if (bench->chosen[i] == index)
            return true;
    return false;
}

/* Those that are measured and, when all are asked for, those that cannot be. */
static void add_rows(struct bench *bench, const struct alx_host *host)
{
    const char *spec = bench->options->device;
    bool all = !spec || !strcmp(spec, "all");
    size_t *owners = cli_alloc(bench->info_count, sizeof *owners, "the devices");
    for (size_t i = 0; i < bench->info_count; i++) {
        const struct alx_device_info *info = &bench->infos[i];
        if (!all && !is_chosen(bench, i))
            continue;
        json_t *row = new_row(info, find_hardware(bench, host, owners, i));
        if (!is_chosen(bench, i))
            cli_json_set(row, "reason",
                         cli_json_text(info->simulator
                                           ? "a simulator: its times say nothing of a device"
                                           : info->problem));
        json_array_append_new(bench->rows, row);
    }
    free(owners);
}

/* --- the beginning --- */

static json_t *settings_json(const struct bench *bench)
{
    json_t *object = json_object(), *precisions = json_array();
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++)
        for (size_t i = 0; i < bench->precision_count; i++)
            if (bench->precisions[i] == (enum alx_precision)p)
                json_array_append_new(precisions,
                                      json_string(alx_precision_name(bench->precisions[i])));
    cli_json_set(object, "batch", cli_json_known(bench->options->batch));
    cli_json_set(object, "precisions", precisions);
    cli_json_set(object, "time_ms", cli_json_ms(bench->time_ns));
    cli_json_set(object, "warm_up_ms", cli_json_ms(bench->warm_up_ns));
    cli_json_set(object, "interval", cli_json_number(bench->interval));
    cli_json_set(object, "interleaved", json_boolean(bench->options->interleave));
    cli_json_set(object, "quick", json_boolean(bench->options->quick));
    cli_json_set(object, "seed", cli_json_count(bench->seed));
    return object;
}

static json_t *model_json(const struct bench *bench)
{
    json_t *object = cli_json_model(bench->model, alx_model_net(bench->model));
    const char *path = alx_model_path(bench->model), *slash = strrchr(path, '/');
    cli_json_set(object, "path", cli_json_text(slash ? slash + 1 : path)); /* folders are private */
    return object;
}

static json_t *network_json(const alx_net *net)
{
    json_t *object = json_object();
    cli_json_set(object, "name", cli_json_text(alx_net_name(net)));
    cli_json_set(object, "layers", cli_json_count(alx_net_layer_count(net)));
    cli_json_set(object, "parameters", cli_json_count(alx_net_parameters(net)));
    cli_json_set(object, "macs", cli_json_count(alx_net_macs(net)));
    return object;
}

static enum alx_status add_hashes(struct bench *bench)
{
    enum alx_status status = ALX_STATUS_OK;
    char hash[ALX_HASH_BYTES];
    json_t *object = json_object();
    cli_json_set(bench->document, "hashes", object);
    ALX_TRY(alx_weights_hash(bench->model, hash));
    cli_json_set(object, "weights", json_string(hash));
    ALX_TRY(alx_kernels_hash(hash));
    cli_json_set(object, "kernels", json_string(hash));
    alx_hash(bench->images, bench->image_count * bench->input_elems * sizeof *bench->images, hash);
    cli_json_set(object, "input", json_string(hash));
error:
    return status;
}

int bench_document_begin(struct bench *bench)
{
    struct alx_host host;
    char text[32];
    time_t now = time(NULL);
    alx_host_read(NULL, &host);
    bench->document = cli_json_document("bench/1");
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    cli_json_set(bench->document, "time", json_string(text));
    cli_json_set(bench->document, "host", host_json(bench, &host));
    cli_json_set(bench->document, "settings", settings_json(bench));
    cli_json_set(bench->document, "model", model_json(bench));
    cli_json_set(bench->document, "network", network_json(alx_model_net(bench->model)));
    enum alx_status status = add_hashes(bench);
    cli_json_set(bench->document, "notes", machine_notes(bench, &host));
    cli_json_set(bench->document, "hardware", json_array());
    bench->rows = json_array();
    cli_json_set(bench->document, "devices", bench->rows);
    add_rows(bench, &host);
    return cli_exit_code(status, EXIT_MODEL);
}
