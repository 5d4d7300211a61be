/*
 * Files: mapped, read whole, and written so that a name never shows half a file.
 */
#ifndef ALX_UTIL_FILE_H
#define ALX_UTIL_FILE_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file mapped for reading. `data` is owned by the mapping; NULL for an empty file. */
struct alx_mapping {
    const uint8_t *data;
    size_t bytes;
};

/* FILE_NOT_FOUND, FILE_IS_FOLDER or FILE_UNREADABLE name the path. */
enum alx_status alx_file_map(const char *path, struct alx_mapping *out);
/* The file `name` in the folder in which the file `beside` lies, or in a folder below it: a plain
 * relative name. MODEL when it is anything else: absolute, with "..", through a link, a file of
 * several names (hard links), or no regular file; messages name it and not the folder. */
enum alx_status alx_file_map_beside(const char *beside, const char *name, struct alx_mapping *out);
/* Accepts an empty mapping and leaves one. */
void alx_file_unmap(struct alx_mapping *mapping);
/* What of `bytes` from `data` on lies in the mapping leaves the process's memory, page by page, and
 * comes back from the file when it is read again. */
void alx_file_forget(const struct alx_mapping *mapping, const void *data, size_t bytes);

/* Reads a whole file of at most `max_bytes` and ends it with a NUL that is not counted. `*out` is
 * owned: free(). A larger file fails with `too_large`. */
enum alx_status alx_file_read(const char *path, size_t max_bytes, enum alx_status too_large,
                              uint8_t **out, size_t *out_bytes);

/* Writes everything to an open file; false with errno. */
bool alx_write_all(int fd, const void *data, size_t bytes);

/* Gives one piece of the file to be written; see alx_file_write(). */
struct alx_bytes {
    const void *data;
    size_t bytes;
};

/* Writes the pieces one after the other to a temporary file in the same folder, then renames it:
 * the name shows the old file or the whole new one, also when the program is killed. A device or a
 * pipe, such as /dev/stdout, is written to in place. FILE_UNWRITABLE names path and reason, and
 * leaves nothing behind. */
enum alx_status alx_file_write(const char *path, const struct alx_bytes *pieces, size_t count);

#endif
