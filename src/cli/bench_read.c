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

bool bench_is_control(enum alx_limit limit)
{
    return limit == ALX_LIMIT_FMA || limit == ALX_LIMIT_READ || limit == ALX_LIMIT_LAUNCH;
}
