#include <alexnet_cl/verify.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cl.h"
#include "device/device.h"
#include "device/faults.h"
#include "net/shape.h"
#include "ops/pack.h"
#include "plan/plan.h"
#include "session/session.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/random.h"
#include "verify/shapes.h"

/* --- how an algorithm is tried --- */

/* One set of traits and a precision: the values of the macros follow from them. */
struct form {
    const char *name;
    struct alx_traits traits;
    enum alx_precision precision;
    bool fewer; /* not what this device would choose by default: fewer shapes */
};
enum { MAX_FORMS = 10 };

/* The device's own form at all precisions, then the forms that other devices would choose. */
static size_t forms_of(const struct alx_device_info *info, const struct alx_algorithm *algorithm,
                       struct form forms[MAX_FORMS])
{
    struct alx_traits own = alx_traits_of_device(info), simt = own, cpu8 = own, cpu16 = own;
    bool weighted = algorithm->kind == ALX_LAYER_CONV || algorithm->kind == ALX_LAYER_FC;
    size_t count = 0;
    simt.simt = true;
    simt.vector = 1;
    simt.lanes = alx_min(8, alx_max(1, info->max_work_group));
    simt.block_read_lanes = 0;
    simt.max_lanes = alx_min(16, alx_max(1, info->max_work_group));
    simt.family = ALX_FAMILY_GPU;
    cpu8.family = cpu16.family = ALX_FAMILY_CPU;
    cpu8.simt = cpu16.simt = false;
    cpu8.lanes = cpu16.lanes = 1;
    cpu8.vector = 8;
    cpu8.registers = 16;
    cpu16.vector = 16;
    cpu16.registers = 32;
    forms[count++] =
        (struct form){own.simt ? "own, SIMT" : "own, CPU", own, ALX_PRECISION_FP32, false};
    for (int p = ALX_PRECISION_FP16; p <= ALX_PRECISION_INT8 && weighted; p++)
        forms[count++] = (struct form){forms[0].name, own, (enum alx_precision)p, true};
    if (!own.simt)
        forms[count++] = (struct form){"SIMT 8", simt, ALX_PRECISION_FP32, true};
    if (!own.simt && weighted)
        forms[count++] = (struct form){"SIMT 8", simt, ALX_PRECISION_INT8, true};
    for (size_t lanes = 8; lanes <= info->block_read_lanes && weighted; lanes *= 2) {
        simt.block_read_lanes = lanes;
        forms[count++] = (struct form){lanes == 8 ? "blocks 8" : "blocks 16", simt,
                                       lanes == 8 ? ALX_PRECISION_FP32 : ALX_PRECISION_FP16, true};
    }
    if (own.simt || own.vector != 8)
        forms[count++] = (struct form){"CPU 8", cpu8, ALX_PRECISION_FP32, true};
    /* the width aside, as the one before: not where it takes long */
    if (!info->simulator && !info->software && (own.simt || own.vector != 16))
        forms[count++] = (struct form){"CPU 16", cpu16, ALX_PRECISION_FP32, true};
    return count;
}

/* Whether an earlier form of the same precision gives the macros the same values, for a shape that
 * is not tiny. */
static bool repeats(const struct alx_algorithm *algorithm, const struct form *forms, size_t index)
{
    struct alx_layer_info info = {.in = {96, 13, 13}, .out = {96, 13, 13}};
    info.layer = (struct alx_layer){.kind = algorithm->kind,
                                    .groups = 1,
                                    .out_channels = 96,
                                    .kernel_h = 3,
                                    .kernel_w = 3,
                                    .stride_h = 1,
                                    .stride_w = 1,
                                    .dilation_h = 1,
                                    .dilation_w = 1};
    struct alx_problem problem = {.info = &info, .batch = 2, .precision = forms[index].precision};
    struct alx_params params = algorithm->choose(&problem, &forms[index].traits);
    for (size_t i = 0; i < index; i++) {
        struct alx_params other = algorithm->choose(&problem, &forms[i].traits);
        if (forms[i].precision == forms[index].precision && !memcmp(&params, &other, sizeof params))
            return true;
    }
    return false;
}

/* --- one shape --- */

struct trial {
    alx_device *device;
    const struct alx_algorithm *algorithm;
    const struct form *form;
    size_t index;           /* of the shape: layouts and parts vary with it */
    size_t candidate;       /* which of the algorithm's sets of values; 0: what it chooses itself */
    bool all;               /* candidates are tried */
    size_t candidate_count; /* that there are for this shape, once it is planned */
    struct alx_verify_shape shape;
    struct alx_layer_info info;
    alx_net *net;
    alx_plan *plan;
    float *in, *weights, *biases, *out;
    double *expected, *magnitude;
    struct alx_verify_row *row;
    bool wrong; /* an output is beyond its bound */
};

static void trial_free(struct trial *t)
{
    alx_plan_destroy(&t->plan);
    alx_net_destroy(&t->net);
    free(t->in);
    free(t->weights);
    free(t->biases);
    free(t->out);
    free(t->expected);
    free(t->magnitude);
}

static size_t weight_elems(const struct trial *t)
{
    struct alx_weight_shape w = alx_layer_weight_shape(&t->info);
    return w.out_channels * w.in_channels * w.kernel_h * w.kernel_w;
}

/* How many sets of values the algorithm may run this shape with. */
static size_t candidates_of(const struct trial *t)
{
    struct alx_candidates candidates;
    const struct alx_problem problem = {.info = &t->info,
                                        .pool = t->shape.pool.kernel_h ? alx_net_layer(t->net, 1)
                                                                       : NULL,
                                        .batch = t->shape.batch,
                                        .precision = t->form->precision};
    if (!t->algorithm->supports(&problem, &t->form->traits))
        return 0;
    alx_candidates_of(t->algorithm, &problem, &t->form->traits, &candidates);
    return candidates.count;
}

/* Turns with the shape's number through the layouts and the ways to split weights, and unless a
 * candidate is given, on every other shape through the candidates. */
static enum alx_status trial_plan(struct trial *t)
{
    enum alx_status status = ALX_STATUS_OK;
    const size_t i = t->index;
    struct alx_plan_options options = {.batch = t->shape.batch, .precision = t->form->precision};
    struct alx_plan_overrides overrides = {.traits = &t->form->traits,
                                           .algorithm = t->algorithm->name};
    const struct alx_layer layers[] = {t->shape.layer, t->shape.pool};
    size_t layer_count = t->shape.pool.kernel_h ? 2 : 1;
    ALX_TRY(alx_net_create("verify", t->shape.in, layers, layer_count, &t->net));
    t->info = *alx_net_layer(t->net, 0);
    t->info.out = alx_net_output(t->net);
    const size_t in_blocks[] = {0, 1, alx_power_of_two_divisor(t->info.in.channels, 16)};
    const size_t out_blocks[] = {t->info.out.channels,
                                 alx_power_of_two_divisor(t->info.out.channels, 16), 1};
    bool linear = t->info.layer.kind == ALX_LAYER_FC; /* written as a plain vector */
    t->candidate_count = candidates_of(t);
    overrides.candidate = t->candidate;
    if (!t->candidate && !t->all && i % 2 && t->candidate_count > 1)
        overrides.candidate = 1 + i / 2 % (t->candidate_count - 1);
    overrides.params.block = in_blocks[i % 3];
    if (!overrides.candidate) {
        overrides.params.tile = 2 + i % 3;
        overrides.params.split = 1 + i / 2 % 3;
    }
    overrides.out.block = out_blocks[i / 3 % 3];
    overrides.out.halo = linear ? 0 : i / 2 % 3;
    overrides.max_part_bytes = i % 4 == 3 ? 1 : 0; /* one panel a part */
    overrides.slices = i % 3 == 2 ? 3 : 0;
    ALX_TRY(alx_plan_create_with(t->net, t->device, &options, &overrides, &t->plan));
error:
    return status;
}

static enum alx_status trial_allocate(struct trial *t)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t in = t->shape.batch * alx_shape_elems(t->info.in);
    size_t out = t->shape.batch * alx_shape_elems(t->info.out);
    ALX_TRY(alx_alloc(in, sizeof(float), "verify", &t->in));
    ALX_TRY(alx_alloc(weight_elems(t), sizeof(float), "verify", &t->weights));
    ALX_TRY(alx_alloc(t->info.layer.out_channels, sizeof(float), "verify", &t->biases));
    ALX_TRY(alx_alloc(out, sizeof(float), "verify", &t->out));
    ALX_TRY(alx_alloc(out, sizeof(double), "verify", &t->expected));
    ALX_TRY(alx_alloc(out, sizeof(double), "verify", &t->magnitude));
error:
    return status;
}

/* Small integers keep every sum exact; 127 in each row makes int8's scale 1. */
static void fill(struct trial *t, bool integers)
{
    uint64_t state = 1000 * t->index + integers;
    size_t in = t->shape.batch * alx_shape_elems(t->info.in), weights = weight_elems(t);
    size_t rows = weights ? t->info.layer.out_channels : 0;
    for (size_t i = 0; i < in; i++)
        t->in[i] =
            integers ? (float)alx_random_int(&state, -4, 4) : alx_random_float(&state, -2, 2);
    for (size_t i = 0; i < weights; i++)
        t->weights[i] =
            integers ? (float)alx_random_int(&state, -2, 2) : alx_random_float(&state, -1, 1);
    for (size_t i = 0; i < rows; i++)
        t->biases[i] =
            integers ? (float)alx_random_int(&state, -8, 8) : alx_random_float(&state, -1, 1);
    if (integers && t->form->precision == ALX_PRECISION_INT8)
        for (size_t i = 0; i < rows; i++)
            t->weights[i * (weights / rows)] = 127;
}

/* The largest error that output `i` may have. */
static double bound_of(const struct trial *t, size_t i, bool integers)
{
    bool sums = t->info.layer.kind == ALX_LAYER_CONV || t->info.layer.kind == ALX_LAYER_FC;
    if (integers && sums && !t->algorithm->magnify)
        return 0;
    return alx_reference_bound(t->algorithm, &t->info, t->form->precision, t->magnitude[i]);
}

static void compare(struct trial *t, bool integers)
{
    struct alx_verify_row *row = t->row;
    struct alx_shape s = t->info.out;
    bool wrong = false;
    for (size_t i = 0; i < t->shape.batch * alx_shape_elems(s); i++) {
        double error = fabs((double)t->out[i] - t->expected[i]), bound = bound_of(t, i, integers);
        bool good = error <= bound; /* false for NaN */
        if (bound > 0 && error / bound > row->worst)
            row->worst = error / bound;
        if (!good && !wrong && !row->detail[0])
            snprintf(row->detail, sizeof row->detail,
                     "shape %zu (%zux%zux%zux%zu -> %zux%zux%zu), %s: image %zu, channel %zu, row "
                     "%zu, column %zu is %.9g instead of %.9g",
                     t->index + 1, t->shape.batch, t->info.in.channels, t->info.in.height,
                     t->info.in.width, s.channels, s.height, s.width,
                     integers ? "integers" : "real numbers", i / alx_shape_elems(s),
                     i / (s.height * s.width) % s.channels, i / s.width % s.height, i % s.width,
                     (double)t->out[i], t->expected[i]);
        wrong = wrong || !good;
    }
    t->wrong = t->wrong || wrong;
}

/* Fills the tensors and the workspace with NaN: what is read without having been written shows. */
static enum alx_status poison(const struct trial *t, const alx_session *session)
{
    enum alx_status status = ALX_STATUS_OK;
    const cl_uint nan_bits = 0xffffffff;
    const struct alx_tensor *work = &t->plan->steps[0].work;
    for (size_t i = 0; i < 2; i++)
        ALX_CL(clEnqueueFillBuffer(session->queue, session->tensors[i], &nan_bits, sizeof nan_bits,
                                   0, t->plan->tensors[i].bytes, 0, NULL, NULL));
    if (work->bytes)
        ALX_CL(clEnqueueFillBuffer(session->queue, session->steps[0].work, &nan_bits,
                                   sizeof nan_bits, 0, work->bytes, 0, NULL, NULL));
error:
    return status;
}

static enum alx_status run_once(struct trial *t, bool integers)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_session *session = NULL;
    const struct alx_step *step = &t->plan->steps[0];
    size_t weights = weight_elems(t), rows = weights ? t->info.layer.out_channels : 0;
    fill(t, integers);
    /* of the layer, and of a pool behind it */
    const struct alx_tensor_view weight_views[2] = {{t->weights, ALX_DTYPE_F32, weights}};
    const struct alx_tensor_view bias_views[2] = {{t->biases, ALX_DTYPE_F32, rows}};
    ALX_TRY(alx_session_create_with(t->plan, weight_views, bias_views, NULL, &session));
    ALX_TRY(poison(t, session));
    ALX_TRY(alx_session_run(session, t->in, t->shape.batch, t->out));
    for (size_t i = 0; i < rows; i++)
        alx_pack_round_row(t->weights + i * (weights / rows), weights / rows,
                           step->recipe.weights.precision);
    const struct alx_reference reference = {t->in, t->weights, t->biases, t->expected,
                                            t->magnitude};
    if (step->problem.pool)
        ALX_TRY(alx_lrn_pool_reference(&step->problem, &reference));
    else
        alx_reference_run(&t->info, t->shape.batch, &reference);
    if (t->algorithm->magnify)
        ALX_TRY(t->algorithm->magnify(&step->problem, &step->params, &reference));
    compare(t, integers);
error:
    alx_session_destroy(&session);
    return status;
}

static enum alx_status run_trial(struct trial *t)
{
    enum alx_status status = ALX_STATUS_OK;
    bool exact = t->algorithm->kind != ALX_LAYER_LRN && t->algorithm->kind != ALX_LAYER_SOFTMAX;
    ALX_TRY(trial_plan(t));
    if (t->plan->steps[0].algorithm != t->algorithm || t->plan->step_count > 1)
        goto error; /* not for this shape */
    ALX_TRY(trial_allocate(t));
    t->row->shapes++;
    if (exact)
        ALX_TRY(run_once(t, true));
    ALX_TRY(run_once(t, false));
error:
    trial_free(t);
    return status;
}

/* --- all of them --- */

static bool wanted(const struct alx_verify_options *options, const struct alx_algorithm *algorithm)
{
    return (!options->layer || !strcmp(options->layer, alx_layer_kind_name(algorithm->kind))) &&
           (!options->algorithm || !strcmp(options->algorithm, algorithm->name));
}

/* Other precisions, and what other devices would run, are tried on two of five shapes, not the
 * first one, which is tiny: those turn through the layouts, too. */
static bool left_out(const struct form *form, size_t index)
{
    return form->fewer && index % 5 != 1 && index % 5 != 2;
}

static bool too_large(const struct alx_verify_shape *shape)
{
    enum { SMALL_MACS = 150000 }; /* a simulator computes a million a second */
    struct alx_layer_info info;
    return alx_layer_infer("verify", &shape->layer, shape->in, &info) == ALX_STATUS_OK &&
           info.macs * shape->batch > SMALL_MACS;
}

/* A device that fails is a failure of the row, and the next one gets its chance. Returns how many
 * sets of values there are. */
static size_t try_shape(struct trial *trial)
{
    struct alx_verify_row *row = trial->row;
    if (run_trial(trial) != ALX_STATUS_OK) {
        row->failures++;
        if (!row->detail[0])
            snprintf(row->detail, sizeof row->detail, "shape %zu: %.200s", trial->index + 1,
                     alx_error_message());
    } else {
        row->failures += trial->wrong;
    }
    return trial->candidate_count;
}

static void run_form(alx_device *device, const struct alx_verify_options *options,
                     const struct alx_algorithm *algorithm, const struct form *form,
                     struct alx_verify_row *row)
{
    size_t count = alx_verify_shape_count(algorithm->kind), tried = 0;
    size_t most = form->fewer && options->max_others ? options->max_others : SIZE_MAX;
    most = options->max_shapes ? alx_min(most, options->max_shapes) : most;
    for (size_t i = 0; i < count && tried < most; i++) {
        const struct alx_verify_shape shape = alx_verify_shape(algorithm->kind, i);
        size_t before = row->shapes, candidates = 1;
        if (left_out(form, i) || (options->small && too_large(&shape)))
            continue;
        for (size_t j = 0; j < (options->candidates ? candidates : 1); j++) {
            struct trial trial = {.device = device,
                                  .algorithm = algorithm,
                                  .form = form,
                                  .index = i,
                                  .candidate = j,
                                  .all = options->candidates,
                                  .shape = shape,
                                  .row = row};
            candidates = try_shape(&trial);
        }
        tried += row->shapes > before;
    }
}

/* Plans for this device leave out what is wrong in the form that they would choose. Some shapes may
 * tell that it is wrong; only all of them, that it is right again. */
static enum alx_status remember(alx_device *device, const struct alx_verify_options *options,
                                const struct alx_verify_row *row)
{
    bool all = !options->small && !options->max_shapes;
    if (!row->failures && (!row->shapes || !all))
        return ALX_STATUS_OK;
    return alx_faults_set(device, row->layer, row->algorithm, row->precision, row->failures > 0);
}

enum alx_status alx_verify_run(alx_device *device, const struct alx_verify_options *options,
                               void (*report)(void *user, const struct alx_verify_row *row),
                               void *user)
{
    static const struct alx_verify_options everything;
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_device_info *info = alx_device_get_info(device);
    size_t count, failures = 0, tried = 0;
    const struct alx_algorithm *const *algorithms = alx_algorithms(&count);
    options = options ? options : &everything;
    device->transient = true; /* a thousand programs */
    for (size_t i = 0; i < count; i++) {
        struct form forms[MAX_FORMS];
        size_t form_count =
            wanted(options, algorithms[i]) ? forms_of(info, algorithms[i], forms) : 0;
        for (size_t f = 0; f < form_count; f++) {
            if (repeats(algorithms[i], forms, f))
                continue;
            struct alx_verify_row row = {.layer = alx_layer_kind_name(algorithms[i]->kind),
                                         .algorithm = algorithms[i]->name,
                                         .form = forms[f].name,
                                         .precision = alx_precision_name(forms[f].precision)};
            run_form(device, options, algorithms[i], &forms[f], &row);
            if (!strcmp(row.form, forms[0].name))
                ALX_TRY(remember(device, options, &row));
            failures += row.failures;
            tried += row.shapes;
            if (row.shapes || row.failures)
                report(user, &row);
        }
    }
    if (!tried && !failures)
        status = alx_fail(ALX_STATUS_USAGE, "verify: no algorithm is called %s %s",
                          options->layer ? options->layer : "",
                          options->algorithm ? options->algorithm : "");
    else if (failures)
        status = alx_fail(ALX_STATUS_DEVICE,
                          "%s: %zu of %zu checks gave wrong results; it cannot be "
                          "trusted with this driver",
                          info->name, failures, tried);
error:
    device->transient = false;
    return status;
}
