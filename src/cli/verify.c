/*
 * alexnet-cl verify: whether a device computes what it should.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <alexnet_cl/device.h>
#include <alexnet_cl/verify.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/error.h"
#include "util/text.h"
#include "util/windows.h"

enum { MOST_DEVICES = 64 };

static const struct cli_column columns[] = {
    {"Layer", false, false},   {"Algorithm", false, false}, {"Form", false, true},
    {"Weights", false, false}, {"Shapes", true, false},     {"Error / bound", true, false},
    {"", false, false},
};

/* What one device's rows are collected in. */
struct collected {
    struct cli_table table;
    json_t *rows;
    size_t algorithms, failed, shapes;
    double worst;
    char *faults; /* owned; of the device, afterwards */
};

static void collect(void *user, const struct alx_verify_row *row)
{
    struct collected *c = user;
    json_t *object = json_object();
    c->algorithms++;
    c->failed += row->failures > 0;
    c->shapes += row->shapes;
    if (!(row->worst <= c->worst))
        c->worst = row->worst;
    cli_progress("%s %s (%s, %s): %zu shapes", row->layer, row->algorithm, row->form,
                 row->precision, row->shapes);
    if (row->failures)
        alx_fail(ALX_STATUS_DEVICE, "kernel %s %s (%s, %s): %zu of %zu shapes are wrong; first %s",
                 row->layer, row->algorithm, row->form, row->precision, row->failures, row->shapes,
                 row->detail);
    cli_table_add(&c->table, "%s", row->layer);
    cli_table_add(&c->table, "%s", row->algorithm);
    cli_table_add(&c->table, "%s", row->form);
    cli_table_add(&c->table, "%s", row->precision);
    cli_table_add(&c->table, "%zu", row->shapes);
    if (row->worst > 0)
        cli_table_add(&c->table, "%.3f", row->worst);
    else
        cli_table_add(&c->table, row->failures ? "not exact" : "exact");
    cli_table_add(&c->table, "%s", row->failures ? "WRONG" : "ok");
    cli_json_set(object, "layer", cli_json_text(row->layer));
    cli_json_set(object, "algorithm", cli_json_text(row->algorithm));
    cli_json_set(object, "form", cli_json_text(row->form));
    cli_json_set(object, "precision", cli_json_text(row->precision));
    cli_json_set(object, "shapes", cli_json_count(row->shapes));
    cli_json_set(object, "failures", cli_json_count(row->failures));
    cli_json_set(object, "worst", cli_json_number(row->worst));
    cli_json_set(object, "detail", cli_json_text(row->detail));
    json_array_append_new(c->rows, object);
}

/* --- one device --- */

static enum alx_status run_device(const alx_devices *devices, size_t index,
                                  const struct cli_options *options, struct collected *collected)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_device *device = NULL;
    const struct alx_device_info *info = alx_devices_info(devices, index);
    struct alx_device_options how = {.cache_dir = options->cache_dir,
                                     .no_cache = options->no_cache};
    struct alx_verify_options what = {.layer = options->layer,
                                      .algorithm = options->algorithm,
                                      .candidates = options->candidates,
                                      .small = info->simulator,
                                      .max_shapes = options->shapes};
    cli_progress("opening %s ...", info->name);
    ALX_TRY(alx_device_open(devices, index, &how, &device));
    status = alx_verify_run(device, &what, collect, collected);
    collected->faults = strdup(alx_device_faults(device));
error:
    cli_progress_clear();
    alx_device_close(&device);
    return status;
}

/* What plans for this device leave out from now on. */
static void print_faults(const struct collected *c)
{
    char list[1024];
    alx_text_copy(list, sizeof list, c->faults ? c->faults : "");
    for (char *rest = list, *line; (line = strsep(&rest, "\n"));)
        if (*line)
            cli_print_line(STYLE_BAD, "will not be chosen on this device: %s", line);
}

static void print_device(const struct alx_device_info *info, struct collected *c,
                         enum alx_status status)
{
    cli_print_line(STYLE_BOLD, "%zu  %s%s%s", info->number, info->name, cli_separator(),
                   info->platform);
    if (c->table.cell_count)
        cli_table_print(&c->table);
    if (status == ALX_STATUS_OK)
        cli_print_line(STYLE_GOOD,
                       "all right: %zu kernels and forms, %zu shapes, largest error %.3f of its "
                       "bound",
                       c->algorithms, c->shapes, c->worst);
    else if (c->algorithms)
        cli_print_line(STYLE_BAD, "WRONG: %zu of %zu kernels and forms", c->failed, c->algorithms);
    else
        cli_print_line(STYLE_BAD, "could not be tried");
    print_faults(c);
    putchar('\n');
}

static json_t *device_json(const struct alx_device_info *info, struct collected *c,
                           enum alx_status status)
{
    json_t *object = json_object();
    cli_json_set(object, "device", cli_json_device(info));
    cli_json_set(object, "status", json_string(status == ALX_STATUS_OK ? "ok" : "failed"));
    cli_json_set(object, "reason", cli_json_text(status == ALX_STATUS_OK ? "" : cli_last_error()));
    cli_json_set(object, "shapes", cli_json_count(c->shapes));
    cli_json_set(object, "worst", cli_json_number(c->worst));
    cli_json_set(object, "left_out", cli_json_lines(c->faults));
    cli_json_set(object, "rows", json_incref(c->rows));
    return object;
}

int cli_verify(const struct cli_options *options)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_devices *devices = NULL;
    size_t indices[MOST_DEVICES], count = 0;
    json_t *list = json_array();
    int code;
    ALX_TRY(alx_devices_create(&devices));
    ALX_TRY(alx_devices_find_all(devices, options->device, indices, MOST_DEVICES, &count));
    for (size_t i = 0; i < count && cli_output_flush(); i++) {
        const struct alx_device_info *info = alx_devices_info(devices, indices[i]);
        struct collected c = {.table = {columns, sizeof columns / sizeof *columns, NULL, 0, 0},
                              .rows = json_array()};
        enum alx_status outcome = run_device(devices, indices[i], options, &c);
        if (outcome != ALX_STATUS_OK)
            status = outcome;
        json_array_append_new(list, device_json(info, &c, outcome));
        if (!options->json)
            print_device(info, &c, outcome);
        cli_table_free(&c.table);
        free(c.faults);
        json_decref(c.rows);
    }
error:
    code = cli_exit_code(status, EXIT_DEVICE);
    if (options->json && count) {
        json_t *document = cli_json_document("verify/1");
        cli_json_set(document, "devices", json_incref(list));
        code = cli_json_finish(document, options, code);
    }
    json_decref(list);
    alx_devices_destroy(&devices);
    return code;
}
