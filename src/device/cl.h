/*
 * OpenCL calls that may fail.
 */
#ifndef ALX_DEVICE_CL_H
#define ALX_DEVICE_CL_H

#include <CL/cl.h>

#include "util/error.h"

/* The error's name, e.g. "CL_OUT_OF_RESOURCES"; never NULL. */
const char *alx_cl_error_name(cl_int error);

/* Logs the failure of a call, named as it stands in the source up to its '('; returns DEVICE. */
enum alx_status alx_cl_fail(const char *call, cl_int error);

/* Goes to `error` when an OpenCL call fails. */
#define ALX_CL(call)                                                                               \
    do {                                                                                           \
        cl_int cl_result = (call);                                                                 \
        if (cl_result != CL_SUCCESS) {                                                             \
            status = alx_cl_fail(#call, cl_result);                                                \
            goto error;                                                                            \
        }                                                                                          \
    } while (0)

#endif
