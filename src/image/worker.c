/* The decoder's processes: the starter, and the worker with its limits. */
#include <alexnet_cl/image.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alx_config.h"
#include "image/channel.h"
#include "image/worker.h"
#include "util/error.h"
#include "util/memory.h"

#if ALX_HAVE_SECCOMP
#include <seccomp.h>
#endif

/* A sanitizer maps terabytes, and writes a report before it ends the process. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum {
    CONTROL_FD = 3,
    /* A worker that has used half of its time retires after its picture. */
    PROCESSOR_SECONDS = 60,
    RETIREMENT_SECONDS = 30,
};
/* Above what the process has mapped already: the file twice, the decoder's own limit, the picture
 * twice. */
static const rlim_t address_space_bytes = (rlim_t)3 << 30;

static void reply(int socket, enum alx_status status, const struct alx_image *image, bool retiring)
{
    const char *message = status ? alx_error_message() : "";
    struct alx_decode_reply header = {
        .status = status,
        .message_bytes = (uint32_t)alx_min(strlen(message), ALX_DECODE_MESSAGE_BYTES),
        .width = image->width,
        .height = image->height,
        .retiring = retiring,
    };
    if (alx_channel_send(socket, &header, sizeof header, UINT64_MAX) != ALX_CHANNEL_OK)
        return;
    if (status)
        alx_channel_send(socket, message, header.message_bytes, UINT64_MAX);
    else
        alx_channel_send(socket, image->rgb, 3 * image->width * image->height, UINT64_MAX);
}

void alx_worker_serve(int socket, long processor_seconds)
{
    bool retiring = false;
    struct alx_decode_request request;
    while (!retiring &&
           alx_channel_receive(socket, &request, sizeof request, UINT64_MAX) == ALX_CHANNEL_OK) {
        enum alx_status status = ALX_STATUS_OK;
        struct alx_image image = {0};
        uint8_t *data = NULL;
        ALX_TRY(alx_alloc(request.bytes, 1, "a picture", &data));
        if (alx_channel_receive(socket, data, request.bytes, UINT64_MAX) != ALX_CHANNEL_OK) {
            free(data);
            return;
        }
        /* The program puts the name in front: it stays out of this process. */
        ALX_TRY(alx_image_decode("", data, request.bytes, &image));
    error:
        /* What has not been received stands in the way of the next request. */
        retiring = !data || clock() / CLOCKS_PER_SEC >= processor_seconds;
        reply(socket, status, &image, retiring);
        alx_image_free(&image);
        free(data);
    }
}

static void limit(int resource, rlim_t value)
{
    struct rlimit now;
    if (getrlimit(resource, &now))
        return;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > value)
        now.rlim_max = value;
    now.rlim_cur = now.rlim_max;
    setrlimit(resource, &now);
}

/* What the process has mapped now, in bytes. */
static size_t mapped_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

#if ALX_HAVE_SECCOMP
/* Memory, the one socket, and the end of the process. */
static bool add_rules(scmp_filter_ctx filter, int socket)
{
    static const int plain[] = {
        SCMP_SYS(brk),          SCMP_SYS(clock_gettime), SCMP_SYS(exit),
        SCMP_SYS(exit_group),   SCMP_SYS(futex),         SCMP_SYS(getrandom),
        SCMP_SYS(madvise),      SCMP_SYS(mremap),        SCMP_SYS(munmap),
        SCMP_SYS(poll),         SCMP_SYS(ppoll),         SCMP_SYS(restart_syscall),
        SCMP_SYS(rt_sigreturn),
    };
    static const int mapping[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
    static const int talking[] = {SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(recv),
                                  SCMP_SYS(send)};
    const struct scmp_arg_cmp not_executable = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};
    const struct scmp_arg_cmp on_socket = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)socket};
    const struct scmp_arg_cmp on_error = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = STDERR_FILENO};
    const struct {
        const int *calls;
        size_t count;
        const struct scmp_arg_cmp *condition;
    } rules[] = {
        {plain, sizeof plain / sizeof *plain, NULL},
        {mapping, sizeof mapping / sizeof *mapping, &not_executable},
        {talking, sizeof talking / sizeof *talking, &on_socket},
        {(const int[]){SCMP_SYS(write)}, SANITIZED, &on_error},
        {(const int[]){SCMP_SYS(sigaltstack)}, SANITIZED, NULL},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        for (size_t j = 0; j < rules[i].count; j++)
            failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].calls[j],
                                             rules[i].condition ? 1 : 0, rules[i].condition);
    return !failed;
}

static void filter_system_calls(int socket)
{
    scmp_filter_ctx filter =
        seccomp_init(SANITIZED ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return;
    if (add_rules(filter, socket))
        seccomp_load(filter); /* a kernel that cannot leaves the limits alone */
    seccomp_release(filter);
}
#endif

void alx_worker_confine(int socket)
{
    size_t mapped = mapped_bytes();
    if (!SANITIZED)
        limit(RLIMIT_AS, (rlim_t)mapped + address_space_bytes);
    limit(RLIMIT_CPU, PROCESSOR_SECONDS);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_NOFILE, 1); /* poll() wants to be allowed as many as it looks at */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#if ALX_HAVE_SECCOMP
    filter_system_calls(socket);
#else
    (void)socket;
#endif
}

static _Noreturn void work(int socket, pid_t starter)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != starter)
        _exit(0); /* it ended before the line above */
    close(CONTROL_FD);
    alx_worker_confine(socket);
    alx_worker_serve(socket, RETIREMENT_SECONDS);
    _exit(0);
}

/* Ends the worker and tells how it ended; one that is dead already keeps its own end. */
static int end_worker(pid_t worker)
{
    int end = 0;
    if (worker <= 0)
        return -1;
    kill(worker, SIGKILL);
    while (waitpid(worker, &end, 0) < 0 && errno == EINTR)
        ;
    return end;
}

/* Sends the notice, and with it the program's end of the worker's socket. */
static bool send_notice(const struct alx_worker_notice *notice, int socket)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec data = {.iov_base = (void *)(uintptr_t)notice, .iov_len = sizeof *notice};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (socket >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof socket);
        memcpy(CMSG_DATA(header), &socket, sizeof socket);
    }
    return sendmsg(CONTROL_FD, &message, MSG_NOSIGNAL) == (ssize_t)sizeof *notice;
}

static pid_t start_worker(int *program_end, int *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        *error = errno;
        return -1;
    }
    pid_t starter = getpid();
    pid_t worker = fork();
    if (worker == 0) {
        close(ends[0]);
        work(ends[1], starter);
    }
    *error = worker < 0 ? errno : 0;
    close(ends[1]);
    *program_end = ends[0];
    return worker;
}

static void close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0u, 0) == 0)
        return;
#endif
    for (int fd = first; fd < sysconf(_SC_OPEN_MAX); fd++)
        close(fd);
}

/* Does nothing but interrupt a wait. */
static void wake(int number)
{
    (void)number;
}

/* Takes nothing of the program's along: its files, signal handlers and messages. */
static void let_go(int control)
{
    alx_log_set(NULL, NULL);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    /* Ctrl-C goes to the whole terminal group; the program decides what it means. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    /* The end of the thread that made the decoder raises it, too: the program may live on. */
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = wake}, NULL);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int high = fcntl(control, F_DUPFD, CONTROL_FD + 1); /* out of the way of 0 to 3 */
    if (high < 0 || dup2(high, CONTROL_FD) < 0)
        _exit(1);
    close_from(CONTROL_FD + 1);
    int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0)
        return;
    for (int fd = 0; fd <= (SANITIZED ? STDOUT_FILENO : STDERR_FILENO); fd++)
        dup2(nothing, fd);
    if (nothing > CONTROL_FD)
        close(nothing);
}

_Noreturn void alx_starter_run(int control, pid_t program)
{
    pid_t worker = -1;
    char request;
    let_go(control);
    while (getppid() == program) {
        ssize_t got = recv(CONTROL_FD, &request, 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        int socket = -1, error = 0;
        struct alx_worker_notice notice = {.old_end = end_worker(worker)};
        worker = start_worker(&socket, &error);
        notice.pid = worker;
        notice.error = error;
        bool sent = send_notice(&notice, socket);
        if (socket >= 0)
            close(socket);
        if (!sent)
            break;
    }
    end_worker(worker);
    _exit(0);
}
