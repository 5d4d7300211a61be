#include <alexnet_cl/measure.h>
#include <string.h>

#include "util/text.h"

static bool is_processor(const struct alx_device_info *info)
{
    return (info->type == ALX_DEVICE_CPU || info->software) && !info->simulator;
}

void alx_hardware_name(const struct alx_device_info *info, const char *cpu, char out[128])
{
    static const char mesa[] = "Mesa ";
    const char *name = is_processor(info) && *cpu ? cpu : info->name;
    if (!strncmp(name, mesa, sizeof mesa - 1))
        name += sizeof mesa - 1;
    alx_text_copy(out, 128, name);
    if (is_processor(info))
        return;
    /* as in "AMD Radeon RX 580 (radeonsi, polaris10)" and "Intel(R) HD Graphics [0x5917]" */
    for (char *detail = out; (detail = strpbrk(detail, "([")); detail++)
        if (detail > out && detail[-1] == ' ') {
            detail[-1] = 0;
            return;
        }
}

/* How many devices of the same platform and the same name stand before: two equal cards are not
 * one. */
static size_t rank_in_platform(const struct alx_device_info *infos, size_t index)
{
    size_t rank = 0;
    for (size_t i = 0; i < index; i++)
        rank += infos[i].platform_number == infos[index].platform_number &&
                !strcmp(infos[i].name, infos[index].name);
    return rank;
}

bool alx_hardware_is_same(const struct alx_device_info *infos, size_t a, size_t b)
{
    const struct alx_device_info *x = &infos[a], *y = &infos[b];
    char name_x[128], name_y[128];
    if (x->simulator != y->simulator || is_processor(x) != is_processor(y))
        return false;
    if (is_processor(x))
        return true;
    if (*x->pci && *y->pci)
        return !strcmp(x->pci, y->pci);
    alx_hardware_name(x, "", name_x);
    alx_hardware_name(y, "", name_y);
    return !strcmp(name_x, name_y) && rank_in_platform(infos, a) == rank_in_platform(infos, b);
}
