/*
 * Files on Windows: the same promises as in file.c, except that a file that is written is not
 * nameless on its way.
 */
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <windows.h>

#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"

static enum alx_status open_file(const char *path, int *fd, struct _stat64 *info)
{
    if (_stat64(path, info))
        return alx_fail(errno == ENOENT ? ALX_STATUS_FILE_NOT_FOUND : ALX_STATUS_FILE_UNREADABLE,
                        "%s: %s", path, strerror(errno));
    if (S_ISDIR(info->st_mode))
        return alx_fail(ALX_STATUS_FILE_IS_FOLDER,
                        "%s: is a folder; name the files in it, e.g. %s/*", path, path);
    *fd = _open(path, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    if (*fd < 0)
        return alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: %s", path, strerror(errno));
    return ALX_STATUS_OK;
}

enum alx_status alx_file_map(const char *path, struct alx_mapping *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct _stat64 info;
    int fd = -1;
    ALX_TRY(open_file(path, &fd, &info));
    struct alx_mapping mapping = {NULL, (size_t)info.st_size};
    if (mapping.bytes) {
        HANDLE view =
            CreateFileMapping((HANDLE)_get_osfhandle(fd), NULL, PAGE_READONLY, 0, 0, NULL);
        mapping.data = view ? MapViewOfFile(view, FILE_MAP_READ, 0, 0, 0) : NULL;
        if (view)
            CloseHandle(view); /* the mapping holds it */
        if (!mapping.data) {
            status = alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: cannot be mapped: error %lu", path,
                              GetLastError());
            goto error;
        }
    }
    *out = mapping;
error:
    if (fd >= 0)
        _close(fd);
    return status;
}

void alx_file_unmap(struct alx_mapping *mapping)
{
    if (mapping->data)
        UnmapViewOfFile(mapping->data);
    *mapping = (struct alx_mapping){0};
}

void alx_file_forget(const struct alx_mapping *mapping, const void *data, size_t bytes)
{
    (void)mapping, (void)data, (void)bytes; /* the system takes pages when it needs them */
}

enum alx_status alx_file_read(const char *path, size_t max_bytes, enum alx_status too_large,
                              uint8_t **out, size_t *out_bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    enum { PIECE_BYTES = 1 << 16 };
    uint8_t *data = NULL;
    size_t bytes = 0;
    int fd = 0, got;
    struct _stat64 info;
    if (strcmp(path, "-") != 0)
        ALX_TRY(open_file(path, &fd, &info));
    else
        _setmode(fd, _O_BINARY);
    do {
        uint8_t *larger = realloc(data, bytes + PIECE_BYTES + 1); /* one for the NUL */
        if (!larger) {
            status = alx_fail(ALX_STATUS_NO_MEMORY, "%s: no memory for %zu bytes", path, bytes);
            goto error;
        }
        data = larger;
        got = _read(fd, data + bytes, PIECE_BYTES);
        if (got < 0) {
            status = alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: %s", path, strerror(errno));
            goto error;
        }
        bytes += (size_t)got;
        if (bytes > max_bytes) {
            status =
                alx_fail(too_large, "%s: larger than the limit of %zu MiB", path, max_bytes >> 20);
            goto error;
        }
    } while (got);
    data[bytes] = 0;
    *out = data;
    *out_bytes = bytes;
    data = NULL;
error:
    free(data);
    if (fd > 0)
        _close(fd);
    return status;
}

bool alx_write_all(int fd, const void *data, size_t bytes)
{
    for (const uint8_t *at = data; bytes;) {
        int written = _write(fd, at, (unsigned)alx_min(bytes, (size_t)1 << 30));
        if (written <= 0)
            return false;
        at += written;
        bytes -= (size_t)written;
    }
    return true;
}

enum alx_status alx_file_write(const char *path, const struct alx_bytes *pieces, size_t count)
{
    char temporary[PATH_MAX];
    bool good = snprintf(temporary, sizeof temporary, "%s.tmp%lx", path, GetCurrentProcessId()) <
                (int)sizeof temporary;
    int fd = good ? _open(temporary, _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT,
                          _S_IREAD | _S_IWRITE)
                  : -1;
    good = fd >= 0;
    for (size_t i = 0; i < count && good; i++)
        good = alx_write_all(fd, pieces[i].data, pieces[i].bytes);
    int reason = errno;
    if (fd >= 0 && _close(fd))
        good = false;
    if (good && !MoveFileEx(temporary, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
        good = false;
        reason = EACCES;
    }
    if (good)
        return ALX_STATUS_OK;
    if (fd >= 0)
        remove(temporary);
    return alx_fail(ALX_STATUS_FILE_UNWRITABLE, "%s: cannot be written: %s; choose another place",
                    path, strerror(reason));
}
