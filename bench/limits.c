#include "limits.h"

#include "device/buffer.h"
#include "device/cl.h"
#include "device/device.h"
#include "device/program.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/text.h"

enum { STEPS = 20000, CHAINS = 12, CHUNK = 1 << 16, READ_BYTES = 128 << 20 };

static size_t fma_items(const struct limits *limits)
{
    /* Several rounds on every unit, also where a unit holds many groups. */
    return limits->traits.lanes * limits->traits.units * (limits->traits.simt ? 64 : 4);
}

enum { READ_ITEMS = READ_BYTES / 4 / CHUNK };

enum alx_status limits_create(alx_device *device, const struct alx_traits *traits,
                              struct limits *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct limits limits = {.device = device, .traits = *traits};
    struct alx_text options = {0};
    const float zero = 0;
    size_t out_bytes = alx_max(fma_items(&limits), READ_ITEMS) * sizeof(float);
    alx_text_add(&options, "-DVECTOR=%zu -DLANES=%zu -DSTEPS=%d -DCHUNK=%d", traits->vector,
                 traits->lanes, STEPS, CHUNK);
    ALX_TRY(
        alx_kernel_create(device, "limits.cl", "limits_fma", alx_text_get(&options), &limits.fma));
    ALX_TRY(alx_kernel_create(device, "limits.cl", "limits_read", alx_text_get(&options),
                              &limits.read));
    ALX_TRY(alx_buffer_create(device, READ_BYTES, &limits.in));
    ALX_TRY(alx_buffer_create(device, out_bytes, &limits.out));
    ALX_CL(clEnqueueFillBuffer(device->queue, limits.in, &zero, sizeof zero, 0, READ_BYTES, 0, NULL,
                               NULL));
    ALX_CL(clEnqueueFillBuffer(device->queue, limits.out, &zero, sizeof zero, 0, out_bytes, 0, NULL,
                               NULL));
    ALX_CL(clSetKernelArg(limits.fma, 0, sizeof limits.out, &limits.out));
    ALX_CL(clSetKernelArg(limits.read, 0, sizeof limits.in, &limits.in));
    ALX_CL(clSetKernelArg(limits.read, 1, sizeof limits.out, &limits.out));
    *out = limits;
    limits = (struct limits){0};
error:
    limits_destroy(&limits);
    alx_text_free(&options);
    return status;
}

void limits_destroy(struct limits *limits)
{
    if (limits->fma)
        clReleaseKernel(limits->fma);
    if (limits->read)
        clReleaseKernel(limits->read);
    alx_buffer_release(limits->in);
    alx_buffer_release(limits->out);
    *limits = (struct limits){0};
}

static enum alx_status time_kernel(struct limits *limits, cl_kernel kernel, size_t items,
                                   uint64_t *ns)
{
    enum alx_status status = ALX_STATUS_OK;
    uint64_t start = alx_clock_ns();
    ALX_CL(clEnqueueNDRangeKernel(limits->device->queue, kernel, 1, NULL, &items,
                                  &limits->traits.lanes, 0, NULL, NULL));
    ALX_CL(clFinish(limits->device->queue));
    *ns = alx_clock_ns() - start;
error:
    return status;
}

enum alx_status limits_gflops(struct limits *limits, double *out)
{
    size_t items = fma_items(limits);
    uint64_t ns = 1;
    enum alx_status status = time_kernel(limits, limits->fma, items, &ns);
    *out = 2.0 * CHAINS * STEPS * (double)(items * limits->traits.vector) / (double)ns;
    return status;
}

enum alx_status limits_gb_per_s(struct limits *limits, double *out)
{
    uint64_t ns = 1;
    enum alx_status status = time_kernel(limits, limits->read, READ_ITEMS, &ns);
    *out = (double)READ_BYTES / (double)ns;
    return status;
}
