/*
 * Several machines' documents in one: how devices are compared over computers.
 */
#include <stdio.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/json.h"
#include "cli/message.h"
#include "util/error.h"

/* Whether times of both may stand side by side. */
static bool is_same_network(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"name", "layers", "parameters", "macs"};
    const json_t *first = json_object_get(a, "network"), *second = json_object_get(b, "network");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!json_equal(json_object_get(first, keys[i]), json_object_get(second, keys[i])))
            return false;
    return true;
}

/* Whether two devices, of the same machine, are the same one. */
static bool is_same_device(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"id", "platform", "name"};
    const json_t *first = json_object_get(a, "device"), *second = json_object_get(b, "device");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!json_equal(json_object_get(first, keys[i]), json_object_get(second, keys[i])))
            return false;
    return true;
}

/* Notes every device that was measured in both parts, and tells of it. */
static void note_duplicates(json_t *merged, const char *path, size_t first, size_t second)
{
    const json_t *a = bench_part(merged, first), *b = bench_part(merged, second);
    const char *fingerprint = bench_text(json_object_get(a, "host"), "fingerprint");
    char line[1024];
    size_t i, j;
    json_t *one, *other;
    if (!bench_is(json_object_get(b, "host"), "fingerprint", fingerprint))
        return;
    json_array_foreach(json_object_get(a, "devices"), i, one)
    {
        json_array_foreach(json_object_get(b, "devices"), j, other)
        {
            const json_t *device = json_object_get(one, "device");
            if (!is_same_device(one, other))
                continue;
            snprintf(line, sizeof line,
                     "%s: %s was measured twice on this machine, %s and %s; "
                     "both are shown",
                     path, bench_text(device, "name"), bench_text(a, "time"),
                     bench_text(b, "time"));
            cli_message(ALX_LOG_WARNING, line);
            json_array_append_new(json_object_get(merged, "duplicates"),
                                  json_pack("{s:s, s:O, s:O, s:[I, I]}", "fingerprint", fingerprint,
                                            "id", json_object_get(device, "id"), "name",
                                            json_object_get(device, "name"), "documents",
                                            (json_int_t)first, (json_int_t)second));
        }
    }
}

static enum alx_status add_part(json_t *merged, const char *path, const json_t *part)
{
    json_t *parts = json_object_get(merged, "documents");
    size_t count = json_array_size(parts);
    char line[1024];
    for (size_t i = 0; i < count; i++)
        if (json_equal(json_array_get(parts, i), part)) {
            snprintf(line, sizeof line, "%s: is in already; it is taken once", path);
            cli_message(ALX_LOG_WARNING, line);
            return ALX_STATUS_OK;
        }
    if (count && !is_same_network(json_array_get(parts, 0), part))
        return alx_fail(ALX_STATUS_USAGE,
                        "%s: measured %s, the documents before it %s, so that their times do not "
                        "compare; merge those of one network",
                        path, bench_text(json_object_get(part, "network"), "name"),
                        bench_text(json_object_get(json_array_get(parts, 0), "network"), "name"));
    json_array_append_new(parts, json_deep_copy(part));
    for (size_t i = 0; i < count; i++)
        note_duplicates(merged, path, i, count);
    return ALX_STATUS_OK;
}

enum alx_status bench_merge(char *const *paths, size_t count, json_t **out)
{
    enum alx_status status = ALX_STATUS_OK;
    json_t *merged = cli_json_document("bench-merged/1"), *document = NULL;
    cli_json_set(merged, "duplicates", json_array());
    cli_json_set(merged, "documents", json_array());
    for (size_t i = 0; i < count; i++) {
        ALX_TRY(bench_read(paths[i], &document));
        for (size_t j = 0; j < bench_part_count(document); j++)
            ALX_TRY(add_part(merged, paths[i], bench_part(document, j)));
        json_decref(document);
        document = NULL;
    }
    *out = json_incref(merged);
error:
    json_decref(document);
    json_decref(merged);
    return status;
}
