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

/* The programs of one device. */
struct alx_programs;

/* For alx_device_open(), when context and queue are there. */
enum alx_status alx_programs_create(const alx_device *device,
                                    const struct alx_device_options *options,
                                    struct alx_programs **out);
/* Stores what was compiled on disk. Accepts NULL and nulls the pointer. */
void alx_programs_destroy(struct alx_programs **programs);

/* Notes that are kept with the programs of a device, and like them hold for this device, driver and
 * all kernels as they are. NULL when there is none; else a text, owned: free(). */
char *alx_note_load(const alx_device *device, const char *name);
/* In place of an older one; "" removes it. Without a cache nothing is kept. */
void alx_note_store(const alx_device *device, const char *name, const char *text);

/* Makes one line of a compiler's log: control characters cleaned, lines joined by " | ", cut to
 * what `out` holds. `log` need not end with a NUL. */
void alx_build_log_clean(const char *log, size_t bytes, char *out, size_t out_bytes);

#endif
