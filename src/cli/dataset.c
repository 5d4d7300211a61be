#include "cli/dataset.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/message.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"
#include "util/windows.h"

/* --- class folders --- */

/* Whether two names are the same but for case and punctuation: T-shirt/top and t_shirt top. Only
 * the first `length` bytes of `label` count. */
static bool same_name(const char *name, const char *label, size_t length)
{
    const char *end = label + length;
    for (;;) {
        while (*name && !isalnum((unsigned char)*name) && (unsigned char)*name < 0x80)
            name++;
        while (label < end && !isalnum((unsigned char)*label) && (unsigned char)*label < 0x80)
            label++;
        if (!*name || label == end)
            return !*name && label == end;
        if (tolower((unsigned char)*name++) != tolower((unsigned char)*label++))
            return false;
    }
}

/* The class that a folder's name stands for: a label or an id, else a label's first word (as in
 * "n01440764 tench"), else a number. */
static enum alx_status find_class(const alx_model *model, const char *path, const char *name,
                                  size_t *out)
{
    size_t classes = alx_model_class_count(model), matches = 0, found = 0;
    char *end;
    for (size_t i = 0; i < classes; i++) {
        const char *label = alx_model_label(model, i);
        if (same_name(name, label, strlen(label)) || !strcmp(name, alx_model_class_id(model, i))) {
            *out = i;
            return ALX_STATUS_OK;
        }
        if (same_name(name, label, strcspn(label, " ,"))) {
            found = i;
            matches++;
        }
    }
    if (matches == 1) {
        *out = found;
        return ALX_STATUS_OK;
    }
    unsigned long number = strtoul(name, &end, 10);
    if (isdigit((unsigned char)*name) && !*end && number < classes) {
        *out = number;
        return ALX_STATUS_OK;
    }
    return alx_fail(ALX_STATUS_USAGE,
                    "%s/%s: is no label of %s and no class number up to %zu; rename or remove it",
                    path, name, alx_model_name(model), classes - 1);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Calls `found` for each name in a folder that is not hidden, sorted. */
static enum alx_status
each_entry(const char *path,
           enum alx_status (*found)(void *user, const char *path, const char *name), void *user)
{
    enum alx_status status = ALX_STATUS_OK;
    struct dirent **entries;
    int count = scandir(path, &entries, visible, alphasort);
    if (count < 0)
        return alx_fail(errno == ENOENT ? ALX_STATUS_FILE_NOT_FOUND : ALX_STATUS_FILE_UNREADABLE,
                        "%s: %s; eval needs a folder of class folders, or two IDX files", path,
                        strerror(errno));
    for (int i = 0; i < count; i++) {
        if (status == ALX_STATUS_OK)
            status = found(user, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static char *join(const char *path, const char *name)
{
    size_t bytes = strlen(path) + strlen(name) + 2;
    char *joined = cli_alloc(bytes, 1, "a path");
    snprintf(joined, bytes, "%s/%s", path, name);
    return joined;
}

struct folder {
    struct cli_dataset *dataset;
    const alx_model *model;
    size_t class_index;
};

static enum alx_status add_file(void *user, const char *path, const char *name)
{
    struct folder *folder = user;
    struct cli_dataset *dataset = folder->dataset;
    if (dataset->count == dataset->capacity) {
        size_t capacity = dataset->capacity ? 2 * dataset->capacity : 1024;
        struct cli_sample *samples = cli_alloc(capacity, sizeof *samples, "the images");
        for (size_t i = 0; i < dataset->count; i++)
            samples[i] = dataset->samples[i];
        free(dataset->samples);
        dataset->samples = samples;
        dataset->capacity = capacity;
    }
    dataset->samples[dataset->count++] = (struct cli_sample){join(path, name), folder->class_index};
    return ALX_STATUS_OK;
}

static enum alx_status add_class(void *user, const char *path, const char *name)
{
    enum alx_status status = ALX_STATUS_OK;
    struct folder *folder = user;
    char *inner = join(path, name);
    struct stat info;
    if (!stat(inner, &info) && !S_ISDIR(info.st_mode))
        goto error; /* a README beside the classes */
    ALX_TRY(find_class(folder->model, path, name, &folder->class_index));
    ALX_TRY(each_entry(inner, add_file, folder));
error:
    free(inner);
    return status;
}

enum alx_status cli_dataset_open_folder(struct cli_dataset *dataset, const char *path,
                                        const alx_model *model)
{
    enum alx_status status = ALX_STATUS_OK;
    struct folder folder = {dataset, model, 0};
    ALX_TRY(each_entry(path, add_class, &folder));
    if (!dataset->count)
        status =
            alx_fail(ALX_STATUS_FILE_NOT_FOUND,
                     "%s: holds no class folder with images; it needs %s/LABEL/IMAGE", path, path);
error:
    return status;
}

/* --- IDX files --- */

/* Big-endian words of 4 bytes: 0, 0, type, dimensions; then their sizes. */
static enum alx_status read_head(gzFile file, const char *path, size_t dimensions, size_t *sizes)
{
    enum { UNSIGNED_BYTES = 8, LARGEST = 1 << 30 };
    uint8_t head[16];
    int bytes = 4 + 4 * (int)dimensions;
    if (gzread(file, head, (unsigned)bytes) != bytes || head[0] || head[1] ||
        head[2] != UNSIGNED_BYTES || head[3] != dimensions)
        return alx_fail(ALX_STATUS_FILE_UNREADABLE,
                        "%s: is no IDX file of %s; eval takes IMAGES LABELS in this order", path,
                        dimensions == 1 ? "labels (type 8, 1 dimension)"
                                        : "grey images (type 8, 3 dimensions)");
    for (size_t i = 0; i < dimensions; i++) {
        const uint8_t *b = head + 4 + 4 * i;
        sizes[i] = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        if (!sizes[i] || sizes[i] > LARGEST)
            return alx_fail(ALX_STATUS_FILE_UNREADABLE,
                            "%s: a size of %zu in its head; it is damaged", path, sizes[i]);
    }
    return ALX_STATUS_OK;
}

static enum alx_status open_gz(const char *path, gzFile *out)
{
    gzFile file = gzopen(path, "rbe");
    if (!file)
        return alx_fail(errno == ENOENT ? ALX_STATUS_FILE_NOT_FOUND : ALX_STATUS_FILE_UNREADABLE,
                        "%s: %s", path, errno ? strerror(errno) : "no memory");
    *out = file;
    return ALX_STATUS_OK;
}

static enum alx_status read_labels(struct cli_dataset *dataset, const char *path,
                                   const alx_model *model)
{
    enum alx_status status = ALX_STATUS_OK;
    gzFile file = NULL;
    size_t count = 0, classes = alx_model_class_count(model);
    ALX_TRY(open_gz(path, &file));
    ALX_TRY(read_head(file, path, 1, &count));
    if (count != dataset->count) {
        status = alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: has %zu labels for %zu images", path,
                          count, dataset->count);
        goto error;
    }
    dataset->labels = cli_alloc(count, 1, "the labels");
    if (gzread(file, dataset->labels, (unsigned)count) != (int)count) {
        status = alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: ends early; it is damaged", path);
        goto error;
    }
    for (size_t i = 0; i < count; i++)
        if (dataset->labels[i] >= classes) {
            status = alx_fail(ALX_STATUS_MODEL,
                              "%s: label %d of image %zu, but %s has %zu classes; use a model for "
                              "these labels",
                              path, dataset->labels[i], i, alx_model_name(model), classes);
            goto error;
        }
error:
    if (file)
        gzclose(file);
    return status;
}

enum alx_status cli_dataset_open_idx(struct cli_dataset *dataset, const char *images,
                                     const char *labels, const alx_model *model)
{
    enum alx_status status = ALX_STATUS_OK;
    enum { LONGEST_SIDE = 10000 };
    size_t sizes[3];
    dataset->name = images;
    ALX_TRY(open_gz(images, &dataset->images));
    ALX_TRY(read_head(dataset->images, images, 3, sizes));
    if (sizes[1] > LONGEST_SIDE || sizes[2] > LONGEST_SIDE) {
        status = alx_fail(ALX_STATUS_IMAGE_TOO_LARGE, "%s: images of %zux%zu are too large", images,
                          sizes[1], sizes[2]);
        goto error;
    }
    dataset->count = sizes[0];
    dataset->height = sizes[1];
    dataset->width = sizes[2];
    dataset->pixels = cli_alloc(sizes[1], sizes[2], "an image");
    ALX_TRY(read_labels(dataset, labels, model));
error:
    return status;
}

/* --- reading --- */

void cli_dataset_name(const struct cli_dataset *dataset, size_t index, char *out, size_t out_bytes)
{
    if (dataset->samples)
        alx_text_copy(out, out_bytes, dataset->samples[index].path);
    else
        snprintf(out, out_bytes, "%s: image %zu", dataset->name, index);
}

static enum alx_status put_idx(struct cli_dataset *dataset, size_t index, struct cli_engine *engine,
                               size_t slot)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t pixels = dataset->height * dataset->width;
    struct alx_image image = {.width = dataset->width, .height = dataset->height};
    char what[PATH_MAX];
    if (gzread(dataset->images, dataset->pixels, (unsigned)pixels) != (int)pixels) {
        dataset->next = dataset->count;
        return alx_fail(ALX_STATUS_FILE_UNREADABLE,
                        "%s: ends early, in image %zu of %zu; it is damaged", dataset->name, index,
                        dataset->count);
    }
    cli_dataset_name(dataset, index, what, sizeof what);
    ALX_TRY(alx_alloc(pixels, 3, "an image", &image.rgb));
    for (size_t i = 0; i < 3 * pixels; i++)
        image.rgb[i] = dataset->pixels[i / 3];
    ALX_TRY(cli_engine_put(engine, what, &image, slot));
error:
    alx_image_free(&image);
    return status;
}

enum alx_status cli_dataset_put(struct cli_dataset *dataset, struct cli_engine *engine, size_t slot,
                                size_t *class_index)
{
    size_t index = dataset->next++;
    if (dataset->samples) {
        *class_index = dataset->samples[index].class_index;
        return cli_engine_put_file(engine, dataset->samples[index].path, slot);
    }
    *class_index = dataset->labels[index];
    return put_idx(dataset, index, engine, slot);
}

void cli_dataset_close(struct cli_dataset *dataset)
{
    for (size_t i = 0; dataset->samples && i < dataset->count; i++)
        free(dataset->samples[i].path);
    free(dataset->samples);
    free(dataset->labels);
    free(dataset->pixels);
    if (dataset->images)
        gzclose(dataset->images);
    *dataset = (struct cli_dataset){0};
}
