#include "cli/bench_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "cli/schema.h"
#include "util/error.h"
#include "util/file.h"
#include "util/json.h"

enum { MOST_BYTES = 256 << 20 };

/* --- fields --- */

bool bench_true(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

double *bench_samples(const json_t *array, size_t *count)
{
    size_t index;
    json_t *value;
    double *samples = cli_alloc(json_array_size(array) + 1, sizeof *samples, "samples");
    *count = 0;
    json_array_foreach(array, index, value)
    {
        if (json_is_number(value))
            samples[(*count)++] = json_number_value(value);
    }
    return samples;
}

/* --- words --- */

struct cli_words cli_figures(double value)
{
    struct cli_words words = {"-"};
    if (isnan(value))
        return words;
    if (value == 0 || (fabs(value) >= 1e-3 && fabs(value) < 999.5)) {
        int digits = value == 0 ? 0 : (int)floor(log10(fabs(value)) + 0.0005) + 1;
        snprintf(words.text, sizeof words.text, "%.*f", digits < 3 ? 3 - digits : 0, value);
        if (value == 0)
            strcpy(words.text, "0");
    } else if (value >= 999.5 && value < 1e12) {
        words = cli_count((uint64_t)(value + 0.5));
    } else {
        snprintf(words.text, sizeof words.text, "%.2g", value);
    }
    return words;
}

struct cli_words cli_whole(double value)
{
    return value >= 0 && value < 1e18 ? cli_count((uint64_t)value) : (struct cli_words){"-"};
}

struct cli_words cli_percent(double value)
{
    struct cli_words words = {"-"};
    if (!isnan(value))
        snprintf(words.text, sizeof words.text,
                 value != 0 && fabs(value) < 0.05 ? "%.*g %%" : "%.*f %%", fabs(value) < 9.95,
                 value);
    return words;
}

double cli_half_width_percent(double low, double high, double middle)
{
    return middle > 0 ? 50 * (high - low) / middle : NAN;
}

/* --- parts --- */

size_t bench_part_count(const json_t *document)
{
    const json_t *parts = json_object_get(document, "documents");
    return parts ? json_array_size(parts) : 1;
}

const json_t *bench_part(const json_t *document, size_t index)
{
    const json_t *parts = json_object_get(document, "documents");
    return parts ? json_array_get(parts, index) : document;
}

/* --- reading --- */

static const struct {
    const char *family, *definition;
} readable[] = {
    {"alexnet-cl/bench/", "bench"},
    {"alexnet-cl/bench-merged/", "bench_merged"},
};

/* Which definition the document's schema names; NULL after a failure. */
static const char *find_definition(const char *path, const json_t *document)
{
    const char *schema = bench_text(document, "schema");
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) {
        size_t length = strlen(readable[i].family);
        if (strncmp(schema, readable[i].family, length))
            continue;
        if (!strcmp(schema + length, "1"))
            return readable[i].definition;
        alx_fail(ALX_STATUS_MODEL,
                 "%s: a document of %s, which this version does not know; read it with a newer "
                 "alexnet-cl",
                 path, schema);
        return NULL;
    }
    alx_fail(ALX_STATUS_MODEL, "%s: no document of alexnet-cl bench; give what its --json wrote",
             path);
    return NULL;
}

/* What the schema cannot say: indices point to what is there. */
static bool points_inside(const json_t *part)
{
    size_t index, hardware = json_array_size(json_object_get(part, "hardware"));
    json_t *device;
    json_array_foreach(json_object_get(part, "devices"), index, device)
    {
        if (bench_number(device, "hardware") >= (double)hardware)
            return false;
    }
    return true;
}

static enum alx_status check_document(const char *path, const json_t *document)
{
    char wrong[512];
    const char *definition = find_definition(path, document);
    if (!definition)
        return ALX_STATUS_MODEL;
    if (!cli_schema_fits(document, definition, wrong, sizeof wrong))
        return alx_fail(ALX_STATUS_MODEL, "%s: damaged: %s; measure again", path, wrong);
    for (size_t i = 0; i < bench_part_count(document); i++)
        if (!points_inside(bench_part(document, i)))
            return alx_fail(ALX_STATUS_MODEL,
                            "%s: damaged: a device names hardware that is not there; measure again",
                            path);
    return ALX_STATUS_OK;
}

enum alx_status bench_read(const char *path, json_t **out)
{
    enum alx_status status = ALX_STATUS_OK;
    uint8_t *bytes = NULL;
    size_t count = 0;
    json_t *document = NULL;
    ALX_TRY(alx_file_read(path, MOST_BYTES, ALX_STATUS_MODEL, &bytes, &count));
    ALX_TRY(alx_json_parse(path, ALX_STATUS_MODEL, (const char *)bytes, count, &document));
    ALX_TRY(check_document(path, document));
    *out = json_incref(document);
error:
    json_decref(document);
    free(bytes);
    return status;
}
