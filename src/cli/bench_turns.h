/*
 * One measurement of a group of devices: a session that is prepared, warmed up and sampled.
 */
#ifndef ALX_CLI_BENCH_TURNS_H
#define ALX_CLI_BENCH_TURNS_H

#include "cli/bench.h"

enum {
    BENCH_LEAST_SAMPLES = 10,
    BENCH_LEAST_TURNS = 2, /* of a visit, so that no short while decides */
    BENCH_MOST_SAMPLES = 1000,
    BENCH_MOST_LAYER_SAMPLES = 240, /* of which each is as many numbers as there are layers */
};

/* What was taken of a device in one way, over all visits. Owned, like all in it. */
struct bench_taken {
    enum alx_precision precision;
    size_t batch;
    bool profiling;
    json_t *prepared; /* what the child said of the first session */
    double *samples;  /* ms, BENCH_MOST_SAMPLES of them */
    size_t count;
    json_t *layers;  /* arrays of samples, or NULL */
    json_t *control; /* of limits, each turn's; or NULL */
    double joule;
    uint64_t images, used_ns;
    char reason[BENCH_REASON_BYTES]; /* why it ended early */
    struct bench_taken *next;
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
    size_t batch, turns;
    double last_ms; /* median of the turn before, while warming up */
    uint64_t used_ns;
    struct bench_taken *taken;       /* borrowed from the list */
    char reason[BENCH_REASON_BYTES]; /* why it ended early */
    struct bench_taken *list;        /* owned */
};

/* What is measured of every subject of a group. */
struct bench_task {
    enum alx_precision precision;
    bool profiling;
    size_t visit, visits; /* which one of how many; each has its part of the time */
    size_t least_turns;
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

/* What was taken of a subject; NULL where nothing was tried. */
struct bench_taken *bench_find_taken(const struct bench_subject *subject,
                                     enum alx_precision precision, size_t batch, bool profiling);
void bench_free_taken(struct bench_subject *subject);

/* Measures every subject whose `batch` is not 0; what came out is in `taken` of each: samples,
 * those of earlier visits among them, or a reason. */
void bench_measure(const struct bench_group *group, const struct bench_task *task);

#endif
