/*
 * A model: a network with its weights, labels and preprocessing, read from a file.
 */
#ifndef ALEXNET_CL_MODEL_H
#define ALEXNET_CL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "image.h"
#include "net.h"
#include "status.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A loaded model; its file stays mapped, so nothing is copied and it may be larger than memory. The
 * file must not be shortened while the model lives; replacing it by another of its name is fine.
 * Immutable after loading, so threads may share it. */
typedef struct alx_model alx_model;

/* Zero means: as the file says. */
struct alx_model_options {
    const char *network;     /* for files that do not say theirs, see alx_net_open(); it wins over
                                what a file says */
    const char *labels_path; /* one label a line; as many as the network has classes */
    bool allow_nan;          /* take weights that are NaN or infinite, with a warning */
};

/* Loads a model file, or an installed model by name (NULL: the shipped default, "fashion-alexnet").
 * What holds a '/' or exists as a file is a path. Names are looked up in the folders of
 * $ALEXNET_CL_MODELS (colon-separated), then the installed weights, then the source tree's;
 * FILE_NOT_FOUND lists what is there. The content decides the format. Everything in the file is
 * checked: MODEL and one line that names the file and the tensor or offset. A network that does not
 * end in softmax gets one ("prob"). Weights must be finite unless `allow_nan` is set. Files that do
 * not say their network are recognised by the names and shapes of their tensors; other numbers of
 * channels or classes than the table's are fine. A file that does not say its preprocessing gets
 * what its network was published with, or torchvision's and a warning; one of 1000 classes without
 * labels gets ImageNet's; unused tensors are a warning, too. Values may lie in other files (ONNX's
 * external data): of the model's own folder alone, and never through links. `options` may be NULL.
 */
ALX_API enum alx_status alx_model_load(const char *path_or_name,
                                       const struct alx_model_options *options, alx_model **out);
/* A network with random weights (He initialisation, biases 0 to 0.1, a fixed sequence from `seed`),
 * F32: for tests and timing. It gets a softmax, too. */
ALX_API enum alx_status alx_model_create_random(const alx_net *net, uint64_t seed, alx_model **out);
/* Accepts NULL and nulls the pointer. */
ALX_API void alx_model_destroy(alx_model **model);

ALX_API const char *alx_model_name(const alx_model *model);
/* "safetensors", "caffemodel", "onnx", "torch", or "random". */
ALX_API const char *alx_model_format(const alx_model *model);
ALX_API const char *alx_model_path(const alx_model *model); /* "" when not from a file */
/* SHA-256 of the file as 64 hexadecimal digits, computed when asked (about 1 s for 500 MB); "" when
 * not from a file. Threads may ask at once. */
ALX_API enum alx_status alx_model_sha256(const alx_model *model, char out[65]);
/* Where the weights come from. Texts are NULL when it is not known. */
struct alx_provenance {
    char *file;   /* that alx_model_save() made this one of, without its folder */
    char *format; /* of that file, as alx_model_format() says it */
    char *sha256; /* of that file, 64 hexadecimal digits */
    char *note;   /* what its maker wrote */
};
/* Borrowed. */
ALX_API const struct alx_provenance *alx_model_provenance(const alx_model *model);
ALX_API const alx_net *alx_model_net(const alx_model *model);
/* How the network was found, for people: that the file describes it, that the caller named it, or
 * that the names and shapes of the tensors are those of a built-in one; "" when not from a file. */
ALX_API const char *alx_model_recognition(const alx_model *model);
/* Values of the network's output; for a loaded model it is [classes, 1, 1]. */
ALX_API size_t alx_model_class_count(const alx_model *model);
/* The class's label, or "class N" when the model has none. Borrowed. */
ALX_API const char *alx_model_label(const alx_model *model, size_t class_index);
/* All names of the class, e.g. "tench, Tinca tinca", of models with ImageNet's classes; else the
 * label. Borrowed. */
ALX_API const char *alx_model_long_label(const alx_model *model, size_t class_index);
/* Its WordNet id, e.g. "n01440764", of models with ImageNet's classes; else "". Borrowed. */
ALX_API const char *alx_model_class_id(const alx_model *model, size_t class_index);
ALX_API const struct alx_preprocess *alx_model_preprocess(const alx_model *model);
/* Weights of conv [OUT, IN / groups, KH, KW] or fc [OUT, C * H * W]; elems 0 for layers without.
 * Those of I8 are to be multiplied by their output channel's scale. */
ALX_API struct alx_tensor_view alx_model_weights(const alx_model *model, size_t layer_index);
/* Biases [OUT]; elems 0 for layers without. */
ALX_API struct alx_tensor_view alx_model_biases(const alx_model *model, size_t layer_index);
/* Scales [OUT] of weights of I8, F32, positive; elems 0 for other weights. */
ALX_API struct alx_tensor_view alx_model_scales(const alx_model *model, size_t layer_index);
/* Says that `bytes` of the model's values from `data` on will not be read soon: what of them lies
 * in a file leaves the process's memory, and comes back when it is read. */
ALX_API void alx_model_forget(const alx_model *model, const void *data, size_t bytes);

/* Writes our safetensors with network, labels, preprocessing and provenance in the metadata; the
 * file appears under its name only when complete, and is the same for the same model. `dtype` is
 * how weights are stored; biases go with them, except that those of I8 weights are F32. Weights of
 * the model that are I8 already stay as they are when I8 is asked for. MODEL names a value that is
 * too large for the type. */
ALX_API enum alx_status alx_model_save(const alx_model *model, const char *path,
                                       enum alx_dtype dtype);

/* A mean image [C, H, W], in the order of channels that the network reads. `values` are owned. */
struct alx_mean_image {
    float *values;
    size_t channels, height, width;
};
/* Reads Caffe's mean.binaryproto or a NumPy array (.npy) of float32 or float64, [C, H, W] with 1 or
 * 3 channels. For struct alx_preprocess, which borrows it. MODEL, or what reading a file fails
 * with. */
ALX_API enum alx_status alx_mean_image_load(const char *path, struct alx_mean_image *out);
/* Accepts an empty image; leaves an empty one. */
ALX_API void alx_mean_image_free(struct alx_mean_image *image);

/* A network by name, see alx_net_create_named(), or from a file: Caffe's .prototxt, when the name
 * ends so or holds a '/'. MODEL, or what reading a file fails with. */
ALX_API enum alx_status alx_net_open(const char *name_or_path, alx_net **out);

/* Installed models: calls `found` for each with name and path; stops when it returns false. */
ALX_API enum alx_status
alx_model_list(bool (*found)(void *user, const char *name, const char *path), void *user);

#ifdef __cplusplus
}
#endif

#endif
