/*
 * Kernels from the embedded sources, compiled with macros for one shape.
 */
#ifndef ALX_DEVICE_PROGRAM_H
#define ALX_DEVICE_PROGRAM_H

#include <CL/cl.h>
#include <alexnet_cl/device.h>

/* Creates kernel `name` of source `file` (e.g. "conv.cl", preceded by "common.h") built with
 * `options`, a list of
 * "-DNAME=VALUE". The program comes from those already built, from the cache on disk, or from the
 * compiler, one build at a time. A failed build is DEVICE with the cleaned build log in the
 * message. `*out` is owned: clReleaseKernel(). */
enum alx_status alx_kernel_create(alx_device *device, const char *file, const char *name,
                                  const char *options, cl_kernel *out);

#endif
