/* The decoder process: what it decodes, what it refuses, what it may do, and what becomes of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alx_config.h"
#include "image/channel.h"
#include "image/decoder.h"
#include "image/worker.h"
#include "support/files.h"
#include "support/pictures.h"
#include "support/test.h"
#include "util/clock.h"

static const char good[] = "rgb420.jpg";

static alx_decoder *create(void)
{
    alx_decoder *decoder = NULL;
    assert_ok(alx_decoder_create(&decoder));
    assert_true(alx_decoder_worker(decoder) > 0);
    return decoder;
}

/* The decoder decodes the good picture as this process does. */
static void assert_works(alx_decoder *decoder)
{
    struct alx_image image = {0}, expected = {0};
    size_t bytes = 0;
    uint8_t *data = test_picture_read(good, &bytes);
    assert_ok(alx_decoder_decode_bytes(decoder, good, data, bytes, &image));
    assert_ok(alx_image_decode(good, data, bytes, &expected));
    assert_int_equal(test_picture_difference(&image, &expected), 0);
    alx_image_free(&image);
    alx_image_free(&expected);
    free(data);
}

static size_t open_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* The value behind `key` in /proc/PID/FILE, -1 when there is none. */
static long proc_value(pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    long value = -1;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *stream = fopen(path, "r");
    while (stream && fgets(line, sizeof line, stream))
        if (!strncmp(line, key, strlen(key)))
            value = strtol(line + strlen(key), NULL, 10);
    if (stream)
        fclose(stream);
    return value;
}

/* Not gone, and not a zombie that has yet to be reaped. */
static bool is_alive(pid_t pid)
{
    return kill(pid, 0) == 0 && proc_value(pid, "status", "State:\tZ") < 0;
}

static bool dies_soon(pid_t pid)
{
    for (int i = 0; i < 500 && is_alive(pid); i++)
        usleep(10000);
    return !is_alive(pid);
}

static void pictures_are_decoded(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    pid_t worker = alx_decoder_worker(decoder);
    for (size_t i = 0; i < test_picture_count; i++) {
        const char *name = test_pictures[i].name;
        struct alx_image image = {0}, expected = test_picture_expected(name);
        assert_ok(alx_decoder_decode_file(decoder, test_picture_path(name), &image));
        assert_true(test_picture_difference(&image, &expected) <= test_pictures[i].most_difference);
        alx_image_free(&image);
        alx_image_free(&expected);
    }
    assert_int_equal(alx_decoder_worker(decoder), worker);
    alx_decoder_destroy(&decoder);
    assert_null(decoder);
    alx_decoder_destroy(&decoder);
    assert_false(is_alive(worker));
}

static void large_pictures_pass_the_socket(void **state)
{
    (void)state;
    enum { WIDTH = 3000, HEIGHT = 2000 };
    static const char text[] = "P6\n3000 2000\n255\n";
    size_t header = sizeof text - 1;
    alx_decoder *decoder = create();
    struct alx_image image = {0};
    uint8_t *data = malloc(header + 3 * WIDTH * HEIGHT);
    assert_non_null(data);
    memcpy(data, text, header);
    for (size_t i = 0; i < 3 * WIDTH * HEIGHT; i++)
        data[header + i] = (uint8_t)(i * i >> 7);
    assert_ok(
        alx_decoder_decode_bytes(decoder, "large", data, header + 3 * WIDTH * HEIGHT, &image));
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    assert_memory_equal(image.rgb, data + header, 3 * WIDTH * HEIGHT);
    alx_image_free(&image);
    free(data);
    alx_decoder_destroy(&decoder);
}

static void standard_input_is_read(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    struct alx_image image = {0}, expected = test_picture_expected(good);
    int before = dup(STDIN_FILENO);
    int file = open(test_picture_path(good), O_RDONLY);
    assert_true(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    assert_ok(alx_decoder_decode_file(decoder, "-", &image));
    assert_true(test_picture_difference(&image, &expected) <= 3);
    assert_fails(alx_decoder_decode_file(decoder, "-", &image), ALX_STATUS_IMAGE_EMPTY,
                 "standard input: the file is empty");
    dup2(before, STDIN_FILENO);
    close(before);
    close(file);
    alx_image_free(&image);
    alx_image_free(&expected);
    alx_decoder_destroy(&decoder);
}

static void what_is_no_picture_is_refused(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    pid_t worker = alx_decoder_worker(decoder);
    struct alx_image image = {0};
    const char *large = test_files_write_text("large.png", "");
    assert_int_equal(truncate(large, ALX_IMAGE_MAX_FILE_BYTES + 1), 0);
    const struct {
        const char *path;
        enum alx_status status;
        const char *part;
    } cases[] = {
        {"/nowhere/at all.png", ALX_STATUS_FILE_NOT_FOUND, "/nowhere/at all.png: "},
        {"/tmp", ALX_STATUS_FILE_IS_FOLDER, "/tmp: is a folder"},
        {large, ALX_STATUS_IMAGE_TOO_LARGE, "64 MiB"},
        {test_files_write_text("empty.png", ""), ALX_STATUS_IMAGE_EMPTY, "empty.png: the file is"},
        {test_files_write_text("text.png", "a text"), ALX_STATUS_IMAGE_UNSUPPORTED,
         "text.png: text, which is not read"},
        {test_files_write("half.png", "\x89PNG\r\n\x1a\n\0\0", 10), ALX_STATUS_IMAGE_CORRUPT,
         "half.png: damaged PNG: it ends early"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(alx_decoder_decode_file(decoder, cases[i].path, &image), cases[i].status,
                     cases[i].part);
    assert_fails(alx_decoder_decode_bytes(decoder, "much", (const uint8_t *)"", SIZE_MAX, &image),
                 ALX_STATUS_IMAGE_TOO_LARGE, "much: larger than the limit");
    assert_null(image.rgb);
    assert_int_equal(alx_decoder_worker(decoder), worker);
    assert_works(decoder);
    alx_decoder_destroy(&decoder);
}

static void a_dead_worker_is_replaced(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    for (int round = 0; round < 20; round++) {
        struct alx_image image = {0};
        pid_t worker = alx_decoder_worker(decoder);
        assert_int_equal(kill(worker, round % 2 ? SIGKILL : SIGTERM), 0);
        if (round % 4 < 2) /* it is found dead; else it dies while it is asked */
            assert_true(dies_soon(worker));
        enum alx_status status = alx_decoder_decode_file(decoder, test_picture_path(good), &image);
        assert_true(status == ALX_STATUS_OK ||
                    (round % 4 >= 2 && status == ALX_STATUS_IMAGE_CORRUPT));
        alx_image_free(&image);
        assert_works(decoder);
        assert_int_not_equal(alx_decoder_worker(decoder), worker);
    }
    alx_decoder_destroy(&decoder);
}

static void a_worker_that_hangs_is_replaced(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    struct alx_image image = {0};
    pid_t worker = alx_decoder_worker(decoder);
    assert_int_equal(kill(worker, SIGSTOP), 0);
    alx_decoder_set_timeout(decoder, 100);
    uint64_t begin = alx_clock_ns();
    assert_fails(alx_decoder_decode_file(decoder, test_picture_path(good), &image),
                 ALX_STATUS_IMAGE_CORRUPT, "rgb420.jpg: not decoded within");
    assert_true(alx_clock_ns() - begin < 5000000000);
    assert_false(is_alive(worker));
    alx_decoder_set_timeout(decoder, 60000);
    assert_works(decoder);
    alx_decoder_destroy(&decoder);
}

/* Ends the process in a while, from another one. */
static pid_t kill_later(pid_t worker)
{
    pid_t killer = fork();
    if (killer == 0) {
        usleep(50000);
        kill(worker, SIGKILL);
        _exit(0);
    }
    return killer;
}

static void a_worker_that_dies_of_a_picture_is_one_failed_picture(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    struct alx_image image = {0};
    pid_t worker = alx_decoder_worker(decoder);
    assert_int_equal(kill(worker, SIGSTOP), 0); /* so that it does not finish before */
    pid_t killer = kill_later(worker);
    assert_fails(alx_decoder_decode_file(decoder, test_picture_path(good), &image),
                 ALX_STATUS_IMAGE_CORRUPT, "ended by signal 9");
    assert_null(image.rgb);
    waitpid(killer, NULL, 0);
    assert_works(decoder);
    alx_decoder_destroy(&decoder);
}

static void nothing_leaks_through_replacements(void **state)
{
    (void)state;
    size_t before = open_files();
    for (int round = 0; round < 3; round++) {
        alx_decoder *decoder = create();
        size_t created = open_files();
        for (int i = 0; i < 5; i++) {
            kill(alx_decoder_worker(decoder), SIGKILL);
            struct alx_image image = {0};
            alx_decoder_decode_file(decoder, test_picture_path("bad_text.png"), &image);
            assert_works(decoder);
        }
        assert_int_equal(open_files(), created);
        alx_decoder_destroy(&decoder);
        assert_int_equal(open_files(), before);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void the_worker_is_confined(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    assert_works(decoder); /* it has come so far that it is confined */
    pid_t worker = alx_decoder_worker(decoder);
    char path[64];
    size_t files = 0;
    assert_int_equal(proc_value(worker, "limits", "Max open files"), 1);
    assert_int_equal(proc_value(worker, "limits", "Max file size"), 0);
    assert_int_equal(proc_value(worker, "limits", "Max core file size"), 0);
    assert_int_equal(proc_value(worker, "limits", "Max processes"), 0);
    assert_int_equal(proc_value(worker, "limits", "Max cpu time"), 60);
    /* A sanitizer's shadow of terabytes stands above any limit. */
    assert_true(proc_value(worker, "limits", "Max address space") > 0 ||
                proc_value(worker, "status", "VmSize:") > 1 << 30);
    assert_int_equal(proc_value(worker, "status", "NoNewPrivs:"), 1);
#if ALX_HAVE_SECCOMP
    assert_int_equal(proc_value(worker, "status", "Seccomp:"), 2);
#endif
    snprintf(path, sizeof path, "/proc/%d/fd", (int)worker);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        files += entry->d_name[0] != '.';
    closedir(dir);
    assert_int_equal(files, 4); /* three of /dev/null, and the socket */
    alx_decoder_destroy(&decoder);
}

static void without_its_starter_the_decoder_says_so(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    assert_works(decoder);
    struct alx_image image = {0};
    pid_t worker = alx_decoder_worker(decoder);
    pid_t starter = (pid_t)proc_value(worker, "status", "PPid:");
    assert_true(starter > 1 && starter != getpid());
    assert_int_equal(kill(starter, SIGKILL), 0);
    assert_true(dies_soon(worker));
    for (int i = 0; i < 2; i++)
        assert_fails(alx_decoder_decode_file(decoder, test_picture_path(good), &image),
                     ALX_STATUS_INTERNAL, "start the program again");
    assert_int_equal(alx_decoder_worker(decoder), -1);
    alx_decoder_destroy(&decoder);
}

static void a_confined_process_opens_no_file(void **state)
{
    (void)state;
    int ends[2], end = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t child = fork();
    if (child == 0) {
        alx_worker_confine(ends[1]);
        _exit(open("/dev/null", O_RDONLY) < 0 ? 42 : 0);
    }
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true((WIFSIGNALED(end) && WTERMSIG(end) == SIGSYS) ||
                (WIFEXITED(end) && WEXITSTATUS(end) == 42));
    close(ends[0]);
    close(ends[1]);
}

static void workers_end_with_the_program(void **state)
{
    (void)state;
    int pipes[2];
    pid_t worker = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t program = fork();
    if (program == 0) {
        alx_decoder *decoder = create();
        worker = alx_decoder_worker(decoder);
        if (write(pipes[1], &worker, sizeof worker) == sizeof worker)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(read(pipes[0], &worker, sizeof worker), sizeof worker);
    assert_int_equal(waitpid(program, NULL, 0), program);
    assert_true(dies_soon(worker));
    close(pipes[0]);
    close(pipes[1]);
}

static void damaged_pictures_pass_through(void **state)
{
    (void)state;
    alx_decoder *decoder = create();
    uint64_t random = 7;
    size_t decoded = 0, refused = 0, deaths = 0;
    for (size_t i = 0; i < test_picture_count; i++) {
        size_t bytes = 0;
        uint8_t *data = test_picture_read(test_pictures[i].name, &bytes);
        uint8_t *damaged = malloc(bytes);
        assert_non_null(damaged);
        for (int round = 0; round < 20; round++) {
            struct alx_image image = {0};
            pid_t worker = alx_decoder_worker(decoder);
            memcpy(damaged, data, bytes);
            test_picture_damage(damaged, bytes, &random);
            enum alx_status status =
                alx_decoder_decode_bytes(decoder, "damaged", damaged, bytes, &image);
            decoded += status == ALX_STATUS_OK;
            refused += status != ALX_STATUS_OK;
            deaths += worker != alx_decoder_worker(decoder);
            alx_image_free(&image);
        }
        free(damaged);
        free(data);
    }
    printf("%zu decoded, %zu refused, %zu workers died\n", decoded, refused, deaths);
    assert_true(decoded > 0 && refused > decoded / 2);
    assert_int_equal(deaths, 0);
    assert_works(decoder);
    alx_decoder_destroy(&decoder);
}

/* Stands in for a worker that has been taken over. */
struct forger {
    int socket;
    struct alx_decode_reply reply;
    size_t payload_bytes;
};

static void *forge(void *argument)
{
    struct forger *forger = argument;
    struct alx_decode_request request;
    uint8_t data[4096];
    alx_channel_receive(forger->socket, &request, sizeof request, UINT64_MAX);
    alx_channel_receive(forger->socket, data, request.bytes, UINT64_MAX);
    alx_channel_send(forger->socket, &forger->reply, sizeof forger->reply, UINT64_MAX);
    memset(data, '\n', sizeof data);
    alx_channel_send(forger->socket, data, forger->payload_bytes, UINT64_MAX);
    close(forger->socket);
    return NULL;
}

/* Puts a forger in the place of the decoder's worker; returns the forger's end. `before` tells
 * which files were open before the decoder was created: of the two it opened, the socket is the
 * later. */
static int take_over(const bool before[static 1024])
{
    int ends[2], socket = 1023;
    while (before[socket] || fcntl(socket, F_GETFD) < 0)
        socket--;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(dup2(ends[0], socket), socket);
    close(ends[0]);
    return ends[1];
}

static void note_open_files(bool open[static 1024])
{
    for (int fd = 0; fd < 1024; fd++)
        open[fd] = fcntl(fd, F_GETFD) >= 0;
}

static void forged_replies_are_refused(void **state)
{
    (void)state;
    const struct {
        struct alx_decode_reply reply;
        size_t payload_bytes;
        const char *part;
    } cases[] = {
        {{.status = 99}, 0, "process failed"},
        {{.status = ALX_STATUS_USAGE}, 0, "process failed"},
        {{.width = 0, .height = 5}, 0, "process failed"},
        {{.width = UINT64_MAX, .height = UINT64_MAX}, 0, "process failed"},
        {{.width = 100000, .height = 100000}, 0, "process failed"},
        {{.width = 1, .height = 1, .message_bytes = 3}, 0, "process failed"},
        {{.width = 10, .height = 10}, 299, "decoder process"},
        {{.status = ALX_STATUS_IMAGE_CORRUPT, .message_bytes = UINT32_MAX}, 0, "process failed"},
        {{.status = ALX_STATUS_IMAGE_CORRUPT, .message_bytes = 5}, 5, "x: ?????"},
    };
    bool before[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct alx_image image = {0};
        struct forger forger = {.reply = cases[i].reply, .payload_bytes = cases[i].payload_bytes};
        pthread_t thread;
        note_open_files(before);
        alx_decoder *decoder = create();
        forger.socket = take_over(before);
        assert_int_equal(pthread_create(&thread, NULL, forge, &forger), 0);
        assert_fails(alx_decoder_decode_bytes(decoder, "x", (const uint8_t *)"abc", 3, &image),
                     ALX_STATUS_IMAGE_CORRUPT, cases[i].part);
        pthread_join(thread, NULL);
        assert_null(image.rgb);
        assert_works(decoder);
        alx_decoder_destroy(&decoder);
    }
}

static void a_worker_that_retires_is_replaced(void **state)
{
    (void)state;
    bool before[1024];
    pthread_t thread;
    struct alx_image image = {0};
    struct forger forger = {.reply = {.width = 1, .height = 1, .retiring = 1}, .payload_bytes = 3};
    note_open_files(before);
    alx_decoder *decoder = create();
    forger.socket = take_over(before);
    assert_int_equal(pthread_create(&thread, NULL, forge, &forger), 0);
    assert_ok(alx_decoder_decode_bytes(decoder, "x", (const uint8_t *)"abc", 3, &image));
    pthread_join(thread, NULL);
    assert_int_equal(image.rgb[2], '\n');
    assert_int_equal(alx_decoder_worker(decoder), -1);
    assert_works(decoder);
    alx_image_free(&image);
    alx_decoder_destroy(&decoder);
}

static void a_worker_that_speaks_unasked_is_replaced(void **state)
{
    (void)state;
    bool before[1024];
    note_open_files(before);
    alx_decoder *decoder = create();
    pid_t worker = alx_decoder_worker(decoder);
    int forger = take_over(before);
    assert_int_equal(write(forger, "hello", 5), 5);
    assert_works(decoder);
    assert_int_not_equal(alx_decoder_worker(decoder), worker);
    close(forger);
    alx_decoder_destroy(&decoder);
}

struct server {
    int socket;
    long processor_seconds;
};

static void *serve(void *argument)
{
    struct server *server = argument;
    alx_worker_serve(server->socket, server->processor_seconds);
    return NULL;
}

/* The worker's loop, in this process. */
static void a_worker_serves_until_its_time_is_up(void **state)
{
    (void)state;
    struct alx_decode_reply reply;
    struct alx_decode_request request = {0};
    size_t bytes = 0;
    uint8_t *data = test_picture_read("rgb.png", &bytes), pixels[3 * 19 * 13];
    struct alx_image expected = test_picture_expected("rgb.png");
    for (long seconds = 1000000; seconds >= 0; seconds -= 1000000) {
        int ends[2];
        pthread_t thread;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        struct server server = {ends[1], seconds};
        assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
        request.bytes = bytes;
        for (int round = 0; round < (seconds ? 2 : 1); round++) {
            alx_channel_send(ends[0], &request, sizeof request, UINT64_MAX);
            alx_channel_send(ends[0], data, bytes, UINT64_MAX);
            assert_int_equal(alx_channel_receive(ends[0], &reply, sizeof reply, UINT64_MAX), 0);
            assert_int_equal(reply.status, ALX_STATUS_OK);
            assert_int_equal(reply.retiring, seconds == 0);
            assert_int_equal(alx_channel_receive(ends[0], pixels, sizeof pixels, UINT64_MAX), 0);
            assert_memory_equal(pixels, expected.rgb, sizeof pixels);
        }
        if (seconds) {
            alx_channel_send(ends[0], &request, sizeof request, UINT64_MAX);
            alx_channel_send(ends[0], data, bytes / 2, UINT64_MAX);
            close(ends[0]);
        }
        pthread_join(thread, NULL);
        if (!seconds)
            close(ends[0]);
        close(ends[1]);
    }
    alx_image_free(&expected);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_decoded),
        cmocka_unit_test(large_pictures_pass_the_socket),
        cmocka_unit_test(standard_input_is_read),
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(a_dead_worker_is_replaced),
        cmocka_unit_test(a_worker_that_hangs_is_replaced),
        cmocka_unit_test(a_worker_that_dies_of_a_picture_is_one_failed_picture),
        cmocka_unit_test(nothing_leaks_through_replacements),
        cmocka_unit_test(the_worker_is_confined),
        cmocka_unit_test(without_its_starter_the_decoder_says_so),
        cmocka_unit_test(a_confined_process_opens_no_file),
        cmocka_unit_test(workers_end_with_the_program),
        cmocka_unit_test(damaged_pictures_pass_through),
        cmocka_unit_test(forged_replies_are_refused),
        cmocka_unit_test(a_worker_that_retires_is_replaced),
        cmocka_unit_test(a_worker_that_speaks_unasked_is_replaced),
        cmocka_unit_test(a_worker_serves_until_its_time_is_up),
    };
    return cmocka_run_group_tests(tests, test_files_begin, test_files_end);
}
