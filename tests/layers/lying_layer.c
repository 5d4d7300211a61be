/*
 * An OpenCL layer (CL/cl_layer.h) that makes another device of a real one: it tells other things of
 * itself, keeps to them, so that a program that ignores a limit fails, and breaks as it is told.
 *
 * ALX_TEST_LIES has parts "name=value" between semicolons. A property's value replaces what the
 * real device says, "!" makes the query fail; `properties` names them. The other lies:
 *   on             part of the name of the platform that lies; without it all do
 *   unterminated   texts lack their last NUL
 *   kernel_group   the largest work-group of any kernel, below the device's own limit
 *   item_ns        a launch takes so long for each work-item; more than 200 ms are not survived
 *   sleep_ms       a launch really takes longer by this
 *   copies         0: reading and writing of buffers is refused, mapping is not
 *   map            0: mapping fails
 *   build          0: nothing compiles
 *   wrong          added to the first value of all that is read back
 *   clock          0: commands end before they start; 1: they take a nanosecond
 *   fail, crash, hang   do so at the N-th launch and later
 *   kernel         part of the names of the kernels whose launches those count; without it all
 * Any N or property is a decimal number.
 */
#include <CL/cl.h>
#include <CL/cl_layer.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { WATCHDOG_NS = 200000000 };

static cl_icd_dispatch real, layer;
static atomic_size_t allocated_bytes;
static atomic_ulong launches;

/* --- what is told --- */

/* The length of what follows "name=" in ALX_TEST_LIES; `*value` is where it starts, NULL without
 * this lie. */
static size_t find_lie(const char *name, const char **value)
{
    const char *at = getenv("ALX_TEST_LIES");
    size_t length = strlen(name);
    *value = NULL;
    while (at && *at) {
        size_t part = strcspn(at, ";");
        if (part > length && !strncmp(at, name, length) && at[length] == '=') {
            *value = at + length + 1;
            return part - length - 1;
        }
        at += part + (at[part] == ';');
    }
    return 0;
}

static uint64_t lie_or(const char *name, uint64_t otherwise)
{
    const char *value;
    find_lie(name, &value);
    return value ? strtoull(value, NULL, 10) : otherwise;
}

static bool is_zero(const char *name)
{
    return lie_or(name, 1) == 0;
}

/* Whether a lie's value is a part of the text. */
static bool is_part(const char *value, size_t length, const char *text)
{
    for (; strlen(text) >= length; text++)
        if (!strncmp(text, value, length))
            return true;
    return false;
}

/* Whether this device is one that lies. */
static bool lies(cl_device_id device)
{
    const char *on;
    char name[256] = "";
    cl_platform_id platform;
    size_t length = find_lie("on", &on);
    if (!on)
        return true;
    return real.clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) ==
               CL_SUCCESS &&
           real.clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name - 1, name, NULL) ==
               CL_SUCCESS &&
           is_part(on, length, name);
}

static bool queue_lies(cl_command_queue queue)
{
    cl_device_id device;
    return real.clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL) ==
               CL_SUCCESS &&
           lies(device);
}

/* The program opens a context for each device. */
static bool context_lies(cl_context context)
{
    cl_device_id device;
    return real.clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof device, &device, NULL) ==
               CL_SUCCESS &&
           lies(device);
}

/* --- properties --- */

enum kind { TEXT, UINT, SIZE, ULONG };
static const struct property {
    const char *name;
    cl_device_info query;
    enum kind kind;
} properties[] = {
    {"name", CL_DEVICE_NAME, TEXT},
    {"vendor", CL_DEVICE_VENDOR, TEXT},
    {"driver", CL_DRIVER_VERSION, TEXT},
    {"opencl", CL_DEVICE_VERSION, TEXT},
    {"c_version", CL_DEVICE_OPENCL_C_VERSION, TEXT},
    {"extensions", CL_DEVICE_EXTENSIONS, TEXT},
    {"type", CL_DEVICE_TYPE, ULONG}, /* CL_DEVICE_TYPE_CPU is 2, _GPU 4, _ACCELERATOR 8 */
    {"vendor_id", CL_DEVICE_VENDOR_ID, UINT},
    {"compute_units", CL_DEVICE_MAX_COMPUTE_UNITS, UINT},
    {"clock_mhz", CL_DEVICE_MAX_CLOCK_FREQUENCY, UINT},
    {"global_bytes", CL_DEVICE_GLOBAL_MEM_SIZE, ULONG},
    {"max_alloc_bytes", CL_DEVICE_MAX_MEM_ALLOC_SIZE, ULONG},
    {"local_bytes", CL_DEVICE_LOCAL_MEM_SIZE, ULONG},
    {"local_type", CL_DEVICE_LOCAL_MEM_TYPE, UINT}, /* CL_LOCAL is 1, CL_GLOBAL 2 */
    {"max_work_group", CL_DEVICE_MAX_WORK_GROUP_SIZE, SIZE},
    {"base_align_bits", CL_DEVICE_MEM_BASE_ADDR_ALIGN, UINT},
    {"vector_floats", CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, UINT},
    {"address_bits", CL_DEVICE_ADDRESS_BITS, UINT},
    {"unified_memory", CL_DEVICE_HOST_UNIFIED_MEMORY, UINT},
    {"images", CL_DEVICE_IMAGE_SUPPORT, UINT},
    {"sub_groups", CL_DEVICE_MAX_NUM_SUB_GROUPS, UINT},
    {"available", CL_DEVICE_AVAILABLE, UINT},
    {"compiler", CL_DEVICE_COMPILER_AVAILABLE, UINT},
    {"little_endian", CL_DEVICE_ENDIAN_LITTLE, UINT},
};

static cl_int answer(const void *value, size_t bytes, size_t room, void *out, size_t *out_bytes)
{
    if (out && room < bytes)
        return CL_INVALID_VALUE;
    if (out)
        memcpy(out, value, bytes);
    if (out_bytes)
        *out_bytes = bytes;
    return CL_SUCCESS;
}

static cl_int answer_text(const char *value, size_t length, size_t room, void *out,
                          size_t *out_bytes)
{
    const char *ignored;
    find_lie("unterminated", &ignored);
    size_t bytes = length + !ignored;
    cl_int error;
    char *text = malloc(bytes + 1);
    if (!text)
        return CL_OUT_OF_HOST_MEMORY;
    memcpy(text, value, length);
    text[length] = 0;
    error = answer(text, bytes, room, out, out_bytes);
    free(text);
    return error;
}

static cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info query, size_t room,
                                          void *out, size_t *out_bytes)
{
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        const char *value;
        size_t length = find_lie(properties[i].name, &value);
        if (properties[i].query != query || !value || !lies(device))
            continue;
        if (length == 1 && *value == '!')
            return CL_INVALID_VALUE;
        cl_ulong wide = strtoull(value, NULL, 10);
        switch (properties[i].kind) {
        case TEXT:
            return answer_text(value, length, room, out, out_bytes);
        case UINT:
            return answer(&(cl_uint){(cl_uint)wide}, sizeof(cl_uint), room, out, out_bytes);
        case SIZE:
            return answer(&(size_t){wide}, sizeof(size_t), room, out, out_bytes);
        case ULONG:
            return answer(&wide, sizeof wide, room, out, out_bytes);
        }
    }
    return real.clGetDeviceInfo(device, query, room, out, out_bytes);
}

/* --- memory --- */

static void CL_CALLBACK forget_bytes(cl_mem buffer, void *bytes)
{
    (void)buffer;
    allocated_bytes -= (uintptr_t)bytes;
}

/* More than half of what is advertised cannot be had: shared memory is promised generously. */
static cl_int memory_error(size_t bytes)
{
    if (bytes > lie_or("max_alloc_bytes", UINT64_MAX))
        return CL_INVALID_BUFFER_SIZE;
    if (allocated_bytes + bytes > lie_or("global_bytes", UINT64_MAX) / 2)
        return CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return CL_SUCCESS;
}

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t bytes,
                                        void *host, cl_int *error)
{
    cl_int refused = context_lies(context) ? memory_error(bytes) : CL_SUCCESS;
    cl_mem buffer = refused ? NULL : real.clCreateBuffer(context, flags, bytes, host, error);
    if (refused && error)
        *error = refused;
    if (buffer && real.clSetMemObjectDestructorCallback(buffer, forget_bytes,
                                                        (void *)(uintptr_t)bytes) == CL_SUCCESS)
        allocated_bytes += bytes;
    return buffer;
}

static cl_mem CL_API_CALL create_sub_buffer(cl_mem buffer, cl_mem_flags flags,
                                            cl_buffer_create_type type, const void *info,
                                            cl_int *error)
{
    uint64_t align_bytes = lie_or("base_align_bits", 0) / 8;
    bool plausible = align_bytes <= 65536 && !(align_bytes & (align_bytes - 1));
    if (plausible && align_bytes && ((const cl_buffer_region *)info)->origin % align_bytes) {
        if (error)
            *error = CL_MISALIGNED_SUB_BUFFER_OFFSET;
        return NULL;
    }
    return real.clCreateSubBuffer(buffer, flags, type, info, error);
}

static cl_mem CL_API_CALL create_image(cl_context context, cl_mem_flags flags,
                                       const cl_image_format *format, const cl_image_desc *desc,
                                       void *host, cl_int *error)
{
    if (!is_zero("images") || !context_lies(context))
        return real.clCreateImage(context, flags, format, desc, host, error);
    if (error)
        *error = CL_INVALID_OPERATION;
    return NULL;
}

static void *CL_API_CALL map_buffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                    cl_map_flags flags, size_t offset, size_t bytes,
                                    cl_uint event_count, const cl_event *events, cl_event *event,
                                    cl_int *error)
{
    bool lying = queue_lies(queue);
    if (lying && is_zero("map")) {
        if (error)
            *error = CL_MAP_FAILURE;
        return NULL;
    }
    float *map = real.clEnqueueMapBuffer(queue, buffer, blocking, flags, offset, bytes, event_count,
                                         events, event, error);
    if (map && flags == CL_MAP_READ && lying)
        map[0] += (float)lie_or("wrong", 0);
    return map;
}

static cl_int CL_API_CALL read_buffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                      size_t offset, size_t bytes, void *out, cl_uint event_count,
                                      const cl_event *events, cl_event *event)
{
    bool lying = queue_lies(queue);
    if (lying && is_zero("copies"))
        return CL_INVALID_OPERATION;
    cl_int error = real.clEnqueueReadBuffer(queue, buffer, blocking, offset, bytes, out,
                                            event_count, events, event);
    if (error == CL_SUCCESS && lying && bytes >= sizeof(float))
        *(float *)out += (float)lie_or("wrong", 0);
    return error;
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking,
                                       size_t offset, size_t bytes, const void *in,
                                       cl_uint event_count, const cl_event *events, cl_event *event)
{
    if (queue_lies(queue) && is_zero("copies"))
        return CL_INVALID_OPERATION;
    return real.clEnqueueWriteBuffer(queue, buffer, blocking, offset, bytes, in, event_count,
                                     events, event);
}

/* --- programs and launches --- */

/* Words of a later language are refused where the device's text does not begin like theirs. */
static bool is_older(const char *options)
{
    const char *opencl, *wanted = options ? strstr(options, "-cl-std=CL") : NULL;
    find_lie("opencl", &opencl);
    return opencl && wanted && strncmp(opencl, "OpenCL ", 7) == 0 &&
           atof(opencl + 7) < atof(wanted + 10);
}

static cl_int CL_API_CALL build_program(cl_program program, cl_uint count,
                                        const cl_device_id *devices, const char *options,
                                        void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    if (devices && lies(devices[0]) && is_zero("build"))
        return CL_BUILD_PROGRAM_FAILURE;
    if (devices && lies(devices[0]) && is_older(options))
        return CL_INVALID_BUILD_OPTIONS;
    return real.clBuildProgram(program, count, devices, options, notify, user);
}

static uint64_t largest_group(uint64_t otherwise)
{
    uint64_t device = lie_or("max_work_group", otherwise);
    uint64_t kernel = lie_or("kernel_group", otherwise);
    return device < kernel ? device : kernel;
}

static cl_int CL_API_CALL get_work_group_info(cl_kernel kernel, cl_device_id device,
                                              cl_kernel_work_group_info query, size_t room,
                                              void *out, size_t *out_bytes)
{
    cl_int error = real.clGetKernelWorkGroupInfo(kernel, device, query, room, out, out_bytes);
    if (error == CL_SUCCESS && query == CL_KERNEL_WORK_GROUP_SIZE && out && lies(device))
        *(size_t *)out = (size_t)largest_group(*(size_t *)out);
    return error;
}

/* What the device makes of a launch that keeps not to what it told. */
static cl_int launch_error(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                           const size_t *global, const size_t *local)
{
    uint64_t items = 1, group = 1;
    cl_device_id device;
    cl_ulong local_bytes = 0;
    for (cl_uint i = 0; i < dimensions; i++) {
        items *= global[i];
        group *= local ? local[i] : 1;
        if (local && global[i] % local[i])
            return CL_INVALID_WORK_GROUP_SIZE;
    }
    if (group > largest_group(UINT64_MAX))
        return CL_INVALID_WORK_GROUP_SIZE;
    if (real.clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL) ==
            CL_SUCCESS &&
        real.clGetKernelWorkGroupInfo(kernel, device, CL_KERNEL_LOCAL_MEM_SIZE, sizeof local_bytes,
                                      &local_bytes, NULL) == CL_SUCCESS &&
        local_bytes > lie_or("local_bytes", UINT64_MAX))
        return CL_OUT_OF_RESOURCES;
    return items * lie_or("item_ns", 0) > WATCHDOG_NS ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

/* Whether launches of this kernel count. */
static bool counts(cl_kernel kernel)
{
    const char *of;
    char name[256] = "";
    size_t length = find_lie("kernel", &of);
    return !of || (real.clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name,
                                        NULL) == CL_SUCCESS &&
                   is_part(of, length, name));
}

/* Fails, crashes or hangs when it is time. */
static cl_int break_down(void)
{
    unsigned long launch = ++launches;
    if (launch >= lie_or("fail", UINT64_MAX))
        return CL_OUT_OF_RESOURCES;
    if (launch >= lie_or("crash", UINT64_MAX)) {
        signal(SIGSEGV, SIG_DFL); /* a sanitizer would make a report of it */
        raise(SIGSEGV);
    }
    while (launch >= lie_or("hang", UINT64_MAX))
        pause();
    return CL_SUCCESS;
}

static cl_int CL_API_CALL enqueue_kernel(cl_command_queue queue, cl_kernel kernel,
                                         cl_uint dimensions, const size_t *offset,
                                         const size_t *global, const size_t *local,
                                         cl_uint event_count, const cl_event *events,
                                         cl_event *event)
{
    if (queue_lies(queue)) {
        uint64_t sleep_ms = lie_or("sleep_ms", 0);
        cl_int refused = launch_error(queue, kernel, dimensions, global, local);
        if (!refused && counts(kernel))
            refused = break_down();
        if (refused)
            return refused;
        if (sleep_ms)
            nanosleep(
                &(struct timespec){(time_t)(sleep_ms / 1000), (long)(sleep_ms % 1000 * 1000000)},
                NULL);
    }
    return real.clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local,
                                       event_count, events, event);
}

static cl_int CL_API_CALL get_profiling_info(cl_event event, cl_profiling_info query, size_t room,
                                             void *out, size_t *out_bytes)
{
    cl_int error = real.clGetEventProfilingInfo(event, query, room, out, out_bytes);
    if (error == CL_SUCCESS && query == CL_PROFILING_COMMAND_START && is_zero("clock"))
        *(cl_ulong *)out += 1000000000000;
    if (error == CL_SUCCESS && query == CL_PROFILING_COMMAND_END && lie_or("clock", 0) == 1) {
        error =
            real.clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, room, out, out_bytes);
        ++*(cl_ulong *)out;
    }
    return error;
}

/* --- the layer --- */

EXPORT cl_int CL_API_CALL clGetLayerInfo(cl_layer_info query, size_t room, void *out,
                                         size_t *out_bytes)
{
    static const char name[] = "a lying device";
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    if (query == CL_LAYER_API_VERSION)
        return answer(&version, sizeof version, room, out, out_bytes);
    if (query == CL_LAYER_NAME)
        return answer(name, sizeof name, room, out, out_bytes);
    return CL_INVALID_VALUE;
}

EXPORT cl_int CL_API_CALL clInitLayer(cl_uint entries, const cl_icd_dispatch *target,
                                      cl_uint *layer_entries, const cl_icd_dispatch **dispatch)
{
    size_t bytes = entries * sizeof(void *);
    memcpy(&real, target, bytes < sizeof real ? bytes : sizeof real);
    layer = real;
    layer.clGetDeviceInfo = get_device_info;
    layer.clCreateBuffer = create_buffer;
    layer.clCreateSubBuffer = create_sub_buffer;
    layer.clCreateImage = create_image;
    layer.clEnqueueMapBuffer = map_buffer;
    layer.clEnqueueReadBuffer = read_buffer;
    layer.clEnqueueWriteBuffer = write_buffer;
    layer.clBuildProgram = build_program;
    layer.clGetKernelWorkGroupInfo = get_work_group_info;
    layer.clEnqueueNDRangeKernel = enqueue_kernel;
    layer.clGetEventProfilingInfo = get_profiling_info;
    *dispatch = &layer;
    *layer_entries = sizeof layer / sizeof(void *);
    return CL_SUCCESS;
}
