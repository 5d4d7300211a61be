/*
 * OpenCL calls of a device that fails, put before the real ones by LD_PRELOAD.
 *
 * ALX_TEST_LIE says how: "results" adds to the first value of everything that is read back, "launch
 * N" fails from the N-th launch of a kernel on, "crash N" and "hang N" do that, "build" fails to
 * compile, "clock" tells ends before starts. ALX_TEST_LIE_ON is a part of the name of the platform
 * that lies where not all of them do, ALX_TEST_LIE_KERNEL of the kernels whose launches count.
 */
#include <CL/cl.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What follows `kind` in ALX_TEST_LIE, or NULL when the lie is another one. */
static const char *lie(const char *kind)
{
    const char *told = getenv("ALX_TEST_LIE");
    size_t length = strlen(kind);
    return told && !strncmp(told, kind, length) ? told + length : NULL;
}

/* Whether this queue's platform is one that lies. */
static bool lies(cl_command_queue queue)
{
    const char *on = getenv("ALX_TEST_LIE_ON");
    char name[256] = "";
    cl_device_id device;
    cl_platform_id platform;
    if (!on)
        return true;
    return clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL) ==
               CL_SUCCESS &&
           clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) ==
               CL_SUCCESS &&
           clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL) ==
               CL_SUCCESS &&
           strstr(name, on);
}

/* Whether launches of this kernel count. */
static bool counts(cl_kernel kernel)
{
    const char *of = getenv("ALX_TEST_LIE_KERNEL");
    char name[256] = "";
    return !of || (clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, NULL) ==
                       CL_SUCCESS &&
                   strstr(name, of));
}

void *clEnqueueMapBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                         cl_map_flags flags, size_t offset, size_t bytes, cl_uint event_count,
                         const cl_event *events, cl_event *event, cl_int *error)
{
    void *(*real)(cl_command_queue, cl_mem, cl_bool, cl_map_flags, size_t, size_t, cl_uint,
                  const cl_event *, cl_event *, cl_int *);
    *(void **)&real = dlsym(RTLD_NEXT, "clEnqueueMapBuffer");
    float *map =
        real(queue, buffer, blocking, flags, offset, bytes, event_count, events, event, error);
    if (map && flags == CL_MAP_READ && lie("results") && lies(queue))
        map[0] += 1000;
    return map;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint event_count, const cl_event *events, cl_event *event)
{
    static long launches;
    cl_int (*real)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *,
                   const size_t *, cl_uint, const cl_event *, cl_event *);
    *(void **)&real = dlsym(RTLD_NEXT, "clEnqueueNDRangeKernel");
    bool count = counts(kernel) && lies(queue);
    launches += count;
    if (count && lie("launch") && launches >= atol(lie("launch")))
        return CL_OUT_OF_RESOURCES;
    if (count && lie("crash") && launches >= atol(lie("crash"))) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would make a report of it */
        raise(SIGSEGV);
    }
    while (count && lie("hang") && launches >= atol(lie("hang")))
        pause();
    return real(queue, kernel, dimensions, offset, global, local, event_count, events, event);
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices,
                      const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
                      void *user)
{
    cl_int (*real)(cl_program, cl_uint, const cl_device_id *, const char *,
                   void(CL_CALLBACK *)(cl_program, void *), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "clBuildProgram");
    if (lie("build"))
        return CL_BUILD_PROGRAM_FAILURE;
    return real(program, count, devices, options, notify, user);
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t bytes, void *value,
                               size_t *value_bytes)
{
    cl_int (*real)(cl_event, cl_profiling_info, size_t, void *, size_t *);
    *(void **)&real = dlsym(RTLD_NEXT, "clGetEventProfilingInfo");
    cl_int error = real(event, what, bytes, value, value_bytes);
    if (error == CL_SUCCESS && what == CL_PROFILING_COMMAND_START && lie("clock"))
        *(cl_ulong *)value += 1000000000000;
    return error;
}
