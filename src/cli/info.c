/*
 * alexnet-cl info: a network as the table that papers print.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <alexnet_cl/model.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "cli/tensors.h"
#include "util/text.h"

/* --- one layer in words --- */

static bool has_window(enum alx_layer_kind kind)
{
    return kind == ALX_LAYER_CONV || kind == ALX_LAYER_MAX_POOL || kind == ALX_LAYER_AVG_POOL;
}

static void add_pair(struct alx_text *text, size_t a, size_t b)
{
    alx_text_add(text, "%zu", a);
    if (a != b)
        alx_text_add(text, "x%zu", b);
}

static void add_shape(struct alx_text *text, struct alx_shape s)
{
    if (s.height == 1 && s.width == 1)
        alx_text_add(text, "%zu", s.channels);
    else
        alx_text_add(text, "%zux%zux%zu", s.height, s.width, s.channels);
}

static bool has_groups(enum alx_layer_kind kind)
{
    return kind == ALX_LAYER_CONV || kind == ALX_LAYER_LRN;
}

/* Into how many parts a convolution's output falls: those it is made of, or those that the next
 * convolution, or a normalisation before that, reads apart. Papers write 55x55x96 = 48+48. */
static size_t parts_of(const alx_net *net, size_t index)
{
    size_t groups = alx_net_layer(net, index)->layer.groups;
    for (size_t i = index + 1; groups < 2 && i < alx_net_layer_count(net); i++) {
        const struct alx_layer *layer = &alx_net_layer(net, i)->layer;
        if (layer->kind == ALX_LAYER_FC)
            break;
        if (has_groups(layer->kind))
            groups = layer->groups;
        if (layer->kind == ALX_LAYER_CONV)
            break;
    }
    return groups;
}

enum { MOST_PARTS = 4 };

/* The parts of a convolution's output, e.g. "48+48"; nothing when it is whole. */
static void add_parts(struct alx_text *text, const alx_net *net, size_t index)
{
    const struct alx_layer_info *info = alx_net_layer(net, index);
    size_t parts = info->layer.kind == ALX_LAYER_CONV ? parts_of(net, index) : 1;
    if (parts < 2 || parts > MOST_PARTS || info->out.channels % parts)
        return;
    for (size_t i = 0; i < parts; i++)
        alx_text_add(text, "%s%zu", i ? "+" : "", info->out.channels / parts);
}

/* The towers of a network: AlexNet was two, each on a GPU of its own. */
static void print_towers(const alx_net *net)
{
    struct alx_text text = {0};
    size_t most = 1;
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        struct alx_text parts = {0};
        add_parts(&parts, net, i);
        if (parts.bytes) {
            most = most < parts_of(net, i) ? parts_of(net, i) : most;
            alx_text_add(&text, "%s%s", text.bytes ? ", " : "", alx_text_get(&parts));
        }
        alx_text_free(&parts);
    }
    if (most == 2)
        cli_print_line(STYLE_PLAIN, "two towers, as on the paper's two GPUs: %s",
                       alx_text_get(&text));
    alx_text_free(&text);
}

static void add_output(struct alx_text *text, const alx_net *net, size_t index)
{
    struct alx_text parts = {0};
    add_shape(text, alx_net_layer(net, index)->out);
    add_parts(&parts, net, index);
    if (parts.bytes)
        alx_text_add(text, " = %s", alx_text_get(&parts));
    alx_text_free(&parts);
}

static void add_padding(struct alx_text *text, const struct alx_layer *l)
{
    if (l->pad_top == l->pad_bottom && l->pad_left == l->pad_right)
        add_pair(text, l->pad_top, l->pad_left);
    else
        alx_text_add(text, "%zu,%zu,%zu,%zu", l->pad_top, l->pad_left, l->pad_bottom, l->pad_right);
}

/* Moves the text into the table's next cell. */
static void add_cell(struct cli_table *table, struct alx_text *text)
{
    cli_table_add(table, "%s", alx_text_get(text));
    alx_text_free(text);
}

static void add_row(struct cli_table *table, const alx_net *net, size_t index)
{
    const struct alx_layer_info *info = alx_net_layer(net, index);
    const struct alx_layer *l = &info->layer;
    bool window = has_window(l->kind);
    struct alx_text text = {0};
    cli_table_add(table, "%s", l->name);
    alx_text_add(&text, "%s%s", alx_layer_kind_name(l->kind),
                 l->activation == ALX_ACTIVATION_RELU ? "+relu" : "");
    if (l->relu_limit > 0)
        alx_text_add(&text, "%g", l->relu_limit); /* relu6 */
    add_cell(table, &text);
    if (window)
        alx_text_add(&text, "%zux%zu", l->kernel_h, l->kernel_w);
    else if (l->kind == ALX_LAYER_LRN)
        alx_text_add(&text, "%zu", l->lrn_size);
    add_cell(table, &text);
    if (window)
        add_pair(&text, l->stride_h, l->stride_w);
    add_cell(table, &text);
    if (window)
        add_padding(&text, l);
    add_cell(table, &text);
    if (has_groups(l->kind))
        alx_text_add(&text, "%zu", l->groups);
    add_cell(table, &text);
    add_output(&text, net, index);
    add_cell(table, &text);
    cli_table_add(table, "%s", info->parameters ? cli_count(info->parameters).text : "");
    cli_table_add(table, "%s", info->macs ? cli_count(info->macs).text : "");
}

static void print_net(const alx_net *net)
{
    static const struct cli_column columns[] = {
        {"Layer", false, true},   {"Kind", false, false},      {"Kernel", false, false},
        {"Stride", false, false}, {"Pad", false, false},       {"Grp", false, false},
        {"Output", false, false}, {"Parameters", true, false}, {"MACs", true, false},
    };
    enum { COLUMNS = sizeof columns / sizeof *columns };
    struct cli_table table = {columns, COLUMNS, NULL, 0, 0};
    struct alx_text text = {0};
    for (size_t i = 0; i < COLUMNS; i++) {
        if (i == 6)
            add_shape(&text, alx_net_input(net));
        else if (i == 0)
            alx_text_add(&text, "input");
        add_cell(&table, &text);
    }
    for (size_t i = 0; i < alx_net_layer_count(net); i++)
        add_row(&table, net, i);
    cli_table_print(&table);
    printf("%s parameters", cli_count(alx_net_parameters(net)).text);
    printf(" (%s as float32)", cli_bytes(alx_net_parameters(net) * sizeof(float)).text);
    printf(", %s MACs an image\n", cli_count(alx_net_macs(net)).text);
    print_towers(net);
}

/* --- a model around it --- */

static const char *const resize_names[] = {"warp", "crop", "none"};
static const char *const filter_names[] = {"antialias", "bilinear"};
static const char *const order_names[] = {"rgb", "bgr"};

enum { INDENT = 11 };

static uint64_t file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) ? 0 : (uint64_t)info.st_size;
}

static size_t value_bytes(struct alx_tensor_view view)
{
    return view.elems * alx_dtype_bytes(view.dtype);
}

/* The types of the weights, each once, e.g. "F16, F32". */
static void add_dtypes(struct alx_text *text, const alx_model *model)
{
    bool seen[ALX_DTYPE_COUNT] = {false};
    for (size_t i = 0; i < alx_net_layer_count(alx_model_net(model)); i++) {
        struct alx_tensor_view w = alx_model_weights(model, i), b = alx_model_biases(model, i);
        seen[w.dtype] = seen[w.dtype] || w.elems;
        seen[b.dtype] = seen[b.dtype] || b.elems;
    }
    for (enum alx_dtype i = ALX_DTYPE_F32; i < ALX_DTYPE_COUNT; i++)
        if (seen[i])
            alx_text_add(text, "%s%s", text->bytes ? ", " : "", alx_dtype_name(i));
}

static void print_recipe(const struct alx_preprocess *p, struct alx_shape input)
{
    size_t resize = p->resize_size ? p->resize_size : input.height;
    const char *order = input.channels == 1 ? "grey" : p->order == ALX_ORDER_RGB ? "RGB" : "BGR";
    if (p->resize == ALX_RESIZE_NONE)
        cli_print_entry("  input", INDENT, "exactly %zux%zu, %s", input.width, input.height, order);
    else
        cli_print_entry("  input", INDENT, "%s %zu (%s), its centre %zux%zu, %s",
                        p->resize == ALX_RESIZE_WARP ? "scaled to a square of"
                                                     : "short side scaled to",
                        resize, filter_names[p->filter], input.width, input.height, order);
    if (p->mean_image)
        cli_print_entry("  pixel", INDENT, "(p * %g - a mean image of %zux%zu) / %g,%g,%g",
                        (double)p->scale, p->mean_width, p->mean_height, (double)p->std[0],
                        (double)p->std[1], (double)p->std[2]);
    else
        cli_print_entry("  pixel", INDENT, "(p * %g - %g,%g,%g) / %g,%g,%g", (double)p->scale,
                        (double)p->mean[0], (double)p->mean[1], (double)p->mean[2],
                        (double)p->std[0], (double)p->std[1], (double)p->std[2]);
}

static void print_provenance(const struct alx_provenance *from)
{
    if (from->file)
        cli_print_entry("  made of", INDENT, "%s, %s, sha256 %s", from->file, from->format,
                        from->sha256);
    if (from->note)
        cli_print_entry("  source", INDENT, "%s", from->note);
}

static void print_model(const alx_model *model)
{
    enum { MOST_LABELS = 10 };
    char sha256[65] = "";
    struct alx_text text = {0};
    size_t classes = alx_model_class_count(model);
    if (alx_model_sha256(model, sha256) != ALX_STATUS_OK)
        sha256[0] = 0;
    cli_print_line(STYLE_BOLD, "%s", alx_model_name(model));
    cli_print_entry("  file", INDENT, "%s", alx_model_path(model));
    add_dtypes(&text, model);
    cli_print_entry("  format", INDENT, "%s, %s, %s", alx_model_format(model), alx_text_get(&text),
                    cli_bytes(file_bytes(alx_model_path(model))).text);
    alx_text_free(&text);
    cli_print_entry("  sha256", INDENT, "%s", sha256);
    cli_print_entry("  network", INDENT, "%s (%s)", alx_net_name(alx_model_net(model)),
                    alx_model_recognition(model));
    print_provenance(alx_model_provenance(model));
    print_recipe(alx_model_preprocess(model), alx_net_input(alx_model_net(model)));
    for (size_t i = 0; i < classes && i < MOST_LABELS; i++)
        alx_text_add(&text, " %s%s", alx_model_label(model, i), i + 1 < classes ? "," : "");
    cli_print_entry("  classes", INDENT, "%zu:%s%s", classes, alx_text_get(&text),
                    classes > MOST_LABELS ? " ..." : "");
    alx_text_free(&text);
    for (size_t i = 0; cli_kept_warning(i); i++)
        cli_print_entry("  warning", INDENT, "%s", cli_kept_warning(i));
    putchar('\n');
}

/* --- JSON --- */

static json_t *pair_json(size_t a, size_t b)
{
    return a ? json_pack("[I, I]", (json_int_t)a, (json_int_t)b) : json_null();
}

static json_t *layer_json(const alx_net *net, size_t index, const alx_model *model)
{
    const struct alx_layer_info *info = alx_net_layer(net, index);
    const struct alx_layer *l = &info->layer;
    bool window = has_window(l->kind);
    json_t *object = json_object();
    uint64_t bytes = info->parameters * sizeof(float);
    struct alx_text parts = {0};
    if (model)
        bytes = value_bytes(alx_model_weights(model, index)) +
                value_bytes(alx_model_scales(model, index)) +
                value_bytes(alx_model_biases(model, index));
    cli_json_set(object, "name", cli_json_text(l->name));
    cli_json_set(object, "kind", json_string(alx_layer_kind_name(l->kind)));
    cli_json_set(object, "kernel",
                 window ? pair_json(l->kernel_h, l->kernel_w)
                        : cli_json_known(l->kind == ALX_LAYER_LRN ? l->lrn_size : 0));
    cli_json_set(object, "stride", window ? pair_json(l->stride_h, l->stride_w) : json_null());
    cli_json_set(object, "padding",
                 window ? json_pack("[I, I, I, I]", (json_int_t)l->pad_top, (json_int_t)l->pad_left,
                                    (json_int_t)l->pad_bottom, (json_int_t)l->pad_right)
                        : json_null());
    cli_json_set(object, "groups", cli_json_known(has_groups(l->kind) ? l->groups : 0));
    add_parts(&parts, net, index);
    cli_json_set(object, "parts", cli_json_text(alx_text_get(&parts)));
    alx_text_free(&parts);
    cli_json_set(object, "activation",
                 l->activation == ALX_ACTIVATION_RELU ? json_string("relu") : json_null());
    cli_json_set(object, "relu_limit",
                 l->relu_limit > 0 ? cli_json_number(l->relu_limit) : json_null());
    cli_json_set(object, "input", cli_json_shape(info->in));
    cli_json_set(object, "output", cli_json_shape(info->out));
    cli_json_set(object, "parameters", cli_json_count(info->parameters));
    cli_json_set(object, "macs", cli_json_count(info->macs));
    cli_json_set(object, "bytes", cli_json_count(bytes));
    return object;
}

static json_t *net_json(const alx_net *net, const alx_model *model)
{
    json_t *object = json_object(), *layers = json_array();
    for (size_t i = 0; i < alx_net_layer_count(net); i++)
        json_array_append_new(layers, layer_json(net, i, model));
    cli_json_set(object, "name", cli_json_text(alx_net_name(net)));
    cli_json_set(object, "input", cli_json_shape(alx_net_input(net)));
    cli_json_set(object, "output", cli_json_shape(alx_net_output(net)));
    cli_json_set(object, "parameters", cli_json_count(alx_net_parameters(net)));
    cli_json_set(object, "macs", cli_json_count(alx_net_macs(net)));
    cli_json_set(object, "layers", layers);
    return object;
}

static json_t *floats_json(const float values[3])
{
    return json_pack("[f, f, f]", (double)values[0], (double)values[1], (double)values[2]);
}

static json_t *recipe_json(const struct alx_preprocess *p)
{
    json_t *object = json_object();
    cli_json_set(object, "resize", json_string(resize_names[p->resize]));
    cli_json_set(object, "resize_size", cli_json_known(p->resize_size));
    cli_json_set(object, "filter", json_string(filter_names[p->filter]));
    cli_json_set(object, "order", json_string(order_names[p->order]));
    cli_json_set(object, "scale", cli_json_number((double)p->scale));
    cli_json_set(object, "mean", p->mean_image ? json_null() : floats_json(p->mean));
    cli_json_set(object, "std", floats_json(p->std));
    cli_json_set(object, "mean_image",
                 p->mean_image ? pair_json(p->mean_height, p->mean_width) : json_null());
    return object;
}

static json_t *provenance_json(const struct alx_provenance *from)
{
    json_t *object = json_object(), *file = json_null();
    if (from->file) {
        file = json_object();
        cli_json_set(file, "file", cli_json_text(from->file));
        cli_json_set(file, "format", cli_json_text(from->format));
        cli_json_set(file, "sha256", cli_json_text(from->sha256));
    }
    cli_json_set(object, "converted_from", file);
    cli_json_set(object, "note", cli_json_text(from->note ? from->note : ""));
    return object;
}

static json_t *labels_json(const alx_model *model)
{
    json_t *labels = json_array();
    for (size_t i = 0; i < alx_model_class_count(model); i++)
        json_array_append_new(labels, cli_json_text(alx_model_label(model, i)));
    return labels;
}

static json_t *warnings_json(void)
{
    json_t *warnings = json_array();
    for (size_t i = 0; cli_kept_warning(i); i++)
        json_array_append_new(warnings, cli_json_text(cli_kept_warning(i)));
    return warnings;
}

static int print_json(const struct cli_options *options, const alx_net *net, const alx_model *model)
{
    json_t *document = cli_json_document("info/1");
    struct alx_text dtypes = {0};
    if (model)
        add_dtypes(&dtypes, model);
    cli_json_set(document, "model", model ? cli_json_model(model, net) : json_null());
    cli_json_set(document, "dtype", cli_json_text(alx_text_get(&dtypes)));
    cli_json_set(document, "bytes",
                 model ? cli_json_known(file_bytes(alx_model_path(model))) : json_null());
    cli_json_set(document, "preprocess",
                 model ? recipe_json(alx_model_preprocess(model)) : json_null());
    cli_json_set(document, "recognition",
                 model ? cli_json_text(alx_model_recognition(model)) : json_null());
    cli_json_set(document, "warnings", warnings_json());
    cli_json_set(document, "tensors", model ? cli_json_tensors(model) : json_null());
    cli_json_set(document, "provenance",
                 model ? provenance_json(alx_model_provenance(model)) : json_null());
    cli_json_set(document, "labels", model ? labels_json(model) : json_null());
    cli_json_set(document, "network", net_json(net, model));
    alx_text_free(&dtypes);
    return cli_json_finish(document, options, EXIT_ALL_DONE);
}

/* --- what there is --- */

static bool add_model_row(void *user, const char *name, const char *path)
{
    cli_table_add(user, "%s", name);
    cli_table_add(user, "%s", path);
    return true;
}

static bool add_model_json(void *user, const char *name, const char *path)
{
    json_array_append_new(
        user, json_pack("{s:o, s:o}", "name", cli_json_text(name), "path", cli_json_text(path)));
    return true;
}

static int list(const struct cli_options *options)
{
    static const struct cli_column model_columns[] = {{"Installed model", false, false},
                                                      {"File", false, true}};
    static const struct cli_column network_columns[] = {{"Built-in network", false, false},
                                                        {"What it is", false, true}};
    if (options->json) {
        json_t *document = cli_json_document("models/1");
        json_t *models = json_array(), *networks = json_array();
        enum alx_status status = alx_model_list(add_model_json, models);
        for (size_t i = 0; alx_net_builtin_name(i); i++)
            json_array_append_new(networks, json_pack("{s:s, s:s}", "name", alx_net_builtin_name(i),
                                                      "summary", alx_net_builtin_summary(i)));
        cli_json_set(document, "models", models);
        cli_json_set(document, "networks", networks);
        return cli_json_finish(document, options, cli_exit_code(status, EXIT_MODEL));
    }
    struct cli_table models = {model_columns, 2, NULL, 0, 0};
    struct cli_table networks = {network_columns, 2, NULL, 0, 0};
    enum alx_status status = alx_model_list(add_model_row, &models);
    for (size_t i = 0; alx_net_builtin_name(i); i++) {
        cli_table_add(&networks, "%s", alx_net_builtin_name(i));
        cli_table_add(&networks, "%s", alx_net_builtin_summary(i));
    }
    cli_table_print(&models);
    putchar('\n');
    cli_table_print(&networks);
    return cli_exit_code(status, EXIT_MODEL);
}

/* --- the command --- */

int cli_info(const struct cli_options *options)
{
    const char *name = options->operand_count ? options->operands[0] : options->model;
    struct alx_model_options how = {.network = options->network,
                                    .labels_path = options->labels,
                                    .allow_nan = options->allow_nan};
    alx_model *model = NULL;
    alx_net *named = NULL;
    int code = EXIT_ALL_DONE;
    if (options->list)
        return list(options);
    cli_message_keep_warnings();
    if (options->network && !name)
        code = cli_exit_code(alx_net_open(options->network, &named), EXIT_MODEL);
    else
        code = cli_exit_code(alx_model_load(name, &how, &model), EXIT_MODEL);
    cli_message_end_keeping(code || options->json);
    if (code)
        goto done;
    const alx_net *net = model ? alx_model_net(model) : named;
    if (options->json) {
        code = print_json(options, net, model);
    } else {
        if (model)
            print_model(model);
        print_net(net);
        if (model)
            cli_print_tensors(model);
    }
done:
    alx_net_destroy(&named);
    alx_model_destroy(&model);
    return code;
}
