#include <stdint.h>
#include <stdlib.h>

#include "plan/plan.h"
#include "util/memory.h"

static bool alive_together(const struct alx_block *a, const struct alx_block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which `block` meets none of those already placed. */
static size_t lowest_offset(const struct alx_block *blocks, size_t count,
                            const struct alx_block *block, size_t align)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const struct alx_block *other = &blocks[i];
            if (other->placed && alive_together(block, other) &&
                offset < *other->offset + other->bytes && *other->offset < offset + block->bytes) {
                offset = alx_round_up(*other->offset + other->bytes, align);
                moved = true;
            }
        }
    }
    return offset;
}

/* The largest block that is not placed; NULL when all that are left are empty. */
static struct alx_block *largest_left(struct alx_block *blocks, size_t count)
{
    struct alx_block *largest = NULL;
    for (size_t i = 0; i < count; i++)
        if (!blocks[i].placed && blocks[i].bytes && (!largest || blocks[i].bytes > largest->bytes))
            largest = &blocks[i];
    return largest;
}

size_t alx_arena_place(struct alx_block *blocks, size_t count, size_t align)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        blocks[i].placed = false;
        *blocks[i].offset = 0;
    }
    /* Largest first: small blocks fit into the gaps that large ones leave. */
    struct alx_block *block;
    while ((block = largest_left(blocks, count))) {
        *block->offset = lowest_offset(blocks, count, block, align);
        block->placed = true;
        end = alx_max(end, *block->offset + block->bytes);
    }
    return end;
}
