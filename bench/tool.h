/*
 * What the programs of this folder share: words of a command line, and ends.
 */
#ifndef ALX_BENCH_TOOL_H
#define ALX_BENCH_TOOL_H

#include <alexnet_cl/session.h>

/* Each program defines its own. */
struct tool {
    const char *name;  /* in messages */
    const char *usage; /* with its line ends */
};
extern const struct tool tool;

/* Ends the program with the library's message, unless `status` is OK. */
void tool_check(enum alx_status status);
/* Prints the usage and ends the program. */
_Noreturn void tool_wrong_usage(void);
/* 1 to `most`; anything else is wrong usage. */
size_t tool_number(const char *text, size_t most);
enum alx_precision tool_precision(const char *text);
/* Zeros, owned; ends the program when there is no memory. */
float *tool_values(size_t count);
/* `count` images of a network whose values differ; owned. */
float *tool_images(const alx_net *net, size_t count);
/* Values of `count` images' outputs, zeros; owned. */
float *tool_outputs(const alx_net *net, size_t count);

#endif
