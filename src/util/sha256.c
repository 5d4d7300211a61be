#include "util/sha256.h"

#include <sodium.h>

void alx_sha256(const void *data, size_t bytes, uint8_t digest[ALX_SHA256_BYTES])
{
    crypto_hash_sha256(digest, data, bytes);
}

void alx_sha256_hex(const uint8_t digest[ALX_SHA256_BYTES], char hex[ALX_SHA256_HEX_BYTES])
{
    sodium_bin2hex(hex, ALX_SHA256_HEX_BYTES, digest, ALX_SHA256_BYTES);
}
