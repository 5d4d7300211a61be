/*
 * What bench tells, as tables: the terminal, Markdown and the page show the same ones.
 */
#ifndef ALX_CLI_BENCH_TABLES_H
#define ALX_CLI_BENCH_TABLES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/output.h"
#include "util/text.h"

/* Each fills a table, which cli_table_print() or cli_table_free() ends. Units stand in the titles,
 * "-" is what is not known. */

/* The devices of one piece of hardware, or those of a document of either schema with a row at the
 * head of each piece: one row a driver and precision. */
void bench_hardware_table(const json_t *part, size_t piece, struct cli_table *out);
void bench_devices_table(const json_t *document, struct cli_table *out);
/* The layers of one run; more: with the parameters of the algorithms, with the range of times. */
enum bench_detail { BENCH_TIMES, BENCH_PARAMETERS, BENCH_EVERYTHING };
void bench_layers_table(const json_t *run, enum bench_detail detail, struct cli_table *out);
/* What the devices of a bench/1 document can do at most. */
void bench_limits_table(const json_t *part, struct cli_table *out);
/* How the results of each run of a device compare with the reference. */
void bench_checks_table(const json_t *device, struct cli_table *out);
/* The runs of a device: times, range, what came before the first answer. */
void bench_runs_table(const json_t *device, struct cli_table *out);
/* The search for the best batch. */
void bench_batches_table(const json_t *device, struct cli_table *out);
/* Everything that is known of a device, or of the machine and the versions: name and value. */
void bench_properties_table(const json_t *device, struct cli_table *out);
void bench_versions_table(const json_t *part, struct cli_table *out);

/* --- parts of them: bench_parts.c --- */

struct cli_line {
    char text[256];
};
/* "PoCL" for "Portable Computing Language"; borrowed. */
const char *bench_platform(const json_t *device);
/* "PoCL 3.1": through which driver a piece of hardware is used. */
struct cli_line bench_driver(const json_t *device);
/* "AMD EPYC, cpu, 2 units at 2,596 MHz, 21.5 GiB". */
struct cli_line bench_hardware(const json_t *part, size_t piece);
/* "fp32 batch 16". */
struct cli_line bench_run_name(const json_t *run);
/* "AMD EPYC, 2 processors, 7.8 GiB, Linux 6.1". */
struct cli_line bench_host(const json_t *part);
/* "failed at fp32 batch 1: the driver crashed", "skipped: it has no compiler", or "". */
struct cli_line bench_reason(const json_t *device);

/* The run of a precision with batch 1 (`best`: with the most images a second) that went well, or
 * NULL. Borrowed. */
const json_t *bench_find_run(const json_t *device, const char *precision, bool best);
/* The run that stands for a device where one must do: float32, one image; else the first one that
 * went well, or NULL. Borrowed. */
const json_t *bench_main_run(const json_t *device);
/* "right", "WRONG", or "-" where there is no check. */
const char *bench_verdict(const json_t *check);

/* Puts the runs of all devices in the order of precision and batch, whatever that of measuring. */
void bench_order_runs(const json_t *document);

/* Calls `found` with the devices of each piece of hardware in turn; `first` with the first of each.
 */
typedef void bench_device_fn(void *user, const json_t *part, const json_t *device, bool first);
void bench_each_device(const json_t *document, bench_device_fn *found, void *user);

/* An array of texts in one, with `between` between two. */
void bench_add_joined(struct alx_text *out, const json_t *texts, const char *between);
/* Every note on what makes times doubtful. `subject` is what it is about: of a device's notes
 * some of its runs or "" for all, of a document's also the device, and "" for the machine. */
typedef void bench_note_fn(void *user, const char *subject, const char *note);
void bench_each_device_note(const json_t *device, bench_note_fn *found, void *user);
void bench_each_note(const json_t *part, bench_note_fn *found, void *user);

extern const char *const bench_precisions[]; /* ends with NULL */

#endif
