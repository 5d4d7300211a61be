#include "model/provenance.h"

#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/json.h"
#include "util/memory.h"
#include "util/sha256.h"
#include "util/text.h"

enum { KEYS = 3 };

void alx_provenance_free(struct alx_provenance *provenance)
{
    free(provenance->file);
    free(provenance->format);
    free(provenance->sha256);
    free(provenance->note);
    *provenance = (struct alx_provenance){0};
}

static bool is_sha256(const char *text)
{
    return strlen(text) == ALX_SHA256_HEX_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == ALX_SHA256_HEX_BYTES - 1;
}

enum alx_status alx_provenance_from_json(const char *json, struct alx_provenance *out)
{
    enum alx_status status = ALX_STATUS_OK;
    static const char *const keys[KEYS] = {"file", "format", "sha256"};
    char **const texts[KEYS] = {&out->file, &out->format, &out->sha256};
    json_t *root = NULL;
    ALX_TRY(alx_json_parse("converted_from", ALX_STATUS_MODEL, json, strlen(json), &root));
    if (!json_is_object(root) || json_object_size(root) != KEYS) {
        status = alx_fail(ALX_STATUS_MODEL, "converted_from: not an object of %d texts", KEYS);
        goto error;
    }
    for (size_t i = 0; i < KEYS; i++) {
        const char *text = json_string_value(json_object_get(root, keys[i]));
        if (!text || !*text || (i == KEYS - 1 && !is_sha256(text))) {
            status = alx_fail(ALX_STATUS_MODEL, "converted_from: \"%s\" is not what it must be",
                              keys[i]);
            goto error;
        }
        ALX_TRY(alx_copy_string(text, texts[i]));
        alx_text_clean(*texts[i]);
    }
error:
    json_decref(root);
    return status;
}

enum alx_status alx_provenance_to_json(const alx_model *model, char **out)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_provenance *known = alx_model_provenance(model);
    const char *path = alx_model_path(model), *slash = strrchr(path, '/');
    char sha256[ALX_SHA256_HEX_BYTES], *file = NULL;
    json_t *json = NULL;
    ALX_TRY(alx_model_sha256(model, sha256));
    ALX_TRY(alx_copy_string(slash ? slash + 1 : path, &file));
    alx_text_clean(file); /* a name need not be UTF-8 */
    if (known->file)
        json = json_pack("{ss ss ss}", "file", known->file, "format", known->format, "sha256",
                         known->sha256);
    else if (*sha256)
        json = json_pack("{ss ss ss}", "file", file, "format", alx_model_format(model), "sha256",
                         sha256);
    else
        goto error;
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (!text) {
        status = alx_fail(ALX_STATUS_NO_MEMORY, "converted_from: no memory to write it");
        goto error;
    }
    *out = text;
error:
    json_decref(json);
    free(file);
    return status;
}
