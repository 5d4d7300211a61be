#include <CL/cl_ext.h>
#include <stdio.h>

#include "device/devices.h"

/* cl_nv_device_attribute_query, which cl_ext.h knows in part. */
enum { PCI_BUS_ID_NV = 0x4008, PCI_SLOT_ID_NV = 0x4009, PCI_DOMAIN_ID_NV = 0x400a };

struct place {
    cl_uint domain, bus, device, function;
};

static bool ask_khronos(alx_device_query *query, cl_device_id id, struct place *out)
{
    cl_device_pci_bus_info_khr info;
    if (query(id, CL_DEVICE_PCI_BUS_INFO_KHR, sizeof info, &info, NULL) != CL_SUCCESS)
        return false;
    *out = (struct place){info.pci_domain, info.pci_bus, info.pci_device, info.pci_function};
    return true;
}

static bool ask_nvidia(alx_device_query *query, cl_device_id id, struct place *out)
{
    cl_uint bus, slot, domain;
    if (query(id, PCI_BUS_ID_NV, sizeof bus, &bus, NULL) != CL_SUCCESS ||
        query(id, PCI_SLOT_ID_NV, sizeof slot, &slot, NULL) != CL_SUCCESS)
        return false;
    if (query(id, PCI_DOMAIN_ID_NV, sizeof domain, &domain, NULL) != CL_SUCCESS)
        domain = 0; /* drivers before 2019 */
    *out = (struct place){domain, bus, slot >> 3, slot & 7};
    return true;
}

static bool ask_amd(alx_device_query *query, cl_device_id id, struct place *out)
{
    cl_device_topology_amd topology;
    if (query(id, CL_DEVICE_TOPOLOGY_AMD, sizeof topology, &topology, NULL) != CL_SUCCESS ||
        topology.raw.type != CL_DEVICE_TOPOLOGY_TYPE_PCIE_AMD)
        return false;
    *out = (struct place){0, (unsigned char)topology.pcie.bus, (unsigned char)topology.pcie.device,
                          (unsigned char)topology.pcie.function};
    return true;
}

void alx_device_place(alx_device_query *query, cl_device_id id,
                      bool (*has_extension)(const char *words, const char *word), const char *words,
                      char *out, size_t out_bytes)
{
    static const struct {
        const char *extension;
        bool (*ask)(alx_device_query *query, cl_device_id id, struct place *out);
    } ways[] = {{"cl_khr_pci_bus_info", ask_khronos},
                {"cl_nv_device_attribute_query", ask_nvidia},
                {"cl_amd_device_attribute_query", ask_amd}};
    struct place place;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (has_extension(words, ways[i].extension) && ways[i].ask(query, id, &place)) {
            snprintf(out, out_bytes, "%04x:%02x:%02x.%x", place.domain & 0xffff, place.bus & 0xff,
                     place.device & 0x1f, place.function & 7);
            return;
        }
}
