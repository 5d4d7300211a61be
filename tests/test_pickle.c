/* Pickles: the values that come out, and programs that must be refused. */
#include <stdlib.h>
#include <string.h>

#include "model/pickle.h"
#include "support/test.h"

enum role { DICT = 7, FUNCTION, CLASS };
static const struct alx_pickle_global globals[] = {
    {"collections", "OrderedDict", ALX_PICKLE_DICT_CLASS, DICT},
    {"m", "f", ALX_PICKLE_CALLABLE, FUNCTION},
    {"m", "C", ALX_PICKLE_CLASS, CLASS},
};

/* Reads from memory of exactly that size, in which the pickle begins at 3. */
static enum alx_status read_pickle(const char *bytes, size_t count, struct alx_pickle *out)
{
    uint8_t *data = malloc(count + 3);
    assert_non_null(data);
    memset(data, '.', 3);
    memcpy(data + 3, bytes, count);
    enum alx_status status =
        alx_pickle_read(data, 3, count + 3, globals, sizeof globals / sizeof *globals, out);
    free(data);
    return status;
}

#define BYTES(text) text, sizeof text - 1
#define OD          "ccollections\nOrderedDict\n"

static const struct alx_pickle_value *root(const struct alx_pickle *p)
{
    return &p->values[p->root];
}

static void values_come_out(void **state)
{
    (void)state;
    /* what Python 3 makes of (None, True, False, 7, 300, -2, 1 << 40, -(1 << 33), 1.5) */
    static const char program[] = "\200\2(N\210\211K\7M\54\1J\376\377\377\377\212\6\0\0\0\0\0\1"
                                  "\212\5\0\0\0\0\376G\77\370\0\0\0\0\0\0tq\0.";
    static const struct {
        enum alx_pickle_kind kind;
        int64_t integer;
    } expected[] = {
        {ALX_PICKLE_NONE, 0},
        {ALX_PICKLE_BOOL, 1},
        {ALX_PICKLE_BOOL, 0},
        {ALX_PICKLE_INT, 7},
        {ALX_PICKLE_INT, 300},
        {ALX_PICKLE_INT, -2},
        {ALX_PICKLE_INT, (int64_t)1 << 40},
        {ALX_PICKLE_INT, -((int64_t)1 << 33)},
    };
    struct alx_pickle p = {0};
    size_t number = 55;
    assert_ok(read_pickle(BYTES(program), &p));
    assert_int_equal(p.end, 3 + sizeof program - 1);
    assert_true(alx_pickle_is(root(&p), ALX_PICKLE_TUPLE));
    assert_int_equal(alx_pickle_item_count(root(&p)), 9);
    for (size_t i = 0; i < 8; i++) {
        const struct alx_pickle_value *item = alx_pickle_item(&p, root(&p), i);
        assert_int_equal(item->kind, expected[i].kind);
        if (i)
            assert_int_equal(item->integer, expected[i].integer);
    }
    assert_true(alx_pickle_item(&p, root(&p), 8)->number == 1.5);
    assert_null(alx_pickle_item(&p, root(&p), 9));
    assert_null(alx_pickle_item(&p, NULL, 0));
    assert_true(alx_pickle_size(alx_pickle_item(&p, root(&p), 4), &number));
    assert_int_equal(number, 300);
    assert_false(alx_pickle_size(alx_pickle_item(&p, root(&p), 5), &number));
    assert_false(alx_pickle_size(alx_pickle_item(&p, root(&p), 1), &number));
    assert_false(alx_pickle_size(NULL, &number));
    alx_pickle_free(&p);
    assert_null(p.values);
}

static void texts_are_copied(void **state)
{
    (void)state;
    struct alx_pickle p = {0};
    char *text = NULL;
    static const char program[] = "\200\2(X\3\0\0\0abcU\0X\3\0\0\0a\0bK\1t.";
    uint8_t data[sizeof program];
    memcpy(data, program, sizeof program);
    assert_ok(alx_pickle_read(data, 0, sizeof program - 1, NULL, 0, &p));
    assert_ok(alx_pickle_copy_text(alx_pickle_item(&p, root(&p), 0), 3, &text));
    assert_string_equal(text, "abc");
    free(text);
    assert_ok(alx_pickle_copy_text(alx_pickle_item(&p, root(&p), 1), 3, &text));
    assert_string_equal(text, "");
    free(text);
    assert_fails(alx_pickle_copy_text(alx_pickle_item(&p, root(&p), 0), 2, &text), ALX_STATUS_MODEL,
                 "offset 3: a text of 3 bytes; up to 2 are read");
    assert_true(alx_pickle_text_equals(alx_pickle_item(&p, root(&p), 0), "abc"));
    assert_false(alx_pickle_text_equals(alx_pickle_item(&p, root(&p), 0), "ab"));
    assert_false(alx_pickle_text_equals(alx_pickle_item(&p, root(&p), 3), ""));
    assert_fails(alx_pickle_copy_text(alx_pickle_item(&p, root(&p), 2), 3, &text), ALX_STATUS_MODEL,
                 "offset 13: a text with a NUL");
    assert_fails(alx_pickle_copy_text(alx_pickle_item(&p, root(&p), 3), 3, &text), ALX_STATUS_MODEL,
                 "a whole number where a text is expected");
    assert_fails(alx_pickle_copy_text(NULL, 3, &text), ALX_STATUS_MODEL, "nothing where");
    alx_pickle_free(&p);
}

/* The dict {1: 2, 3: 4, 5: 6} in the ways in which it may be written. */
static void dicts_are_filled(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
    } programs[] = {
        {BYTES("}K\1K\2sK\3K\4sK\5K\6s.")},
        {BYTES("}(K\1K\2K\3K\4K\5K\6u.")},
        {BYTES(OD ")R(K\1K\2K\3K\4K\5K\6u.")},
        {BYTES(OD ")\201(K\1K\2K\3K\4uK\5K\6s.")},
        /* Python 2's: of a list of lists, here with a memo and of tuples as well */
        {BYTES(OD "](](K\1K\2e](K\3K\4eK\5K\6\206e\205R.")},
        {BYTES(OD "(]q\1]K\1aK\2aa]K\3aK\4aa]K\5aK\6aatR}X\1\0\0\0xK\1sb.")},
        {BYTES("}r\1\2\0\0(K\1K\2K\3K\4K\5K\6u.")},
    };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct alx_pickle p = {0};
        if (read_pickle(programs[i].bytes, programs[i].count, &p) != ALX_STATUS_OK)
            fail_msg("%zu: %s", i, alx_error_message());
        assert_true(alx_pickle_is(root(&p), ALX_PICKLE_DICT));
        assert_int_equal(alx_pickle_item_count(root(&p)), 6);
        for (size_t j = 0; j < 6; j++)
            assert_int_equal(alx_pickle_item(&p, root(&p), j)->integer, j + 1);
        alx_pickle_free(&p);
    }
}

static void calls_are_noted_and_not_made(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count, items;
    } programs[] = {
        {BYTES("cm\nf\nK\1\205R."), 2},
        {BYTES("cm\nf\nK\1\205\201."), 2},
        {BYTES("cm\nf\nK\1\205RN\205b."), 3},
    };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct alx_pickle p = {0};
        assert_ok(read_pickle(programs[i].bytes, programs[i].count, &p));
        assert_true(alx_pickle_is(root(&p), ALX_PICKLE_CALL));
        assert_int_equal(alx_pickle_item_count(root(&p)), programs[i].items);
        assert_int_equal(alx_pickle_item(&p, root(&p), 0)->global->role, FUNCTION);
        assert_int_equal(alx_pickle_item(&p, alx_pickle_item(&p, root(&p), 1), 0)->integer, 1);
        alx_pickle_free(&p);
    }
}

static void values_may_be_shared_and_cyclic(void **state)
{
    (void)state;
    struct alx_pickle p = {0};
    assert_ok(read_pickle(BYTES("]q\0h\0ah\0a."), &p)); /* a list of itself, twice */
    assert_int_equal(p.count, 1);
    assert_true(alx_pickle_item(&p, root(&p), 1) == root(&p));
    alx_pickle_free(&p);
    assert_ok(read_pickle(BYTES("(X\1\0\0\0kQq\5cm\nC\nt."), &p));
    assert_true(alx_pickle_is(alx_pickle_item(&p, root(&p), 0), ALX_PICKLE_PERSISTENT));
    assert_true(alx_pickle_is(alx_pickle_item(&p, root(&p), 1), ALX_PICKLE_GLOBAL));
    alx_pickle_free(&p);
}

static const struct {
    const char *bytes;
    size_t count;
    const char *part;
} wrong_programs[] = {
    {BYTES(""), "offset 3: a pickle that is cut off"},
    {BYTES("\200"), "offset 3: pickle opcode 0x80: it is cut off"},
    {BYTES("\200\3N."), "newer protocol"},
    {BYTES("\200\4\225\1\0\0\0\0\0\0\0N."), "newer protocol"},
    {BYTES("\200\2"), "offset 5: a pickle that is cut off"},
    {BYTES("N"), "offset 4: a pickle that is cut off"},
    {BYTES("."), "offset 3: pickle opcode 0x2e: the pickle ends with"},
    {BYTES("NN."), "left on the stack"},
    {BYTES("(."), "left on the stack"},
    {BYTES("(N."), "left on the stack"},
    /* numbers and texts */
    {BYTES("K"), "cut off"},
    {BYTES("M\1"), "cut off"},
    {BYTES("J\1\2\3"), "cut off"},
    {BYTES("G\1\2\3\4\5\6\7"), "cut off"},
    {BYTES("\212"), "cut off"},
    {BYTES("\212\4abc"), "cut off"},
    {BYTES("\212\11\0\0\0\0\0\0\0\0\1."), "more than 64 bits"},
    {BYTES("\212\377."), "more than 64 bits"},
    {BYTES("X\4\0\0\0abc"), "cut off"},
    {BYTES("X\377\377\377\377abc"), "cut off"},
    {BYTES("X\377\377\377\177abc"), "cut off"},
    {BYTES("U\2a"), "cut off"},
    /* the stack */
    {BYTES("\205."), "too little on the stack"},
    {BYTES("(\205."), "too little on the stack"},
    {BYTES("N\206."), "too little on the stack"},
    {BYTES("N(\206."), "too little on the stack"},
    {BYTES("NN\207."), "too little on the stack"},
    {BYTES("t."), "no mark on the stack"},
    {BYTES("NNt."), "no mark on the stack"},
    {BYTES("Q."), "too little on the stack"},
    {BYTES("(Q."), "too little on the stack"},
    /* lists and dicts */
    {BYTES("Na."), "appends to what is no list"},
    {BYTES("a."), "too little on the stack"},
    {BYTES("](a."), "too little on the stack"},
    {BYTES("N(e."), "appends to what is no list"},
    {BYTES("]e."), "no mark on the stack"},
    {BYTES("(e."), "appends to what is no list"},
    {BYTES("}Na."), "appends to what is no list"},
    {BYTES(")Na."), "appends to what is no list"},
    {BYTES("cm\nf\n)RNa."), "appends to what is no list"},
    {BYTES("]NNs."), "sets an item of what is no dict"},
    {BYTES("cm\nf\n)RNNs."), "sets an item of what is no dict"},
    {BYTES("cm\nC\nNNs."), "sets an item of what is no dict"},
    {BYTES("}Ns."), "sets an item of what is no dict"},
    {BYTES("}(NNNu."), "a key without a value"},
    {BYTES("]u."), "no mark on the stack"},
    {BYTES("](u."), "sets an item of what is no dict"},
    /* the memo */
    {BYTES("q\0."), "nothing on the stack"},
    {BYTES("(q\0."), "nothing on the stack"},
    {BYTES("h\0."), "nothing was remembered"},
    {BYTES("Nq\1h\0."), "nothing was remembered"},
    {BYTES("Nq\1h\2."), "nothing was remembered"},
    {BYTES("Nq\1j\1\0\0\1."), "nothing was remembered"},
    {BYTES("Nr\377\377\377\377."), "memo number that is too large"},
    {BYTES("Nr\0\0\20\0."), "memo number that is too large"},
    /* names */
    {BYTES("c"), "cut off or too long"},
    {BYTES("cos"), "cut off or too long"},
    {BYTES("cos\nsystem"), "cut off or too long"},
    {BYTES("cos\nsystem\nX\2\0\0\0ls\205R."), "the pickle wants os.system, which is no part"},
    {BYTES("cposix\nsystem\n."), "the pickle wants posix.system"},
    {BYTES("c__builtin__\neval\n."), "the pickle wants __builtin__.eval"},
    {BYTES("cbuiltins\ngetattr\n."), "the pickle wants builtins.getattr"},
    {BYTES("ccollections\nOrderedDict.update\n."), "wants collections.OrderedDict.update"},
    {BYTES("cm\nf \n."), "the pickle wants m.f , which"},
    {BYTES("cM\nf\n."), "the pickle wants M.f, which"},
    {BYTES("cm\nf\0\n."), "a name with a NUL"},
    {BYTES("cm\33[31m\nf\n."), "the pickle wants m?[31m.f"},
    {BYTES("\223."), "opcode 0x93: not one that torch.save writes"}, /* STACK_GLOBAL */
    {BYTES("(S'ls'\nios\nsystem\n."), "opcode 0x53: not one"},       /* STRING, INST */
    {BYTES("(ios\nsystem\n."), "opcode 0x69: not one"},
    {BYTES("(cm\nf\no."), "opcode 0x6f: not one"}, /* OBJ */
    {BYTES("\202\1."), "opcode 0x82: not one"},    /* EXT1 */
    {BYTES("P1\n."), "opcode 0x50: not one"},      /* PERSID */
    {BYTES("N0."), "opcode 0x30: not one"},        /* POP */
    {BYTES("N2\206."), "opcode 0x32: not one"},    /* DUP */
    {BYTES("I1\n."), "opcode 0x49: not one"},
    {BYTES("\226\1\0\0\0\0\0\0\0a."), "opcode 0x96: not one"}, /* BYTEARRAY8 */
    /* calls */
    {BYTES("R."), "too little on the stack"},
    {BYTES("(R."), "too little on the stack"},
    {BYTES("()R."), "too little on the stack"},
    {BYTES("N)R."), "calls what cannot be called"},
    {BYTES("cm\nC\n)R."), "calls what cannot be called"},
    {BYTES("cm\nC\n)\201."), "calls what cannot be called"},
    {BYTES("cm\nf\n)R)R."), "calls what cannot be called"},
    {BYTES("cm\nf\n]R."), "arguments of a call are no tuple"},
    {BYTES("cm\nf\nNR."), "arguments of a call are no tuple"},
    {BYTES(OD "N\205R."), "made of something else than pairs"},
    {BYTES(OD "]N\206R."), "made of something else than pairs"},
    {BYTES(OD "]Na\205R."), "made of something else than pairs"},
    {BYTES(OD "]N\205a\205R."), "made of something else than pairs"},
    {BYTES("b."), "nothing on the stack"},
    {BYTES("Nb."), "sets the state of what has none"},
    {BYTES("]Nb."), "sets the state of what has none"},
    {BYTES("cm\nf\nNb."), "sets the state of what has none"},
    {BYTES("cm\nf\n)RNbNb."), "sets the state of what has none"},
};

static void wrong_programs_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_programs / sizeof *wrong_programs; i++) {
        struct alx_pickle p = {0};
        enum alx_status status = read_pickle(wrong_programs[i].bytes, wrong_programs[i].count, &p);
        if (status != ALX_STATUS_MODEL || !strstr(alx_error_message(), wrong_programs[i].part))
            fail_msg("%zu: \"%s\" instead of \"%s\"", i, alx_error_message(),
                     wrong_programs[i].part);
        assert_null(p.values);
    }
}

/* A pickle of `unit` again and again. */
static void refuse_repeated(const char *begin, size_t begin_bytes, const char *unit,
                            size_t unit_bytes, size_t times, const char *part)
{
    struct alx_pickle p = {0};
    char *bytes = malloc(begin_bytes + unit_bytes * times);
    assert_non_null(bytes);
    memcpy(bytes, begin, begin_bytes);
    for (size_t i = 0; i < times; i++)
        memcpy(bytes + begin_bytes + i * unit_bytes, unit, unit_bytes);
    assert_fails(read_pickle(bytes, begin_bytes + unit_bytes * times, &p), ALX_STATUS_MODEL, part);
    free(bytes);
}

static void large_programs_are_bounded(void **state)
{
    (void)state;
    enum { MANY = 1 << 21 };
    refuse_repeated(BYTES(""), BYTES("N"), MANY, "too many values");
    refuse_repeated(BYTES(""), BYTES("("), MANY, "too many values on the stack");
    refuse_repeated(BYTES(""), BYTES("]"), MANY, "too many values");
    refuse_repeated(BYTES("Nq\0"), BYTES("h\0"), MANY, "too many values on the stack");
    refuse_repeated(BYTES("]Nq\1"), BYTES("h\1\206"), MANY, "too many values");
    refuse_repeated(BYTES("]q\1Nq\0"), BYTES("h\0a"), 3 * MANY, "appends to what is no list");
    refuse_repeated(BYTES("Nq\0]"), BYTES("h\0a"), 3 * MANY, "too many values");
    /* a list of a thousand pairs that is copied again and again */
    char begin[6 + 2 * 1000 + 100] = "NN\206q\0]q\1(";
    size_t bytes = 9;
    for (size_t i = 0; i < 1000; i++, bytes += 2)
        memcpy(begin + bytes, "h\0", 2);
    memcpy(begin + bytes, "e", 1);
    refuse_repeated(begin, bytes + 1, BYTES(OD "h\1\205R"), MANY / 16, "too many values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_out),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(dicts_are_filled),
        cmocka_unit_test(calls_are_noted_and_not_made),
        cmocka_unit_test(values_may_be_shared_and_cyclic),
        cmocka_unit_test(wrong_programs_are_refused),
        cmocka_unit_test(large_programs_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
