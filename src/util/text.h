/*
 * A text that grows, for build options and messages, and small things on texts.
 */
#ifndef ALX_UTIL_TEXT_H
#define ALX_UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. `data` is owned and NULL while empty; after a failed allocation `failed` stays
 * set and further additions do nothing, so that it is checked once, at the end. */
struct alx_text {
    char *data;
    size_t bytes, capacity;
    bool failed;
};

void alx_text_add(struct alx_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The text so far, "" when empty; borrowed. */
const char *alx_text_get(const struct alx_text *text);
void alx_text_free(struct alx_text *text);

/* Copies what fits and ends with a NUL; true when all of it fitted. */
bool alx_text_copy(char *out, size_t out_bytes, const char *text);
/* Replaces control characters, those that turn the direction of writing, and invalid UTF-8 by '?',
 * so that text from outside cannot move a terminal's cursor or pass for another text. */
void alx_text_clean(char *text);
/* True when `needle` stands in `text`, in any case. */
bool alx_text_contains(const char *text, const char *needle);
/* The Levenshtein distance of two short words (up to 63 bytes), for "did you mean". */
size_t alx_text_distance(const char *a, const char *b);

#endif
