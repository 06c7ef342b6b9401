/* SPDX-License-Identifier: MIT
 *
 * Sending over a stream socket that never blocks. The socket belongs to a transport, which finds out about errors by
 * itself: here they only mean that nothing was sent.
 */
#ifndef ABF_SEND_H
#define ABF_SEND_H

#include <stddef.h>

#ifdef _WIN32

static inline ptrdiff_t abf_send_now(int fd, const void *p, size_t n)
{
    (void)fd, (void)p, (void)n; /* loops there do not send like this */
    return -1;
}

#else

#  include <errno.h>
#  include <sys/socket.h>

#  ifndef MSG_NOSIGNAL
#    define MSG_NOSIGNAL 0 /* Python ignores SIGPIPE */
#  endif

/* How many of n octets the socket took at once; -1: none. */
static inline ptrdiff_t abf_send_now(int fd, const void *p, size_t n)
{
    ptrdiff_t sent;
    do
        sent = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

#endif

#endif
