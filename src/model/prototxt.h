/*
 * Caffe's networks as text (.prototxt), in protobuf's text format: turned into the message that
 * they stand for, so that one reader does for both. Fields that no network needs are skipped, as
 * long as the text is well-formed.
 */
#ifndef ALX_MODEL_PROTOTXT_H
#define ALX_MODEL_PROTOTXT_H

#include <alexnet_cl/net.h>
#include <stdint.h>

/* MODEL names the line or the layer. The size of the input must be said, by `input_dim`, an Input
 * layer or a data layer's `crop_size`. */
enum alx_status alx_prototxt_parse_net(const char *text, size_t bytes, alx_net **out);

/* The same from a file: also what reading a file fails with. */
enum alx_status alx_prototxt_read_net(const char *path, alx_net **out);

#endif
