#include "cli/json.h"

#include <alexnet_cl/alexnet_cl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/message.h"
#include "cli/output.h"
#include "util/file.h"
#include "util/text.h"

static void *allocate(size_t bytes)
{
    return cli_alloc(bytes, 1, "a JSON document");
}

void cli_json_start(void)
{
    json_set_alloc_funcs(allocate, free);
}

json_t *cli_json_document(const char *schema)
{
    json_t *document = json_object();
    cli_json_set(document, "schema", json_sprintf("alexnet-cl/%s", schema));
    cli_json_set(document, "version", json_string(alx_version()));
    return document;
}

void cli_json_set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

int cli_json_finish(json_t *document, const struct cli_options *options, int code)
{
    enum alx_status status = ALX_STATUS_OK;
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(document);
    if (options->json_file) {
        const struct alx_bytes pieces[] = {{text, strlen(text)}, {"\n", 1}};
        status = alx_file_write(options->json_file, pieces, 2);
    } else {
        puts(text);
    }
    free(text);
    return status != ALX_STATUS_OK && !code ? EXIT_SOME_FAILED : code;
}

json_t *cli_json_text(const char *text)
{
    if (!*text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char *clean = cli_copy(text); /* not UTF-8 */
    alx_text_clean(clean);
    value = json_string(clean);
    free(clean);
    return value;
}

json_t *cli_json_count(uint64_t value)
{
    return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

json_t *cli_json_known(uint64_t value)
{
    return value ? cli_json_count(value) : json_null();
}

json_t *cli_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cli_json_ms(uint64_t ns)
{
    return json_real((double)ns / 1e6);
}

json_t *cli_json_shape(struct alx_shape shape)
{
    return json_pack("[I, I, I]", (json_int_t)shape.channels, (json_int_t)shape.height,
                     (json_int_t)shape.width);
}

json_t *cli_json_lines(const char *text)
{
    json_t *list = json_array();
    for (const char *at = text ? text : ""; *at; at += *at == '\n') {
        size_t length = strcspn(at, "\n");
        json_array_append_new(list, json_stringn(at, length));
        at += length;
    }
    return list;
}

const char *cli_device_type(const struct alx_device_info *info)
{
    static const char *const types[] = {"cpu", "gpu", "accelerator"};
    return types[info->type];
}

json_t *cli_json_device(const struct alx_device_info *info)
{
    json_t *device = json_object();
    cli_json_set(device, "number", cli_json_count(info->number));
    cli_json_set(device, "platform", cli_json_text(info->platform));
    cli_json_set(device, "name", cli_json_text(info->name));
    cli_json_set(device, "vendor", cli_json_text(info->vendor));
    cli_json_set(device, "type", json_string(cli_device_type(info)));
    cli_json_set(device, "driver", cli_json_text(info->driver));
    cli_json_set(device, "opencl", cli_json_text(info->opencl));
    return device;
}

json_t *cli_json_device_all(const struct alx_device_info *info)
{
    json_t *device = cli_json_device(info);
    cli_json_set(device, "id", json_sprintf("%zu:%zu", info->platform_number, info->device_number));
    cli_json_set(device, "pci", cli_json_text(info->pci));
    cli_json_set(device, "compute_units", cli_json_known(info->compute_units));
    cli_json_set(device, "clock_mhz", cli_json_known(info->clock_mhz));
    cli_json_set(device, "global_bytes", cli_json_known(info->global_bytes));
    cli_json_set(device, "max_alloc_bytes", cli_json_known(info->max_alloc_bytes));
    cli_json_set(device, "local_bytes", cli_json_known(info->local_bytes));
    cli_json_set(device, "max_work_group", cli_json_known(info->max_work_group));
    cli_json_set(device, "sub_groups", json_boolean(info->sub_groups));
    cli_json_set(device, "fp16", json_boolean(info->fp16));
    cli_json_set(device, "int8_dot", json_boolean(info->int8_dot));
    cli_json_set(device, "unified_memory", json_boolean(info->unified_memory));
    cli_json_set(device, "simulator", json_boolean(info->simulator));
    cli_json_set(device, "software", json_boolean(info->software));
    cli_json_set(device, "default", json_boolean(info->is_default));
    cli_json_set(device, "usable", json_boolean(info->usable));
    cli_json_set(device, "problem", cli_json_text(info->problem));
    return device;
}

json_t *cli_json_model(const alx_model *model, const alx_net *net)
{
    char sha256[65] = "";
    json_t *object = json_object();
    if (alx_model_sha256(model, sha256) != ALX_STATUS_OK)
        sha256[0] = 0;
    cli_json_set(object, "name", cli_json_text(alx_model_name(model)));
    cli_json_set(object, "network", cli_json_text(alx_net_name(net)));
    cli_json_set(object, "format", cli_json_text(alx_model_format(model)));
    cli_json_set(object, "path", cli_json_text(alx_model_path(model)));
    cli_json_set(object, "sha256", cli_json_text(sha256));
    cli_json_set(object, "classes", cli_json_count(alx_model_class_count(model)));
    cli_json_set(object, "input", cli_json_shape(alx_net_input(net)));
    return object;
}
