/*
 * Status codes and messages.
 *
 * Every function that can fail returns an `enum alx_status`; its out-parameters come last and are
 * left untouched on failure. The place that detects a failure writes one message of the form `WHAT:
 * WHY; what to do`, which goes to the log sink once and can be read with alx_error_message().
 *
 * The library never prints and never exits.
 */
#ifndef ALEXNET_CL_STATUS_H
#define ALEXNET_CL_STATUS_H

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

enum alx_status {
    ALX_STATUS_OK = 0,
    ALX_STATUS_USAGE,             /* an argument that no call may have */
    ALX_STATUS_NO_DEVICE,         /* no OpenCL, no device, or not the one that was named */
    ALX_STATUS_DEVICE,            /* the device failed: build error, out of memory, wrong results */
    ALX_STATUS_MODEL,             /* a model cannot be read, or is wrong */
    ALX_STATUS_MEMORY_LIMIT,      /* network and batch need more device memory than there is */
    ALX_STATUS_FILE_NOT_FOUND,    /* the file does not exist */
    ALX_STATUS_FILE_IS_FOLDER,    /* a folder where a file is needed */
    ALX_STATUS_FILE_UNREADABLE,   /* no permission, or a read error */
    ALX_STATUS_FILE_UNWRITABLE,   /* no permission, disk full, or a write error */
    ALX_STATUS_IMAGE_EMPTY,       /* a file of zero bytes */
    ALX_STATUS_IMAGE_TOO_LARGE,   /* more bytes or pixels than the limits allow */
    ALX_STATUS_IMAGE_UNSUPPORTED, /* not a picture, or of a kind that is not read */
    ALX_STATUS_IMAGE_CORRUPT,     /* a picture that ends early or contradicts itself */
    ALX_STATUS_IMAGE_SIZE,        /* not the exact size that `resize none` demands */
    ALX_STATUS_NOT_FINITE,        /* the network's answer holds NaN or infinity */
    ALX_STATUS_NO_MEMORY,         /* the host has no memory left */
    ALX_STATUS_INTERNAL,          /* a fault in this program */
};

/* The status as a short word with hyphens, e.g. "image-corrupt"; scripts see it as `error.code`.
 * Never NULL. */
ALX_API const char *alx_status_name(enum alx_status status);

/* The message of the calling thread's last failure, "" if there was none. Borrowed: valid until the
 * next failing call of this thread. */
ALX_API const char *alx_error_message(void);

enum alx_log_level { ALX_LOG_ERROR, ALX_LOG_WARNING, ALX_LOG_INFO, ALX_LOG_DEBUG };

/* Receives one message without a line end. Called on the thread that logs; must not call the
 * library. */
typedef void alx_log_fn(void *user, enum alx_log_level level, const char *message);

/* Sets where messages go; NULL (the start value) drops them. Not thread-safe: call it before other
 * threads start. */
ALX_API void alx_log_set(alx_log_fn *sink, void *user);

#ifdef __cplusplus
}
#endif

#endif
