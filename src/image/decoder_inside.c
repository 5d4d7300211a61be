/*
 * Decoding inside the program, for systems whose ways to confine a process are not known here: the
 * same checks of the file come first, but a fault of the decoder is the program's.
 */
#include <stdlib.h>
#include <string.h>

#include "image/decoder.h"
#include "image/format.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"

struct alx_decoder {
    uint64_t timeout_ms;
};

pid_t alx_decoder_worker(const alx_decoder *decoder)
{
    (void)decoder;
    return -1;
}

void alx_decoder_set_timeout(alx_decoder *decoder, uint64_t milliseconds)
{
    decoder->timeout_ms = milliseconds; /* nothing can be stopped here */
}

enum alx_status alx_decoder_create(alx_decoder **out)
{
    return alx_alloc(1, sizeof **out, "a decoder", out);
}

void alx_decoder_destroy(alx_decoder **decoder)
{
    free(*decoder);
    *decoder = NULL;
}

enum alx_status alx_decoder_decode_bytes(alx_decoder *decoder, const char *what,
                                         const uint8_t *bytes, size_t byte_count,
                                         struct alx_image *out)
{
    (void)decoder;
    return alx_image_decode(what, bytes, byte_count, out);
}

enum alx_status alx_decoder_decode_file(alx_decoder *decoder, const char *path,
                                        struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const char *what = strcmp(path, "-") ? path : "standard input";
    uint8_t *data = NULL;
    size_t bytes = 0;
    ALX_TRY(
        alx_file_read(path, ALX_IMAGE_MAX_FILE_BYTES, ALX_STATUS_IMAGE_TOO_LARGE, &data, &bytes));
    ALX_TRY(alx_decoder_decode_bytes(decoder, what, data, bytes, out));
error:
    free(data);
    return status;
}
