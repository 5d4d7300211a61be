/*
 * Tunings as text. A file is taken as a whole or not at all:
 *
 *     alexnet-cl tunings 1
 *     # platform <tab> device <tab> ...
 *     ...one tuning a line, its columns in the order of the table below...
 *     end <tab> COUNT <tab> SHA-256 of all lines before
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan/tunings.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/folder.h"
#include "util/memory.h"
#include "util/sha256.h"
#include "util/text.h"
#include "util/windows.h"

enum { MAX_FILE_BYTES = 8 << 20, MAX_LINE_BYTES = 1024 };

static const char file_name[] = "tunings.txt";
static const char header[] = "alexnet-cl tunings 1\n";

/* Columns of a line: texts and numbers of struct alx_tuning. */
static const struct column {
    const char *name;
    size_t offset, bytes;
    uint64_t most; /* of a number, which is at least 1; 0: a text */
} columns[] = {
#define COLUMN(field, most)                                                                        \
    {                                                                                              \
#field, offsetof(struct alx_tuning, field), sizeof((struct alx_tuning *)0)->field, most    \
    }
    COLUMN(platform, 0),
    COLUMN(device, 0),
    COLUMN(driver, 0),
    COLUMN(made_by, 0),
    COLUMN(layer, 0),
    COLUMN(batch, 1 << 20),
    COLUMN(precision, 0),
    COLUMN(algorithm, 0),
    COLUMN(parameters, 0),
    COLUMN(ns, (uint64_t)1 << 50),
    COLUMN(default_ns, (uint64_t)1 << 50),
#undef COLUMN
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* --- writing --- */

static uint64_t number_in(const struct alx_tuning *tuning, const struct column *column)
{
    uint64_t wide = 0;
    size_t narrow = 0;
    const char *field = (const char *)tuning + column->offset;
    if (column->bytes == sizeof narrow) {
        memcpy(&narrow, field, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, field, sizeof wide);
    return wide;
}

void alx_params_write(const struct alx_params *params, char *out, size_t out_bytes)
{
    struct alx_params copy = *params;
    struct alx_text text = {0};
    for (size_t i = 0; alx_params_field_name(i); i++)
        if (*alx_params_field(&copy, i))
            alx_text_add(&text, "%s%s=%zu", text.bytes ? " " : "", alx_params_field_name(i),
                         *alx_params_field(&copy, i));
    alx_text_copy(out, out_bytes, alx_text_get(&text));
    alx_text_free(&text);
}

static void write_line(const struct alx_tuning *tuning, struct alx_text *text)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *field = (const char *)tuning + columns[i].offset;
        if (columns[i].most)
            alx_text_add(text, "%llu", (unsigned long long)number_in(tuning, &columns[i]));
        else
            alx_text_add(text, "%s", field);
        alx_text_add(text, i + 1 < COLUMNS ? "\t" : "\n");
    }
}

/* With `current`, only what this version measured. */
static enum alx_status write_all(const alx_tunings *tunings, bool current, struct alx_text *text)
{
    uint8_t digest[ALX_SHA256_BYTES];
    char hex[ALX_SHA256_HEX_BYTES];
    size_t count = 0;
    alx_text_add(text, "%s#", header);
    for (size_t i = 0; i < COLUMNS; i++)
        alx_text_add(text, "%s%s", i ? "\t" : " ", columns[i].name);
    alx_text_add(text, "\n");
    for (size_t i = 0; i < tunings->count; i++) {
        if (current && !alx_tunings_is_current(tunings, i))
            continue;
        write_line(&tunings->list[i].shown, text);
        count++;
    }
    alx_sha256(alx_text_get(text), text->bytes, digest);
    alx_sha256_hex(digest, hex);
    alx_text_add(text, "end\t%zu\t%s\n", count, hex);
    return text->failed ? alx_fail(ALX_STATUS_NO_MEMORY, "tunings: no memory for %zu of them",
                                   tunings->count)
                        : ALX_STATUS_OK;
}

enum alx_status alx_tunings_write(const alx_tunings *tunings, const char *path)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_text text = {0};
    ALX_TRY(write_all(tunings, false, &text));
    const struct alx_bytes pieces[] = {{alx_text_get(&text), text.bytes}};
    ALX_TRY(alx_file_write(path, pieces, 1));
error:
    alx_text_free(&text);
    return status;
}

/* --- reading --- */

/* A number from 1 to `most`, of digits alone. */
static bool read_number(const char *text, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 18 || text[digits] || text[0] == '0')
        return false;
    for (size_t i = 0; i < digits; i++)
        value = 10 * value + (uint64_t)(text[i] - '0');
    *out = value;
    return value <= most;
}

static bool read_params(const char *text, struct alx_params *params)
{
    enum { LARGEST = 1 << 20 };
    char copy[sizeof((struct alx_tuning *)0)->parameters], *rest = copy, *word;
    alx_text_copy(copy, sizeof copy, text);
    while ((word = strsep(&rest, " "))) {
        uint64_t value;
        size_t i = 0;
        char *equals = strchr(word, '=');
        if (!equals)
            return false;
        *equals = 0;
        while (alx_params_field_name(i) && strcmp(alx_params_field_name(i), word) != 0)
            i++;
        if (!alx_params_field_name(i) || *alx_params_field(params, i) ||
            !read_number(equals + 1, LARGEST, &value))
            return false;
        *alx_params_field(params, i) = (size_t)value;
    }
    return true;
}

static bool read_field(const struct column *column, char *text, struct alx_tuning *tuning)
{
    char *field = (char *)tuning + column->offset;
    uint64_t number;
    if (!column->most) {
        char cleaned[MAX_LINE_BYTES];
        alx_text_copy(cleaned, sizeof cleaned, text);
        alx_text_clean(cleaned);
        return !strcmp(cleaned, text) && alx_text_copy(field, column->bytes, text);
    }
    if (!read_number(text, column->most, &number))
        return false;
    if (column->bytes == sizeof(size_t))
        memcpy(field, &(size_t){(size_t)number}, sizeof(size_t));
    else
        memcpy(field, &number, sizeof number);
    return true;
}

static bool is_precision(const char *name)
{
    for (int p = ALX_PRECISION_FP32; p <= ALX_PRECISION_INT8; p++)
        if (!strcmp(name, alx_precision_name((enum alx_precision)p)))
            return true;
    return false;
}

/* Reads a line, which is cut up. */
static bool read_line(char *line, struct alx_tuned *tuned)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        char *field = strsep(&line, "\t");
        if (!field || !read_field(&columns[i], field, &tuned->shown))
            return false;
    }
    return !line && is_precision(tuned->shown.precision) && tuned->shown.algorithm[0] &&
           read_params(tuned->shown.parameters, &tuned->params);
}

/* The last line, which has no other like it: the hash covers what stands before. */
static bool is_end(const char *line, size_t before_bytes, const char *text, size_t count)
{
    uint8_t digest[ALX_SHA256_BYTES];
    char hex[ALX_SHA256_HEX_BYTES], expected[128];
    alx_sha256(text, before_bytes, digest);
    alx_sha256_hex(digest, hex);
    snprintf(expected, sizeof expected, "end\t%zu\t%s", count, hex);
    return !strcmp(line, expected);
}

const char *alx_tunings_parse(const char *text, size_t bytes, alx_tunings *out)
{
    size_t start = sizeof header - 1, count = 0;
    if (bytes < start || memcmp(text, header, start) != 0)
        return "is not a file of tunings, or one of another version";
    for (;; count++) {
        char line[MAX_LINE_BYTES];
        struct alx_tuned tuned = {0};
        const char *end = memchr(text + start, '\n', bytes - start);
        size_t length = end ? (size_t)(end - text) - start : MAX_LINE_BYTES;
        if (length >= MAX_LINE_BYTES)
            return end ? "has a line that is too long" : "ends early";
        memcpy(line, text + start, length);
        line[length] = 0;
        if (strlen(line) != length)
            return "holds a zero byte";
        if (!strncmp(line, "end\t", 4))
            return start + length + 1 == bytes && is_end(line, start, text, count)
                       ? NULL
                       : "is damaged: its hash is another";
        start += length + 1;
        if (line[0] == '#') {
            count--;
            continue;
        }
        if (!read_line(line, &tuned))
            return "is damaged: a line cannot be read";
        if (alx_tunings_add(out, &tuned) != ALX_STATUS_OK)
            return "holds too many tunings";
    }
}

enum alx_status alx_tunings_read(const char *path, alx_tunings **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_tunings *tunings = NULL;
    uint8_t *text = NULL;
    size_t bytes = 0;
    ALX_TRY(alx_tunings_create(&tunings));
    ALX_TRY(alx_file_read(path, MAX_FILE_BYTES, ALX_STATUS_FILE_UNREADABLE, &text, &bytes));
    const char *wrong = alx_tunings_parse((const char *)text, bytes, tunings);
    if (wrong) {
        status = alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: %s", path, wrong);
        goto error;
    }
    *out = tunings;
    tunings = NULL;
error:
    free(text);
    alx_tunings_destroy(&tunings);
    return status;
}

/* --- the cache folder --- */

enum alx_status alx_tunings_load(const char *cache_dir, alx_tunings **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_tunings *tunings = NULL;
    struct alx_folder folder;
    const char *wrong = NULL;
    uint8_t *text = NULL;
    size_t bytes = 0;
    ALX_TRY(alx_tunings_create(&tunings));
    /* What is wrong with the folder, the program cache says. */
    if (alx_folder_open(cache_dir, false, &folder, &wrong)) {
        text = alx_folder_read(&folder, file_name, MAX_FILE_BYTES, &bytes);
        wrong = text              ? alx_tunings_parse((const char *)text, bytes, tunings)
                : errno == ENOENT ? NULL
                                  : "is a link, empty, too large, or others may write to it";
        if (wrong) {
            alx_log(ALX_LOG_WARNING,
                    "tunings %s/%s: %s; defaults are used, tune again or clear them", folder.path,
                    file_name, wrong);
            tunings->count = 0;
        }
        alx_folder_close(&folder);
    }
    *out = tunings;
error:
    free(text);
    return status;
}

enum alx_status alx_tunings_save(const alx_tunings *tunings, const char *cache_dir)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_tunings *all = NULL;
    struct alx_folder folder = {.fd = -1};
    struct alx_text text = {0};
    char temporary[96];
    const char *reason = NULL;
    if (!alx_folder_open(cache_dir, true, &folder, &reason)) {
        status = alx_fail(ALX_STATUS_FILE_UNWRITABLE, "cache folder %s: %s; name another one",
                          folder.path, reason);
        goto error;
    }
    /* Another process may have written since ours were read, and may be about to. */
    alx_folder_lock(&folder);
    ALX_TRY(alx_tunings_load(cache_dir, &all));
    ALX_TRY(alx_tunings_merge(all, tunings));
    ALX_TRY(write_all(all, true, &text));
    const struct alx_bytes pieces[] = {{alx_text_get(&text), text.bytes}};
    snprintf(temporary, sizeof temporary, "%s%s%x-%llx", file_name, ALX_FOLDER_TEMPORARY,
             (unsigned)getpid(), (unsigned long long)alx_clock_ns());
    if (!alx_folder_write(&folder, file_name, temporary, pieces, 1))
        status = alx_fail(ALX_STATUS_FILE_UNWRITABLE, "%s/%s: %s", folder.path, file_name,
                          strerror(errno));
error:
    alx_folder_close(&folder);
    alx_text_free(&text);
    alx_tunings_destroy(&all);
    return status;
}

enum alx_status alx_tunings_clear(const char *cache_dir)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_folder folder;
    const char *reason = NULL;
    bool opened = alx_folder_open(cache_dir, false, &folder, &reason);
    if (!opened && errno != ENOENT)
        return alx_fail(ALX_STATUS_FILE_UNWRITABLE, "cache folder %s: %s", folder.path, reason);
    if (opened && !alx_folder_remove(&folder, file_name) && errno != ENOENT)
        status = alx_fail(ALX_STATUS_FILE_UNWRITABLE, "%s/%s: %s", folder.path, file_name,
                          strerror(errno));
    if (opened)
        alx_folder_close(&folder);
    return status;
}
