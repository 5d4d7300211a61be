#include "tensor/view.h"

#include <math.h>
#include <string.h>

#include "util/half.h"
#include "util/memory.h"
#include "util/parallel.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "views are little-endian");

/* `exponent`: the bits of the exponent, which NaN and infinity have set; 0: there are none. */
static const struct dtype_row {
    const char *name;
    size_t bytes;
    uint32_t exponent;
} dtypes[ALX_DTYPE_COUNT] = {
    [ALX_DTYPE_F32] = {"F32", 4, 0x7f800000u},
    [ALX_DTYPE_F16] = {"F16", 2, 0x7c00u},
    [ALX_DTYPE_BF16] = {"BF16", 2, 0x7f80u},
    [ALX_DTYPE_I8] = {"I8", 1, 0},
};

const char *alx_dtype_name(enum alx_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t alx_dtype_bytes(enum alx_dtype dtype)
{
    return dtypes[dtype].bytes;
}

void alx_view_read(struct alx_tensor_view view, size_t first, size_t count, float *out)
{
    const uint8_t *bytes = (const uint8_t *)view.data + alx_dtype_bytes(view.dtype) * first;
    if (!count) /* of no values there may be no data */
        return;
    switch (view.dtype) {
    case ALX_DTYPE_F32:
        memcpy(out, bytes, count * sizeof *out);
        return;
    case ALX_DTYPE_F16:
        alx_halves_to_floats(bytes, count, out);
        return;
    case ALX_DTYPE_BF16:
        alx_bfloat16s_to_floats(bytes, count, out);
        return;
    case ALX_DTYPE_I8:
        for (size_t i = 0; i < count; i++)
            out[i] = (int8_t)bytes[i];
        return;
    case ALX_DTYPE_COUNT:
        return;
    }
}

/* The loops over a block have no exit, so that compilers turn them into vector instructions. */
enum { BLOCK = 4096 };

static bool block_is_finite_32(const uint8_t *bytes, size_t count, uint32_t exponent)
{
    uint32_t bits[BLOCK], bad = 0;
    memcpy(bits, bytes, count * sizeof *bits);
    for (size_t i = 0; i < count; i++)
        bad |= (bits[i] & exponent) == exponent;
    return !bad;
}

static bool block_is_finite_16(const uint8_t *bytes, size_t count, uint16_t exponent)
{
    uint16_t bits[BLOCK], bad = 0;
    memcpy(bits, bytes, count * sizeof *bits);
    for (size_t i = 0; i < count; i++)
        bad |= (bits[i] & exponent) == exponent;
    return !bad;
}

static bool block_is_finite(struct alx_tensor_view view, size_t first, size_t count)
{
    const struct dtype_row *row = &dtypes[view.dtype];
    const uint8_t *bytes = (const uint8_t *)view.data + row->bytes * first;
    return row->bytes == 4 ? block_is_finite_32(bytes, count, row->exponent)
                           : block_is_finite_16(bytes, count, (uint16_t)row->exponent);
}

/* The first that is not finite among `count` values from `first` on, or their end. */
static size_t first_not_finite(struct alx_tensor_view view, size_t first, size_t count)
{
    size_t end = first + count;
    for (; first < end; first += BLOCK) {
        size_t index = first;
        if (block_is_finite(view, first, alx_min(BLOCK, end - first)))
            continue;
        while (block_is_finite(view, index, 1))
            index++;
        return index;
    }
    return end;
}

struct search {
    struct alx_tensor_view view;
    size_t found[ALX_MAX_WORKERS];
};

static void search_range(void *context, size_t worker, size_t first, size_t count)
{
    struct search *search = context;
    size_t index = first_not_finite(search->view, first, count);
    search->found[worker] = index < first + count ? index : search->view.elems;
}

size_t alx_view_first_not_finite(struct alx_tensor_view view)
{
    enum { WORTH = 1 << 18 }; /* values for a thread */
    struct search search = {.view = view};
    size_t workers = alx_parallel_workers(view.elems, WORTH), first = view.elems;
    if (!dtypes[view.dtype].exponent)
        return view.elems;
    alx_parallel_run(view.elems, workers, search_range, &search);
    for (size_t w = 0; w < workers; w++)
        first = alx_min(first, search.found[w]);
    return first;
}

struct alx_value_range alx_value_range(struct alx_tensor_view view)
{
    struct alx_value_range range = {INFINITY, -INFINITY};
    float values[BLOCK];
    for (size_t first = 0; first < view.elems; first += BLOCK) {
        size_t count = alx_min(BLOCK, view.elems - first);
        alx_view_read(view, first, count, values);
        for (size_t i = 0; i < count; i++) { /* comparisons with NaN are false */
            range.smallest = values[i] < range.smallest ? values[i] : range.smallest;
            range.largest = values[i] > range.largest ? values[i] : range.largest;
        }
    }
    return range.smallest <= range.largest ? range : (struct alx_value_range){0};
}
