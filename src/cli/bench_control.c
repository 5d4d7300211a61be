/*
 * Times of two measurements as if the machine had been in the same state: an analysis of
 * covariance.
 *
 * Limits are measured before each turn of samples. Within one document the program is the same, so
 * how its time goes with them there is the machine's doing: slopes of the logarithms of turns'
 * medians over those of the limits, by least squares within both documents at once. What they
 * explain is taken from the times of both (Fisher, Statistical Methods for Research Workers, 49.1).
 * A roofline would say less: how quickly processors hear of each other, for one, is no roof, and
 * moves short layers by half.
 */
#include <alexnet_cl/measure.h>
#include <math.h>
#include <stdlib.h>

#include "cli/bench_report.h"
#include "cli/message.h"
#include "util/error.h"
#include "util/memory.h"

enum {
    MOST_LIMITS = ALX_LIMIT_COUNT,
    LEAST_TURNS = 8,    /* of a document */
    FARTHEST_APART = 2, /* standard deviations within documents; beyond that a slope says little */
    SMALL_PERCENT = 5,
};

/* Logarithms, [turns] each. */
struct turns {
    size_t count, limits;
    double *time, *limit[MOST_LIMITS];
};

static void free_turns(struct turns *turns)
{
    free(turns->time);
    for (size_t i = 0; i < MOST_LIMITS; i++)
        free(turns->limit[i]);
}

static double log_of(const json_t *array, size_t index)
{
    const json_t *value = json_array_get(array, index);
    return json_is_number(value) && json_number_value(value) > 0 ? log(json_number_value(value))
                                                                 : NAN;
}

/* The logarithm of the median of samples `from` .. `to`. */
static enum alx_status median_of(const json_t *samples, size_t from, size_t to, double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_statistics s;
    double *values = cli_alloc(to - from + 1, sizeof *values, "samples");
    for (size_t i = from; i < to; i++)
        values[i - from] = exp(log_of(samples, i));
    ALX_TRY(alx_statistics_of(values, to - from, &s));
    *out = log(s.median);
error:
    free(values);
    return status;
}

/* Turns in which all is known. */
static enum alx_status read_turns(const json_t *timed, const json_t *control, struct turns *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const json_t *samples = json_object_get(timed, "samples_ms");
    const json_t *counts = json_object_get(control, "samples"), *limits[MOST_LIMITS];
    size_t turns = json_array_size(counts), from = 0, all = json_array_size(samples);
    *out = (struct turns){.time = cli_alloc(turns + 1, sizeof *out->time, "turns")};
    for (int i = 0; i < ALX_LIMIT_COUNT; i++)
        if (bench_is_control((enum alx_limit)i)) {
            limits[out->limits] = json_object_get(control, alx_limit_name((enum alx_limit)i));
            out->limit[out->limits++] = cli_alloc(turns + 1, sizeof *out->time, "turns");
        }
    for (size_t turn = 0; turn < turns; turn++) {
        double wanted = json_number_value(json_array_get(counts, turn));
        size_t to = alx_min(from + (wanted < (double)all ? (size_t)wanted : all), all);
        double known = 0;
        ALX_TRY(median_of(samples, from, to, &out->time[out->count]));
        for (size_t i = 0; i < out->limits; i++) {
            out->limit[i][out->count] = log_of(limits[i], turn);
            known += out->limit[i][out->count];
        }
        out->count += !isnan(known + out->time[out->count]);
        from = to;
    }
error:
    return status;
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* Sum of products of deviations from each document's own mean. */
static double product(const struct turns *t, const double *a, const double *b)
{
    double mean_a = mean_of(a, t->count), mean_b = mean_of(b, t->count), sum = 0;
    for (size_t i = 0; i < t->count; i++)
        sum += (a[i] - mean_a) * (b[i] - mean_b);
    return sum;
}

/* Solves the `count` equations in place by elimination, with pivots in their order, as the matrix
 * is positive; an unknown of which nothing is known becomes 0. */
static void solve(double matrix[MOST_LIMITS][MOST_LIMITS], double *values, size_t count)
{
    const double least = 1e-12;
    for (size_t i = 0; i < count; i++) {
        if (matrix[i][i] < least) {
            matrix[i][i] = 1;
            values[i] = 0;
            for (size_t j = i + 1; j < count; j++)
                matrix[i][j] = 0;
        }
        for (size_t row = i + 1; row < count; row++) {
            double factor = matrix[row][i] / matrix[i][i];
            for (size_t j = i; j < count; j++)
                matrix[row][j] -= factor * matrix[i][j];
            values[row] -= factor * values[i];
        }
    }
    for (size_t i = count; i-- > 0; values[i] /= matrix[i][i])
        for (size_t j = i + 1; j < count; j++)
            values[i] -= matrix[i][j] * values[j];
}

static void find_slopes(const struct turns *old, const struct turns *new, double *slopes)
{
    double matrix[MOST_LIMITS][MOST_LIMITS];
    for (size_t i = 0; i < old->limits; i++) {
        slopes[i] = product(old, old->limit[i], old->time) + product(new, new->limit[i], new->time);
        for (size_t j = 0; j < old->limits; j++)
            matrix[i][j] = product(old, old->limit[i], old->limit[j]) +
                           product(new, new->limit[i], new->limit[j]);
    }
    solve(matrix, slopes, old->limits);
}

/* The same where the documents saw the machine in the same states, so that slopes need not be
 * carried beyond what they were found from. On a machine that is steady a small difference is out
 * of reach of the slopes, too: then nothing is known. */
static enum bench_state state_of(const struct turns *old, const struct turns *new)
{
    enum bench_state state = BENCH_SAME_STATE;
    if (old->count < LEAST_TURNS || new->count < LEAST_TURNS)
        return BENCH_UNKNOWN_STATE;
    for (size_t i = 0; i < old->limits; i++) {
        double within =
            product(old, old->limit[i], old->limit[i]) + product(new, new->limit[i], new->limit[i]);
        double deviation = sqrt(within / (double)(old->count + new->count - 2));
        double apart =
            fabs(mean_of(old->limit[i], old->count) - mean_of(new->limit[i], new->count));
        if (apart <= FARTHEST_APART * deviation)
            continue;
        if (100 * apart > SMALL_PERCENT)
            return BENCH_OTHER_STATE;
        state = BENCH_UNKNOWN_STATE;
    }
    return state;
}

/* Statistics of the times, from which goes what slopes explain of each turn's distance to the mean
 * of both documents. */
static enum alx_status adjust(const struct turns *turns, const struct turns *other,
                              const double *slopes, size_t together, struct alx_statistics *out)
{
    enum alx_status status = ALX_STATUS_OK;
    double *times = cli_alloc(turns->count, sizeof *times, "turns");
    for (size_t i = 0; i < turns->count; i++)
        times[i] = turns->time[i];
    for (size_t j = 0; j < turns->limits; j++) {
        double mean = mean_of(turns->limit[j], turns->count);
        mean = (mean + mean_of(other->limit[j], other->count)) / 2;
        for (size_t i = 0; i < turns->count; i++)
            times[i] -= slopes[j] * (turns->limit[j][i] - mean);
    }
    for (size_t i = 0; i < turns->count; i++)
        times[i] = exp(times[i]);
    ALX_TRY(alx_statistics_in_order(times, turns->count, together, out));
error:
    free(times);
    return status;
}

enum alx_status bench_same_state(const json_t *old, const json_t *old_control, const json_t *new,
                                 const json_t *new_control, size_t together,
                                 struct alx_statistics out[2], enum bench_state *state)
{
    enum alx_status status = ALX_STATUS_OK;
    struct turns before = {0}, after = {0};
    double slopes[MOST_LIMITS];
    ALX_TRY(read_turns(old, old_control, &before));
    ALX_TRY(read_turns(new, new_control, &after));
    *state = state_of(&before, &after);
    if (*state != BENCH_SAME_STATE)
        goto error;
    find_slopes(&before, &after, slopes);
    ALX_TRY(adjust(&before, &after, slopes, together, &out[0]));
    ALX_TRY(adjust(&after, &before, slopes, together, &out[1]));
error:
    free_turns(&before);
    free_turns(&after);
    return status;
}
