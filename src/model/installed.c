#include "model/installed.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alx_config.h"
#include "model/reader.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"
#include "util/windows.h"

#define DEFAULT_MODEL "fashion-alexnet"

struct found {
    char *name, *path;
};
/* What was found so far, in the order of finding; names are unique. */
struct found_list {
    struct found *items;
    size_t count, capacity;
};

static void free_list(struct found_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].path);
    }
    free(list->items);
}

static bool is_file(const char *path)
{
    struct stat info;
    return !stat(path, &info) && !S_ISDIR(info.st_mode);
}

/* Length of the name without a model file's suffix; 0 when it has none. */
static size_t stem_length(const char *file)
{
    size_t length = strlen(file);
    const struct alx_reader *reader;
    for (size_t i = 0; (reader = alx_reader_row(i)); i++) {
        size_t suffix = strlen(reader->suffix);
        if (length > suffix && !strcmp(file + length - suffix, reader->suffix))
            return length - suffix;
    }
    return 0;
}

/* Adds a file of a folder unless it is no model or an earlier folder has one of that name. */
static enum alx_status add_file(struct found_list *list, const char *folder, const char *file)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_text path = {0};
    size_t length = stem_length(file);
    alx_text_add(&path, "%s/%s", folder, file);
    if (!length || !is_file(alx_text_get(&path)))
        goto error;
    for (size_t i = 0; i < list->count; i++)
        if (!strncmp(list->items[i].name, file, length) && !list->items[i].name[length])
            goto error;
    if (list->count == list->capacity) {
        size_t capacity = 2 * list->capacity + 8;
        struct found *items = NULL;
        ALX_TRY(alx_alloc(capacity, sizeof *items, "the models", &items));
        for (size_t i = 0; i < list->count; i++)
            items[i] = list->items[i];
        free(list->items);
        list->items = items;
        list->capacity = capacity;
    }
    struct found *item = &list->items[list->count];
    ALX_TRY(alx_copy_string(file, &item->name));
    item->name[length] = 0;
    list->count++;
    ALX_TRY(alx_copy_string(alx_text_get(&path), &item->path));
error:
    alx_text_free(&path);
    return status;
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A folder that is not there or cannot be read holds no models. */
static enum alx_status add_folder(struct found_list *list, const char *folder)
{
    enum alx_status status = ALX_STATUS_OK;
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, compare_entries);
    for (int i = 0; i < count; i++) {
        if (status == ALX_STATUS_OK)
            status = add_file(list, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static enum alx_status find_all(struct found_list *list)
{
    enum alx_status status = ALX_STATUS_OK;
    const char *variable = getenv("ALEXNET_CL_MODELS");
    char *folders = NULL, *rest, *folder;
    ALX_TRY(alx_copy_string(variable ? variable : "", &folders));
    for (rest = folders; (folder = strsep(&rest, ":"));)
        if (*folder)
            ALX_TRY(add_folder(list, folder));
    ALX_TRY(add_folder(list, ALX_WEIGHTS_INSTALL_DIR));
    ALX_TRY(add_folder(list, ALX_WEIGHTS_SOURCE_DIR));
error:
    free(folders);
    return status;
}

static enum alx_status not_found(const char *name, const struct found_list *list)
{
    struct alx_text names = {0};
    const char *nearest = NULL;
    char shown[ALX_SHOW_BYTES];
    alx_show(name, shown);
    for (size_t i = 0; i < list->count; i++) {
        const char *candidate = list->items[i].name;
        if (!nearest || alx_text_distance(name, candidate) < alx_text_distance(name, nearest))
            nearest = candidate;
        alx_text_add(&names, "%s%s", i ? ", " : "", candidate);
    }
    enum alx_status status =
        nearest ? alx_fail(ALX_STATUS_FILE_NOT_FOUND,
                           "%s: neither a file nor an installed model; did you mean %s? There are: "
                           "%s",
                           shown, nearest, alx_text_get(&names))
                : alx_fail(ALX_STATUS_FILE_NOT_FOUND,
                           "%s: neither a file nor an installed model; there are none in "
                           "$ALEXNET_CL_MODELS, %s, %s",
                           shown, ALX_WEIGHTS_INSTALL_DIR, ALX_WEIGHTS_SOURCE_DIR);
    alx_text_free(&names);
    return status;
}

enum alx_status alx_installed_find(const char *path_or_name, char **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const char *name = path_or_name ? path_or_name : DEFAULT_MODEL;
    struct found_list list = {0};
    if (path_or_name && (strchr(name, '/') || is_file(name)))
        return alx_copy_string(name, out);
    ALX_TRY(find_all(&list));
    for (size_t i = 0; i < list.count; i++) {
        if (!strcmp(list.items[i].name, name)) {
            ALX_TRY(alx_copy_string(list.items[i].path, out));
            goto error;
        }
    }
    status = not_found(name, &list);
error:
    free_list(&list);
    return status;
}

enum alx_status alx_model_list(bool (*found)(void *user, const char *name, const char *path),
                               void *user)
{
    enum alx_status status = ALX_STATUS_OK;
    struct found_list list = {0};
    ALX_TRY(find_all(&list));
    for (size_t i = 0; i < list.count; i++)
        if (!found(user, list.items[i].name, list.items[i].path))
            break;
error:
    free_list(&list);
    return status;
}
