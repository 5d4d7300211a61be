#include "model/prototxt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/caffe.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/text.h"

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 16, MAX_WORD = 1024, LENGTH_BYTES = 5 };

/* The messages whose fields are read. */
enum message {
    NET,
    LAYER,
    V1_LAYER,
    CONV,
    POOL,
    LRN,
    FC,
    DROPOUT,
    RELU,
    SOFTMAX,
    INPUT,
    SHAPE,
    TRANSFORM,
    DATA,
    RULE,
    SLICE,
    CONCAT,
    NOTHING
};

enum kind { INT, REAL, TEXT, BELOW };

static const char *const booleans[] = {"false", "true", NULL};
static const char *const pools[] = {"MAX", "AVE", "STOCHASTIC", NULL};
static const char *const rounds[] = {"CEIL", "FLOOR", NULL};
static const char *const regions[] = {"ACROSS_CHANNELS", "WITHIN_CHANNEL", NULL};
static const char *const phases[] = {"TRAIN", "TEST", NULL};
static const char *const v1_types[] = {"NONE",
                                       "ACCURACY",
                                       "BNLL",
                                       "CONCAT",
                                       "CONVOLUTION",
                                       "DATA",
                                       "DROPOUT",
                                       "EUCLIDEAN_LOSS",
                                       "FLATTEN",
                                       "HDF5_DATA",
                                       "HDF5_OUTPUT",
                                       "IM2COL",
                                       "IMAGE_DATA",
                                       "INFOGAIN_LOSS",
                                       "INNER_PRODUCT",
                                       "LRN",
                                       "MULTINOMIAL_LOGISTIC_LOSS",
                                       "POOLING",
                                       "RELU",
                                       "SIGMOID",
                                       "SOFTMAX",
                                       "SOFTMAX_LOSS",
                                       "SPLIT",
                                       "TANH",
                                       "WINDOW_DATA",
                                       "ELTWISE",
                                       "POWER",
                                       "SIGMOID_CROSS_ENTROPY_LOSS",
                                       "HINGE_LOSS",
                                       "MEMORY_DATA",
                                       "ARGMAX",
                                       "THRESHOLD",
                                       "DUMMY_DATA",
                                       "SLICE",
                                       "MVN",
                                       "ABSVAL",
                                       "SILENCE",
                                       "CONTRASTIVE_LOSS",
                                       "EXP",
                                       "DECONVOLUTION",
                                       NULL};

/* A field that a network needs. */
static const struct field {
    enum message of;
    const char *name;
    uint32_t number;
    enum kind kind;
    const char *const *words; /* what may stand for a number */
    enum message below;       /* of BELOW */
} fields[] = {
    {NET, "name", 1, TEXT, NULL, NOTHING},
    {NET, "layers", 2, BELOW, NULL, V1_LAYER},
    {NET, "input", 3, TEXT, NULL, NOTHING},
    {NET, "input_dim", 4, INT, NULL, NOTHING},
    {NET, "input_shape", 8, BELOW, NULL, SHAPE},
    {NET, "layer", 100, BELOW, NULL, LAYER},
    {LAYER, "name", 1, TEXT, NULL, NOTHING},
    {LAYER, "type", 2, TEXT, NULL, NOTHING},
    {LAYER, "bottom", 3, TEXT, NULL, NOTHING},
    {LAYER, "top", 4, TEXT, NULL, NOTHING},
    {LAYER, "include", 8, BELOW, NULL, RULE},
    {LAYER, "transform_param", 100, BELOW, NULL, TRANSFORM},
    {LAYER, "concat_param", 104, BELOW, NULL, CONCAT},
    {LAYER, "convolution_param", 106, BELOW, NULL, CONV},
    {LAYER, "data_param", 107, BELOW, NULL, DATA},
    {LAYER, "dropout_param", 108, BELOW, NULL, DROPOUT},
    {LAYER, "image_data_param", 115, BELOW, NULL, DATA},
    {LAYER, "inner_product_param", 117, BELOW, NULL, FC},
    {LAYER, "lrn_param", 118, BELOW, NULL, LRN},
    {LAYER, "pooling_param", 121, BELOW, NULL, POOL},
    {LAYER, "relu_param", 123, BELOW, NULL, RELU},
    {LAYER, "softmax_param", 125, BELOW, NULL, SOFTMAX},
    {LAYER, "slice_param", 126, BELOW, NULL, SLICE},
    {LAYER, "input_param", 143, BELOW, NULL, INPUT},
    {V1_LAYER, "layer", 1, BELOW, NULL, NOTHING},
    {V1_LAYER, "bottom", 2, TEXT, NULL, NOTHING},
    {V1_LAYER, "top", 3, TEXT, NULL, NOTHING},
    {V1_LAYER, "name", 4, TEXT, NULL, NOTHING},
    {V1_LAYER, "type", 5, INT, v1_types, NOTHING},
    {V1_LAYER, "concat_param", 9, BELOW, NULL, CONCAT},
    {V1_LAYER, "convolution_param", 10, BELOW, NULL, CONV},
    {V1_LAYER, "data_param", 11, BELOW, NULL, DATA},
    {V1_LAYER, "dropout_param", 12, BELOW, NULL, DROPOUT},
    {V1_LAYER, "image_data_param", 15, BELOW, NULL, DATA},
    {V1_LAYER, "inner_product_param", 17, BELOW, NULL, FC},
    {V1_LAYER, "lrn_param", 18, BELOW, NULL, LRN},
    {V1_LAYER, "pooling_param", 19, BELOW, NULL, POOL},
    {V1_LAYER, "relu_param", 30, BELOW, NULL, RELU},
    {V1_LAYER, "slice_param", 31, BELOW, NULL, SLICE},
    {V1_LAYER, "include", 32, BELOW, NULL, RULE},
    {V1_LAYER, "transform_param", 36, BELOW, NULL, TRANSFORM},
    {V1_LAYER, "softmax_param", 39, BELOW, NULL, SOFTMAX},
    {CONV, "num_output", 1, INT, NULL, NOTHING},
    {CONV, "bias_term", 2, INT, booleans, NOTHING},
    {CONV, "pad", 3, INT, NULL, NOTHING},
    {CONV, "kernel_size", 4, INT, NULL, NOTHING},
    {CONV, "group", 5, INT, NULL, NOTHING},
    {CONV, "stride", 6, INT, NULL, NOTHING},
    {CONV, "pad_h", 9, INT, NULL, NOTHING},
    {CONV, "pad_w", 10, INT, NULL, NOTHING},
    {CONV, "kernel_h", 11, INT, NULL, NOTHING},
    {CONV, "kernel_w", 12, INT, NULL, NOTHING},
    {CONV, "stride_h", 13, INT, NULL, NOTHING},
    {CONV, "stride_w", 14, INT, NULL, NOTHING},
    {CONV, "dilation", 18, INT, NULL, NOTHING},
    {POOL, "pool", 1, INT, pools, NOTHING},
    {POOL, "kernel_size", 2, INT, NULL, NOTHING},
    {POOL, "stride", 3, INT, NULL, NOTHING},
    {POOL, "pad", 4, INT, NULL, NOTHING},
    {POOL, "kernel_h", 5, INT, NULL, NOTHING},
    {POOL, "kernel_w", 6, INT, NULL, NOTHING},
    {POOL, "stride_h", 7, INT, NULL, NOTHING},
    {POOL, "stride_w", 8, INT, NULL, NOTHING},
    {POOL, "pad_h", 9, INT, NULL, NOTHING},
    {POOL, "pad_w", 10, INT, NULL, NOTHING},
    {POOL, "global_pooling", 12, INT, booleans, NOTHING},
    {POOL, "round_mode", 13, INT, rounds, NOTHING},
    {LRN, "local_size", 1, INT, NULL, NOTHING},
    {LRN, "alpha", 2, REAL, NULL, NOTHING},
    {LRN, "beta", 3, REAL, NULL, NOTHING},
    {LRN, "norm_region", 4, INT, regions, NOTHING},
    {LRN, "k", 5, REAL, NULL, NOTHING},
    {FC, "num_output", 1, INT, NULL, NOTHING},
    {FC, "bias_term", 2, INT, booleans, NOTHING},
    {FC, "axis", 5, INT, NULL, NOTHING},
    {FC, "transpose", 6, INT, booleans, NOTHING},
    {DROPOUT, "dropout_ratio", 1, REAL, NULL, NOTHING},
    {RELU, "negative_slope", 1, REAL, NULL, NOTHING},
    {SOFTMAX, "axis", 2, INT, NULL, NOTHING},
    {INPUT, "shape", 1, BELOW, NULL, SHAPE},
    {SHAPE, "dim", 1, INT, NULL, NOTHING},
    {TRANSFORM, "scale", 1, REAL, NULL, NOTHING},
    {TRANSFORM, "crop_size", 3, INT, NULL, NOTHING},
    {TRANSFORM, "mean_value", 5, REAL, NULL, NOTHING},
    {TRANSFORM, "force_gray", 7, INT, booleans, NOTHING},
    {DATA, "scale", 2, REAL, NULL, NOTHING},
    {DATA, "crop_size", 5, INT, NULL, NOTHING},
    {RULE, "phase", 1, INT, phases, NOTHING},
    {SLICE, "slice_dim", 1, INT, NULL, NOTHING},
    {SLICE, "slice_point", 2, INT, NULL, NOTHING},
    {SLICE, "axis", 3, INT, NULL, NOTHING},
    {CONCAT, "concat_dim", 1, INT, NULL, NOTHING},
    {CONCAT, "axis", 2, INT, NULL, NOTHING},
};

static const struct field *find_field(enum message message, const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].of == message && !strcmp(fields[i].name, name))
            return &fields[i];
    return NULL;
}

/* The text that is left, and the message in the making. */
struct parser {
    const char *at, *end;
    size_t line;
    uint8_t *out; /* owned */
    size_t bytes, capacity;
};

static enum alx_status wrong(const struct parser *parser, const char *why)
{
    return alx_fail(ALX_STATUS_MODEL, "line %zu: %s", parser->line, why);
}

/* --- writing --- */

static enum alx_status put(struct parser *parser, const void *data, size_t bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    if (bytes > parser->capacity - parser->bytes) {
        uint8_t *larger = NULL;
        size_t capacity = 2 * (parser->bytes + bytes) + 1024;
        ALX_TRY(alx_alloc(capacity, 1, "a network", &larger));
        if (parser->bytes)
            memcpy(larger, parser->out, parser->bytes);
        free(parser->out);
        parser->out = larger;
        parser->capacity = capacity;
    }
    if (bytes)
        memcpy(parser->out + parser->bytes, data, bytes);
    parser->bytes += bytes;
error:
    return status;
}

static enum alx_status put_varint(struct parser *parser, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    do {
        bytes[count++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    return put(parser, bytes, count);
}

static enum alx_status put_tag(struct parser *parser, const struct field *field)
{
    static const enum alx_wire_type types[] = {[INT] = ALX_WIRE_VARINT,
                                               [REAL] = ALX_WIRE_FIXED32,
                                               [TEXT] = ALX_WIRE_BYTES,
                                               [BELOW] = ALX_WIRE_BYTES};
    return put_varint(parser, (uint64_t)field->number << 3 | types[field->kind]);
}

/* --- reading --- */

static void skip_space(struct parser *parser)
{
    for (; parser->at < parser->end; parser->at++) {
        if (*parser->at == '#')
            while (parser->at + 1 < parser->end && parser->at[1] != '\n')
                parser->at++;
        else if (*parser->at == '\n')
            parser->line++;
        else if (!strchr(" \t\r\f\v", *parser->at) || !*parser->at)
            return;
    }
}

/* Whether the next character is one of these; passes it. */
static bool take(struct parser *parser, const char *characters)
{
    skip_space(parser);
    if (parser->at == parser->end || !*parser->at || !strchr(characters, *parser->at))
        return false;
    parser->at++;
    return true;
}

/* A name, a number or a word. */
static enum alx_status read_word(struct parser *parser, char out[MAX_WORD])
{
    size_t count = 0;
    skip_space(parser);
    for (; parser->at < parser->end; parser->at++) {
        char c = *parser->at;
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            (!c || !strchr("_+-.[]/", c)))
            break;
        if (count + 1 == MAX_WORD)
            return wrong(parser, "a word that is too long");
        if (c == ']' &&
            (!count || out[0] != '[')) /* the end of a list; names of extensions are in brackets */
            break;
        out[count++] = c;
    }
    out[count] = 0;
    return count ? ALX_STATUS_OK : wrong(parser, "a name or a value is missing");
}

/* A quoted text, or several in a row, which are one. */
static enum alx_status read_text(struct parser *parser, char out[MAX_WORD], size_t *bytes)
{
    size_t count = 0;
    skip_space(parser);
    while (parser->at < parser->end && (*parser->at == '"' || *parser->at == '\'')) {
        char quote = *parser->at++;
        while (parser->at < parser->end && *parser->at != quote && *parser->at != '\n') {
            if (*parser->at == '\\' && ++parser->at == parser->end)
                break;
            if (count + 1 == MAX_WORD)
                return wrong(parser, "a text that is too long");
            out[count++] = *parser->at++;
        }
        if (parser->at == parser->end || *parser->at != quote)
            return wrong(parser, "a text without an end");
        parser->at++;
        skip_space(parser);
    }
    out[count] = 0;
    *bytes = count;
    return ALX_STATUS_OK;
}

static enum alx_status put_int(struct parser *parser, const struct field *field, const char *word)
{
    char *end;
    for (uint64_t i = 0; field->words && field->words[i]; i++)
        if (!strcmp(word, field->words[i]))
            return put_varint(parser, i);
    errno = 0;
    long long value = strtoll(word, &end, 0);
    if (*end || end == word || errno)
        return alx_fail(ALX_STATUS_MODEL, "line %zu: %s cannot be '%.60s'", parser->line,
                        field->name, word);
    return put_varint(parser, (uint64_t)value);
}

static enum alx_status put_real(struct parser *parser, const struct field *field, const char *word)
{
    char *end;
    float value = strtof(word, &end);
    size_t rest = strlen(end);
    if (end == word || rest > 1 || (rest && *end != 'f'))
        return alx_fail(ALX_STATUS_MODEL, "line %zu: %s cannot be '%.60s'", parser->line,
                        field->name, word);
    return put(parser, &value, sizeof value);
}

/* A value; `field` NULL: of no interest. */
static enum alx_status read_scalar(struct parser *parser, const struct field *field)
{
    enum alx_status status = ALX_STATUS_OK;
    char word[MAX_WORD] = {0};
    size_t bytes = 0;
    skip_space(parser);
    bool quoted = parser->at < parser->end && (*parser->at == '"' || *parser->at == '\'');
    if (quoted)
        ALX_TRY(read_text(parser, word, &bytes));
    else
        ALX_TRY(read_word(parser, word));
    if (!field)
        return status;
    if (quoted != (field->kind == TEXT))
        return alx_fail(ALX_STATUS_MODEL, "line %zu: %s must be %s", parser->line, field->name,
                        field->kind == TEXT ? "a text in quotes" : "a number or a word");
    ALX_TRY(put_tag(parser, field));
    if (field->kind == INT)
        ALX_TRY(put_int(parser, field, word));
    else if (field->kind == REAL)
        ALX_TRY(put_real(parser, field, word));
    else {
        ALX_TRY(put_varint(parser, bytes));
        ALX_TRY(put(parser, word, bytes));
    }
error:
    return status;
}

static enum alx_status read_fields(struct parser *parser, enum message message, size_t depth,
                                   const char *closing);

/* What stands between brackets, with its length in front, which takes five bytes whatever it is. */
static enum alx_status read_below(struct parser *parser, const struct field *field, size_t depth,
                                  const char *closing)
{
    enum alx_status status = ALX_STATUS_OK;
    static const uint8_t room[LENGTH_BYTES];
    if (field && field->kind != BELOW)
        return alx_fail(ALX_STATUS_MODEL, "line %zu: %s is no message", parser->line, field->name);
    if (field) {
        ALX_TRY(put_tag(parser, field));
        ALX_TRY(put(parser, room, sizeof room));
    }
    size_t begin = parser->bytes;
    ALX_TRY(read_fields(parser, field ? field->below : NOTHING, depth + 1, closing));
    size_t length = parser->bytes - begin;
    for (size_t i = 0; field && i < LENGTH_BYTES; i++)
        parser->out[begin - LENGTH_BYTES + i] =
            (uint8_t)((length >> 7 * i & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
error:
    return status;
}

static enum alx_status read_value(struct parser *parser, const struct field *field, size_t depth)
{
    bool colon = take(parser, ":");
    if (take(parser, "{"))
        return read_below(parser, field, depth, "}");
    if (take(parser, "<"))
        return read_below(parser, field, depth, ">");
    if (!colon)
        return wrong(parser, "a ':' or a '{' is missing");
    if (field && field->kind == BELOW)
        return alx_fail(ALX_STATUS_MODEL, "line %zu: %s must be a message in '{' and '}'",
                        parser->line, field->name);
    return read_scalar(parser, field);
}

static enum alx_status read_list(struct parser *parser, const struct field *field, size_t depth)
{
    enum alx_status status = ALX_STATUS_OK;
    while (!take(parser, "]")) {
        if (take(parser, "{"))
            ALX_TRY(read_below(parser, field, depth, "}"));
        else
            ALX_TRY(read_scalar(parser, field));
        take(parser, ",");
    }
error:
    return status;
}

/* Depth is limited, so recursion is. `closing` NULL: up to the end of the text. */
static enum alx_status read_fields(struct parser *parser, enum message message, size_t depth,
                                   const char *closing)
{
    enum alx_status status = ALX_STATUS_OK;
    char name[MAX_WORD];
    if (depth > MAX_DEPTH)
        return wrong(parser, "nested too deeply");
    for (;;) {
        skip_space(parser);
        if (closing && take(parser, closing))
            return status;
        if (parser->at == parser->end)
            return closing ? alx_fail(ALX_STATUS_MODEL,
                                      "line %zu: the text ends, but a '%s' is "
                                      "missing",
                                      parser->line, closing)
                           : status;
        ALX_TRY(read_word(parser, name));
        const struct field *field = find_field(message, name);
        const char *before = parser->at;
        size_t line = parser->line;
        if (take(parser, ":") && take(parser, "[")) {
            ALX_TRY(read_list(parser, field, depth));
        } else {
            parser->at = before;
            parser->line = line;
            ALX_TRY(read_value(parser, field, depth));
        }
        take(parser, ",;");
    }
error:
    return status;
}

/* The message that the text stands for; `*out` is owned. */
static enum alx_status encode(const char *text, size_t bytes, uint8_t **out, size_t *out_bytes)
{
    enum alx_status status = ALX_STATUS_OK;
    struct parser parser = {.at = text, .end = text + bytes, .line = 1};
    ALX_TRY(read_fields(&parser, NET, 0, NULL));
    ALX_TRY(put(&parser, "", 0));
    *out = parser.out;
    *out_bytes = parser.bytes;
    parser.out = NULL;
error:
    free(parser.out);
    return status;
}

enum alx_status alx_prototxt_parse_net(const char *text, size_t bytes, alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_caffe_net net = {0};
    struct alx_source source = {0};
    uint8_t *message = NULL;
    size_t message_bytes = 0;
    ALX_TRY(encode(text, bytes, &message, &message_bytes));
    ALX_TRY(alx_caffe_open(message, (struct alx_span){message, message_bytes}, &net));
    ALX_TRY(alx_caffe_make_net(&net, &source));
    if (!source.net) {
        status = alx_fail(ALX_STATUS_MODEL, "does not say the size of its input; add an "
                                            "input_shape or a crop_size");
        goto error;
    }
    *out = source.net;
    source.net = NULL;
error:
    alx_source_free(&source);
    alx_caffe_free(&net);
    free(message);
    return status;
}

enum alx_status alx_prototxt_read_net(const char *path, alx_net **out)
{
    enum alx_status status = ALX_STATUS_OK;
    uint8_t *text = NULL;
    size_t bytes;
    ALX_TRY(alx_file_read(path, MAX_BYTES, ALX_STATUS_MODEL, &text, &bytes));
    const char *context = alx_error_context(path);
    status = alx_prototxt_parse_net((const char *)text, bytes, out);
    alx_error_context(context);
error:
    free(text);
    return status;
}
