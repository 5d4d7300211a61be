/*
 * Protobuf messages where they lie.
 *
 * nanopb's streams cut the bytes into fields; what a field holds is a view of them, so that weights
 * are never copied. Nothing here is recursive: a message inside a message is a view, too, which the
 * caller reads as a message when it wants to. Groups, field numbers from outside and everything
 * that does not end where its message ends are errors. Failures are MODEL and name the offset in
 * the file.
 */
#ifndef ALX_MODEL_WIRE_H
#define ALX_MODEL_WIRE_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ALX_WIRE_LIST = 8 };

/* Some of a file's bytes; borrowed. `data` is NULL when a field is not there. */
struct alx_span {
    const uint8_t *data;
    size_t bytes;
};
bool alx_span_is(struct alx_span span, const char *text);
bool alx_spans_equal(struct alx_span a, struct alx_span b);
/* The text, cut and cleaned so that messages and names can bear it. Returns `out`. */
const char *alx_span_text(struct alx_span span, char *out, size_t out_bytes);

enum alx_wire_type {
    ALX_WIRE_VARINT = 0,
    ALX_WIRE_FIXED64 = 1,
    ALX_WIRE_BYTES = 2,
    ALX_WIRE_FIXED32 = 5,
};

/* A field: `span` is what a field of bytes holds, or the value itself. */
struct alx_wire_field {
    uint32_t number;
    enum alx_wire_type type;
    uint64_t value; /* of a varint */
    struct alx_span span;
};

/* A message that is being read, and the file that offsets count from. */
struct alx_wire {
    const uint8_t *file;
    struct alx_span rest;
};
struct alx_wire alx_wire_open(const uint8_t *file, struct alx_span message);
/* The next field; `*found` is false at the end. */
enum alx_status alx_wire_next(struct alx_wire *wire, struct alx_wire_field *field, bool *found);
/* Whether a file can be a message: its first fields are known, as far as they can be read, and
 * there is at least one. Says nothing. */
bool alx_wire_probe(const uint8_t *data, size_t bytes,
                    bool (*is_known)(const struct alx_wire_field *field));
/* The next field of that number, which must hold bytes. */
enum alx_status alx_wire_next_of(struct alx_wire *wire, uint32_t number, struct alx_span *out,
                                 bool *found);

/* Repeated whole numbers, packed or not; up to ALX_WIRE_LIST. */
struct alx_wire_list {
    int64_t values[ALX_WIRE_LIST];
    size_t count;
};
/* Repeated values, packed or not: one run of them is a view; several have to be put together by
 * alx_wire_gather(). */
struct alx_wire_run {
    struct alx_span first;
    size_t bytes; /* of all; varints: encoded */
    size_t runs;
};

/* What a field is read into. A field that is there more than once counts with its last value, as
 * the format has it. */
enum alx_wire_kind {
    ALX_WIRE_INT,  /* int64_t */
    ALX_WIRE_SIZE, /* size_t, up to 2^31 - 1 */
    ALX_WIRE_FLAG, /* bool */
    ALX_WIRE_REAL, /* double, from a float: the shortest decimal that means it */
    ALX_WIRE_SPAN, /* struct alx_span: text, bytes, a message */
    ALX_WIRE_INTS, /* struct alx_wire_list */
    ALX_WIRE_RUN,  /* struct alx_wire_run of fixed 4 or 8 bytes, or of varints */
};
struct alx_wire_row {
    uint32_t number;
    enum alx_wire_kind kind;
    size_t at; /* offset in what is filled */
};
/* Reads the fields that rows name into `out`, which holds the values of those that are not there;
 * skips the others. `what` is for messages. */
enum alx_status alx_wire_read(const uint8_t *file, struct alx_span message, const char *what,
                              const struct alx_wire_row *rows, size_t row_count, void *out);

/* Copies all runs of a repeated field of fixed size, `bytes` in all, one after the other. */
enum alx_status alx_wire_gather(const uint8_t *file, struct alx_span message, uint32_t number,
                                size_t bytes, uint8_t *out);
/* Reads up to `capacity` repeated varints; `*count` is how many there are. */
enum alx_status alx_wire_varints(const uint8_t *file, struct alx_span message, uint32_t number,
                                 int64_t *out, size_t capacity, size_t *count);

#endif
