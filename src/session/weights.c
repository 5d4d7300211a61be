/*
 * The way of the weights: packed from the model's mapping straight into mapped device buffers, or,
 * when they are streamed, into a host buffer that is sent while the device computes.
 */
#include <stdlib.h>

#include "device/buffer.h"
#include "device/cl.h"
#include "device/device.h"
#include "net/shape.h"
#include "session/session.h"
#include "util/memory.h"

size_t alx_session_part_panels(const struct alx_step *step, size_t part)
{
    return alx_min(step->part_panels, step->panels - part * step->part_panels);
}

cl_mem alx_session_part(const alx_session *session, const struct alx_bound_step *bound, size_t part)
{
    if (!bound->step->panels)
        return NULL;
    return bound->step->streamed ? session->staging[part % 2] : bound->parts[part];
}

static enum alx_status create_mapped(const alx_device *device, size_t bytes, cl_mem *buffer,
                                     struct alx_mapped *mapped)
{
    enum alx_status status = ALX_STATUS_OK;
    ALX_TRY(alx_buffer_create(device, bytes, buffer));
    ALX_TRY(alx_buffer_map(device, *buffer, true, bytes, mapped));
error:
    return status;
}

/* Unmaps what was mapped, whether or not it was filled. */
static enum alx_status finish(const alx_device *device, struct alx_mapped *mapped,
                              enum alx_status status)
{
    enum alx_status unmapped = alx_buffer_unmap(device, mapped);
    return status != ALX_STATUS_OK ? status : unmapped;
}

static enum alx_status upload_biases(alx_session *session, struct alx_bound_step *bound)
{
    enum alx_status status = ALX_STATUS_OK;
    const alx_device *device = session->plan->device;
    size_t bytes = 2 * sizeof(float) * alx_pack_padded_rows(&bound->pack.format);
    struct alx_mapped mapped = {0};
    ALX_TRY(create_mapped(device, bytes, &bound->bias, &mapped));
    ALX_TRY(alx_pack_biases(&bound->pack, mapped.data));
error:
    return finish(device, &mapped, status);
}

/* What was packed need not stay in memory twice: the first `panels` panels, roughly. */
static void forget(const alx_model *model, const struct alx_bound_step *bound, size_t panels)
{
    const struct alx_tensor_view *weights = &bound->pack.weights;
    size_t bytes = weights->elems * alx_dtype_bytes(weights->dtype);
    if (model)
        alx_model_forget(model, weights->data,
                         (size_t)((double)bytes * (double)panels / (double)bound->step->panels));
}

static enum alx_status upload_part(alx_session *session, struct alx_bound_step *bound, size_t part,
                                   const alx_model *model)
{
    enum { PIECE_BYTES = 16 << 20 };
    enum alx_status status = ALX_STATUS_OK;
    const alx_device *device = session->plan->device;
    const struct alx_step *step = bound->step;
    size_t count = alx_session_part_panels(step, part), first = part * step->part_panels;
    size_t piece = alx_max(1, PIECE_BYTES / step->panel_bytes);
    struct alx_mapped mapped = {0};
    ALX_TRY(create_mapped(device, count * step->panel_bytes, &bound->parts[part], &mapped));
    for (size_t done = 0; done < count; done += piece) {
        size_t panels = alx_min(piece, count - done);
        ALX_TRY(alx_pack_weights(&bound->pack, first + done, panels,
                                 (uint8_t *)mapped.data + done * step->panel_bytes));
        forget(model, bound, first + done + panels);
    }
error:
    return finish(device, &mapped, status);
}

enum alx_status alx_session_upload(alx_session *session, struct alx_bound_step *bound,
                                   const alx_model *model)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_step *step = bound->step;
    if (!step->panels)
        return status;
    bound->pack = (struct alx_pack){
        .info = &step->info,
        .format = step->recipe.weights,
        .weights = session->weights[step->layer_index],
        .biases = session->biases[step->layer_index],
        .scales = session->scales[step->layer_index],
    };
    struct alx_weight_shape w = alx_layer_weight_shape(&step->info);
    size_t needed = w.out_channels * w.in_channels * w.kernel_h * w.kernel_w;
    if (bound->pack.weights.elems != needed)
        return alx_fail(ALX_STATUS_MODEL,
                        "layer %s: the model holds %zu weights, the network needs %zu",
                        step->info.layer.name, bound->pack.weights.elems, needed);
    ALX_TRY(upload_biases(session, bound));
    if (step->streamed)
        return status;
    ALX_TRY(alx_alloc(step->part_count, sizeof *bound->parts, "a session", &bound->parts));
    for (size_t i = 0; i < step->part_count; i++)
        ALX_TRY(upload_part(session, bound, i, model));
error:
    return status;
}

enum alx_status alx_session_stream(alx_session *session, struct alx_bound_step *bound, size_t part)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_step *step = bound->step;
    size_t count = alx_session_part_panels(step, part), slot = part % 2;
    /* The host buffer is free once its last transfer ended; the device buffer, because the queue is
     * in order. */
    if (session->staging_written[slot]) {
        ALX_CL(clFlush(session->queue));
        ALX_CL(clWaitForEvents(1, &session->staging_written[slot]));
        clReleaseEvent(session->staging_written[slot]);
        session->staging_written[slot] = NULL;
    }
    ALX_TRY(alx_pack_weights(&bound->pack, part * step->part_panels, count,
                             session->staging_host[slot]));
    ALX_CL(clEnqueueWriteBuffer(session->queue, session->staging[slot], CL_FALSE, 0,
                                count * step->panel_bytes, session->staging_host[slot], 0, NULL,
                                &session->staging_written[slot]));
error:
    return status;
}
