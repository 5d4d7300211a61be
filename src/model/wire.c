#include "model/wire.h"

#include <pb_decode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

bool alx_span_is(struct alx_span span, const char *text)
{
    return span.data && span.bytes == strlen(text) && !memcmp(span.data, text, span.bytes);
}

const char *alx_span_text(struct alx_span span, char *out, size_t out_bytes)
{
    size_t bytes = alx_min(span.bytes, out_bytes - 1);
    if (bytes)
        memcpy(out, span.data, bytes);
    out[bytes] = 0;
    alx_text_clean(out);
    return out;
}

bool alx_spans_equal(struct alx_span a, struct alx_span b)
{
    return a.data && b.data && a.bytes == b.bytes && !memcmp(a.data, b.data, a.bytes);
}

struct alx_wire alx_wire_open(const uint8_t *file, struct alx_span message)
{
    return (struct alx_wire){file, message};
}

static size_t offset_of(const struct alx_wire *wire)
{
    return wire->rest.data ? (size_t)(wire->rest.data - wire->file) : 0;
}

static enum alx_status fail_at(const struct alx_wire *wire, const char *why)
{
    return alx_fail(ALX_STATUS_MODEL, "offset %zu: %s", offset_of(wire), why);
}

/* Where the stream stands: it reads `rest` to its end. */
static const uint8_t *position(const struct alx_wire *wire, const pb_istream_t *stream)
{
    return wire->rest.data + (wire->rest.bytes - stream->bytes_left);
}

/* Reads what follows a tag; NULL, or what is wrong. */
static const char *read_value(const struct alx_wire *wire, pb_istream_t *stream,
                              struct alx_wire_field *field)
{
    const uint8_t *begin = position(wire, stream);
    uint64_t length = 0;
    switch (field->type) {
    case ALX_WIRE_VARINT:
        if (!pb_decode_varint(stream, &field->value))
            return "a number that does not end, or is too large";
        break;
    case ALX_WIRE_FIXED64:
        length = 8;
        break;
    case ALX_WIRE_FIXED32:
        length = 4;
        break;
    case ALX_WIRE_BYTES:
        if (!pb_decode_varint(stream, &length))
            return "a length that does not end, or is too large";
        begin = position(wire, stream);
        break;
    default:
        return "a field of a type that is not read";
    }
    if (length > stream->bytes_left || !pb_read(stream, NULL, (size_t)length))
        return "a field is longer than what is left: it is cut off";
    field->span = (struct alx_span){begin, (size_t)(position(wire, stream) - begin)};
    return NULL;
}

/* NULL, or what is wrong. */
static const char *next(struct alx_wire *wire, struct alx_wire_field *field, bool *found)
{
    pb_istream_t stream = pb_istream_from_buffer(wire->rest.data, wire->rest.bytes);
    struct alx_wire_field result = {0};
    uint64_t tag;
    *found = wire->rest.bytes != 0;
    if (!*found)
        return NULL;
    if (!pb_decode_varint(&stream, &tag) || tag > UINT32_MAX || tag < 8)
        return "not the beginning of a field";
    result.number = (uint32_t)(tag >> 3);
    result.type = (enum alx_wire_type)(tag & 7);
    const char *wrong = read_value(wire, &stream, &result);
    if (wrong)
        return wrong;
    wire->rest = (struct alx_span){position(wire, &stream), stream.bytes_left};
    *field = result;
    return NULL;
}

enum alx_status alx_wire_next(struct alx_wire *wire, struct alx_wire_field *field, bool *found)
{
    const char *wrong = next(wire, field, found);
    return wrong ? fail_at(wire, wrong) : ALX_STATUS_OK;
}

bool alx_wire_probe(const uint8_t *data, size_t bytes,
                    bool (*is_known)(const struct alx_wire_field *field))
{
    enum { LOOKED_AT = 8 };
    struct alx_wire wire = alx_wire_open(data, (struct alx_span){data, bytes});
    struct alx_wire_field field = {0};
    for (int i = 0; i < LOOKED_AT; i++) {
        bool found;
        if (next(&wire, &field, &found) || !found)
            return i > 0;
        if (!is_known(&field))
            return false;
    }
    return true;
}

enum alx_status alx_wire_next_of(struct alx_wire *wire, uint32_t number, struct alx_span *out,
                                 bool *found)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire_field field = {0};
    for (;;) {
        struct alx_wire before = *wire;
        ALX_TRY(alx_wire_next(wire, &field, found));
        if (!*found)
            return status;
        if (field.number != number)
            continue;
        if (field.type != ALX_WIRE_BYTES)
            return fail_at(&before, "a number where bytes belong");
        *out = field.span;
        return status;
    }
error:
    return status;
}

/* --- values --- */

/* 1e-4 is stored as the float nearest to it; the decimal that one wrote is what one wants to see,
 * and to compute with in double. */
static double shortest_decimal(float value)
{
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            return strtod(text, NULL);
    }
    return (double)value; /* not a number */
}

static enum alx_status add_ints(const struct alx_wire *before, const struct alx_wire_field *field,
                                struct alx_wire_list *list)
{
    pb_istream_t stream = pb_istream_from_buffer(field->span.data, field->span.bytes);
    if (field->type != ALX_WIRE_VARINT && field->type != ALX_WIRE_BYTES)
        return fail_at(before, "a list of another type than whole numbers");
    while (stream.bytes_left) {
        uint64_t value;
        if (!pb_decode_varint(&stream, &value))
            return fail_at(before, "a list with a number that does not end");
        if (list->count == ALX_WIRE_LIST)
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: a list of more than %d numbers",
                            offset_of(before), ALX_WIRE_LIST);
        list->values[list->count++] = (int64_t)value;
    }
    return ALX_STATUS_OK;
}

static bool add_run(const struct alx_wire_field *field, struct alx_wire_run *run)
{
    if (!run->runs)
        run->first = field->span;
    run->runs++;
    return alx_add(run->bytes, field->span.bytes, &run->bytes);
}

static bool type_fits(enum alx_wire_kind kind, enum alx_wire_type type)
{
    switch (kind) {
    case ALX_WIRE_INT:
    case ALX_WIRE_SIZE:
    case ALX_WIRE_FLAG:
        return type == ALX_WIRE_VARINT;
    case ALX_WIRE_REAL:
        return type == ALX_WIRE_FIXED32;
    case ALX_WIRE_SPAN:
        return type == ALX_WIRE_BYTES;
    case ALX_WIRE_INTS:
    case ALX_WIRE_RUN:
        return true;
    }
    return false;
}

static enum alx_status read_field(const struct alx_wire *before, const struct alx_wire_field *field,
                                  const char *what, const struct alx_wire_row *row, void *out)
{
    void *place = (char *)out + row->at;
    float value;
    if (!type_fits(row->kind, field->type))
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: field %u of %s is of type %d",
                        offset_of(before), field->number, what, (int)field->type);
    switch (row->kind) {
    case ALX_WIRE_INT:
        *(int64_t *)place = (int64_t)field->value;
        break;
    case ALX_WIRE_SIZE:
        if (field->value > INT32_MAX)
            return alx_fail(ALX_STATUS_MODEL, "offset %zu: field %u of %s is out of range",
                            offset_of(before), field->number, what);
        *(size_t *)place = (size_t)field->value;
        break;
    case ALX_WIRE_FLAG:
        *(bool *)place = field->value != 0;
        break;
    case ALX_WIRE_REAL:
        memcpy(&value, field->span.data, sizeof value);
        *(double *)place = shortest_decimal(value);
        break;
    case ALX_WIRE_SPAN:
        *(struct alx_span *)place = field->span;
        break;
    case ALX_WIRE_INTS:
        return add_ints(before, field, place);
    case ALX_WIRE_RUN:
        return add_run(field, place) ? ALX_STATUS_OK : fail_at(before, "too many values");
    }
    return ALX_STATUS_OK;
}

enum alx_status alx_wire_read(const uint8_t *file, struct alx_span message, const char *what,
                              const struct alx_wire_row *rows, size_t row_count, void *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(file, message);
    for (;;) {
        struct alx_wire before = wire;
        struct alx_wire_field field = {0};
        bool found;
        ALX_TRY(alx_wire_next(&wire, &field, &found));
        if (!found)
            break;
        for (size_t i = 0; i < row_count; i++)
            if (rows[i].number == field.number)
                ALX_TRY(read_field(&before, &field, what, &rows[i], out));
    }
error:
    return status;
}

enum alx_status alx_wire_gather(const uint8_t *file, struct alx_span message, uint32_t number,
                                size_t bytes, uint8_t *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(file, message);
    struct alx_wire_field field = {0};
    size_t done = 0;
    for (bool found = true; found;) {
        ALX_TRY(alx_wire_next(&wire, &field, &found));
        if (!found || field.number != number)
            continue;
        if (field.span.bytes > bytes - done)
            return fail_at(&wire, "more values than before");
        if (field.span.bytes)
            memcpy(out + done, field.span.data, field.span.bytes);
        done += field.span.bytes;
    }
error:
    return status;
}

enum alx_status alx_wire_varints(const uint8_t *file, struct alx_span message, uint32_t number,
                                 int64_t *out, size_t capacity, size_t *count)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(file, message);
    struct alx_wire_field field = {0};
    size_t done = 0;
    for (bool found = true; found;) {
        ALX_TRY(alx_wire_next(&wire, &field, &found));
        if (!found || field.number != number)
            continue;
        if (field.type != ALX_WIRE_VARINT && field.type != ALX_WIRE_BYTES)
            return fail_at(&wire, "the field before is no list of whole numbers");
        pb_istream_t stream = pb_istream_from_buffer(field.span.data, field.span.bytes);
        while (stream.bytes_left) {
            uint64_t value;
            if (!pb_decode_varint(&stream, &value))
                return fail_at(&wire, "the list before has a number that does not end");
            if (done < capacity)
                out[done] = (int64_t)value;
            done++;
        }
    }
    *count = done;
error:
    return status;
}
