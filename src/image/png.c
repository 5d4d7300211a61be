/* The chunks of a PNG file, checked (PNG specification, third edition). */
#include <stdlib.h>
#include <string.h>

#include "image/format.h"
#include "util/error.h"
#include "util/memory.h"

enum {
    SIGNATURE_BYTES = 8,
    CHUNK_BYTES = 12, /* length, type, checksum */
    HEADER_BYTES = 13,
    PALETTE_BYTES = 3 * 256,
    COLOUR_PALETTE = 3,
};

struct chunk {
    uint32_t length;
    const uint8_t *type; /* followed by the data */
    const uint8_t *data;
};

struct parser {
    const struct alx_picture *picture;
    size_t position;
    struct alx_checked checked; /* `owned` is as large as any mended copy can become */
    unsigned colour;
    size_t palette_bytes;
    bool has_data; /* an IDAT chunk has come */
};

static enum alx_status damaged(const struct parser *parser, const char *why)
{
    return alx_format_damaged(parser->picture, "PNG", why);
}

static uint32_t number32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { CHECKSUMS_COUNT = 0 }; /* no fuzzer would ever come past them */
#else
enum { CHECKSUMS_COUNT = 1 };
#endif

/* CRC-32 of ISO 3309, with a table of the half bytes. */
static uint32_t checksum(const uint8_t *data, size_t bytes)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes; i++) {
        crc = crc >> 4 ^ table[(crc ^ data[i]) & 15];
        crc = crc >> 4 ^ table[(crc ^ (uint32_t)data[i] >> 4) & 15];
    }
    return ~crc;
}

static enum alx_status next_chunk(struct parser *parser, struct chunk *out)
{
    const struct alx_picture *picture = parser->picture;
    size_t left = picture->bytes - parser->position;
    const uint8_t *at = picture->data + parser->position;
    if (left < CHUNK_BYTES || number32(at) > left - CHUNK_BYTES)
        return damaged(parser, "it ends early");
    struct chunk chunk = {.length = number32(at), .type = at + 4, .data = at + 8};
    if (CHECKSUMS_COUNT &&
        checksum(chunk.type, (size_t)chunk.length + 4) != number32(chunk.data + chunk.length))
        return damaged(parser, "the checksum of a chunk is wrong");
    parser->position += CHUNK_BYTES + chunk.length;
    *out = chunk;
    return ALX_STATUS_OK;
}

static bool is(const struct chunk *chunk, const char *type)
{
    return !memcmp(chunk->type, type, 4);
}

/* Adds a chunk to the mended copy, with zeros up to `bytes` and for the checksum, at which the
 * decoder does not look. */
static void keep(struct parser *parser, const struct chunk *chunk, size_t bytes)
{
    uint8_t *at = parser->checked.owned + parser->checked.bytes;
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(bytes >> (24 - 8 * i));
    memcpy(at + 4, chunk->type, 4);
    memcpy(at + 8, chunk->data, chunk->length);
    parser->checked.bytes += CHUNK_BYTES + bytes;
}

static enum alx_status read_header(struct parser *parser)
{
    /* By colour type: the bit depths that exist, as a set of bits. */
    static const uint32_t depths[7] = {
        1 << 1 | 1 << 2 | 1 << 4 | 1 << 8 | 1 << 16,
        0,
        1 << 8 | 1 << 16,
        1 << 1 | 1 << 2 | 1 << 4 | 1 << 8,
        1 << 8 | 1 << 16,
        0,
        1 << 8 | 1 << 16,
    };
    enum alx_status status = ALX_STATUS_OK;
    struct chunk chunk;
    ALX_TRY(next_chunk(parser, &chunk));
    if (is(&chunk, "CgBI"))
        return alx_fail(ALX_STATUS_IMAGE_UNSUPPORTED,
                        "%s: a PNG in the form that only Apple's devices read; convert it",
                        parser->picture->what);
    if (!is(&chunk, "IHDR") || chunk.length != HEADER_BYTES)
        return damaged(parser, "its header is malformed");
    uint32_t width = number32(chunk.data), height = number32(chunk.data + 4);
    ALX_TRY(alx_format_check_size(parser->picture, width, height));
    unsigned depth = chunk.data[8];
    parser->colour = chunk.data[9];
    if (parser->colour > 6 || depth > 16 || !(depths[parser->colour] >> depth & 1) ||
        chunk.data[10] || chunk.data[11] || chunk.data[12] > 1)
        return damaged(parser, "its header is malformed");
    parser->checked.width = width;
    parser->checked.height = height;
    parser->checked.sixteen_bits = depth == 16;
    keep(parser, &chunk, chunk.length);
error:
    return status;
}

static enum alx_status read_palette(struct parser *parser, const struct chunk *chunk)
{
    if (parser->palette_bytes || parser->has_data || !chunk->length || chunk->length % 3 ||
        chunk->length > PALETTE_BYTES)
        return damaged(parser, "its palette is malformed");
    parser->palette_bytes = chunk->length;
    /* A colour beyond the palette becomes black; the decoder would read memory never written. */
    if (parser->colour == COLOUR_PALETTE)
        keep(parser, chunk, PALETTE_BYTES);
    return ALX_STATUS_OK;
}

static enum alx_status read_transparency(struct parser *parser, const struct chunk *chunk)
{
    size_t most = parser->colour == COLOUR_PALETTE ? parser->palette_bytes / 3
                  : parser->colour == 2            ? 6
                                                   : 2;
    bool exact = parser->colour != COLOUR_PALETTE;
    if (parser->has_data || parser->colour >= 4 || chunk->length > most ||
        (exact && chunk->length != most))
        return damaged(parser, "its transparency is malformed");
    keep(parser, chunk, chunk->length);
    return ALX_STATUS_OK;
}

static enum alx_status read_chunk(struct parser *parser, const struct chunk *chunk)
{
    if (is(chunk, "PLTE"))
        return read_palette(parser, chunk);
    if (is(chunk, "tRNS"))
        return read_transparency(parser, chunk);
    if (is(chunk, "eXIf"))
        parser->checked.orientation = alx_exif_orientation(chunk->data, chunk->length);
    if (is(chunk, "IDAT") || is(chunk, "IEND")) {
        if (is(chunk, "IEND") ? !parser->has_data
                              : parser->colour == COLOUR_PALETTE && !parser->palette_bytes)
            return damaged(parser, "it lacks picture data or a palette");
        parser->has_data = true;
        keep(parser, chunk, chunk->length);
    } else if (!(chunk->type[0] & 0x20)) {
        return damaged(parser, "it has a chunk that no reader may pass over");
    }
    return ALX_STATUS_OK;
}

enum alx_status alx_png_check(const struct alx_picture *picture, struct alx_checked *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct parser parser = {.picture = picture, .position = SIGNATURE_BYTES};
    struct chunk chunk;
    if (picture->bytes < SIGNATURE_BYTES)
        return damaged(&parser, "it ends early");
    parser.checked.orientation = 1;
    ALX_TRY(alx_alloc(picture->bytes + PALETTE_BYTES, 1, "a PNG picture", &parser.checked.owned));
    memcpy(parser.checked.owned, picture->data, SIGNATURE_BYTES);
    parser.checked.bytes = SIGNATURE_BYTES;
    ALX_TRY(read_header(&parser));
    do {
        ALX_TRY(next_chunk(&parser, &chunk));
        ALX_TRY(read_chunk(&parser, &chunk));
    } while (!is(&chunk, "IEND"));
    parser.checked.data = parser.checked.owned;
    *out = parser.checked;
    parser.checked.owned = NULL;
error:
    free(parser.checked.owned);
    return status;
}
