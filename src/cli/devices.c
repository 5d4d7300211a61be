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
    cli_print_styled(STYLE_BOLD, "%zu  %s\n", info->number, info->name);
    cli_print_styled(STYLE_PLAIN, "    platform        %zu:%zu  %s\n", info->platform_number,
                     info->device_number, info->platform);
    cli_print_styled(STYLE_PLAIN, "    vendor          %s\n", info->vendor);
    cli_print_styled(STYLE_PLAIN, "    type            %s%s%s%s\n", cli_device_type(info),
                     info->software ? ", in software" : "", info->simulator ? ", simulator" : "",
                     info->is_default ? ", used by default" : "");
    cli_print_styled(STYLE_PLAIN, "    driver          %s\n", info->driver);
    cli_print_styled(STYLE_PLAIN, "    version         %s; %s\n", info->opencl, info->c_version);
    printf("    compute units   %zu at %zu MHz\n", info->compute_units, info->clock_mhz);
    printf("    memory          %s", cli_bytes(info->global_bytes).text);
    printf(", %s a buffer, %s\n", cli_bytes(info->max_alloc_bytes).text,
           info->unified_memory ? "shared with the host" : "its own");
    printf("    local memory    %s\n", cli_bytes(info->local_bytes).text);
    printf("    work-group      %zu at most\n", info->max_work_group);
    printf("    vector          %zu floats\n", info->vector_floats);
    printf("    sub-groups      %s\n", yes_no(info->sub_groups));
    printf("    fp16            %s\n", yes_no(info->fp16));
    printf("    int8 dot        %s\n", yes_no(info->int8_dot));
    if (*info->problem)
        cli_print_styled(STYLE_BAD, "    %-16s%s\n", info->usable ? "note" : "not usable",
                         info->problem);
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
            cli_print_styled(STYLE_PLAIN, "! %zu cannot be used: %s\n", info->number,
                             info->problem);
    }
    for (size_t i = 0; i < alx_devices_empty_platform_count(devices); i++)
        cli_print_styled(STYLE_DIM, "Platform %s has no device here.\n",
                         alx_devices_empty_platform(devices, i));
    if (count && !options->verbose && !options->quiet)
        cli_print_styled(
            STYLE_DIM, "* is the default; --device takes number, name, cpu or gpu; -v says more\n");
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
