/*
 * The limits with other traits than the device's own, for bench/.
 */
#ifndef ALX_MEASURE_LIMITS_H
#define ALX_MEASURE_LIMITS_H

#include <alexnet_cl/measure.h>

#include "ops/op.h"

/* `traits` say how wide its vectors are. */
enum alx_status alx_limits_create_with(alx_device *device, const struct alx_traits *traits,
                                       alx_limits **out);

#endif
