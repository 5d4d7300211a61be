/*
 * Documents that come from outside are held against docs/alexnet-cl.schema.json, which the program
 * carries with it, before anything else looks at them: what reads them later may rely on types.
 *
 * Of JSON Schema (draft 2020-12) what that file uses is understood: $ref, anyOf, const, enum, type,
 * minimum, pattern, properties, required, items, minItems, maxItems. As the schema says, fields may
 * have been added that it does not know.
 */
#ifndef ALX_CLI_SCHEMA_H
#define ALX_CLI_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether `value` is as the definition of this name (e.g. "bench") says. If not, `wrong` holds
 * where and why, e.g. "devices[2].runs lacks samples". */
bool cli_schema_fits(const json_t *value, const char *definition, char *wrong, size_t wrong_bytes);

#endif
