/*
 * Parsing: getopt_long() cuts the words, the table of options says what they mean.
 *
 * Which command it is may be known only after options have been read (`alexnet-cl -v devices`), so
 * whether an option belongs to the command is asked at the end.
 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"
#include "util/memory.h"
#include "util/text.h"

enum {
    MOST_OPTIONS = 64,
    LONG_CODE = 256 /* getopt_long() returns this + the row for a long option */
};

/* --- values --- */

static enum alx_status parse_number(const struct cli_option *row, const char *text, size_t *out)
{
    bool digits = *text != 0;
    for (const char *s = text; *s; s++)
        digits = digits && isdigit((unsigned char)*s);
    errno = 0;
    unsigned long long value = digits ? strtoull(text, NULL, 10) : 0;
    if (!digits || errno || value < row->low || value > row->high)
        return alx_fail(ALX_STATUS_USAGE,
                        "--%s: cannot be '%s'; give a whole number from %zu to %zu", row->name,
                        text, row->low, row->high);
    *out = (size_t)value;
    return ALX_STATUS_OK;
}

/* A decimal number of `length` bytes; what strtof() knows beyond those (hexadecimal, nan) is
 * refused. */
static bool parse_float(const char *text, size_t length, float *out)
{
    char word[64], *rest;
    if (!length || length >= sizeof word || strspn(text, "0123456789+-.eE") < length)
        return false;
    memcpy(word, text, length);
    word[length] = 0;
    *out = strtof(word, &rest);
    return !*rest && isfinite(*out);
}

static bool parse_floats(const char *text, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = i + 1 < count ? strcspn(text, ",") : strlen(text);
        if (!parse_float(text, length, &out[i]))
            return false;
        text += length + (i + 1 < count && text[length]);
    }
    return true;
}

/* Numbers never look like this. */
static bool is_mean_file(const char *text)
{
    const char *suffix = strrchr(text, '.');
    return strchr(text, '/') ||
           (suffix && (!strcmp(suffix, ".npy") || !strcmp(suffix, ".binaryproto")));
}

static enum alx_status parse_triple(const struct cli_option *row, const char *text,
                                    struct triple *out)
{
    bool may_be_three = row->kind != KIND_FLOAT;
    struct triple triple = {.given = true};
    float *values = triple.values;
    if (row->kind == KIND_MEAN && is_mean_file(text))
        triple.file = text;
    else if (parse_floats(text, 1, values))
        values[1] = values[2] = values[0];
    else if (!may_be_three || !parse_floats(text, 3, values))
        return alx_fail(ALX_STATUS_USAGE, "--%s: cannot be '%s'; give %s", row->name, text,
                        row->kind == KIND_FLOAT ? "one number"
                        : row->kind == KIND_MEAN
                            ? "one number, three as in 104,117,123, or a .npy or .binaryproto file"
                            : "one number, or three as in 104,117,123");
    if (row->low && (values[0] == 0 || values[1] == 0 || values[2] == 0))
        return alx_fail(ALX_STATUS_USAGE, "--%s: cannot be 0; leave it out", row->name);
    *out = triple;
    return ALX_STATUS_OK;
}

static enum alx_status parse_choice(const struct cli_option *row, const char *text, int *out)
{
    size_t nearest = 0;
    for (size_t i = 0; row->choices[i]; i++) {
        if (!strcmp(text, row->choices[i])) {
            *out = (int)i;
            return ALX_STATUS_OK;
        }
        if (alx_text_distance(text, row->choices[i]) <
            alx_text_distance(text, row->choices[nearest]))
            nearest = i;
    }
    struct alx_text known = {0};
    for (size_t i = 0; row->choices[i]; i++)
        alx_text_add(&known, "%s%s", i ? ", " : "", row->choices[i]);
    enum alx_status status =
        alx_fail(ALX_STATUS_USAGE, "--%s: cannot be '%s'; did you mean %s? There are %s", row->name,
                 text, row->choices[nearest], alx_text_get(&known));
    alx_text_free(&known);
    return status;
}

static enum alx_status parse_word(const struct cli_option *row, const char *text, const char **out)
{
    int index;
    enum alx_status status = parse_choice(row, text, &index);
    if (status == ALX_STATUS_OK)
        *out = row->choices[index];
    return status;
}

static enum alx_status parse_value(struct cli_options *options, const struct cli_option *row,
                                   const char *value)
{
    void *field = (char *)options + row->offset;
    switch (row->kind) {
    case KIND_FLAG:
        *(bool *)field = true;
        break;
    case KIND_COUNTED:
        ++*(size_t *)field;
        break;
    case KIND_TEXT:
        if (!*value)
            return alx_fail(ALX_STATUS_USAGE, "--%s: the value is empty; give %s", row->name,
                            row->argument);
        *(const char **)field = value;
        break;
    case KIND_NUMBER:
        return parse_number(row, value, field);
    case KIND_CHOICE:
        return parse_choice(row, value, field);
    case KIND_WORD:
        return parse_word(row, value, field);
    case KIND_TRIPLE:
    case KIND_MEAN:
    case KIND_FLOAT:
        return parse_triple(row, value, field);
    case KIND_OUTPUT:
        *(const char **)field = value && *value ? value : "-";
        break;
    case KIND_JSON:
        options->json = true;
        options->json_file = value && *value && strcmp(value, "-") ? value : NULL;
        break;
    }
    return ALX_STATUS_OK;
}

/* --- what is wrong --- */

/* The option whose name is nearest to `name`, among those of the command. */
static const struct cli_option *nearest_option(const char *name, unsigned command)
{
    const struct cli_option *nearest = NULL;
    for (size_t i = 0; cli_option(i); i++) {
        const struct cli_option *row = cli_option(i);
        if (!row->hidden && row->commands & command &&
            (!nearest ||
             alx_text_distance(name, row->name) < alx_text_distance(name, nearest->name)))
            nearest = row;
    }
    return nearest;
}

static const struct cli_option *option_of_code(int code)
{
    if (code >= LONG_CODE)
        return cli_option((size_t)(code - LONG_CODE));
    for (size_t i = 0; cli_option(i); i++)
        if (code && cli_option(i)->letter == code)
            return cli_option(i);
    return NULL;
}

/* `word` is what getopt_long() could not read; `optopt` says more. */
static enum alx_status fail_unknown(const char *word, const struct cli_command *command)
{
    const struct cli_option *row = option_of_code(optopt);
    if (row && row->argument)
        return alx_fail(ALX_STATUS_USAGE, "--%s: needs a value; give --%s=%s", row->name, row->name,
                        row->argument);
    if (row)
        return alx_fail(ALX_STATUS_USAGE,
                        "--%s: takes no value; leave out what follows the =", row->name);
    if (optopt) {
        for (size_t i = 0; cli_option(i); i++)
            if (cli_option(i)->name[0] == optopt && cli_option(i)->commands & command->bit)
                return alx_fail(ALX_STATUS_USAGE,
                                "-%c: no such option; did you mean --%s? See alexnet-cl --help",
                                optopt, cli_option(i)->name);
        return alx_fail(ALX_STATUS_USAGE, "-%c: no such option; see alexnet-cl --help", optopt);
    }
    char name[64];
    alx_text_copy(name, sizeof name, word + 2);
    name[strcspn(name, "=")] = 0;
    return alx_fail(ALX_STATUS_USAGE,
                    "--%s: no such option; did you mean --%s? See alexnet-cl --help", name,
                    nearest_option(name, command->bit)->name);
}

/* Some choices exist for one command and not for another. */
static enum alx_status check_last_choices(const struct cli_options *options)
{
    for (size_t i = 0; cli_option(i); i++) {
        const struct cli_option *row = cli_option(i);
        int last = -1;
        if (!row->last_choice || row->last_choice & options->command->bit)
            continue;
        while (row->choices[last + 1])
            last++;
        if (*(const int *)((const char *)options + row->offset) == last)
            return alx_fail(ALX_STATUS_USAGE, "--%s: %s cannot take '%s'; see alexnet-cl %s --help",
                            row->name, options->command->name, row->choices[last],
                            options->command->name);
    }
    return ALX_STATUS_OK;
}

static enum alx_status check_belongs(const struct cli_options *options, const bool *given)
{
    enum alx_status status = ALX_STATUS_OK;
    const struct cli_command *command = options->command;
    for (size_t i = 0; cli_option(i); i++) {
        const struct cli_option *row = cli_option(i);
        size_t other = 0;
        if (!given[i] || row->commands & command->bit)
            continue;
        while (!(row->commands & cli_command(other)->bit))
            other++;
        return alx_fail(ALX_STATUS_USAGE,
                        "--%s: an option of %s, not of %s; see alexnet-cl %s --help", row->name,
                        cli_command(other)->name, command->name, command->name);
    }
    ALX_TRY(check_last_choices(options));
    if (options->operand_count > command->most)
        return command->most
                   ? alx_fail(ALX_STATUS_USAGE, "%s: '%s' is too many; it takes %s", command->name,
                              options->operands[command->most], command->operands)
                   : alx_fail(ALX_STATUS_USAGE, "%s: takes no '%s'; see alexnet-cl %s --help",
                              command->name, options->operands[0], command->name);
    if (options->operand_count < command->least)
        return alx_fail(ALX_STATUS_USAGE, "%s: needs %s; see alexnet-cl %s --help", command->name,
                        command->operands, command->name);
error:
    return status;
}

/* --- the whole line --- */

static void add_operand(struct cli_options *options, bool *named, char *word)
{
    for (size_t i = 0; !*named && !options->operand_count && cli_command(i); i++)
        if (!strcmp(word, cli_command(i)->name)) {
            options->command = cli_command(i);
            *named = true;
            return;
        }
    options->operands[options->operand_count++] = word;
}

/* The letters and names as getopt_long() wants them: "-" has it report other words in their order,
 * ":" has it tell a missing value from an unknown option. */
static void describe(char letters[2 * MOST_OPTIONS + 3], struct option longs[MOST_OPTIONS + 1])
{
    size_t used = 0, count = 0;
    letters[used++] = '-';
    letters[used++] = ':';
    for (; cli_option(count); count++) {
        const struct cli_option *row = cli_option(count);
        int needs = !row->argument             ? no_argument
                    : cli_option_is_alone(row) ? optional_argument
                                               : required_argument;
        longs[count] = (struct option){row->name, needs, NULL, LONG_CODE + (int)count};
        if (row->letter)
            letters[used++] = row->letter;
        if (row->letter && row->argument)
            letters[used++] = ':';
    }
    letters[used] = 0;
    longs[count] = (struct option){0};
}

enum alx_status cli_options_parse(int argc, char **argv, struct cli_options *out)
{
    enum alx_status status = ALX_STATUS_OK;
    char letters[2 * MOST_OPTIONS + 3];
    struct option longs[MOST_OPTIONS + 1];
    bool given[MOST_OPTIONS] = {false}, named = false;
    *out = (struct cli_options){.command = cli_command(0),
                                .top = 5,
                                .precision = -1,
                                .resize = -1,
                                .order = -1,
                                .color = COLOR_AUTO};
    ALX_TRY(alx_alloc((size_t)argc, sizeof *out->operands, "the command line", &out->operands));
    describe(letters, longs);
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        const struct cli_option *row = option_of_code(code);
        if (code == 1) {
            add_operand(out, &named, optarg);
        } else if (!row) {
            status = fail_unknown(argv[optind - 1], out->command);
            goto error;
        } else {
            for (size_t i = 0; cli_option(i); i++)
                given[i] = given[i] || cli_option(i) == row;
            ALX_TRY(parse_value(out, row, optarg));
        }
    }
    while (optind < argc) /* after `--` no word is a command */
        out->operands[out->operand_count++] = argv[optind++];
    if (!out->help && !out->version && !out->print)
        ALX_TRY(check_belongs(out, given));
error:
    return status;
}

void cli_options_free(struct cli_options *options)
{
    free(options->operands);
    options->operands = NULL;
}
