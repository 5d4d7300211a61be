/*
 * Every kernel against its reference, on a device: what `alexnet-cl verify` and the tests run.
 */
#ifndef ALEXNET_CL_VERIFY_H
#define ALEXNET_CL_VERIFY_H

#include <stddef.h>

#include "device.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One algorithm's outcome over all shapes. */
struct alx_verify_row {
    const char *layer;     /* "conv", "fc", ... */
    const char *algorithm; /* "direct", ... */
    const char *form;      /* e.g. "cpu", "gpu": which values of its macros */
    const char *precision;
    size_t shapes;    /* how many were tried */
    size_t failures;  /* how many were wrong */
    double worst;     /* largest error over its bound, with real numbers; above 1 is wrong */
    char detail[256]; /* "" or the first failure: shape, element, value, reference */
};

/* Zero means everything. */
struct alx_verify_options {
    const char *layer;     /* only this kind */
    const char *algorithm; /* only this algorithm */
    bool candidates;       /* on each shape all values that tuning may choose; else one of them */
    bool small;            /* only shapes small enough for a simulator */
    size_t max_shapes;     /* the first so many of each; 0: all */
    size_t max_others;     /* the first so many of other forms and precisions than the device's own
                              in float32; 0: two fifths */
};

/* Runs every algorithm that can run on `device` over the table of shapes: exact equality with small
 * integers, the error bound min(4 sqrt(K), K + 1) * 2^-24 * sum |a b| with real numbers; where an
 * algorithm adds other products than the definition (Winograd), those make the sum, and integers
 * are bounded, too. Calls `report` after each algorithm. Returns DEVICE when one is wrong. What is
 * wrong in the device's own form becomes one of alx_device_faults(), which plans leave out; what is
 * right on all shapes is no longer one. */
ALX_API enum alx_status alx_verify_run(alx_device *device, const struct alx_verify_options *options,
                                       void (*report)(void *user, const struct alx_verify_row *row),
                                       void *user);

#ifdef __cplusplus
}
#endif

#endif
