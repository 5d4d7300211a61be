/*
 * Chrome's trace format, for other programs to draw.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/json.h"
#include "util/file.h"

static void add_process(json_t *events, const struct bench *bench, json_int_t number)
{
    for (size_t i = 0; i < bench->info_count; i++)
        if (bench->infos[i].number == (size_t)number)
            json_array_append_new(events, json_pack("{sssssIsis{so}}", "name", "process_name", "ph",
                                                    "M", "pid", number, "tid", 1, "args", "name",
                                                    cli_json_text(bench->infos[i].name)));
}

/* "X" events have a start and a duration, in microseconds. */
enum alx_status bench_write_trace(const struct bench *bench, const char *path)
{
    json_t *document = json_object(), *events = json_array();
    const json_t *device, *event;
    size_t i, j;
    cli_json_set(document, "traceEvents", events);
    cli_json_set(document, "displayTimeUnit", json_string("ms"));
    json_array_foreach(bench->trace, i, device)
    {
        json_int_t number = json_integer_value(json_object_get(device, "number"));
        add_process(events, bench, number);
        json_array_foreach(bench_array(device, "events"), j, event) json_array_append_new(
            events, json_pack("{sOsssssOsOsIsis{sO}}", "name", json_object_get(event, "name"),
                              "cat", "layer", "ph", "X", "ts", json_object_get(event, "start_us"),
                              "dur", json_object_get(event, "duration_us"), "pid", number, "tid", 1,
                              "args", "algorithm", json_object_get(event, "algorithm")));
    }
    char *text = json_dumps(document, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    const struct alx_bytes pieces[] = {{text, strlen(text)}, {"\n", 1}};
    enum alx_status status = alx_file_write(path, pieces, 2);
    free(text);
    json_decref(document);
    return status;
}
