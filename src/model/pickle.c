#include "model/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "model/reader.h"
#include "util/error.h"
#include "util/memory.h"

/* The same list may be copied again and again by a few bytes each time, so items are capped, too.
 */
enum { MAX_PROTOCOL = 2, MAX_LINE = 256, MAX_ITEMS = 4 * ALX_PICKLE_MAX_VALUES };
#define MARK UINT32_MAX

struct machine;

/* What an opcode does; `operand` is the little-endian number behind it. */
struct opcode {
    enum alx_status (*run)(struct machine *m, size_t operand);
    size_t operand_bytes;
    enum alx_pickle_kind kind; /* of the value that it makes or changes */
    size_t count;              /* of the values that it takes, or the constant that it is */
};

/* The machine that a pickle is a program for. */
struct machine {
    const uint8_t *data;
    size_t opcode, at, end; /* offsets in the file: of this opcode, of what comes next */
    const struct opcode *row;
    const struct alx_pickle_global *globals;
    size_t global_count;
    struct alx_pickle *pickle;
    uint32_t *stack, *memo; /* numbers of values, or MARK */
    size_t depth, stack_capacity, memo_count;
    size_t item_total; /* of all values */
    bool stopped;
};

static enum alx_status wrong(const struct machine *m, const char *why)
{
    return alx_fail(ALX_STATUS_MODEL, "offset %zu: pickle opcode 0x%02x: %s", m->opcode,
                    m->data[m->opcode], why);
}

static enum alx_status grow(void *array_pointer, size_t elem_bytes, size_t needed, size_t *capacity)
{
    void *array;
    memcpy(&array, array_pointer, sizeof array);
    if (needed <= *capacity)
        return ALX_STATUS_OK;
    size_t larger = alx_max(needed, alx_max(4, 2 * *capacity));
    array = realloc(array, larger * elem_bytes); /* all counts are capped: no overflow */
    if (!array)
        return alx_fail(ALX_STATUS_NO_MEMORY, "no memory for %zu values of a pickle", larger);
    memcpy(array_pointer, &array, sizeof array);
    *capacity = larger;
    return ALX_STATUS_OK;
}

static enum alx_status push(struct machine *m, uint32_t number)
{
    enum alx_status status = ALX_STATUS_OK;
    if (m->depth == ALX_PICKLE_MAX_VALUES)
        return wrong(m, "too many values on the stack");
    ALX_TRY(grow(&m->stack, sizeof *m->stack, m->depth + 1, &m->stack_capacity));
    m->stack[m->depth++] = number;
error:
    return status;
}

static enum alx_status pop(struct machine *m, uint32_t *out)
{
    if (!m->depth || m->stack[m->depth - 1] == MARK)
        return wrong(m, "there is nothing on the stack");
    *out = m->stack[--m->depth];
    return ALX_STATUS_OK;
}

/* The value on top, to be changed; NULL when there is none. */
static struct alx_pickle_value *top(const struct machine *m)
{
    bool none = !m->depth || m->stack[m->depth - 1] == MARK;
    return none ? NULL : &m->pickle->values[m->stack[m->depth - 1]];
}

/* Pushes a new value. Those that were there may move. */
static enum alx_status push_new(struct machine *m, struct alx_pickle_value value)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_pickle *p = m->pickle;
    if (p->count == ALX_PICKLE_MAX_VALUES)
        return wrong(m, "the pickle has too many values");
    ALX_TRY(grow(&p->values, sizeof *p->values, p->count + 1, &p->capacity));
    ALX_TRY(push(m, (uint32_t)p->count));
    value.offset = m->opcode;
    p->values[p->count++] = value;
error:
    return status;
}

static enum alx_status append(struct machine *m, struct alx_pickle_value *value,
                              const uint32_t *numbers, size_t count)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t had = value->items.count;
    if (count > MAX_ITEMS - m->item_total)
        return wrong(m, "the pickle has too many values");
    m->item_total += count;
    ALX_TRY(grow(&value->items.numbers, sizeof *numbers, had + count, &value->items.capacity));
    if (count)
        memcpy(value->items.numbers + had, numbers, count * sizeof *numbers);
    value->items.count += count;
error:
    return status;
}

/* A value made of the `count` topmost ones, which it replaces. */
static enum alx_status collect(struct machine *m, enum alx_pickle_kind kind, size_t count)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_pickle_value value = {.kind = kind};
    if (m->depth < count)
        return wrong(m, "there is too little on the stack");
    for (size_t i = m->depth - count; i < m->depth; i++)
        if (m->stack[i] == MARK)
            return wrong(m, "there is too little on the stack");
    ALX_TRY(append(m, &value, m->stack + m->depth - count, count));
    m->depth -= count;
    ALX_TRY(push_new(m, value));
    value.items.numbers = NULL;
error:
    if (value.items.numbers)
        free(value.items.numbers);
    return status;
}

/* How many values lie above the last mark, which is left there. */
static enum alx_status count_to_mark(const struct machine *m, size_t *out)
{
    for (size_t count = 0; count < m->depth; count++) {
        if (m->stack[m->depth - 1 - count] == MARK) {
            *out = count;
            return ALX_STATUS_OK;
        }
    }
    return wrong(m, "there is no mark on the stack");
}

/* --- opcodes --- */

static enum alx_status op_protocol(struct machine *m, size_t operand)
{
    return operand <= MAX_PROTOCOL ? ALX_STATUS_OK
                                   : wrong(m, "a newer protocol; save with pickle_protocol=2");
}

static enum alx_status op_stop(struct machine *m, size_t operand)
{
    (void)operand;
    if (m->depth != 1 || m->stack[0] == MARK)
        return wrong(m, "the pickle ends with something left on the stack");
    m->pickle->root = m->stack[0];
    m->stopped = true;
    return ALX_STATUS_OK;
}

static enum alx_status op_mark(struct machine *m, size_t operand)
{
    (void)operand;
    return push(m, MARK);
}

static enum alx_status op_constant(struct machine *m, size_t operand)
{
    (void)operand;
    return push_new(
        m, (struct alx_pickle_value){.kind = m->row->kind, .integer = (int64_t)m->row->count});
}

static enum alx_status op_int(struct machine *m, size_t operand)
{
    return push_new(m,
                    (struct alx_pickle_value){.kind = ALX_PICKLE_INT, .integer = (int64_t)operand});
}

static enum alx_status op_signed_int(struct machine *m, size_t operand)
{
    return push_new(m, (struct alx_pickle_value){.kind = ALX_PICKLE_INT,
                                                 .integer = (int32_t)(uint32_t)operand});
}

/* Takes `count` bytes behind the operand. */
static enum alx_status take(struct machine *m, size_t count, const uint8_t **out)
{
    if (count > m->end - m->at)
        return wrong(m, "it is cut off");
    *out = m->data + m->at;
    m->at += count;
    return ALX_STATUS_OK;
}

static enum alx_status op_long(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    const uint8_t *bytes = NULL;
    uint64_t bits;
    if (operand > sizeof bits)
        return wrong(m, "a number of more than 64 bits");
    ALX_TRY(take(m, operand, &bytes));
    bits = operand && bytes[operand - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = operand; i-- > 0;)
        bits = bits << 8 | bytes[i];
    ALX_TRY(
        push_new(m, (struct alx_pickle_value){.kind = ALX_PICKLE_INT, .integer = (int64_t)bits}));
error:
    return status;
}

/* The one number that is big-endian. */
static enum alx_status op_float(struct machine *m, size_t operand)
{
    struct alx_pickle_value value = {.kind = ALX_PICKLE_FLOAT};
    uint64_t bits = __builtin_bswap64(operand);
    memcpy(&value.number, &bits, sizeof bits);
    return push_new(m, value);
}

static enum alx_status op_text(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_pickle_value value = {.kind = ALX_PICKLE_TEXT};
    value.text.bytes = operand;
    ALX_TRY(take(m, operand, &value.text.data));
    ALX_TRY(push_new(m, value));
error:
    return status;
}

static enum alx_status op_collect(struct machine *m, size_t operand)
{
    (void)operand;
    return collect(m, m->row->kind, m->row->count);
}

static enum alx_status op_tuple(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t count = 0;
    uint32_t tuple = 0;
    (void)operand;
    ALX_TRY(count_to_mark(m, &count));
    ALX_TRY(collect(m, ALX_PICKLE_TUPLE, count));
    ALX_TRY(pop(m, &tuple));
    m->stack[m->depth - 1] = tuple; /* in place of the mark */
error:
    return status;
}

/* Moves the `count` topmost values, and the mark below them when there is one, into the container
 * below. */
static enum alx_status extend(struct machine *m, size_t count, bool mark)
{
    enum alx_status status = ALX_STATUS_OK;
    bool list = m->row->kind == ALX_PICKLE_LIST;
    if (m->depth < count + mark)
        return wrong(m, "there is too little on the stack");
    const uint32_t *items = m->stack + m->depth - count;
    for (size_t i = 0; i < count; i++)
        if (items[i] == MARK)
            return wrong(m, "there is too little on the stack");
    m->depth -= count + mark;
    struct alx_pickle_value *container = top(m);
    if (!container || container->kind != m->row->kind)
        return wrong(m, list ? "appends to what is no list" : "sets an item of what is no dict");
    if (!list && count % 2)
        return wrong(m, "a key without a value");
    ALX_TRY(append(m, container, items, count));
error:
    return status;
}

static enum alx_status op_extend(struct machine *m, size_t operand)
{
    (void)operand;
    return extend(m, m->row->count, false);
}

static enum alx_status op_extend_marked(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t count = 0;
    (void)operand;
    ALX_TRY(count_to_mark(m, &count));
    ALX_TRY(extend(m, count, true));
error:
    return status;
}

static enum alx_status op_put(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    size_t had = m->memo_count;
    if (!top(m))
        return wrong(m, "there is nothing on the stack");
    if (operand >= ALX_PICKLE_MAX_VALUES)
        return wrong(m, "a memo number that is too large");
    ALX_TRY(grow(&m->memo, sizeof *m->memo, operand + 1, &m->memo_count));
    for (size_t i = had; i < m->memo_count; i++)
        m->memo[i] = MARK;
    m->memo[operand] = m->stack[m->depth - 1];
error:
    return status;
}

static enum alx_status op_get(struct machine *m, size_t operand)
{
    if (operand >= m->memo_count || m->memo[operand] == MARK)
        return wrong(m, "nothing was remembered under this number");
    return push(m, m->memo[operand]);
}

/* A line of the file without its end. */
static enum alx_status take_line(struct machine *m, char line[MAX_LINE])
{
    const uint8_t *from = m->data + m->at;
    size_t most = alx_min(m->end - m->at, MAX_LINE);
    const uint8_t *end = most ? memchr(from, '\n', most) : NULL;
    if (!end)
        return wrong(m, "a name that is cut off or too long");
    size_t bytes = (size_t)(end - from);
    memcpy(line, from, bytes);
    line[bytes] = 0;
    m->at += bytes + 1;
    return strlen(line) == bytes ? ALX_STATUS_OK : wrong(m, "a name with a NUL in it");
}

static enum alx_status op_global(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    char module[MAX_LINE], name[MAX_LINE], shown_module[ALX_SHOW_BYTES], shown_name[ALX_SHOW_BYTES];
    (void)operand;
    ALX_TRY(take_line(m, module));
    ALX_TRY(take_line(m, name));
    for (size_t i = 0; i < m->global_count; i++)
        if (!strcmp(module, m->globals[i].module) && !strcmp(name, m->globals[i].name))
            return push_new(
                m, (struct alx_pickle_value){.kind = ALX_PICKLE_GLOBAL, .global = &m->globals[i]});
    status = alx_fail(ALX_STATUS_MODEL,
                      "offset %zu: the pickle wants %s.%s, which is no part of a state dict and is "
                      "not executed; save model.state_dict() alone",
                      m->opcode, alx_show(module, shown_module), alx_show(name, shown_name));
error:
    return status;
}

/* A dict made by its class: of nothing, or, as Python 2 wrote it, of a list of pairs. */
static enum alx_status make_dict(struct machine *m, const struct alx_pickle_value *arguments)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct alx_pickle *p = m->pickle;
    struct alx_pickle_value dict = {.kind = ALX_PICKLE_DICT};
    const struct alx_pickle_value *pairs = alx_pickle_item(p, arguments, 0);
    if (arguments->items.count > 1 || (pairs && pairs->kind != ALX_PICKLE_LIST))
        return wrong(m, "a dict made of something else than pairs");
    for (size_t i = 0; i < alx_pickle_item_count(pairs); i++) {
        const struct alx_pickle_value *pair = alx_pickle_item(p, pairs, i);
        if ((pair->kind != ALX_PICKLE_LIST && pair->kind != ALX_PICKLE_TUPLE) ||
            pair->items.count != 2) {
            status = wrong(m, "a dict made of something else than pairs");
            goto error;
        }
        ALX_TRY(append(m, &dict, pair->items.numbers, 2));
    }
    ALX_TRY(push_new(m, dict));
    dict.items.numbers = NULL;
error:
    if (dict.items.numbers)
        free(dict.items.numbers);
    return status;
}

/* What Python would call is only noted. */
static enum alx_status op_call(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    (void)operand;
    if (m->depth < 2 || m->stack[m->depth - 1] == MARK || m->stack[m->depth - 2] == MARK)
        return wrong(m, "there is too little on the stack");
    const struct alx_pickle_value *arguments = &m->pickle->values[m->stack[m->depth - 1]];
    const struct alx_pickle_value *called = &m->pickle->values[m->stack[m->depth - 2]];
    if (called->kind != ALX_PICKLE_GLOBAL || called->global->use == ALX_PICKLE_CLASS)
        return wrong(m, "calls what cannot be called");
    if (arguments->kind != ALX_PICKLE_TUPLE)
        return wrong(m, "the arguments of a call are no tuple");
    if (called->global->use == ALX_PICKLE_CALLABLE)
        return collect(m, ALX_PICKLE_CALL, 2);
    m->depth -= 2;
    ALX_TRY(make_dict(m, arguments));
error:
    return status;
}

/* The attributes of a dict (torch's "_metadata") do not matter. */
static enum alx_status op_build(struct machine *m, size_t operand)
{
    enum alx_status status = ALX_STATUS_OK;
    uint32_t state = 0;
    (void)operand;
    ALX_TRY(pop(m, &state));
    struct alx_pickle_value *object = top(m);
    if (object && object->kind == ALX_PICKLE_CALL && object->items.count == 2)
        ALX_TRY(append(m, object, &state, 1));
    else if (!object || object->kind != ALX_PICKLE_DICT)
        return wrong(m, "sets the state of what has none");
error:
    return status;
}

/* All that is known; see Python's pickletools for what each does. */
static const struct opcode opcodes[256] = {
    [0x80] = {op_protocol, 1, 0, 0},
    ['.'] = {op_stop, 0, 0, 0},
    ['('] = {op_mark, 0, 0, 0},
    ['N'] = {op_constant, 0, ALX_PICKLE_NONE, 0},
    [0x88] = {op_constant, 0, ALX_PICKLE_BOOL, 1},
    [0x89] = {op_constant, 0, ALX_PICKLE_BOOL, 0},
    ['K'] = {op_int, 1, 0, 0},
    ['M'] = {op_int, 2, 0, 0},
    ['J'] = {op_signed_int, 4, 0, 0},
    [0x8a] = {op_long, 1, 0, 0},
    ['G'] = {op_float, 8, 0, 0},
    ['X'] = {op_text, 4, 0, 0},
    ['U'] = {op_text, 1, 0, 0},
    [')'] = {op_collect, 0, ALX_PICKLE_TUPLE, 0},
    [0x85] = {op_collect, 0, ALX_PICKLE_TUPLE, 1},
    [0x86] = {op_collect, 0, ALX_PICKLE_TUPLE, 2},
    [0x87] = {op_collect, 0, ALX_PICKLE_TUPLE, 3},
    ['t'] = {op_tuple, 0, ALX_PICKLE_TUPLE, 0},
    [']'] = {op_collect, 0, ALX_PICKLE_LIST, 0},
    ['a'] = {op_extend, 0, ALX_PICKLE_LIST, 1},
    ['e'] = {op_extend_marked, 0, ALX_PICKLE_LIST, 0},
    ['}'] = {op_collect, 0, ALX_PICKLE_DICT, 0},
    ['s'] = {op_extend, 0, ALX_PICKLE_DICT, 2},
    ['u'] = {op_extend_marked, 0, ALX_PICKLE_DICT, 0},
    ['Q'] = {op_collect, 0, ALX_PICKLE_PERSISTENT, 1},
    ['q'] = {op_put, 1, 0, 0},
    ['r'] = {op_put, 4, 0, 0},
    ['h'] = {op_get, 1, 0, 0},
    ['j'] = {op_get, 4, 0, 0},
    ['c'] = {op_global, 0, 0, 0},
    ['R'] = {op_call, 0, 0, 0},
    [0x81] = {op_call, 0, 0, 0},
    ['b'] = {op_build, 0, 0, 0},
};

static enum alx_status step(struct machine *m)
{
    enum alx_status status = ALX_STATUS_OK;
    const uint8_t *bytes = NULL;
    size_t operand = 0;
    m->opcode = m->at;
    if (m->at >= m->end)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: a pickle that is cut off", m->at);
    m->row = &opcodes[m->data[m->at++]];
    if (!m->row->run)
        return wrong(m, "not one that torch.save writes");
    ALX_TRY(take(m, m->row->operand_bytes, &bytes));
    for (size_t i = m->row->operand_bytes; i-- > 0;)
        operand = operand << 8 | bytes[i];
    ALX_TRY(m->row->run(m, operand));
error:
    return status;
}

enum alx_status alx_pickle_read(const uint8_t *data, size_t begin, size_t end,
                                const struct alx_pickle_global *globals, size_t global_count,
                                struct alx_pickle *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_pickle pickle = {0};
    struct machine machine = {.data = data,
                              .at = begin,
                              .end = end,
                              .globals = globals,
                              .global_count = global_count,
                              .pickle = &pickle};
    ALX_TRY(grow(&machine.stack, sizeof *machine.stack, 1, &machine.stack_capacity));
    while (!machine.stopped)
        ALX_TRY(step(&machine));
    pickle.end = machine.at;
    *out = pickle;
    pickle = (struct alx_pickle){0};
error:
    free(machine.stack);
    free(machine.memo);
    alx_pickle_free(&pickle);
    return status;
}

static bool has_items(const struct alx_pickle_value *value)
{
    return value->kind == ALX_PICKLE_TUPLE || value->kind == ALX_PICKLE_LIST ||
           value->kind == ALX_PICKLE_DICT || value->kind == ALX_PICKLE_CALL ||
           value->kind == ALX_PICKLE_PERSISTENT;
}

void alx_pickle_free(struct alx_pickle *pickle)
{
    for (size_t i = 0; i < pickle->count; i++)
        if (has_items(&pickle->values[i]))
            free(pickle->values[i].items.numbers);
    free(pickle->values);
    *pickle = (struct alx_pickle){0};
}

size_t alx_pickle_item_count(const struct alx_pickle_value *value)
{
    return value && has_items(value) ? value->items.count : 0;
}

const struct alx_pickle_value *alx_pickle_item(const struct alx_pickle *pickle,
                                               const struct alx_pickle_value *value, size_t index)
{
    return index < alx_pickle_item_count(value) ? &pickle->values[value->items.numbers[index]]
                                                : NULL;
}

bool alx_pickle_is(const struct alx_pickle_value *value, enum alx_pickle_kind kind)
{
    return value && value->kind == kind;
}

bool alx_pickle_size(const struct alx_pickle_value *value, size_t *out)
{
    if (!alx_pickle_is(value, ALX_PICKLE_INT) || value->integer < 0)
        return false;
    *out = (size_t)value->integer;
    return true;
}

bool alx_pickle_text_equals(const struct alx_pickle_value *value, const char *text)
{
    return alx_pickle_is(value, ALX_PICKLE_TEXT) && value->text.bytes == strlen(text) &&
           !memcmp(value->text.data, text, value->text.bytes);
}

enum alx_status alx_pickle_copy_text(const struct alx_pickle_value *value, size_t max_bytes,
                                     char **out)
{
    enum alx_status status = ALX_STATUS_OK;
    char *copy = NULL;
    if (!alx_pickle_is(value, ALX_PICKLE_TEXT))
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: %s where a text is expected",
                        value ? value->offset : 0,
                        value ? alx_pickle_kind_name(value->kind) : "nothing");
    if (value->text.bytes > max_bytes)
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: a text of %zu bytes; up to %zu are read",
                        value->offset, value->text.bytes, max_bytes);
    if (value->text.bytes && memchr(value->text.data, 0, value->text.bytes))
        return alx_fail(ALX_STATUS_MODEL, "offset %zu: a text with a NUL in it", value->offset);
    ALX_TRY(alx_alloc(value->text.bytes + 1, 1, "a text", &copy));
    memcpy(copy, value->text.data, value->text.bytes);
    *out = copy;
error:
    return status;
}

const char *alx_pickle_kind_name(enum alx_pickle_kind kind)
{
    static const char *const names[] = {
        [ALX_PICKLE_NONE] = "None",
        [ALX_PICKLE_BOOL] = "a truth value",
        [ALX_PICKLE_INT] = "a whole number",
        [ALX_PICKLE_FLOAT] = "a number",
        [ALX_PICKLE_TEXT] = "a text",
        [ALX_PICKLE_TUPLE] = "a tuple",
        [ALX_PICKLE_LIST] = "a list",
        [ALX_PICKLE_DICT] = "a dict",
        [ALX_PICKLE_GLOBAL] = "a class",
        [ALX_PICKLE_CALL] = "an object",
        [ALX_PICKLE_PERSISTENT] = "something stored elsewhere",
    };
    return (size_t)kind < ALX_PICKLE_KIND_COUNT ? names[kind] : "something unknown";
}
