/*
 * What a device can do at most, measured: the yardsticks beside the kernels.
 */
#ifndef ALX_BENCH_LIMITS_H
#define ALX_BENCH_LIMITS_H

#include <CL/cl.h>
#include <alexnet_cl/device.h>

#include "ops/op.h"

/* Buffers and kernels of the measurements; used by one thread at a time. */
struct limits {
    alx_device *device; /* borrowed */
    struct alx_traits traits;
    cl_kernel fma, read;
    cl_mem in, out;
};

/* `traits` say how wide its vectors are. */
enum alx_status limits_create(alx_device *device, const struct alx_traits *traits,
                              struct limits *out);
void limits_destroy(struct limits *limits);

/* One measurement each, by the wall clock: 10^9 operations a second in registers, and 10^9 bytes
 * read a second from memory, which also leaves nothing else in the caches. */
enum alx_status limits_gflops(struct limits *limits, double *out);
enum alx_status limits_gb_per_s(struct limits *limits, double *out);

#endif
