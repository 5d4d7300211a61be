#include "util/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/memory.h"

void alx_text_add(struct alx_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (text->failed || length < 0) {
        text->failed = true;
        return;
    }
    size_t needed = text->bytes + (size_t)length + 1;
    if (needed > text->capacity) {
        size_t capacity = needed + needed / 2 + 64;
        char *data = realloc(text->data, capacity);
        if (!data) {
            text->failed = true;
            return;
        }
        text->data = data;
        text->capacity = capacity;
    }
    va_start(arguments, format);
    vsnprintf(text->data + text->bytes, text->capacity - text->bytes, format, arguments);
    va_end(arguments);
    text->bytes += (size_t)length;
}

const char *alx_text_get(const struct alx_text *text)
{
    return text->data ? text->data : "";
}

void alx_text_free(struct alx_text *text)
{
    free(text->data);
    *text = (struct alx_text){0};
}

bool alx_text_copy(char *out, size_t out_bytes, const char *text)
{
    size_t length = strlen(text);
    size_t kept = alx_min(length, out_bytes - 1);
    memcpy(out, text, kept);
    out[kept] = 0;
    return kept == length;
}

/* Length of the valid UTF-8 sequence at `s`, 0 if there is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t length = s[0] < 0x80       ? 1
                    : s[0] >> 5 == 6  ? 2
                    : s[0] >> 4 == 14 ? 3
                    : s[0] >> 3 == 30 ? 4
                                      : 0;
    uint32_t code = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!length)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < smallest[length] || surrogate || code > 0x10ffff ? 0 : length;
}

/* What turns the direction of writing, so that a text reads as another one: U+202A to U+202E and
 * U+2066 to U+2069. */
static bool turns_around(const unsigned char *s)
{
    return s[0] == 0xe2 && ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) ||
                            (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void alx_text_clean(char *text)
{
    for (unsigned char *s = (unsigned char *)text; *s;) {
        size_t length = utf8_length(s);
        bool control = *s < 0x20 || *s == 0x7f || (length == 2 && *s == 0xc2 && s[1] < 0xa0);
        if (!length || control || (length == 3 && turns_around(s))) {
            memset(s, '?', length ? length : 1);
            length = length ? length : 1;
        }
        s += length;
    }
}

bool alx_text_contains(const char *text, const char *needle)
{
    size_t length = strlen(needle);
    for (; *text; text++)
        if (!strncasecmp(text, needle, length))
            return true;
    return !length;
}

size_t alx_text_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t row[LONGEST + 1];
    size_t a_length = alx_min(strlen(a), LONGEST), b_length = alx_min(strlen(b), LONGEST);
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = alx_min(substituted, alx_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_length];
}
