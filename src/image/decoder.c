/* The program's side of the decoder process. Whatever comes back from it may be forged. */
#include "image/decoder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/channel.h"
#include "image/format.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/memory.h"
#include "util/text.h"

enum { TIMEOUT_MS = 60 * 1000, START_TIMEOUT_MS = 10 * 1000 };

struct alx_decoder {
    int control; /* to the starter */
    pid_t starter;
    int socket; /* to the worker, -1: none */
    pid_t worker;
    uint64_t timeout_ns;
};

pid_t alx_decoder_worker(const alx_decoder *decoder)
{
    return decoder->socket < 0 ? -1 : decoder->worker;
}

void alx_decoder_set_timeout(alx_decoder *decoder, uint64_t milliseconds)
{
    decoder->timeout_ns = milliseconds * 1000000;
}

static void drop_worker(alx_decoder *decoder)
{
    if (decoder->socket >= 0)
        close(decoder->socket);
    decoder->socket = -1;
}

/* Receives the starter's answer and the socket that comes with it. */
static bool receive_notice(int control, struct alx_worker_notice *notice, int *socket)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } space;
    struct iovec data = {.iov_base = notice, .iov_len = sizeof *notice};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = space.bytes,
                             .msg_controllen = sizeof space.bytes};
    uint64_t deadline = alx_clock_ns() + (uint64_t)START_TIMEOUT_MS * 1000000;
    *socket = -1;
    if (alx_channel_wait(control, POLLIN, deadline) != ALX_CHANNEL_OK ||
        recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != (ssize_t)sizeof *notice)
        return false;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(socket, CMSG_DATA(header), sizeof *socket);
    return true;
}

/* Has the starter end the worker, if there is one, and start another. `*old_end` is the wait status
 * of the old one, -1 if there was none. */
static enum alx_status start_worker(alx_decoder *decoder, int *old_end)
{
    struct alx_worker_notice notice;
    int socket;
    drop_worker(decoder);
    if (send(decoder->control, "", 1, MSG_NOSIGNAL) != 1 ||
        !receive_notice(decoder->control, &notice, &socket))
        return alx_fail(ALX_STATUS_INTERNAL, "decoding pictures: the process that starts the "
                                             "decoder has ended; start the program again");
    if (old_end)
        *old_end = notice.old_end;
    if (notice.error || socket < 0) {
        if (socket >= 0)
            close(socket);
        return alx_fail(ALX_STATUS_NO_MEMORY,
                        "decoding pictures: the decoder cannot be started: %s",
                        strerror(notice.error));
    }
    decoder->socket = socket;
    decoder->worker = notice.pid;
    return ALX_STATUS_OK;
}

enum alx_status alx_decoder_create(alx_decoder **out)
{
    enum alx_status status = ALX_STATUS_OK;
    alx_decoder *decoder = NULL;
    int ends[2] = {-1, -1};
    pid_t program = getpid();
    ALX_TRY(alx_alloc(1, sizeof *decoder, "a decoder", &decoder));
    *decoder =
        (alx_decoder){.control = -1, .socket = -1, .timeout_ns = (uint64_t)TIMEOUT_MS * 1000000};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0)
        decoder->starter = fork();
    if (ends[0] < 0 || decoder->starter < 0) {
        status = alx_fail(ALX_STATUS_NO_MEMORY,
                          "decoding pictures: the decoder cannot be started: %s", strerror(errno));
        goto error;
    }
    if (decoder->starter == 0)
        alx_starter_run(ends[1], program);
    decoder->control = ends[0];
    ends[0] = -1;
    ALX_TRY(start_worker(decoder, NULL));
    *out = decoder;
    decoder = NULL;
error:
    for (size_t i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    alx_decoder_destroy(&decoder);
    return status;
}

void alx_decoder_destroy(alx_decoder **decoder)
{
    alx_decoder *ended = *decoder;
    if (!ended)
        return;
    drop_worker(ended);
    if (ended->control >= 0) {
        close(ended->control); /* the starter ends its worker and itself */
        while (waitpid(ended->starter, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free(ended);
    *decoder = NULL;
}

/* A worker that ended, or said something without being asked, is replaced before it is used. */
static enum alx_status ensure_worker(alx_decoder *decoder)
{
    if (decoder->socket >= 0 && alx_channel_wait(decoder->socket, POLLIN, 0) == ALX_CHANNEL_TIMEOUT)
        return ALX_STATUS_OK;
    return start_worker(decoder, NULL);
}

/* The picture at which the worker failed is a failed picture; the next finds a new worker. */
static enum alx_status worker_failed(alx_decoder *decoder, const char *what,
                                     enum alx_channel_state state)
{
    enum alx_status status = ALX_STATUS_OK;
    int end = -1;
    ALX_TRY(start_worker(decoder, &end));
    if (state == ALX_CHANNEL_TIMEOUT)
        return alx_fail(ALX_STATUS_IMAGE_CORRUPT,
                        "%s: not decoded within %llu s; it may be made to keep decoders busy", what,
                        (unsigned long long)(decoder->timeout_ns / 1000000000));
    if (state == ALX_CHANNEL_CLOSED && end >= 0 && WIFSIGNALED(end))
        return alx_fail(ALX_STATUS_IMAGE_CORRUPT,
                        "%s: the decoder process was ended by signal %d (%s); the picture is "
                        "probably damaged",
                        what, WTERMSIG(end), strsignal(WTERMSIG(end)));
    return alx_fail(ALX_STATUS_IMAGE_CORRUPT,
                    "%s: the decoder process failed; the picture is probably damaged", what);
error:
    return status;
}

static bool reply_is_possible(const struct alx_decode_reply *reply)
{
    switch (reply->status) {
    case ALX_STATUS_OK:
        return reply->width && reply->height &&
               reply->width <= ALX_IMAGE_MAX_PIXELS / reply->height && !reply->message_bytes;
    case ALX_STATUS_IMAGE_EMPTY:
    case ALX_STATUS_IMAGE_TOO_LARGE:
    case ALX_STATUS_IMAGE_UNSUPPORTED:
    case ALX_STATUS_IMAGE_CORRUPT:
    case ALX_STATUS_NO_MEMORY:
        return reply->message_bytes <= ALX_DECODE_MESSAGE_BYTES;
    default:
        return false;
    }
}

/* Receives what follows the reply's header: pixels, or why there are none. */
static enum alx_status receive_result(alx_decoder *decoder, const char *what,
                                      const struct alx_decode_reply *reply, uint64_t deadline,
                                      struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    char message[ALX_DECODE_MESSAGE_BYTES + 1] = {0};
    struct alx_image image = {0};
    bool decoded = reply->status == ALX_STATUS_OK;
    if (decoded)
        ALX_TRY(alx_image_create((size_t)reply->width, (size_t)reply->height, &image));
    enum alx_channel_state state = alx_channel_receive(
        decoder->socket, decoded ? (void *)image.rgb : message,
        decoded ? 3 * image.width * image.height : reply->message_bytes, deadline);
    if (state != ALX_CHANNEL_OK) {
        status = worker_failed(decoder, what, state);
        goto error;
    }
    if (!decoded) {
        alx_text_clean(message); /* ": WHY" where it tells of a picture, whose name it lacks */
        return alx_fail((enum alx_status)reply->status, "%s%s%s", what, *message == ':' ? "" : ": ",
                        message);
    }
    *out = image;
    return ALX_STATUS_OK;
error:
    alx_image_free(&image);
    return status;
}

enum alx_status alx_decoder_decode_bytes(alx_decoder *decoder, const char *what,
                                         const uint8_t *bytes, size_t byte_count,
                                         struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    struct alx_decode_request request = {.bytes = byte_count};
    struct alx_decode_reply reply;
    if (byte_count > ALX_IMAGE_MAX_FILE_BYTES)
        return alx_image_decode(what, bytes, byte_count, out); /* which says so */
    ALX_TRY(ensure_worker(decoder));
    uint64_t deadline = alx_clock_ns() + decoder->timeout_ns;
    enum alx_channel_state state =
        alx_channel_send(decoder->socket, &request, sizeof request, deadline);
    if (state == ALX_CHANNEL_OK)
        state = alx_channel_send(decoder->socket, bytes, byte_count, deadline);
    if (state == ALX_CHANNEL_OK)
        state = alx_channel_receive(decoder->socket, &reply, sizeof reply, deadline);
    if (state != ALX_CHANNEL_OK || !reply_is_possible(&reply))
        return worker_failed(decoder, what, state);
    status = receive_result(decoder, what, &reply, deadline, out);
    if (reply.retiring)
        drop_worker(decoder);
error:
    return status;
}

enum alx_status alx_decoder_decode_file(alx_decoder *decoder, const char *path,
                                        struct alx_image *out)
{
    enum alx_status status = ALX_STATUS_OK;
    const char *what = strcmp(path, "-") ? path : "standard input";
    uint8_t *data = NULL;
    size_t bytes = 0;
    ALX_TRY(
        alx_file_read(path, ALX_IMAGE_MAX_FILE_BYTES, ALX_STATUS_IMAGE_TOO_LARGE, &data, &bytes));
    ALX_TRY(alx_decoder_decode_bytes(decoder, what, data, bytes, out));
error:
    free(data);
    return status;
}
