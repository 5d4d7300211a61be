/*
 * Where installed models lie.
 */
#ifndef ALX_MODEL_INSTALLED_H
#define ALX_MODEL_INSTALLED_H

#include <alexnet_cl/status.h>

/* The path that `path_or_name` means: itself when it holds a '/' or is a file, else the installed
 * model of that name; NULL: the shipped one. FILE_NOT_FOUND lists what is installed. `*out` is
 * owned. */
enum alx_status alx_installed_find(const char *path_or_name, char **out);

#endif
