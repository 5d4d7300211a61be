/* Of systems that tell otherwise than Linux does nothing is known. */
#include <alexnet_cl/measure.h>
#include <math.h>

void alx_host_read(const char *root, struct alx_host *out)
{
    (void)root;
    *out = (struct alx_host){.clock_max_mhz = NAN, .on_battery = -1};
}

void alx_host_state_read(const char *root, struct alx_host_state *out)
{
    (void)root;
    *out = (struct alx_host_state){.clock_mhz = NAN,
                                   .temperature_c = NAN,
                                   .load = NAN,
                                   .package_joule = NAN,
                                   .package_range_joule = NAN,
                                   .busy_s = NAN};
}

double alx_host_joule(const struct alx_host_state *before, const struct alx_host_state *after)
{
    (void)before, (void)after;
    return NAN;
}

double alx_host_others(const struct alx_host_state *before, const struct alx_host_state *after)
{
    (void)before, (void)after;
    return NAN;
}
