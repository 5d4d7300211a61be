/*
 * Strict reading of JSON by jansson: duplicate keys are refused, depth and the number of values are
 * capped, so that memory stays in bounds.
 */
#ifndef ALX_UTIL_JSON_H
#define ALX_UTIL_JSON_H

#include <alexnet_cl/status.h>
#include <jansson.h>
#include <stddef.h>

enum { ALX_JSON_MAX_DEPTH = 32, ALX_JSON_MAX_VALUES = 1 << 20 };

/* Parses `bytes` of untrusted text; `what` names it in the message of a failure, whose status is
 * `failure`.
 * `*out` is owned: json_decref(). */
enum alx_status alx_json_parse(const char *what, enum alx_status failure, const char *text,
                               size_t bytes, json_t **out);

#endif
