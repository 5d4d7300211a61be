#include "model/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/provenance.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

static const struct alx_reader *const readers[] = {&alx_reader_safetensors, &alx_reader_torch,
                                                   &alx_reader_onnx, &alx_reader_caffe};
enum { READER_COUNT = sizeof readers / sizeof *readers };

const struct alx_reader *alx_reader_row(size_t index)
{
    return index < READER_COUNT ? readers[index] : NULL;
}

enum alx_status alx_reader_find(const uint8_t *data, size_t bytes, const struct alx_reader **out)
{
    struct alx_text known = {0};
    for (size_t i = 0; i < READER_COUNT; i++) {
        if (readers[i]->probe(data, bytes)) {
            alx_text_free(&known);
            *out = readers[i];
            return ALX_STATUS_OK;
        }
        alx_text_add(&known, "%s%s", i ? ", " : "", readers[i]->name);
    }
    enum alx_status status =
        alx_fail(ALX_STATUS_MODEL, "offset 0: no known model format (%s) begins like its %zu bytes",
                 alx_text_get(&known), bytes);
    alx_text_free(&known);
    return status;
}

void alx_values_free(struct alx_values **values)
{
    while (*values) {
        struct alx_values *next = (*values)->next;
        free(*values);
        *values = next;
    }
}

void alx_source_files_free(struct alx_source_file **files)
{
    while (*files) {
        struct alx_source_file *next = (*files)->next;
        alx_file_unmap(&(*files)->mapping);
        free((*files)->name);
        free(*files);
        *files = next;
    }
}

void alx_source_free(struct alx_source *source)
{
    for (size_t i = 0; i < source->tensor_count; i++)
        free(source->tensors[i].name);
    free(source->tensors);
    free(source->name);
    alx_provenance_free(&source->provenance);
    alx_net_destroy(&source->net);
    alx_labels_free(&source->labels);
    alx_values_free(&source->values);
    alx_source_files_free(&source->files);
    *source = (struct alx_source){0};
}

enum alx_status alx_source_keep(struct alx_source *source, size_t elems, float **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const size_t most = (size_t)1 << 28;
    struct alx_values *values = NULL;
    if (elems > most - source->value_count)
        return alx_fail(ALX_STATUS_MODEL,
                        "more than %zu values have to be converted; convert the file to F32", most);
    ALX_TRY(
        alx_alloc(1, sizeof *values + elems * sizeof *values->values, "converted values", &values));
    values->next = source->values;
    source->values = values;
    source->value_count += elems;
    *out = values->values;
error:
    return status;
}

enum alx_status alx_source_map(struct alx_source *source, const char *name, struct alx_mapping *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_file *file = source->files;
    while (file && strcmp(file->name, name))
        file = file->next;
    if (!file) {
        ALX_TRY(alx_alloc(1, sizeof *file, "a file", &file));
        file->next = source->files;
        source->files = file; /* which frees it, whatever happens */
        ALX_TRY(alx_copy_string(name, &file->name));
        ALX_TRY(alx_file_map_beside(source->path, name, &file->mapping));
    }
    *out = file->mapping;
error:
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct alx_source_tensor *)a)->name,
                  ((const struct alx_source_tensor *)b)->name);
}

void alx_source_sort(struct alx_source *source)
{
    if (source->tensor_count)
        qsort(source->tensors, source->tensor_count, sizeof *source->tensors, compare_names);
}

void alx_source_insert(struct alx_source *source, const struct alx_source_tensor *tensor)
{
    size_t at = source->tensor_count++;
    for (; at && strcmp(source->tensors[at - 1].name, tensor->name) > 0; at--)
        source->tensors[at] = source->tensors[at - 1];
    source->tensors[at] = *tensor;
}

struct alx_source_tensor *alx_source_find(const struct alx_source *source, const char *name)
{
    size_t low = 0, high = source->tensor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, source->tensors[middle].name);
        if (!order)
            return &source->tensors[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *alx_show(const char *text, char shown[ALX_SHOW_BYTES])
{
    if (!alx_text_copy(shown, ALX_SHOW_BYTES, text))
        memcpy(shown + ALX_SHOW_BYTES - 4, "...", 4);
    alx_text_clean(shown);
    return shown;
}

const char *alx_show_dims(const size_t *dims, size_t count, char shown[ALX_SHOW_BYTES])
{
    struct alx_text text = {0};
    for (size_t i = 0; i < count; i++)
        alx_text_add(&text, "%s%zu", i ? ", " : "", dims[i]);
    snprintf(shown, ALX_SHOW_BYTES, "[%.90s]", alx_text_get(&text));
    alx_text_free(&text);
    return shown;
}
