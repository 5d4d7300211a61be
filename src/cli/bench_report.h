/*
 * The documents of bench: bench/1, which a run leaves, and bench-merged/1, which holds several of
 * them, of other machines or other days. Everything that bench shows is made from such a document,
 * be it a minute or a year old; docs/alexnet-cl.schema.json describes both.
 */
#ifndef ALX_CLI_BENCH_REPORT_H
#define ALX_CLI_BENCH_REPORT_H

#include <alexnet_cl/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/bench.h"
#include "cli/options.h"
#include "cli/output.h"

/* --- what the command does with documents --- */

/* Whether nothing is to be measured: --from, --merge, or --compare with two files. */
bool bench_only_reads(const struct cli_options *options);
/* Does it, and returns the exit code. */
int bench_read_files(const struct cli_options *options);
/* Refuses options that contradict each other. USAGE. */
enum alx_status bench_check_options(const struct cli_options *options);
/* Reads --compare's document, NULL without, and refuses, before anything is measured, what could
 * not be compared with it: USAGE, or the file's status. `document` has all but its times. `*old` is
 * owned. */
enum alx_status bench_check_old(const json_t *document, const struct cli_options *options,
                                json_t **old);
/* Prints and writes what the options ask for: the table, JSON, CSV, Markdown, the page, or what
 * became of --compare's document. Takes `document`, which may be of either schema. Returns `code`,
 * or EXIT_SOME_FAILED in place of 0 when something cannot be written or has become slower. */
int bench_finish(json_t *document, const struct cli_options *options, int code);

/* --- reading --- */

/* Reads a document of either schema and checks all of it. The status of a file that cannot be
 * read, or MODEL for what is no such document, is damaged, or of a newer program. `*out` is owned:
 * json_decref(). */
enum alx_status bench_read(const char *path, json_t **out);
/* Puts `count` documents, read from files, into one of bench-merged/1. What was measured twice is
 * told and both are kept, the same document twice is taken once. USAGE where they measured other
 * networks. `*out` is owned. */
enum alx_status bench_merge(char *const *paths, size_t count, json_t **out);

/* The bench/1 documents in a document: itself, or those that were merged. Borrowed. */
size_t bench_part_count(const json_t *document);
const json_t *bench_part(const json_t *document, size_t index);

/* --- fields --- */

/* Whether the member is true. The others are read by the functions of bench.h. */
bool bench_true(const json_t *object, const char *key);

/* The samples of `array` that are not null; `*count` of them. Owned: free(). */
double *bench_samples(const json_t *array, size_t *count);

/* --- words --- */

/* Three significant digits, no exponent where people would not write one: "0.0108", "36.9",
 * "2,227", "3.1e-09"; "-" for NAN. */
struct cli_words cli_figures(double value);
/* A whole number, "1,024", or "-". */
struct cli_words cli_whole(double value);
/* "1.1 %" or "-". */
struct cli_words cli_percent(double value);
/* Half of what lies between two values, in percent of a third: how far to both sides it goes. */
double cli_half_width_percent(double low, double high, double middle);

/* --- renderings, each of a document of either schema --- */

/* To standard output; `verbose` 0: without layers, 1: those of one run of each device, 2: all. */
void bench_print(const json_t *document, size_t verbose);
/* Owned texts: free(). */
char *bench_csv(const json_t *document);
char *bench_markdown(const json_t *document);
char *bench_page(const json_t *document);

/* --- comparing --- */

/* Whether two documents of bench/1, of which the second need not have its times yet, are of the
 * same network and weights on the same machine; USAGE says which they are not. */
enum alx_status bench_check_comparable(const json_t *old, const json_t *new);
/* The row of `other` that is the same device as row `index` of `devices`, or NULL: both are the
 * devices of a document. Numbers and drivers may have changed meanwhile; of devices that are called
 * the same the n-th is the n-th. Borrowed. */
const json_t *bench_find_device(const json_t *other, const json_t *devices, size_t index);
/* A bench-compare/1 document of two of bench/1. A regression is a run, or a layer that takes at
 * least a hundredth of its run, that is slower by more than `threshold_percent`, in its median and
 * its quickest samples, or a device or run that was measured and now fails. USAGE where they cannot
 * be compared. `*out` is owned. */
enum alx_status bench_compare(const json_t *old, const json_t *new, double threshold_percent,
                              json_t **out);
/* What the limits measured beside say of the machine in two documents: in the same states, in
 * another one, or too little. */
enum bench_state { BENCH_SAME_STATE, BENCH_OTHER_STATE, BENCH_UNKNOWN_STATE };
/* Statistics of a run's or layer's time in two documents, old and new, as if the machine had been
 * in the same state; `out` is set where `*state` is that. The controls are the members of their
 * runs that hold the limits. `together`: see alx_statistics_in_order(). */
enum alx_status bench_same_state(const json_t *old, const json_t *old_control, const json_t *new,
                                 const json_t *new_control, size_t together,
                                 struct alx_statistics out[2], enum bench_state *state);
/* What was found, over runs and layers. */
struct bench_counts {
    size_t faster, slower, same, ambiguous, regressions;
};
struct bench_counts bench_count(const json_t *comparison);
void bench_compare_print(const json_t *comparison, size_t verbose);
char *bench_compare_markdown(const json_t *comparison); /* owned: free() */

#endif
