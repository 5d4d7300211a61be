/* Where no folder can be trusted (src/util/folder_none.c), programs are compiled each time. */
#include "device/cache.h"

struct alx_cache *alx_cache_open(const char *dir)
{
    (void)dir;
    return NULL;
}

void alx_cache_close(struct alx_cache **cache)
{
    (void)cache;
}

bool alx_cache_load(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES], uint8_t **payload,
                    size_t *bytes)
{
    (void)cache, (void)key, (void)payload, (void)bytes;
    return false;
}

void alx_cache_store(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES],
                     const void *payload, size_t bytes)
{
    (void)cache, (void)key, (void)payload, (void)bytes;
}

void alx_cache_remove(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES])
{
    (void)cache, (void)key;
}

enum alx_status alx_cache_inspect(const char *cache_dir, struct alx_cache_info *out)
{
    (void)cache_dir;
    *out = (struct alx_cache_info){.path = "none on this system"};
    return ALX_STATUS_OK;
}

enum alx_status alx_cache_clear(const char *cache_dir, struct alx_cache_info *out)
{
    return alx_cache_inspect(cache_dir, out);
}
