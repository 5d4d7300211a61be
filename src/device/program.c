#include "device/program.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "alx_config.h"
#include "device/cache.h"
#include "device/cl.h"
#include "device/device.h"
#include "device/devices.h"
#include "device/source.h"
#include "util/clock.h"
#include "util/memory.h"
#include "util/sha256.h"
#include "util/text.h"

enum { LOG_BYTES = 2048, MAX_LOG_BYTES = 1 << 20 };
enum { KEPT_PROGRAMS = 64 }; /* several networks' worth; beyond, the eldest are let go */

struct program {
    uint8_t key[ALX_SHA256_BYTES];
    cl_program handle; /* NULL: a free place */
    bool compiled;     /* not from the disk */
    bool to_store;     /* on disk, when it is let go */
};

struct alx_programs {
    struct program kept[KEPT_PROGRAMS];
    size_t next;    /* place of the next one */
    char *identity; /* what binaries depend on beside source and options */
    struct alx_cache *cache;
    struct alx_program_counts counts;
};

/* Drivers have crashed on concurrent builds, also for different devices. */
static pthread_mutex_t build_mutex = PTHREAD_MUTEX_INITIALIZER;

/* --- keys --- */

/* With its length, so that no two lists of parts read the same. */
static void add_part(struct alx_text *text, const char *part)
{
    part = part ? part : "";
    alx_text_add(text, "%zu:%s", strlen(part), part);
}

static enum alx_status make_identity(const alx_device *device, char **out)
{
    static const cl_platform_info of_platform[] = {CL_PLATFORM_NAME, CL_PLATFORM_VERSION};
    static const cl_device_info of_device[] = {CL_DEVICE_NAME, CL_DEVICE_VENDOR, CL_DEVICE_VERSION,
                                               CL_DRIVER_VERSION, CL_DEVICE_EXTENSIONS};
    struct alx_text text = {0};
    add_part(&text, ALX_VERSION);
    for (size_t i = 0; i < sizeof of_platform / sizeof *of_platform; i++) {
        char *part = alx_platform_text(device->platform, of_platform[i]);
        add_part(&text, part);
        free(part);
    }
    for (size_t i = 0; i < sizeof of_device / sizeof *of_device; i++) {
        char *part = alx_device_text(clGetDeviceInfo, device->id, of_device[i]);
        add_part(&text, part);
        free(part);
    }
    /* The same name may stand for CPUs with and without AVX-512 (virtual machines). */
    alx_text_add(&text, "%zu:", device->info.vector_floats);
    if (text.failed) {
        alx_text_free(&text);
        return alx_fail(ALX_STATUS_NO_MEMORY, "programs: no memory for a key");
    }
    *out = text.data;
    return ALX_STATUS_OK;
}

static enum alx_status make_key(const struct alx_programs *programs, const char *source,
                                const char *options, uint8_t key[ALX_SHA256_BYTES])
{
    struct alx_text text = {0};
    add_part(&text, programs->identity);
    add_part(&text, source);
    add_part(&text, options);
    bool failed = text.failed;
    if (!failed)
        alx_sha256(text.data, text.bytes, key);
    alx_text_free(&text);
    return failed ? alx_fail(ALX_STATUS_NO_MEMORY, "programs: no memory for a key") : ALX_STATUS_OK;
}

/* --- sources --- */

static const char *find_source(const char *name)
{
    for (const struct alx_source *s = alx_sources; s->name; s++)
        if (!strcmp(s->name, name))
            return s->text;
    return NULL;
}

/* One text instead of an include path: paths in build options have crashed drivers. */
static enum alx_status join_source(const char *file, struct alx_text *out)
{
    const char *common = find_source("common.h"), *own = find_source(file);
    if (!common || !own)
        return alx_fail(ALX_STATUS_INTERNAL, "%s: there is no such kernel file", file);
    alx_text_add(out, "%s\n%s", common, own);
    return out->failed ? alx_fail(ALX_STATUS_NO_MEMORY, "%s: no memory for the source", file)
                       : ALX_STATUS_OK;
}

/* --- building --- */

void alx_build_log_clean(const char *log, size_t bytes, char *out, size_t out_bytes)
{
    static const char separator[] = " | ";
    size_t used = 0;
    for (size_t i = 0; i < bytes && log[i];) {
        size_t length = 0;
        while (i + length < bytes && log[i + length] && log[i + length] != '\n' &&
               log[i + length] != '\r')
            length++;
        size_t kept = length;
        while (kept && log[i + kept - 1] == ' ')
            kept--;
        size_t before = kept && used ? sizeof separator - 1 : 0;
        kept = alx_min(kept, out_bytes - 1 - alx_min(used + before, out_bytes - 1));
        if (kept) {
            memcpy(out + used, separator, before);
            memcpy(out + used + before, log + i, kept);
            used += before + kept;
        }
        i += length ? length : 1;
    }
    out[used] = 0;
    alx_text_clean(out);
}

static void read_log(const alx_device *device, cl_program program, char out[LOG_BYTES])
{
    size_t bytes = 0;
    char *log = NULL;
    alx_text_copy(out, LOG_BYTES, "the compiler gave no reason");
    if (clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) !=
            CL_SUCCESS ||
        bytes < 2 || bytes > MAX_LOG_BYTES || !(log = malloc(bytes)))
        return;
    if (clGetProgramBuildInfo(program, device->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) ==
        CL_SUCCESS)
        alx_build_log_clean(log, bytes, out, LOG_BYTES);
    free(log);
}

static enum alx_status compile(const alx_device *device, const char *file, const char *source,
                               const char *options, cl_program *out)
{
    enum alx_status status = ALX_STATUS_OK;
    char log[LOG_BYTES];
    cl_int error;
    cl_program program = clCreateProgramWithSource(device->context, 1, &source, NULL, &error);
    ALX_CL(error);
    error = clBuildProgram(program, 1, &device->id, options, NULL, NULL);
    if (error != CL_SUCCESS) {
        read_log(device, program, log);
        status = alx_fail(ALX_STATUS_DEVICE, "%s on %s: does not compile: %s: %s", file,
                          device->info.name, alx_cl_error_name(error), log);
        goto error;
    }
    *out = program;
    program = NULL;
error:
    if (program)
        clReleaseProgram(program);
    return status;
}

/* NULL when there is none, or none that the driver takes. */
static cl_program load(const alx_device *device, const uint8_t key[ALX_SHA256_BYTES],
                       const char *options)
{
    struct alx_cache *cache = device->programs->cache;
    uint8_t *binary = NULL;
    size_t bytes;
    cl_int error, loaded;
    if (!alx_cache_load(cache, key, &binary, &bytes))
        return NULL;
    const unsigned char *binaries[] = {binary};
    cl_program program = clCreateProgramWithBinary(device->context, 1, &device->id, &bytes,
                                                   binaries, &loaded, &error);
    free(binary);
    if (error == CL_SUCCESS && loaded == CL_SUCCESS &&
        clBuildProgram(program, 1, &device->id, options, NULL, NULL) == CL_SUCCESS)
        return program;
    if (error == CL_SUCCESS)
        clReleaseProgram(program);
    alx_cache_remove(cache, key);
    return NULL;
}

static void store(const struct alx_programs *programs, const struct program *program)
{
    size_t bytes = 0;
    unsigned char *binary;
    if (clGetProgramInfo(program->handle, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) !=
            CL_SUCCESS ||
        !bytes || !(binary = malloc(bytes)))
        return; /* the driver has none to give */
    if (clGetProgramInfo(program->handle, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) ==
        CL_SUCCESS)
        alx_cache_store(programs->cache, program->key, binary, bytes);
    free(binary);
}

/* Stores only now what was compiled: after it ran, when the user has the results. PoCL compiles a
 * kernel at its first launch, and a binary taken before would lack that. */
static void let_go(const struct alx_programs *programs, struct program *program)
{
    if (!program->handle)
        return;
    if (programs->cache && program->to_store)
        store(programs, program);
    clReleaseProgram(program->handle);
    *program = (struct program){0};
}

/* Finds, loads or compiles. The handle stays the list's. */
static enum alx_status get_program(alx_device *device, const char *file, const char *options,
                                   cl_program *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_programs *programs = device->programs;
    struct alx_text source = {0};
    struct program program = {0};
    uint64_t start = alx_clock_ns();
    ALX_TRY(join_source(file, &source));
    ALX_TRY(make_key(programs, alx_text_get(&source), options, program.key));
    for (size_t i = 0; i < KEPT_PROGRAMS; i++)
        if (programs->kept[i].handle &&
            !memcmp(programs->kept[i].key, program.key, sizeof program.key)) {
            *out = programs->kept[i].handle;
            programs->kept[i].to_store =
                programs->kept[i].to_store || (programs->kept[i].compiled && !device->transient);
            goto error;
        }
    program.handle = load(device, program.key, options);
    bool cached = program.handle != NULL;
    program.compiled = !cached;
    program.to_store = !cached && !device->transient;
    if (!cached)
        ALX_TRY(compile(device, file, alx_text_get(&source), options, &program.handle));
    programs->counts.built += !cached;
    programs->counts.cached += cached;
    alx_log(ALX_LOG_DEBUG, "%s: %s in %.1f ms with %s", file, cached ? "loaded" : "compiled",
            (double)(alx_clock_ns() - start) * 1e-6, options);
    struct program *place = &programs->kept[programs->next];
    programs->next = (programs->next + 1) % KEPT_PROGRAMS;
    let_go(programs, place);
    *place = program;
    *out = program.handle;
error:
    alx_text_free(&source);
    return status;
}

enum alx_status alx_kernel_create(alx_device *device, const char *file, const char *name,
                                  const char *options, cl_kernel *out)
{
    enum alx_status status = ALX_STATUS_OK;
    cl_program program = NULL;
    cl_int error;
    pthread_mutex_lock(&build_mutex);
    uint64_t start = alx_clock_ns();
    ALX_TRY(get_program(device, file, options, &program));
    cl_kernel kernel = clCreateKernel(program, name, &error);
    if (error != CL_SUCCESS) {
        status = alx_fail(ALX_STATUS_DEVICE, "%s on %s: kernel %s cannot be created: %s", file,
                          device->info.name, name, alx_cl_error_name(error));
        goto error;
    }
    *out = kernel;
error:
    device->programs->counts.build_ns += alx_clock_ns() - start;
    pthread_mutex_unlock(&build_mutex);
    return status;
}

/* --- notes --- */

static enum alx_status note_key(const alx_device *device, const char *name,
                                uint8_t key[ALX_SHA256_BYTES])
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_text sources = {0};
    for (const struct alx_source *s = alx_sources; s->name; s++)
        add_part(&sources, s->text);
    ALX_TRY(make_key(device->programs, alx_text_get(&sources), name, key));
    if (sources.failed)
        status = alx_fail(ALX_STATUS_NO_MEMORY, "%s: no memory for a key", name);
error:
    alx_text_free(&sources);
    return status;
}

char *alx_note_load(const alx_device *device, const char *name)
{
    uint8_t key[ALX_SHA256_BYTES], *payload = NULL;
    size_t bytes;
    if (!device->programs->cache || note_key(device, name, key) != ALX_STATUS_OK ||
        !alx_cache_load(device->programs->cache, key, &payload, &bytes))
        return NULL;
    char *text = calloc(bytes + 1, 1);
    if (text)
        memcpy(text, payload, bytes);
    free(payload);
    return text;
}

void alx_note_store(const alx_device *device, const char *name, const char *text)
{
    uint8_t key[ALX_SHA256_BYTES];
    if (!device->programs->cache || note_key(device, name, key) != ALX_STATUS_OK)
        return;
    if (*text)
        alx_cache_store(device->programs->cache, key, text, strlen(text));
    else
        alx_cache_remove(device->programs->cache, key);
}

/* --- the list --- */

enum alx_status alx_programs_create(const alx_device *device,
                                    const struct alx_device_options *options,
                                    struct alx_programs **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_programs *programs = NULL;
    ALX_TRY(alx_alloc(1, sizeof *programs, "programs", &programs));
    ALX_TRY(make_identity(device, &programs->identity));
    if (!options->no_cache)
        programs->cache = alx_cache_open(options->cache_dir);
    *out = programs;
    programs = NULL;
error:
    alx_programs_destroy(&programs);
    return status;
}

void alx_programs_destroy(struct alx_programs **pointer)
{
    struct alx_programs *programs = *pointer;
    if (!programs)
        return;
    pthread_mutex_lock(&build_mutex);
    for (size_t i = 0; i < KEPT_PROGRAMS; i++)
        let_go(programs, &programs->kept[i]);
    pthread_mutex_unlock(&build_mutex);
    alx_cache_close(&programs->cache);
    free(programs->identity);
    free(programs);
    *pointer = NULL;
}

struct alx_program_counts alx_device_program_counts(const alx_device *device)
{
    return device->programs->counts;
}
