/*
 * From a file to a model: find the reader, find the network, fit the tensors, check the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/installed.h"
#include "model/model.h"
#include "model/preprocess.h"
#include "model/prototxt.h"
#include "tensor/view.h"
#include "util/error.h"
#include "util/memory.h"

enum { MAX_MEAN_SIDE = 4096 };

/* What the caller says instead of the file; read before the file is. */
struct overrides {
    alx_net *net;             /* owned, or NULL */
    struct alx_labels labels; /* owned; count 0: none */
    const char *labels_path;  /* where they are from */
    bool allow_nan;
};

/* The built-in table that the tensors fit. */
static enum alx_status recognise(const struct alx_source *source, const struct alx_naming **naming,
                                 alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_net **nets = NULL;
    size_t count = 0, built = 0;
    while (alx_net_builtin_name(count))
        count++;
    ALX_TRY(alx_alloc(count, sizeof *nets, "the networks", &nets));
    for (; built < count; built++)
        ALX_TRY(alx_net_create_named(alx_net_builtin_name(built), &nets[built]));
    ALX_TRY(alx_fit_recognise(source, (const alx_net *const *)nets, count, naming, out));
error:
    for (size_t i = 0; i < built; i++)
        alx_net_destroy(&nets[i]);
    free(nets);
    return status;
}

/* The network: what the caller named, what the file says, or what its tensors fit. `*naming` is how
 * the file names its tensors; NULL: as we do. */
static enum alx_status set_net(alx_model *model, const struct alx_source *source,
                               const struct overrides *overrides, const struct alx_naming **naming)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_net *recognised = NULL;
    const alx_net *named = overrides->net, *net = named ? named : source->net;
    if (named && source->net && strcmp(alx_net_name(named), alx_net_name(source->net)))
        alx_log(ALX_LOG_WARNING, "the file says network %s; %s is used as asked",
                alx_net_name(source->net), alx_net_name(named));
    *naming = NULL;
    if (named)
        *naming = alx_fit_naming(source, named);
    if (!net) {
        ALX_TRY(recognise(source, naming, &recognised));
        net = recognised;
    }
    if (*naming)
        snprintf(model->recognition, sizeof model->recognition, "%s as %s has them",
                 named ? "named by the user, its tensors" : "by names and shapes of its tensors,",
                 (*naming)->program);
    else
        snprintf(model->recognition, sizeof model->recognition, "%s",
                 named         ? "named by the user"
                 : source->net ? "described by the file"
                               : "by names and shapes of its tensors");
    ALX_TRY(alx_model_set_net(model, net));
    ALX_TRY(alx_model_check(model));
error:
    alx_net_destroy(&recognised);
    return status;
}

static enum alx_status set_mean_image(alx_model *model, const struct alx_source *source)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_source_tensor *tensor = alx_source_find(source, ALX_MEAN_IMAGE_NAME);
    struct alx_shape input = alx_net_input(model->net);
    char shown[ALX_SHOW_BYTES];
    if (!tensor)
        return status;
    const size_t *dims = tensor->dims;
    if (tensor->dim_count != 3 || dims[0] != input.channels || dims[1] < input.height ||
        dims[2] < input.width || dims[1] > MAX_MEAN_SIDE || dims[2] > MAX_MEAN_SIDE)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: its shape is %s, but network %s needs [%zu, %zu..%d, %zu..%d]",
                        tensor->name, alx_show_dims(dims, tensor->dim_count, shown),
                        alx_net_name(model->net), input.channels, input.height, MAX_MEAN_SIDE,
                        input.width, MAX_MEAN_SIDE);
    ALX_TRY(alx_fit_check_values(tensor, false));
    if (tensor->view.dtype != ALX_DTYPE_F32)
        return alx_fail(ALX_STATUS_MODEL, "tensor %s: its type is %s, but must be F32",
                        tensor->name, tensor->dtype_name);
    ALX_TRY(alx_alloc(tensor->view.elems, sizeof(float), "the mean image", &model->mean_image));
    alx_view_read(tensor->view, 0, tensor->view.elems, model->mean_image);
    model->preprocess.mean_image = model->mean_image;
    model->preprocess.mean_height = dims[1];
    model->preprocess.mean_width = dims[2];
    tensor->used = true;
error:
    return status;
}

static enum alx_status set_preprocess(alx_model *model, const struct alx_source *source,
                                      const struct alx_naming *naming)
{
    enum alx_status status = ALX_STATUS_OK;
    if (source->has_preprocess) {
        struct alx_shape input = alx_net_input(model->net);
        size_t side = alx_max(input.height, input.width);
        model->preprocess = source->preprocess;
        if (source->has_usual_size)
            model->preprocess.resize_size = side >= 200 && side <= 256 ? 256 : 0;
    } else if (!alx_preprocess_assume(model->net, naming ? naming->recipe : NULL,
                                      &model->preprocess)) {
        alx_log(ALX_LOG_WARNING,
                "does not say how pictures are preprocessed, and network %s is not known; "
                "torchvision's recipe is assumed (--resize, --order, --mean, --std, --scale)",
                alx_net_name(model->net));
    }
    ALX_TRY(alx_preprocess_check(&model->preprocess, model->net));
    ALX_TRY(set_mean_image(model, source));
error:
    return status;
}

/* Takes the caller's labels, else the source's, else, for as many classes, those of ImageNet. */
static enum alx_status set_labels(alx_model *model, struct alx_source *source,
                                  struct overrides *overrides)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_labels *labels = overrides->labels_path ? &overrides->labels : &source->labels;
    size_t classes = alx_net_output(model->net).channels;
    model->imagenet = !overrides->labels_path && !labels->count && classes == ALX_IMAGENET_CLASSES;
    if (model->imagenet)
        ALX_TRY(alx_labels_imagenet(labels));
    model->numbered = !overrides->labels_path && !labels->count;
    if (model->numbered)
        ALX_TRY(alx_labels_number(classes, labels));
    if (labels->count != classes) {
        status = alx_fail(ALX_STATUS_MODEL, "%s: %zu labels, but network %s has %zu classes",
                          overrides->labels_path ? overrides->labels_path : "labels", labels->count,
                          alx_net_name(model->net), classes);
        goto error;
    }
    model->labels = *labels;
    *labels = (struct alx_labels){0};
error:
    return status;
}

/* The name that the file says, else the file's own without folder and suffix; short and clean. */
static void name_of(const struct alx_source *source, const char *path, char name[ALX_SHOW_BYTES])
{
    if (source->name && *source->name) {
        alx_show(source->name, name);
        return;
    }
    const char *slash = strrchr(path, '/');
    alx_show(slash ? slash + 1 : path, name);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = 0;
}

/* All that is said about the content, so that its messages can share a context. */
static enum alx_status read_content(const char *path, const uint8_t *data, size_t bytes,
                                    struct overrides *overrides, struct alx_source *source,
                                    alx_model **model)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_reader *reader;
    const struct alx_naming *naming;
    char name[ALX_SHOW_BYTES];
    ALX_TRY(alx_reader_find(data, bytes, &reader));
    ALX_TRY(reader->read(data, bytes, source));
    ALX_TRY(alx_naming_fold_norms(source));
    name_of(source, path, name);
    ALX_TRY(alx_model_create(name, path, reader->name, model));
    (*model)->provenance = source->provenance;
    source->provenance = (struct alx_provenance){0};
    ALX_TRY(set_net(*model, source, overrides, &naming));
    ALX_TRY(alx_fit(source, (*model)->net, naming, overrides->allow_nan, (*model)->slots));
    (*model)->converted = source->values;
    source->values = NULL;
    (*model)->files = source->files;
    source->files = NULL;
    ALX_TRY(set_preprocess(*model, source, naming));
    ALX_TRY(set_labels(*model, source, overrides));
    alx_fit_warn_unused(source, (*model)->net);
error:
    return status;
}

enum alx_status alx_net_open(const char *name_or_path, alx_net **out)
{
    static const char suffix[] = ".prototxt";
    size_t length = strlen(name_or_path), end = sizeof suffix - 1;
    bool is_file =
        strchr(name_or_path, '/') || (length > end && !strcmp(name_or_path + length - end, suffix));
    return is_file ? alx_prototxt_read_net(name_or_path, out)
                   : alx_net_create_named(name_or_path, out);
}

enum alx_status alx_model_read(const char *path, const uint8_t *data, size_t bytes,
                               const struct alx_model_options *options, alx_model **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct overrides overrides = {.allow_nan = options && options->allow_nan};
    struct alx_source source = {.path = path};
    alx_model *model = NULL;
    if (options && options->network)
        ALX_TRY(alx_net_open(options->network, &overrides.net));
    if (overrides.net)
        source.input = alx_net_input(overrides.net);
    if (options && options->labels_path) {
        overrides.labels_path = options->labels_path;
        ALX_TRY(alx_labels_from_file(options->labels_path, &overrides.labels));
    }
    const char *context = alx_error_context(path);
    status = read_content(path, data, bytes, &overrides, &source, &model);
    alx_error_context(context);
    if (status == ALX_STATUS_OK) {
        *out = model;
        model = NULL;
    }
error:
    alx_model_destroy(&model);
    alx_source_free(&source);
    alx_labels_free(&overrides.labels);
    alx_net_destroy(&overrides.net);
    return status;
}

/* Checking the values touched every page of the files: who reads them again gets them there. */
static void forget_pages(const alx_model *model)
{
    alx_file_forget(&model->mapping, model->mapping.data, model->mapping.bytes);
    for (const struct alx_source_file *file = model->files; file; file = file->next)
        alx_file_forget(&file->mapping, file->mapping.data, file->mapping.bytes);
}

enum alx_status alx_model_load(const char *path_or_name, const struct alx_model_options *options,
                               alx_model **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_mapping mapping = {0};
    alx_model *model = NULL;
    char *path = NULL;
    ALX_TRY(alx_installed_find(path_or_name, &path));
    ALX_TRY(alx_file_map(path, &mapping));
    ALX_TRY(alx_model_read(path, mapping.data, mapping.bytes, options, &model));
    model->mapping = mapping;
    mapping = (struct alx_mapping){0};
    forget_pages(model);
    *out = model;
error:
    alx_file_unmap(&mapping);
    free(path);
    return status;
}
