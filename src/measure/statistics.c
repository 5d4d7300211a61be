#include <alexnet_cl/measure.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two samples around the place, `part` of the way through all. */
static double percentile(const double *sorted, size_t count, double part)
{
    double place = part * (double)(count - 1);
    size_t below = (size_t)place, above = alx_min(below + 1, count - 1);
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

/* How many samples are left out at each end so that the median of all lies between the rest with a
 * probability of 95 %: the number of samples below it is binomial with p = 1/2 (David and Nagaraja,
 * Order Statistics, 7.1). SIZE_MAX when there are too few. */
static size_t left_out(size_t count)
{
    enum { EXACT = 1000 }; /* above, 2^-count would become 0 */
    const double tail = 0.025;
    double n = (double)count;
    if (count > EXACT)
        return (size_t)((n - 1.959964 * sqrt(n)) / 2);
    double probability = ldexp(1, -(int)count), sum = probability;
    size_t rank = 0; /* sum is the probability of at most `rank` samples below the median */
    if (sum > tail)
        return SIZE_MAX;
    for (;; rank++) {
        probability *= (n - (double)rank) / (double)(rank + 1);
        if (sum + probability > tail)
            return rank;
        sum += probability;
    }
}

enum alx_status alx_statistics_of(const double *samples, size_t count, struct alx_statistics *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics s = {0, NAN, NAN, NAN, NAN, NAN};
    double *sorted = NULL;
    ALX_TRY(alx_alloc(count, sizeof *sorted, "statistics", &sorted));
    for (size_t i = 0; i < count; i++)
        if (!isnan(samples[i]))
            sorted[s.count++] = samples[i];
    if (s.count) {
        qsort(sorted, s.count, sizeof *sorted, compare);
        s.median = percentile(sorted, s.count, 0.5);
        s.p10 = percentile(sorted, s.count, 0.1);
        s.p90 = percentile(sorted, s.count, 0.9);
        size_t rank = left_out(s.count);
        if (rank != SIZE_MAX) {
            s.low = sorted[rank];
            s.high = sorted[s.count - 1 - rank];
        }
    }
    *out = s;
error:
    free(sorted);
    return status;
}

bool alx_statistics_are_steady(const struct alx_statistics *s, double part)
{
    return s->high - s->median <= part * s->median && s->median - s->low <= part * s->median;
}
