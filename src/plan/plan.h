/*
 * What a plan is inside the library.
 */
#ifndef ALX_PLAN_PLAN_H
#define ALX_PLAN_PLAN_H

#include <alexnet_cl/session.h>

#include "ops/op.h"

/* A tensor in the arena, for the whole batch. */
struct alx_tensor {
    struct alx_shape shape;
    struct alx_layout layout;
    size_t bytes;
    size_t first_step, last_step; /* alive from the one that writes it to the one that reads it */
    size_t offset_bytes;
};

/* Where a choice came from. */
enum alx_origin { ALX_ORIGIN_DEFAULT, ALX_ORIGIN_FAMILY, ALX_ORIGIN_TUNED };

/* A layer that is computed. It reads tensor `index` of the plan and writes tensor `index` + 1. */
struct alx_step {
    size_t layer_index;         /* whose weights it takes */
    struct alx_layer_info info; /* with a following ReLU or max-pool folded in: its activation or
                                   its output, and a name like "norm1+pool1" */
    struct alx_layer_info pool; /* the max-pool that was folded in; kernel_h 0: none */
    const struct alx_algorithm *algorithm;
    enum alx_origin origin;
    struct alx_params params;
    struct alx_problem problem;
    struct alx_recipe recipe;
    struct alx_tensor work; /* bytes 0: none */
    /* Weights lie in parts of whole panels, each a buffer of its own. */
    size_t panels, part_panels, part_count;
    size_t panel_bytes;
    bool streamed;
    struct alx_plan_step shown;
};

struct alx_plan {
    const alx_net *net; /* borrowed */
    alx_device *device; /* borrowed; NULL: a described device, on which nothing can run */
    struct alx_traits traits;
    size_t batch;
    enum alx_precision precision;
    struct alx_step *steps;
    size_t step_count;
    struct alx_tensor *tensors; /* step_count + 1 */
    size_t staging_part_bytes;  /* of each of two buffers; 0: nothing is streamed */
    struct alx_plan_memory memory;
};

/* Choices made for the planner, by tests and by verify. Zero means: choose. */
struct alx_plan_overrides {
    const struct alx_traits *traits;
    const char *algorithm;    /* for every layer that it supports */
    size_t candidate;         /* its values: their place in alx_candidates_of() */
    struct alx_params params; /* non-zero fields replace the chosen ones, for `algorithm` */
    struct alx_layout out;    /* of the last tensor */
    size_t max_part_bytes;
    size_t slices; /* of every launch that is a kernel */
};

enum alx_status alx_plan_create_with(const alx_net *net, alx_device *device,
                                     const struct alx_plan_options *options,
                                     const struct alx_plan_overrides *overrides, alx_plan **out);

/* The same for a device that is only described: to be looked at, not to be run. Of `info`, the
 * traits (unless overridden), the memory's size and the alignment are used. */
enum alx_status alx_plan_describe(const alx_net *net, const struct alx_device_info *info,
                                  const struct alx_plan_options *options,
                                  const struct alx_plan_overrides *overrides, alx_plan **out);

/* choose.c. What is wished for beside speed. */
struct alx_wishes {
    const char *algorithm;      /* NULL, or the name that comes first where it can be used */
    bool exact;                 /* as in alx_plan_options */
    const alx_tunings *tunings; /* NULL: none */
    const struct alx_device_info *device;
};
struct alx_choice {
    const struct alx_algorithm *algorithm;
    struct alx_params params;
    enum alx_origin origin;
    char reason[160];
};
/* The last algorithm of each kind supports everything and is exact; false only where verify found
 * all to be wrong. */
bool alx_choose(const struct alx_problem *problem, const struct alx_traits *traits,
                const struct alx_wishes *wishes, struct alx_choice *out);

/* Whether a max-pool should be folded into the LRN layer before it: `problem` has both. */
bool alx_choose_pooled(const struct alx_problem *problem, const struct alx_traits *traits,
                       const char *wanted);

/* pace.c: cuts launches that might last too long into slices; `slices` as in alx_plan_overrides.
 * Parts of weights are known already. */
void alx_pace_step(struct alx_step *step, size_t batch, const struct alx_device_info *info,
                   size_t slices);

/* arena.c: gives every block an offset such that no two that are alive at the same time overlap;
 * returns the arena's size. Blocks of 0 bytes are left out and get offset 0. */
struct alx_block {
    size_t bytes, first, last; /* alive in steps first..last */
    size_t *offset;            /* borrowed; written */
    bool placed;               /* while placing */
};
size_t alx_arena_place(struct alx_block *blocks, size_t count, size_t align);

#endif
