/*
 * What is said of a document in more than one place: names, the runs that count, doubts.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"

const char *const bench_precisions[] = {"fp32", "fp16", "int8", NULL};

const char *bench_platform(const json_t *device)
{
    static const char *const shorter[][2] = {{"Portable Computing Language", "PoCL"},
                                             {"AMD Accelerated Parallel Processing", "AMD APP"},
                                             {"Intel(R) OpenCL", "Intel OpenCL"}};
    const char *name = bench_text(json_object_get(device, "device"), "platform");
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (!strncmp(name, shorter[i][0], strlen(shorter[i][0])))
            return shorter[i][1];
    return name;
}

struct cli_line bench_driver(const json_t *device)
{
    struct cli_line line;
    snprintf(line.text, sizeof line.text, "%.150s %.80s", bench_platform(device),
             bench_text(json_object_get(device, "device"), "driver"));
    return line;
}

/* What the first driver of a piece of hardware that knows says of it, or NAN. */
static double known_of(const json_t *part, size_t piece, const char *key)
{
    const json_t *devices = json_object_get(part, "devices");
    double value = NAN;
    for (size_t i = 0; i < json_array_size(devices) && !(value > 0); i++) {
        const json_t *device = json_array_get(devices, i);
        if (bench_number(device, "hardware") == (double)piece)
            value = bench_number(json_object_get(device, "device"), key);
    }
    return value;
}

struct cli_line bench_hardware(const json_t *part, size_t piece)
{
    struct cli_line line;
    const json_t *hardware = json_array_get(json_object_get(part, "hardware"), piece);
    const char *separator = cli_separator();
    double units = known_of(part, piece, "compute_units");
    double clock = known_of(part, piece, "clock_mhz");
    double bytes = known_of(part, piece, "global_bytes");
    size_t used =
        (size_t)snprintf(line.text, sizeof line.text, "%.120s%s%s", bench_text(hardware, "name"),
                         separator, bench_text(hardware, "type"));
    if (units > 0 && clock > 0)
        used += (size_t)snprintf(line.text + used, sizeof line.text - used, "%s%s units at %s MHz",
                                 separator, cli_whole(units).text, cli_whole(clock).text);
    if (bytes > 0)
        snprintf(line.text + used, sizeof line.text - used, "%s%s", separator,
                 cli_bytes((uint64_t)bytes).text);
    return line;
}

struct cli_line bench_run_name(const json_t *run)
{
    struct cli_line line;
    snprintf(line.text, sizeof line.text, "%s batch %.0f", bench_text(run, "precision"),
             bench_number(run, "batch"));
    return line;
}

struct cli_line bench_host(const json_t *part)
{
    struct cli_line line;
    const json_t *host = json_object_get(part, "host");
    double cpus = bench_number(host, "logical_cpus");
    double bytes = bench_number(host, "memory_bytes");
    const char *cpu = bench_text(host, "cpu");
    size_t used = (size_t)snprintf(line.text, sizeof line.text, "%.100s",
                                   *cpu ? cpu : "a machine that says nothing of itself");
    if (cpus > 0 && cpus < 1e6)
        used += (size_t)snprintf(line.text + used, sizeof line.text - used, ", %.0f processor%s",
                                 cpus, cpus == 1 ? "" : "s");
    if (bytes > 0)
        used += (size_t)snprintf(line.text + used, sizeof line.text - used, ", %s",
                                 cli_bytes((uint64_t)bytes).text);
    if (*bench_text(host, "os"))
        snprintf(line.text + used, sizeof line.text - used, ", %.60s", bench_text(host, "os"));
    return line;
}

struct cli_line bench_reason(const json_t *device)
{
    struct cli_line line = {""};
    const char *phase = bench_text(device, "phase"), *reason = bench_text(device, "reason");
    if (!bench_is(device, "status", "ok"))
        snprintf(line.text, sizeof line.text, "%s%s%.60s: %.180s", bench_text(device, "status"),
                 *phase ? " at " : "", phase, *reason ? reason : "no reason was given");
    return line;
}

const json_t *bench_find_run(const json_t *device, const char *precision, bool best)
{
    size_t index;
    json_t *run;
    json_array_foreach(json_object_get(device, "runs"), index, run)
    {
        bool wanted = best ? bench_true(run, "best") : bench_number(run, "batch") == 1;
        if (wanted && bench_is(run, "precision", precision) && bench_is(run, "status", "ok"))
            return run;
    }
    return NULL;
}

const json_t *bench_main_run(const json_t *device)
{
    const json_t *run = bench_find_run(device, "fp32", false);
    const json_t *runs = json_object_get(device, "runs");
    for (size_t i = 0; !run && i < json_array_size(runs); i++)
        if (bench_is(json_array_get(runs, i), "status", "ok"))
            run = json_array_get(runs, i);
    return run;
}

const char *bench_verdict(const json_t *check)
{
    double worst = bench_number(check, "worst"), images = bench_number(check, "images");
    if (!json_is_object(check))
        return "-";
    return worst <= 1 && bench_number(check, "top1_agree") == images ? "right" : "WRONG";
}

/* fp32 before fp16 before int8, small batches before large ones. */
static double rank_of(const json_t *run)
{
    size_t i = 0;
    while (bench_precisions[i + 1] && !bench_is(run, "precision", bench_precisions[i]))
        i++;
    return 1e12 * (double)i + bench_number(run, "batch");
}

void bench_order_runs(const json_t *document)
{
    for (size_t p = 0; p < bench_part_count(document); p++) {
        size_t index;
        json_t *device;
        json_array_foreach(json_object_get(bench_part(document, p), "devices"), index, device)
        {
            json_t *runs = json_object_get(device, "runs");
            for (size_t i = 1; i < json_array_size(runs); i++) {
                json_t *run = json_incref(json_array_get(runs, i));
                size_t to = i;
                while (to > 0 && rank_of(json_array_get(runs, to - 1)) > rank_of(run))
                    to--;
                json_array_remove(runs, i);
                json_array_insert_new(runs, to, run);
            }
        }
    }
}

void bench_each_device(const json_t *document, bench_device_fn *found, void *user)
{
    for (size_t i = 0; i < bench_part_count(document); i++) {
        const json_t *part = bench_part(document, i);
        size_t pieces = json_array_size(json_object_get(part, "hardware")), index;
        for (size_t piece = 0; piece < pieces; piece++) {
            bool first = true;
            json_t *device;
            json_array_foreach(json_object_get(part, "devices"), index, device)
            {
                if (bench_number(device, "hardware") != (double)piece)
                    continue;
                found(user, part, device, first);
                first = false;
            }
        }
    }
}

/* --- notes --- */

void bench_add_joined(struct alx_text *out, const json_t *texts, const char *between)
{
    for (size_t i = 0; i < json_array_size(texts); i++)
        alx_text_add(out, "%s%s", i ? between : "", json_string_value(json_array_get(texts, i)));
}

static void each_text(const json_t *array, const char *subject, bench_note_fn *found, void *user)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        found(user, subject, json_string_value(json_array_get(array, i)));
}

/* What plans left out because it computes wrongly here: another algorithm had to be measured. */
static void note_left_out(const json_t *device, bench_note_fn *found, void *user)
{
    struct alx_text list = {0};
    bench_add_joined(&list, json_object_get(device, "left_out"), ", ");
    if (list.bytes) {
        struct alx_text note = {0};
        alx_text_add(&note, "left out: %s (verify found %s wrong)", alx_text_get(&list),
                     json_array_size(json_object_get(device, "left_out")) > 1 ? "them" : "it");
        found(user, "", alx_text_get(&note));
        alx_text_free(&note);
    }
    alx_text_free(&list);
}

/* Why layers have no times; once, when it is the same for all. */
static void note_layers(const json_t *layers, const char *subject, bench_note_fn *found, void *user)
{
    char text[512];
    size_t count = json_array_size(layers), same = 0;
    const char *first = bench_text(json_array_get(layers, 0), "reason");
    for (size_t i = 0; i < count; i++)
        same += *first && bench_is(json_array_get(layers, i), "reason", first);
    if (count && same == count) {
        snprintf(text, sizeof text, "the layers have no times: %.400s", first);
        found(user, subject, text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *layer = json_array_get(layers, i);
        snprintf(text, sizeof text, "%.60s has no time: %.400s", bench_text(layer, "name"),
                 bench_text(layer, "reason"));
        if (*bench_text(layer, "reason"))
            found(user, subject, text);
    }
}

/* What little memory costs. */
static void note_streamed(const json_t *run, const char *subject, bench_note_fn *found, void *user)
{
    char text[128];
    double bytes = bench_number(run, "streamed_bytes");
    if (!(bytes > 0))
        return;
    snprintf(text, sizeof text, "%s of its weights do not fit and are sent at every run",
             cli_bytes((uint64_t)bytes).text);
    found(user, subject, text);
}

static void note_run(const json_t *device, const json_t *run, bench_note_fn *found, void *user)
{
    char subject[300];
    struct cli_line name = bench_run_name(run);
    const char *reason = bench_text(run, "reason");
    snprintf(subject, sizeof subject, "%s", name.text);
    each_text(json_object_get(run, "notes"), subject, found, user);
    note_streamed(run, subject, found, user);
    if (bench_is(run, "status", "ok")) {
        if (!bench_true(run, "steady"))
            found(user, subject, "the time did not become steady; take it as a rough one");
        note_layers(json_object_get(run, "layers"), subject, found, user);
    } else if (strcmp(reason, bench_text(device, "reason"))) {
        char text[512];
        snprintf(text, sizeof text, "%s: %.400s", bench_text(run, "status"), reason);
        found(user, subject, text);
    }
}

/* A clock that is lower afterwards explains slow times. */
static void note_clock(const json_t *device, bench_note_fn *found, void *user)
{
    enum { NOTEWORTHY_PERCENT = 10 };
    char text[128];
    double before = bench_number(json_object_get(device, "before"), "clock_mhz");
    double after = bench_number(json_object_get(device, "after"), "clock_mhz");
    if (!(after < before * (100 - NOTEWORTHY_PERCENT) / 100))
        return;
    snprintf(text, sizeof text, "the processor's clock fell from %s to %s MHz meanwhile",
             cli_figures(before).text, cli_figures(after).text);
    found(user, "", text);
}

/* Remembers a note with all that it is about; objects keep the order in which members came. */
static void remember(void *user, const char *subject, const char *note)
{
    json_t *subjects = user, *before = json_object_get(subjects, note);
    json_object_set_new(subjects, note,
                        before ? json_sprintf("%s, %s", json_string_value(before), subject)
                               : json_string(subject));
}

void bench_each_device_note(const json_t *device, bench_note_fn *found, void *user)
{
    const json_t *runs = json_object_get(device, "runs");
    json_t *subjects = json_object(), *subject;
    const char *note;
    each_text(json_object_get(device, "notes"), "", remember, subjects);
    note_left_out(device, remember, subjects);
    note_clock(device, remember, subjects);
    for (size_t i = 0; i < json_array_size(runs); i++)
        note_run(device, json_array_get(runs, i), remember, subjects);
    json_object_foreach(subjects, note, subject) found(user, json_string_value(subject), note);
    json_decref(subjects);
}

/* Puts the device's name in front of what its notes are about. */
struct named {
    const char *name;
    bench_note_fn *found;
    void *user;
};

static void add_name(void *user, const char *subject, const char *note)
{
    const struct named *named = user;
    char text[512];
    snprintf(text, sizeof text, "%.200s%s%.300s", named->name, *subject ? ", " : "", subject);
    named->found(named->user, text, note);
}

void bench_each_note(const json_t *part, bench_note_fn *found, void *user)
{
    size_t i;
    json_t *device;
    each_text(json_object_get(part, "notes"), "", found, user);
    json_array_foreach(json_object_get(part, "devices"), i, device)
    {
        struct named named = {bench_text(json_object_get(device, "device"), "name"), found, user};
        bench_each_device_note(device, add_name, &named);
    }
}
