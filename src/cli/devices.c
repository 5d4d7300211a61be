/*
 * alexnet-cl devices: what OpenCL offers on this machine.
 */
#include <stdio.h>

#include <alexnet_cl/device.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/error.h"

static const char *yes_no(bool value)
{
    return value ? "yes" : "no";
}

static void print_details(const struct alx_device_info *info)
{
    enum { INDENT = 19 };
    cli_print_line(STYLE_BOLD, "%zu  %s", info->number, info->name);
    cli_print_entry("    platform", INDENT, "%zu:%zu %s", info->platform_number,
                    info->device_number, info->platform);
    if (*info->pci)
        cli_print_entry("    bus", INDENT, "%s", info->pci);
    cli_print_entry("    vendor", INDENT, "%s", info->vendor);
    cli_print_entry("    type", INDENT, "%s%s%s%s", cli_device_type(info),
                    info->software ? ", in software" : "", info->simulator ? ", simulator" : "",
                    info->is_default ? ", used by default" : "");
    cli_print_entry("    driver", INDENT, "%s", info->driver);
    cli_print_entry("    version", INDENT, "%s; %s", info->opencl, info->c_version);
    cli_print_entry("    compute units", INDENT, "%zu at %zu MHz", info->compute_units,
                    info->clock_mhz);
    cli_print_entry("    memory", INDENT, "%s, %s a buffer, %s", cli_bytes(info->global_bytes).text,
                    cli_bytes(info->max_alloc_bytes).text,
                    info->unified_memory ? "shared with the host" : "its own");
    cli_print_entry("    local memory", INDENT, "%s", cli_bytes(info->local_bytes).text);
    cli_print_entry("    work-group", INDENT, "%zu at most", info->max_work_group);
    cli_print_entry("    vector", INDENT, "%zu float%s", info->vector_floats,
                    info->vector_floats == 1 ? "" : "s");
    cli_print_entry("    sub-groups", INDENT, "%s", yes_no(info->sub_groups));
    cli_print_entry("    fp16", INDENT, "%s", yes_no(info->fp16));
    cli_print_entry("    int8 dot", INDENT, "%s", yes_no(info->int8_dot));
    if (*info->problem)
        cli_print_entry(info->usable ? "    note" : "    not usable", INDENT, "%s", info->problem);
    putchar('\n');
}

static void print_table(const alx_devices *devices)
{
    static const struct cli_column columns[] = {
        {" ", false, false},     {"#", true, false},        {"Type", false, false},
        {"Device", false, true}, {"Platform", false, true}, {"Units", true, false},
        {"Memory", true, false},
    };
    struct cli_table table = {columns, sizeof columns / sizeof *columns, NULL, 0, 0};
    for (size_t i = 0; i < alx_devices_count(devices); i++) {
        const struct alx_device_info *info = alx_devices_info(devices, i);
        cli_table_add(&table, "%s", info->is_default ? "*" : info->usable ? " " : "!");
        cli_table_add(&table, "%zu", info->number);
        cli_table_add(&table, "%s", info->simulator ? "sim" : cli_device_type(info));
        cli_table_add(&table, "%s", info->name);
        cli_table_add(&table, "%s", info->platform);
        cli_table_add(&table, "%zu", info->compute_units);
        cli_table_add(&table, "%s", cli_bytes(info->global_bytes).text);
    }
    cli_table_print(&table);
}

static void print_text(const alx_devices *devices, const struct cli_options *options)
{
    size_t count = alx_devices_count(devices);
    for (size_t i = 0; i < count && options->verbose; i++)
        print_details(alx_devices_info(devices, i));
    if (count && !options->verbose)
        print_table(devices);
    for (size_t i = 0; i < count && !options->verbose; i++) {
        const struct alx_device_info *info = alx_devices_info(devices, i);
        if (!info->usable)
            cli_print_line(STYLE_PLAIN, "! %zu cannot be used: %s", info->number, info->problem);
    }
    for (size_t i = 0; i < alx_devices_empty_platform_count(devices); i++)
        cli_print_line(STYLE_DIM, "Platform %s has no device here.",
                       alx_devices_empty_platform(devices, i));
    if (count && !options->verbose && !options->quiet)
        cli_print_line(STYLE_DIM,
                       "* is the default; --device takes number, name, cpu or gpu; -v says more");
}

static json_t *devices_json(const alx_devices *devices)
{
    json_t *document = cli_json_document("devices/1"), *list = json_array(), *empty = json_array();
    for (size_t i = 0; i < alx_devices_count(devices); i++)
        json_array_append_new(list, cli_json_device_all(alx_devices_info(devices, i)));
    for (size_t i = 0; i < alx_devices_empty_platform_count(devices); i++)
        json_array_append_new(empty, cli_json_text(alx_devices_empty_platform(devices, i)));
    cli_json_set(document, "devices", list);
    cli_json_set(document, "platforms_without_devices", empty);
    return document;
}

int cli_devices(const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_devices *devices = NULL;
    bool usable = false;
    size_t index;
    int code;
    ALX_TRY(alx_devices_create(&devices));
    for (size_t i = 0; i < alx_devices_count(devices); i++)
        usable = usable || alx_devices_info(devices, i)->usable;
    if (!options->json)
        print_text(devices, options);
    if (!usable)
        status = alx_devices_find(devices, NULL, &index); /* says what can be done */
error:
    code = cli_exit_code(status, EXIT_NO_DEVICE);
    if (options->json && devices)
        code = cli_json_finish(devices_json(devices), options, code);
    alx_devices_destroy(&devices);
    return code;
}
