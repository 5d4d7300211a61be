/*
 * Caffe's networks as text (.prototxt), in protobuf's text format: turned into the message that
 * they stand for, so that one reader does for both. Fields that no network needs are skipped, as
 * long as the text is well-formed.
 */
#ifndef ALX_MODEL_PROTOTXT_H
#define ALX_MODEL_PROTOTXT_H

#include <alexnet_cl/net.h>
#include <stdint.h>

/* `*out` is owned: free(). MODEL names the line. */
enum alx_status alx_prototxt_encode(const char *text, size_t bytes, uint8_t **out,
                                    size_t *out_bytes);

/* Reads a network from a .prototxt file: what reading a file fails with, or MODEL. The size of its
 * input must be said, by `input_dim`, an Input layer or a data layer's `crop_size`. */
enum alx_status alx_prototxt_read_net(const char *path, alx_net **out);

#endif
