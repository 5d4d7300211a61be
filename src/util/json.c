#include "util/json.h"

#include "util/error.h"

/* Largest nesting of brackets outside of strings. */
static size_t depth_of(const char *text, size_t bytes)
{
    size_t depth = 0, deepest = 0;
    for (size_t i = 0, in_string = 0; i < bytes; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

enum alx_status alx_json_parse(const char *what, enum alx_status failure, const char *text,
                               size_t bytes, json_t **out)
{
    json_error_t error;
    if (depth_of(text, bytes) > ALX_JSON_MAX_DEPTH)
        return alx_fail(failure, "%s: JSON nested deeper than %d levels", what, ALX_JSON_MAX_DEPTH);
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return alx_fail(failure, "%s: JSON: %s at byte %d", what, error.text, error.position);
    *out = root;
    return ALX_STATUS_OK;
}
