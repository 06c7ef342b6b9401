/* SPDX-License-Identifier: MIT
 *
 * Many subscribers in one process, which do as little as can be done: complete messages are counted, nothing is decoded.
 *
 * crowd PORT CONNECTIONS STEP...: each step is octets in hexadecimal. Every connection to 127.0.0.1 sends the first, which
 * is an opening handshake of WebSocket, waits for the end of the answer's head, then sends one step after the other, waiting
 * for one message each. Prints "ready" then. A line "N" on standard input is answered with the total of messages, as soon as
 * N have come since the start; the end of the input ends the process. Linux only (epoll).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_OCTETS (256u << 10)

struct connection {
    int fd;
    int opening;        /* octets of CR LF CR LF that have been seen, -1 behind them */
    unsigned head_n;    /* octets of a frame's header so far */
    uint8_t head[10];
    uint64_t left;      /* payload of the frame still to come */
};

static uint8_t octets[READ_OCTETS];
static unsigned long long messages;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/* Payload octets by a header; 0 in *complete: more of it is needed. */
static uint64_t payload_of(const uint8_t *head, unsigned n, int *complete)
{
    const unsigned extra = n < 2 ? 0 : (head[1] & 127) == 126 ? 2 : (head[1] & 127) == 127 ? 8 : 0;
    uint64_t size = 0;
    unsigned i;
    *complete = n >= 2 + extra;
    if (!*complete)
        return 0;
    for (i = 0; i < extra; i++)
        size = size << 8 | head[2 + i];
    return extra ? size : head[1] & 127u;
}

static void look_at(struct connection *c, const uint8_t *p, const uint8_t *end)
{
    static const char blank[] = "\r\n\r\n";
    int complete;
    while (p < end && c->opening >= 0) {
        c->opening = *p == (uint8_t)blank[c->opening] ? c->opening + 1 : *p == '\r';
        if (c->opening == 4)
            c->opening = -1;
        p++;
    }
    while (p < end) {
        if (c->left) {
            const uint64_t n = c->left < (uint64_t)(end - p) ? c->left : (uint64_t)(end - p);
            c->left -= n;
            p += n;
        } else {
            c->head[c->head_n++] = *p++;
            c->left = payload_of(c->head, c->head_n, &complete);
            if (!complete)
                continue;
            c->head_n = 0;
        }
        if (!c->left && (c->head[0] & 0x80) && (c->head[0] & 15) < 8)
            messages++;
    }
}

/* 0: nothing to do now. Ends the process with the connection: a crowd that is not whole measures nothing. */
static int receive(struct connection *c)
{
    const ssize_t n = recv(c->fd, octets, sizeof octets, 0);
    if (n > 0) {
        look_at(c, octets, octets + n);
        return 1;
    }
    if (n == 0) {
        fputs("the router has ended a connection\n", stderr);
        exit(1);
    }
    if (errno != EAGAIN && errno != EINTR)
        fail("recv");
    return 0;
}

static void send_step(struct connection *c, const char *hex)
{
    static uint8_t step[4096];
    size_t n = strlen(hex) / 2, i, done = 0;
    if (n > sizeof step)
        fail("a step is too long");
    for (i = 0; i < n; i++) {
        unsigned octet;
        sscanf(hex + 2 * i, "%2x", &octet);
        step[i] = (uint8_t)octet;
    }
    while (done < n) {
        const ssize_t sent = send(c->fd, step + done, n - done, MSG_NOSIGNAL);
        if (sent < 0)
            fail("send");
        done += (size_t)sent;
    }
}

static struct connection *join(uint16_t port, int steps, char **step)
{
    const struct sockaddr_in address = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
    struct connection *c = calloc(1, sizeof *c);
    const int one = 1;
    int i;
    if (!c)
        fail("calloc");
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof address))
        fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (i = 0; i < steps; i++) {
        const unsigned long long before = messages;
        send_step(c, step[i]);
        while (i ? messages == before : c->opening >= 0)
            receive(c);
    }
    return c;
}

int main(int argc, char **argv)
{
    const int poller = epoll_create1(EPOLL_CLOEXEC), count = argc > 2 ? atoi(argv[2]) : 0;
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL};
    unsigned long long target = 0;
    struct rlimit files;
    int i;
    if (argc < 4) {
        fputs("crowd PORT CONNECTIONS STEP...\n", stderr);
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &wanted);
    for (i = 0; i < count; i++) {
        struct connection *c = join((uint16_t)atoi(argv[1]), argc - 3, argv + 3);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        wanted.data.ptr = c;
        epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &wanted);
    }
    messages = 0;
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        const int n = epoll_wait(poller, events, 256, -1);
        for (i = 0; i < n; i++) {
            char line[64];
            ssize_t size;
            if (events[i].data.ptr) {
                receive(events[i].data.ptr);
                continue;
            }
            size = read(0, line, sizeof line - 1);
            if (size <= 0)
                return 0;
            line[size] = 0;
            target = strtoull(line, NULL, 10);
        }
        if (target && messages >= target) {
            printf("%llu\n", messages);
            fflush(stdout);
            target = 0;
        }
    }
}
