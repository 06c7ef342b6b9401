/* SPDX-License-Identifier: MIT
 *
 * The client of every server under measurement, which does as little as can be done: frames are made beforehand, octets that come
 * in are counted. It takes commands on standard input, a line each, and answers each with a line when it is through:
 *
 * connect PORT COUNT PATH    closes what is open, opens COUNT connections to 127.0.0.1; answers with COUNT
 * echo N SIZE                N round trips of SIZE octets, one under way on each connection; answers with N
 * send N SIZE                N messages, then the text "count"; answers with the text that comes back
 * receive N SIZE             asks with the text "flood N SIZE" for N messages; answers with their octets, headers included
 *
 * Linux only (epoll).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 1024
#define ROOM (256u << 10)
#define BLOCK (64u << 10)

static int sockets[MOST];
static unsigned long long missing[MOST]; /* octets of the echo that is under way */
static int count;
static uint8_t room[ROOM];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void write_all(int fd, const void *octets, size_t n)
{
    const uint8_t *p = octets;
    while (n) {
        const ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done < 0 && errno != EINTR)
            fail("send");
        if (done > 0)
            p += done, n -= (size_t)done;
    }
}

static size_t read_some(int fd)
{
    const ssize_t done = recv(fd, room, sizeof room, 0);
    if (done <= 0)
        fail(done ? "recv" : "the server has closed the connection");
    return (size_t)done;
}

/* Octets of a header without a mask. */
static size_t header_octets(unsigned long long n)
{
    return n < 126 ? 2 : n < 65536 ? 4 : 10;
}

/* A masked frame into out, which has room for n + 14; returns its octets. */
static size_t make_frame(uint8_t *out, uint8_t first, const void *payload, unsigned long long n)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    const uint8_t *in = payload;
    size_t at = header_octets(n), i;
    out[0] = first;
    out[1] = (uint8_t)(0x80 | (n < 126 ? n : n < 65536 ? 126 : 127));
    for (i = 2; i < at; i++)
        out[i] = (uint8_t)(n >> (8 * (at - 1 - i)));
    memcpy(out + at, mask, 4);
    at += 4;
    for (i = 0; i < n; i++)
        out[at + i] = (uint8_t)((in ? in[i] : 'x') ^ mask[i & 3]);
    return at + n;
}

static void send_text(int fd, const char *text)
{
    uint8_t frame[128];
    write_all(fd, frame, make_frame(frame, 0x81, text, strlen(text)));
}

static void open_all(int port, int wanted, const char *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char request[400];
    const int n = snprintf(request, sizeof request,
                           "GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                           path, port);
    const int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (count)
        close(sockets[--count]);
    while (count < wanted && count < MOST) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        size_t got = 0;
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
            fail("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        write_all(fd, request, (size_t)n);
        do {
            const ssize_t done = recv(fd, room + got, sizeof room - 1 - got, 0);
            if (done <= 0)
                fail("opening handshake");
            got += (size_t)done;
            room[got] = 0;
        } while (!strstr((char *)room, "\r\n\r\n"));
        if (strncmp((char *)room, "HTTP/1.1 101", 12)) {
            fprintf(stderr, "the server refused: %.60s\n", room);
            exit(1);
        }
        sockets[count++] = fd;
    }
    printf("%d\n", count);
}

static void echo_all(unsigned long long n, unsigned long long size)
{
    const unsigned long long answer = header_octets(size) + size;
    uint8_t *frame = malloc(size + 14);
    const size_t octets = frame ? make_frame(frame, 0x82, NULL, size) : (fail("malloc"), 0);
    const int poller = epoll_create1(EPOLL_CLOEXEC);
    unsigned long long left = n, done = 0;
    int i;
    for (i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        epoll_ctl(poller, EPOLL_CTL_ADD, sockets[i], &event);
        missing[i] = 0;
        if (left) {
            left--;
            missing[i] = answer;
            write_all(sockets[i], frame, octets);
        }
    }
    while (done < n) {
        struct epoll_event events[256];
        const int ready = epoll_wait(poller, events, 256, -1);
        for (i = 0; i < ready; i++) {
            const uint32_t at = events[i].data.u32;
            const size_t got = read_some(sockets[at]);
            missing[at] -= got < missing[at] ? got : missing[at];
            if (missing[at])
                continue;
            done++;
            if (left) {
                left--;
                missing[at] = answer;
                write_all(sockets[at], frame, octets);
            }
        }
    }
    close(poller);
    free(frame);
    printf("%llu\n", done);
}

static void send_all(unsigned long long n, unsigned long long size)
{
    const size_t one = (size_t)(header_octets(size) + 4 + size), per_block = BLOCK / one ? BLOCK / one : 1;
    uint8_t *block = malloc(one * per_block + 14);
    size_t i, got;
    if (!block)
        fail("malloc");
    for (i = 0; i < per_block; i++)
        make_frame(block + i * one, 0x82, NULL, size);
    while (n) {
        const size_t now = n < per_block ? (size_t)n : per_block;
        write_all(sockets[0], block, now * one);
        n -= now;
    }
    free(block);
    send_text(sockets[0], "count");
    got = read_some(sockets[0]);
    printf("%.*s\n", (int)(got - 2), (char *)room + 2);
}

static void receive_all(unsigned long long n, unsigned long long size)
{
    const unsigned long long wanted = n * (header_octets(size) + size);
    unsigned long long got = 0;
    char text[64];
    snprintf(text, sizeof text, "flood %llu %llu", n, size);
    send_text(sockets[0], text);
    while (got < wanted)
        got += read_some(sockets[0]);
    printf("%llu\n", got);
}

int main(void)
{
    char line[128], path[32];
    while (fgets(line, sizeof line, stdin)) {
        unsigned long long n, size;
        int port, wanted;
        if (sscanf(line, "connect %d %d %31s", &port, &wanted, path) == 3)
            open_all(port, wanted, path);
        else if (sscanf(line, "echo %llu %llu", &n, &size) == 2)
            echo_all(n, size);
        else if (sscanf(line, "send %llu %llu", &n, &size) == 2)
            send_all(n, size);
        else if (sscanf(line, "receive %llu %llu", &n, &size) == 2)
            receive_all(n, size);
        else
            return 1;
        fflush(stdout);
    }
    return 0;
}
