/*
 * The tensors of a model, one by one: shapes, types and the range of their values.
 */
#include "cli/tensors.h"

#include <stdio.h>

#include "cli/json.h"
#include "cli/output.h"
#include "util/text.h"

/* A layer's weights or biases. */
struct row {
    const struct alx_layer_info *info;
    const char *part;
    struct alx_tensor_view view;
    size_t dims[4], dim_count;
    struct alx_value_range range;
};

static struct row weight_row(const alx_model *model, size_t index)
{
    const struct alx_layer_info *info = alx_net_layer(alx_model_net(model), index);
    const struct alx_layer *layer = &info->layer;
    struct row row = {.info = info, .part = "weight", .view = alx_model_weights(model, index)};
    size_t outputs = layer->out_channels;
    row.dims[0] = outputs;
    row.dims[1] = outputs ? row.view.elems / outputs : 0;
    row.dim_count = 2;
    if (layer->kind == ALX_LAYER_CONV) {
        row.dims[1] = info->in.channels / layer->groups;
        row.dims[2] = layer->kernel_h;
        row.dims[3] = layer->kernel_w;
        row.dim_count = 4;
    }
    return row;
}

static struct row bias_row(const alx_model *model, size_t index)
{
    struct row row = {.info = alx_net_layer(alx_model_net(model), index),
                      .part = "bias",
                      .view = alx_model_biases(model, index),
                      .dim_count = 1};
    row.dims[0] = row.view.elems;
    return row;
}

static void each_tensor(const alx_model *model, void (*use)(void *user, const struct row *row),
                        void *user)
{
    for (size_t i = 0; i < alx_net_layer_count(alx_model_net(model)); i++) {
        struct row rows[] = {weight_row(model, i), bias_row(model, i)};
        for (size_t j = 0; j < 2; j++) {
            if (!rows[j].view.elems)
                continue;
            rows[j].range = alx_value_range(rows[j].view);
            use(user, &rows[j]);
        }
    }
}

static void add_to_table(void *user, const struct row *row)
{
    struct alx_text shape = {0};
    for (size_t i = 0; i < row->dim_count; i++)
        alx_text_add(&shape, "%s%zu", i ? "x" : "", row->dims[i]);
    cli_table_add(user, "%s.%s", row->info->layer.name, row->part);
    cli_table_add(user, "%s", alx_text_get(&shape));
    cli_table_add(user, "%s", alx_dtype_name(row->view.dtype));
    cli_table_add(user, "%.6g", (double)row->range.smallest);
    cli_table_add(user, "%.6g", (double)row->range.largest);
    alx_text_free(&shape);
}

void cli_print_tensors(const alx_model *model)
{
    static const struct cli_column columns[] = {{"Tensor", false, true},
                                                {"Shape", false, false},
                                                {"Type", false, false},
                                                {"Smallest", true, false},
                                                {"Largest", true, false}};
    struct cli_table table = {columns, sizeof columns / sizeof *columns, NULL, 0, 0};
    each_tensor(model, add_to_table, &table);
    if (!table.cell_count) /* a network without weights */
        return;
    putchar('\n');
    cli_table_print(&table);
}

static void add_to_array(void *user, const struct row *row)
{
    struct alx_text name = {0};
    json_t *object = json_object(), *shape = json_array();
    alx_text_add(&name, "%s.%s", row->info->layer.name, row->part);
    for (size_t i = 0; i < row->dim_count; i++)
        json_array_append_new(shape, json_integer((json_int_t)row->dims[i]));
    cli_json_set(object, "name", cli_json_text(alx_text_get(&name)));
    cli_json_set(object, "shape", shape);
    cli_json_set(object, "dtype", json_string(alx_dtype_name(row->view.dtype)));
    cli_json_set(object, "min", cli_json_number((double)row->range.smallest));
    cli_json_set(object, "max", cli_json_number((double)row->range.largest));
    json_array_append_new(user, object);
    alx_text_free(&name);
}

json_t *cli_json_tensors(const alx_model *model)
{
    json_t *array = json_array();
    each_tensor(model, add_to_array, array);
    return array;
}
