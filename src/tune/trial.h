/*
 * One layer of a network alone, computed in one way or another: checked and timed.
 */
#ifndef ALX_TUNE_TRIAL_H
#define ALX_TUNE_TRIAL_H

#include <CL/cl.h>

#include "plan/plan.h"
#include "session/session.h"

/* Makes caches cold: a buffer larger than they are, and a kernel that reads it. */
struct alx_chill {
    alx_device *device; /* borrowed */
    cl_kernel kernel;
    cl_mem in, out;
    size_t items, lanes;
};
enum alx_status alx_chill_create(alx_device *device, const struct alx_traits *traits,
                                 struct alx_chill *out);
enum alx_status alx_chill_run(struct alx_chill *chill);
/* Accepts one that was never created, and leaves one. */
void alx_chill_destroy(struct alx_chill *chill);

/* A layer as a network of its own, with data and with outputs to compare with. */
struct alx_layer_trial {
    alx_device *device;          /* borrowed */
    const struct alx_plan *plan; /* of the whole network, without tunings; borrowed */
    const struct alx_step *step; /* of that plan */
    size_t index;                /* of the step */
    uint64_t memory_limit_bytes;
    alx_net *net;
    struct alx_tensor_view weights[2], biases[2]; /* borrowed; of the layer, and of a folded pool */
    float *in, *out;                              /* [batch, ...] */
    float *usual;                                 /* what the default computed, once it was run */
    bool usual_exact;                             /* with weights that are not rounded */
    bool usual_known;
    size_t out_elems;
    /* Outputs that the reference gave: their places, values and magnitudes, for weights as the
     * precision stores them and for exact ones. */
    size_t sample_count, *places;
    double *values[2], *magnitudes[2];
    double tolerance, rounding; /* between two ways to compute any output, and what is added when
                                   one of them rounds weights */
};
enum alx_status alx_layer_trial_create(const struct alx_plan *plan, size_t index,
                                       const alx_model *model, uint64_t memory_limit_bytes,
                                       struct alx_layer_trial *out);
void alx_layer_trial_destroy(struct alx_layer_trial *trial);

/* One way to compute it. */
struct alx_way {
    const struct alx_algorithm *algorithm;
    size_t candidate; /* its place in alx_candidates_of() */
    struct alx_params params;
    alx_plan *plan; /* owned; NULL while closed */
    alx_session *session;
};
/* Builds it and checks its numbers; `*right` says whether they are. The default goes first. A way
 * that the device cannot run is a failure, and stays closed. */
enum alx_status alx_way_open(struct alx_layer_trial *trial, struct alx_way *way, bool *right);
void alx_way_close(struct alx_way *way);
/* Runs it once and gives the time. */
enum alx_status alx_way_time(struct alx_layer_trial *trial, struct alx_way *way,
                             struct alx_chill *chill, uint64_t *ns);
/* What it holds of the device's memory. */
uint64_t alx_way_bytes(const struct alx_way *way);

/* The time of a session's last run: the device's, if it makes sense, else the host's. */
uint64_t alx_session_measured_ns(const alx_session *session);

#endif
