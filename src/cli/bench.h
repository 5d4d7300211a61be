/*
 * alexnet-cl bench, part by part.
 *
 * The program itself never calls OpenCL: a child lists the devices, and each device is measured by
 * a child of its own, so that a driver which crashes or hangs takes nothing else along. Children
 * are forked, not executed anew: model, images and answers are there already, and no driver's
 * threads are, as none runs in the parent.
 *
 * What is found is put into the document at once; every form of output is made from that.
 */
#ifndef ALX_CLI_BENCH_H
#define ALX_CLI_BENCH_H

#include <alexnet_cl/alexnet_cl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/options.h"

enum { BENCH_REASON_BYTES = 512, BENCH_PRECISIONS = 3 };

/* The progress that a child sends while it takes samples. */
#define BENCH_RUNNING "running"

/* --- what is measured: bench.c --- */

struct bench {
    const struct cli_options *options;
    alx_model *model; /* owned, like the rest */
    float *images;    /* [image_count, C, H, W] */
    size_t image_count, input_elems;
    alx_answers *answers; /* with float32 weights; other precisions are made where the plan is */
    struct alx_device_info *infos;
    size_t *chosen; /* indices in `infos` of the devices to measure, in the order of measuring */
    size_t info_count, chosen_count;
    json_t *document, *rows; /* the second is borrowed from the first: one for each of `infos` that
                                is shown */
    json_t *old;             /* owned: --compare's document, or NULL */
    uint64_t seed;
    enum alx_precision precisions[BENCH_PRECISIONS]; /* in the order of measuring */
    size_t precision_count;
    uint64_t time_ns, warm_up_ns, search_ns; /* at most, for a measurement */
    double interval;                         /* that is wanted, as a part of the median */
    size_t most_batch;                       /* that is tried */
    size_t visits;                 /* of each measurement, some time apart; they share its time */
    unsigned timeout_s;            /* without progress; then a child is given up */
    struct alx_host_state started; /* how it was when the program began */
    json_t *trace;                 /* owned: events, or NULL */
};

/* --- a device's child: bench_worker.c, and bench_child.c on its other side --- */

/* Requests and replies are JSON, one a line; bench_child.c lists them. */
struct bench_worker {
    pid_t pid; /* 0: none runs */
    int requests, replies;
    char *buffer; /* of replies that were begun */
    size_t used, capacity;
    bool hung;    /* it was ended for that */
    bool limited; /* what was asked for last failed, as it needs more memory than there is */
};

/* Lists the devices in a child and finds those that --device names (all, when it is not given).
 * Returns an exit code; what was wrong is printed. */
int bench_discover(struct bench *bench);

/* Starts a child for a device; false, with a reason, when there can be none. */
bool bench_worker_start(struct bench_worker *worker, const struct bench *bench, size_t info_index,
                        char reason[BENCH_REASON_BYTES]);
/* Asks and waits for the answer; `what` is shown meanwhile. `request` is taken. NULL with a reason:
 * it crashed, hung, or what was asked for failed; in the latter case it still runs. */
json_t *bench_worker_ask(struct bench_worker *worker, const struct bench *bench, json_t *request,
                         const char *what, char reason[BENCH_REASON_BYTES]);
/* Lets it end well, or ends it. */
void bench_worker_stop(struct bench_worker *worker, const struct bench *bench);

/* Serves requests for device `info_index` until there are no more; never returns. */
_Noreturn void bench_child_run(const struct bench *bench, size_t info_index, int requests,
                               int replies);

/* --- measuring: bench_measure.c --- */

/* Measures devices, whose entries are in bench->rows: one after the other, or interleaved. */
void bench_measure_all(struct bench *bench);

/* --- the document: bench_document.c --- */

/* Everything but the devices' results; rows of devices that cannot be measured are skipped ones.
 * Returns an exit code. */
int bench_document_begin(struct bench *bench);
/* The entry of a device, borrowed. */
json_t *bench_row(const struct bench *bench, size_t info_index);
/* Sets median, percentiles, interval and the raw samples of `samples` in ms, NAN where
 * impossible. */
struct alx_statistics bench_set_spread(json_t *object, const double *samples, size_t count);
/* What a run has before it is measured: nothing known. */
json_t *bench_new_run(enum alx_precision precision, size_t batch);
/* What can be computed when runs and layers have their times: rates, limits, sums. */
void bench_document_finish(struct bench *bench);
/* The exit code that the devices' results stand for. */
int bench_document_code(const struct bench *bench);
/* The system's state. */
json_t *bench_state_json(const struct alx_host_state *state);
/* Notes what others did between a state and now, when no child of this process runs; `when` ends
 * the sentence. */
void bench_note_others(json_t *notes, const struct alx_host_state *before, const char *when);

/* --- reading documents: bench_read.c --- */

/* Members of objects; NAN, "" or an empty array where there is nothing of the kind. Borrowed. */
double bench_number(const json_t *object, const char *key);
const char *bench_text(const json_t *object, const char *key);
const json_t *bench_array(const json_t *object, const char *key);
bool bench_is(const json_t *object, const char *key, const char *text);

/* Whether a limit is measured beside each turn of samples, too. */
bool bench_is_control(enum alx_limit limit);

/* --- showing: bench_trace.c; documents: bench_report.h --- */

/* Writes Chrome's trace format: bench->trace. */
enum alx_status bench_write_trace(const struct bench *bench, const char *path);

#endif
