/*
 * The OpenCL devices of this machine under one number, and an opened one.
 */
#ifndef ALEXNET_CL_DEVICE_H
#define ALEXNET_CL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum alx_device_type { ALX_DEVICE_CPU, ALX_DEVICE_GPU, ALX_DEVICE_ACCELERATOR };

/* What one device says of itself. A query that failed leaves 0, false or "" and a line in
 * `problem`. */
struct alx_device_info {
    size_t number;          /* 1, 2, ... over all platforms, in the loader's order */
    size_t platform_number; /* 1, 2, ... over the platforms that have devices or not */
    size_t device_number;   /* 1, 2, ... inside the platform */
    char platform[128];
    char name[128];
    char vendor[128];
    char driver[128];
    char opencl[128]; /* CL_DEVICE_VERSION, e.g. "OpenCL 3.0 PoCL ..." */
    char c_version[64];
    char pci[16]; /* where it sits on the bus, e.g. "0000:01:00.0"; "" when it does not tell */
    int opencl_major, opencl_minor;
    enum alx_device_type type;
    size_t compute_units;
    size_t clock_mhz;
    uint64_t global_bytes;
    uint64_t max_alloc_bytes;
    uint64_t local_bytes;
    size_t max_work_group;   /* work-items */
    size_t base_align_bytes; /* of a sub-buffer's origin */
    size_t vector_floats;    /* native float vector width, at least 1 */
    size_t vendor_id;  /* of PCI where there is one: 0x8086 Intel, 0x1002 AMD, 0x10de NVIDIA */
    size_t generation; /* Intel GPUs: 100 * major + minor of their architecture, e.g. 1255;
                          NVIDIA: 10 * compute capability, e.g. 75; 0: not known */
    size_t wave;       /* AMD GPUs: work-items that run in step; 0: not known */
    bool sub_groups;
    size_t block_read_lanes; /* of a sub-group that a kernel can demand and that reads memory in
                                blocks: 16, 8, or 0: none */
    bool fp16;
    bool int8_dot;
    bool unified_memory;
    bool simulator; /* a checker such as Oclgrind: taken only when named */
    bool software;  /* a GPU driver that runs on the CPU, such as llvmpipe: taken after real devices
                     */
    bool is_default;   /* the one that is used when none is named */
    bool usable;       /* false when it has no compiler, or a query that is needed failed */
    char problem[256]; /* "" or why it is not usable, or which query failed */
};

/* All devices, in a stable order. Immutable after creation, so threads may share it. */
typedef struct alx_devices alx_devices;

/* Asks every platform. A platform without devices, a broken vendor file or a device whose query
 * fails is noted, never fatal; a machine without any OpenCL gives an empty list. `*out` is owned by
 * the caller. */
ALX_API enum alx_status alx_devices_create(alx_devices **out);
/* Accepts NULL and nulls the pointer. */
ALX_API void alx_devices_destroy(alx_devices **devices);

ALX_API size_t alx_devices_count(const alx_devices *devices);
/* `index` from 0 to count - 1; borrowed from the list. */
ALX_API const struct alx_device_info *alx_devices_info(const alx_devices *devices, size_t index);
/* Platforms that have no device, by name; borrowed from the list. */
ALX_API size_t alx_devices_empty_platform_count(const alx_devices *devices);
ALX_API const char *alx_devices_empty_platform(const alx_devices *devices, size_t index);

/* Finds one device. `spec` is a number (1, 2, ...), `P:D`, a part of the name or platform in any
 * case, "cpu", "gpu", or NULL for the default (discrete GPU, integrated GPU, CPU, the rest; never a
 * simulator). An ambiguous name is an error that lists the matches; NO_DEVICE lists the devices
 * there are. */
ALX_API enum alx_status alx_devices_find(const alx_devices *devices, const char *spec,
                                         size_t *index);

/* The same for commands that take several: also "all" (every usable device, simulators only if
 * `spec` names them) and lists "1,3". Writes up to `capacity` indices in the order given, each
 * once, and their number. */
ALX_API enum alx_status alx_devices_find_all(const alx_devices *devices, const char *spec,
                                             size_t *indices, size_t capacity, size_t *count);

/* Where compiled programs are kept. Zero means the default. */
struct alx_device_options {
    const char *cache_dir; /* NULL: $XDG_CACHE_HOME/alexnet-cl, or ~/.cache/alexnet-cl */
    bool no_cache;         /* compile everything, write nothing */
    bool profiling;        /* record device times of every kernel */
};

/* An opened device: context, queue and program cache. Used by one thread at a time. */
typedef struct alx_device alx_device;

/* Opens device `index` of the list. The list may be destroyed afterwards. `options` may be NULL. */
ALX_API enum alx_status alx_device_open(const alx_devices *devices, size_t index,
                                        const struct alx_device_options *options, alx_device **out);
ALX_API void alx_device_close(alx_device **device);
ALX_API const struct alx_device_info *alx_device_get_info(const alx_device *device);

/* What alx_verify_run() found to be wrong on this device with its driver, here or in another run
 * with the same cache: a line "LAYER ALGORITHM PRECISION" each, or "". Plans leave that out.
 * Borrowed until the device is verified again or closed. */
ALX_API const char *alx_device_faults(const alx_device *device);

/* How many programs were compiled, how many came from the cache, and the time both took. */
struct alx_program_counts {
    size_t built;
    size_t cached;
    uint64_t build_ns;
};
ALX_API struct alx_program_counts alx_device_program_counts(const alx_device *device);

/* The cache folder's contents. */
struct alx_cache_info {
    char path[4096];
    size_t files;
    uint64_t bytes;
};
/* Looks at the cache folder (`cache_dir` NULL: the default one). A folder that does not exist has 0
 * files. */
ALX_API enum alx_status alx_cache_inspect(const char *cache_dir, struct alx_cache_info *out);
/* Removes our files from it, and nothing else; `*out` is what was removed. */
ALX_API enum alx_status alx_cache_clear(const char *cache_dir, struct alx_cache_info *out);

#ifdef __cplusplus
}
#endif

#endif
