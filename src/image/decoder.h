/*
 * The decoder, as its tests see it.
 */
#ifndef ALX_IMAGE_DECODER_H
#define ALX_IMAGE_DECODER_H

#include <alexnet_cl/image.h>
#include <sys/types.h>

/* The process that decodes the next picture, -1 when it has yet to be started. */
pid_t alx_decoder_worker(const alx_decoder *decoder);
/* How long one picture may take; a minute from the start. */
void alx_decoder_set_timeout(alx_decoder *decoder, uint64_t milliseconds);

#endif
