#include "model/labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/file.h"
#include "util/json.h"
#include "util/memory.h"
#include "util/text.h"
#include "util/windows.h"

enum { MAX_FILE_BYTES = 16 << 20 };

void alx_labels_free(struct alx_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++)
        free(labels->texts[i]);
    free(labels->texts);
    *labels = (struct alx_labels){0};
}

static enum alx_status create(size_t count, struct alx_labels *labels)
{
    enum alx_status status = alx_alloc(count, sizeof *labels->texts, "the labels", &labels->texts);
    labels->count = status == ALX_STATUS_OK ? count : 0;
    return status;
}

static enum alx_status set(struct alx_labels *labels, size_t index, const char *text)
{
    enum alx_status status = alx_copy_string(text, &labels->texts[index]);
    if (status == ALX_STATUS_OK)
        alx_text_clean(labels->texts[index]);
    return status;
}

enum alx_status alx_labels_from_json(const char *json, struct alx_labels *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_labels labels = {0};
    json_t *root = NULL;
    ALX_TRY(alx_json_parse("labels", ALX_STATUS_MODEL, json, strlen(json), &root));
    if (!json_is_array(root)) {
        status = alx_fail(ALX_STATUS_MODEL, "labels: not an array of texts");
        goto error;
    }
    ALX_TRY(create(json_array_size(root), &labels));
    for (size_t i = 0; i < labels.count; i++) {
        const char *text = json_string_value(json_array_get(root, i));
        if (!text || !*text) {
            status = alx_fail(ALX_STATUS_MODEL, "labels: the one of class %zu is no text", i);
            goto error;
        }
        ALX_TRY(set(&labels, i, text));
    }
    *out = labels;
    labels = (struct alx_labels){0};
error:
    json_decref(root);
    alx_labels_free(&labels);
    return status;
}

enum alx_status alx_labels_to_json(const struct alx_labels *labels, char **out)
{
    json_t *root = json_array();
    bool failed = !root;
    for (size_t i = 0; i < labels->count && !failed; i++)
        failed = json_array_append_new(root, json_string(labels->texts[i])) != 0;
    char *text = failed ? NULL : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text)
        return alx_fail(ALX_STATUS_NO_MEMORY, "the labels: no memory to write them");
    *out = text;
    return ALX_STATUS_OK;
}

/* The number of lines of a text whose last line is not empty. */
static size_t count_lines(const char *text)
{
    size_t lines = *text != 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

enum alx_status alx_labels_from_file(const char *path, struct alx_labels *out)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    enum alx_status status = ALX_STATUS_OK;
    struct alx_labels labels = {0};
    uint8_t *data = NULL;
    size_t bytes;
    ALX_TRY(alx_file_read(path, MAX_FILE_BYTES, ALX_STATUS_MODEL, &data, &bytes));
    if (strlen((char *)data) != bytes) {
        status = alx_fail(ALX_STATUS_MODEL, "%s: not a text file; labels are one a line", path);
        goto error;
    }
    char *rest = (char *)data;
    if (!strncmp(rest, byte_order_mark, 3))
        rest += 3;
    for (size_t end = strlen(rest); end && strchr("\r\n", rest[end - 1]); end--)
        rest[end - 1] = 0;
    ALX_TRY(create(count_lines(rest), &labels));
    for (size_t i = 0; i < labels.count; i++) {
        char *line = strsep(&rest, "\n");
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[--length] = 0;
        if (!length) {
            status = alx_fail(ALX_STATUS_MODEL, "%s: line %zu is empty", path, i + 1);
            goto error;
        }
        ALX_TRY(set(&labels, i, line));
    }
    *out = labels;
    labels = (struct alx_labels){0};
error:
    free(data);
    alx_labels_free(&labels);
    return status;
}

enum alx_status alx_labels_number(size_t count, struct alx_labels *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_labels labels = {0};
    ALX_TRY(create(count, &labels));
    for (size_t i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, "class %zu", i);
        ALX_TRY(set(&labels, i, text));
    }
    *out = labels;
    labels = (struct alx_labels){0};
error:
    alx_labels_free(&labels);
    return status;
}

enum alx_status alx_labels_imagenet(struct alx_labels *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_labels labels = {0};
    ALX_TRY(create(ALX_IMAGENET_CLASSES, &labels));
    for (size_t i = 0; i < labels.count; i++)
        ALX_TRY(set(&labels, i, alx_imagenet[i].label));
    *out = labels;
    labels = (struct alx_labels){0};
error:
    alx_labels_free(&labels);
    return status;
}
