/*
 * SHA-256 (FIPS 180-4) by libsodium.
 */
#ifndef ALX_UTIL_SHA256_H
#define ALX_UTIL_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "util/file.h"

enum { ALX_SHA256_BYTES = 32, ALX_SHA256_HEX_BYTES = 65 };

/* The digest of the bytes. */
void alx_sha256(const void *data, size_t bytes, uint8_t digest[ALX_SHA256_BYTES]);
/* That of a mapped file, whose pages leave memory as they are done; see alx_file_forget(). */
void alx_sha256_file(const struct alx_mapping *mapping, uint8_t digest[ALX_SHA256_BYTES]);
/* As 64 hexadecimal digits and a NUL. */
void alx_sha256_hex(const uint8_t digest[ALX_SHA256_BYTES], char hex[ALX_SHA256_HEX_BYTES]);

#endif
