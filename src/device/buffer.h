/*
 * Device memory.
 */
#ifndef ALX_DEVICE_BUFFER_H
#define ALX_DEVICE_BUFFER_H

#include <CL/cl.h>
#include <alexnet_cl/device.h>

/* A buffer of `bytes`; DEVICE says how much there was no room for. `*out` is owned:
 * alx_buffer_release(). */
enum alx_status alx_buffer_create(const alx_device *device, cl_mem_flags flags, size_t bytes,
                                  cl_mem *out);
/* The part of `buffer` from `offset` on, which must be aligned as the device's property says. */
enum alx_status alx_buffer_slice(const alx_device *device, cl_mem buffer, size_t offset,
                                 size_t bytes, cl_mem *out);
/* The first `bytes` in the host's memory, when the queue has come so far; until
 * alx_buffer_unmap(). */
enum alx_status alx_buffer_map(const alx_device *device, cl_mem buffer, cl_map_flags flags,
                               size_t bytes, void *out_pointer);
enum alx_status alx_buffer_unmap(const alx_device *device, cl_mem buffer, void *map);
/* Accepts NULL. */
void alx_buffer_release(cl_mem buffer);

#endif
