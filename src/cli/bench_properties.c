/*
 * Names and values: everything that a document of bench says of devices, machines and versions.
 */
#include <math.h>
#include <string.h>

#include "cli/bench_report.h"
#include "cli/bench_tables.h"

enum unit { TEXT, NUMBER, BYTES, YES_OR_NO };

struct property {
    const char *key, *name;
    enum unit unit;
};

static const struct property device_properties[] = {
    {"number", "Number", NUMBER},
    {"id", "Platform:device", TEXT},
    {"name", "Name", TEXT},
    {"vendor", "Vendor", TEXT},
    {"type", "Type", TEXT},
    {"platform", "Platform", TEXT},
    {"driver", "Driver", TEXT},
    {"opencl", "OpenCL", TEXT},
    {"compute_units", "Compute units", NUMBER},
    {"clock_mhz", "Clock, MHz", NUMBER},
    {"global_bytes", "Memory", BYTES},
    {"max_alloc_bytes", "Largest buffer", BYTES},
    {"local_bytes", "Local memory", BYTES},
    {"max_work_group", "Largest work-group", NUMBER},
    {"sub_groups", "Sub-groups", YES_OR_NO},
    {"fp16", "Half precision", YES_OR_NO},
    {"int8_dot", "8-bit dot products", YES_OR_NO},
    {"unified_memory", "Shares the host's memory", YES_OR_NO},
    {"software", "Software on the processor", YES_OR_NO},
    {"simulator", "Simulator", YES_OR_NO},
    {"default", "Chosen by default", YES_OR_NO},
    {"usable", "Usable", YES_OR_NO},
    {"problem", "Problem", TEXT},
    {"pci", "Place on the bus", TEXT},
};

static const struct property host_properties[] = {
    {"cpu", "Processor", TEXT},           {"logical_cpus", "Logical processors", NUMBER},
    {"memory_bytes", "Memory", BYTES},    {"os", "System", TEXT},
    {"machine", "Architecture", TEXT},    {"clock_max_mhz", "Highest clock, MHz", NUMBER},
    {"governor", "Clock governor", TEXT}, {"on_battery", "On battery", YES_OR_NO},
    {"fingerprint", "Fingerprint", TEXT},
};

static const struct property model_properties[] = {
    {"name", "Model", TEXT},
    {"format", "Model's format", TEXT},
    {"sha256", "Model's file, SHA-256", TEXT},
    {"classes", "Classes", NUMBER},
};

static const struct property network_properties[] = {
    {"name", "Network", TEXT},
    {"layers", "Layers", NUMBER},
    {"parameters", "Parameters", NUMBER},
    {"macs", "Multiply-accumulates an image", NUMBER},
};

static const struct property hash_properties[] = {
    {"weights", "Weights, SHA-256", TEXT},
    {"kernels", "Kernels, SHA-256", TEXT},
    {"input", "Input, SHA-256", TEXT},
};

static const struct property settings_properties[] = {
    {"time_ms", "Most time for a measurement, ms", NUMBER},
    {"warm_up_ms", "Most time to warm up, ms", NUMBER},
    {"interleaved", "Devices interleaved", YES_OR_NO},
    {"quick", "Quick", YES_OR_NO},
    {"seed", "Seed of the order", TEXT},
};

static const struct property state_properties[] = {
    {"clock_mhz", "Clock, MHz", NUMBER},
    {"temperature_c",
     "Temperature, \xc2\xb0"
     "C",
     NUMBER},
    {"load", "Load", NUMBER},
    {"throttled", "Slowed down by heat, times", NUMBER},
};

static const struct cli_column columns[] = {{"Property", false, false}, {"Value", false, true}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void add_value(struct cli_table *table, const json_t *value, enum unit unit)
{
    if (!value || json_is_null(value))
        cli_table_add(table, "-");
    else if (json_is_boolean(value))
        cli_table_add(table, json_is_true(value) ? "yes" : "no");
    else if (json_is_string(value))
        cli_table_add(table, "%s", json_string_value(value));
    else if (unit == BYTES)
        cli_table_add(table, "%s", cli_bytes((uint64_t)json_integer_value(value)).text);
    else if (unit == TEXT) /* a number that is a name */
        cli_table_add(table, "%.0f", json_number_value(value));
    else if (json_is_integer(value))
        cli_table_add(table, "%s", cli_count((uint64_t)json_integer_value(value)).text);
    else
        cli_table_add(table, "%s", cli_figures(json_number_value(value)).text);
}

static void add_rows(struct cli_table *table, const json_t *object, const char *suffix,
                     const struct property *properties, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cli_table_add(table, "%s%s", properties[i].name, suffix);
        add_value(table, json_object_get(object, properties[i].key), properties[i].unit);
    }
}

#define ADD_ROWS(table, object, suffix, rows)                                                      \
    add_rows(table, object, suffix, rows, sizeof(rows) / sizeof *(rows))

void bench_properties_table(const json_t *device, struct cli_table *out)
{
    *out = (struct cli_table){columns, COLUMNS, NULL, 0, 0};
    ADD_ROWS(out, json_object_get(device, "device"), "", device_properties);
    ADD_ROWS(out, json_object_get(device, "before"), ", before", state_properties);
    ADD_ROWS(out, json_object_get(device, "after"), ", after", state_properties);
    for (size_t i = 0; i < json_array_size(json_object_get(device, "runs")); i++) {
        const json_t *run = json_array_get(json_object_get(device, "runs"), i);
        cli_table_add(out, "Plan of %s, SHA-256", bench_run_name(run).text);
        add_value(out, json_object_get(run, "plan_sha256"), TEXT);
    }
}

void bench_versions_table(const json_t *part, struct cli_table *out)
{
    static const struct property head[] = {
        {"version", "alexnet-cl", TEXT},
        {"schema", "Document", TEXT},
        {"time", "Measured", TEXT},
    };
    *out = (struct cli_table){columns, COLUMNS, NULL, 0, 0};
    ADD_ROWS(out, part, "", head);
    ADD_ROWS(out, json_object_get(part, "host"), "", host_properties);
    ADD_ROWS(out, json_object_get(part, "model"), "", model_properties);
    ADD_ROWS(out, json_object_get(part, "network"), "", network_properties);
    ADD_ROWS(out, json_object_get(part, "hashes"), "", hash_properties);
    ADD_ROWS(out, json_object_get(part, "settings"), "", settings_properties);
}
