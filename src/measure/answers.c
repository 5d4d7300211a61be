#include <alexnet_cl/measure.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/shape.h"
#include "ops/op.h"
#include "ops/pack.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

/* Unit roundoff of float32. */
#define U 0x1p-24

struct alx_answers {
    size_t count, classes;
    double *values; /* [count, classes] */
    double *bounds; /* the same */
};

/* What flows from layer to layer. */
struct flow {
    float *values;  /* [count, C, H, W] */
    double *out;    /* of the layer at hand; the last one's are the answers */
    double *bounds; /* of the last layer alone: its own, per value */
    double error;   /* that any one of the values may have */
    size_t count;
};

/* --- errors --- */

/* A layer's weights as the device computes with them. `*gain` is the largest root of a row's sum of
 * squares: how independent errors of the inputs grow in a sum. */
static enum alx_status rounded_weights(const alx_model *model, size_t layer,
                                       enum alx_precision precision, float **out, double *gain)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_tensor_view view = alx_model_weights(model, layer);
    size_t rows = alx_net_layer(alx_model_net(model), layer)->layer.out_channels;
    float *weights = NULL;
    ALX_TRY(alx_alloc(view.elems, sizeof *weights, "the reference", &weights));
    alx_view_read(view, 0, view.elems, weights);
    for (size_t row = 0; view.elems && row < rows; row++) {
        size_t length = view.elems / rows;
        double sum = 0;
        alx_pack_round_row(weights + row * length, length, precision);
        for (size_t i = row * length; i < (row + 1) * length; i++)
            sum += (double)weights[i] * (double)weights[i];
        *gain = fmax(*gain, sqrt(sum));
    }
    *out = weights;
error:
    return status;
}

static double largest(const double *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

/* The error behind a layer: what comes in and grows there, and the layer's own. */
static double error_behind(const struct alx_layer_info *info, const struct flow *flow, double gain,
                           size_t row, const double *magnitude)
{
    const struct alx_layer *l = &info->layer;
    size_t elems = flow->count * alx_shape_elems(info->out);
    double k = (double)row, n = (double)l->lrn_size, own;
    switch (l->kind) {
    case ALX_LAYER_CONV:
    case ALX_LAYER_FC:
        /* 16 more: the transforms of Winograd, scales, the result's own rounding */
        own = (4 * sqrt(k) + 16) * U * largest(magnitude, elems);
        return hypot(gain * flow->error, own);
    case ALX_LAYER_LRN:
        /* y = x s^-beta; by Cauchy's inequality its neighbours add at most 2 beta sqrt(n) */
        own = (n + 40) * U * largest(flow->out, elems);
        return hypot(pow(l->lrn_k, -l->lrn_beta) * (1 + 2 * l->lrn_beta * sqrt(n)) * flow->error,
                     own);
    default:
        return flow->error; /* of the largest, or of what is passed on */
    }
}

/* A probability p changes by at most 2 p (1 - p) times the largest change of what goes in. */
static void softmax_bounds(const struct flow *flow, size_t elems)
{
    for (size_t i = 0; i < elems; i++) {
        double p = flow->out[i];
        flow->bounds[i] = (2 * p * (1 - p) * flow->error + 40 * U * p) * (1 + flow->error);
    }
}

/* --- the network --- */

static enum alx_status run_layer(const alx_model *model, size_t layer, enum alx_precision precision,
                                 struct flow *flow)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_layer_info *info = alx_net_layer(alx_model_net(model), layer);
    struct alx_tensor_view view = alx_model_biases(model, layer);
    size_t elems = flow->count * alx_shape_elems(info->out);
    float *weights = NULL, *biases = NULL, *values = NULL;
    double *magnitude = NULL, gain = 0;
    if (info->layer.kind == ALX_LAYER_DROPOUT)
        return ALX_STATUS_OK;
    ALX_TRY(rounded_weights(model, layer, precision, &weights, &gain));
    size_t row = alx_model_weights(model, layer).elems / alx_max(info->layer.out_channels, 1);
    ALX_TRY(alx_alloc(view.elems, sizeof *biases, "the reference", &biases));
    ALX_TRY(alx_alloc(elems, sizeof *magnitude, "the reference", &magnitude));
    ALX_TRY(alx_alloc(elems, sizeof *values, "the reference", &values));
    free(flow->out);
    free(flow->bounds);
    flow->out = flow->bounds = NULL;
    ALX_TRY(alx_alloc(elems, sizeof *flow->out, "the reference", &flow->out));
    ALX_TRY(alx_alloc(elems, sizeof *flow->bounds, "the reference", &flow->bounds));
    alx_view_read(view, 0, view.elems, biases);
    const struct alx_reference reference = {flow->values, weights, view.elems ? biases : NULL,
                                            flow->out, magnitude};
    alx_reference_run(info, flow->count, &reference);
    flow->error = error_behind(info, flow, gain, row, magnitude);
    for (size_t i = 0; i < elems; i++) {
        values[i] = (float)flow->out[i];
        flow->bounds[i] = flow->error;
    }
    if (info->layer.kind == ALX_LAYER_SOFTMAX)
        softmax_bounds(flow, elems);
    free(flow->values);
    flow->values = values;
    values = NULL;
error:
    free(weights);
    free(biases);
    free(magnitude);
    free(values);
    return status;
}

enum alx_status alx_answers_create(const alx_model *model, const enum alx_precision *precisions,
                                   const float *images, size_t count,
                                   void (*progress)(void *user, size_t done, size_t all),
                                   void *user, alx_answers **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const alx_net *net = alx_model_net(model);
    size_t elems = count * alx_shape_elems(alx_net_input(net)), layers = alx_net_layer_count(net);
    struct flow flow = {.count = count};
    alx_answers *answers = NULL;
    ALX_TRY(alx_alloc(1, sizeof *answers, "the reference", &answers));
    ALX_TRY(alx_alloc(elems, sizeof *flow.values, "the reference", &flow.values));
    memcpy(flow.values, images, elems * sizeof *flow.values);
    for (size_t i = 0; i < layers; i++) {
        if (progress)
            progress(user, i, layers);
        ALX_TRY(run_layer(model, i, precisions ? precisions[i] : ALX_PRECISION_FP32, &flow));
    }
    *answers = (alx_answers){count, alx_shape_elems(alx_net_output(net)), flow.out, flow.bounds};
    flow.out = flow.bounds = NULL;
    *out = answers;
    answers = NULL;
error:
    alx_answers_destroy(&answers);
    free(flow.values);
    free(flow.out);
    free(flow.bounds);
    return status;
}

void alx_answers_destroy(alx_answers **answers)
{
    if (!*answers)
        return;
    free((*answers)->values);
    free((*answers)->bounds);
    free(*answers);
    *answers = NULL;
}

/* --- comparing --- */

/* The classes are the same, or the reference cannot tell them apart within the bounds. */
static bool agrees(const double *want, const double *bounds, const float *got, size_t classes)
{
    size_t wanted = 0, found = 0;
    for (size_t i = 1; i < classes; i++) {
        wanted = want[i] > want[wanted] ? i : wanted;
        found = got[i] > got[found] ? i : found;
    }
    return wanted == found || want[wanted] - want[found] <= bounds[wanted] + bounds[found];
}

struct alx_check alx_answers_compare(const alx_answers *answers, const float *outputs, size_t count)
{
    struct alx_check check = {.images = count};
    size_t classes = answers->classes;
    for (size_t n = 0; n < count; n++) {
        const float *got = outputs + n * classes;
        const double *want = answers->values + n % answers->count * classes;
        const double *bounds = answers->bounds + n % answers->count * classes;
        check.top1_agree += agrees(want, bounds, got, classes);
        for (size_t i = 0; i < classes; i++) {
            double error = fabs((double)got[i] - want[i]), part = error / bounds[i];
            if (!isnan(check.worst) && !(part <= check.worst)) { /* also NAN, which then stays */
                check.worst = part;
                check.bound = bounds[i];
            }
            if (!isnan(check.max_abs_error) && !(error <= check.max_abs_error))
                check.max_abs_error = error;
        }
    }
    return check;
}
