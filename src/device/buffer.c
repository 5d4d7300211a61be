#include "device/buffer.h"

#include <stdlib.h>

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

enum alx_status alx_buffer_create(const alx_device *device, size_t bytes, cl_mem *out)
{
    cl_int error;
    /* On cards of their own, ALLOC_HOST_PTR would place it in the host's memory. */
    cl_mem_flags place = device->info.unified_memory ? CL_MEM_ALLOC_HOST_PTR : 0;
    cl_mem buffer = clCreateBuffer(device->context, CL_MEM_READ_WRITE | place, bytes, NULL, &error);
    if (error != CL_SUCCESS)
        return fail(device, "had", bytes, error);
    if (device->info.type == ALX_DEVICE_CPU && place)
        ask_for_large_pages(device, buffer, bytes);
    *out = buffer;
    return ALX_STATUS_OK;
}

enum alx_status alx_buffer_slice(const alx_device *device, cl_mem buffer, size_t offset,
                                 size_t bytes, cl_mem *out)
{
    cl_int error;
    const cl_buffer_region region = {offset, bytes};
    if (device->info.simulator) /* which checks the bounds of whole buffers only */
        return alx_buffer_create(device, bytes, out);
    cl_mem slice =
        clCreateSubBuffer(buffer, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &error);
    if (error != CL_SUCCESS)
        return fail(device, "cut out of another", bytes, error);
    *out = slice;
    return ALX_STATUS_OK;
}

void alx_buffer_release(cl_mem buffer)
{
    if (buffer)
        clReleaseMemObject(buffer);
}

enum alx_status alx_buffer_map(const alx_device *device, cl_mem buffer, bool write, size_t bytes,
                               struct alx_mapped *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_mapped mapped = {NULL, buffer, bytes, write};
    void *copy = NULL;
    if (device->info.unified_memory) {
        cl_map_flags flags = write ? CL_MAP_WRITE_INVALIDATE_REGION : CL_MAP_READ;
        cl_int error;
        mapped.data = clEnqueueMapBuffer(device->queue, buffer, CL_TRUE, flags, 0, bytes, 0, NULL,
                                         NULL, &error);
        if (error != CL_SUCCESS)
            return fail(device, "mapped", bytes, error);
    } else {
        ALX_TRY(alx_alloc(bytes, 1, "a copy of device memory", &copy));
        if (!write)
            ALX_CL(
                clEnqueueReadBuffer(device->queue, buffer, CL_TRUE, 0, bytes, copy, 0, NULL, NULL));
        mapped.data = copy;
        copy = NULL;
    }
    *out = mapped;
error:
    free(copy);
    return status;
}

enum alx_status alx_buffer_unmap(const alx_device *device, struct alx_mapped *mapped)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_mapped m = *mapped;
    *mapped = (struct alx_mapped){0};
    if (!m.data)
        return status;
    if (device->info.unified_memory) {
        ALX_CL(clEnqueueUnmapMemObject(device->queue, m.buffer, m.data, 0, NULL, NULL));
        return status;
    }
    if (m.write)
        ALX_CL(clEnqueueWriteBuffer(device->queue, m.buffer, CL_TRUE, 0, m.bytes, m.data, 0, NULL,
                                    NULL));
error:
    if (!device->info.unified_memory)
        free(m.data);
    return status;
}
