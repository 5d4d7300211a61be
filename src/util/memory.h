/*
 * Allocation and size arithmetic that cannot overflow.
 */
#ifndef ALX_UTIL_MEMORY_H
#define ALX_UTIL_MEMORY_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>

/* `*out` = product or sum, or false and untouched when it does not fit. */
bool alx_mul(size_t a, size_t b, size_t *out);
bool alx_add(size_t a, size_t b, size_t *out);

/* a / b rounded up, and a rounded up to a multiple of b; b > 0. The caller knows that it fits. */
size_t alx_ceil_div(size_t a, size_t b);
size_t alx_round_up(size_t a, size_t b);
size_t alx_min(size_t a, size_t b);
size_t alx_max(size_t a, size_t b);

/* An array of zeroed elements, owned by the caller, never NULL on success even for 0 elements;
 * NO_MEMORY says for what. */
enum alx_status alx_alloc(size_t count, size_t elem_bytes, const char *what, void *out_pointer);

/* Asks for large pages, with which a processor reads large buffers faster, before the memory is
 * first written. A hint: where it cannot be, nothing changes. */
void alx_ask_for_large_pages(void *memory, size_t bytes);

/* A copy of a string, owned by the caller. */
enum alx_status alx_copy_string(const char *text, char **out);

#endif
