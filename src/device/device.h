/*
 * What an opened device is inside the library.
 */
#ifndef ALX_DEVICE_DEVICE_H
#define ALX_DEVICE_DEVICE_H

#include <CL/cl.h>
#include <alexnet_cl/device.h>

struct alx_programs; /* program.c: programs built so far, and the cache on disk */

struct alx_device {
    struct alx_device_info info;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order; with profiling when asked */
    bool profiling;
    bool transient; /* programs compiled now will hardly be wanted again: they are not stored */
    struct alx_programs *programs;
    char *faults; /* owned; NULL or what faults.h describes */
};

#endif
