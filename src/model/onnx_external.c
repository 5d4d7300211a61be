/*
 * ONNX's external data: values in a file beside the model, as the TensorProto's external_data says
 * in pairs of texts: `location`, a relative path, and `offset` and `length` in bytes. What else
 * there may be (`checksum`, ...) is not looked at.
 */
#include <string.h>

#include "model/onnx.h"
#include "util/error.h"
#include "util/memory.h"

enum { EXTERNAL_DATA = 13, MAX_LOCATION = 1024, MAX_DIGITS = 19 };

/* A StringStringEntryProto. */
struct entry {
    struct alx_span key, value;
};

/* Where a tensor's values lie. */
struct place {
    char name[MAX_LOCATION];
    size_t offset, length;
    bool has_length;
};

static bool read_number(struct alx_span text, size_t *out)
{
    size_t value = 0;
    if (!text.bytes || text.bytes > MAX_DIGITS)
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (size_t)(text.data[i] - '0');
    }
    *out = value;
    return true;
}

/* False when the value is not what its key wants. */
static bool read_entry(const struct entry *entry, struct place *place)
{
    if (alx_span_is(entry->key, "location")) {
        if (entry->value.bytes >= MAX_LOCATION || !entry->value.bytes ||
            memchr(entry->value.data, 0, entry->value.bytes))
            return false;
        memcpy(place->name, entry->value.data, entry->value.bytes);
        place->name[entry->value.bytes] = 0;
    }
    if (alx_span_is(entry->key, "offset"))
        return read_number(entry->value, &place->offset);
    if (alx_span_is(entry->key, "length"))
        return place->has_length = read_number(entry->value, &place->length);
    return true;
}

static enum alx_status find_place(const uint8_t *file, const struct alx_onnx_tensor *tensor,
                                  struct place *out)
{
    static const struct alx_wire_row rows[] = {
        {1, ALX_WIRE_SPAN, offsetof(struct entry, key)},
        {2, ALX_WIRE_SPAN, offsetof(struct entry, value)},
    };
    enum alx_status status = ALX_STATUS_OK;
    struct alx_wire wire = alx_wire_open(file, tensor->message);
    struct alx_span message;
    *out = (struct place){0};
    for (bool found = true; found;) {
        struct entry entry = {0};
        ALX_TRY(alx_wire_next_of(&wire, EXTERNAL_DATA, &message, &found));
        if (!found)
            break;
        ALX_TRY(alx_wire_read(file, message, "external data", rows, 2, &entry));
        if (!read_entry(&entry, out))
            return alx_onnx_refuse_tensor(
                tensor, "the location, offset or length of its external data is wrong");
    }
    if (!out->name[0])
        return alx_onnx_refuse_tensor(tensor, "its external data have no location");
error:
    return status;
}

enum alx_status alx_onnx_external(const uint8_t *file, const struct alx_onnx_tensor *tensor,
                                  struct alx_source *source, size_t bytes, struct alx_span *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct place place;
    struct alx_mapping mapping = {0};
    char name[ALX_NAME_BYTES], location[ALX_SHOW_BYTES];
    size_t end;
    ALX_TRY(find_place(file, tensor, &place));
    if (place.has_length && place.length != bytes)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: %zu bytes of external data, but its shape needs %zu",
                        alx_span_text(tensor->name, name, sizeof name), place.length, bytes);
    ALX_TRY(alx_source_map(source, place.name, &mapping));
    if (!alx_add(place.offset, bytes, &end) || end > mapping.bytes)
        return alx_fail(ALX_STATUS_MODEL,
                        "tensor %s: its %zu bytes from offset %zu on do not lie in file %s of %zu",
                        alx_span_text(tensor->name, name, sizeof name), bytes, place.offset,
                        alx_show(place.name, location), mapping.bytes);
    *out = (struct alx_span){mapping.data + place.offset, bytes};
error:
    return status;
}
