#include "device/device.h"

#include <stdlib.h>

#include "device/cl.h"
#include "device/devices.h"
#include "device/faults.h"
#include "device/program.h"
#include "util/memory.h"

enum alx_status alx_device_open(const alx_devices *devices, size_t index,
                                const struct alx_device_options *options, alx_device **out)
{
    static const struct alx_device_options defaults;
    enum alx_status status = ALX_STATUS_OK;
    alx_device *device = NULL;
    cl_int error;
    if (index >= alx_devices_count(devices))
        return alx_fail(ALX_STATUS_NO_DEVICE, "device: the list has no entry %zu", index);
    const struct alx_device_info *info = alx_devices_info(devices, index);
    if (!info->usable)
        return alx_fail(ALX_STATUS_NO_DEVICE, "device %zu (%s): cannot be used: %s; name another",
                        info->number, info->name, info->problem);
    options = options ? options : &defaults;
    ALX_TRY(alx_alloc(1, sizeof *device, "a device", &device));
    device->info = *info;
    device->platform = alx_devices_platform(devices, index);
    device->id = alx_devices_id(devices, index);
    device->profiling = options->profiling;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)device->platform, 0};
    device->context = clCreateContext(properties, 1, &device->id, NULL, NULL, &error);
    if (error == CL_SUCCESS)
        device->queue =
            clCreateCommandQueue(device->context, device->id,
                                 options->profiling ? CL_QUEUE_PROFILING_ENABLE : 0, &error);
    if (error != CL_SUCCESS) {
        status = alx_fail(ALX_STATUS_DEVICE, "device %zu (%s): cannot be opened: %s; name another",
                          info->number, info->name, alx_cl_error_name(error));
        goto error;
    }
    ALX_TRY(alx_programs_create(device, options, &device->programs));
    alx_faults_load(device);
    *out = device;
    device = NULL;
error:
    alx_device_close(&device);
    return status;
}

void alx_device_close(alx_device **pointer)
{
    alx_device *device = *pointer;
    if (!device)
        return;
    if (device->queue)
        clFinish(device->queue);
    alx_programs_destroy(&device->programs);
    if (device->queue)
        clReleaseCommandQueue(device->queue);
    if (device->context)
        clReleaseContext(device->context);
    free(device->faults);
    free(device);
    *pointer = NULL;
}

const struct alx_device_info *alx_device_get_info(const alx_device *device)
{
    return &device->info;
}
