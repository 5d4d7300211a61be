/*
 * The words of our safetensors files, which reading and writing share.
 *
 * A file is a header length N (u64, little-endian), N bytes of JSON, and the values of the tensors
 * without gaps. The JSON's "__metadata__" maps strings to strings; ours holds
 *
 *   alexnet_cl   "1", the version of this scheme; the other keys mean something only beside it
 *   name         the model's name
 *   network      see net_json.h
 *   labels       a JSON array of texts, one a class (optional; without them 1000 classes are
 *                ImageNet's)
 *   preprocess   see preprocess.h (optional)
 *   source       free text on where the weights come from (optional)
 *   converted_from   {"file": "bvlc_alexnet.caffemodel", "format": "caffemodel", "sha256": "..."}:
 * the file that another program made, without its folder (optional)
 *
 * Tensors are named as struct alx_source says; the mean image, F32, is one of them (optional).
 * Weights of int8 are an I8 tensor NAME [OUT, ...] and an F32 tensor NAME_scale [OUT] of positive
 * numbers: a weight is a whole number times its output channel's scale.
 */
#ifndef ALX_MODEL_SAFETENSORS_H
#define ALX_MODEL_SAFETENSORS_H

#define ALX_SAFETENSORS_METADATA  "__metadata__"
#define ALX_SAFETENSORS_SCHEME    "alexnet_cl"
#define ALX_SAFETENSORS_VERSION   "1"
#define ALX_SAFETENSORS_CONVERTED "converted_from"
#define ALX_SAFETENSORS_SCALE     "_scale"

#endif
