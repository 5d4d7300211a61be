/*
 * Members of a ZIP file where they lie.
 *
 * Weights must not be copied, so only members that are stored as they are can be read: this is what
 * the libraries for ZIP files do not offer, and nearly all that they do offer is not needed. The
 * central directory alone decides what is there (PKWARE's APPNOTE, with the records of ZIP64):
 * members may not overlap, nor have the same name twice. Names are compared and never used as
 * paths.
 */
#ifndef ALX_MODEL_ZIP_H
#define ALX_MODEL_ZIP_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct alx_zip_member {
    const uint8_t *name; /* in the file; not ended by a NUL */
    size_t name_bytes;
    size_t begin, bytes; /* of the content; offset in the file */
    uint32_t crc;        /* 0 also when the writer did not compute it, as torch.save may be told */
    bool stored;         /* neither compressed nor encrypted */
    bool checked;        /* alx_zip_check() found nothing wrong */
};

struct alx_zip {
    const uint8_t *data;            /* borrowed */
    struct alx_zip_member *members; /* owned; sorted by name */
    size_t count;
};

/* Whether the bytes begin like a ZIP file. */
bool alx_zip_probe(const uint8_t *data, size_t bytes);
/* Reads the central directory. MODEL with a message that names the offset; the caller frees `out`.
 */
enum alx_status alx_zip_open(const uint8_t *data, size_t bytes, struct alx_zip *out);
/* Leaves an empty one. */
void alx_zip_close(struct alx_zip *zip);

/* The member of the name PREFIX + NAME, or NULL. The prefix has a length and no NUL. */
struct alx_zip_member *alx_zip_find(const struct alx_zip *zip, const uint8_t *prefix,
                                    size_t prefix_bytes, const char *name);
/* Whether a member's content can be used: stored, and as its checksum says. MODEL names it. */
enum alx_status alx_zip_check(const struct alx_zip *zip, struct alx_zip_member *member);

#endif
