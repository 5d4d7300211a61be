#include "support/proto.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

enum { MOST = 1 << 16 };

struct buffer {
    uint8_t *bytes; /* owned, MOST */
    size_t count;
};

static void put(struct buffer *buffer, const void *data, size_t bytes)
{
    assert_true(buffer->count + bytes <= MOST);
    memcpy(buffer->bytes + buffer->count, data, bytes);
    buffer->count += bytes;
}

static void put_varint(struct buffer *buffer, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(buffer, &byte, 1);
        value >>= 7;
    } while (value);
}

static void put_tag(struct buffer *buffer, unsigned long number, unsigned type)
{
    put_varint(buffer, (uint64_t)number << 3 | type);
}

static struct buffer make(const char **text);

static void put_bytes(struct buffer *buffer, unsigned long number, const void *data, size_t bytes)
{
    put_tag(buffer, number, 2);
    put_varint(buffer, bytes);
    put(buffer, data, bytes);
}

static void put_hex(struct buffer *buffer, const char **text)
{
    for (; isxdigit((unsigned char)**text); *text += 2) {
        char digits[] = {(*text)[0], (*text)[1], 0};
        uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
        put(buffer, &byte, 1);
    }
}

static void put_values(struct buffer *buffer, unsigned long number, char kind, size_t count)
{
    struct buffer values = {calloc(1, MOST), 0};
    assert_non_null(values.bytes);
    for (size_t i = 0; i < count; i++) {
        double real = (double)(i + 1) / 8;
        float value = (float)real;
        if (kind == '.') {
            put_tag(buffer, number, 5);
            put(buffer, &value, sizeof value);
        }
        put(&values, kind == 'd' ? (void *)&real : &value,
            kind == 'd' ? sizeof real : sizeof value);
    }
    if (kind != '.')
        put_bytes(buffer, number, values.bytes, values.count);
    free(values.bytes);
}

static void put_field(struct buffer *buffer, const char **text)
{
    char *at;
    unsigned long number = strtoul(*text, &at, 10);
    char kind = *at++;
    const char *rest = at, *end;
    struct buffer below;
    float real;
    switch (kind) {
    case '=':
        put_tag(buffer, number, 0);
        put_varint(buffer,
                   rest[0] == '-' ? (uint64_t)strtoll(rest, &at, 10) : strtoull(rest, &at, 10));
        break;
    case '\'':
        end = strchr(rest, '\'');
        put_bytes(buffer, number, rest, (size_t)(end - rest));
        at += end - rest + 1;
        break;
    case '{':
        below = make(&rest);
        put_bytes(buffer, number, below.bytes, below.count);
        free(below.bytes);
        at += rest - at;
        break;
    case '#':
        below = (struct buffer){calloc(1, MOST), 0};
        put_hex(&below, &rest);
        put_bytes(buffer, number, below.bytes, below.count);
        free(below.bytes);
        at += rest - at;
        break;
    case '~':
        put_tag(buffer, number, 5);
        real = strtof(rest, &at);
        put(buffer, &real, sizeof real);
        break;
    default:
        assert_non_null(strchr("*.d", kind));
        put_values(buffer, number, kind, strtoul(rest, &at, 10));
    }
    *text = at;
}

/* Up to the end of the text, or past the '}' that ends the message. */
static struct buffer make(const char **text)
{
    struct buffer buffer = {calloc(1, MOST), 0};
    assert_non_null(buffer.bytes);
    while (**text && **text != '}') {
        if (**text == ' ') {
            ++*text;
        } else if (**text == '!') {
            ++*text;
            put_hex(&buffer, text);
        } else {
            put_field(&buffer, text);
        }
    }
    *text += **text == '}';
    return buffer;
}

uint8_t *test_proto_make(const char *text, size_t *bytes)
{
    struct buffer buffer = make(&text);
    uint8_t *exact = malloc(buffer.count ? buffer.count : 1);
    assert_non_null(exact);
    memcpy(exact, buffer.bytes, buffer.count);
    free(buffer.bytes);
    *bytes = buffer.count;
    return exact;
}
