#include <math.h>
#include <string.h>

#include "cli/bench.h"

double bench_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *bench_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const json_t *bench_array(const json_t *object, const char *key)
{
    const json_t *array = json_object_get(object, key);
    return json_is_array(array) ? array : NULL;
}

bool bench_is(const json_t *object, const char *key, const char *text)
{
    return !strcmp(bench_text(object, key), text);
}

const json_t *bench_find_run(const json_t *row, const char *precision, size_t batch)
{
    const json_t *run;
    size_t i;
    json_array_foreach(bench_array(row, "runs"), i, run)
    {
        bool fits = batch ? bench_number(run, "batch") == (double)batch
                          : json_is_true(json_object_get(run, "best"));
        if (fits && bench_is(run, "precision", precision))
            return run;
    }
    return NULL;
}

double bench_spread(const json_t *object)
{
    return (bench_number(object, "ci_high_ms") - bench_number(object, "ci_low_ms")) / 2 /
           bench_number(object, "median_ms");
}
