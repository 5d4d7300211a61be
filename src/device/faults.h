/*
 * What verify found to be wrong on a device with its driver and these kernels: a text with a line
 * "LAYER ALGORITHM PRECISION" each, kept with the device's programs. Layers without weights compute
 * the same at every precision and stand there with "fp32".
 */
#ifndef ALX_DEVICE_FAULTS_H
#define ALX_DEVICE_FAULTS_H

#include <alexnet_cl/device.h>

/* Reads what is known of a device that is being opened; device->faults is owned by it. */
void alx_faults_load(alx_device *device);
/* Whether the text names it; NULL names nothing. */
bool alx_faults_name(const char *faults, const char *layer, const char *algorithm,
                     const char *precision);
/* Adds it, or with `wrong` false takes it away, and remembers that where there is a cache. */
enum alx_status alx_faults_set(alx_device *device, const char *layer, const char *algorithm,
                               const char *precision, bool wrong);

#endif
