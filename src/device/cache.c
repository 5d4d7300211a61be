#include "device/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/text.h"

/* Program binaries have hundreds of kilobytes. */
enum { MAX_ENTRY_BYTES = 64 << 20, MAX_TOTAL_BYTES = 256 << 20 };
enum { MAGIC_BYTES = 16, NAME_BYTES = 96 };

static const char magic[MAGIC_BYTES] = "alexnet-cl bin1";
static const char suffix[] = ".clbin", temporary_mark[] = ".tmp";

/* What stands before the payload. Files do not travel between machines, so that numbers are in the
 * machine's own order. */
struct header {
    char magic[MAGIC_BYTES];
    uint8_t key[ALX_SHA256_BYTES];
    uint64_t payload_bytes;
    uint8_t payload_sha256[ALX_SHA256_BYTES];
};
_Static_assert(sizeof(struct header) == 88, "a header has no gaps, so that no byte goes unchecked");

struct alx_cache {
    int folder;
    char path[PATH_MAX];
};

/* --- the folder --- */

static void warn_once(const char *path, const char *reason)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&warned))
        alx_log(ALX_LOG_WARNING,
                "program cache %s: %s; programs are compiled again at the next start", path,
                reason);
}

/* `dir`, or the default. False with a reason when there is none. */
static bool folder_path(const char *dir, char path[PATH_MAX], const char **reason)
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

/* -1 with a reason, and errno 0 unless the system gave it. */
static int open_folder(const char *path, const char **reason)
{
    struct stat info;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0 || fstat(folder, &info) < 0) {
        *reason = errno == ELOOP || errno == ENOTDIR ? "is not a folder, or a link to one"
                                                     : strerror(errno);
    } else {
        errno = 0;
        *reason = distrust(&info);
    }
    if (folder >= 0 && *reason) {
        close(folder);
        folder = -1;
    }
    return folder;
}

struct alx_cache *alx_cache_open(const char *dir)
{
    struct alx_cache *cache = calloc(1, sizeof *cache);
    const char *reason = NULL;
    if (!cache)
        return NULL;
    if (folder_path(dir, cache->path, &reason)) {
        create_folders(cache->path);
        cache->folder = open_folder(cache->path, &reason);
        if (!reason)
            return cache;
    }
    warn_once(cache->path, reason);
    free(cache);
    return NULL;
}

void alx_cache_close(struct alx_cache **cache)
{
    if (!*cache)
        return;
    close((*cache)->folder);
    free(*cache);
    *cache = NULL;
}

/* --- names --- */

static void entry_name(const uint8_t key[ALX_SHA256_BYTES], char name[NAME_BYTES])
{
    char hex[ALX_SHA256_HEX_BYTES];
    alx_sha256_hex(key, hex);
    snprintf(name, NAME_BYTES, "%s%s", hex, suffix);
}

/* Whether a file of the folder is one of ours: an entry, or what a killed process left of one. */
static bool is_ours(const char *name)
{
    enum { HEX_DIGITS = ALX_SHA256_HEX_BYTES - 1 };
    if (strspn(name, "0123456789abcdef") != HEX_DIGITS)
        return false;
    name += HEX_DIGITS;
    return !strcmp(name, suffix) || (!strncmp(name, temporary_mark, strlen(temporary_mark)) &&
                                     !strchr(name + strlen(temporary_mark), '/'));
}

/* --- reading --- */

static bool read_all(int fd, void *data, size_t bytes)
{
    for (uint8_t *at = data; bytes;) {
        ssize_t got = read(fd, at, bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        bytes -= (size_t)got;
    }
    return true;
}

static bool is_trusted_file(const struct stat *info)
{
    return S_ISREG(info->st_mode) && info->st_nlink == 1 && !distrust(info) &&
           info->st_size > (off_t)sizeof(struct header) &&
           info->st_size <= (off_t)sizeof(struct header) + MAX_ENTRY_BYTES;
}

/* The payload of an open file, NULL at any doubt. */
static uint8_t *read_entry(int fd, const uint8_t key[ALX_SHA256_BYTES], size_t *bytes)
{
    struct stat info;
    struct header header;
    uint8_t digest[ALX_SHA256_BYTES], *payload = NULL;
    if (fstat(fd, &info) < 0 || !is_trusted_file(&info) || !read_all(fd, &header, sizeof header))
        return NULL;
    size_t payload_bytes = (size_t)info.st_size - sizeof header;
    if (memcmp(header.magic, magic, sizeof magic) || memcmp(header.key, key, sizeof header.key) ||
        header.payload_bytes != payload_bytes || !(payload = malloc(payload_bytes)))
        return NULL;
    if (read_all(fd, payload, payload_bytes)) {
        alx_sha256(payload, payload_bytes, digest);
        if (!memcmp(digest, header.payload_sha256, sizeof digest)) {
            *bytes = payload_bytes;
            return payload;
        }
    }
    free(payload);
    return NULL;
}

bool alx_cache_load(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES], uint8_t **payload,
                    size_t *bytes)
{
    char name[NAME_BYTES];
    if (!cache)
        return false;
    entry_name(key, name);
    /* O_NONBLOCK: a named pipe in its place must not stop us */
    int fd = openat(cache->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return false;
    uint8_t *read = fd >= 0 ? read_entry(fd, key, bytes) : NULL;
    if (read)
        futimens(fd, NULL); /* those not used for longest go first */
    if (fd >= 0)
        close(fd);
    if (!read) {
        alx_cache_remove(cache, key);
        return false;
    }
    *payload = read;
    return true;
}

/* --- writing --- */

/* Calls `visit` with every file of ours. False when the folder cannot be listed. */
static bool each_file(int folder,
                      void (*visit)(int folder, const char *name, const struct stat *, void *user),
                      void *user)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again >= 0 ? fdopendir(again) : NULL;
    if (!listing) {
        if (again >= 0)
            close(again);
        return false;
    }
    struct dirent *entry;
    struct stat info;
    while ((entry = readdir(listing)))
        if (is_ours(entry->d_name) && !fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) &&
            !S_ISDIR(info.st_mode))
            visit(folder, entry->d_name, &info, user);
    closedir(listing);
    return true;
}

struct oldest {
    uint64_t total_bytes;
    struct timespec time;
    char name[NAME_BYTES];
};

static void find_oldest(int folder, const char *name, const struct stat *info, void *user)
{
    struct oldest *oldest = user;
    (void)folder;
    oldest->total_bytes += (uint64_t)info->st_size;
    bool older = info->st_mtim.tv_sec != oldest->time.tv_sec
                     ? info->st_mtim.tv_sec < oldest->time.tv_sec
                     : info->st_mtim.tv_nsec < oldest->time.tv_nsec;
    if (!oldest->name[0] || older) {
        oldest->time = info->st_mtim;
        alx_text_copy(oldest->name, sizeof oldest->name, name);
    }
}

/* Removes the entries not used for longest until the rest and `bytes` more fit. */
static void make_room(int folder, size_t bytes)
{
    for (;;) {
        struct oldest oldest = {0};
        if (!each_file(folder, find_oldest, &oldest) || !oldest.name[0] ||
            oldest.total_bytes + bytes <= MAX_TOTAL_BYTES || unlinkat(folder, oldest.name, 0))
            return;
    }
}

void alx_cache_store(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES],
                     const void *payload, size_t bytes)
{
    struct header header = {.payload_bytes = bytes};
    char name[NAME_BYTES], temporary[NAME_BYTES], hex[ALX_SHA256_HEX_BYTES];
    if (!cache || !bytes || bytes > MAX_ENTRY_BYTES)
        return;
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.key, key, sizeof header.key);
    alx_sha256(payload, bytes, header.payload_sha256);
    entry_name(key, name);
    alx_sha256_hex(key, hex);
    snprintf(temporary, sizeof temporary, "%s%s%x-%llx", hex, temporary_mark, (unsigned)getpid(),
             (unsigned long long)alx_clock_ns());
    make_room(cache->folder, bytes + sizeof header);
    int fd = openat(cache->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0) {
        warn_once(cache->path, strerror(errno));
        return;
    }
    /* Not synced: an entry that a power cut tears fails its hash, and drives take their time. */
    bool good = alx_write_all(fd, &header, sizeof header) && alx_write_all(fd, payload, bytes);
    int reason = errno;
    if (close(fd) && good) {
        good = false;
        reason = errno;
    }
    if (good && renameat(cache->folder, temporary, cache->folder, name)) {
        good = false;
        reason = errno;
    }
    if (!good) {
        unlinkat(cache->folder, temporary, 0);
        warn_once(cache->path, strerror(reason));
    }
}

void alx_cache_remove(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES])
{
    char name[NAME_BYTES];
    if (!cache)
        return;
    entry_name(key, name);
    unlinkat(cache->folder, name, 0);
}

/* --- what users ask --- */

static void add_up(int folder, const char *name, const struct stat *info, void *user)
{
    struct alx_cache_info *sum = user;
    (void)folder, (void)name;
    sum->files++;
    sum->bytes += (uint64_t)info->st_size;
}

static void remove_file(int folder, const char *name, const struct stat *info, void *user)
{
    if (!unlinkat(folder, name, 0))
        add_up(folder, name, info, user);
}

static enum alx_status walk(const char *dir, enum alx_status failure,
                            void (*visit)(int, const char *, const struct stat *, void *),
                            struct alx_cache_info *out)
{
    struct alx_cache_info sum = {0};
    const char *reason = NULL;
    int folder = -1;
    bool known = folder_path(dir, sum.path, &reason);
    if (known) {
        folder = open_folder(sum.path, &reason);
        if (folder < 0 && errno != ENOENT)
            return alx_fail(failure, "cache folder %s: %s", sum.path, reason);
    }
    if (folder >= 0) {
        bool listed = each_file(folder, visit, &sum);
        int error = errno;
        close(folder);
        if (!listed)
            return alx_fail(failure, "cache folder %s: %s", sum.path, strerror(error));
    }
    *out = sum;
    return ALX_STATUS_OK;
}

enum alx_status alx_cache_inspect(const char *cache_dir, struct alx_cache_info *out)
{
    return walk(cache_dir, ALX_STATUS_FILE_UNREADABLE, add_up, out);
}

enum alx_status alx_cache_clear(const char *cache_dir, struct alx_cache_info *out)
{
    return walk(cache_dir, ALX_STATUS_FILE_UNWRITABLE, remove_file, out);
}
