#include "util/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "util/error.h"

bool alx_mul(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

bool alx_add(size_t a, size_t b, size_t *out)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

size_t alx_ceil_div(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

size_t alx_round_up(size_t a, size_t b)
{
    return alx_ceil_div(a, b) * b;
}

size_t alx_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t alx_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

enum alx_status alx_alloc(size_t count, size_t elem_bytes, const char *what, void *out_pointer)
{
    void *memory = calloc(count ? count : 1, elem_bytes);
    if (!memory)
        return alx_fail(ALX_STATUS_NO_MEMORY, "%s: no memory for %zu x %zu bytes", what, count,
                        elem_bytes);
    memcpy(out_pointer, &memory, sizeof memory);
    return ALX_STATUS_OK;
}

void alx_ask_for_large_pages(void *memory, size_t bytes)
{
#ifdef __linux__
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (page - (uintptr_t)memory % page) % page;
    if (bytes > before)
        (void)madvise((char *)memory + before, bytes - before, MADV_HUGEPAGE);
#else
    (void)memory, (void)bytes;
#endif
}

enum alx_status alx_copy_string(const char *text, char **out)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t bytes = strlen(text) + 1;
    char *copy = NULL;
    ALX_TRY(alx_alloc(bytes, 1, "a text", &copy));
    memcpy(copy, text, bytes);
    *out = copy;
error:
    return status;
}
