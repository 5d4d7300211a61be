/*
 * A folder in which caches lie. What is read from it steers the program, so nothing is taken that
 * this user did not write: the folder and its files belong to the user alone, and symbolic and hard
 * links are refused.
 *
 * Several processes may use a folder at the same time.
 */
#ifndef ALX_UTIL_FOLDER_H
#define ALX_UTIL_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/file.h"

struct alx_folder {
    int fd;
    char path[PATH_MAX];
};

/* What stands in the name of a file that is not whole yet, or was left by a process that died. */
#define ALX_FOLDER_TEMPORARY ".tmp"

/* Opens `dir`, or with NULL the default cache folder; with `create` makes it and those above it,
 * for this user alone. False with a reason, and with errno, 0 unless the system gave the reason;
 * `out->path` is filled where there is one. */
bool alx_folder_open(const char *dir, bool create, struct alx_folder *out, const char **reason);
void alx_folder_close(struct alx_folder *folder);

/* A whole file of 1 to `most` bytes, ended with a NUL that is not counted; owned: free(). NULL at
 * any doubt; errno is ENOENT when there is no such file. */
uint8_t *alx_folder_read(const struct alx_folder *folder, const char *name, size_t most,
                         size_t *bytes);

/* Waits until no other process has the folder locked, and locks it until it is closed. */
void alx_folder_lock(const struct alx_folder *folder);
/* False with errno. */
bool alx_folder_remove(const struct alx_folder *folder, const char *name);

/* Writes the pieces to `temporary`, a name that nobody else uses, then gives the file the name
 * `name`: it shows the old file or the whole new one. False with errno; then nothing is left
 * behind. Not synced, so readers must notice what a power cut tears. */
bool alx_folder_write(const struct alx_folder *folder, const char *name, const char *temporary,
                      const struct alx_bytes *pieces, size_t count);

#endif
