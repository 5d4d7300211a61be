/*
 * Pickles as data: reads what Python's pickle module writes (protocol 2, the opcodes that
 * torch.save uses) and executes nothing. An object that Python would make by calling something
 * becomes a value that says what would be called with which arguments. What may be named at all is
 * the caller's table; anything else is refused where it stands.
 *
 * Values are numbers of an array, so that shared and cyclic ones need no care: who reads them must
 * bound how deep it follows. Their number is capped, and so is all memory.
 */
#ifndef ALX_MODEL_PICKLE_H
#define ALX_MODEL_PICKLE_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ALX_PICKLE_MAX_VALUES = 1 << 20 };

enum alx_pickle_kind {
    ALX_PICKLE_NONE,
    ALX_PICKLE_BOOL,
    ALX_PICKLE_INT,
    ALX_PICKLE_FLOAT,
    ALX_PICKLE_TEXT,
    ALX_PICKLE_TUPLE,
    ALX_PICKLE_LIST,
    ALX_PICKLE_DICT,   /* items: key, value, key, value, ... */
    ALX_PICKLE_GLOBAL, /* something of the caller's table */
    ALX_PICKLE_CALL,   /* items: what is called (a global), its tuple of arguments, then, when it is
                        * set later, a state */
    ALX_PICKLE_PERSISTENT, /* items: the id of something that lies outside of the pickle */
    ALX_PICKLE_KIND_COUNT
};

/* What a pickle may name. */
struct alx_pickle_global {
    const char *module, *name;
    enum { ALX_PICKLE_CLASS, ALX_PICKLE_CALLABLE, ALX_PICKLE_DICT_CLASS } use;
    int role; /* the caller's */
};

struct alx_pickle_value {
    enum alx_pickle_kind kind;
    size_t offset; /* of the opcode in the file, for messages */
    union {
        int64_t integer; /* bool, int */
        double number;
        struct {
            const uint8_t *data; /* in the file; not ended by a NUL */
            size_t bytes;
        } text;
        struct {
            uint32_t *numbers; /* of values; owned by the pickle */
            size_t count, capacity;
        } items;
        const struct alx_pickle_global *global; /* a row of the caller's table */
    };
};

struct alx_pickle {
    struct alx_pickle_value *values; /* owned */
    size_t count, capacity;
    uint32_t root;
    size_t end; /* the offset behind the pickle */
};

/* Reads the pickle that begins at `begin` of a file and ends before `end`. MODEL with a message
 * that names the offset; the caller frees `out` also after a failure, when it is left empty. */
enum alx_status alx_pickle_read(const uint8_t *data, size_t begin, size_t end,
                                const struct alx_pickle_global *globals, size_t global_count,
                                struct alx_pickle *out);
/* Leaves an empty one. */
void alx_pickle_free(struct alx_pickle *pickle);

/* Item `index` of a tuple, list, dict, call or persistent value; NULL past the end, and for other
 * kinds or when `value` is NULL. */
const struct alx_pickle_value *alx_pickle_item(const struct alx_pickle *pickle,
                                               const struct alx_pickle_value *value, size_t index);
size_t alx_pickle_item_count(const struct alx_pickle_value *value);
/* The integer of a value, or false when it is none or negative. */
bool alx_pickle_size(const struct alx_pickle_value *value, size_t *out);
bool alx_pickle_is(const struct alx_pickle_value *value, enum alx_pickle_kind kind);
bool alx_pickle_text_equals(const struct alx_pickle_value *value, const char *text);
/* A copy with a NUL at its end, owned by the caller; MODEL when the value is no text, longer, or
 * holds a NUL itself. */
enum alx_status alx_pickle_copy_text(const struct alx_pickle_value *value, size_t max_bytes,
                                     char **out);
/* "a tuple", for messages. */
const char *alx_pickle_kind_name(enum alx_pickle_kind kind);

#endif
