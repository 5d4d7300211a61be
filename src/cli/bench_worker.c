/*
 * The parent's side of the children: starting, asking, and finding out how they ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/message.h"
#include "cli/output.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/text.h"

enum {
    MOST_LINE_BYTES = 64 << 20, /* of a reply: a child whose memory a driver spoilt may say much */
    TICK_MS = 500,              /* between looks at the clock */
    QUIT_MS = 5000,             /* that storing compiled programs may take at the end */
};

/* --- starting --- */

/* A child that dies with its parent, in which it returns 0; -1 with errno. */
static pid_t fork_child(void)
{
    pid_t parent = getpid();
    fflush(NULL); /* so that nothing is written twice */
    pid_t pid = fork();
    if (!pid) {
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        if (getppid() != parent) /* it died in between */
            _exit(EXIT_INTERRUPTED);
    }
    return pid;
}

bool bench_worker_start(struct bench_worker *worker, const struct bench *bench, size_t info_index,
                        char reason[BENCH_REASON_BYTES])
{
    int down[2] = {-1, -1}, up[2] = {-1, -1};
    pid_t pid = -1;
    if (!pipe(down) && !pipe(up))
        pid = fork_child();
    if (!pid) {
        close(down[1]);
        close(up[0]);
        bench_child_run(bench, info_index, down[0], up[1]);
    }
    if (pid < 0)
        snprintf(reason, BENCH_REASON_BYTES, "no process for it: %s", strerror(errno));
    if (down[0] >= 0)
        close(down[0]);
    if (up[1] >= 0)
        close(up[1]);
    if (pid < 0 && down[1] >= 0)
        close(down[1]);
    if (pid < 0 && up[0] >= 0)
        close(up[0]);
    if (pid > 0)
        *worker = (struct bench_worker){.pid = pid, .requests = down[1], .replies = up[0]};
    return pid > 0;
}

/* --- ending --- */

static void forget(struct bench_worker *worker)
{
    close(worker->requests);
    close(worker->replies);
    free(worker->buffer);
    *worker = (struct bench_worker){.hung = worker->hung};
}

/* Says how a child ended whose replies have. */
static void reap(struct bench_worker *worker, char reason[BENCH_REASON_BYTES])
{
    int status = 0;
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(reason, BENCH_REASON_BYTES, "the driver crashed: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(reason, BENCH_REASON_BYTES, "the driver ended the program with code %d",
                 WEXITSTATUS(status));
    forget(worker);
}

static void kill_worker(struct bench_worker *worker)
{
    char unused[BENCH_REASON_BYTES];
    kill(worker->pid, SIGKILL);
    reap(worker, unused);
}

void bench_worker_stop(struct bench_worker *worker, const struct bench *bench)
{
    static const char quit[] = "{\"do\":\"quit\"}\n";
    struct pollfd end = {.fd = worker->replies, .events = POLLIN};
    char unused[256];
    if (!worker->pid)
        return;
    if (alx_write_all(worker->requests, quit, sizeof quit - 1) && bench)
        cli_progress("keeping what was compiled ...");
    while (poll(&end, 1, QUIT_MS) > 0 && read(worker->replies, unused, sizeof unused) > 0)
        ;
    kill_worker(worker); /* most often it is gone already */
    cli_progress_clear();
}

/* --- asking --- */

/* Takes the first whole line out of the buffer; NULL when there is none yet. Owned. */
static char *take_line(struct bench_worker *worker)
{
    char *end = worker->used ? memchr(worker->buffer, '\n', worker->used) : NULL;
    if (!end)
        return NULL;
    *end = 0;
    char *line = cli_copy(worker->buffer);
    worker->used -= (size_t)(end + 1 - worker->buffer);
    memmove(worker->buffer, end + 1, worker->used);
    return line;
}

/* Reads what is there. False at the end, or when it is too much. */
static bool read_more(struct bench_worker *worker)
{
    enum { PIECE = 1 << 16 };
    if (worker->capacity - worker->used < PIECE) {
        char *larger = cli_alloc(2 * worker->capacity + PIECE, 1, "a reply");
        if (worker->used)
            memcpy(larger, worker->buffer, worker->used);
        worker->capacity = 2 * worker->capacity + PIECE;
        free(worker->buffer);
        worker->buffer = larger;
    }
    ssize_t bytes = read(worker->replies, worker->buffer + worker->used, PIECE);
    if (bytes < 0 && errno == EINTR)
        return true;
    if (bytes <= 0 || worker->used > MOST_LINE_BYTES)
        return false;
    worker->used += (size_t)bytes;
    return true;
}

/* Seconds that a child has computed. */
static double computed_s(const struct bench_worker *worker)
{
    clockid_t clock;
    struct timespec time = {0};
    if (!clock_getcpuclockid(worker->pid, &clock))
        clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Who computes may be compiling on a busy machine: that is bounded, too, but by the time that it
 * got. Who waits for what does not come hangs. */
static bool hangs(double waited_s, double busy_s, double patience_s)
{
    const double idle = 0.02, most = 10;
    return waited_s > patience_s &&
           (busy_s < idle * waited_s || busy_s > patience_s || waited_s > most * patience_s);
}

/* The next line as JSON, when it comes within `patience_s`. NULL with a reason when not: the worker
 * is gone then. */
static json_t *next_line(struct bench_worker *worker, double patience_s, const char *what,
                         const char *at, char reason[BENCH_REASON_BYTES])
{
    struct pollfd replies = {.fd = worker->replies, .events = POLLIN};
    uint64_t start_ns = alx_clock_ns();
    double start_s = computed_s(worker);
    char *line;
    while (!(line = take_line(worker))) {
        double waited_s = (double)(alx_clock_ns() - start_ns) / 1e9;
        if (hangs(waited_s, computed_s(worker) - start_s, patience_s)) {
            worker->hung = true;
            kill_worker(worker);
            snprintf(reason, BENCH_REASON_BYTES,
                     "it hangs: no progress for %.0f s (%s); --timeout gives it more", waited_s,
                     at);
            return NULL;
        }
        if (waited_s > 1)
            cli_progress("%s%s%s (%.0f s)", what, *at ? ": " : "", at, waited_s);
        if (poll(&replies, 1, TICK_MS) > 0 && !read_more(worker)) {
            kill(worker->pid, SIGKILL); /* if it only closed its end */
            reap(worker, reason);
            return NULL;
        }
    }
    json_t *object = json_loads(line, 0, NULL);
    free(line);
    if (!object) {
        kill_worker(worker);
        snprintf(reason, BENCH_REASON_BYTES, "the driver spoilt what was measured");
    }
    return object;
}

static bool send_request(struct bench_worker *worker, json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    bool sent = alx_write_all(worker->requests, text, strlen(text)) &&
                alx_write_all(worker->requests, "\n", 1);
    free(text);
    json_decref(request);
    return sent;
}

json_t *bench_worker_ask(struct bench_worker *worker, const struct bench *bench, json_t *request,
                         const char *what, char reason[BENCH_REASON_BYTES])
{
    double patience_s = bench->timeout_s;
    char at[64] = "";
    worker->limited = false;
    cli_progress("%s ...", what);
    send_request(worker, request); /* where it is gone, reading says why */
    for (json_t *line; (line = next_line(worker, patience_s, what, at, reason));
         json_decref(line)) {
        const json_t *error = json_object_get(line, "error");
        if (json_object_get(line, "warning")) {
            cli_message(ALX_LOG_WARNING, bench_text(line, "warning"));
        } else if (json_object_get(line, "progress")) {
            double wanted_s = bench_number(line, "patience_s");
            alx_text_copy(at, sizeof at, bench_text(line, "progress"));
            patience_s = wanted_s < bench->timeout_s ? wanted_s : bench->timeout_s;
            if (strcmp(at, BENCH_RUNNING))
                cli_progress("%s%s%s ...", what, *at ? ": " : "", at);
        } else if (error) {
            alx_text_copy(reason, BENCH_REASON_BYTES, bench_text(line, "error"));
            worker->limited = json_is_true(json_object_get(line, "limited"));
            json_decref(line);
            return NULL;
        } else {
            return line;
        }
    }
    return NULL;
}

/* --- listing --- */

/* What the child that lists devices sends: this, then the devices, then the chosen indices. */
struct found {
    enum alx_status status;
    size_t info_count, chosen_count;
};

static _Noreturn void list_devices(const struct bench *bench, int out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_devices *devices = NULL;
    struct found found = {0};
    const char *spec = bench->options->device;
    size_t *chosen = NULL;
    ALX_TRY(alx_devices_create(&devices));
    found.info_count = alx_devices_count(devices);
    ALX_TRY(alx_alloc(found.info_count, sizeof *chosen, "the devices", &chosen));
    ALX_TRY(alx_devices_find_all(devices, spec ? spec : "all", chosen, found.info_count,
                                 &found.chosen_count));
error:
    found.status = status;
    bool sent = alx_write_all(out, &found, sizeof found);
    for (size_t i = 0; sent && status == ALX_STATUS_OK && i < found.info_count; i++)
        sent = alx_write_all(out, alx_devices_info(devices, i), sizeof(struct alx_device_info));
    if (sent && status == ALX_STATUS_OK)
        alx_write_all(out, chosen, found.chosen_count * sizeof *chosen);
    _exit(0);
}

/* False when it ends early. */
static bool read_all(int fd, void *out, size_t bytes, int timeout_s)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (size_t done = 0; done < bytes;) {
        if (poll(&ready, 1, timeout_s * 1000) <= 0)
            return false;
        ssize_t now = read(fd, (char *)out + done, bytes - done);
        if (now <= 0)
            return false;
        done += (size_t)now;
    }
    return true;
}

static bool read_list(struct bench *bench, int fd, struct found *found)
{
    enum { MOST_DEVICES = 4096 };
    int patience_s = (int)bench->timeout_s;
    if (!read_all(fd, found, sizeof *found, patience_s) || found->info_count > MOST_DEVICES ||
        found->chosen_count > found->info_count)
        return false;
    if (found->status != ALX_STATUS_OK)
        return true;
    bench->infos = cli_alloc(found->info_count, sizeof *bench->infos, "the devices");
    bench->chosen = cli_alloc(found->chosen_count, sizeof *bench->chosen, "the devices");
    bench->info_count = found->info_count;
    bench->chosen_count = found->chosen_count;
    return read_all(fd, bench->infos, bench->info_count * sizeof *bench->infos, patience_s) &&
           read_all(fd, bench->chosen, bench->chosen_count * sizeof *bench->chosen, patience_s);
}

int bench_discover(struct bench *bench)
{
    struct bench_worker lister = {0};
    char reason[BENCH_REASON_BYTES] = "";
    struct found found = {0};
    int up[2];
    cli_progress("looking for devices ...");
    pid_t pid = pipe(up) ? -1 : fork_child();
    if (pid < 0)
        return cli_exit_code(alx_fail(ALX_STATUS_INTERNAL,
                                      "bench: no process for listing devices: %s", strerror(errno)),
                             EXIT_DEVICE);
    if (!pid)
        list_devices(bench, up[1]);
    close(up[1]);
    bool listed = read_list(bench, up[0], &found);
    lister = (struct bench_worker){.pid = pid, .requests = -1, .replies = up[0]};
    if (!listed) /* it has died, or hangs */
        kill(pid, SIGKILL);
    reap(&lister, reason);
    cli_progress_clear();
    if (listed)
        return cli_exit_code(found.status, EXIT_NO_DEVICE); /* the child has said why */
    return cli_exit_code(alx_fail(ALX_STATUS_DEVICE,
                                  "bench: the devices cannot be listed: %s; leave out the platform "
                                  "that does it by OCL_ICD_VENDORS",
                                  reason),
                         EXIT_DEVICE);
}
