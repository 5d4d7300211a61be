/*
 * Where a model's weights come from, as JSON:
 *
 *   {"file": "bvlc_alexnet.caffemodel", "format": "caffemodel", "sha256": "91e7..."}
 *
 * All three keys are needed, and there are no others.
 */
#ifndef ALX_MODEL_PROVENANCE_H
#define ALX_MODEL_PROVENANCE_H

#include <alexnet_cl/model.h>

/* Frees the texts and leaves none. */
void alx_provenance_free(struct alx_provenance *provenance);

/* Sets all but the note. MODEL with a message that names the key. */
enum alx_status alx_provenance_from_json(const char *json, struct alx_provenance *out);
/* What a file that is made of the model says of it: whence the model itself was converted, or else
 * the file that it was read from. `*out` is owned; NULL when there is none. */
enum alx_status alx_provenance_to_json(const alx_model *model, char **out);

#endif
