/*
 * What a session is inside the library.
 */
#ifndef ALX_SESSION_SESSION_H
#define ALX_SESSION_SESSION_H

#include <CL/cl.h>
#include <alexnet_cl/session.h>

#include "ops/pack.h"
#include "plan/plan.h"

/* A launch with its buffers: one for each slice, for each part of the weights that it reads. */
struct alx_bound_launch {
    const struct alx_launch *launch; /* borrowed from the plan */
    cl_kernel kernel;                /* owned; NULL for a GEMM */
    size_t offset[3], global[3];     /* of its slice */
    size_t part;                     /* of the step's weights */
    size_t slice;
    struct alx_gemm gemm; /* with this part's rows */
    cl_mem a, b, c;       /* borrowed */
    cl_event event;       /* of the last run, when profiling */
};

struct alx_bound_step {
    const struct alx_step *step; /* borrowed from the plan */
    struct alx_pack pack;
    cl_mem bias;   /* owned, NULL without weights */
    cl_mem *parts; /* owned buffers, part_count of them; a streamed step borrows the staging buffers
                      instead */
    cl_mem work;
    struct alx_bound_launch *launches;
    size_t launch_count;
    uint64_t device_ns; /* of all its launches in the last run */
    uint64_t start_ns;  /* of its first launch, by the clock that times it */
    bool impossible;    /* the device told an end before its start */
};

struct alx_session {
    const struct alx_plan *plan; /* borrowed */
    struct alx_tensor_view *weights, *biases,
        *scales;            /* owned lists of borrowed values, one a layer of the net */
    cl_command_queue queue; /* borrowed from the device */
    cl_mem arena;
    cl_mem *tensors; /* sub-buffers, step_count + 1 */
    struct alx_bound_step *steps;
    cl_mem staging[2];
    void *staging_host[2];
    cl_event staging_written[2];
    struct alx_session_times times;
    bool waits;         /* each step is waited for, and timed by the host's clock */
    uint64_t device_ns; /* of the last alx_session_run(): from the first launch's start to the last
                           one's end, summed over its batches; 0 without profiling */
};

/* Like alx_session_create(), with the values of each layer of the net given: lists of
 * alx_net_layer_count() views, which are copied, of values that are borrowed. `scales` may be NULL
 * when no weights are I8. */
enum alx_status alx_session_create_with(const alx_plan *plan, const struct alx_tensor_view *weights,
                                        const struct alx_tensor_view *biases,
                                        const struct alx_tensor_view *scales, alx_session **out);

/* weights.c: allocates and fills what a step keeps on the device. `model`: NULL, or who owns the
 * values, and has them leave memory once they are packed. */
enum alx_status alx_session_upload(alx_session *session, struct alx_bound_step *bound,
                                   const alx_model *model);
/* Sends one part of a streamed step to the staging buffer that its launches read. */
enum alx_status alx_session_stream(alx_session *session, struct alx_bound_step *bound, size_t part);
/* How many panels part `part` of a step's weights has. */
size_t alx_session_part_panels(const struct alx_step *step, size_t part);
/* The buffer from which part `part` of a step is read. */
cl_mem alx_session_part(const alx_session *session, const struct alx_bound_step *bound,
                        size_t part);

/* gemm.c: by CLBlast; an error without it. `event` may be NULL. */
enum alx_status alx_gemm_enqueue(const struct alx_gemm *gemm, cl_mem a, cl_mem b, cl_mem c,
                                 cl_command_queue queue, cl_event *event);

#endif
