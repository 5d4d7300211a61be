/*
 * Measuring: what samples say, what a device can do at most, what a network should answer, and what
 * the system tells of the machine meanwhile.
 */
#ifndef ALEXNET_CL_MEASURE_H
#define ALEXNET_CL_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "export.h"
#include "model.h"
#include "session.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- samples --- */

/* Order statistics, in the samples' unit; NAN where there are too few. Nothing is assumed of how
 * the samples are distributed but that they are independent. */
struct alx_statistics {
    size_t count; /* samples that were used */
    double median;
    double p10, p90;  /* 10th and 90th percentile, interpolated */
    double low, high; /* 95 % confidence interval of the median; it needs 6 samples */
};

/* Of `count` samples, among which those that are NAN are left out. NO_MEMORY. */
ALX_API enum alx_status alx_statistics_of(const double *samples, size_t count,
                                          struct alx_statistics *out);
/* Of samples in the order in which they were taken, which share what happened to the machine for a
 * while: the interval is as wide as that of so many medians of blocks of them as are independent,
 * by their autocorrelation. From 12 samples on. `together` is of how many intervals one shall be
 * wrong in 5 % of cases (Bonferroni): 1 where it stands for itself. NO_MEMORY. */
ALX_API enum alx_status alx_statistics_in_order(const double *samples, size_t count,
                                                size_t together, struct alx_statistics *out);
/* Whether the confidence interval lies within `part` (0.02: 2 %) of the median, on both sides. */
ALX_API bool alx_statistics_are_steady(const struct alx_statistics *statistics, double part);

/* --- limits --- */

/* What a device can do at most. */
enum alx_limit {
    ALX_LIMIT_FMA,       /* multiply-adds of float32 in registers, 10^9 operations a second */
    ALX_LIMIT_FMA_HALF,  /* the same of half */
    ALX_LIMIT_DOT_INT8,  /* dot products of four 8-bit numbers, 10^9 operations a second */
    ALX_LIMIT_READ,      /* memory read by kernels, 10^9 bytes a second */
    ALX_LIMIT_COPY_TO,   /* from the host's memory to the device's, 10^9 bytes a second */
    ALX_LIMIT_COPY_FROM, /* and back */
    ALX_LIMIT_LAUNCH,    /* an empty kernel, queued and waited for, microseconds */
    ALX_LIMIT_COUNT
};
/* With its unit, e.g. "read_gb_per_s". Never NULL. */
ALX_API const char *alx_limit_name(enum alx_limit limit);

/* Kernels and buffers of the measurements. Used by one thread at a time; borrows the device, which
 * must live longer. */
typedef struct alx_limits alx_limits;

ALX_API enum alx_status alx_limits_create(alx_device *device, alx_limits **out);
/* Accepts NULL and nulls the pointer. */
ALX_API void alx_limits_destroy(alx_limits **limits);
/* Whether the device has what `limit` is about: half and 8-bit dot products are options. */
ALX_API bool alx_limits_offer(const alx_limits *limits, enum alx_limit limit);
/* One sample by the wall clock, of some ten milliseconds; the first one finds out how much work
 * that is. */
ALX_API enum alx_status alx_limits_measure(alx_limits *limits, enum alx_limit limit, double *out);

/* --- answers --- */

/* What a network should answer, by the references: every layer in double precision, rounded to
 * float32 between layers. Immutable. */
typedef struct alx_answers alx_answers;

/* `images` [count, C, H, W]. `precisions` says how the weights of each layer are stored, as
 * alx_plan_weight_precisions() does; NULL: float32. Needs no OpenCL; takes about a second for 10^9
 * MACs. `progress` may be NULL; it is told how many layers of how many are done. */
ALX_API enum alx_status alx_answers_create(const alx_model *model,
                                           const enum alx_precision *precisions,
                                           const float *images, size_t count,
                                           void (*progress)(void *user, size_t done, size_t all),
                                           void *user, alx_answers **out);
ALX_API void alx_answers_destroy(alx_answers **answers);

/* How outputs compare with the answers. */
struct alx_check {
    size_t images;
    size_t top1_agree;    /* the class is the same, or as probable within the bounds */
    double max_abs_error; /* of a probability; NAN when an output is not finite */
    double bound;         /* of the output whose error comes nearest to its bound */
    double worst;         /* its error over its bound; above 1 is wrong; NAN as above */
};
/* Compares `count` outputs [count, classes]; output i is of image i modulo the answers' count. The
 * bound of an output follows from the network: the probabilistic bound of each layer's sums, 4
 * sqrt(K) 2^-24 sum |a b| (Higham and Mary, SIAM J. Sci. Comput. 41, 2019), carried through the
 * layers behind it as independent errors. */
ALX_API struct alx_check alx_answers_compare(const alx_answers *answers, const float *outputs,
                                             size_t count);

/* --- hashes --- */

enum { ALX_HASH_BYTES = 65 }; /* 64 hexadecimal digits and a NUL */
/* SHA-256 of some bytes. */
ALX_API void alx_hash(const void *data, size_t bytes, char out[ALX_HASH_BYTES]);
/* Of all OpenCL sources in the library. */
ALX_API enum alx_status alx_kernels_hash(char out[ALX_HASH_BYTES]);
/* Of a model's weights and biases, wherever they come from. Takes about a second for 250 MB. */
ALX_API enum alx_status alx_weights_hash(const alx_model *model, char out[ALX_HASH_BYTES]);

/* --- hardware behind drivers --- */

/* Whether devices `a` and `b` of a list in its order are the same silicon behind two drivers. The
 * processor is, whichever driver computes on it; cards are by their place on the bus where both
 * drivers tell it, else by name, the first of a name being the first of the other driver's. */
ALX_API bool alx_hardware_is_same(const struct alx_device_info *infos, size_t a, size_t b);
/* What to call it: without what drivers add to names; processors as the system does (`cpu`, "" when
 * it does not tell). */
ALX_API void alx_hardware_name(const struct alx_device_info *info, const char *cpu, char out[128]);

/* --- the machine --- */

/* What stays. Texts "", numbers 0 or NAN where the system does not tell. */
struct alx_host {
    char cpu[128];
    char os[128];      /* the kernel and its release */
    char machine[64];  /* e.g. "x86_64" */
    char governor[64]; /* of the processor's clock */
    size_t logical_cpus;
    uint64_t memory_bytes;
    double clock_max_mhz;
    int on_battery; /* 1: yes, 0: no, -1: not told */
};
/* What changes while something is measured. */
struct alx_host_state {
    double clock_mhz;           /* of the fastest core, NAN where not told */
    double temperature_c;       /* the hottest, NAN where not told */
    double load;                /* processes that wanted to run in the last minute */
    double package_joule;       /* a counter, NAN where not told */
    double package_range_joule; /* where the counter begins anew */
    uint64_t throttled;         /* a counter of the times when heat lowered the clock */
    double read_s;              /* when this was read, by a clock that never goes back */
    double busy_s; /* processor time of all processes, and what the host of a virtual machine took
                      from it, since the machine started; NAN where not told */
    double own_s;  /* of this process and those of its children that have ended */
};
/* Reads what Linux tells below `root` (NULL: "/") in /proc and /sys; never fails. */
ALX_API void alx_host_read(const char *root, struct alx_host *out);
ALX_API void alx_host_state_read(const char *root, struct alx_host_state *out);
/* Energy between two states, NAN where not told. */
ALX_API double alx_host_joule(const struct alx_host_state *before,
                              const struct alx_host_state *after);
/* How many processors others than this process and its children kept busy between two states, while
 * no child of it lives at either. NAN where not told, or where they are less than a tenth of a
 * second apart. */
ALX_API double alx_host_others(const struct alx_host_state *before,
                               const struct alx_host_state *after);

#ifdef __cplusplus
}
#endif

#endif
