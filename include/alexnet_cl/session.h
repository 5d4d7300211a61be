/*
 * A plan says how a network runs on a device; a session runs it.
 */
#ifndef ALEXNET_CL_SESSION_H
#define ALEXNET_CL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "export.h"
#include "model.h"
#include "net.h"
#include "status.h"
#include "tunings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How weights are stored on the device; sums are float32 in all three. int8 has a scale per output
 * channel. */
enum alx_precision { ALX_PRECISION_FP32, ALX_PRECISION_FP16, ALX_PRECISION_INT8 };
/* "fp32", "fp16", "int8". Never NULL. */
ALX_API const char *alx_precision_name(enum alx_precision precision);

/* Zero means the default. Choices come from `force_algorithm`, then from `tunings`, then from what
 * is shipped for the device's family, then from what can compute a layer at all. */
struct alx_plan_options {
    size_t batch; /* images a run, at least 1 */
    enum alx_precision precision;
    uint64_t memory_limit_bytes; /* 0: half of what the device has. Weights that do not fit are
                                    streamed at every run. */
    const char
        *force_algorithm; /* NULL, or the name of the algorithm to use wherever it can be used */
    bool exact;           /* only algorithms whose sums are those of the definition: no Winograd */
    const alx_tunings *tunings; /* borrowed while the plan is made; NULL: none */
};

/* The choice for every layer, the layout of every tensor and its place in the arena. Immutable.
 * Borrows net and device, which must live longer. */
typedef struct alx_plan alx_plan;

/* Chooses. MEMORY_LIMIT says how much is needed when arena and the smallest pieces of weights do
 * not fit. `options` may be NULL. */
ALX_API enum alx_status alx_plan_create(const alx_net *net, alx_device *device,
                                        const struct alx_plan_options *options, alx_plan **out);
ALX_API void alx_plan_destroy(alx_plan **plan);

/* One step of the plan: a layer that costs something (dropout, for one, does not). */
struct alx_plan_step {
    const char *layer;     /* the layer's name */
    const char *algorithm; /* e.g. "direct" */
    const char *file;      /* the kernel's source, e.g. "conv.cl" */
    char parameters[128];  /* e.g. "14 px x 2 x 16, NHWC" */
    char reason[160];      /* why it was chosen */
    uint64_t macs;         /* for the whole batch */
    uint64_t weight_bytes;
    uint64_t moved_bytes; /* weights, input and output read or written once */
    bool streamed;        /* weights are sent at every run */
};
ALX_API size_t alx_plan_step_count(const alx_plan *plan);
ALX_API const struct alx_plan_step *alx_plan_step(const alx_plan *plan, size_t index);

/* Device memory that a session of this plan allocates: known before anything is. */
struct alx_plan_memory {
    uint64_t weights_bytes;
    uint64_t arena_bytes;
    uint64_t staging_bytes; /* for streamed weights */
    uint64_t limit_bytes;
};
ALX_API struct alx_plan_memory alx_plan_memory(const alx_plan *plan);
ALX_API size_t alx_plan_batch(const alx_plan *plan);
/* How each layer's weights are stored, out[layers of the net]: the plan's precision, but float32
 * where an algorithm transforms them and would lose accuracy (Winograd). */
ALX_API void alx_plan_weight_precisions(const alx_plan *plan, enum alx_precision *out);
/* Where the choices came from: "tuned" when any step was, "family" when defaults are shipped for
 * the device's family, else "default". */
ALX_API const char *alx_plan_origin(const alx_plan *plan);

/* Bound buffers and kernels. Used by one thread at a time. Borrows plan and model, which must live
 * longer. */
typedef struct alx_session alx_session;

/* Builds the kernels, allocates, sends the weights. The model's net must be the plan's. */
ALX_API enum alx_status alx_session_create(const alx_plan *plan, const alx_model *model,
                                           alx_session **out);
ALX_API void alx_session_destroy(alx_session **session);

/* Runs `count` images, 1 to any number, in runs of the plan's batch (the last may be partial).
 * `images` [count, C, H, W]; `out` [count, classes], both in this layout whatever the device uses.
 */
ALX_API enum alx_status alx_session_run(alx_session *session, const float *images, size_t count,
                                        float *out);

/* Times of the last alx_session_run() and of creation; host wall clock. */
struct alx_session_times {
    uint64_t build_ns;
    uint64_t upload_ns;
    uint64_t run_ns;
};
ALX_API struct alx_session_times alx_session_times(const alx_session *session);
/* For devices whose own clock tells nothing: from the next run on, `wait` has every step waited
 * for, also without profiling. Its time is then that of the host's clock, the launch and the wait
 * included, and the run takes longer by these. */
ALX_API void alx_session_wait_for_steps(alx_session *session, bool wait);
/* Time of a step in the last run, by the device's clock; 0 unless the device was opened with
 * profiling or steps are waited for, and where its clock ran backwards. */
ALX_API uint64_t alx_session_step_ns(const alx_session *session, size_t step);
/* When it started in the last batch, counted from the start of step 0. */
ALX_API uint64_t alx_session_step_start_ns(const alx_session *session, size_t step);

#ifdef __cplusplus
}
#endif

#endif
