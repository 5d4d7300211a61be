#include "util/sha256.h"

#include <sodium.h>

#include "util/memory.h"

void alx_sha256(const void *data, size_t bytes, uint8_t digest[ALX_SHA256_BYTES])
{
    crypto_hash_sha256(digest, data, bytes);
}

void alx_sha256_file(const struct alx_mapping *mapping, uint8_t digest[ALX_SHA256_BYTES])
{
    enum { PIECE_BYTES = 4 << 20 };
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (size_t at = 0; at < mapping->bytes; at += PIECE_BYTES) {
        size_t bytes = alx_min(PIECE_BYTES, mapping->bytes - at);
        crypto_hash_sha256_update(&state, mapping->data + at, bytes);
        alx_file_forget(mapping, mapping->data + at, bytes);
    }
    crypto_hash_sha256_final(&state, digest);
}

void alx_sha256_hex(const uint8_t digest[ALX_SHA256_BYTES], char hex[ALX_SHA256_HEX_BYTES])
{
    sodium_bin2hex(hex, ALX_SHA256_HEX_BYTES, digest, ALX_SHA256_BYTES);
}
