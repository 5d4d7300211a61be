/*
 * What a model is made of, for the files that make or save one.
 */
#ifndef ALX_MODEL_MODEL_H
#define ALX_MODEL_MODEL_H

#include <pthread.h>

#include "model/fit.h"
#include "util/file.h"
#include "util/sha256.h"

/* The file's digest: computed by the first thread that asks. */
struct alx_model_digest {
    pthread_mutex_t lock;
    char hex[ALX_SHA256_HEX_BYTES]; /* "" until then */
};

struct alx_model {
    char *name, *path;                /* owned */
    struct alx_provenance provenance; /* its texts are owned */
    const char *format;
    char recognition[ALX_SHOW_BYTES]; /* see alx_model_recognition() */
    alx_net *net;                     /* owned */
    struct alx_slot *slots;   /* owned, one a layer; their values lie in the mapping or in values */
    struct alx_labels labels; /* one a class */
    bool numbered;            /* the labels are only "class N" */
    bool imagenet;            /* they are ImageNet's, which files need not hold */
    struct alx_preprocess preprocess; /* its mean image is mean_image */
    float *mean_image;                /* owned, or NULL */
    float *values;                    /* owned, or NULL */
    struct alx_values *converted;     /* owned */
    struct alx_mapping mapping;       /* owned */
    struct alx_source_file *files;    /* others that values lie in; owned */
    struct alx_model_digest *digest;  /* owned */
};

/* An empty model; alx_model_destroy() takes it in any state. */
enum alx_status alx_model_create(const char *name, const char *path, const char *format,
                                 alx_model **out);
/* Gives the model a copy of the network, with a softmax at its end, and empty slots. */
enum alx_status alx_model_set_net(alx_model *model, const alx_net *net);
/* MODEL unless the network reads pictures and gives one value a class, as that of every model file
 * must. */
enum alx_status alx_model_check(const alx_model *model);

/* Makes a model of a file's bytes, which it borrows. `path` is for messages, and says beside what
 * other files of the model lie. */
enum alx_status alx_model_read(const char *path, const uint8_t *data, size_t bytes,
                               const struct alx_model_options *options, alx_model **out);

/* alx_mean_image_load() from memory. */
enum alx_status alx_mean_image_read(const uint8_t *data, size_t bytes, struct alx_mean_image *out);

#endif
