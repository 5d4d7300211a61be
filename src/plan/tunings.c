#include "plan/tunings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alx_config.h"
#include "device/source.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/sha256.h"
#include "util/text.h"

/* --- the list --- */

/* A changed kernel may want other values, so measurements are good for these sources only. */
static enum alx_status name_maker(char out[32])
{
    enum { HASH_DIGITS = 12 };
    struct alx_text all = {0};
    uint8_t digest[ALX_SHA256_BYTES];
    char hex[ALX_SHA256_HEX_BYTES];
    for (const struct alx_source *s = alx_sources; s->name; s++)
        alx_text_add(&all, "%s\n%s\n", s->name, s->text);
    bool failed = all.failed;
    alx_sha256(alx_text_get(&all), all.bytes, digest);
    alx_sha256_hex(digest, hex);
    snprintf(out, 32, "%.16s %.*s", ALX_VERSION, HASH_DIGITS, hex);
    alx_text_free(&all);
    return failed ? alx_fail(ALX_STATUS_NO_MEMORY, "tunings: no memory for a hash") : ALX_STATUS_OK;
}

enum alx_status alx_tunings_create(alx_tunings **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_tunings *tunings = NULL;
    ALX_TRY(alx_alloc(1, sizeof *tunings, "tunings", &tunings));
    ALX_TRY(name_maker(tunings->made_by));
    *out = tunings;
    tunings = NULL;
error:
    alx_tunings_destroy(&tunings);
    return status;
}

void alx_tunings_destroy(alx_tunings **tunings)
{
    if (!*tunings)
        return;
    free((*tunings)->list);
    free(*tunings);
    *tunings = NULL;
}

static bool same_device(const struct alx_tuning *a, const struct alx_tuning *b)
{
    return !strcmp(a->platform, b->platform) && !strcmp(a->device, b->device) &&
           !strcmp(a->driver, b->driver) && !strcmp(a->made_by, b->made_by);
}

static bool same_key(const struct alx_tuning *a, const struct alx_tuning *b)
{
    return a->batch == b->batch && !strcmp(a->precision, b->precision) &&
           !strcmp(a->layer, b->layer) && same_device(a, b);
}

const struct alx_tuned *alx_tunings_find(const alx_tunings *tunings, const struct alx_tuning *key)
{
    for (size_t i = 0; i < tunings->count; i++)
        if (same_key(&tunings->list[i].shown, key))
            return &tunings->list[i];
    return NULL;
}

enum alx_status alx_tunings_add(alx_tunings *tunings, const struct alx_tuned *tuned)
{
    size_t place = 0;
    while (place < tunings->count && !same_key(&tunings->list[place].shown, &tuned->shown))
        place++;
    if (place == ALX_MAX_TUNINGS)
        return alx_fail(ALX_STATUS_USAGE, "tunings: more than %d; clear some", ALX_MAX_TUNINGS);
    if (place == tunings->capacity) {
        size_t capacity = alx_max(16, 2 * tunings->capacity);
        struct alx_tuned *larger = realloc(tunings->list, capacity * sizeof *larger);
        if (!larger)
            return alx_fail(ALX_STATUS_NO_MEMORY, "tunings: no memory for %zu", capacity);
        tunings->list = larger;
        tunings->capacity = capacity;
    }
    tunings->list[place] = *tuned;
    tunings->count = alx_max(tunings->count, place + 1);
    return ALX_STATUS_OK;
}

enum alx_status alx_tunings_merge(alx_tunings *into, const alx_tunings *from)
{
    enum alx_status status = ALX_STATUS_OK;
    for (size_t i = 0; i < from->count; i++)
        ALX_TRY(alx_tunings_add(into, &from->list[i]));
error:
    return status;
}

enum alx_status alx_tunings_set(alx_tunings *tunings, const struct alx_tuning *key,
                                const struct alx_algorithm *algorithm,
                                const struct alx_params *params, uint64_t ns, uint64_t default_ns)
{
    struct alx_tuned tuned = {.shown = *key, .params = *params};
    tuned.shown.ns = alx_max(1, ns);
    tuned.shown.default_ns = alx_max(1, default_ns);
    alx_text_copy(tuned.shown.algorithm, sizeof tuned.shown.algorithm, algorithm->name);
    alx_params_write(params, tuned.shown.parameters, sizeof tuned.shown.parameters);
    return alx_tunings_add(tunings, &tuned);
}

size_t alx_tunings_count(const alx_tunings *tunings)
{
    return tunings->count;
}

const struct alx_tuning *alx_tunings_get(const alx_tunings *tunings, size_t index)
{
    return &tunings->list[index].shown;
}

bool alx_tunings_is_current(const alx_tunings *tunings, size_t index)
{
    return !strcmp(tunings->list[index].shown.made_by, tunings->made_by);
}

/* --- keys --- */

static void add_window(struct alx_text *text, const struct alx_layer *l)
{
    if (!l->kernel_h)
        return;
    alx_text_add(text, ", %zux%zu / %zux%zu", l->kernel_h, l->kernel_w, l->stride_h, l->stride_w);
    if (l->pad_top || l->pad_left || l->pad_bottom || l->pad_right)
        alx_text_add(text, ", pad %zu %zu %zu %zu", l->pad_top, l->pad_left, l->pad_bottom,
                     l->pad_right);
    if (l->dilation_h > 1 || l->dilation_w > 1)
        alx_text_add(text, ", dilation %zux%zu", l->dilation_h, l->dilation_w);
}

static void describe_layer(const struct alx_problem *p, char *out, size_t out_bytes)
{
    const struct alx_layer_info *info = p->info;
    struct alx_text text = {0};
    alx_text_add(&text, "%s %zux%zux%zu to %zux%zux%zu", alx_layer_kind_name(info->layer.kind),
                 info->in.channels, info->in.height, info->in.width, info->out.channels,
                 info->out.height, info->out.width);
    add_window(&text, &info->layer);
    if (info->layer.groups > 1)
        alx_text_add(&text, ", groups %zu", info->layer.groups);
    if (info->layer.kind == ALX_LAYER_LRN) /* beta: how the power is computed depends on it */
        alx_text_add(&text, ", size %zu, beta %lld e-6", info->layer.lrn_size,
                     (long long)(info->layer.lrn_beta * 1e6));
    if (info->layer.activation == ALX_ACTIVATION_RELU)
        alx_text_add(&text, ", relu");
    if (info->layer.relu_limit > 0)
        alx_text_add(&text, " up to %lld e-6", (long long)(info->layer.relu_limit * 1e6));
    if (p->pool) {
        alx_text_add(&text, ", pool");
        add_window(&text, &p->pool->layer);
    }
    alx_text_copy(out, out_bytes, alx_text_get(&text));
    alx_text_free(&text);
}

static void name_device(const alx_tunings *tunings, const struct alx_device_info *device,
                        struct alx_tuning *key)
{
    alx_text_copy(key->platform, sizeof key->platform, device->platform);
    alx_text_copy(key->driver, sizeof key->driver, device->driver);
    alx_text_copy(key->made_by, sizeof key->made_by, tunings->made_by);
    /* Virtual machines call processors the same that are not. */
    snprintf(key->device, sizeof key->device, "%s, %zu units of %zu floats", device->name,
             device->compute_units, device->vector_floats);
}

void alx_tunings_key(const alx_tunings *tunings, const struct alx_device_info *device,
                     const struct alx_problem *problem, struct alx_tuning *key)
{
    *key = (struct alx_tuning){.batch = problem->batch};
    name_device(tunings, device, key);
    describe_layer(problem, key->layer, sizeof key->layer);
    alx_text_copy(key->precision, sizeof key->precision, alx_precision_name(problem->precision));
}

size_t alx_tunings_count_for(const alx_tunings *tunings, const struct alx_device_info *device)
{
    struct alx_tuning key = {0};
    size_t count = 0;
    name_device(tunings, device, &key);
    for (size_t i = 0; i < tunings->count; i++)
        count += same_device(&tunings->list[i].shown, &key);
    return count;
}
