/*
 * alexnet-cl: AlexNet on any device that speaks OpenCL.
 *
 *     alx_devices_create -> alx_device_open -> alx_model_load -> alx_plan_create ->
 * alx_session_create alx_decoder_decode_file -> alx_image_to_tensor -> alx_session_run
 *
 * Words in these headers: *owned* objects are freed by who holds them, *borrowed* ones are not,
 * *taken* ones change hands. Shapes are written [N, C, H, W].
 */
#ifndef ALEXNET_CL_H
#define ALEXNET_CL_H

#include "device.h"
#include "export.h"
#include "image.h"
#include "measure.h"
#include "model.h"
#include "net.h"
#include "session.h"
#include "status.h"
#include "tensor.h"
#include "tune.h"
#include "tunings.h"
#include "verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, e.g. "0.1.0". */
ALX_API const char *alx_version(void);

#ifdef __cplusplus
}
#endif

#endif
