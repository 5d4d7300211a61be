#include "plan/plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "net/shape.h"
#include "ops/pack.h"
#include "util/error.h"
#include "util/memory.h"

/* Streamed weights travel in pieces of this size, smaller ones where memory is short, or of one
 * panel when that is larger. */
enum { STREAM_PIECE_BYTES = 16 << 20 };
enum { PAGE_BYTES = 4096 };

const char *alx_precision_name(enum alx_precision precision)
{
    static const char *const names[] = {[ALX_PRECISION_FP32] = "fp32",
                                        [ALX_PRECISION_FP16] = "fp16",
                                        [ALX_PRECISION_INT8] = "int8"};
    return (size_t)precision < sizeof names / sizeof *names ? names[precision] : "unknown";
}

/* --- steps and their algorithms --- */

static bool is_computed(const struct alx_layer_info *info)
{
    return info->layer.kind != ALX_LAYER_DROPOUT; /* inference passes values through */
}

/* A ReLU after a layer with weights costs nothing there. */
static bool folds_into(const struct alx_step *step, const struct alx_layer_info *info)
{
    bool weighted =
        step->info.layer.kind == ALX_LAYER_CONV || step->info.layer.kind == ALX_LAYER_FC;
    return info->layer.kind == ALX_LAYER_RELU && weighted;
}

static void fold_relu(struct alx_layer *layer, double limit)
{
    bool first = layer->activation != ALX_ACTIVATION_RELU || layer->relu_limit == 0;
    layer->activation = ALX_ACTIVATION_RELU;
    layer->relu_limit =
        first || (limit > 0 && limit < layer->relu_limit) ? limit : layer->relu_limit;
}

/* Folds a max-pool into the LRN layer before it where an algorithm does both. */
static bool fold_pool(const alx_plan *plan, struct alx_step *step,
                      const struct alx_layer_info *info, const char *wanted)
{
    struct alx_layer_info both = step->info;
    both.out = info->out;
    const struct alx_problem problem = {
        .info = &both, .pool = info, .batch = plan->batch, .precision = plan->precision};
    if (step->info.layer.kind != ALX_LAYER_LRN || info->layer.kind != ALX_LAYER_MAX_POOL ||
        step->pool.layer.kernel_h || !alx_choose_pooled(&problem, &plan->traits, wanted))
        return false;
    snprintf(step->info.layer.name, sizeof step->info.layer.name, "%.31s+%.31s", both.layer.name,
             info->layer.name);
    step->info.out = info->out;
    step->pool = *info;
    return true;
}

static enum alx_status make_steps(alx_plan *plan, const char *wanted)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t layer_count = alx_net_layer_count(plan->net);
    ALX_TRY(alx_alloc(layer_count, sizeof *plan->steps, "a plan", &plan->steps));
    for (size_t i = 0; i < layer_count; i++) {
        const struct alx_layer_info *info = alx_net_layer(plan->net, i);
        if (!is_computed(info))
            continue;
        if (plan->step_count && folds_into(&plan->steps[plan->step_count - 1], info)) {
            fold_relu(&plan->steps[plan->step_count - 1].info.layer, info->layer.relu_limit);
            continue;
        }
        if (plan->step_count && fold_pool(plan, &plan->steps[plan->step_count - 1], info, wanted))
            continue;
        plan->steps[plan->step_count++] = (struct alx_step){.layer_index = i, .info = *info};
    }
    if (!plan->step_count)
        status = alx_fail(ALX_STATUS_MODEL, "network %s: no layer computes anything",
                          alx_net_name(plan->net));
error:
    return status;
}

static enum alx_status choose_step(alx_plan *plan, struct alx_step *step,
                                   const struct alx_device_info *info,
                                   const struct alx_plan_options *options,
                                   const struct alx_plan_overrides *overrides)
{
    struct alx_choice choice;
    const struct alx_wishes wishes = {.algorithm = overrides->algorithm,
                                      .exact = options->exact,
                                      .tunings = options->tunings,
                                      .device = info};
    step->problem = (struct alx_problem){.info = &step->info,
                                         .pool = step->pool.layer.kernel_h ? &step->pool : NULL,
                                         .batch = plan->batch,
                                         .precision = plan->precision};
    if (!alx_choose(&step->problem, &plan->traits, &wishes, &choice))
        return alx_fail(ALX_STATUS_DEVICE,
                        "layer %s on %s: verify found every algorithm for it to be wrong with this "
                        "driver; name another device",
                        step->info.layer.name, wishes.device->name);
    step->algorithm = choice.algorithm;
    step->origin = choice.origin;
    step->params = choice.params;
    alx_text_copy(step->shown.reason, sizeof step->shown.reason, choice.reason);
    if (!overrides->algorithm || strcmp(overrides->algorithm, step->algorithm->name) != 0)
        return ALX_STATUS_OK;
    if (overrides->candidate) {
        struct alx_candidates candidates;
        alx_candidates_of(step->algorithm, &step->problem, &plan->traits, &candidates);
        step->params = candidates.list[overrides->candidate % candidates.count];
    }
    alx_params_replace(&step->params, &overrides->params);
    return ALX_STATUS_OK;
}

/* --- tensors --- */

static enum alx_status lay_out_tensors(alx_plan *plan, const struct alx_plan_overrides *overrides)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_alloc(plan->step_count + 1, sizeof *plan->tensors, "a plan", &plan->tensors));
    for (size_t i = 0; i <= plan->step_count; i++) {
        struct alx_tensor *tensor = &plan->tensors[i];
        const struct alx_step *reader = i < plan->step_count ? &plan->steps[i] : NULL;
        tensor->shape = reader ? reader->info.in : plan->steps[i - 1].info.out;
        tensor->layout = reader ? reader->algorithm->input_layout(&reader->problem, &reader->params)
                         : overrides->out.block ? overrides->out
                                                : (struct alx_layout){tensor->shape.channels, 0};
        tensor->first_step = i ? i - 1 : 0;
        tensor->last_step = reader ? i : i - 1;
        size_t elems;
        if (!alx_mul(alx_layout_elems(tensor->shape, tensor->layout), plan->batch, &elems) ||
            elems > INT_MAX / 2)
            return alx_fail(ALX_STATUS_MEMORY_LIMIT,
                            "network %s: layer %s at batch %zu needs a tensor of more than 2^30 "
                            "values; use a smaller --batch",
                            alx_net_name(plan->net),
                            plan->steps[alx_min(i, plan->step_count - 1)].info.layer.name,
                            plan->batch);
        tensor->bytes = elems * sizeof(float);
    }
error:
    return status;
}

static enum alx_status clear_halo(struct alx_recipe *recipe, const struct alx_tensor *tensor,
                                  size_t batch)
{
    size_t rows = batch * tensor->shape.channels / tensor->layout.block *
                  (tensor->shape.height + 2 * tensor->layout.halo);
    return alx_recipe_add(recipe, &(struct alx_launch){.file = "layout.cl",
                                                       .kernel = "layout_clear_halo",
                                                       .args = {{ALX_ROLE_OUT, 0}},
                                                       .arg_count = 1,
                                                       .global = {rows, 1, 1},
                                                       .local = {1, 1, 1}});
}

static enum alx_status describe_steps(alx_plan *plan)
{
    enum alx_status status = ALX_STATUS_OK;
    for (size_t i = 0; i < plan->step_count; i++) {
        struct alx_step *step = &plan->steps[i];
        step->problem.in = plan->tensors[i].layout;
        step->problem.out = plan->tensors[i + 1].layout;
        ALX_TRY(step->algorithm->describe(&step->problem, &step->params, &step->recipe));
        if (step->problem.out.halo)
            ALX_TRY(clear_halo(&step->recipe, &plan->tensors[i + 1], plan->batch));
        if (step->recipe.options.failed)
            return alx_fail(ALX_STATUS_NO_MEMORY, "plan: no memory for build options");
        step->work = (struct alx_tensor){
            .bytes = step->recipe.work_elems * sizeof(float), .first_step = i, .last_step = i};
        if (step->recipe.weights.panel_rows) {
            step->panels = alx_pack_panel_count(&step->recipe.weights);
            step->panel_bytes = alx_pack_panel_bytes(&step->recipe.weights);
        }
    }
error:
    return status;
}

static enum alx_status place_tensors(alx_plan *plan, size_t align)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_block *blocks = NULL;
    size_t count = 2 * plan->step_count + 1;
    ALX_TRY(alx_alloc(count, sizeof *blocks, "a plan", &blocks));
    for (size_t i = 0; i < count; i++) {
        struct alx_tensor *t =
            i <= plan->step_count ? &plan->tensors[i] : &plan->steps[i - plan->step_count - 1].work;
        blocks[i] = (struct alx_block){.bytes = t->bytes,
                                       .first = t->first_step,
                                       .last = t->last_step,
                                       .offset = &t->offset_bytes};
    }
    plan->memory.arena_bytes = alx_arena_place(blocks, count, align);
error:
    free(blocks);
    return status;
}

/* --- weights --- */

/* Whether every launch that reads the weights can do so part by part. */
static bool can_split(const struct alx_step *step)
{
    for (size_t i = 0; i < step->recipe.launch_count; i++) {
        const struct alx_launch *launch = &step->recipe.launches[i];
        bool reads = !launch->kernel &&
                     (launch->gemm.a == ALX_ROLE_WEIGHTS || launch->gemm.b == ALX_ROLE_WEIGHTS);
        for (size_t j = 0; j < launch->arg_count; j++)
            reads = reads || launch->args[j].role == ALX_ROLE_WEIGHTS;
        if (reads && !launch->per_panel)
            return false;
    }
    return true;
}

static void split_step(struct alx_step *step, size_t part_bytes)
{
    step->part_panels = alx_min(step->panels, alx_max(1, part_bytes / step->panel_bytes));
    step->part_count = alx_ceil_div(step->panels, step->part_panels);
}

static uint64_t weights_of(const struct alx_step *step)
{
    return (uint64_t)step->panels * step->panel_bytes;
}

/* The step with the most weights that could still be streamed, or NULL. */
static struct alx_step *largest_resident(alx_plan *plan)
{
    struct alx_step *largest = NULL;
    for (size_t i = 0; i < plan->step_count; i++) {
        struct alx_step *step = &plan->steps[i];
        if (step->panels && !step->streamed && can_split(step) &&
            (!largest || weights_of(step) > weights_of(largest)))
            largest = step;
    }
    return largest;
}

static uint64_t needed_bytes(const struct alx_plan_memory *m)
{
    return m->arena_bytes + m->weights_bytes + m->staging_bytes;
}

/* Keeps all weights on the device or, beyond the limit, has the largest layers' sent at every run,
 * in pieces of about `piece_bytes`. */
static void share_memory(alx_plan *plan, size_t max_part_bytes, size_t piece_bytes)
{
    struct alx_plan_memory *m = &plan->memory;
    m->weights_bytes = m->staging_bytes = 0;
    plan->staging_part_bytes = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        struct alx_step *step = &plan->steps[i];
        step->streamed = false;
        if (!step->panels)
            continue;
        split_step(step, can_split(step) ? max_part_bytes : SIZE_MAX);
        m->weights_bytes +=
            weights_of(step) + 2 * sizeof(float) * alx_pack_padded_rows(&step->recipe.weights);
    }
    struct alx_step *step;
    while (needed_bytes(m) > m->limit_bytes && (step = largest_resident(plan))) {
        step->streamed = true;
        split_step(step, alx_min(max_part_bytes, piece_bytes));
        m->weights_bytes -= weights_of(step);
        plan->staging_part_bytes =
            alx_max(plan->staging_part_bytes, step->part_panels * step->panel_bytes);
        m->staging_bytes = 2 * plan->staging_part_bytes;
    }
}

static enum alx_status place_weights(alx_plan *plan, size_t max_part_bytes)
{
    struct alx_plan_memory *m = &plan->memory;
    size_t piece_bytes = STREAM_PIECE_BYTES;
    share_memory(plan, max_part_bytes, piece_bytes);
    /* Smaller pieces cost time, but a little memory is better than none. */
    while (needed_bytes(m) > m->limit_bytes && piece_bytes > PAGE_BYTES)
        share_memory(plan, max_part_bytes, piece_bytes /= 2);
    uint64_t needed = needed_bytes(m);
    if (needed > m->limit_bytes)
        return alx_fail(
            ALX_STATUS_MEMORY_LIMIT,
            "network %s at batch %zu needs %.1f MiB of device memory even with streamed "
            "weights, %.1f MiB are allowed; use a smaller --batch or a larger "
            "--memory-limit",
            alx_net_name(plan->net), plan->batch, (double)needed / (1 << 20),
            (double)m->limit_bytes / (1 << 20));
    if (m->arena_bytes > plan->traits.max_alloc_bytes)
        return alx_fail(
            ALX_STATUS_MEMORY_LIMIT,
            "network %s at batch %zu needs a buffer of %.1f MiB for its activations, the "
            "device allows %.1f MiB; use a smaller --batch",
            alx_net_name(plan->net), plan->batch, (double)m->arena_bytes / (1 << 20),
            (double)plan->traits.max_alloc_bytes / (1 << 20));
    return ALX_STATUS_OK;
}

/* --- what is shown --- */

static void show_step(const alx_plan *plan, size_t index)
{
    struct alx_step *step = &plan->steps[index];
    struct alx_plan_step *shown = &step->shown;
    const struct alx_tensor *in = &plan->tensors[index], *out = &plan->tensors[index + 1];
    char params[64], layout[32];
    alx_params_text(&step->params, params, sizeof params);
    alx_layout_name(in->shape, in->layout, layout, sizeof layout);
    shown->layer = step->info.layer.name;
    shown->algorithm = step->algorithm->name;
    shown->file = step->algorithm->file;
    snprintf(shown->parameters, sizeof shown->parameters, "%s%s%s", params, *params ? ", " : "",
             layout);
    shown->macs = step->info.macs * plan->batch;
    shown->weight_bytes = weights_of(step);
    shown->moved_bytes = shown->weight_bytes + in->bytes + out->bytes;
    shown->streamed = step->streamed;
}

size_t alx_plan_step_count(const alx_plan *plan)
{
    return plan->step_count;
}

const struct alx_plan_step *alx_plan_step(const alx_plan *plan, size_t index)
{
    return &plan->steps[index].shown;
}

struct alx_plan_memory alx_plan_memory(const alx_plan *plan)
{
    return plan->memory;
}

size_t alx_plan_batch(const alx_plan *plan)
{
    return plan->batch;
}

void alx_plan_weight_precisions(const alx_plan *plan, enum alx_precision *out)
{
    for (size_t i = 0; i < alx_net_layer_count(plan->net); i++)
        out[i] = ALX_PRECISION_FP32;
    for (size_t i = 0; i < plan->step_count; i++)
        out[plan->steps[i].layer_index] = plan->steps[i].recipe.weights.precision;
}

const char *alx_plan_origin(const alx_plan *plan)
{
    bool family = plan->traits.family != ALX_FAMILY_CPU && plan->traits.family != ALX_FAMILY_GPU;
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].origin == ALX_ORIGIN_TUNED)
            return "tuned";
    return family ? "family" : "default";
}

/* --- all of it --- */

enum alx_status alx_plan_describe(const alx_net *net, const struct alx_device_info *info,
                                  const struct alx_plan_options *options,
                                  const struct alx_plan_overrides *overrides, alx_plan **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_plan *plan = NULL;
    ALX_TRY(alx_alloc(1, sizeof *plan, "a plan", &plan));
    plan->net = net;
    plan->traits = overrides->traits ? *overrides->traits : alx_traits_of_device(info);
    plan->batch = options->batch ? options->batch : 1;
    plan->precision = options->precision;
    plan->memory.limit_bytes =
        options->memory_limit_bytes ? options->memory_limit_bytes : info->global_bytes / 2;
    ALX_TRY(make_steps(plan, overrides->algorithm));
    for (size_t i = 0; i < plan->step_count; i++)
        ALX_TRY(choose_step(plan, &plan->steps[i], info, options, overrides));
    ALX_TRY(lay_out_tensors(plan, overrides));
    ALX_TRY(describe_steps(plan));
    ALX_TRY(place_tensors(plan, alx_max(PAGE_BYTES, info->base_align_bytes)));
    ALX_TRY(place_weights(plan, overrides->max_part_bytes ? overrides->max_part_bytes
                                                          : plan->traits.max_alloc_bytes));
    for (size_t i = 0; i < plan->step_count; i++) {
        alx_pace_step(&plan->steps[i], plan->batch, info, overrides->slices);
        show_step(plan, i);
    }
    *out = plan;
    plan = NULL;
error:
    alx_plan_destroy(&plan);
    return status;
}

enum alx_status alx_plan_create_with(const alx_net *net, alx_device *device,
                                     const struct alx_plan_options *options,
                                     const struct alx_plan_overrides *overrides, alx_plan **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_device_info *info = alx_device_get_info(device);
    struct alx_traits own = alx_traits_of_device(info);
    struct alx_plan_overrides all = *overrides;
    alx_plan *plan;
    own.faults = device->faults;
    if (!all.traits)
        all.traits = &own;
    ALX_TRY(alx_plan_describe(net, info, options, &all, &plan));
    plan->device = device;
    *out = plan;
error:
    return status;
}

enum alx_status alx_plan_create(const alx_net *net, alx_device *device,
                                const struct alx_plan_options *options, alx_plan **out)
{
    static const struct alx_plan_options defaults;
    options = options ? options : &defaults;
    struct alx_plan_overrides overrides = {.algorithm = options->force_algorithm};
    return alx_plan_create_with(net, device, options, &overrides, out);
}

void alx_plan_destroy(alx_plan **plan)
{
    if (!*plan)
        return;
    for (size_t i = 0; i < (*plan)->step_count; i++)
        alx_recipe_free(&(*plan)->steps[i].recipe);
    free((*plan)->steps);
    free((*plan)->tensors);
    free(*plan);
    *plan = NULL;
}
