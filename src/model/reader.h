/*
 * Reading model files. A reader knows one format and turns a file's bytes into a source; what comes
 * after (source -> model: which tensor belongs to which layer, all checks) is the same for all.
 *
 * While a file is read, alx_error_context() puts its name in front of every message, so that
 * messages name the tensor or offset and no path. Texts from the file are shown through
 * alx_show().
 */
#ifndef ALX_MODEL_READER_H
#define ALX_MODEL_READER_H

#include <alexnet_cl/model.h>

#include "model/labels.h"
#include "util/file.h"

enum { ALX_TENSOR_MAX_DIMS = 8, ALX_SHOW_BYTES = 100 };

/* The name under which a source holds the mean image [C, H, W]. */
#define ALX_MEAN_IMAGE_NAME "preprocess.mean_image"

/* One tensor of a file. Its name is owned; its values lie in the file's bytes. */
struct alx_source_tensor {
    char *name;
    char dtype_name[16]; /* as the format calls it, to be shown */
    bool readable;       /* the values are of a type that a view can have */
    bool used;           /* set by who makes a model of it */
    struct alx_tensor_view view;
    struct alx_tensor_view scales; /* F32, one for each of dims[0] rows, when the view is I8 */
    size_t dims[ALX_TENSOR_MAX_DIMS], dim_count;
};

/* Values that do not lie in the file as they are needed: a list, owned. */
struct alx_values {
    struct alx_values *next;
    float values[];
};
void alx_values_free(struct alx_values **values);

/* Another file that tensors lie in, mapped: a list, owned. */
struct alx_source_file {
    struct alx_source_file *next;
    char *name;
    struct alx_mapping mapping;
};
void alx_source_files_free(struct alx_source_file **files);

/* What a file says. Everything is owned. Tensors of conv and fc layers are named LAYER.weight [OUT,
 * IN / groups, KH, KW] or [OUT, C * H * W], and LAYER.bias [OUT]. */
struct alx_source {
    const char *path; /* of the file that is read, borrowed: others that belong to it lie beside */
    struct alx_shape input;            /* of the network that the caller named, else 0 */
    struct alx_source_tensor *tensors; /* sorted by name, names are unique */
    size_t tensor_count;
    char *name; /* NULL: the file's */
    struct alx_provenance provenance;
    alx_net *net;             /* NULL: not said */
    struct alx_labels labels; /* count 0: none */
    bool has_preprocess;
    bool has_usual_size; /* resize_size is 256 where a network reads 200 to 256 pixels, else its
                            size */
    struct alx_preprocess preprocess;
    struct alx_values *values; /* that tensors show */
    size_t value_count;
    struct alx_source_file *files; /* that tensors lie in, too */
};

/* Frees what a source owns and leaves an empty one. */
void alx_source_free(struct alx_source *source);
/* Sorts the tensors by name, as readers must leave them. */
void alx_source_sort(struct alx_source *source);
/* The tensor of that name, or NULL. Only after sorting. */
struct alx_source_tensor *alx_source_find(const struct alx_source *source, const char *name);

/* Adds a tensor in its place by name, and takes over its name; there must be room for it. */
void alx_source_insert(struct alx_source *source, const struct alx_source_tensor *tensor);

/* Room for values that a tensor of the source will show; MODEL when the file asks for more than
 * 2^28 in all. */
enum alx_status alx_source_keep(struct alx_source *source, size_t elems, float **out);

/* The file of that name beside the one that is read, mapped once. MODEL as alx_file_map_beside()
 * has it. */
enum alx_status alx_source_map(struct alx_source *source, const char *name,
                               struct alx_mapping *out);

/* A text from outside, cut to what a message can bear and cleaned. Returns `shown`. */
const char *alx_show(const char *text, char shown[ALX_SHOW_BYTES]);
/* "[96, 3, 11, 11]"; returns `shown`. */
const char *alx_show_dims(const size_t *dims, size_t count, char shown[ALX_SHOW_BYTES]);

/* A file format is a row: */
struct alx_reader {
    const char *name;   /* as alx_model_format() says it */
    const char *suffix; /* of the files in folders of models; elsewhere the content decides */
    /* Whether the bytes look like this format. */
    bool (*probe)(const uint8_t *data, size_t bytes);
    /* Fills `source`, which is empty but for path and input; the caller frees it, also after a
     * failure. MODEL with a message that names the tensor or offset. */
    enum alx_status (*read)(const uint8_t *data, size_t bytes, struct alx_source *source);
};

/* The formats; NULL past the end. */
const struct alx_reader *alx_reader_row(size_t index);
/* The first reader that takes the bytes; MODEL when there is none. */
enum alx_status alx_reader_find(const uint8_t *data, size_t bytes, const struct alx_reader **out);

/* Rows that live in files of their own. */
extern const struct alx_reader alx_reader_safetensors, alx_reader_torch, alx_reader_onnx,
    alx_reader_caffe;

#endif
