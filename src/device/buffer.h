/*
 * Device memory, and how the host gets at it.
 */
#ifndef ALX_DEVICE_BUFFER_H
#define ALX_DEVICE_BUFFER_H

#include <CL/cl.h>
#include <alexnet_cl/device.h>

/* A buffer of `bytes`, in memory that the host shares where the device has no other. DEVICE says
 * how much there was no room for. `*out` is owned: alx_buffer_release(). */
enum alx_status alx_buffer_create(const alx_device *device, size_t bytes, cl_mem *out);
/* The part of `buffer` from `offset` on, which must be aligned as the device's property says. */
enum alx_status alx_buffer_slice(const alx_device *device, cl_mem buffer, size_t offset,
                                 size_t bytes, cl_mem *out);
/* Accepts NULL. */
void alx_buffer_release(cl_mem buffer);

/* The first bytes of a buffer as the host sees them. */
struct alx_mapped {
    void *data; /* borrowed, until alx_buffer_unmap(); NULL: nothing is mapped */
    cl_mem buffer;
    size_t bytes;
    bool write;
};

/* Waits until the queue has come so far. For reading, `data` holds what the device wrote; for
 * writing, nothing yet: all of it must be filled. */
enum alx_status alx_buffer_map(const alx_device *device, cl_mem buffer, bool write, size_t bytes,
                               struct alx_mapped *out);
/* Hands what was written to the device. Accepts one that is not mapped, and leaves one. */
enum alx_status alx_buffer_unmap(const alx_device *device, struct alx_mapped *mapped);

#endif
