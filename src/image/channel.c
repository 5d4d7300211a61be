#include "image/channel.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "util/clock.h"
#include "util/memory.h"

/* Milliseconds for poll(), rounded up. */
static int remaining_ms(uint64_t deadline_ns)
{
    uint64_t now = alx_clock_ns();
    if (deadline_ns == UINT64_MAX)
        return -1;
    if (now >= deadline_ns)
        return 0;
    return (int)alx_min((size_t)((deadline_ns - now + 999999) / 1000000), INT_MAX);
}

enum alx_channel_state alx_channel_wait(int socket, short events, uint64_t deadline_ns)
{
    struct pollfd poller = {.fd = socket, .events = events};
    for (;;) {
        int ready = poll(&poller, 1, remaining_ms(deadline_ns));
        if (ready > 0)
            return poller.revents & events ? ALX_CHANNEL_OK : ALX_CHANNEL_CLOSED;
        if (ready == 0)
            return ALX_CHANNEL_TIMEOUT;
        if (errno != EINTR)
            return ALX_CHANNEL_CLOSED;
    }
}

/* Moves what the socket takes or gives at once, waits when that is nothing, and so on. */
static enum alx_channel_state transfer(int socket, void *data, size_t bytes, bool out,
                                       uint64_t deadline_ns)
{
    enum { FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL };
    uint8_t *at = data;
    while (bytes) {
        ssize_t moved = out ? send(socket, at, bytes, FLAGS) : recv(socket, at, bytes, FLAGS);
        if (moved > 0) {
            at += moved;
            bytes -= (size_t)moved;
            continue;
        }
        if (moved == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            return ALX_CHANNEL_CLOSED;
        enum alx_channel_state state =
            alx_channel_wait(socket, out ? POLLOUT : POLLIN, deadline_ns);
        if (state != ALX_CHANNEL_OK)
            return state;
    }
    return ALX_CHANNEL_OK;
}

enum alx_channel_state alx_channel_send(int socket, const void *data, size_t bytes,
                                        uint64_t deadline_ns)
{
    return transfer(socket, (void *)(uintptr_t)data, bytes, true, deadline_ns);
}

enum alx_channel_state alx_channel_receive(int socket, void *data, size_t bytes,
                                           uint64_t deadline_ns)
{
    return transfer(socket, data, bytes, false, deadline_ns);
}
