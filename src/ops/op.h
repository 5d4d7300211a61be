/*
 * Algorithms: the ways to compute a layer on a device.
 *
 * An algorithm is a row of a table. It says whether it can do a problem, which values its macros
 * should have on a device, how it wants its input laid out, and describes its work as data: a
 * recipe of launches with the format of its weights. Who runs a recipe need not know what it
 * computes.
 */
#ifndef ALX_OPS_OP_H
#define ALX_OPS_OP_H

#include <CL/cl.h>
#include <alexnet_cl/net.h>
#include <alexnet_cl/session.h>

#include "tensor/layout.h"
#include "util/text.h"

/* Devices that compute alike: what measured or published defaults are shipped for. */
enum alx_family {
    ALX_FAMILY_CPU, /* another one */
    ALX_FAMILY_POCL_AVX2,
    ALX_FAMILY_POCL_AVX512,
    ALX_FAMILY_INTEL_CPU, /* Intel's runtime, on whatever processor */
    ALX_FAMILY_GPU,       /* another one */
    ALX_FAMILY_GEN9,
    ALX_FAMILY_XE_LP,
    ALX_FAMILY_XE_HPG,
    ALX_FAMILY_GCN,
    ALX_FAMILY_RDNA,
    ALX_FAMILY_NVIDIA_PASCAL, /* and before */
    ALX_FAMILY_NVIDIA_TURING, /* and after */
    ALX_FAMILY_COUNT
};
/* "pocl avx2", ...; never NULL. */
const char *alx_family_name(enum alx_family family);

/* What choices depend on: the device's properties, and nothing that names this or that machine. */
struct alx_traits {
    enum alx_family family;
    bool simt;     /* neighbouring work-items run in step (GPUs); false: one work-item owns vector
                      registers (CPUs) */
    size_t vector; /* CPU: floats in a register: 4, 8, 16; SIMT: 1 */
    size_t registers;        /* CPU: vector registers */
    size_t lanes;            /* SIMT: work-items of a group; CPU: 1 */
    size_t max_lanes;        /* that a group may have */
    size_t block_read_lanes; /* SIMT: of a sub-group that reads memory in blocks; 0: none */
    size_t units;  /* compute units: how many work-groups run at the same time, at least */
    bool unified;  /* its memory is the host's, and less slow beside its arithmetic than others' */
    bool prefetch; /* asking for cache lines ahead of need has an effect */
    size_t local_bytes; /* SIMT: of a group; 0 where that is no memory of its own */
    const char *faults; /* borrowed; NULL or what is wrong on the device, see alx_device_faults() */
    bool clblast;       /* its work-groups and their local memory would fit */
    size_t max_alloc_bytes;
};
struct alx_traits alx_traits_of_device(const struct alx_device_info *info);

/* One layer to be computed for a batch. */
struct alx_problem {
    const struct alx_layer_info *info; /* borrowed */
    /* NULL, or the max-pool that an LRN layer is computed with, borrowed; `info` then has the
     * pool's output. Only algorithms that do both support it. */
    const struct alx_layer_info *pool;
    size_t batch;
    enum alx_precision precision;
    struct alx_layout in, out;
};

/* The values of an algorithm's macros; which it uses, it says in its kernel file. */
struct alx_params {
    size_t lanes, vector, vectors, pixels, rows, images;
    size_t block;     /* of the input's layout; 0: any */
    size_t tile;      /* outputs of a Winograd tile along one axis */
    size_t tiles;     /* Winograd tiles of a work-item */
    size_t prefetch;  /* 1: ask for cache lines ahead of need */
    size_t columns;   /* lanes of a work-group side by side along output channels */
    size_t split;     /* parts of k that different work-groups add up */
    size_t sub_group; /* 1: a sub-group's lanes share what they read in blocks */
    size_t whole;     /* 1: one launch does all steps of an algorithm */
    size_t bits;      /* 28: float32 weights are stored as compact.h says; 0: as they are */
    size_t stream;    /* 1: outputs go to memory past the caches */
};

/* How weights lie on the device: panels of `panel_rows` output channels, each [k /
 * k_vector][panel_rows][k_vector], padded with zeros. k runs over a weight row [IN / groups, KH,
 * KW] in the order of a layout with `block`, or over what `transform` makes of the row. */
struct alx_weight_format {
    size_t panel_rows; /* 0: the layer has no weights */
    size_t k_vector;
    size_t block;
    size_t k_elems;      /* of a row, without padding */
    size_t groups;       /* panels do not cross groups */
    size_t group_panels; /* panels of a group */
    enum alx_precision precision;
    /* Float32 in 28 bits: a panel is its rows' scales, in whole lines of 64 bytes, then [k /
     * k_vector][panel_rows / 8][7][k_vector] words; panel_rows is a multiple of 8. */
    bool compact;
    /* NULL, or turns a model's row into the k_elems values that are stored. */
    void (*transform)(const struct alx_layer_info *info, size_t tile, const float *row, float *out);
    size_t tile; /* for `transform` */
};

enum alx_role {
    ALX_ROLE_INT, /* the value itself */
    ALX_ROLE_IN,
    ALX_ROLE_OUT,
    ALX_ROLE_WEIGHTS,
    ALX_ROLE_BIAS, /* biases, then scales, both padded to whole panels */
    ALX_ROLE_WORK,
    ALX_ROLE_FIRST_PANEL, /* of the part of the weights that this launch reads */
    ALX_ROLE_PANELS       /* of that part */
};
struct alx_arg {
    enum alx_role role;
    cl_int value;
};

/* C[m][n] = A[m][k] * B[k][n], row-major, by CLBlast; `b_transposed`: B is stored [n][k]. */
struct alx_gemm {
    size_t m, n, k;
    bool b_transposed;
    enum alx_role a, b, c;
    size_t a_offset, b_offset, c_offset; /* elements */
    size_t a_stride, b_stride, c_stride; /* elements between rows */
};

enum { ALX_MAX_ARGS = 6 };
struct alx_launch {
    const char *file, *kernel; /* NULL: `gemm` is meant */
    struct alx_arg args[ALX_MAX_ARGS];
    size_t arg_count;
    size_t global[3], local[3];
    bool per_panel; /* repeated for each part of the weights: global[panel_axis] counts this part's
                       panels (in work-groups) */
    size_t panel_axis; /* 3: none does */
    size_t slices; /* set by the planner: how many launches the range is cut into; 0 or 1: one */
    struct alx_gemm
        gemm; /* per_panel: n is this part's rows, c_offset moves by the rows before it */
};

/* Everything that a session needs to run a layer. */
struct alx_recipe {
    struct alx_text options; /* macros of all its kernels */
    struct alx_launch *launches;
    size_t launch_count;
    struct alx_weight_format weights;
    size_t work_elems; /* workspace */
};
void alx_recipe_free(struct alx_recipe *recipe);
/* Appends; the launch is copied. */
enum alx_status alx_recipe_add(struct alx_recipe *recipe, const struct alx_launch *launch);
/* Adds a launch for each part of the weights, with the arguments in, weights, bias, out, first
 * panel; groups are `lanes` wide along axis 0. */
enum alx_status alx_recipe_add_panels(struct alx_recipe *recipe, const char *file,
                                      const char *kernel, const size_t global[3], size_t lanes,
                                      size_t panel_axis);
/* Adds the macros that common.h lists; every algorithm starts with it, after the format of its
 * weights. */
void alx_recipe_begin(struct alx_recipe *recipe, const struct alx_problem *problem,
                      const struct alx_params *params);

/* Sets of values among which measurements may choose. */
enum { ALX_MAX_CANDIDATES = 128 };
struct alx_candidates {
    struct alx_params list[ALX_MAX_CANDIDATES];
    size_t count;
};

struct alx_reference;
struct alx_algorithm {
    enum alx_layer_kind kind;
    const char *name;
    const char *file;
    const char *summary; /* why one would take it */
    bool safe;           /* what remains when nothing else can: never worth measuring */
    /* Whether it computes this problem; layouts are not known yet. */
    bool (*supports)(const struct alx_problem *problem, const struct alx_traits *traits);
    /* Whether it may well be the fastest for a problem that it supports; NULL: always. */
    bool (*suits)(const struct alx_problem *problem, const struct alx_traits *traits);
    /* The values that suit the device. */
    struct alx_params (*choose)(const struct alx_problem *problem, const struct alx_traits *traits);
    /* Adds other values that may be faster on the device, all of them valid, by
     * alx_candidates_add(); NULL: there are none. */
    void (*candidates)(const struct alx_problem *problem, const struct alx_traits *traits,
                       struct alx_candidates *out);
    /* The layout in which it reads its input. */
    struct alx_layout (*input_layout)(const struct alx_problem *problem,
                                      const struct alx_params *params);
    /* Fills an empty recipe; on failure the caller frees it, too. */
    enum alx_status (*describe)(const struct alx_problem *problem, const struct alx_params *params,
                                struct alx_recipe *recipe);
    /* NULL: its sums are those of the definition, exact on small integers. Otherwise replaces the
     * magnitudes that alx_reference_run() gave by the sums of the absolute values that it adds. */
    enum alx_status (*magnify)(const struct alx_problem *problem, const struct alx_params *params,
                               const struct alx_reference *reference);
};

/* All algorithms, fastest first for each kind of layer: the last of a kind supports everything. */
const struct alx_algorithm *const *alx_algorithms(size_t *count);
/* NULL when there is none of this name for this kind. */
const struct alx_algorithm *alx_algorithm_find(enum alx_layer_kind kind, const char *name);

/* All that an algorithm may run with for a problem that it supports: what it chooses itself stands
 * first, nothing stands twice. The problem's layouts are not looked at. */
void alx_candidates_of(const struct alx_algorithm *algorithm, const struct alx_problem *problem,
                       const struct alx_traits *traits, struct alx_candidates *out);
/* The place of these values among them, or `count`. */
size_t alx_candidates_find(const struct alx_candidates *candidates,
                           const struct alx_params *params);
/* Adds values that are not there yet; those for which there is no room are left out. */
void alx_candidates_add(struct alx_candidates *candidates, const struct alx_params *params);

/* The fields of alx_params by name, for files; NULL past the end. */
const char *alx_params_field_name(size_t index);
size_t *alx_params_field(struct alx_params *params, size_t index);
/* Replaces fields by those of `by` that are not 0. */
void alx_params_replace(struct alx_params *params, const struct alx_params *by);
/* How many fields differ. */
size_t alx_params_distance(const struct alx_params *a, const struct alx_params *b);

/* One line for people, e.g. "14 px x 2 x 16". */
void alx_params_text(const struct alx_params *params, char *out, size_t out_bytes);

/* Inputs and outputs are plain [N, C, H, W], weights and biases as models hold them. `magnitude`,
 * where not NULL, receives for every output the sum of |a * b| and |bias|, which error bounds are
 * made of. Sums are double. */
struct alx_reference {
    const float *in, *weights,
        *biases; /* borrowed; weights and biases NULL where the layer has none */
    double *out;
    double *magnitude;
};
void alx_reference_run(const struct alx_layer_info *info, size_t batch,
                       const struct alx_reference *reference);
/* The same of output `index` of [N, C, H, W] alone; convolutions and fully connected layers only.
 */
void alx_conv_reference_at(const struct alx_layer_info *info, const struct alx_reference *reference,
                           size_t index);
/* How far an output of this magnitude may be from the reference, for what rounding to float32 does
 * in an algorithm. */
double alx_reference_bound(const struct alx_algorithm *algorithm, const struct alx_layer_info *info,
                           enum alx_precision precision, double magnitude);
/* The same of an LRN layer with a max-pool behind it; the LRN's outputs are rounded to float32. */
enum alx_status alx_lrn_pool_reference(const struct alx_problem *problem,
                                       const struct alx_reference *reference);

/* --- for the files of this room --- */

extern const struct alx_algorithm alx_conv_winograd, alx_conv_winograd_tiled, alx_conv_tiled,
    alx_conv_direct, alx_conv_clblast, alx_conv_naive;
extern const struct alx_algorithm alx_fc_gemv, alx_fc_gemm, alx_fc_tiled, alx_fc_direct,
    alx_fc_clblast, alx_fc_naive;
extern const struct alx_algorithm alx_lrn_row, alx_lrn_pool, alx_lrn_element, alx_pool_max,
    alx_pool_average, alx_relu, alx_softmax;

void alx_conv_reference(const struct alx_layer_info *, size_t, const struct alx_reference *);
void alx_lrn_reference(const struct alx_layer_info *, size_t, const struct alx_reference *);
/* Max- and average-pooling. */
void alx_pool_reference(const struct alx_layer_info *, size_t, const struct alx_reference *);
void alx_relu_reference(const struct alx_layer_info *, size_t, const struct alx_reference *);
void alx_softmax_reference(const struct alx_layer_info *, size_t, const struct alx_reference *);

/* What the activation of conv, fc and relu makes of a sum. */
double alx_activate(const struct alx_layer *layer, double sum);
/* For the table: supports everything; only the device's lanes; any layout, NHWC by default. */
bool alx_supports_all(const struct alx_problem *problem, const struct alx_traits *traits);
struct alx_params alx_choose_lanes(const struct alx_problem *problem,
                                   const struct alx_traits *traits);
struct alx_layout alx_any_input_layout(const struct alx_problem *problem,
                                       const struct alx_params *params);
/* Other widths of a group, where neighbouring work-items run in step. */
void alx_lane_candidates(const struct alx_problem *problem, const struct alx_traits *traits,
                         struct alx_candidates *out);
/* Only where a library's tuned kernels are: its GEMMs for CPUs are far from a CPU's limit. */
bool alx_suits_simt(const struct alx_problem *problem, const struct alx_traits *traits);
/* NHWC when `block` is 0 or does not divide the channels. */
struct alx_layout alx_layout_for(struct alx_shape shape, size_t block, size_t halo);
/* On a CPU, for `count` rows (pixels, tiles, images) by `channels`: rows and vectors of channels
 * that a work-item keeps in registers so that least is computed in vain and most units are busy.
 * `parallel` times as many work-items as panels of channels will run. */
void alx_choose_register_tile(size_t count, size_t channels, size_t parallel,
                              const struct alx_traits *traits, struct alx_params *params);
/* The most rows beside `vectors` vectors: registers hold the sums, a panel's vectors and one input
 * value. */
size_t alx_most_rows(size_t vectors, const struct alx_traits *traits);
/* The largest divisor of `value` up to `limit`. */
size_t alx_divisor(size_t value, size_t limit);
/* The largest power of two up to `limit` that divides `value`. */
size_t alx_power_of_two_divisor(size_t value, size_t limit);

#endif
