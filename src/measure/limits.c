#include "measure/limits.h"

#include <CL/cl.h>
#include <stdlib.h>

#include "device/buffer.h"
#include "device/cl.h"
#include "device/device.h"
#include "device/program.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/text.h"

enum {
    CHAINS = 12,
    READ_BYTES = 128 << 20, /* more than most caches hold */
    COPY_BYTES = 32 << 20,
    LAUNCHES = 20,
    FIRST_STEPS = 64,
    MOST_STEPS = 1 << 24,
    TARGET_NS = 20000000 /* of a sample: long beside a launch, short beside a driver's patience */
};

struct alx_limits {
    alx_device *device; /* borrowed */
    struct alx_traits traits;
    cl_kernel kernels[ALX_LIMIT_COUNT]; /* owned, NULL where none is needed or offered */
    size_t steps[ALX_LIMIT_COUNT];      /* of the kernels that compute */
    size_t halves;                      /* that a work-item handles at a time */
    size_t items;                       /* work-items of the kernels that compute */
    size_t chunk;                       /* floats that a work-item reads */
    size_t read_bytes, copy_bytes;      /* of the buffers */
    size_t reading;                     /* bytes that a sample reads */
    cl_mem in, out;
    void *host; /* [copy_bytes] */
};

/* Nanoseconds that `repeats` launches of a kernel take, each waited for. */
static enum alx_status time_kernel(alx_limits *limits, enum alx_limit limit, size_t items,
                                   size_t repeats, uint64_t *ns)
{
    enum alx_status status = ALX_STATUS_OK;
    cl_command_queue queue = limits->device->queue;
    uint64_t start = alx_clock_ns();
    for (size_t i = 0; i < repeats; i++) {
        ALX_CL(clEnqueueNDRangeKernel(queue, limits->kernels[limit], 1, NULL, &items,
                                      &limits->traits.lanes, 0, NULL, NULL));
        ALX_CL(clFinish(queue));
    }
    *ns = alx_max(alx_clock_ns() - start, 1);
error:
    return status;
}

/* --- one function a kind of limit --- */

/* Until a sample is long enough, the work grows; later samples keep its amount. */
static enum alx_status compute(alx_limits *limits, enum alx_limit limit, double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const size_t per_step[] = {[ALX_LIMIT_FMA] = 2 * limits->traits.vector,
                               [ALX_LIMIT_FMA_HALF] = 2 * limits->halves,
                               [ALX_LIMIT_DOT_INT8] = 8};
    size_t *steps = &limits->steps[limit];
    uint64_t ns = 0;
    for (bool enough = false; !enough;) {
        cl_int count = (cl_int)*steps;
        ALX_CL(clSetKernelArg(limits->kernels[limit], 1, sizeof count, &count));
        ALX_TRY(time_kernel(limits, limit, limits->items, 1, &ns));
        enough = ns >= TARGET_NS / 2 || *steps >= MOST_STEPS;
        if (!enough)
            *steps *= alx_min(alx_max(TARGET_NS / ns, 2), 16);
    }
    *out = (double)per_step[limit] * CHAINS * (double)*steps * (double)limits->items / (double)ns;
error:
    return status;
}

/* A part of the buffer is enough where reading it lasts: no cache is that slow. */
static enum alx_status read(alx_limits *limits, enum alx_limit limit, double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    uint64_t ns = 0;
    for (bool enough = false; !enough;) {
        size_t items = limits->reading / sizeof(float) / limits->chunk;
        ALX_TRY(time_kernel(limits, limit, items, 1, &ns));
        enough = ns >= TARGET_NS || limits->reading == limits->read_bytes;
        if (!enough)
            limits->reading = limits->read_bytes;
    }
    *out = (double)limits->reading / (double)ns;
error:
    return status;
}

static enum alx_status copy(alx_limits *limits, enum alx_limit limit, double *out)
{
    enum alx_status status = ALX_STATUS_OK;
    cl_command_queue queue = limits->device->queue;
    size_t bytes = limits->copy_bytes;
    uint64_t start = alx_clock_ns();
    if (limit == ALX_LIMIT_COPY_TO)
        ALX_CL(clEnqueueWriteBuffer(queue, limits->in, CL_TRUE, 0, bytes, limits->host, 0, NULL,
                                    NULL));
    else
        ALX_CL(
            clEnqueueReadBuffer(queue, limits->in, CL_TRUE, 0, bytes, limits->host, 0, NULL, NULL));
    ALX_CL(clFinish(queue));
    *out = (double)bytes / (double)alx_max(alx_clock_ns() - start, 1);
error:
    return status;
}

static enum alx_status launch(alx_limits *limits, enum alx_limit limit, double *out)
{
    uint64_t ns = 1;
    enum alx_status status = time_kernel(limits, limit, limits->traits.lanes, LAUNCHES, &ns);
    *out = (double)ns / LAUNCHES / 1000;
    return status;
}

static const struct {
    const char *name;
    const char *kernel; /* NULL: a copy */
    enum alx_status (*measure)(alx_limits *limits, enum alx_limit limit, double *out);
} rows[ALX_LIMIT_COUNT] = {
    [ALX_LIMIT_FMA] = {"fma_gflops", "limits_fma", compute},
    [ALX_LIMIT_FMA_HALF] = {"fma_half_gflops", "limits_fma_half", compute},
    [ALX_LIMIT_DOT_INT8] = {"dot_int8_gops", "limits_dot_int8", compute},
    [ALX_LIMIT_READ] = {"read_gb_per_s", "limits_read", read},
    [ALX_LIMIT_COPY_TO] = {"copy_to_gb_per_s", NULL, copy},
    [ALX_LIMIT_COPY_FROM] = {"copy_from_gb_per_s", NULL, copy},
    [ALX_LIMIT_LAUNCH] = {"launch_us", "limits_nothing", launch},
};

const char *alx_limit_name(enum alx_limit limit)
{
    return (size_t)limit < ALX_LIMIT_COUNT ? rows[limit].name : "unknown";
}

bool alx_limits_offer(const alx_limits *limits, enum alx_limit limit)
{
    return !rows[limit].kernel || limits->kernels[limit];
}

enum alx_status alx_limits_measure(alx_limits *limits, enum alx_limit limit, double *out)
{
    if (!alx_limits_offer(limits, limit))
        return alx_fail(ALX_STATUS_USAGE, "%s: the device does not offer it", rows[limit].name);
    return rows[limit].measure(limits, limit, out);
}

/* --- making --- */

static size_t power_of_two_up_to(size_t value)
{
    size_t power = 1;
    while (power <= value / 2)
        power *= 2;
    return power;
}

/* Several rounds on every unit, also where a unit holds many groups. */
static void choose_sizes(alx_limits *limits)
{
    const struct alx_traits *t = &limits->traits;
    size_t most = power_of_two_up_to(alx_max(t->max_alloc_bytes / 4, 1 << 20));
    limits->items = t->lanes * t->units * (t->simt ? 64 : 4);
    limits->halves = alx_min(2 * t->vector, 16);
    limits->read_bytes = alx_min(READ_BYTES, most);
    limits->reading = limits->read_bytes / 4;
    limits->copy_bytes = alx_min(COPY_BYTES, most);
    limits->chunk = power_of_two_up_to(limits->read_bytes / sizeof(float) / limits->items);
    limits->chunk = alx_max(limits->chunk, 4 * t->vector);
    for (size_t i = 0; i < ALX_LIMIT_COUNT; i++)
        limits->steps[i] = FIRST_STEPS;
}

/* Drivers may compile at the first launch, which is not to be measured. */
static enum alx_status warm_up(alx_limits *limits, enum alx_limit limit)
{
    enum alx_status status = ALX_STATUS_OK;
    const cl_int steps = 1;
    uint64_t ns;
    cl_mem first = limit == ALX_LIMIT_READ ? limits->in : limits->out;
    ALX_CL(clSetKernelArg(limits->kernels[limit], 0, sizeof first, &first));
    if (limit == ALX_LIMIT_READ)
        ALX_CL(clSetKernelArg(limits->kernels[limit], 1, sizeof limits->out, &limits->out));
    else if (limit != ALX_LIMIT_LAUNCH)
        ALX_CL(clSetKernelArg(limits->kernels[limit], 1, sizeof steps, &steps));
    ALX_TRY(time_kernel(limits, limit, limits->traits.lanes, 1, &ns));
error:
    return status;
}

/* Compiled apart from the others, so that a driver that promises half or dot products and cannot
 * compile them loses no more than these. */
static enum alx_status make_kernel(alx_limits *limits, enum alx_limit limit)
{
    const struct alx_device_info *info = &limits->device->info;
    const struct alx_traits *t = &limits->traits;
    bool half = limit == ALX_LIMIT_FMA_HALF, dot = limit == ALX_LIMIT_DOT_INT8;
    struct alx_text options = {0};
    if (!rows[limit].kernel || (half && !info->fp16) || (dot && !info->int8_dot))
        return ALX_STATUS_OK;
    alx_text_add(&options, "-DVECTOR=%zu -DLANES=%zu -DCHUNK=%zu -DHALF=%zu -DDOT=%d", t->vector,
                 t->lanes, limits->chunk, half ? limits->halves : 0, dot);
    if (dot)
        alx_text_add(&options, " -cl-std=CL3.0");
    enum alx_status status = alx_kernel_create(limits->device, "limits.cl", rows[limit].kernel,
                                               alx_text_get(&options), &limits->kernels[limit]);
    alx_text_free(&options);
    return half || dot ? ALX_STATUS_OK : status;
}

static enum alx_status fill(const alx_limits *limits, cl_mem buffer, size_t bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    const float zero = 0;
    ALX_CL(clEnqueueFillBuffer(limits->device->queue, buffer, &zero, sizeof zero, 0, bytes, 0, NULL,
                               NULL));
error:
    return status;
}

static enum alx_status make_buffers(alx_limits *limits)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t read_items = limits->read_bytes / sizeof(float) / limits->chunk;
    size_t out_bytes = alx_max(limits->items, read_items) * sizeof(float);
    ALX_TRY(alx_alloc(limits->copy_bytes, 1, "measuring copies", &limits->host));
    ALX_TRY(alx_buffer_create(limits->device, limits->read_bytes, &limits->in));
    ALX_TRY(alx_buffer_create(limits->device, out_bytes, &limits->out));
    ALX_TRY(fill(limits, limits->in, limits->read_bytes));
    ALX_TRY(fill(limits, limits->out, out_bytes));
error:
    return status;
}

enum alx_status alx_limits_create_with(alx_device *device, const struct alx_traits *traits,
                                       alx_limits **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_limits *limits = NULL;
    ALX_TRY(alx_alloc(1, sizeof *limits, "measuring limits", &limits));
    limits->device = device;
    limits->traits = *traits;
    choose_sizes(limits);
    ALX_TRY(make_buffers(limits));
    for (int i = 0; i < ALX_LIMIT_COUNT; i++) {
        ALX_TRY(make_kernel(limits, (enum alx_limit)i));
        if (limits->kernels[i])
            ALX_TRY(warm_up(limits, (enum alx_limit)i));
    }
    *out = limits;
    limits = NULL;
error:
    alx_limits_destroy(&limits);
    return status;
}

enum alx_status alx_limits_create(alx_device *device, alx_limits **out)
{
    struct alx_traits traits = alx_traits_of_device(&device->info);
    return alx_limits_create_with(device, &traits, out);
}

void alx_limits_destroy(alx_limits **pointer)
{
    alx_limits *limits = *pointer;
    if (!limits)
        return;
    for (size_t i = 0; i < ALX_LIMIT_COUNT; i++)
        if (limits->kernels[i])
            clReleaseKernel(limits->kernels[i]);
    alx_buffer_release(limits->in);
    alx_buffer_release(limits->out);
    free(limits->host);
    free(limits);
    *pointer = NULL;
}
