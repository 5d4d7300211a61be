/*
 * Measuring which algorithm and which parameters compute each layer fastest on a device: what
 * `alexnet-cl tune` runs.
 */
#ifndef ALEXNET_CL_TUNE_H
#define ALEXNET_CL_TUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "export.h"
#include "net.h"
#include "session.h"
#include "status.h"
#include "tunings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
struct alx_tune_options {
    size_t batch; /* images a run, at least 1 */
    enum alx_precision precision;
    uint64_t memory_limit_bytes; /* as in alx_plan_options */
    uint64_t budget_ns;          /* compiling included; 0: 60 s */
    bool exhaustive;             /* every candidate of every layer, however long it takes */
};

struct alx_tune_progress {
    const char *what;  /* the layer, or what else is being done; borrowed during the call */
    size_t done, all;  /* different layers */
    size_t candidates; /* measured so far */
    uint64_t left_ns;  /* of the budget */
    bool found;        /* a layer has just been finished: its tuning is new in the list */
};
typedef void alx_tune_report(void *user, const struct alx_tune_progress *progress);

struct alx_tune_result {
    size_t layers;                 /* different ones that can be computed in several ways */
    size_t candidates;             /* measured */
    size_t refused;                /* whose numbers were wrong, or that the device could not run */
    uint64_t default_ns, tuned_ns; /* medians of whole runs, in turn: the plan without and with what
                                      was found; 0: not measured */
    uint64_t ns;                   /* it took */
};

/* Finds tunings for all layers of a network and puts them into `into`, where they may be used as
 * they come. Weights are random. Open the device with `profiling` for times of its own clock, which
 * are less noisy.
 *
 * Candidates of a layer are measured in turn, with caches as cold as in a large network; one that
 * takes twice the best's time is given up, one whose numbers are not those of the reference is
 * refused. The best three of every layer are then measured in the whole network, and so is what
 * comes out of it against the default. When the budget ends early, layers that cost least are left
 * as they are. Fails like creating and running a session. `report` may be NULL. */
ALX_API enum alx_status alx_tune(alx_device *device, const alx_net *net,
                                 const struct alx_tune_options *options, alx_tune_report *report,
                                 void *user, alx_tunings *into, struct alx_tune_result *out);

#ifdef __cplusplus
}
#endif

#endif
