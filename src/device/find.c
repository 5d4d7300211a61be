/*
 * Which device is meant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "device/devices.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"
#include "util/windows.h"

#define NO_OPENCL                                                                                  \
    "install one for the CPU: package pocl-opencl-icd on Debian and Ubuntu, pocl on Fedora and "   \
    "Arch"

/* Lower is better; UNASKED is never taken without being named. */
enum rank { DISCRETE_GPU, INTEGRATED_GPU, CPU, REST, SOFTWARE, UNASKED };

static enum rank rank_of(const struct alx_device_info *info)
{
    if (!info->usable || info->simulator)
        return UNASKED;
    if (info->software)
        return SOFTWARE;
    if (info->type == ALX_DEVICE_GPU)
        return info->unified_memory ? INTEGRATED_GPU : DISCRETE_GPU;
    return info->type == ALX_DEVICE_CPU ? CPU : REST;
}

/* The best device of a type (ALX_DEVICE_CPU, ...) or, with -1, of any; `count` when there is none.
 */
static size_t best(const struct alx_device_info *infos, size_t count, int type)
{
    size_t found = count;
    for (size_t i = 0; i < count; i++) {
        if ((type >= 0 && (int)infos[i].type != type) || rank_of(&infos[i]) == UNASKED)
            continue;
        if (found == count || rank_of(&infos[i]) < rank_of(&infos[found]))
            found = i;
    }
    return found;
}

size_t alx_find_default(const struct alx_device_info *infos, size_t count)
{
    return best(infos, count, -1);
}

/* --- matches --- */

/* How well a device fits what was asked for. */
enum match { NONE, PART, WHOLE };

static enum match match_name(const struct alx_device_info *info, const char *spec)
{
    if (!strcasecmp(info->name, spec))
        return WHOLE;
    return alx_text_contains(info->name, spec) || alx_text_contains(info->platform, spec) ? PART
                                                                                          : NONE;
}

/* Reads digits; a number that does not fit becomes SIZE_MAX, which no device has. */
static const char *read_number(const char *text, size_t *out)
{
    size_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        if (!alx_mul(value, 10, &value) || !alx_add(value, (size_t)(*text - '0'), &value))
            value = SIZE_MAX / 10;
    *out = value;
    return text;
}

/* "3" or "2:1": true when `spec` has this form. `*platform` is 0 in the first. */
static bool read_position(const char *spec, size_t *platform, size_t *device)
{
    const char *end = read_number(spec, device);
    *platform = 0;
    if (end == spec)
        return false;
    if (*end == ':') {
        const char *second = end + 1;
        *platform = *device;
        end = read_number(second, device);
        if (end == second)
            return false;
        *platform = *platform ? *platform : SIZE_MAX; /* numbers start at 1 */
    }
    return !*end;
}

static enum match match_position(const struct alx_device_info *info, size_t platform, size_t device)
{
    if (!platform)
        return info->number == device ? WHOLE : NONE;
    return info->platform_number == platform && info->device_number == device ? WHOLE : NONE;
}

/* --- messages --- */

/* "1 (name), 2 (name)" of those that fit `spec`, or of all with NULL. */
static void add_list(struct alx_text *text, const struct alx_device_info *infos, size_t count,
                     const char *spec, enum match least)
{
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (spec && match_name(&infos[i], spec) < least)
            continue;
        alx_text_add(text, "%s%zu (%s, %s)", separator, infos[i].number, infos[i].name,
                     infos[i].platform);
        separator = ", ";
    }
}

static enum alx_status fail_no_device(const struct alx_device_info *infos, size_t count,
                                      const char *spec, const char *why)
{
    struct alx_text list = {0};
    char wanted[64];
    if (!count)
        return alx_fail(ALX_STATUS_NO_DEVICE, "no OpenCL device: no driver offers one; " NO_OPENCL);
    add_list(&list, infos, count, NULL, NONE);
    alx_text_copy(wanted, sizeof wanted, spec ? spec : "");
    alx_text_clean(wanted);
    enum alx_status status = alx_fail(ALX_STATUS_NO_DEVICE, "device%s%s: %s; there are: %s",
                                      spec ? " " : "", wanted, why, alx_text_get(&list));
    alx_text_free(&list);
    return status;
}

static enum alx_status fail_ambiguous(const struct alx_device_info *infos, size_t count,
                                      const char *spec, enum match least)
{
    struct alx_text list = {0};
    char wanted[64];
    add_list(&list, infos, count, spec, least);
    alx_text_copy(wanted, sizeof wanted, spec);
    alx_text_clean(wanted);
    enum alx_status status =
        alx_fail(ALX_STATUS_USAGE, "device %s: fits several; name one by its number: %s", wanted,
                 alx_text_get(&list));
    alx_text_free(&list);
    return status;
}

/* --- one --- */

static enum alx_status find_named(const struct alx_device_info *infos, size_t count,
                                  const char *spec, size_t *index)
{
    size_t hits[WHOLE + 1] = {0}, last[WHOLE + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        enum match match = match_name(&infos[i], spec);
        hits[match]++;
        last[match] = i;
    }
    enum match level = hits[WHOLE] ? WHOLE : PART; /* a whole name wins over parts of others */
    if (!hits[level])
        return fail_no_device(infos, count, spec, "no name or platform holds this");
    if (hits[level] > 1)
        return fail_ambiguous(infos, count, spec, level);
    *index = last[level];
    return ALX_STATUS_OK;
}

enum alx_status alx_find_one(const struct alx_device_info *infos, size_t count, const char *spec,
                             size_t *index)
{
    static const struct {
        const char *word;
        int type;
    } words[] = {{"cpu", ALX_DEVICE_CPU}, {"gpu", ALX_DEVICE_GPU}};
    size_t found = count, platform, device;
    if (spec && !*spec)
        return alx_fail(ALX_STATUS_USAGE,
                        "device: the name is empty; give a number, a name, cpu or gpu");
    if (!spec) {
        found = alx_find_default(infos, count);
        if (found == count)
            return fail_no_device(infos, count, NULL,
                                  "none can be used unasked; " NO_OPENCL ", or name one");
    }
    for (size_t i = 0; spec && i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(spec, words[i].word)) {
            found = best(infos, count, words[i].type);
            if (found == count)
                return fail_no_device(infos, count, spec, "there is no usable device of this type");
        }
    if (found == count && read_position(spec, &platform, &device)) {
        for (size_t i = 0; i < count; i++)
            if (match_position(&infos[i], platform, device))
                found = i;
        if (found == count)
            return fail_no_device(infos, count, spec, "does not exist");
    }
    if (found == count)
        return find_named(infos, count, spec, index);
    *index = found;
    return ALX_STATUS_OK;
}

/* --- several --- */

/* Appends unless it is there already. */
static void append(size_t index, size_t *indices, size_t capacity, size_t *found)
{
    for (size_t i = 0; i < *found; i++)
        if (indices[i] == index)
            return;
    if (*found < capacity)
        indices[(*found)++] = index;
}

static enum alx_status find_every(const struct alx_device_info *infos, size_t count,
                                  size_t *indices, size_t capacity, size_t *found)
{
    for (size_t i = 0; i < count; i++)
        if (infos[i].usable && !infos[i].simulator)
            append(i, indices, capacity, found);
    return *found ? ALX_STATUS_OK : fail_no_device(infos, count, "all", "none can be used unasked");
}

/* Whether the commas belong to a name, e.g. "llvmpipe (LLVM 15.0.6, 256 bits)". */
static bool is_name(const struct alx_device_info *infos, size_t count, const char *spec)
{
    for (size_t i = 0; i < count; i++)
        if (match_name(&infos[i], spec))
            return true;
    return false;
}

enum alx_status alx_find_all(const struct alx_device_info *infos, size_t count, const char *spec,
                             size_t *indices, size_t capacity, size_t *found)
{
    enum alx_status status = ALX_STATUS_OK;
    char *list = NULL;
    size_t index, written = 0;
    if (spec && !strcasecmp(spec, "all")) {
        ALX_TRY(find_every(infos, count, indices, capacity, &written));
    } else if (!spec || !strchr(spec, ',') || is_name(infos, count, spec)) {
        ALX_TRY(alx_find_one(infos, count, spec, &index));
        append(index, indices, capacity, &written);
    } else {
        ALX_TRY(alx_copy_string(spec, &list));
        char *rest = list, *item;
        while ((item = strsep(&rest, ","))) {
            ALX_TRY(alx_find_one(infos, count, item, &index));
            append(index, indices, capacity, &written);
        }
    }
    *found = written;
error:
    free(list);
    return status;
}
