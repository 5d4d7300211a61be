#include "tune/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "device/cl.h"
#include "device/device.h"
#include "device/program.h"
#include "net/shape.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/random.h"
#include "util/text.h"

/* --- cold caches --- */

enum { CHILL_BYTES = 64 << 20, CHUNK = 1 << 14 }; /* floats that a lane reads */

enum alx_status alx_chill_create(alx_device *device, const struct alx_traits *traits,
                                 struct alx_chill *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_chill chill = {.device = device, .lanes = traits->lanes};
    struct alx_text options = {0};
    const float zero = 0;
    chill.items = CHILL_BYTES / sizeof zero / CHUNK / chill.lanes * chill.lanes;
    size_t in_bytes = chill.items * CHUNK * sizeof zero, out_bytes = chill.items * sizeof zero;
    alx_text_add(&options, "-DVECTOR=%zu -DLANES=%zu -DSTEPS=1 -DCHUNK=%d", traits->vector,
                 traits->lanes, CHUNK);
    ALX_TRY(alx_kernel_create(device, "limits.cl", "limits_read", alx_text_get(&options),
                              &chill.kernel));
    ALX_TRY(alx_buffer_create(device, in_bytes, &chill.in));
    ALX_TRY(alx_buffer_create(device, out_bytes, &chill.out));
    ALX_CL(clEnqueueFillBuffer(device->queue, chill.in, &zero, sizeof zero, 0, in_bytes, 0, NULL,
                               NULL));
    ALX_CL(clSetKernelArg(chill.kernel, 0, sizeof chill.in, &chill.in));
    ALX_CL(clSetKernelArg(chill.kernel, 1, sizeof chill.out, &chill.out));
    *out = chill;
    chill = (struct alx_chill){0};
error:
    alx_chill_destroy(&chill);
    alx_text_free(&options);
    return status;
}

enum alx_status alx_chill_run(struct alx_chill *chill)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_CL(clEnqueueNDRangeKernel(chill->device->queue, chill->kernel, 1, NULL, &chill->items,
                                  &chill->lanes, 0, NULL, NULL));
error:
    return status;
}

void alx_chill_destroy(struct alx_chill *chill)
{
    if (chill->kernel)
        clReleaseKernel(chill->kernel);
    alx_buffer_release(chill->in);
    alx_buffer_release(chill->out);
    *chill = (struct alx_chill){0};
}

/* --- a layer alone --- */

static bool has_weights(const struct alx_layer_trial *t)
{
    return t->weights[0].elems > 0;
}

static enum alx_status make_data(struct alx_layer_trial *t)
{
    enum alx_status status = ALX_STATUS_OK;
    uint64_t random = 5;
    size_t batch = t->plan->batch, image = alx_shape_elems(t->step->info.in);
    t->out_elems = batch * alx_shape_elems(t->step->info.out);
    ALX_TRY(alx_alloc(batch * image, sizeof *t->in, "tuning", &t->in));
    ALX_TRY(alx_alloc(t->out_elems, sizeof *t->out, "tuning", &t->out));
    ALX_TRY(alx_alloc(t->out_elems, sizeof *t->usual, "tuning", &t->usual));
    for (size_t i = 0; i < batch * image; i++)
        t->in[i] = alx_random_float(&random, -1, 1);
error:
    return status;
}

/* Some outputs of a convolution or fully connected layer, of all images; `exact` or as the
 * precision stores weights. */
static enum alx_status refer_sums(struct alx_layer_trial *t, bool exact)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_layer_info *info = &t->step->info;
    size_t elems = t->weights[0].elems, rows = info->layer.out_channels;
    float *rounded = NULL;
    double *out = NULL, *magnitude = NULL;
    struct alx_reference reference = {.in = t->in,
                                      .weights = t->weights[0].data,
                                      .biases = t->biases[0].elems ? t->biases[0].data : NULL};
    ALX_TRY(alx_alloc(t->out_elems, sizeof *out, "tuning", &out));
    ALX_TRY(alx_alloc(t->out_elems, sizeof *magnitude, "tuning", &magnitude));
    reference.out = out;
    reference.magnitude = magnitude;
    if (!exact && t->plan->precision != ALX_PRECISION_FP32) {
        ALX_TRY(alx_alloc(elems, sizeof *rounded, "tuning", &rounded));
        memcpy(rounded, t->weights[0].data, elems * sizeof *rounded);
        for (size_t i = 0; i < rows; i++)
            alx_pack_round_row(rounded + i * (elems / rows), elems / rows, t->plan->precision);
        reference.weights = rounded;
    }
    for (size_t i = 0; i < t->sample_count; i++) {
        alx_conv_reference_at(info, &reference, t->places[i]);
        t->values[exact][i] = out[t->places[i]];
        t->magnitudes[exact][i] = magnitude[t->places[i]];
    }
error:
    free(magnitude);
    free(out);
    free(rounded);
    return status;
}

/* Some outputs of another layer, of the first image. */
static enum alx_status refer_image(struct alx_layer_trial *t)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_problem problem = t->step->problem;
    size_t elems = alx_shape_elems(t->step->info.out);
    double *out = NULL, *magnitude = NULL;
    problem.batch = 1;
    ALX_TRY(alx_alloc(elems, sizeof *out, "tuning", &out));
    ALX_TRY(alx_alloc(elems, sizeof *magnitude, "tuning", &magnitude));
    const struct alx_reference reference = {.in = t->in, .out = out, .magnitude = magnitude};
    if (problem.pool)
        ALX_TRY(alx_lrn_pool_reference(&problem, &reference));
    else
        alx_reference_run(problem.info, 1, &reference);
    for (size_t i = 0; i < t->sample_count; i++) {
        t->places[i] %= elems;
        for (size_t exact = 0; exact < 2; exact++) {
            t->values[exact][i] = out[t->places[i]];
            t->magnitudes[exact][i] = magnitude[t->places[i]];
        }
    }
error:
    free(magnitude);
    free(out);
    return status;
}

/* The whole reference would take longer than tuning: it gives a sample, and all else is compared
 * with what the default computes. */
static enum alx_status make_reference(struct alx_layer_trial *t)
{
    enum alx_status status = ALX_STATUS_OK;
    enum { SAMPLES = 1000 };
    uint64_t random = 7;
    t->sample_count = alx_min(SAMPLES, t->out_elems);
    ALX_TRY(alx_alloc(t->sample_count, sizeof *t->places, "tuning", &t->places));
    for (size_t i = 0; i < 2; i++) {
        ALX_TRY(alx_alloc(t->sample_count, sizeof *t->values[i], "tuning", &t->values[i]));
        ALX_TRY(alx_alloc(t->sample_count, sizeof *t->magnitudes[i], "tuning", &t->magnitudes[i]));
    }
    for (size_t i = 0; i < t->sample_count; i++)
        t->places[i] = (size_t)(alx_random_next(&random) % t->out_elems);
    if (has_weights(t)) {
        ALX_TRY(refer_sums(t, false));
        ALX_TRY(refer_sums(t, true));
    } else {
        ALX_TRY(refer_image(t));
    }
error:
    return status;
}

enum alx_status alx_layer_trial_create(const struct alx_plan *plan, size_t index,
                                       const alx_model *model, uint64_t memory_limit_bytes,
                                       struct alx_layer_trial *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_step *step = &plan->steps[index];
    const struct alx_layer layers[] = {step->info.layer, step->pool.layer};
    struct alx_layer_trial t = {.device = plan->device,
                                .plan = plan,
                                .step = step,
                                .index = index,
                                .memory_limit_bytes = memory_limit_bytes,
                                .weights = {alx_model_weights(model, step->layer_index)},
                                .biases = {alx_model_biases(model, step->layer_index)}};
    ALX_TRY(alx_net_create("tune", step->info.in, layers, step->problem.pool ? 2 : 1, &t.net));
    ALX_TRY(make_data(&t));
    ALX_TRY(make_reference(&t));
    *out = t;
    t = (struct alx_layer_trial){0};
error:
    alx_layer_trial_destroy(&t);
    return status;
}

void alx_layer_trial_destroy(struct alx_layer_trial *t)
{
    alx_net_destroy(&t->net);
    for (size_t i = 0; i < 2; i++) {
        free(t->values[i]);
        free(t->magnitudes[i]);
    }
    free(t->places);
    free(t->in);
    free(t->out);
    free(t->usual);
    *t = (struct alx_layer_trial){0};
}

/* --- checking --- */

/* An algorithm with transforms of its own is allowed their errors. How large those are exactly,
 * verify knows; here it is about wrong indices. */
enum { TRANSFORMED = 16 };

static double bound_of(const struct alx_layer_trial *t, const struct alx_algorithm *algorithm,
                       double magnitude)
{
    double bound = alx_reference_bound(algorithm, &t->step->info, t->plan->precision, magnitude);
    return algorithm->magnify ? TRANSFORMED * bound : bound;
}

static bool is_exact(const struct alx_way *way)
{
    return way->plan->steps[0].recipe.weights.precision == ALX_PRECISION_FP32;
}

static bool samples_are_right(const struct alx_layer_trial *t, const struct alx_way *way)
{
    bool exact = is_exact(way);
    for (size_t i = 0; i < t->sample_count; i++) {
        double error = fabs((double)t->out[t->places[i]] - t->values[exact][i]);
        if (!(error <= bound_of(t, way->algorithm, t->magnitudes[exact][i]))) /* also NaN */
            return false;
    }
    return true;
}

/* The default sets what others are compared with: any two ways may differ by the errors of both,
 * and by that of weights that one of them rounds. */
static void set_usual(struct alx_layer_trial *t, const struct alx_way *way)
{
    static const double rounding[] = {
        [ALX_PRECISION_FP32] = 0, [ALX_PRECISION_FP16] = 0x1p-11, [ALX_PRECISION_INT8] = 0x1p-6};
    double largest = 0;
    for (size_t i = 0; i < t->sample_count; i++)
        largest = fmax(largest, t->magnitudes[1][i]);
    /* 4: outputs that are no samples may be larger */
    t->tolerance = 4 * TRANSFORMED * bound_of(t, way->algorithm, largest);
    t->rounding = rounding[t->plan->precision] * largest;
    t->usual_exact = is_exact(way);
    t->usual_known = true;
    memcpy(t->usual, t->out, t->out_elems * sizeof *t->usual);
}

static bool all_are_usual(const struct alx_layer_trial *t, const struct alx_way *way)
{
    double tolerance = t->tolerance + (is_exact(way) != t->usual_exact ? t->rounding : 0);
    for (size_t i = 0; i < t->out_elems; i++)
        if (!(fabs((double)t->out[i] - (double)t->usual[i]) <= tolerance))
            return false;
    return true;
}

/* --- one way --- */

enum alx_status alx_way_open(struct alx_layer_trial *t, struct alx_way *way, bool *right)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_plan_options options = {.batch = t->plan->batch,
                                             .precision = t->plan->precision,
                                             .memory_limit_bytes = t->memory_limit_bytes};
    const struct alx_plan_overrides overrides = {.traits = &t->plan->traits,
                                                 .algorithm = way->algorithm->name,
                                                 .candidate = way->candidate,
                                                 .out = t->plan->tensors[t->index + 1].layout};
    ALX_TRY(alx_plan_create_with(t->net, t->device, &options, &overrides, &way->plan));
    ALX_TRY(alx_session_create_with(way->plan, t->weights, t->biases, NULL, &way->session));
    memset(t->out, 0xff, t->out_elems * sizeof *t->out); /* NaN, should nothing be written */
    ALX_TRY(alx_session_run(way->session, t->in, t->plan->batch, t->out));
    *right = samples_are_right(t, way) && (!t->usual_known || all_are_usual(t, way));
    if (*right && !t->usual_known)
        set_usual(t, way);
error:
    if (status != ALX_STATUS_OK)
        alx_way_close(way);
    return status;
}

void alx_way_close(struct alx_way *way)
{
    alx_session_destroy(&way->session);
    alx_plan_destroy(&way->plan);
}

uint64_t alx_session_measured_ns(const alx_session *session)
{
    uint64_t host_ns = session->times.run_ns, device_ns = session->device_ns;
    return device_ns && device_ns <= host_ns ? device_ns : host_ns;
}

enum alx_status alx_way_time(struct alx_layer_trial *t, struct alx_way *way,
                             struct alx_chill *chill, uint64_t *ns)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_chill_run(chill));
    ALX_TRY(alx_session_run(way->session, t->in, t->plan->batch, t->out));
    *ns = alx_session_measured_ns(way->session);
error:
    return status;
}

uint64_t alx_way_bytes(const struct alx_way *way)
{
    const struct alx_plan_memory memory = alx_plan_memory(way->plan);
    return memory.weights_bytes + memory.arena_bytes + memory.staging_bytes;
}
