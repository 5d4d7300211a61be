#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

/* Opens for reading; refuses folders. The caller closes `*fd`. */
static enum alx_status open_file(const char *path, int *fd, struct stat *info)
{
    /* O_NONBLOCK: opening a named pipe without a writer must not wait forever. */
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0)
        return alx_fail(errno == ENOENT ? ALX_STATUS_FILE_NOT_FOUND : ALX_STATUS_FILE_UNREADABLE,
                        "%s: %s", path, strerror(errno));
    if (fstat(opened, info) < 0) {
        int reason = errno;
        close(opened);
        return alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: %s", path, strerror(reason));
    }
    if (S_ISDIR(info->st_mode)) {
        close(opened);
        return alx_fail(ALX_STATUS_FILE_IS_FOLDER,
                        "%s: is a folder; name the files in it, e.g. %s/*", path, path);
    }
    *fd = opened;
    return ALX_STATUS_OK;
}

static enum alx_status map_open_file(const char *name, int fd, size_t bytes,
                                     struct alx_mapping *out)
{
    struct alx_mapping mapping = {NULL, bytes};
    if (bytes) {
        void *data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            return alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: cannot be mapped: %s", name,
                            strerror(errno));
        mapping.data = data;
    }
    *out = mapping;
    return ALX_STATUS_OK;
}

enum alx_status alx_file_map(const char *path, struct alx_mapping *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct stat info;
    int fd = -1;
    ALX_TRY(open_file(path, &fd, &info));
    if (!S_ISREG(info.st_mode))
        status = alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: not a regular file", path);
    else
        status = map_open_file(path, fd, (size_t)info.st_size, out);
    close(fd);
error:
    return status;
}

/* Opens the folder in which a file lies; -1 and errno when that fails. */
static int open_folder_of(const char *path)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    return open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Opens a file by the parts of its name, one folder after the other, so that none is a link; takes
 * over `folder`. -1 and errno when that fails; EINVAL: not a plain relative name. */
static int open_below(int folder, const char *name)
{
    char part[NAME_MAX + 1];
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    for (const char *at = name; folder >= 0; at += strlen(part) + 1) {
        size_t length = strcspn(at, "/");
        bool last = !at[length];
        errno = EINVAL;
        if (!length || length > NAME_MAX || (length == 2 && !strncmp(at, "..", 2)))
            break;
        memcpy(part, at, length);
        part[length] = 0;
        int next = openat(folder, part, last ? flags : flags | O_DIRECTORY);
        int reason = errno;
        close(folder);
        errno = reason;
        if (last)
            return next;
        folder = next;
    }
    int reason = errno;
    if (folder >= 0)
        close(folder);
    errno = reason;
    return -1;
}

static enum alx_status refuse_beside(const char *name, const char *why)
{
    char shown[100];
    alx_text_copy(shown, sizeof shown, name);
    alx_text_clean(shown);
    return alx_fail(ALX_STATUS_MODEL, "file %s: %s", shown, why);
}

enum alx_status alx_file_map_beside(const char *beside, const char *name, struct alx_mapping *out)
{
    enum alx_status status = ALX_STATUS_OK;
    int folder = open_folder_of(beside);
    int fd = folder < 0 ? -1 : open_below(folder, name);
    struct stat info;
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return refuse_beside(name,
                             "is or goes through a link, which is not followed; copy the file");
    if (fd < 0 && errno == EINVAL)
        return refuse_beside(name, "only files in the model's own folder are read");
    if (fd < 0 || fstat(fd, &info) < 0)
        status = refuse_beside(name, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = refuse_beside(name, "not a regular file");
    else if (info.st_nlink > 1)
        status = refuse_beside(name, "has other names (hard links), too; copy the file");
    else
        status = map_open_file(name, fd, (size_t)info.st_size, out);
    if (fd >= 0)
        close(fd);
    return status;
}

void alx_file_unmap(struct alx_mapping *mapping)
{
    if (mapping->data)
        munmap((void *)(uintptr_t)mapping->data, mapping->bytes);
    *mapping = (struct alx_mapping){0};
}

void alx_file_forget(const struct alx_mapping *mapping, const void *data, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), base = (uintptr_t)mapping->data;
    uintptr_t begin = (uintptr_t)data, end = begin + bytes;
    if (begin < base || end > base + mapping->bytes)
        return;
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (begin < end)
        madvise((void *)begin, end - begin, MADV_DONTNEED); /* read only: nothing is lost */
}

enum alx_status alx_file_read(const char *path, size_t max_bytes, enum alx_status too_large,
                              uint8_t **out, size_t *out_bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    uint8_t *data = NULL;
    size_t bytes = 0, capacity = 0;
    int fd = -1;
    struct stat info;
    if (!strcmp(path, "-"))
        fd = STDIN_FILENO;
    else
        ALX_TRY(open_file(path, &fd, &info));
    for (;;) {
        if (capacity - bytes < 2) { /* one for the NUL */
            capacity = capacity ? 2 * capacity : 65536;
            uint8_t *larger = realloc(data, capacity);
            if (!larger) {
                status =
                    alx_fail(ALX_STATUS_NO_MEMORY, "%s: no memory for %zu bytes", path, capacity);
                goto error;
            }
            data = larger;
        }
        ssize_t got = read(fd, data + bytes, capacity - bytes - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = alx_fail(ALX_STATUS_FILE_UNREADABLE, "%s: %s", path, strerror(errno));
            goto error;
        }
        if (got == 0)
            break;
        bytes += (size_t)got;
        if (bytes > max_bytes) {
            status =
                alx_fail(too_large, "%s: larger than the limit of %zu MiB", path, max_bytes >> 20);
            goto error;
        }
    }
    data[bytes] = 0;
    *out = data;
    *out_bytes = bytes;
    data = NULL;
error:
    free(data);
    if (fd > STDIN_FILENO)
        close(fd);
    return status;
}

bool alx_write_all(int fd, const void *data, size_t bytes)
{
    for (const uint8_t *at = data; bytes;) {
        ssize_t written = write(fd, at, alx_min(bytes, (size_t)1 << 30));
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            at += written;
            bytes -= (size_t)written;
        }
    }
    return true;
}

/* Opens a file without a name in the folder of `target`, so that nothing is left behind when the
 * program is killed; -1 where the file system has no such files. */
static int open_nameless(const char *target)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", target);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
#ifdef O_TMPFILE /* Linux */
    if (!access("/proc/self/fd", X_OK))
        return open(slash ? folder : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
#endif
    return -1;
}

/* Gives the nameless file `fd` the name `temporary`, whose X it replaces. */
static int name_file(int fd, char *temporary)
{
    char source[64];
    size_t length = strlen(temporary);
    snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
    for (int number = 0; number < 1000; number++) {
        snprintf(temporary + length - 6, 7, "%06x", (unsigned)(getpid() * 16 + number) & 0xffffff);
        if (!linkat(AT_FDCWD, source, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW))
            return 0;
        if (errno != EEXIST)
            break;
    }
    return -1;
}

static int write_pieces(int fd, const struct alx_bytes *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!alx_write_all(fd, pieces[i].data, pieces[i].bytes))
            return -1;
    return 0;
}

/* Writes beside `target`, then renames; -1 and errno when that fails. */
static int replace_file(const char *target, const struct alx_bytes *pieces, size_t count)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", target) >= (int)sizeof temporary) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = open_nameless(target);
    bool named = fd < 0;
    if (named)
        fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -1;
    mode_t mask = umask(0);
    umask(mask);
    bool failed = write_pieces(fd, pieces, count) || fchmod(fd, 0666 & ~mask) || fsync(fd);
    if (!failed && !named)
        failed = !(named = !name_file(fd, temporary));
    int reason = errno;
    if (close(fd) && !failed) {
        failed = true;
        reason = errno;
    }
    if (!failed && rename(temporary, target)) {
        failed = true;
        reason = errno;
    }
    if (failed && named)
        unlink(temporary);
    errno = reason;
    return failed ? -1 : 0;
}

/* A device or a pipe is written to where it is. */
static int write_in_place(const char *path, const struct alx_bytes *pieces, size_t count)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int failed = write_pieces(fd, pieces, count), reason = errno;
    if (close(fd) && !failed)
        return -1;
    errno = reason;
    return failed;
}

enum alx_status alx_file_write(const char *path, const struct alx_bytes *pieces, size_t count)
{
    struct stat info;
    bool exists = !stat(path, &info);
    char *target = exists ? realpath(path, NULL) : NULL; /* what a link points to is replaced */
    int failed = exists && !S_ISREG(info.st_mode)
                     ? write_in_place(path, pieces, count)
                     : replace_file(target ? target : path, pieces, count);
    int reason = errno;
    free(target);
    if (failed)
        return alx_fail(ALX_STATUS_FILE_UNWRITABLE,
                        "%s: cannot be written: %s; choose another place", path, strerror(reason));
    return ALX_STATUS_OK;
}
