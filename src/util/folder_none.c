/*
 * Where files have no owners and modes as POSIX knows them, no folder can be trusted: nothing is
 * kept.
 */
#include <errno.h>

#include "util/folder.h"

bool alx_folder_open(const char *dir, bool create, struct alx_folder *out, const char **reason)
{
    (void)dir, (void)create;
    *out = (struct alx_folder){.fd = -1};
    *reason = "caches are not kept on this system";
    errno = ENOENT;
    return false;
}

void alx_folder_close(struct alx_folder *folder)
{
    (void)folder;
}

void alx_folder_lock(const struct alx_folder *folder)
{
    (void)folder;
}

uint8_t *alx_folder_read(const struct alx_folder *folder, const char *name, size_t most,
                         size_t *bytes)
{
    (void)folder, (void)name, (void)most, (void)bytes;
    errno = ENOENT;
    return NULL;
}

bool alx_folder_write(const struct alx_folder *folder, const char *name, const char *temporary,
                      const struct alx_bytes *pieces, size_t count)
{
    (void)folder, (void)name, (void)temporary, (void)pieces, (void)count;
    errno = ENOTSUP;
    return false;
}

bool alx_folder_remove(const struct alx_folder *folder, const char *name)
{
    (void)folder, (void)name;
    errno = ENOENT;
    return false;
}
