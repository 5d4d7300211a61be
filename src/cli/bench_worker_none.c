/*
 * Where a process cannot be forked, no device is measured: a driver that crashes or hangs would be
 * the program's end. Documents can still be compared, merged and shown.
 */
#include "cli/bench.h"
#include "cli/message.h"
#include "util/error.h"
#include "util/text.h"

static const char reason_text[] = "devices are not measured on this system yet";

int bench_discover(struct bench *bench)
{
    (void)bench;
    return cli_exit_code(
        alx_fail(ALX_STATUS_NO_DEVICE, "bench: %s; use another command", reason_text),
        EXIT_NO_DEVICE);
}

bool bench_worker_start(struct bench_worker *worker, const struct bench *bench, size_t info_index,
                        char reason[BENCH_REASON_BYTES])
{
    (void)worker, (void)bench, (void)info_index;
    alx_text_copy(reason, BENCH_REASON_BYTES, reason_text);
    return false;
}

json_t *bench_worker_ask(struct bench_worker *worker, const struct bench *bench, json_t *request,
                         const char *what, char reason[BENCH_REASON_BYTES])
{
    (void)worker, (void)bench, (void)what;
    json_decref(request);
    alx_text_copy(reason, BENCH_REASON_BYTES, reason_text);
    return NULL;
}

void bench_worker_stop(struct bench_worker *worker, const struct bench *bench)
{
    (void)worker, (void)bench;
}
