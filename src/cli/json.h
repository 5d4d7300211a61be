/*
 * The documents that --json prints; docs/schema/ describes each.
 *
 * What is not known is null: an empty text, a 0 where none can be, a number that is not finite.
 */
#ifndef ALX_CLI_JSON_H
#define ALX_CLI_JSON_H

#include <alexnet_cl/device.h>
#include <alexnet_cl/model.h>
#include <jansson.h>
#include <stdint.h>

#include "cli/options.h"

/* Makes jansson's allocations fail like the program's; call it first. */
void cli_json_start(void);

/* A new document of a schema, e.g. "classify/1", with the program's version. */
json_t *cli_json_document(const char *schema);
/* Adds a member; `value` is taken. */
void cli_json_set(json_t *object, const char *key, json_t *value);
/* Prints the document, or writes it to the file that was asked for, and frees it. Returns `code`,
 * or EXIT_SOME_FAILED in place of 0 when the file cannot be written. */
int cli_json_finish(json_t *document, const struct cli_options *options, int code);

json_t *cli_json_text(const char *text);
json_t *cli_json_count(uint64_t value); /* at most 2^63 - 1 */
json_t *cli_json_known(uint64_t value); /* 0 is null */
json_t *cli_json_number(double value);
json_t *cli_json_ms(uint64_t ns);
json_t *cli_json_shape(struct alx_shape shape);
/* An array of the lines of a text, which may be NULL. */
json_t *cli_json_lines(const char *text);

/* A device as other documents name it, and everything about it. */
json_t *cli_json_device(const struct alx_device_info *info);
json_t *cli_json_device_all(const struct alx_device_info *info);
/* A model, which runs as `net`. */
json_t *cli_json_model(const alx_model *model, const alx_net *net);

/* "cpu", "gpu", "accelerator". */
const char *cli_device_type(const struct alx_device_info *info);

#endif
