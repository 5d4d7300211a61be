#include "cli/schema.h"

#ifndef _WIN32
#include <regex.h>
#endif
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/embedded.h"
#include "util/text.h"

/* Where in the document a value stands: in the member `key`, or the item `index`, of what is
 * around it. */
struct place {
    const struct place *around;
    const char *key;
    size_t index;
};

struct checker {
    const json_t *definitions;
    char *wrong;
    size_t wrong_bytes;
};

const char *cli_embedded(const char *name)
{
    const struct cli_embedded *file = cli_embedded_files;
    while (strcmp(file->name, name))
        file++;
    return file->text;
}

static void add_place(struct alx_text *text, const struct place *place)
{
    if (!place->around)
        return;
    add_place(text, place->around);
    if (place->key)
        alx_text_add(text, "%s%s", text->bytes ? "." : "", place->key);
    else
        alx_text_add(text, "[%zu]", place->index);
}

static bool refuse(struct checker *checker, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct checker *checker, const struct place *place, const char *format, ...)
{
    char why[256];
    struct alx_text where = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    add_place(&where, place);
    snprintf(checker->wrong, checker->wrong_bytes, "%s %s",
             where.bytes ? alx_text_get(&where) : "the document", why);
    alx_text_free(&where);
    return false;
}

/* --- the keywords --- */

static const struct {
    const char *name;
    json_type types[2];
} type_names[] = {
    {"object", {JSON_OBJECT, JSON_OBJECT}},    {"array", {JSON_ARRAY, JSON_ARRAY}},
    {"string", {JSON_STRING, JSON_STRING}},    {"boolean", {JSON_TRUE, JSON_FALSE}},
    {"integer", {JSON_INTEGER, JSON_INTEGER}}, {"number", {JSON_INTEGER, JSON_REAL}},
    {"null", {JSON_NULL, JSON_NULL}},
};

static bool is_named(const json_t *value, const char *name)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (!strcmp(name, type_names[i].name))
            return json_typeof(value) == type_names[i].types[0] ||
                   json_typeof(value) == type_names[i].types[1];
    return false;
}

/* `type` is a name or a list of names. */
static bool type_fits(const json_t *value, const json_t *type)
{
    if (!type || json_is_string(type))
        return !type || is_named(value, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        if (is_named(value, json_string_value(json_array_get(type, i))))
            return true;
    return false;
}

static bool pattern_fits(const char *text, const char *pattern)
{
#ifdef _WIN32 /* it has none: a text is right whatever it holds */
    (void)text, (void)pattern;
    return true;
#else
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB))
        return false;
    bool fits = !regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    return fits;
#endif
}

static bool scalar_fits(struct checker *checker, const json_t *value, const json_t *schema,
                        const struct place *place)
{
    const json_t *constant = json_object_get(schema, "const");
    const json_t *choices = json_object_get(schema, "enum");
    const json_t *least = json_object_get(schema, "minimum");
    const json_t *pattern = json_object_get(schema, "pattern");
    bool known = !choices;
    for (size_t i = 0; i < json_array_size(choices); i++)
        known = known || json_equal(value, json_array_get(choices, i));
    if (!known || (constant && !json_equal(value, constant)))
        return refuse(checker, place, "has a value that is not known");
    if (!type_fits(value, json_object_get(schema, "type")))
        return refuse(checker, place, "is of the wrong type");
    if (least && json_is_number(value) && json_number_value(value) < json_number_value(least))
        return refuse(checker, place, "is below %g", json_number_value(least));
    if (pattern && json_is_string(value) &&
        !pattern_fits(json_string_value(value), json_string_value(pattern)))
        return refuse(checker, place, "is not of the form %s", json_string_value(pattern));
    return true;
}

static bool fits(struct checker *checker, const json_t *value, const json_t *schema,
                 const struct place *place);

static bool items_fit(struct checker *checker, const json_t *array, const json_t *schema,
                      const struct place *place)
{
    const json_t *least = json_object_get(schema, "minItems");
    const json_t *most = json_object_get(schema, "maxItems");
    size_t count = json_array_size(array);
    if ((least && count < (size_t)json_integer_value(least)) ||
        (most && count > (size_t)json_integer_value(most)))
        return refuse(checker, place, "has %zu items", count);
    for (size_t i = 0; i < count; i++) {
        const struct place item = {place, NULL, i};
        if (!fits(checker, json_array_get(array, i), json_object_get(schema, "items"), &item))
            return false;
    }
    return true;
}

static bool members_fit(struct checker *checker, const json_t *object, const json_t *schema,
                        const struct place *place)
{
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *member;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(object, json_string_value(json_array_get(required, i))))
            return refuse(checker, place, "lacks %s",
                          json_string_value(json_array_get(required, i)));
    json_object_foreach(json_object_get(schema, "properties"), key, member)
    {
        const struct place at = {place, key, 0};
        const json_t *value = json_object_get(object, key);
        if (value && !fits(checker, value, member, &at))
            return false;
    }
    return true;
}

/* What is said of a value that no option fits is what the first one says. */
static bool any_fits(struct checker *checker, const json_t *value, const json_t *options,
                     const struct place *place)
{
    for (size_t i = json_array_size(options); i-- > 0;)
        if (fits(checker, value, json_array_get(options, i), place))
            return true;
    return false;
}

static bool fits(struct checker *checker, const json_t *value, const json_t *schema,
                 const struct place *place)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    const json_t *options = json_object_get(schema, "anyOf");
    if (reference)
        schema = json_object_get(checker->definitions, strrchr(reference, '/') + 1);
    if (options)
        return any_fits(checker, value, options, place);
    return scalar_fits(checker, value, schema, place) &&
           (!json_is_array(value) || items_fit(checker, value, schema, place)) &&
           (!json_is_object(value) || members_fit(checker, value, schema, place));
}

bool cli_schema_fits(const json_t *value, const char *definition, char *wrong, size_t wrong_bytes)
{
    json_t *schema = json_loads(cli_embedded("alexnet-cl.schema.json"), 0, NULL);
    const json_t *definitions = json_object_get(schema, "$defs");
    struct checker checker = {definitions, wrong, wrong_bytes};
    const struct place whole = {NULL, NULL, 0};
    bool fitting = fits(&checker, value, json_object_get(definitions, definition), &whole);
    json_decref(schema);
    return fitting;
}
