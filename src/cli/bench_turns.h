/*
 * One measurement of a group of devices: a session that is prepared, warmed up and sampled.
 */
#ifndef ALX_CLI_BENCH_TURNS_H
#define ALX_CLI_BENCH_TURNS_H

#include "cli/bench.h"

enum {
    BENCH_LEAST_SAMPLES = 10,
    BENCH_MOST_SAMPLES = 1000,
    BENCH_MOST_LAYER_SAMPLES = 200, /* of which each is as many numbers as there are layers */
};

/* A device while it is measured. */
struct bench_subject {
    size_t info_index;
    const struct alx_device_info *info;
    json_t *row; /* borrowed: its entry of the document */
    struct bench_worker worker;
    size_t crashes;
    bool given_up;
    /* of the precision at hand */
    size_t best_batch;
    double best_rate;
    bool searching;
    /* of the measurement at hand */
    bool active, warm, untried;
    size_t batch;
    json_t *prepared; /* owned: what the child said of the session */
    json_t *layers;   /* owned: arrays of samples, or NULL */
    double *samples;  /* owned, ms, BENCH_MOST_SAMPLES of them */
    size_t count;
    double last_ms; /* median of the turn before, while warming up */
    double joule;
    uint64_t used_ns, images;
    char reason[BENCH_REASON_BYTES]; /* why it ended early */
};

/* What is measured of every subject of a group. */
struct bench_task {
    enum alx_precision precision;
    bool profiling;
    uint64_t time_ns, warm_up_ns;
    double interval;
};

struct bench_group {
    struct bench *bench;
    struct bench_subject *subjects;
    size_t count;
};

/* How far it is. */
struct bench_progress {
    size_t done, all; /* measurements */
    uint64_t start_ns;
};
extern struct bench_progress bench_progress;

/* Asks a subject's child, which is started if none runs. Returns the reply, owned; NULL with the
 * subject's reason. `what` is shown. */
json_t *bench_ask(const struct bench_group *group, struct bench_subject *subject, json_t *request,
                  const char *what);
/* To be called after a failure: counts children that died, and gives up what hangs or dies often.
 */
void bench_note_death(struct bench_subject *subject);
/* Makes the subject's entry a failed one, for its reason; the first one stays. */
void bench_set_failed(struct bench_subject *subject, const char *phase);

/* Measures every subject whose `batch` is not 0; what came out is in each: samples, or a reason. */
void bench_measure(const struct bench_group *group, const struct bench_task *task);

#endif
