/*
 * Program binaries on disk. A binary is code, so nothing is handed out that this user did not write
 * in whole: the folder and its files belong to the user alone, symbolic and hard links are refused,
 * and a hash of the payload is checked first. Any doubt is a miss, and the bad entry goes.
 *
 * Several processes may use a folder at the same time.
 */
#ifndef ALX_DEVICE_CACHE_H
#define ALX_DEVICE_CACHE_H

#include <alexnet_cl/device.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/sha256.h"

struct alx_cache;

/* Opens, and creates if need be, `dir` or with NULL the default folder. A folder that cannot be
 * used gives NULL and, once a process, a warning. NULL is a cache that holds nothing and stores
 * nothing.
 */
struct alx_cache *alx_cache_open(const char *dir);
/* Accepts NULL and nulls the pointer. */
void alx_cache_close(struct alx_cache **cache);

/* True when the entry is there and right; `*payload` is owned: free(). */
bool alx_cache_load(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES], uint8_t **payload,
                    size_t *bytes);
/* Keeps a copy. When that fails, nothing is left behind but, once a process, a warning. */
void alx_cache_store(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES],
                     const void *payload, size_t bytes);
/* Forgets an entry, present or not. */
void alx_cache_remove(struct alx_cache *cache, const uint8_t key[ALX_SHA256_BYTES]);

#endif
