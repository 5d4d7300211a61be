#include "util/parallel.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "util/memory.h"

static size_t processors(void)
{
#ifdef _WIN32
    return (size_t)pthread_num_processors_np();
#else
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 1;
#endif
}

size_t alx_parallel_workers(size_t count, size_t least)
{
    size_t most = alx_min(processors(), ALX_MAX_WORKERS);
    return alx_max(1, alx_min(most, count / alx_max(1, least)));
}

struct range {
    alx_parallel_fn *work;
    void *context;
    size_t worker, first, count;
};

static void *run_range(void *argument)
{
    const struct range *range = argument;
    range->work(range->context, range->worker, range->first, range->count);
    return NULL;
}

void alx_parallel_run(size_t count, size_t workers, alx_parallel_fn *work, void *context)
{
    struct range ranges[ALX_MAX_WORKERS];
    pthread_t threads[ALX_MAX_WORKERS];
    bool started[ALX_MAX_WORKERS] = {false};
    workers = alx_max(1, alx_min(workers, ALX_MAX_WORKERS));
    for (size_t w = 0; w < workers; w++) {
        size_t first = count * w / workers;
        ranges[w] = (struct range){work, context, w, first, count * (w + 1) / workers - first};
        started[w] = w && !pthread_create(&threads[w], NULL, run_range, &ranges[w]);
    }
    for (size_t w = 0; w < workers; w++)
        if (!started[w])
            run_range(&ranges[w]);
    for (size_t w = 0; w < workers; w++)
        if (started[w])
            pthread_join(threads[w], NULL);
}
