/*
 * The tensors of a model, for `info`.
 */
#ifndef ALX_CLI_TENSORS_H
#define ALX_CLI_TENSORS_H

#include <alexnet_cl/model.h>
#include <jansson.h>

/* A table, one row a tensor; reads every value. */
void cli_print_tensors(const alx_model *model);
/* The same as an array. */
json_t *cli_json_tensors(const alx_model *model);

#endif
