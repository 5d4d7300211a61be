#include <alexnet_cl/measure.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"

static const double one_tail = 0.025; /* of an interval of 95 % */

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

/* How many standard deviations from the mean the normal distribution has `tail` beyond. */
static double deviations(double tail)
{
    double low = 0, high = 10;
    while (high - low > 1e-9) {
        double middle = (low + high) / 2;
        *(erfc(middle / sqrt(2)) / 2 > tail ? &low : &high) = middle;
    }
    return low;
}

/* How many samples are left out at each end so that the median of all lies beyond the rest with a
 * probability of at most `tail` on each side: the number of samples below it is binomial with p =
 * 1/2 (David and Nagaraja, Order Statistics, 7.1). SIZE_MAX when there are too few. */
static size_t left_out(size_t count, double tail)
{
    enum { EXACT = 1000 }; /* above, 2^-count would become 0 */
    double n = (double)count;
    if (count > EXACT)
        return (size_t)((n - deviations(tail) * sqrt(n)) / 2);
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
        size_t rank = left_out(s.count, one_tail);
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

/* --- samples that are not independent --- */

enum { MOST_BLOCKS = 36, LEAST_BLOCKS = 12 };

/* Their correlation with those `lag` places later, as numbers around `mean`. */
static double correlation(const double *values, size_t count, double mean, size_t lag)
{
    double product = 0, square = 0;
    for (size_t i = 0; i < count; i++) {
        square += (values[i] - mean) * (values[i] - mean);
        if (i + lag < count)
            product += (values[i] - mean) * (values[i + lag] - mean);
    }
    return square > 0 ? product / square : 0;
}

/* How many independent values say as much: count / (1 + 2 sum of correlations), of which pairs are
 * added until one is negative (Geyer, Statistical Science 7, 1992). */
static size_t independent_count(const double *values, size_t count)
{
    double mean = 0, factor = -1;
    for (size_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (size_t lag = 0; lag + 1 < count; lag += 2) {
        double pair =
            correlation(values, count, mean, lag) + correlation(values, count, mean, lag + 1);
        if (pair <= 0)
            break;
        factor += 2 * pair;
    }
    return (size_t)((double)count / fmax(factor, 1));
}

/* Where each value would stand among all, so that one that is far off counts no more than others;
 * equal ones share their place. */
static void rank(const double *values, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = 0;
        for (size_t j = 0; j < count; j++)
            out[i] += values[j] < values[i] ? 1 : values[j] > values[i] ? 0 : 0.5;
    }
}

/* Blocks of samples that follow each other have medians, and these an interval, too: as wide as
 * that of so few as are independent among them. */
static enum alx_status widen(const double *samples, size_t count, double tail,
                             struct alx_statistics *s)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics block;
    double medians[MOST_BLOCKS], ranks[MOST_BLOCKS];
    size_t blocks = alx_min(count, MOST_BLOCKS);
    if (blocks < LEAST_BLOCKS)
        return ALX_STATUS_OK;
    for (size_t i = 0; i < blocks; i++) {
        size_t from = i * count / blocks, to = (i + 1) * count / blocks;
        ALX_TRY(alx_statistics_of(samples + from, to - from, &block));
        medians[i] = block.median;
    }
    rank(medians, blocks, ranks);
    size_t independent = independent_count(ranks, blocks), ends = left_out(independent, tail);
    double part = ends == SIZE_MAX ? 0 : (double)ends / (double)(independent - 1);
    qsort(medians, blocks, sizeof *medians, compare);
    s->low = fmin(s->low, percentile(medians, blocks, part));
    s->high = fmax(s->high, percentile(medians, blocks, 1 - part));
error:
    return status;
}

enum alx_status alx_statistics_in_order(const double *samples, size_t count, size_t together,
                                        struct alx_statistics *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics s;
    double *known = NULL;
    ALX_TRY(alx_statistics_of(samples, count, &s));
    ALX_TRY(alx_alloc(count, sizeof *known, "statistics", &known));
    for (size_t i = 0, used = 0; i < count; i++)
        if (!isnan(samples[i]))
            known[used++] = samples[i];
    ALX_TRY(widen(known, s.count, one_tail / (double)alx_max(together, 1), &s));
    *out = s;
error:
    free(known);
    return status;
}

bool alx_statistics_are_steady(const struct alx_statistics *s, double part)
{
    return s->high - s->median <= part * s->median && s->median - s->low <= part * s->median;
}
