/*
 * How long a launch may last. What keeps a GPU busy for seconds freezes the screen, and systems end
 * it: Windows after 2 s, Linux drivers after some more. So launches aim at LAUNCH_MS at most, by an
 * estimate that no device is expected to fall short of by much; where it exceeds it by far, slices
 * are still long beside the time that a launch costs.
 */
#include "net/shape.h"
#include "plan/plan.h"
#include "util/memory.h"

enum { LAUNCH_MS = 200, MAX_SLICES = 256 };
/* Where a device does not tell its clock. */
enum { ASSUMED_MHZ = 100 };
/* Of one value that is read or written where nothing is multiplied: a power in an LRN. */
enum { MACS_PER_ELEM = 16 };

/* One multiplication a cycle in each compute unit: a tenth or less of what they can do. */
static uint64_t macs_of_launch(const struct alx_device_info *info)
{
    size_t units = alx_max(1, alx_min(info->compute_units, 1 << 16));
    size_t mhz = info->clock_mhz ? alx_min(info->clock_mhz, 1 << 16) : ASSUMED_MHZ;
    return (uint64_t)units * mhz * 1000 * LAUNCH_MS;
}

/* What the launch costs for each part of the weights. */
static uint64_t launch_macs(const struct alx_step *step, const struct alx_launch *launch,
                            size_t batch)
{
    size_t sharing = 0;
    for (size_t i = 0; i < step->recipe.launch_count; i++)
        sharing += step->recipe.launches[i].per_panel;
    if (launch->per_panel)
        return step->info.macs * batch / (sharing * step->part_count) + 1;
    uint64_t elems = batch * (alx_shape_elems(step->info.in) + alx_shape_elems(step->info.out));
    return MACS_PER_ELEM * (elems + step->recipe.work_elems);
}

void alx_pace_step(struct alx_step *step, size_t batch, const struct alx_device_info *info,
                   size_t slices)
{
    for (size_t i = 0; i < step->recipe.launch_count; i++) {
        struct alx_launch *launch = &step->recipe.launches[i];
        uint64_t needed = launch_macs(step, launch, batch) / macs_of_launch(info) + 1;
        if (slices)
            launch->slices = slices;
        else if (info->type != ALX_DEVICE_CPU && !info->software && !info->simulator)
            launch->slices = needed < MAX_SLICES ? (size_t)needed : MAX_SLICES;
    }
}
