#include "session/session.h"

#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "device/cl.h"
#include "device/device.h"
#include "device/program.h"
#include "net/shape.h"
#include "util/clock.h"
#include "util/memory.h"

/* --- binding --- */

static cl_mem buffer_of(const alx_session *session, size_t step_index, enum alx_role role,
                        size_t part)
{
    const struct alx_bound_step *bound = &session->steps[step_index];
    switch (role) {
    case ALX_ROLE_IN:
        return session->tensors[step_index];
    case ALX_ROLE_OUT:
        return session->tensors[step_index + 1];
    case ALX_ROLE_WEIGHTS:
        return alx_session_part(session, bound, part);
    case ALX_ROLE_BIAS:
        return bound->bias;
    case ALX_ROLE_WORK:
        return bound->work;
    case ALX_ROLE_INT:
    case ALX_ROLE_FIRST_PANEL:
    case ALX_ROLE_PANELS:
        break;
    }
    return NULL;
}

/* Whether an argument is a number, and which. */
static bool is_number(const struct alx_step *step, const struct alx_arg *arg, size_t part,
                      cl_int *out)
{
    if (arg->role == ALX_ROLE_INT)
        *out = arg->value;
    else if (arg->role == ALX_ROLE_FIRST_PANEL)
        *out = (cl_int)(part * step->part_panels);
    else if (arg->role == ALX_ROLE_PANELS)
        *out = (cl_int)alx_session_part_panels(step, part);
    else
        return false;
    return true;
}

static enum alx_status bind_kernel(alx_session *session, size_t step_index,
                                   struct alx_bound_launch *bound)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_step *step = &session->plan->steps[step_index];
    const struct alx_launch *launch = bound->launch;
    uint64_t start = alx_clock_ns();
    ALX_TRY(alx_kernel_create(session->plan->device, launch->file, launch->kernel,
                              alx_text_get(&step->recipe.options), &bound->kernel));
    session->times.build_ns += alx_clock_ns() - start;
    for (size_t i = 0; i < launch->arg_count; i++) {
        const struct alx_arg *arg = &launch->args[i];
        cl_int value;
        if (is_number(step, arg, bound->part, &value)) {
            ALX_CL(clSetKernelArg(bound->kernel, (cl_uint)i, sizeof value, &value));
        } else {
            cl_mem buffer = buffer_of(session, step_index, arg->role, bound->part);
            ALX_CL(clSetKernelArg(bound->kernel, (cl_uint)i, sizeof buffer, &buffer));
        }
    }
error:
    return status;
}

/* How many slices there are of a launch: no more than work-groups along the axis that has most. */
static size_t slices_of(const struct alx_launch *launch, size_t panels, size_t *axis,
                        size_t *groups)
{
    *axis = *groups = 0;
    for (size_t i = 0; i < 3 && launch->kernel; i++) {
        bool counted = launch->per_panel && i == launch->panel_axis;
        size_t count = launch->global[i] / launch->local[i] * (counted ? panels : 1);
        if (count > *groups) {
            *groups = count;
            *axis = i;
        }
    }
    return alx_max(1, alx_min(launch->slices, *groups));
}

static void bind_range(struct alx_bound_launch *bound, size_t panels)
{
    const struct alx_launch *launch = bound->launch;
    size_t axis, groups, slices = slices_of(launch, panels, &axis, &groups);
    memcpy(bound->global, launch->global, sizeof bound->global);
    if (launch->per_panel && launch->panel_axis < 3)
        bound->global[launch->panel_axis] *= panels;
    if (slices == 1)
        return;
    size_t first = groups * bound->slice / slices, end = groups * (bound->slice + 1) / slices;
    bound->offset[axis] = first * launch->local[axis];
    bound->global[axis] = (end - first) * launch->local[axis];
}

static size_t panels_of(const struct alx_step *step, const struct alx_launch *launch, size_t part)
{
    return launch->per_panel ? alx_session_part_panels(step, part) : 1;
}

static enum alx_status bind_launch(alx_session *session, size_t step_index,
                                   struct alx_bound_launch *bound)
{
    const struct alx_step *step = &session->plan->steps[step_index];
    const struct alx_launch *launch = bound->launch;
    size_t first = bound->part * step->part_panels;
    size_t panels = panels_of(step, launch, bound->part);
    if (launch->kernel) {
        bind_range(bound, panels);
        return bind_kernel(session, step_index, bound);
    }
    bound->gemm = launch->gemm;
    if (launch->per_panel) {
        bound->gemm.n = panels * step->recipe.weights.panel_rows;
        bound->gemm.c_offset += first * step->recipe.weights.panel_rows;
    }
    bound->a = buffer_of(session, step_index, launch->gemm.a, bound->part);
    bound->b = buffer_of(session, step_index, launch->gemm.b, bound->part);
    bound->c = buffer_of(session, step_index, launch->gemm.c, bound->part);
    return ALX_STATUS_OK;
}

static enum alx_status bind_part(alx_session *session, size_t index,
                                 const struct alx_launch *launch, size_t part)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_bound_step *bound = &session->steps[index];
    size_t axis, groups, panels = panels_of(bound->step, launch, part);
    size_t slices = slices_of(launch, panels, &axis, &groups);
    for (size_t slice = 0; slice < slices; slice++) {
        struct alx_bound_launch *bl = &bound->launches[bound->launch_count++];
        bl->launch = launch;
        bl->part = part;
        bl->slice = slice;
        ALX_TRY(bind_launch(session, index, bl));
    }
error:
    return status;
}

static enum alx_status bind_step(alx_session *session, size_t index)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_step *step = &session->plan->steps[index];
    struct alx_bound_step *bound = &session->steps[index];
    size_t most = 0;
    for (size_t i = 0; i < step->recipe.launch_count; i++)
        most += alx_max(1, step->part_count) * alx_max(1, step->recipe.launches[i].slices);
    ALX_TRY(alx_alloc(most, sizeof *bound->launches, "a session", &bound->launches));
    for (size_t i = 0; i < step->recipe.launch_count; i++) {
        const struct alx_launch *launch = &step->recipe.launches[i];
        size_t repeats = launch->per_panel ? step->part_count : 1;
        for (size_t part = 0; part < repeats; part++)
            ALX_TRY(bind_part(session, index, launch, part));
    }
error:
    return status;
}

static enum alx_status allocate(alx_session *session)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_plan *plan = session->plan;
    const alx_device *device = plan->device;
    ALX_TRY(alx_buffer_create(device, plan->memory.arena_bytes, &session->arena));
    ALX_TRY(
        alx_alloc(plan->step_count + 1, sizeof *session->tensors, "a session", &session->tensors));
    ALX_TRY(alx_alloc(plan->step_count, sizeof *session->steps, "a session", &session->steps));
    for (size_t i = 0; i <= plan->step_count; i++)
        ALX_TRY(alx_buffer_slice(device, session->arena, plan->tensors[i].offset_bytes,
                                 plan->tensors[i].bytes, &session->tensors[i]));
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct alx_tensor *work = &plan->steps[i].work;
        session->steps[i].step = &plan->steps[i];
        if (work->bytes)
            ALX_TRY(alx_buffer_slice(device, session->arena, work->offset_bytes, work->bytes,
                                     &session->steps[i].work));
    }
    for (size_t i = 0; i < 2 && plan->staging_part_bytes; i++) {
        ALX_TRY(
            alx_alloc(plan->staging_part_bytes, 1, "streamed weights", &session->staging_host[i]));
        ALX_TRY(alx_buffer_create(device, plan->staging_part_bytes, &session->staging[i]));
    }
error:
    return status;
}

static enum alx_status copy_views(const struct alx_tensor_view *views, size_t count,
                                  struct alx_tensor_view **out)
{
    enum alx_status status = alx_alloc(count, sizeof **out, "a session", out);
    if (status == ALX_STATUS_OK && views)
        memcpy(*out, views, count * sizeof **out);
    return status;
}

/* `model`: NULL, or who owns the values. */
static enum alx_status create(const alx_plan *plan, const alx_model *model,
                              const struct alx_tensor_view *weights,
                              const struct alx_tensor_view *biases,
                              const struct alx_tensor_view *scales, alx_session **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_session *session = NULL;
    size_t layer_count = alx_net_layer_count(plan->net);
    ALX_TRY(alx_alloc(1, sizeof *session, "a session", &session));
    session->plan = plan;
    session->queue = plan->device->queue;
    ALX_TRY(copy_views(weights, layer_count, &session->weights));
    ALX_TRY(copy_views(biases, layer_count, &session->biases));
    ALX_TRY(copy_views(scales, layer_count, &session->scales));
    ALX_TRY(allocate(session));
    uint64_t start = alx_clock_ns();
    for (size_t i = 0; i < plan->step_count; i++)
        ALX_TRY(alx_session_upload(session, &session->steps[i], model));
    ALX_CL(clFinish(session->queue));
    session->times.upload_ns = alx_clock_ns() - start;
    for (size_t i = 0; i < plan->step_count; i++)
        ALX_TRY(bind_step(session, i));
    *out = session;
    session = NULL;
error:
    alx_session_destroy(&session);
    return status;
}

enum alx_status alx_session_create_with(const alx_plan *plan, const struct alx_tensor_view *weights,
                                        const struct alx_tensor_view *biases,
                                        const struct alx_tensor_view *scales, alx_session **out)
{
    return create(plan, NULL, weights, biases, scales, out);
}

enum alx_status alx_session_create(const alx_plan *plan, const alx_model *model, alx_session **out)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t count = alx_net_layer_count(plan->net);
    struct alx_tensor_view *views = NULL;
    ALX_TRY(alx_alloc(3 * count, sizeof *views, "a session", &views));
    for (size_t i = 0; i < count; i++) {
        views[i] = alx_model_weights(model, i);
        views[count + i] = alx_model_biases(model, i);
        views[2 * count + i] = alx_model_scales(model, i);
    }
    ALX_TRY(create(plan, model, views, views + count, views + 2 * count, out));
error:
    free(views);
    return status;
}

static void release_step(struct alx_bound_step *bound)
{
    for (size_t i = 0; i < bound->launch_count; i++) {
        if (bound->launches[i].kernel)
            clReleaseKernel(bound->launches[i].kernel);
        if (bound->launches[i].event)
            clReleaseEvent(bound->launches[i].event);
    }
    for (size_t i = 0; bound->parts && i < bound->step->part_count; i++)
        alx_buffer_release(bound->parts[i]);
    alx_buffer_release(bound->bias);
    alx_buffer_release(bound->work);
    free(bound->parts);
    free(bound->launches);
}

void alx_session_destroy(alx_session **pointer)
{
    alx_session *session = *pointer;
    if (!session)
        return;
    clFinish(session->queue);
    for (size_t i = 0; session->steps && i < session->plan->step_count; i++)
        release_step(&session->steps[i]);
    for (size_t i = 0; session->tensors && i <= session->plan->step_count; i++)
        alx_buffer_release(session->tensors[i]);
    for (size_t i = 0; i < 2; i++) {
        if (session->staging_written[i])
            clReleaseEvent(session->staging_written[i]);
        alx_buffer_release(session->staging[i]);
        free(session->staging_host[i]);
    }
    alx_buffer_release(session->arena);
    free(session->weights);
    free(session->biases);
    free(session->scales);
    free(session->steps);
    free(session->tensors);
    free(session);
    *pointer = NULL;
}

/* --- running --- */

/* A kernel may allow smaller groups than its device, which some drivers tell wrongly and all only
 * after building it: so the launch decides. */
static enum alx_status launch_kernel(const alx_session *session, const struct alx_bound_launch *bl,
                                     cl_event *event)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_launch *launch = bl->launch;
    cl_int error = clEnqueueNDRangeKernel(session->queue, bl->kernel, 3, bl->offset, bl->global,
                                          launch->local, 0, NULL, event);
    if (error == CL_INVALID_WORK_GROUP_SIZE)
        return alx_fail(ALX_STATUS_DEVICE,
                        "%s on %s: kernel %s: its work-groups of %zu are too large for the device; "
                        "name another device",
                        launch->file, session->plan->device->info.name, launch->kernel,
                        launch->local[0] * launch->local[1] * launch->local[2]);
    if (error != CL_SUCCESS)
        status = alx_cl_fail("clEnqueueNDRangeKernel()", error);
    return status;
}

static enum alx_status enqueue_launch(alx_session *session, struct alx_bound_step *bound,
                                      struct alx_bound_launch *bl)
{
    enum alx_status status = ALX_STATUS_OK;
    cl_event *event = session->plan->device->profiling && !session->waits ? &bl->event : NULL;
    if (event && bl->event) {
        clReleaseEvent(bl->event);
        bl->event = NULL;
    }
    if (bound->step->streamed && bl->launch->per_panel && !bl->slice)
        ALX_TRY(alx_session_stream(session, bound, bl->part));
    if (bl->kernel)
        ALX_TRY(launch_kernel(session, bl, event));
    else
        ALX_TRY(alx_gemm_enqueue(&bl->gemm, bl->a, bl->b, bl->c, session->queue, event));
    /* Drivers count what is handed over together as one; slices are long enough to wait for. */
    if (bl->launch->slices > 1)
        ALX_CL(bl->slice % 2 ? clFinish(session->queue) : clFlush(session->queue));
error:
    return status;
}

/* Fills the input tensor; images beyond `count` become zero, so that a partial batch computes on
 * nothing stale. */
static enum alx_status write_input(alx_session *session, const float *images, size_t count)
{
    enum alx_status status = ALX_STATUS_OK;
    const alx_device *device = session->plan->device;
    const struct alx_tensor *tensor = &session->plan->tensors[0];
    size_t elems = alx_layout_elems(tensor->shape, tensor->layout);
    struct alx_mapped mapped = {0};
    ALX_TRY(alx_buffer_map(device, session->tensors[0], true, tensor->bytes, &mapped));
    float *out = mapped.data;
    for (size_t i = 0; i < count; i++)
        alx_layout_store(tensor->shape, tensor->layout, images + i * alx_shape_elems(tensor->shape),
                         out + i * elems);
    memset(out + count * elems, 0, (session->plan->batch - count) * elems * sizeof *out);
    ALX_TRY(alx_buffer_unmap(device, &mapped));
error:
    return status;
}

static enum alx_status read_output(alx_session *session, size_t count, float *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const alx_device *device = session->plan->device;
    size_t last = session->plan->step_count;
    const struct alx_tensor *tensor = &session->plan->tensors[last];
    size_t elems = alx_layout_elems(tensor->shape, tensor->layout);
    struct alx_mapped mapped = {0};
    /* the only place where a run waits */
    ALX_TRY(alx_buffer_map(device, session->tensors[last], false, count * elems * sizeof *out,
                           &mapped));
    const float *in = mapped.data;
    for (size_t i = 0; i < count; i++)
        alx_layout_load(tensor->shape, tensor->layout, in + i * elems,
                        out + i * alx_shape_elems(tensor->shape));
    ALX_TRY(alx_buffer_unmap(device, &mapped));
error:
    return status;
}

/* Drivers have told ends before starts; such a step has no time in this run. */
static void add_time(struct alx_bound_step *step, uint64_t start, uint64_t end)
{
    step->impossible = step->impossible || end < start;
    step->device_ns = step->impossible ? 0 : step->device_ns + end - start;
}

static enum alx_status read_times(alx_session *session)
{
    enum alx_status status = ALX_STATUS_OK;
    cl_ulong first = CL_ULONG_MAX, last = 0;
    for (size_t i = 0; i < session->plan->step_count; i++)
        for (size_t j = 0; j < session->steps[i].launch_count; j++) {
            cl_ulong start = 0, end = 0;
            cl_event event = session->steps[i].launches[j].event;
            if (!event)
                continue;
            ALX_CL(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start,
                                           NULL));
            ALX_CL(
                clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL));
            add_time(&session->steps[i], start, end);
            session->steps[i].start_ns = j ? session->steps[i].start_ns : start;
            first = start < first ? start : first;
            last = end > last ? end : last;
        }
    session->device_ns += last > first ? last - first : 0;
error:
    return status;
}

static enum alx_status enqueue_step(alx_session *session, struct alx_bound_step *bound)
{
    enum alx_status status = ALX_STATUS_OK;
    for (size_t i = 0; i < bound->launch_count; i++)
        ALX_TRY(enqueue_launch(session, bound, &bound->launches[i]));
error:
    return status;
}

/* Queues a step when nothing else runs, and waits for it. */
static enum alx_status time_step(alx_session *session, struct alx_bound_step *bound)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_CL(clFinish(session->queue));
    bound->start_ns = alx_clock_ns();
    ALX_TRY(enqueue_step(session, bound));
    ALX_CL(clFinish(session->queue));
    uint64_t ns = alx_clock_ns() - bound->start_ns;
    bound->device_ns += ns;
    session->device_ns += ns;
error:
    return status;
}

static enum alx_status run_batch(alx_session *session, const float *images, size_t count,
                                 float *out)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(write_input(session, images, count));
    for (size_t i = 0; i < session->plan->step_count; i++)
        ALX_TRY((session->waits ? time_step : enqueue_step)(session, &session->steps[i]));
    ALX_TRY(read_output(session, count, out));
    if (!session->waits)
        ALX_TRY(read_times(session));
error:
    return status;
}

enum alx_status alx_session_run(alx_session *session, const float *images, size_t count, float *out)
{
    enum alx_status status = ALX_STATUS_OK;
    uint64_t start = alx_clock_ns();
    size_t in_elems = alx_shape_elems(session->plan->tensors[0].shape);
    size_t out_elems = alx_shape_elems(session->plan->tensors[session->plan->step_count].shape);
    for (size_t i = 0; i < session->plan->step_count; i++) {
        session->steps[i].device_ns = 0;
        session->steps[i].impossible = false;
    }
    session->device_ns = 0;
    for (size_t done = 0; done < count;) {
        size_t images_now = alx_min(session->plan->batch, count - done);
        ALX_TRY(run_batch(session, images + done * in_elems, images_now, out + done * out_elems));
        done += images_now;
    }
    session->times.run_ns = alx_clock_ns() - start;
error:
    return status;
}

void alx_session_wait_for_steps(alx_session *session, bool wait)
{
    session->waits = wait;
}

struct alx_session_times alx_session_times(const alx_session *session)
{
    return session->times;
}

uint64_t alx_session_step_ns(const alx_session *session, size_t step)
{
    return session->steps[step].device_ns;
}

uint64_t alx_session_step_start_ns(const alx_session *session, size_t step)
{
    uint64_t origin = session->steps[0].start_ns, start = session->steps[step].start_ns;
    return start > origin ? start - origin : 0;
}
