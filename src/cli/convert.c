/*
 * alexnet-cl convert: any model file as safetensors.
 */
#include <stdio.h>
#include <sys/stat.h>

#include <alexnet_cl/model.h>

#include "cli/json.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/error.h"

static bool same_file(const char *a, const char *b)
{
    struct stat first, second;
    return !stat(a, &first) && !stat(b, &second) && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The type that all weights have, so that nothing is lost; F32 when they differ. Biases beside int8
 * weights are F32 anyway. */
static enum alx_dtype dtype_of(const alx_model *model)
{
    const alx_net *net = alx_model_net(model);
    bool seen[ALX_DTYPE_COUNT] = {false};
    for (size_t i = 0; i < alx_net_layer_count(net); i++) {
        struct alx_tensor_view weights = alx_model_weights(model, i);
        struct alx_tensor_view biases = alx_model_biases(model, i);
        seen[weights.dtype] = seen[weights.dtype] || weights.elems;
        seen[biases.dtype] = seen[biases.dtype] || (biases.elems && weights.dtype != ALX_DTYPE_I8);
    }
    enum alx_dtype dtype = ALX_DTYPE_F32;
    size_t types = 0;
    for (enum alx_dtype i = ALX_DTYPE_F32; i < ALX_DTYPE_COUNT; i++) {
        types += seen[i];
        dtype = seen[i] ? i : dtype;
    }
    return types == 1 ? dtype : ALX_DTYPE_F32;
}

static int report(const struct cli_options *options, const char *from, const char *to,
                  const alx_model *model, enum alx_dtype dtype)
{
    struct stat info;
    uint64_t bytes = stat(to, &info) ? 0 : (uint64_t)info.st_size;
    if (options->json) {
        json_t *document = cli_json_document("convert/1");
        cli_json_set(document, "input", cli_json_text(from));
        cli_json_set(document, "output", cli_json_text(to));
        cli_json_set(document, "name", cli_json_text(alx_model_name(model)));
        cli_json_set(document, "dtype", json_string(alx_dtype_name(dtype)));
        cli_json_set(document, "parameters",
                     cli_json_count(alx_net_parameters(alx_model_net(model))));
        cli_json_set(document, "bytes", cli_json_count(bytes));
        return cli_json_finish(document, options, EXIT_ALL_DONE);
    }
    if (!options->quiet)
        cli_print_line(STYLE_PLAIN, "%s: %s as %s, %s", to, alx_model_name(model),
                       alx_dtype_name(dtype), cli_bytes(bytes).text);
    return EXIT_ALL_DONE;
}

int cli_convert(const struct cli_options *options)
{
    const char *from = options->operands[0], *to = options->operands[1];
    struct alx_model_options how = {.network = options->network,
                                    .labels_path = options->labels,
                                    .allow_nan = options->allow_nan};
    static const enum alx_dtype dtypes[] = {ALX_DTYPE_F32, ALX_DTYPE_F16, ALX_DTYPE_I8,
                                            ALX_DTYPE_BF16}; /* in the order of --precision */
    alx_model *model = NULL;
    int code;
    code = cli_exit_code(alx_model_load(from, &how, &model), EXIT_MODEL);
    if (code)
        goto done;
    if (same_file(alx_model_path(model), to)) {
        alx_fail(ALX_STATUS_USAGE, "%s: is the model to be read; give another name for OUT", to);
        code = EXIT_USAGE;
        goto done;
    }
    enum alx_dtype dtype = options->precision < 0 ? dtype_of(model) : dtypes[options->precision];
    code = cli_exit_code(alx_model_save(model, to, dtype), EXIT_SOME_FAILED);
    if (!code)
        code = report(options, from, to, model, dtype);
done:
    alx_model_destroy(&model);
    return code;
}
