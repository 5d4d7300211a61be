/*
 * What may stand on the command line: one table of commands and one of options, from which parsing,
 * help, the man page and the shells' completions come.
 */
#ifndef ALX_CLI_OPTIONS_H
#define ALX_CLI_OPTIONS_H

#include <alexnet_cl/status.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit codes; scripts rely on them. */
enum {
    EXIT_ALL_DONE = 0,
    EXIT_SOME_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_DEVICE = 3,
    EXIT_MODEL = 4,
    EXIT_DEVICE = 5,
    EXIT_INTERRUPTED = 130,
};

/* Which commands an option belongs to. */
enum {
    ON_CLASSIFY = 1 << 0,
    ON_DEVICES = 1 << 1,
    ON_INFO = 1 << 2,
    ON_VERIFY = 1 << 3,
    ON_CONVERT = 1 << 4,
    ON_CACHE = 1 << 5,
    ON_EVAL = 1 << 6,
    ON_BENCH = 1 << 7,
    ON_TUNE = 1 << 8,
    ON_RUNS = ON_CLASSIFY | ON_EVAL, /* what answers about pictures */
    ON_PLANS = ON_RUNS | ON_BENCH,   /* what runs a network */
    ON_ALL = (1 << 9) - 1,
};

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* V,V,V or one V for all three channels, or a file that holds the values. */
struct triple {
    bool given;
    float values[3];
    const char *file; /* borrowed, or NULL */
};

struct cli_command;

/* A command line, parsed. Texts are borrowed from it. Choices hold the value of the enum they stand
 * for, or -1 when not given; numbers 0 when not given. */
struct cli_options {
    const struct cli_command *command;
    char **operands; /* owned array of borrowed words */
    size_t operand_count;

    const char *device, *model, *network, *labels, *algorithm, *layer, *cache_dir;
    const char *json_file, *probabilities, *trace, *export, *import, *print;
    const char *html, *csv, *markdown; /* "-": standard output */
    const char *from, *compare;
    bool json, allow_nan, ten_crop, no_cache, exact, explain, clear, list, quick, interleave, merge;
    bool show, exhaustive, candidates;
    bool quiet, help, version;
    size_t verbose; /* how often it was given */
    size_t batch, top, input_size, memory_limit_mib, shapes, timeout, budget;
    int precision, resize, order, color;
    struct triple mean, std, scale, time, threshold; /* the last three are one number */
};

struct cli_command {
    const char *name;
    unsigned bit;
    const char *operands; /* e.g. "IMAGE..."; "" when it takes none */
    size_t least, most;   /* operands */
    const char *summary;  /* one line */
    const char *text;     /* a paragraph */
    const char *example;
    int (*run)(const struct cli_options *options); /* returns the exit code */
};

enum option_kind {
    KIND_FLAG,    /* sets a bool */
    KIND_COUNTED, /* counts how often it is given */
    KIND_TEXT,
    KIND_NUMBER, /* a size_t from low to high */
    KIND_CHOICE, /* an int: the index in `choices` */
    KIND_WORD,   /* a text: one of `choices` */
    KIND_TRIPLE, /* three floats, or one for all */
    KIND_MEAN,   /* the same, or a mean image's file */
    KIND_FLOAT,  /* the same, but one number alone */
    KIND_JSON,   /* a flag, and a text when a value is given */
    KIND_OUTPUT, /* a text, "-" when no value is given */
};

/* What a shell offers for the value. */
enum completion {
    COMPLETE_NOTHING,
    COMPLETE_FILE,
    COMPLETE_FOLDER,
    COMPLETE_WORDS,  /* the option's choices */
    COMPLETE_NETWORK /* the built-in networks */
};

struct cli_option {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: takes none */
    const char *help;
    unsigned commands;
    enum option_kind kind;
    size_t offset;    /* in struct cli_options */
    size_t low, high; /* of KIND_NUMBER; of the kinds of floats: low 1 forbids 0 */
    enum completion completion;
    const char *choices[8]; /* NULL-terminated: the values there are, or those worth offering */
    unsigned last_choice;   /* the commands that the last of them is for; 0: all that take it */
    bool hidden;
};

/* The tables' rows; NULL past the end. */
const struct cli_command *cli_command(size_t index);
const struct cli_option *cli_option(size_t index);
/* Whether the option may stand without its value. */
bool cli_option_is_alone(const struct cli_option *option);

/* A row of what help and man page list at their end; NULL `name` ends a table. */
struct cli_note {
    const char *name, *text;
};
extern const struct cli_note cli_exit_codes[], cli_environment[];
extern const char cli_summary[];

/* Parses a command line. USAGE names the option and suggests the nearest one. The caller ends the
 * use of `*out` with cli_options_free(), also after a failure. */
enum alx_status cli_options_parse(int argc, char **argv, struct cli_options *out);
void cli_options_free(struct cli_options *options);

/* Prints the help of all, or of one command, to standard output. */
void cli_help_print(const struct cli_command *command);
/* Prints "man", "bash", "zsh" or "fish": what the installation puts in its place. */
void cli_print(const char *what);
/* completion.c's part of it. */
void cli_completion_print_bash(void);
void cli_completion_print_zsh(void);
void cli_completion_print_fish(void);

/* The commands. */
int cli_classify(const struct cli_options *options);
int cli_devices(const struct cli_options *options);
int cli_info(const struct cli_options *options);
int cli_verify(const struct cli_options *options);
int cli_convert(const struct cli_options *options);
int cli_cache(const struct cli_options *options);
int cli_eval(const struct cli_options *options);
int cli_tune(const struct cli_options *options);
int cli_bench(const struct cli_options *options);

#endif
