/*
 * What a device is to the table of algorithms: its family and its traits.
 */
#include "ops/op.h"
#include "util/memory.h"
#include "util/text.h"

enum { INTEL = 0x8086, AMD = 0x1002, NVIDIA = 0x10de };

/* Processors are told apart by platform and vector width, GPUs by maker and generation. The first
 * row that fits counts; the last one of each kind fits all. */
static const struct family {
    enum alx_family family;
    const char *name;
    bool simt;
    const char *platform; /* a part of its name */
    size_t vector;        /* the native width in floats; 0: any */
    size_t vendor;        /* 0: any */
    size_t oldest;        /* generation, see generation_of() */
} families[] = {
    {ALX_FAMILY_POCL_AVX512, "pocl avx512", false, "Portable Computing", 16, 0, 0},
    {ALX_FAMILY_POCL_AVX2, "pocl avx2", false, "Portable Computing", 8, 0, 0},
    {ALX_FAMILY_INTEL_CPU, "intel cpu", false, "Intel", 0, 0, 0},
    {ALX_FAMILY_CPU, "cpu", false, "", 0, 0, 0},
    {ALX_FAMILY_XE_HPG, "xe-hpg", true, "", 0, INTEL, 1255},
    {ALX_FAMILY_XE_LP, "xe-lp", true, "", 0, INTEL, 1200},
    {ALX_FAMILY_GEN9, "gen9", true, "", 0, INTEL, 0},
    {ALX_FAMILY_GCN, "gcn", true, "", 0, AMD, 64},
    {ALX_FAMILY_RDNA, "rdna", true, "", 0, AMD, 32},
    {ALX_FAMILY_GCN, "gcn", true, "", 0, AMD, 0},
    {ALX_FAMILY_NVIDIA_TURING, "nvidia turing", true, "", 0, NVIDIA, 75},
    {ALX_FAMILY_NVIDIA_PASCAL, "nvidia pascal", true, "", 0, NVIDIA, 0},
    {ALX_FAMILY_GPU, "gpu", true, "", 0, 0, 0},
};
enum { FAMILIES = sizeof families / sizeof *families };

const char *alx_family_name(enum alx_family family)
{
    for (size_t i = 0; i < FAMILIES; i++)
        if (families[i].family == family)
            return families[i].name;
    return "unknown";
}

/* AMD's is told by the width of its waves. Intel's drivers have told theirs for a few years only:
 * before, discrete GPUs are Xe-HPG, and Xe-LP is the first integrated one with dot products. */
static size_t generation_of(const struct alx_device_info *info)
{
    if (info->vendor_id == AMD)
        return info->wave;
    if (info->vendor_id == INTEL && !info->generation)
        return !info->unified_memory ? 1255 : info->int8_dot ? 1200 : 900;
    return info->generation;
}

static const struct family *family_of(const struct alx_device_info *info, bool simt)
{
    size_t generation = generation_of(info), i = 0;
    for (; i < FAMILIES - 1; i++) {
        const struct family *f = &families[i];
        if (f->simt == simt && alx_text_contains(info->platform, f->platform) &&
            (!f->vector || f->vector == info->vector_floats) &&
            (!f->vendor || f->vendor == info->vendor_id) && generation >= f->oldest)
            break;
    }
    return &families[i];
}

/* Devices have told widths of 0 and of more than OpenCL has. */
static size_t plausible_vector(size_t floats)
{
    return floats >= 16 ? 16 : floats >= 8 ? 8 : 4;
}

/* As many lanes as may work together: their sums meet in local memory. */
static size_t most_lanes(const struct alx_device_info *info)
{
    enum { MOST = 256, LOCAL_BYTES_OF_LANE = 32 };
    uint64_t by_memory = info->local_bytes / LOCAL_BYTES_OF_LANE;
    size_t most = alx_min(MOST, info->max_work_group);
    return alx_max(1, by_memory < most ? (size_t)by_memory : most);
}

/* What CLBlast takes for granted: groups of 256 that share 32 KiB, and an answer to every query. */
static bool suits_clblast(const struct alx_device_info *info)
{
    return info->max_work_group >= 256 && info->local_bytes >= 32 << 10 && !info->problem[0];
}

struct alx_traits alx_traits_of_device(const struct alx_device_info *info)
{
    enum { MOST_UNITS = 1 << 16 };
    bool simt = info->type != ALX_DEVICE_CPU || info->software;
    const struct family *family = family_of(info, simt);
    struct alx_traits traits = {
        .family = family->family,
        .simt = simt,
        .vector = simt ? 1 : plausible_vector(info->vector_floats),
        .lanes = simt ? 64 : 1,
        .max_lanes = simt ? most_lanes(info) : 1,
        .block_read_lanes = simt ? info->block_read_lanes : 0,
        .units = alx_max(1, alx_min(info->compute_units, MOST_UNITS)),
        .unified = info->unified_memory,
        .local_bytes = (size_t)info->local_bytes,
        .prefetch = !simt && !info->simulator,
        .clblast = suits_clblast(info),
        .max_alloc_bytes = (size_t)info->max_alloc_bytes,
    };
    /* 512-bit registers come in 32 (AVX-512), narrower ones in 16 (AVX2, SSE) or 32 (NEON). */
    traits.registers = info->vector_floats >= 16 ? 32 : 16;
    while (traits.lanes > traits.max_lanes)
        traits.lanes /= 2;
    return traits;
}
