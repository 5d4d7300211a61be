#include "device/buffer.h"

#include <string.h>

#include "device/cl.h"
#include "device/device.h"
#include "util/memory.h"

static enum alx_status fail(const alx_device *device, const char *what, size_t bytes, cl_int error)
{
    return alx_fail(
        ALX_STATUS_DEVICE,
        "%s: a buffer of %.1f MiB cannot be %s: %s; use a smaller --batch or --memory-limit",
        device->info.name, (double)bytes / (1 << 20), what, alx_cl_error_name(error));
}

/* On a CPU a mapped buffer is the memory that kernels use, and nobody has written to it yet. */
static void ask_for_large_pages(const alx_device *device, cl_mem buffer, size_t bytes)
{
    cl_int error;
    void *map = clEnqueueMapBuffer(device->queue, buffer, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION,
                                   0, bytes, 0, NULL, NULL, &error);
    if (error != CL_SUCCESS)
        return; /* only a hint */
    alx_ask_for_large_pages(map, bytes);
    clEnqueueUnmapMemObject(device->queue, buffer, map, 0, NULL, NULL);
}

enum alx_status alx_buffer_create(const alx_device *device, cl_mem_flags flags, size_t bytes,
                                  cl_mem *out)
{
    cl_int error;
    cl_mem buffer = clCreateBuffer(device->context, flags, bytes, NULL, &error);
    if (error != CL_SUCCESS)
        return fail(device, "had", bytes, error);
    if (device->info.type == ALX_DEVICE_CPU && (flags & CL_MEM_ALLOC_HOST_PTR))
        ask_for_large_pages(device, buffer, bytes);
    *out = buffer;
    return ALX_STATUS_OK;
}

enum alx_status alx_buffer_slice(const alx_device *device, cl_mem buffer, size_t offset,
                                 size_t bytes, cl_mem *out)
{
    cl_int error;
    const cl_buffer_region region = {offset, bytes};
    cl_mem slice =
        clCreateSubBuffer(buffer, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    if (error != CL_SUCCESS)
        return fail(device, "cut out of another", bytes, error);
    *out = slice;
    return ALX_STATUS_OK;
}

enum alx_status alx_buffer_map(const alx_device *device, cl_mem buffer, cl_map_flags flags,
                               size_t bytes, void *out_pointer)
{
    cl_int error;
    void *map =
        clEnqueueMapBuffer(device->queue, buffer, CL_TRUE, flags, 0, bytes, 0, NULL, NULL, &error);
    if (error != CL_SUCCESS)
        return fail(device, "mapped", bytes, error);
    memcpy(out_pointer, &map, sizeof map);
    return ALX_STATUS_OK;
}

enum alx_status alx_buffer_unmap(const alx_device *device, cl_mem buffer, void *map)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_CL(clEnqueueUnmapMemObject(device->queue, buffer, map, 0, NULL, NULL));
error:
    return status;
}

void alx_buffer_release(cl_mem buffer)
{
    if (buffer)
        clReleaseMemObject(buffer);
}
