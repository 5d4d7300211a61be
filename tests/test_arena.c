/* The arena: nothing alive at the same time overlaps, everything is aligned, and chains need no
 * more than their largest pair. */
#include <stdlib.h>

#include "plan/plan.h"
#include "support/test.h"
#include "util/memory.h"
#include "util/random.h"

enum { ALIGN = 128, MOST = 40 };

static void check(const struct alx_block *blocks, size_t count, size_t arena)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(*blocks[i].offset % ALIGN, 0);
        assert_true(*blocks[i].offset + blocks[i].bytes <= arena);
        for (size_t j = 0; j < i; j++) {
            int together = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
            int overlap = *blocks[i].offset < *blocks[j].offset + blocks[j].bytes &&
                          *blocks[j].offset < *blocks[i].offset + blocks[i].bytes;
            assert_false(together && overlap);
        }
    }
}

static struct alx_block block(size_t bytes, size_t first, size_t last, size_t *offset)
{
    return (struct alx_block){.bytes = bytes, .first = first, .last = last, .offset = offset};
}

static void random_lifetimes_never_overlap(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 300; round++) {
        struct alx_block blocks[MOST];
        size_t offsets[MOST], count = (size_t)alx_random_int(&random, 1, MOST), arena;
        for (size_t i = 0; i < count; i++) {
            size_t first = (size_t)alx_random_int(&random, 0, 20);
            blocks[i] = block((size_t)alx_random_int(&random, 0, 5000), first,
                              first + (size_t)alx_random_int(&random, 0, 6), &offsets[i]);
        }
        arena = alx_arena_place(blocks, count, ALIGN);
        check(blocks, count, arena);
    }
}

static void a_chain_needs_its_largest_pair(void **state)
{
    (void)state;
    /* AlexNet's maps: tensor i is written in step i - 1 and read in step i. */
    static const size_t bytes[] = {618496, 1161600, 1161600, 279936, 746496, 746496, 173056,
                                   259584, 259584,  173056,  36864,  16384,  16384,  4096};
    enum { COUNT = sizeof bytes / sizeof *bytes };
    struct alx_block blocks[COUNT];
    size_t offsets[COUNT], largest = 0;
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = block(bytes[i], i ? i - 1 : 0, i, &offsets[i]);
        if (i)
            largest = alx_max(largest, alx_round_up(bytes[i - 1], ALIGN) + bytes[i]);
    }
    size_t arena = alx_arena_place(blocks, COUNT, ALIGN);
    check(blocks, COUNT, arena);
    assert_true(arena <= largest + largest / 20);
}

static void the_longest_network_is_placed(void **state)
{
    (void)state;
    enum { COUNT = 2 * 4096 + 1, BYTES = 100 };
    static struct alx_block blocks[COUNT];
    static size_t offsets[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        blocks[i] = block(BYTES, i, i + 1, &offsets[i]);
    size_t arena = alx_arena_place(blocks, COUNT, ALIGN);
    check(blocks, COUNT, arena);
    assert_int_equal(arena, ALIGN + BYTES);
}

static void empty_blocks_take_nothing(void **state)
{
    (void)state;
    size_t offset = 99;
    struct alx_block empty = block(0, 0, 5, &offset);
    assert_int_equal(alx_arena_place(&empty, 1, ALIGN), 0);
    assert_int_equal(alx_arena_place(NULL, 0, ALIGN), 0);
    assert_int_equal(offset, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lifetimes_never_overlap),
        cmocka_unit_test(a_chain_needs_its_largest_pair),
        cmocka_unit_test(the_longest_network_is_placed),
        cmocka_unit_test(empty_blocks_take_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
