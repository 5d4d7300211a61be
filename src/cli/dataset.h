/*
 * Labelled images: a folder of class folders, or a pair of IDX files.
 */
#ifndef ALX_CLI_DATASET_H
#define ALX_CLI_DATASET_H

#include <alexnet_cl/model.h>
#include <stdint.h>
#include <zlib.h>

#include "cli/engine.h"

struct cli_sample {
    char *path; /* owned */
    size_t class_index;
};

/* Zero-initialise before opening. */
struct cli_dataset {
    size_t count;               /* of images */
    size_t next;                /* of them; the one that cli_dataset_put() takes */
    struct cli_sample *samples; /* owned, of a folder; NULL for IDX files */
    size_t capacity;
    const char *name; /* borrowed, of the IDX file of images */
    gzFile images;    /* owned */
    size_t height, width;
    uint8_t *labels; /* owned, [count] */
    uint8_t *pixels; /* owned, of one image */
};

/* Lists the images in `path`/CLASS/, where CLASS is a label of the model in any case, its first
 * word, a class's number, or its WordNet id; sorted by name. */
enum alx_status cli_dataset_open_folder(struct cli_dataset *dataset, const char *path,
                                        const alx_model *model);
/* Reads the labels, [N], and the head of the images, [N, H, W] bytes; either may be gzipped. */
enum alx_status cli_dataset_open_idx(struct cli_dataset *dataset, const char *images,
                                     const char *labels, const alx_model *model);
void cli_dataset_close(struct cli_dataset *dataset);

/* What messages call image `index`. */
void cli_dataset_name(const struct cli_dataset *dataset, size_t index, char *out, size_t out_bytes);

/* Puts the next image into place `slot` of the engine's batch, and tells its class. An IDX file
 * that ends early has no further image. */
enum alx_status cli_dataset_put(struct cli_dataset *dataset, struct cli_engine *engine, size_t slot,
                                size_t *class_index);

#endif
