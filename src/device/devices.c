#include "device/devices.h"

#include <CL/cl_ext.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cl.h"
#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

/* A loader or driver that answers with more than this is broken. */
enum { MAX_TEXT_BYTES = 1 << 20, MAX_PLATFORMS = 256, MAX_DEVICES = 1024 };

struct entry {
    cl_platform_id platform;
    cl_device_id id;
};

struct alx_devices {
    struct alx_device_info *infos;
    struct entry *entries;
    size_t count;
    char (*empty_platforms)[128];
    size_t empty_count;
};

/* --- texts --- */

/* Cleans, and removes the spaces with which some drivers pad names. */
static void tidy(char *text)
{
    alx_text_clean(text);
    size_t first = strspn(text, " "), length = strlen(text + first);
    while (length && text[first + length - 1] == ' ')
        length--;
    memmove(text, text + first, length);
    text[length] = 0;
}

/* What is cut inside a letter is cleaned, too. */
static void copy_text(char *out, size_t out_bytes, const char *text)
{
    alx_text_copy(out, out_bytes, text ? text : "");
    alx_text_clean(out);
}

char *alx_device_text(alx_device_query *query, cl_device_id id, cl_device_info parameter)
{
    size_t bytes = 0;
    if (query(id, parameter, 0, NULL, &bytes) != CL_SUCCESS || bytes > MAX_TEXT_BYTES)
        bytes = 0;
    char *text = calloc(bytes + 1, 1);
    if (text && bytes && query(id, parameter, bytes, text, NULL) != CL_SUCCESS)
        text[0] = 0;
    if (text)
        tidy(text);
    return text;
}

/* Platforms are asked in the same way, about something else. */
static cl_int CL_API_CALL query_platform(cl_device_id id, cl_device_info parameter, size_t bytes,
                                         void *out, size_t *out_bytes)
{
    return clGetPlatformInfo((cl_platform_id)(void *)id, parameter, bytes, out, out_bytes);
}

char *alx_platform_text(cl_platform_id id, cl_platform_info parameter)
{
    return alx_device_text(query_platform, (cl_device_id)(void *)id, parameter);
}

/* --- the table of properties --- */

enum kind {
    TEXT,
    UINT,
    SIZE,
    ULONG,
    BOOL
}; /* how OpenCL returns it; UINT and SIZE fill a size_t */

static const struct property {
    const char *name; /* for people */
    cl_device_info query;
    enum kind kind;
    size_t offset, bytes;
    int since;   /* OpenCL version, 10 * major + minor */
    bool needed; /* without it the device is not used */
} properties[] = {
#define ROW(name, query, kind, field, since, needed)                                               \
    {                                                                                              \
        name, query, kind, offsetof(struct alx_device_info, field),                                \
            sizeof((struct alx_device_info *)0)->field, since, needed                              \
    }
    /* the version stands first: later rows depend on it */
    ROW("version", CL_DEVICE_VERSION, TEXT, opencl, 10, true),
    ROW("name", CL_DEVICE_NAME, TEXT, name, 10, false),
    ROW("vendor", CL_DEVICE_VENDOR, TEXT, vendor, 10, false),
    ROW("vendor's number", CL_DEVICE_VENDOR_ID, UINT, vendor_id, 10, false),
    ROW("driver version", CL_DRIVER_VERSION, TEXT, driver, 10, false),
    ROW("language version", CL_DEVICE_OPENCL_C_VERSION, TEXT, c_version, 11, false),
    ROW("compute units", CL_DEVICE_MAX_COMPUTE_UNITS, UINT, compute_units, 10, false),
    ROW("clock", CL_DEVICE_MAX_CLOCK_FREQUENCY, UINT, clock_mhz, 10, false),
    ROW("memory size", CL_DEVICE_GLOBAL_MEM_SIZE, ULONG, global_bytes, 10, true),
    ROW("largest buffer", CL_DEVICE_MAX_MEM_ALLOC_SIZE, ULONG, max_alloc_bytes, 10, true),
    ROW("local memory", CL_DEVICE_LOCAL_MEM_SIZE, ULONG, local_bytes, 10, false),
    ROW("work-group limit", CL_DEVICE_MAX_WORK_GROUP_SIZE, SIZE, max_work_group, 10, true),
    ROW("alignment", CL_DEVICE_MEM_BASE_ADDR_ALIGN, UINT, base_align_bytes, 10, false),
    ROW("vector width", CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, UINT, vector_floats, 11, false),
    ROW("unified memory", CL_DEVICE_HOST_UNIFIED_MEMORY, BOOL, unified_memory, 11, false),
#undef ROW
};

__attribute__((format(printf, 2, 3))) static void note(struct alx_device_info *info,
                                                       const char *format, ...)
{
    size_t used = strlen(info->problem);
    va_list arguments;
    if (used && used + 2 < sizeof info->problem) {
        strcpy(info->problem + used, ", ");
        used += 2;
    }
    va_start(arguments, format);
    vsnprintf(info->problem + used, sizeof info->problem - used, format, arguments);
    va_end(arguments);
}

/* Reads one number or boolean of the width that OpenCL gives it. */
static cl_int query_number(alx_device_query *query, cl_device_id id, cl_device_info parameter,
                           enum kind kind, uint64_t *out)
{
    cl_uint narrow = 0;
    cl_ulong wide = 0;
    size_t size = 0;
    cl_int error;
    if (kind == SIZE)
        error = query(id, parameter, sizeof size, &size, NULL);
    else if (kind == ULONG)
        error = query(id, parameter, sizeof wide, &wide, NULL);
    else
        error = query(id, parameter, sizeof narrow, &narrow, NULL);
    *out = error != CL_SUCCESS ? 0 : kind == SIZE ? size : kind == ULONG ? wide : narrow;
    return error;
}

static cl_int query_text(alx_device_query *query, cl_device_id id, const struct property *p,
                         char *field)
{
    size_t bytes = 0;
    cl_int error = query(id, p->query, 0, NULL, &bytes);
    char *text = error == CL_SUCCESS ? alx_device_text(query, id, p->query) : NULL;
    if (text)
        copy_text(field, p->bytes, text);
    if (text && !text[0] && p->needed)
        error = CL_INVALID_VALUE;
    free(text);
    return error;
}

static void query_property(alx_device_query *query, cl_device_id id, const struct property *p,
                           struct alx_device_info *info)
{
    char *field = (char *)info + p->offset;
    uint64_t number = 0;
    cl_int error = CL_SUCCESS;
    switch (p->kind) {
    case TEXT:
        error = query_text(query, id, p, field);
        break;
    case UINT:
    case SIZE:
        error = query_number(query, id, p->query, p->kind, &number);
        memcpy(field, &(size_t){(size_t)number}, sizeof(size_t));
        break;
    case ULONG:
        error = query_number(query, id, p->query, p->kind, &number);
        memcpy(field, &number, sizeof number);
        break;
    case BOOL:
        error = query_number(query, id, p->query, p->kind, &number);
        *(bool *)field = number != 0;
        break;
    }
    if (error == CL_SUCCESS && p->needed && p->kind != TEXT && !number)
        error = CL_INVALID_VALUE;
    if (error == CL_SUCCESS)
        return;
    note(info, "its %s is not known: %s", p->name, alx_cl_error_name(error));
    if (p->needed)
        info->usable = false;
}

/* --- what follows from several queries --- */

/* Whether the list of words holds `word`. */
static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (!at[length] || at[length] == ' '))
            return true;
    return false;
}

static int version_of(const struct alx_device_info *info)
{
    return 10 * info->opencl_major + info->opencl_minor;
}

/* What tells the generations of GPUs apart, from extensions of their vendors. */
static void read_generation(alx_device_query *query, cl_device_id id, const char *words,
                            struct alx_device_info *info)
{
    enum { IP_VERSION_INTEL = 0x4250 }; /* in newer headers: CL_DEVICE_IP_VERSION_INTEL */
    uint64_t first = 0, second = 0;
    if (has_word(words, "cl_intel_device_attribute_query") &&
        query_number(query, id, IP_VERSION_INTEL, UINT, &first) == CL_SUCCESS)
        info->generation = (size_t)(100 * (first >> 22) + (first >> 14 & 0xff));
    if (has_word(words, "cl_nv_device_attribute_query") &&
        query_number(query, id, CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV, UINT, &first) ==
            CL_SUCCESS &&
        query_number(query, id, CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV, UINT, &second) == CL_SUCCESS)
        info->generation = (size_t)(10 * first + second);
    if (has_word(words, "cl_amd_device_attribute_query") &&
        query_number(query, id, CL_DEVICE_WAVEFRONT_WIDTH_AMD, UINT, &first) == CL_SUCCESS)
        info->wave = (size_t)first;
}

/* The size of a sub-group for kernels that read blocks: 16 lanes are fewer instructions, 8 have
 * twice the registers each. */
static size_t block_read_lanes(alx_device_query *query, cl_device_id id)
{
    size_t sizes[8] = {0}, best = 0;
    if (query(id, CL_DEVICE_SUB_GROUP_SIZES_INTEL, sizeof sizes, sizes, NULL) != CL_SUCCESS)
        return 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] == 16 || (sizes[i] == 8 && !best))
            best = sizes[i];
    return best;
}

static void read_extensions(alx_device_query *query, cl_device_id id, struct alx_device_info *info)
{
    char *words = alx_device_text(query, id, CL_DEVICE_EXTENSIONS);
    uint64_t sub_groups = 0;
    if (words) {
        info->fp16 = has_word(words, "cl_khr_fp16");
        info->int8_dot = has_word(words, "cl_khr_integer_dot_product") ||
                         has_word(words, "cl_arm_integer_dot_product_int8");
        info->sub_groups =
            has_word(words, "cl_khr_subgroups") || has_word(words, "cl_intel_subgroups");
        read_generation(query, id, words, info);
        alx_device_place(query, id, has_word, words, info->pci, sizeof info->pci);
        if (has_word(words, "cl_intel_subgroups") &&
            has_word(words, "cl_intel_required_subgroup_size"))
            info->block_read_lanes = block_read_lanes(query, id);
    }
    /* from 2.1 on without an extension, from 3.0 on an option that 0 leaves out */
    if (version_of(info) >= 21 &&
        query_number(query, id, CL_DEVICE_MAX_NUM_SUB_GROUPS, UINT, &sub_groups) == CL_SUCCESS)
        info->sub_groups = info->sub_groups || sub_groups > 0;
    free(words);
}

static void read_type(alx_device_query *query, cl_device_id id, struct alx_device_info *info)
{
    static const char *const software[] = {"llvmpipe", "softpipe", "swrast", "lavapipe",
                                           "software rasterizer"};
    uint64_t type = 0;
    cl_int error = query_number(query, id, CL_DEVICE_TYPE, ULONG, &type);
    if (error != CL_SUCCESS)
        note(info, "its type is not known: %s", alx_cl_error_name(error));
    info->simulator = alx_text_contains(info->name, "oclgrind");
    info->type = type & CL_DEVICE_TYPE_CPU   ? ALX_DEVICE_CPU
                 : type & CL_DEVICE_TYPE_GPU ? ALX_DEVICE_GPU
                                             : ALX_DEVICE_ACCELERATOR;
    for (size_t i = 0; i < sizeof software / sizeof *software; i++)
        info->software = info->software || alx_text_contains(info->name, software[i]);
}

/* A boolean that must be true; a query that fails says nothing against the device. */
static void demand(alx_device_query *query, cl_device_id id, cl_device_info parameter,
                   const char *problem, struct alx_device_info *info)
{
    uint64_t value = 0;
    if (query_number(query, id, parameter, BOOL, &value) == CL_SUCCESS && !value) {
        note(info, "%s", problem);
        info->usable = false;
    }
}

/* OpenCL tells bits. What is no power of two or larger than any page is nobody's alignment. */
static void read_alignment(struct alx_device_info *info)
{
    enum { USUAL_BYTES = 4096, MOST_BYTES = 1 << 16 };
    size_t bytes = alx_max(1, info->base_align_bytes / 8);
    if (bytes > MOST_BYTES || (bytes & (bytes - 1))) {
        note(info, "its alignment of %zu bits is not plausible", info->base_align_bytes);
        bytes = USUAL_BYTES;
    }
    info->base_align_bytes = bytes;
}

void alx_device_describe(alx_device_query *query, cl_device_id id, struct alx_device_info *info)
{
    int version = 10;
    info->usable = true;
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        if (properties[i].since > version)
            continue;
        query_property(query, id, &properties[i], info);
        if (properties[i].query != CL_DEVICE_VERSION)
            continue;
        if (sscanf(info->opencl, "OpenCL %3d.%3d", &info->opencl_major, &info->opencl_minor) != 2)
            info->opencl_major = info->opencl_minor = 0;
        version = version_of(info) > 10 ? version_of(info) : 10;
    }
    read_alignment(info);
    info->vector_floats = alx_max(1, info->vector_floats);
    read_type(query, id, info);
    read_extensions(query, id, info);
    if (info->opencl[0] && version_of(info) < 12) {
        note(info, "OpenCL 1.2 is needed, it offers \"%s\"", info->opencl);
        info->usable = false;
    }
    demand(query, id, CL_DEVICE_AVAILABLE, "its driver says that it is not available", info);
    demand(query, id, CL_DEVICE_COMPILER_AVAILABLE, "it has no compiler", info);
    demand(query, id, CL_DEVICE_ENDIAN_LITTLE, "it is big-endian", info);
}

/* --- the list --- */

static enum alx_status note_empty_platform(alx_devices *devices, const char *name)
{
    char(*larger)[128] =
        realloc(devices->empty_platforms, (devices->empty_count + 1) * sizeof *larger);
    if (!larger)
        return alx_fail(ALX_STATUS_NO_MEMORY, "devices: no memory for the list of platforms");
    devices->empty_platforms = larger;
    copy_text(larger[devices->empty_count++], sizeof *larger, name);
    return ALX_STATUS_OK;
}

static enum alx_status add_device(alx_devices *devices, cl_platform_id platform, cl_device_id id,
                                  struct alx_device_info *info)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t count = devices->count + 1;
    struct alx_device_info *infos = realloc(devices->infos, count * sizeof *infos);
    devices->infos = infos ? infos : devices->infos;
    struct entry *entries = realloc(devices->entries, count * sizeof *entries);
    devices->entries = entries ? entries : devices->entries;
    if (!infos || !entries)
        return alx_fail(ALX_STATUS_NO_MEMORY, "devices: no memory for %zu devices", count);
    alx_device_describe(clGetDeviceInfo, id, info);
    info->number = count;
    infos[devices->count] = *info;
    entries[devices->count] = (struct entry){platform, id};
    devices->count = count;
    return status;
}

static enum alx_status add_platform(alx_devices *devices, cl_platform_id platform, size_t number)
{
    enum alx_status status = ALX_STATUS_OK;
    cl_uint count = 0;
    cl_device_id *ids = NULL;
    char *name = alx_platform_text(platform, CL_PLATFORM_NAME);
    cl_int error = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (error != CL_SUCCESS || !count || count > MAX_DEVICES) {
        if (error != CL_SUCCESS && error != CL_DEVICE_NOT_FOUND)
            alx_log(ALX_LOG_WARNING, "platform %s: its devices cannot be listed: %s",
                    name ? name : "", alx_cl_error_name(error));
        ALX_TRY(note_empty_platform(devices, name));
        goto error;
    }
    ALX_TRY(alx_alloc(count, sizeof *ids, "devices", &ids));
    ALX_CL(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL));
    for (size_t i = 0; i < count; i++) {
        struct alx_device_info info = {.platform_number = number, .device_number = i + 1};
        copy_text(info.platform, sizeof info.platform, name);
        ALX_TRY(add_device(devices, platform, ids[i], &info));
    }
error:
    free(ids);
    free(name);
    return status;
}

enum alx_status alx_devices_create(alx_devices **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_devices *devices = NULL;
    cl_platform_id platforms[MAX_PLATFORMS];
    cl_uint count = 0;
    ALX_TRY(alx_alloc(1, sizeof *devices, "devices", &devices));
    cl_int error = clGetPlatformIDs(MAX_PLATFORMS, platforms, &count);
    if (error != CL_SUCCESS) {
        count = 0;
        if (error != CL_PLATFORM_NOT_FOUND_KHR) /* the loader's word for none at all */
            alx_log(ALX_LOG_WARNING, "OpenCL: its platforms cannot be listed: %s",
                    alx_cl_error_name(error));
    }
    for (size_t i = 0; i < alx_min(count, MAX_PLATFORMS); i++)
        ALX_TRY(add_platform(devices, platforms[i], i + 1));
    size_t chosen = alx_find_default(devices->infos, devices->count);
    if (chosen < devices->count)
        devices->infos[chosen].is_default = true;
    *out = devices;
    devices = NULL;
error:
    alx_devices_destroy(&devices);
    return status;
}

void alx_devices_destroy(alx_devices **devices)
{
    if (!*devices)
        return;
    free((*devices)->infos);
    free((*devices)->entries);
    free((*devices)->empty_platforms);
    free(*devices);
    *devices = NULL;
}

size_t alx_devices_count(const alx_devices *devices)
{
    return devices->count;
}

const struct alx_device_info *alx_devices_info(const alx_devices *devices, size_t index)
{
    return &devices->infos[index];
}

size_t alx_devices_empty_platform_count(const alx_devices *devices)
{
    return devices->empty_count;
}

const char *alx_devices_empty_platform(const alx_devices *devices, size_t index)
{
    return devices->empty_platforms[index];
}

enum alx_status alx_devices_find(const alx_devices *devices, const char *spec, size_t *index)
{
    return alx_find_one(devices->infos, devices->count, spec, index);
}

enum alx_status alx_devices_find_all(const alx_devices *devices, const char *spec, size_t *indices,
                                     size_t capacity, size_t *count)
{
    return alx_find_all(devices->infos, devices->count, spec, indices, capacity, count);
}

cl_platform_id alx_devices_platform(const alx_devices *devices, size_t index)
{
    return devices->entries[index].platform;
}

cl_device_id alx_devices_id(const alx_devices *devices, size_t index)
{
    return devices->entries[index].id;
}
