#include "device/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/folder.h"
#include "util/memory.h"
#include "util/text.h"

/* Program binaries have hundreds of kilobytes. */
enum { MAX_ENTRY_BYTES = 64 << 20, MAX_TOTAL_BYTES = 256 << 20 };
enum { MAGIC_BYTES = 16, NAME_BYTES = 96 };

static const char magic[MAGIC_BYTES] = "alexnet-cl bin1";
static const char suffix[] = ".clbin", temporary_mark[] = ALX_FOLDER_TEMPORARY;

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
    struct alx_folder folder;
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

struct alx_cache *alx_cache_open(const char *dir)
{
    struct alx_cache *cache = calloc(1, sizeof *cache);
    const char *reason = NULL;
    if (!cache || alx_folder_open(dir, true, &cache->folder, &reason))
        return cache;
    warn_once(cache->folder.path, reason);
    free(cache);
    return NULL;
}

void alx_cache_close(struct alx_cache **cache)
{
    if (!*cache)
        return;
    alx_folder_close(&(*cache)->folder);
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

/* Whether a file that was read is the entry of this key. */
static bool is_entry(const uint8_t *file, size_t bytes, const uint8_t key[ALX_SHA256_BYTES])
{
    struct header header;
    uint8_t digest[ALX_SHA256_BYTES];
    if (bytes <= sizeof header)
        return false;
    memcpy(&header, file, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) || memcmp(header.key, key, sizeof header.key) ||
        header.payload_bytes != bytes - sizeof header)
        return false;
    alx_sha256(file + sizeof header, bytes - sizeof header, digest);
    return !memcmp(digest, header.payload_sha256, sizeof digest);
}

bool alx_cache_load(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES], uint8_t **payload,
                    size_t *bytes)
{
    enum { MAX_FILE_BYTES = MAX_ENTRY_BYTES + sizeof(struct header) };
    char name[NAME_BYTES];
    size_t file_bytes = 0;
    if (!cache)
        return false;
    entry_name(key, name);
    uint8_t *file = alx_folder_read(&cache->folder, name, MAX_FILE_BYTES, &file_bytes);
    if (!file && errno == ENOENT)
        return false;
    if (!file || !is_entry(file, file_bytes, key)) {
        free(file);
        alx_cache_remove(cache, key);
        return false;
    }
    /* those not used for longest go first */
    utimensat(cache->folder.fd, name, NULL, AT_SYMLINK_NOFOLLOW);
    *bytes = file_bytes - sizeof(struct header);
    memmove(file, file + sizeof(struct header), *bytes);
    *payload = file;
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
    make_room(cache->folder.fd, bytes + sizeof header);
    /* Not synced: an entry that a power cut tears fails its hash, and drives take their time. */
    const struct alx_bytes pieces[] = {{&header, sizeof header}, {payload, bytes}};
    if (!alx_folder_write(&cache->folder, name, temporary, pieces, 2))
        warn_once(cache->folder.path, strerror(errno));
}

void alx_cache_remove(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES])
{
    char name[NAME_BYTES];
    if (!cache)
        return;
    entry_name(key, name);
    unlinkat(cache->folder.fd, name, 0);
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
    struct alx_folder folder;
    const char *reason = NULL;
    bool opened = alx_folder_open(dir, false, &folder, &reason);
    alx_text_copy(sum.path, sizeof sum.path, folder.path);
    if (!opened && sum.path[0] && errno != ENOENT)
        return alx_fail(failure, "cache folder %s: %s", sum.path, reason);
    if (opened) {
        bool listed = each_file(folder.fd, visit, &sum);
        int error = errno;
        alx_folder_close(&folder);
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
