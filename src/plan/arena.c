#include <stdint.h>
#include <stdlib.h>

#include "plan/plan.h"
#include "util/memory.h"

static bool alive_together(const struct alx_block *a, const struct alx_block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `block` meets none of those already placed. */
static size_t lowest_offset(const struct alx_block *blocks, const bool *placed, size_t count,
                            const struct alx_block *block, size_t align)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const struct alx_block *other = &blocks[i];
            if (placed[i] && alive_together(block, other) &&
                offset < *other->offset + other->bytes && *other->offset < offset + block->bytes) {
                offset = alx_round_up(*other->offset + other->bytes, align);
                moved = true;
            }
        }
    }
    return offset;
}

size_t alx_arena_place(const struct alx_block *blocks, size_t count, size_t align)
{
    enum { MOST = 8192 };
    bool placed[MOST] = {false};
    size_t end = 0;
    /* Largest first: small blocks fit into the gaps that large ones leave. */
    for (size_t done = 0; done < count && count <= MOST; done++) {
        size_t largest = SIZE_MAX;
        for (size_t i = 0; i < count; i++)
            if (!placed[i] && (largest == SIZE_MAX || blocks[i].bytes > blocks[largest].bytes))
                largest = i;
        const struct alx_block *block = &blocks[largest];
        *block->offset = block->bytes ? lowest_offset(blocks, placed, count, block, align) : 0;
        placed[largest] = block->bytes > 0;
        if (!block->bytes)
            break; /* all that are left are empty, too */
        end = alx_max(end, *block->offset + block->bytes);
    }
    return end;
}
