/*
 * What was measured to be fastest: for a device, layer, batch size and precision an algorithm with
 * its parameters. Tunings are kept in the cache folder and can travel as files.
 *
 * A file is text: one tuning a line, the first line names the format, the last one holds a hash of
 * all before it. Whatever is wrong with a file, nothing of it is used. What a tuning says reaches a
 * kernel only if this program could have chosen it by itself.
 */
#ifndef ALEXNET_CL_TUNINGS_H
#define ALEXNET_CL_TUNINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A list of tunings. May be read by several threads while none changes it. */
typedef struct alx_tunings alx_tunings;

/* An empty one; `*out` is owned by the caller. */
ALX_API enum alx_status alx_tunings_create(alx_tunings **out);
/* Accepts NULL and nulls the pointer. */
ALX_API void alx_tunings_destroy(alx_tunings **tunings);

/* Reads those of the cache folder (`cache_dir` NULL: the default one). None when there is no file;
 * none and one warning when it is damaged, foreign, or could have been written by another user.
 * Fails only with NO_MEMORY. */
ALX_API enum alx_status alx_tunings_load(const char *cache_dir, alx_tunings **out);
/* Adds `tunings` to those of the cache folder, in place of older ones of the same key, and drops
 * what other versions of this program measured. The file is replaced as a whole. FILE_UNWRITABLE
 * names it. */
ALX_API enum alx_status alx_tunings_save(const alx_tunings *tunings, const char *cache_dir);
/* Removes the file of the cache folder, present or not. */
ALX_API enum alx_status alx_tunings_clear(const char *cache_dir);

/* Reads a file that was written anywhere. FILE_UNREADABLE says what is wrong with it. */
ALX_API enum alx_status alx_tunings_read(const char *path, alx_tunings **out);
ALX_API enum alx_status alx_tunings_write(const alx_tunings *tunings, const char *path);

/* Adds those of `from`, in place of others of the same key. */
ALX_API enum alx_status alx_tunings_merge(alx_tunings *into, const alx_tunings *from);

/* A tuning, for people. */
struct alx_tuning {
    char platform[128], device[192], driver[128];
    char made_by[32];   /* version of this program and of its kernels */
    char layer[224];    /* kind, shapes, window, e.g. "fc 256x6x6 to 4096x1x1, relu" */
    size_t batch;       /* images a run */
    char precision[8];  /* "fp32", ... */
    char algorithm[32]; /* e.g. "gemv" */
    char parameters[160];
    uint64_t ns, default_ns; /* medians, in the whole network: of this one, and of the default */
};
ALX_API size_t alx_tunings_count(const alx_tunings *tunings);
/* `index` from 0 to count - 1; borrowed until the list changes. */
ALX_API const struct alx_tuning *alx_tunings_get(const alx_tunings *tunings, size_t index);
/* Whether this version of the program, with its kernels, measured it. */
ALX_API bool alx_tunings_is_current(const alx_tunings *tunings, size_t index);
/* How many of them are for this device with its driver, and current. */
ALX_API size_t alx_tunings_count_for(const alx_tunings *tunings,
                                     const struct alx_device_info *device);

#ifdef __cplusplus
}
#endif

#endif
