#include "model/net_json.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/reader.h"
#include "net/shape.h"
#include "util/error.h"
#include "util/json.h"
#include "util/memory.h"
#include "util/text.h"

enum { CONV = 1 << ALX_LAYER_CONV, FC = 1 << ALX_LAYER_FC, LRN = 1 << ALX_LAYER_LRN };
enum { MAX_POOL = 1 << ALX_LAYER_MAX_POOL, AVG_POOL = 1 << ALX_LAYER_AVG_POOL };
enum { POOL = MAX_POOL | AVG_POOL, RELU = 1 << ALX_LAYER_RELU };
enum { DROPOUT = 1 << ALX_LAYER_DROPOUT };

enum field_type { SIZE, SIZES, REAL, FLAG, NEGATED_FLAG, ACTIVATION };

/* A key of a layer: a row says which kinds have it and where its values lie in struct alx_layer. */
#define AT(member) offsetof(struct alx_layer, member)
static const struct field {
    const char *key;
    unsigned kinds;
    enum field_type type;
    bool required;
    size_t count; /* SIZES */
    size_t at[4];
    size_t fallback; /* SIZE, SIZES: what a missing key stands for; a REAL one is 0 */
    double low, high;
} fields[] = {
    {"activation", CONV | FC, ACTIVATION, false, 1, {AT(activation)}, 0, 0, 0},
    {"limit", CONV | FC | RELU, REAL, false, 1, {AT(relu_limit)}, 0, 1e-6, 1e6},
    {"out_channels", CONV | FC, SIZE, true, 1, {AT(out_channels)}, 0, 1, ALX_MAX_DIM},
    {"kernel", CONV | POOL, SIZES, true, 2, {AT(kernel_h), AT(kernel_w)}, 0, 1, 4096},
    {"stride", CONV | POOL, SIZES, false, 2, {AT(stride_h), AT(stride_w)}, 1, 1, 4096},
    {"padding",
     CONV | POOL,
     SIZES,
     false,
     4,
     {AT(pad_top), AT(pad_left), AT(pad_bottom), AT(pad_right)},
     0,
     0,
     4096},
    {"dilation", CONV, SIZES, false, 2, {AT(dilation_h), AT(dilation_w)}, 1, 1, 4096},
    {"groups", CONV | LRN, SIZE, false, 1, {AT(groups)}, 1, 1, ALX_MAX_DIM},
    {"bias", CONV | FC, NEGATED_FLAG, false, 1, {AT(no_bias)}, 0, 0, 0},
    {"ceil_mode", POOL, FLAG, false, 1, {AT(ceil_mode)}, 0, 0, 0},
    {"count_padding", AVG_POOL, FLAG, false, 1, {AT(count_padding)}, 0, 0, 0},
    {"size", LRN, SIZE, true, 1, {AT(lrn_size)}, 0, 1, 255},
    {"alpha", LRN, REAL, true, 1, {AT(lrn_alpha)}, 0, 0, 1e6},
    {"beta", LRN, REAL, true, 1, {AT(lrn_beta)}, 0, 0, 16},
    {"k", LRN, REAL, true, 1, {AT(lrn_k)}, 0, DBL_MIN, 1e6},
    {"ratio", DROPOUT, REAL, true, 1, {AT(dropout)}, 0, 0, 1 - DBL_EPSILON},
};
enum { FIELD_COUNT = sizeof fields / sizeof *fields };

static const char *const activations[] = {
    [ALX_ACTIVATION_NONE] = "none",
    [ALX_ACTIVATION_RELU] = "relu",
};
enum { ACTIVATION_COUNT = sizeof activations / sizeof *activations };

/* Names are printed everywhere, so they must be printable. */
static bool copy_name(const char *text, char out[ALX_NAME_BYTES])
{
    char clean[ALX_NAME_BYTES] = {0};
    if (!text || !*text || !alx_text_copy(clean, sizeof clean, text))
        return false;
    alx_text_clean(clean);
    if (strcmp(text, clean))
        return false;
    memcpy(out, clean, sizeof clean);
    return true;
}

static bool read_size(const json_t *json, double low, double high, size_t *out)
{
    json_int_t value = json_integer_value(json);
    if (!json_is_integer(json) || (double)value < low || (double)value > high)
        return false;
    *out = (size_t)value;
    return true;
}

static bool read_sizes(const struct field *field, const json_t *json, char *layer)
{
    if (!json_is_array(json) || json_array_size(json) != field->count)
        return false;
    for (size_t i = 0; i < field->count; i++) {
        size_t value;
        if (!read_size(json_array_get(json, i), field->low, field->high, &value))
            return false;
        memcpy(layer + field->at[i], &value, sizeof value);
    }
    return true;
}

static bool read_real(const struct field *field, const json_t *json, char *layer)
{
    double value = json_number_value(json);
    if (!json_is_number(json) || !(value >= field->low && value <= field->high))
        return false;
    memcpy(layer + field->at[0], &value, sizeof value);
    return true;
}

static bool read_activation(const json_t *json, enum alx_activation *out)
{
    for (size_t i = 0; json_is_string(json) && i < ACTIVATION_COUNT; i++) {
        if (!strcmp(json_string_value(json), activations[i])) {
            *out = (enum alx_activation)i;
            return true;
        }
    }
    return false;
}

/* False when type or value is wrong. */
static bool read_field(const struct field *field, const json_t *json, struct alx_layer *layer)
{
    char *base = (char *)layer;
    bool flag = json_is_true(json);
    size_t size;
    switch (field->type) {
    case SIZE:
        if (!read_size(json, field->low, field->high, &size))
            return false;
        memcpy(base + field->at[0], &size, sizeof size);
        return true;
    case SIZES:
        return read_sizes(field, json, base);
    case REAL:
        return read_real(field, json, base);
    case FLAG:
    case NEGATED_FLAG:
        flag = field->type == FLAG ? flag : !flag;
        memcpy(base + field->at[0], &flag, sizeof flag);
        return json_is_boolean(json);
    case ACTIVATION:
        return read_activation(json, &layer->activation);
    }
    return false;
}

/* What a field wants, for messages. */
static void describe_field(const struct field *field, char *out, size_t bytes)
{
    switch (field->type) {
    case SIZE:
        snprintf(out, bytes, "a whole number from %.0f to %.0f", field->low, field->high);
        break;
    case SIZES:
        snprintf(out, bytes, "%zu whole numbers from %.0f to %.0f", field->count, field->low,
                 field->high);
        break;
    case REAL:
        snprintf(out, bytes, "a number from %.3g to %.3g", field->low, field->high);
        break;
    case FLAG:
    case NEGATED_FLAG:
        snprintf(out, bytes, "true or false");
        break;
    case ACTIVATION:
        snprintf(out, bytes, "\"none\" or \"relu\"");
        break;
    }
}

static const struct field *find_field(const char *key, enum alx_layer_kind kind)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (!strcmp(key, fields[i].key) && (fields[i].kinds >> kind & 1))
            return &fields[i];
    return NULL;
}

static bool read_kind(const json_t *json, enum alx_layer_kind *out)
{
    for (size_t i = 0; json_is_string(json) && i < ALX_LAYER_KIND_COUNT; i++) {
        if (!strcmp(json_string_value(json), alx_layer_kind_name((enum alx_layer_kind)i))) {
            *out = (enum alx_layer_kind)i;
            return true;
        }
    }
    return false;
}

static enum alx_status read_layer(json_t *json, size_t number, struct alx_layer *out)
{
    struct alx_layer layer = {0};
    char shown[ALX_SHOW_BYTES], wanted[80];
    const char *key;
    json_t *value;
    if (!json_is_object(json) ||
        !copy_name(json_string_value(json_object_get(json, "name")), layer.name))
        return alx_fail(ALX_STATUS_MODEL,
                        "network: layer %zu has no \"name\" of 1 to %d printable bytes", number,
                        ALX_NAME_BYTES - 1);
    if (!read_kind(json_object_get(json, "kind"), &layer.kind))
        return alx_fail(ALX_STATUS_MODEL, "network: layer %s: \"kind\" is missing or unknown",
                        layer.name);
    json_object_foreach(json, key, value)
    {
        const struct field *field = find_field(key, layer.kind);
        if (!strcmp(key, "name") || !strcmp(key, "kind"))
            continue;
        if (!field)
            return alx_fail(ALX_STATUS_MODEL, "network: layer %s: a %s has no key \"%s\"",
                            layer.name, alx_layer_kind_name(layer.kind), alx_show(key, shown));
        if (!read_field(field, value, &layer)) {
            describe_field(field, wanted, sizeof wanted);
            return alx_fail(ALX_STATUS_MODEL, "network: layer %s: \"%s\" must be %s", layer.name,
                            key, wanted);
        }
    }
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if ((fields[i].kinds >> layer.kind & 1) && fields[i].required &&
            !json_object_get(json, fields[i].key))
            return alx_fail(ALX_STATUS_MODEL, "network: layer %s: \"%s\" is missing", layer.name,
                            fields[i].key);
    *out = layer;
    return ALX_STATUS_OK;
}

static enum alx_status read_input(const json_t *json, struct alx_shape *out)
{
    size_t dims[3];
    if (!json_is_array(json) || json_array_size(json) != 3)
        return alx_fail(ALX_STATUS_MODEL, "network: \"input\" must be [C, H, W]");
    for (size_t i = 0; i < 3; i++)
        if (!read_size(json_array_get(json, i), 1, ALX_MAX_DIM, &dims[i]))
            return alx_fail(ALX_STATUS_MODEL,
                            "network: \"input\" must be 3 whole numbers from 1 to %d", ALX_MAX_DIM);
    *out = (struct alx_shape){dims[0], dims[1], dims[2]};
    return ALX_STATUS_OK;
}

static enum alx_status read_net(json_t *root, alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer *layers = NULL;
    struct alx_shape input;
    char name[ALX_NAME_BYTES], shown[ALX_SHOW_BYTES];
    const char *key;
    json_t *value, *rows = json_object_get(root, "layers");
    json_object_foreach(
        root, key,
        value) if (strcmp(key, "name") && strcmp(key, "input") &&
                   strcmp(key, "layers")) return alx_fail(ALX_STATUS_MODEL,
                                                          "network: there is no key \"%s\"",
                                                          alx_show(key, shown));
    if (!copy_name(json_string_value(json_object_get(root, "name")), name))
        return alx_fail(ALX_STATUS_MODEL, "network: no \"name\" of 1 to %d printable bytes",
                        ALX_NAME_BYTES - 1);
    if (!json_is_array(rows))
        return alx_fail(ALX_STATUS_MODEL, "network: \"layers\" must be an array");
    ALX_TRY(read_input(json_object_get(root, "input"), &input));
    ALX_TRY(alx_alloc(json_array_size(rows), sizeof *layers, "the network", &layers));
    for (size_t i = 0; i < json_array_size(rows); i++)
        ALX_TRY(read_layer(json_array_get(rows, i), i + 1, &layers[i]));
    ALX_TRY(alx_net_create(name, input, layers, json_array_size(rows), out));
error:
    free(layers);
    return status;
}

enum alx_status alx_net_from_text(const char *text, alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    char name[ALX_NAME_BYTES];
    json_t *root = NULL;
    if (text[strspn(text, " \t\r\n")] != '{') {
        if (!copy_name(text, name))
            return alx_fail(ALX_STATUS_MODEL, "network: neither a name nor JSON");
        /* A name that a file says wrong is the file's fault, not that of the call. */
        status = alx_net_create_named(name, out);
        return status == ALX_STATUS_USAGE ? ALX_STATUS_MODEL : status;
    }
    ALX_TRY(alx_json_parse("network", ALX_STATUS_MODEL, text, strlen(text), &root));
    ALX_TRY(read_net(root, out));
error:
    json_decref(root);
    return status;
}

/* The field as JSON; NULL when the layer has what a missing key stands for, or on want of memory,
 * which sets `failed`. */
static json_t *write_field(const struct field *field, const struct alx_layer *layer, bool *failed)
{
    const char *base = (const char *)layer;
    size_t sizes[4];
    bool flag, fallback = true;
    double real;
    json_t *json = NULL;
    switch (field->type) {
    case SIZE:
    case SIZES:
        for (size_t i = 0; i < field->count; i++) {
            memcpy(&sizes[i], base + field->at[i], sizeof *sizes);
            fallback = fallback && sizes[i] == field->fallback;
        }
        if (fallback && !field->required)
            return NULL;
        json = field->type == SIZE ? json_integer((json_int_t)sizes[0]) : json_array();
        for (size_t i = 0; i < field->count && field->type == SIZES; i++)
            *failed |= json_array_append_new(json, json_integer((json_int_t)sizes[i])) != 0;
        break;
    case REAL:
        memcpy(&real, base + field->at[0], sizeof real);
        if (real == 0 && !field->required)
            return NULL;
        json = json_real(real);
        break;
    case FLAG:
    case NEGATED_FLAG:
        memcpy(&flag, base + field->at[0], sizeof flag);
        if (!flag)
            return NULL;
        json = json_boolean(field->type == FLAG);
        break;
    case ACTIVATION:
        if (layer->activation == ALX_ACTIVATION_NONE)
            return NULL;
        json = json_string(activations[layer->activation]);
        break;
    }
    *failed |= !json;
    return json;
}

static json_t *write_layer(const struct alx_layer *layer)
{
    json_t *json =
        json_pack("{ss ss}", "name", layer->name, "kind", alx_layer_kind_name(layer->kind));
    bool failed = !json;
    for (size_t i = 0; i < FIELD_COUNT && !failed; i++) {
        if (!(fields[i].kinds >> layer->kind & 1))
            continue;
        json_t *value = write_field(&fields[i], layer, &failed);
        if (value)
            failed |= json_object_set_new(json, fields[i].key, value) != 0;
    }
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* JSON for any network, also a built-in one. */
static enum alx_status write_net(const alx_net *net, char **out)
{
    struct alx_shape input = alx_net_input(net);
    json_t *rows = json_array();
    bool failed = !rows;
    for (size_t i = 0; i < alx_net_layer_count(net) && !failed; i++)
        failed = json_array_append_new(rows, write_layer(&alx_net_layer(net, i)->layer)) != 0;
    json_t *root =
        json_pack("{ss s[III] so}", "name", alx_net_name(net), "input", (json_int_t)input.channels,
                  (json_int_t)input.height, (json_int_t)input.width, "layers", rows);
    char *text = failed || !root ? NULL : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text)
        return alx_fail(ALX_STATUS_NO_MEMORY, "network %s: no memory to write it",
                        alx_net_name(net));
    *out = text;
    return ALX_STATUS_OK;
}

enum alx_status alx_net_to_text(const alx_net *net, char **out)
{
    enum alx_status status = ALX_STATUS_OK;
    char *text = NULL, *builtin_text = NULL;
    alx_net *builtin = NULL;
    ALX_TRY(write_net(net, &text));
    for (size_t i = 0; alx_net_builtin_name(i); i++) {
        if (strcmp(alx_net_builtin_name(i), alx_net_name(net)))
            continue;
        ALX_TRY(alx_net_create_named(alx_net_name(net), &builtin));
        ALX_TRY(write_net(builtin, &builtin_text));
        if (!strcmp(text, builtin_text))
            text[0] = 0;
    }
    if (!text[0]) {
        free(text);
        text = NULL;
        ALX_TRY(alx_copy_string(alx_net_name(net), &text));
    }
    *out = text;
    text = NULL;
error:
    free(text);
    free(builtin_text);
    alx_net_destroy(&builtin);
    return status;
}

static bool is_layer_name(const alx_net *net, const char *name)
{
    for (size_t i = 0; i < alx_net_layer_count(net); i++)
        if (!strcmp(alx_net_layer(net, i)->layer.name, name))
            return true;
    return false;
}

enum alx_status alx_net_with_softmax(const alx_net *net, alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_layer *layers = NULL;
    size_t count = alx_net_layer_count(net);
    ALX_TRY(alx_alloc(count + 1, sizeof *layers, "the network", &layers));
    for (size_t i = 0; i < count; i++)
        layers[i] = alx_net_layer(net, i)->layer;
    if (layers[count - 1].kind != ALX_LAYER_SOFTMAX) {
        struct alx_layer *added = &layers[count++];
        added->kind = ALX_LAYER_SOFTMAX;
        snprintf(added->name, sizeof added->name, "prob");
        for (size_t i = 2; is_layer_name(net, added->name); i++)
            snprintf(added->name, sizeof added->name, "prob%zu", i);
    }
    ALX_TRY(alx_net_create(alx_net_name(net), alx_net_input(net), layers, count, out));
error:
    free(layers);
    return status;
}
