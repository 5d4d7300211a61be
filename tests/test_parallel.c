/* Loops in several threads: every index once, by as many workers as there is work for. */
#include <string.h>

#include "support/test.h"
#include "util/memory.h"
#include "util/parallel.h"

enum { COUNT = 1000 };

struct seen {
    unsigned char times[COUNT]; /* each index belongs to one worker */
    size_t calls[ALX_MAX_WORKERS];
};

static void mark(void *context, size_t worker, size_t first, size_t count)
{
    struct seen *seen = context;
    seen->calls[worker]++;
    for (size_t i = first; i < first + count; i++)
        seen->times[i]++;
}

static void each_index_is_done_once(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 7, 8, 9, COUNT};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t workers = 0; workers <= ALX_MAX_WORKERS + 2; workers++) {
            struct seen seen;
            memset(&seen, 0, sizeof seen);
            alx_parallel_run(counts[c], workers, mark, &seen);
            for (size_t i = 0; i < COUNT; i++)
                assert_int_equal(seen.times[i], i < counts[c]);
            size_t expected = alx_max(1, alx_min(workers, ALX_MAX_WORKERS));
            for (size_t w = 0; w < ALX_MAX_WORKERS; w++)
                assert_int_equal(seen.calls[w], w < expected);
        }
}

static void little_work_has_few_workers(void **state)
{
    (void)state;
    assert_int_equal(alx_parallel_workers(0, 1), 1);
    assert_int_equal(alx_parallel_workers(10, 11), 1);
    assert_int_equal(alx_parallel_workers(10, 10), 1);
    size_t most = alx_parallel_workers(1000000, 0);
    assert_true(most >= 1 && most <= ALX_MAX_WORKERS);
    assert_int_equal(alx_parallel_workers(20, 10), alx_min(most, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_index_is_done_once),
        cmocka_unit_test(little_work_has_few_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
