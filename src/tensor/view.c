#include "tensor/view.h"

#include <string.h>

#include "util/half.h"
#include "util/memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "views are little-endian");

size_t alx_dtype_bytes(enum alx_dtype dtype)
{
    return dtype == ALX_DTYPE_F32 ? 4 : 2;
}

void alx_view_read(struct alx_tensor_view view, size_t first, size_t count, float *out)
{
    const uint8_t *bytes = (const uint8_t *)view.data + alx_dtype_bytes(view.dtype) * first;
    if (!count) /* of no values there may be no data */
        return;
    if (view.dtype == ALX_DTYPE_F32) {
        memcpy(out, bytes, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, bytes + 2 * i, sizeof bits);
        out[i] =
            view.dtype == ALX_DTYPE_F16 ? alx_half_to_float(bits) : alx_bfloat16_to_float(bits);
    }
}

/* NaN and infinity have all bits of the exponent set. The loops over a block have no exit, so that
 * compilers turn them into vector instructions. */
enum { BLOCK = 4096 };

static bool block_is_finite_32(const uint8_t *bytes, size_t count)
{
    uint32_t bits[BLOCK], bad = 0;
    memcpy(bits, bytes, count * sizeof *bits);
    for (size_t i = 0; i < count; i++)
        bad |= (bits[i] & 0x7f800000u) == 0x7f800000u;
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
    const uint8_t *bytes = (const uint8_t *)view.data + alx_dtype_bytes(view.dtype) * first;
    if (view.dtype == ALX_DTYPE_F32)
        return block_is_finite_32(bytes, count);
    return block_is_finite_16(bytes, count, view.dtype == ALX_DTYPE_F16 ? 0x7c00 : 0x7f80);
}

size_t alx_view_first_not_finite(struct alx_tensor_view view)
{
    for (size_t first = 0; first < view.elems; first += BLOCK) {
        size_t count = alx_min(BLOCK, view.elems - first), index = first;
        if (block_is_finite(view, first, count))
            continue;
        while (block_is_finite(view, index, 1))
            index++;
        return index;
    }
    return view.elems;
}
