#include "util/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* `dir`, or the default. False with a reason when there is none. */
static bool find_path(const char *dir, char path[PATH_MAX], const char **reason)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (dir)
        length = snprintf(path, PATH_MAX, "%s", dir);
    else if (base && base[0] == '/') /* others are to be ignored, says its specification */
        length = snprintf(path, PATH_MAX, "%s/alexnet-cl", base);
    else if (home && home[0] == '/')
        length = snprintf(path, PATH_MAX, "%s/.cache/alexnet-cl", home);
    else
        length = 0;
    *reason = !length ? "neither HOME nor XDG_CACHE_HOME names a folder" : strerror(ENAMETOOLONG);
    return length > 0 && length < PATH_MAX;
}

/* Creates the folder and those above it, for this user alone. Whether that worked shows when it is
 * opened. */
static void create_folders(char *path)
{
    for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
}

/* NULL when it can be trusted: it is this user's and nobody else may write there. */
static const char *distrust(const struct stat *info)
{
    if (info->st_uid != geteuid())
        return "belongs to another user";
    if (info->st_mode & (S_IWGRP | S_IWOTH))
        return "others may write there";
    return NULL;
}

bool alx_folder_open(const char *dir, bool create, struct alx_folder *out, const char **reason)
{
    struct stat info;
    out->fd = -1;
    out->path[0] = 0;
    errno = 0;
    if (!find_path(dir, out->path, reason))
        return false;
    if (create)
        create_folders(out->path);
    int fd = open(out->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) < 0) {
        *reason = errno == ELOOP || errno == ENOTDIR ? "is not a folder, or a link to one"
                                                     : strerror(errno);
    } else {
        errno = 0;
        *reason = distrust(&info);
    }
    if (fd >= 0 && *reason)
        close(fd);
    else
        out->fd = fd;
    return !*reason;
}

void alx_folder_close(struct alx_folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

void alx_folder_lock(const struct alx_folder *folder)
{
    flock(folder->fd, LOCK_EX);
}

bool alx_folder_remove(const struct alx_folder *folder, const char *name)
{
    return !unlinkat(folder->fd, name, 0);
}

static bool read_all(int fd, uint8_t *data, size_t bytes)
{
    while (bytes) {
        ssize_t got = read(fd, data, bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        bytes -= (size_t)got;
    }
    return true;
}

static bool is_trusted_file(const struct stat *info, size_t most)
{
    return S_ISREG(info->st_mode) && info->st_nlink == 1 && !distrust(info) && info->st_size > 0 &&
           info->st_size <= (off_t)most;
}

uint8_t *alx_folder_read(const struct alx_folder *folder, const char *name, size_t most,
                         size_t *bytes)
{
    struct stat info;
    uint8_t *data = NULL;
    /* O_NONBLOCK: a named pipe in its place must not stop us */
    int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    bool good = !fstat(fd, &info) && is_trusted_file(&info, most) &&
                (data = malloc((size_t)info.st_size + 1)) &&
                read_all(fd, data, (size_t)info.st_size);
    close(fd);
    if (!good) {
        free(data);
        errno = EINVAL;
        return NULL;
    }
    *bytes = (size_t)info.st_size;
    data[*bytes] = 0;
    return data;
}

bool alx_folder_write(const struct alx_folder *folder, const char *name, const char *temporary,
                      const struct alx_bytes *pieces, size_t count)
{
    int fd =
        openat(folder->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = true;
    if (fd < 0)
        return false;
    for (size_t i = 0; i < count && good; i++)
        good = alx_write_all(fd, pieces[i].data, pieces[i].bytes);
    int reason = errno;
    if (close(fd) && good) {
        good = false;
        reason = errno;
    }
    if (good && renameat(folder->fd, temporary, folder->fd, name)) {
        good = false;
        reason = errno;
    }
    if (!good)
        unlinkat(folder->fd, temporary, 0);
    errno = reason;
    return good;
}
