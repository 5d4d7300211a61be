/*
 * OpenCL calls of a device that fails, put before the real ones by LD_PRELOAD.
 *
 * ALX_TEST_LIE says how: "results" adds to the first value of everything that is read back, "launch
 * N" fails from the N-th launch of a kernel on, "build" fails to compile.
 */
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* What follows `kind` in ALX_TEST_LIE, or NULL when the lie is another one. */
static const char *lie(const char *kind)
{
    const char *told = getenv("ALX_TEST_LIE");
    size_t length = strlen(kind);
    return told && !strncmp(told, kind, length) ? told + length : NULL;
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
    if (map && flags == CL_MAP_READ && lie("results"))
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
    if (lie("launch") && ++launches >= atol(lie("launch")))
        return CL_OUT_OF_RESOURCES;
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
