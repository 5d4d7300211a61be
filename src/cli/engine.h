/*
 * What runs a network: device, model, plan and session, as the command line wants them.
 */
#ifndef ALX_CLI_ENGINE_H
#define ALX_CLI_ENGINE_H

#include <alexnet_cl/alexnet_cl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

#include "cli/options.h"
#include "util/text.h"

/* Where the time went. */
struct cli_times {
    uint64_t start_ns, discover_ns, model_ns, decode_ns, run_ns;
    uint64_t first_run_ns; /* of these; a driver may compile even then */
    size_t images, first_images;
};

struct cli_engine {
    alx_device *device; /* owned, like the rest */
    alx_model *model;
    alx_net *resized;   /* NULL unless --input-size changed it */
    const alx_net *net; /* borrowed: that one, or the model's */
    alx_plan *plan;
    alx_session *session;
    alx_decoder *decoder;
    struct alx_preprocess preprocess; /* the model's, with what was overridden */
    struct alx_mean_image mean_image; /* --mean's */
    enum alx_precision precision;
    size_t batch, classes, input_elems;
    size_t views;   /* of an image: 1, or 10 with --ten-crop */
    float *inputs;  /* [batch, views, C, H, W] */
    float *outputs; /* [batch, classes]; while views are averaged, [batch, views, classes] */
    struct cli_times times;
    /* A batch that runs in a thread of its own; of the rest only run times are touched meanwhile.
     */
    struct cli_running {
        pthread_t thread;
        bool active;
        float *inputs; /* owned: what it reads, while others are put into the engine's */
        size_t count;
        enum alx_status status; /* of the last batch, after which no other starts when it failed */
        char *message;          /* owned: why it failed */
    } running;
};

/* What the command line says of plans, but for batch and precision, with the tunings that the
 * device may have; `*tunings` is owned and must live until the plan is made. NULL with --no-cache.
 */
enum alx_status cli_plan_options(const struct cli_options *options, struct alx_plan_options *how,
                                 alx_tunings **tunings);
/* --precision, float32 where it is not given. */
enum alx_precision cli_precision(const struct cli_options *options);

/* Opens it all; `batch` is used where --batch is not given. The decoder's child starts before
 * anything touches OpenCL. Returns an exit code; close it in any case. */
int cli_engine_open(struct cli_engine *engine, const struct cli_options *options, size_t batch);
void cli_engine_close(struct cli_engine *engine);

/* Preprocesses the views of a picture into place `slot` of the batch. */
enum alx_status cli_engine_put(struct cli_engine *engine, const char *what,
                               const struct alx_image *image, size_t slot);
/* Decodes a file and puts it. */
enum alx_status cli_engine_put_file(struct cli_engine *engine, const char *path, size_t slot);
/* Runs the first `count` places; `outputs` holds the answers. */
enum alx_status cli_engine_run(struct cli_engine *engine, size_t count);
/* Has the first `count` places run while the next batch is put. The first batch, and one for which
 * there is no thread, is run at once. Finish it before another one is started or run. */
void cli_engine_start(struct cli_engine *engine, size_t count);
/* Waits for the batch that was started, if any, and returns the last one's status; `outputs` holds
 * its answers, or running.message says why there are none. */
enum alx_status cli_engine_finish(struct cli_engine *engine);
/* What an image took in the runs after the first, or in that one when it was alone. */
uint64_t cli_engine_image_ns(const struct cli_engine *engine);
/* Whether the answer in place `slot` is finite; says so as an error of `what` when it is not. */
enum alx_status cli_engine_check(const struct cli_engine *engine, const char *what, size_t slot);

/* Indices of the `count` largest of `classes` values, falling; equal ones in their order. */
void cli_top(const float *values, size_t classes, size_t *top, size_t count);

/* What --explain prints, and the same as JSON. */
void cli_explain_print(const struct cli_engine *engine);
json_t *cli_explain_json(const struct cli_engine *engine);

/* Of a plan: bytes of weights that do not stay on the device and are sent at every run. */
uint64_t cli_streamed_bytes(const alx_plan *plan);
/* Adds device, model, precision and what streaming costs, for the last line. */
void cli_engine_names(const struct cli_engine *engine, struct alx_text *text);
/* Adds what documents about runs have in common: device, model, precision, batch, times,
 * programs, plan, streamed weights. */
void cli_engine_add_json(const struct cli_engine *engine, const struct cli_options *options,
                         json_t *document);

#endif
