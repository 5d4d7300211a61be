/*
 * Labels: one text a class.
 */
#ifndef ALX_MODEL_LABELS_H
#define ALX_MODEL_LABELS_H

#include <alexnet_cl/status.h>
#include <stddef.h>

/* Texts and array are owned. Texts are valid UTF-8 without control characters and not empty. */
struct alx_labels {
    char **texts;
    size_t count;
};
/* Leaves an empty list. */
void alx_labels_free(struct alx_labels *labels);

/* Reads a JSON array of strings. MODEL. */
enum alx_status alx_labels_from_json(const char *json, struct alx_labels *out);
/* The labels as a JSON array; `*out` is owned. */
enum alx_status alx_labels_to_json(const struct alx_labels *labels, char **out);
/* Reads a text file, one label a line; a byte order mark, CR before line ends and empty lines at
 * the end do not count. MODEL, or what reading a file fails with. */
enum alx_status alx_labels_from_file(const char *path, struct alx_labels *out);
/* "class 0", "class 1", ... */
enum alx_status alx_labels_number(size_t count, struct alx_labels *out);

/* The classes of ImageNet's challenge in the order of their WordNet ids, which Caffe's,
 * torchvision's and ONNX's models share; from weights/imagenet.txt. */
enum { ALX_IMAGENET_CLASSES = 1000 };
extern const struct alx_imagenet_class {
    const char *id;    /* in WordNet 3.0, e.g. "n01440764" */
    const char *label; /* one name */
    const char *names; /* all of them */
} alx_imagenet[ALX_IMAGENET_CLASSES];
/* The labels alone. */
enum alx_status alx_labels_imagenet(struct alx_labels *out);

#endif
