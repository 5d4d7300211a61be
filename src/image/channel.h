/*
 * Between the program and its decoder process: what is said, and how it is carried.
 *
 * The program talks to a starter, which is forked before anything else happens and does nothing but
 * fork workers; and to the worker of the day, which decodes. Workers come from the starter because
 * the program itself cannot be forked once an OpenCL driver runs threads in it.
 */
#ifndef ALX_IMAGE_CHANNEL_H
#define ALX_IMAGE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Program to worker, followed by `bytes` of a picture file. */
struct alx_decode_request {
    uint64_t bytes;
};

/* Worker to program, followed by `message_bytes` of text or by width * height * 3 of pixels. */
struct alx_decode_reply {
    uint32_t status; /* enum alx_status */
    uint32_t message_bytes;
    uint64_t width, height;
    uint32_t retiring; /* the worker ends now */
};

/* Starter to program, in answer to any byte, along with the worker's socket: the worker of before
 * has been ended and a new one begun. */
struct alx_worker_notice {
    int32_t error;   /* errno of a start that failed, or 0 */
    int32_t pid;     /* of the new worker */
    int32_t old_end; /* wait status of the old one, -1 if there was none */
};

enum { ALX_DECODE_MESSAGE_BYTES = 1024 };

enum alx_channel_state { ALX_CHANNEL_OK, ALX_CHANNEL_CLOSED, ALX_CHANNEL_TIMEOUT };

/* Carry all bytes over a stream socket, or fail by the end of the other side or the deadline (of
 * alx_clock_ns(); UINT64_MAX: never). They raise no SIGPIPE. */
enum alx_channel_state alx_channel_send(int socket, const void *data, size_t bytes,
                                        uint64_t deadline_ns);
enum alx_channel_state alx_channel_receive(int socket, void *data, size_t bytes,
                                           uint64_t deadline_ns);
/* Waits until there is something to receive. */
enum alx_channel_state alx_channel_wait(int socket, short events, uint64_t deadline_ns);

/* The starter's life: it answers on `control` until the other side closes it or `program`, its
 * parent, ends; then it ends its process. Called in a fresh child of the program. */
_Noreturn void alx_starter_run(int control, pid_t program);

/* The worker's life, within whatever limits the process has: decodes what `socket` brings until the
 * other side closes it or `processor_seconds` are used up. */
void alx_worker_serve(int socket, long processor_seconds);

#endif
