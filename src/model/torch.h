/*
 * Files of torch.save(), for the files that read them. There are three containers: the ZIP file
 * (since 1.6), a stream of pickles that begins with a magic number (0.1.10 to 1.5, or asked for),
 * and a tar file (before). Each holds pickled objects, in which tensors are calls of torch's
 * functions, and storages: the values, in plain arrays. What is pickled is the same for all and is
 * read here; a container says where the values of a storage are.
 */
#ifndef ALX_MODEL_TORCH_H
#define ALX_MODEL_TORCH_H

#include "model/pickle.h"
#include "model/reader.h"

/* The types of storages. Those that are not readable may occur as long as nobody needs them. */
struct alx_torch_dtype {
    const char *name;
    size_t bytes;
    bool readable;
    bool is_double; /* converted to F32 */
    enum alx_dtype dtype;
};

/* An array of values in the file. */
struct alx_torch_storage {
    const struct alx_torch_dtype *dtype;
    const uint8_t *data;
    size_t elems;
};

/* A part of a storage; offset and strides count elements. */
struct alx_torch_tensor {
    struct alx_torch_storage storage;
    size_t offset, dims[ALX_TENSOR_MAX_DIMS], strides[ALX_TENSOR_MAX_DIMS], dim_count;
};

/* What the persistent id of a storage says. */
struct alx_torch_id {
    const struct alx_torch_dtype *dtype;
    const struct alx_pickle_value *key; /* a text */
    size_t elems;
};

/* A container. */
struct alx_torch_file {
    const uint8_t *data;
    size_t bytes;
    bool big_endian; /* the values in storages */
    struct alx_source *source;
    /* Fills the values of a storage, whose type and size are there. */
    enum alx_status (*find_storage)(struct alx_torch_file *file, const struct alx_torch_id *id,
                                    struct alx_torch_storage *storage);
    /* The tensor that a persistent id means; NULL where these mean storages. */
    enum alx_status (*find_tensor)(struct alx_torch_file *file, const struct alx_pickle_value *id,
                                   struct alx_torch_tensor *out);
};

/* Reads the pickle at `begin`; what it may name is torch's. */
enum alx_status alx_torch_pickle(const struct alx_torch_file *file, size_t begin, size_t end,
                                 struct alx_pickle *out);
/* The type that a class of storages or tensors stands for, or NULL. */
const struct alx_torch_dtype *alx_torch_dtype_of(const struct alx_pickle_value *value);
/* Reads a storage's persistent id. */
enum alx_status alx_torch_read_id(const struct alx_pickle *pickle,
                                  const struct alx_pickle_value *value, struct alx_torch_id *out);
/* Adds the tensors of a pickled state dict, or of a dict that holds one, to the source. */
enum alx_status alx_torch_read_object(struct alx_torch_file *file, const struct alx_pickle *pickle);

/* The containers: whether the bytes are one, and reading it. */
bool alx_torch_is_stream(const uint8_t *data, size_t bytes);
bool alx_torch_is_tar(const uint8_t *data, size_t bytes);
enum alx_status alx_torch_read_zip(const uint8_t *data, size_t bytes, struct alx_source *source);
enum alx_status alx_torch_read_stream(const uint8_t *data, size_t bytes, struct alx_source *source);
enum alx_status alx_torch_read_tar(const uint8_t *data, size_t bytes, struct alx_source *source);

#endif
