/*
 * The words of our safetensors files, which reading and writing share.
 *
 * A file is a header length N (u64, little-endian), N bytes of JSON, and the values of the tensors
 * without gaps. The JSON's "__metadata__" maps strings to strings; ours holds
 *
 *   alexnet_cl   "1", the version of this scheme; the other keys mean something only beside it
 *   name         the model's name
 *   network      see net_json.h
 *   labels       a JSON array of texts, one a class (optional)
 *   preprocess   see preprocess.h (optional)
 *   source       free text on where the weights come from (optional)
 *
 * Tensors are named as struct alx_source says; the mean image, F32, is one of them (optional).
 */
#ifndef ALX_MODEL_SAFETENSORS_H
#define ALX_MODEL_SAFETENSORS_H

#include <alexnet_cl/model.h>

#define ALX_SAFETENSORS_METADATA "__metadata__"
#define ALX_SAFETENSORS_SCHEME   "alexnet_cl"
#define ALX_SAFETENSORS_VERSION  "1"

/* "F32", "F16", "BF16". */
const char *alx_safetensors_dtype(enum alx_dtype dtype);

#endif
