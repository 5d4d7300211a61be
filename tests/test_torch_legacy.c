/* PyTorch's older containers, the stream and the tar file, byte by byte: what is refused, and why.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/reader.h"
#include "support/test.h"

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
struct bytes {
    const char *data;
    size_t bytes;
};

/* A file in the making. */
struct file {
    uint8_t *data; /* owned */
    size_t bytes;
};

static size_t add(struct file *file, struct bytes part)
{
    size_t at = file->bytes;
    file->data = realloc(file->data, at + part.bytes + 1);
    assert_non_null(file->data);
    if (part.bytes)
        memcpy(file->data + at, part.data, part.bytes);
    file->bytes += part.bytes;
    return at;
}

static enum alx_status read_file(struct file *file, struct alx_source *source)
{
    const struct alx_reader *reader = NULL;
    file->data = realloc(file->data, file->bytes); /* so that sanitisers see a byte too many */
    assert_ok(alx_reader_find(file->data, file->bytes, &reader));
    assert_string_equal(reader->name, "torch");
    return reader->read(file->data, file->bytes, source);
}

static void judge(const char *what, size_t number, struct file *file, const char *part)
{
    struct alx_source source = {0};
    enum alx_status status = read_file(file, &source);
    if (!part) {
        if (status != ALX_STATUS_OK)
            fail_msg("%s %zu: %s", what, number, alx_error_message());
        assert_int_equal(source.tensor_count, 1);
        assert_string_equal(source.tensors[0].name, "a.w");
        assert_int_equal(source.tensors[0].view.elems, 4);
        assert_memory_equal(source.tensors[0].view.data, "0123456789abcdef", 16);
    } else if (status != ALX_STATUS_MODEL || !strstr(alx_error_message(), part)) {
        fail_msg("%s %zu: \"%s\" instead of \"%s\"", what, number, alx_error_message(), part);
    }
    alx_source_free(&source);
    free(file->data);
}

/* --- the stream --- */

#define OD    "ccollections\nOrderedDict\n)R"
#define KEY_7 "X\1\0\0\0007"
#define ID(dtype, key, elems, more)                                                                \
    "(X\7\0\0\0storagectorch\n" dtype "Storage\n" key "X\3\0\0\0cpu" elems more "tQ"
#define TENSOR(id) "ctorch._utils\n_rebuild_tensor_v2\n(" id "K\0K\2K\2\206K\2K\1\206\211" OD "tR"
#define OBJECT(id) "\200\2" OD "(X\3\0\0\0a.w" TENSOR(id) "u."
#define GOOD       BYTES(OBJECT(ID("Float", KEY_7, "K\4", "N")))
#define VERSION    BYTES("\200\2M\351\3.")
#define SYSTEM     BYTES("\200\2}X\15\0\0\0little_endian\210s.")
#define KEYS       BYTES("\200\2]" KEY_7 "a.")
#define VALUES     BYTES("\4\0\0\0\0\0\0\0000123456789abcdef")

static const struct {
    struct bytes version, system, object, keys, values;
    const char *part; /* NULL: a good file */
} streams[] = {
    {VERSION, SYSTEM, GOOD, KEYS, VALUES, NULL},
    {VERSION, BYTES("N."), GOOD, KEYS, VALUES, NULL},
    {VERSION, SYSTEM, BYTES(OBJECT(ID("Float", KEY_7, "K\4", ""))), KEYS, VALUES, NULL},
    {BYTES(""), BYTES(""), BYTES(""), BYTES(""), BYTES(""), "a pickle that is cut off"},
    {BYTES("\200\2M\350\3."), SYSTEM, GOOD, KEYS, VALUES, "not version 1001"},
    {BYTES("N."), SYSTEM, GOOD, KEYS, VALUES, "not version 1001"},
    {VERSION, BYTES("cos\nsystem\n."), GOOD, KEYS, VALUES, "wants os.system"},
    {VERSION, SYSTEM, BYTES("N."), BYTES("]."), BYTES(""), "None instead of a state dict"},
    {VERSION, SYSTEM, GOOD, BYTES(""), BYTES(""), "a pickle that is cut off"},
    {VERSION, SYSTEM, GOOD, BYTES("N."), VALUES, "None instead of the list of storages"},
    {VERSION, SYSTEM, GOOD, BYTES(")."), VALUES, "a tuple instead of the list of storages"},
    {VERSION, SYSTEM, GOOD, BYTES("]."), BYTES(""), "whose values are not in the file"},
    {VERSION, SYSTEM, GOOD, BYTES("]."), VALUES, "24 bytes after the last storage"},
    {VERSION, SYSTEM, GOOD, BYTES("]Na."), VALUES, "not used, or listed twice"},
    {VERSION, SYSTEM, GOOD, BYTES("]X\1\0\0\0008a."), VALUES, "not used, or listed twice"},
    {VERSION, SYSTEM, GOOD, BYTES("]X\2\0\0\00077a."), VALUES, "not used, or listed twice"},
    {VERSION, SYSTEM, GOOD, BYTES("](" KEY_7 KEY_7 "e."), VALUES, "not used, or listed twice"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES(""), "the file is cut off"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES("\4\0\0\0\0\0\0"), "the file is cut off"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES("\4\0\0\0\0\0\0\0"), "it is cut off"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES("\4\0\0\0\0\0\0\0000123456789abcde"), "it is cut off"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES("\4\0\0\0\0\0\0\0000123456789abcdefg"),
     "1 bytes after the last storage"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES("\3\0\0\0\0\0\0\0000123456789ab"),
     "a storage of 3 values, but it should have 4"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES("\4\0\0\0\0\0\0\2000123456789abcdef"), "a storage of 922"},
    {VERSION, SYSTEM, GOOD, KEYS, BYTES("\377\377\377\377\377\377\377\377"), "a storage of 1844"},
    {VERSION, SYSTEM, BYTES(OBJECT(ID("Float", KEY_7, "\212\10\4\0\0\0\0\0\0\100", "N"))), KEYS,
     BYTES("\4\0\0\0\0\0\0\1000123456789abcdef"), "it is cut off"},
    {VERSION, SYSTEM, BYTES(OBJECT(ID("Float", KEY_7, "K\4", "K\1K\0K\2\207"))), KEYS, VALUES,
     "a storage that is a part of another one"},
    {VERSION, SYSTEM, BYTES(OBJECT(ID("Float", "N", "K\4", "N"))), KEYS, VALUES, "not the id"},
    {VERSION, SYSTEM, BYTES(OBJECT("X\1\0\0\0007Q")), KEYS, VALUES, "not the id of a storage"},
    {VERSION, SYSTEM,
     BYTES("\200\2}(X\3\0\0\0a.w" TENSOR(ID("Float", KEY_7, "K\4", "N")) "X\1\0\0\0b" TENSOR(
         ID("Int", KEY_7, "K\4", "N")) "u."),
     KEYS, VALUES, "a storage with two types or sizes"},
    {VERSION, SYSTEM,
     BYTES("\200\2}(X\3\0\0\0a.w" TENSOR(ID("Float", KEY_7, "K\4", "N")) "X\1\0\0\0b" TENSOR(
         ID("Float", KEY_7, "K\5", "N")) "u."),
     KEYS, VALUES, "a storage with two types or sizes"},
};

static void streams_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        struct file file = {0};
        add(&file, (struct bytes)BYTES("\200\2\212\12l\374\234F\371 j\250P\31."));
        add(&file, streams[i].version);
        add(&file, streams[i].system);
        add(&file, streams[i].object);
        add(&file, streams[i].keys);
        add(&file, streams[i].values);
        judge("stream", i, &file, streams[i].part);
    }
}

/* --- the tar file --- */

enum { BLOCK = 512 };

static void set_checksum(uint8_t *header)
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += header[i];
    snprintf((char *)header + 148, 7, "%06o", sum);
}

/* Appends a member; returns where its header is. */
static size_t add_member(struct file *file, const char *name, char type, struct bytes content)
{
    static const char zeros[BLOCK];
    size_t at = add(file, (struct bytes){zeros, BLOCK});
    uint8_t *header = file->data + at;
    strcpy((char *)header, name);
    snprintf((char *)header + 124, 12, "%011zo", content.bytes);
    header[156] = (uint8_t)type;
    memcpy(header + 257, "ustar\00000", 8);
    set_checksum(header);
    add(file, content);
    add(file, (struct bytes){zeros, (BLOCK - content.bytes % BLOCK) % BLOCK});
    return at;
}

#define STORAGE(key, dtype, elems) "\200\2" key "X\3\0\0\0cpuctorch\n" dtype "\n\207." elems
#define FOUR                       "\4\0\0\0\0\0\0\0000123456789abcdef"
#define STORAGES                   BYTES("\200\2K\1." STORAGE("K\11", "FloatStorage", FOUR) "].")
#define ROW(key, storage, dtype)   "\200\2" key storage "ctorch\n" dtype "\n\207."
#define TWO_BY_TWO                                                                                 \
    "\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"             \
    "\0\0\0\0\0\0\0\0"
#define TENSORS     BYTES("K\1." ROW("K\5", "K\11", "FloatTensor") TWO_BY_TWO)
#define PICKLE      BYTES("\200\2" OD "X\3\0\0\0a.wX\1\0\0\0005Qs.")
#define WITH(value) BYTES("\200\2" OD "X\3\0\0\0a.w" value "s.")

static const struct {
    struct bytes storages, tensors, pickle;
    const char *part; /* NULL: a good file */
} tars[] = {
    {STORAGES, TENSORS, PICKLE, NULL},
    {STORAGES, TENSORS, WITH("ctorch.nn.parameter\nParameter\n)\201(X\1\0\0\0005QNN\210\211tb"),
     NULL},
    {STORAGES, TENSORS, WITH("ctorch.nn.parameter\nParameter\nX\1\0\0\0005Q\205R(\210\211Ntb"),
     NULL},
    /* keys of 64 bits; bytes behind the number of dimensions that mean nothing */
    {BYTES("\200\2K\1." STORAGE("\212\6\0\0\0\0\0\1", "FloatStorage", FOUR) "]."),
     BYTES("K\1." ROW("K\5", "\212\6\0\0\0\0\0\1",
                      "FloatTensor") "\2\0\0\0abcd"
                                     "\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0"
                                     "\0\0\0\0\0\0\0\0\0\0"),
     PICKLE, NULL},
    /* storages */
    {BYTES(""), TENSORS, PICKLE, "a pickle that is cut off"},
    {BYTES("N."), TENSORS, PICKLE, "not a number of items that fits"},
    {BYTES("J\377\377\377\377."), TENSORS, PICKLE, "not a number of items that fits"},
    {BYTES("K\5.abc"), TENSORS, PICKLE, "not a number of items that fits"},
    {BYTES("\212\10\0\0\0\0\0\0\0\20.abc"), TENSORS, PICKLE, "not a number of items that fits"},
    {BYTES("K\1."), TENSORS, PICKLE, "not a number of items that fits"},
    {BYTES("K\1.N."), TENSORS, PICKLE, "not the description of a storage"},
    {BYTES("K\1." STORAGE("N", "FloatStorage", FOUR) "]."), TENSORS, PICKLE, "of a storage"},
    {BYTES("K\1.K\11NN\207." FOUR "]."), TENSORS, PICKLE, "not the description of a storage"},
    {BYTES("K\1." STORAGE("K\11", "QIntStorage", FOUR) "]."), TENSORS, PICKLE,
     "wants torch.QIntStorage"},
    {BYTES("K\1." STORAGE("K\11", "FloatStorage", "\4\0\0\0")), TENSORS, PICKLE,
     "the tar member storages is cut off"},
    {BYTES("K\1." STORAGE("K\11", "FloatStorage", "\377\0\0\0\0\0\0\0") "]."), TENSORS, PICKLE,
     "a storage of 255 values of F32, but the tar member storages ends"},
    {BYTES("K\1." STORAGE("K\11", "FloatStorage", "\0\0\0\0\0\0\0\100") "]."), TENSORS, PICKLE,
     "a storage of 4611686018427387904 values"},
    {BYTES("K\1." STORAGE("K\11", "FloatStorage", "\0\0\0\0\0\0\0\200") "]."), TENSORS, PICKLE,
     "a number below 0"},
    {BYTES("K\1." STORAGE("K\11", "FloatStorage", FOUR)), TENSORS, PICKLE, "pickle that is cut"},
    {BYTES("K\1." STORAGE("K\11", "FloatStorage", FOUR) "]K\1a."), TENSORS, PICKLE,
     "parts of others are not read"},
    {BYTES("K\2." STORAGE("K\11", "FloatStorage", FOUR) STORAGE("K\11", "FloatStorage", FOUR) "]."),
     TENSORS, PICKLE, "tar member storages: a key is there twice"},
    /* tensors */
    {STORAGES, BYTES(""), PICKLE, "a pickle that is cut off"},
    {STORAGES, BYTES("K\7.abc"), PICKLE, "not a number of items that fits"},
    {STORAGES, BYTES("K\1.N."), PICKLE, "not the description of a tensor"},
    {STORAGES, BYTES("K\1." ROW("K\5", "N", "FloatTensor") TWO_BY_TWO), PICKLE, "of a tensor"},
    {STORAGES, BYTES("K\1." ROW("K\5", "K\11", "FloatTensor")), PICKLE,
     "the tar member tensors is cut off"},
    {STORAGES, BYTES("K\1." ROW("K\5", "K\11", "FloatTensor") "\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"),
     PICKLE, "the tar member tensors is cut off"},
    {STORAGES, BYTES("K\1." ROW("K\5", "K\11", "FloatTensor") "\11\0\0\0\0\0\0\0"), PICKLE,
     "a tensor of 9 dimensions"},
    {STORAGES, BYTES("K\1." ROW("K\5", "K\11", "FloatTensor") "\377\377\377\377\0\0\0\0"), PICKLE,
     "a tensor of 4294967295 dimensions"},
    {STORAGES, BYTES("K\1." ROW("K\5", "K\10", "FloatTensor") TWO_BY_TWO), PICKLE,
     "a tensor whose storage is not there, or of another type"},
    {STORAGES, BYTES("K\1." ROW("K\5", "K\11", "LongTensor") TWO_BY_TWO), PICKLE,
     "a tensor whose storage is not there, or of another type"},
    {STORAGES,
     BYTES("K\1." ROW("K\5", "K\11", "FloatTensor") "\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0"
                                                    "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
     PICKLE, "tensor a.w: reaches value 4"},
    {STORAGES,
     BYTES("K\1." ROW("K\5", "K\11",
                      "FloatTensor") "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                                     "\377\377\377\377\377\377\377\377\0\0\0\0\0\0\0\0"),
     PICKLE, "a number below 0"},
    {STORAGES,
     BYTES("K\2." ROW("K\5", "K\11", "FloatTensor") TWO_BY_TWO ROW("K\5", "K\11", "FloatTensor")
               TWO_BY_TWO),
     PICKLE, "tar member tensors: a key is there twice"},
    /* the object */
    {STORAGES, TENSORS, BYTES(""), "a pickle that is cut off"},
    {STORAGES, TENSORS, BYTES("N."), "None instead of a state dict"},
    {STORAGES, TENSORS, WITH("X\1\0\0\0006Q"), "a tensor that is not in the file"},
    {STORAGES, TENSORS, WITH("X\0\0\0\0Q"), "a tensor that is not in the file"},
    {STORAGES, TENSORS, WITH("X\2\0\0\0005xQ"), "a tensor that is not in the file"},
    {STORAGES, TENSORS, WITH("X\37\0\0\0005000000000000000000000000000000Q"), "not in the file"},
    {STORAGES, TENSORS, WITH("K\5Q"), "a tensor that is not in the file"},
    {STORAGES, TENSORS, WITH(")Q"), "a tensor that is not in the file"},
    {STORAGES, TENSORS, WITH(TENSOR(ID("Float", KEY_7, "K\4", "N"))),
     "a storage that is not in the file"},
};

static void tar_files_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tars / sizeof *tars; i++) {
        struct file file = {0};
        add_member(&file, "sys_info", '0', (struct bytes)BYTES("cos\nsystem\n."));
        add_member(&file, "PaxHeader", 'x', (struct bytes)BYTES("15 path=pickle\n"));
        add_member(&file, "pickle", '0', tars[i].pickle);
        add_member(&file, "tensors", 0, tars[i].tensors);
        add_member(&file, "storages", '0', tars[i].storages);
        judge("tar", i, &file, tars[i].part);
    }
}

static void spoiled_headers_of_tar_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *text;
        bool sum; /* corrected */
        const char *part;
    } cases[] = {
        {257, "USTAR", true, "no header of a tar member"},
        {0, "s", false, "no header of a tar member"},
        {148, "z", false, "no header of a tar member"},
        {124, "0000000000x", true, "no header of a tar member"},
        {124, "\200", true, "no header of a tar member"}, /* base 256 */
        {124, "77777777777", true, "it is cut off"},
        {124, "777777777777", true, "it is cut off"},
        {0, "other\0\0", true, "the tar file has no member storages"},
        {156, "2", true, "the tar file has no member storages"}, /* a link */
        {0, "../storages", true, "the tar file has no member storages"},
        {0, "tensors\0", true, "the tar member tensors is there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct file file = {0};
        add_member(&file, "pickle", '0', (struct bytes)PICKLE);
        add_member(&file, "tensors", '0', (struct bytes)TENSORS);
        size_t at = add_member(&file, "storages", '0', (struct bytes)STORAGES);
        size_t length = strlen(cases[i].text);
        memcpy(file.data + at + cases[i].at, cases[i].text, length + (cases[i].at == 0));
        if (cases[i].sum)
            set_checksum(file.data + at);
        judge("header", i, &file, cases[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_judged),
        cmocka_unit_test(tar_files_are_judged),
        cmocka_unit_test(spoiled_headers_of_tar_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
