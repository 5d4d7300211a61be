#include "util/json.h"

#include "util/error.h"
#include "util/text.h"

/* Counted outside of strings. */
struct extent {
    size_t depth;  /* largest nesting of brackets */
    size_t values; /* not fewer than there are */
};

static struct extent extent_of(const char *text, size_t bytes)
{
    struct extent extent = {0, 1};
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < bytes; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            extent.values++;
            depth++;
            extent.depth = depth > extent.depth ? depth : extent.depth;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        } else if (c == ',') {
            extent.values++;
        }
    }
    return extent;
}

enum alx_status alx_json_parse(const char *what, enum alx_status failure, const char *text,
                               size_t bytes, json_t **out)
{
    json_error_t error;
    struct extent extent = extent_of(text, bytes);
    if (extent.depth > ALX_JSON_MAX_DEPTH)
        return alx_fail(failure, "%s: JSON nested deeper than %d levels", what, ALX_JSON_MAX_DEPTH);
    if (extent.values > ALX_JSON_MAX_VALUES)
        return alx_fail(failure, "%s: JSON of more than %d values", what, ALX_JSON_MAX_VALUES);
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!root && !error.text[0])
        return alx_fail(ALX_STATUS_NO_MEMORY, "%s: no memory to parse it", what);
    if (!root) {
        alx_text_clean(error.text); /* it quotes the input */
        return alx_fail(failure, "%s: JSON: %s at byte %d", what, error.text, error.position);
    }
    *out = root;
    return ALX_STATUS_OK;
}
