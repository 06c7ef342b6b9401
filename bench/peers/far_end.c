/* SPDX-License-Identifier: MIT
 *
 * The far end of the benches: one process that plays the server for every client, and does as little as can be done.
 *
 * GET /echo     WebSocket: every message goes back as it came; compressed messages, too, without looking inside
 * GET /bench    WebSocket: messages are counted. A text message "count" is answered with their number; "flood N SIZE" with
 *               N messages of SIZE octets ("flood N SIZE text": of type text)
 * GET /wamp     WebSocket with the first subprotocol offered of wamp.2.msgpack, wamp.2.cbor, wamp.2.json: far_end_wamp.c
 * 0x7f ...      RawSocket, with the same
 *
 * far_end [CERTIFICATE KEY]: listens on 127.0.0.1, prints its port (and with a certificate one for TLS), and serves until
 * its standard input ends. Linux only (epoll).
 */
#define _GNU_SOURCE
#include "far_end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef FAR_END_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
static SSL_CTX *tls_context;
#endif

#define READ_OCTETS (256u << 10)
#define FLOOD_OCTETS (512u << 10)
#define MOST_UNWRITTEN (8u << 20) /* with so many octets unwritten nothing more is read */

static int poller;

uint8_t *buffer_reserve(struct buffer *b, size_t n)
{
    if (b->room - b->end >= n)
        return b->data + b->end;
    if (b->start) {
        memmove(b->data, b->data + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
    }
    if (b->room - b->end < n) {
        b->room = (b->end + n) * 2;
        b->data = realloc(b->data, b->room);
        if (!b->data) {
            fputs("no memory\n", stderr);
            exit(1);
        }
    }
    return b->data + b->end;
}

void buffer_add(struct buffer *b, const void *octets, size_t n)
{
    memcpy(buffer_reserve(b, n), octets, n);
    b->end += n;
}

static size_t header(uint8_t *head, uint8_t first, uint64_t n)
{
    int i;
    head[0] = first;
    if (n < 126) {
        head[1] = (uint8_t)n;
        return 2;
    }
    if (n < 65536) {
        head[1] = 126;
        head[2] = (uint8_t)(n >> 8);
        head[3] = (uint8_t)n;
        return 4;
    }
    head[1] = 127;
    for (i = 0; i < 8; i++)
        head[2 + i] = (uint8_t)(n >> (56 - 8 * i));
    return 10;
}

void frame_add(struct buffer *out, uint8_t first, const void *payload, size_t n)
{
    uint8_t head[10];
    buffer_add(out, head, header(head, first, n));
    buffer_add(out, payload, n);
}

/* --- SHA-1 and Base64, for the opening handshake ------------------------------------------------------------------ */

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void sha1(const uint8_t *text, size_t n, uint8_t digest[20])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[192] = {0}; /* n is below 128 here */
    const size_t total = ((n + 8) / 64 + 1) * 64;
    size_t at;
    int i;
    memcpy(blocks, text, n);
    blocks[n] = 0x80;
    for (i = 0; i < 8; i++)
        blocks[total - 1 - (size_t)i] = (uint8_t)((uint64_t)n * 8 >> (8 * i));
    for (at = 0; at < total; at += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (i = 0; i < 16; i++) {
            const uint8_t *p = blocks + at + 4 * i;
            w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        }
        for (; i < 80; i++)
            w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (i = 0; i < 80; i++) {
            const uint32_t f = i < 20 ? (b & c) | (~b & d) : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
            const uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
            const uint32_t t = rotate(a, 5) + f + e + k + w[i];
            e = d, d = c, c = rotate(b, 30), b = a, a = t;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (i = 0; i < 20; i++)
        digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void accept_key(const char *key, size_t n, char text[29])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t joined[128], digest[21] = {0};
    int i;
    if (n > 64)
        n = 64;
    memcpy(joined, key, n);
    memcpy(joined + n, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1(joined, n + 36, digest);
    for (i = 0; i < 7; i++) {
        const uint32_t v = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        text[4 * i] = alphabet[v >> 18];
        text[4 * i + 1] = alphabet[v >> 12 & 63];
        text[4 * i + 2] = alphabet[v >> 6 & 63];
        text[4 * i + 3] = alphabet[v & 63];
    }
    text[27] = '=';
    text[28] = 0;
}

/* --- opening handshakes ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum serializer serializer;
} SUBPROTOCOLS[] = {{"wamp.2.msgpack", MSGPACK}, {"wamp.2.cbor", CBOR}, {"wamp.2.json", JSON}};

/* The subprotocol that is offered first; one that only begins with the name is another. */
static const char *choose_subprotocol(struct connection *c, const char *offered)
{
    const char *best = NULL, *name = NULL;
    size_t i;
    for (i = 0; i < 3; i++) {
        const char *at = offered;
        const size_t n = strlen(SUBPROTOCOLS[i].name);
        while ((at = strcasestr(at, SUBPROTOCOLS[i].name)) && at[n] == '.')
            at += n;
        if (at && (!best || at < best)) {
            best = at;
            name = SUBPROTOCOLS[i].name;
            c->serializer = SUBPROTOCOLS[i].serializer;
        }
    }
    return name;
}

static int answer_http(struct connection *c)
{
    char *text, *end, *key, *line, answer[400], accepted[29];
    const char *subprotocol = NULL;
    int n;
    *buffer_reserve(&c->in, 1) = 0;
    text = (char *)c->in.data + c->in.start;
    end = strstr(text, "\r\n\r\n");
    if (!end)
        return 0;
    *end = 0;
    key = strcasestr(text, "\r\nSec-WebSocket-Key:");
    if (!key) {
        c->closing = 1;
        return 0;
    }
    key += 20 + strspn(key + 20, " ");
    accept_key(key, strcspn(key, " \r"), accepted);
    c->kind = strncmp(text, "GET /echo", 9) == 0 ? ECHO : strncmp(text, "GET /wamp", 9) == 0 ? WAMP_WEBSOCKET : BENCH;
    line = strcasestr(text, "\r\nSec-WebSocket-Protocol:");
    if (c->kind == WAMP_WEBSOCKET && line)
        subprotocol = choose_subprotocol(c, line);
    n = snprintf(answer, sizeof answer,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s%s%s%s"
                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                 subprotocol ? "Sec-WebSocket-Protocol: " : "", subprotocol ? subprotocol : "", subprotocol ? "\r\n" : "",
                 c->kind == ECHO && strcasestr(text, "permessage-deflate") ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "", accepted);
    buffer_add(&c->out, answer, (size_t)n);
    c->in.start += (size_t)(end + 4 - text);
    return 1;
}

static int answer_opening(struct connection *c)
{
    const uint8_t *in = c->in.data + c->in.start;
    if (c->in.end - c->in.start < 4)
        return 0;
    if (in[0] != 0x7f)
        return answer_http(c);
    const uint8_t answer[4] = {0x7f, in[1], 0, 0};
    c->serializer = (enum serializer)(in[1] & 15);
    c->kind = WAMP_RAWSOCKET;
    c->in.start += 4;
    buffer_add(&c->out, answer, 4);
    return 1;
}

/* --- messages ---------------------------------------------------------------------------------------------------------- */

static void unmask(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *mask)
{
    uint64_t key, word;
    size_t i = 0;
    memcpy(&key, mask, 4);
    memcpy((uint8_t *)&key + 4, mask, 4);
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, in + i, 8);
        word ^= key;
        memcpy(out + i, &word, 8);
    }
    for (; i < n; i++)
        out[i] = in[i] ^ mask[i & 3];
}

static void bench_command(struct connection *c, const uint8_t *payload, size_t n, const uint8_t *mask)
{
    char text[64] = {0}, kind[8] = {0};
    unsigned long long count, size, i, copies;
    if (n > sizeof text - 1)
        n = sizeof text - 1;
    unmask((uint8_t *)text, payload, n, mask);
    if (strcmp(text, "count") == 0) {
        const int length = snprintf(text, sizeof text, "%llu", (unsigned long long)c->counted);
        frame_add(&c->out, 0x81, text, (size_t)length);
    } else if (sscanf(text, "flood %llu %llu %7s", &count, &size, kind) >= 2) {
        uint8_t head[10];
        const size_t head_n = header(head, kind[0] == 't' ? 0x81 : 0x82, size);
        copies = FLOOD_OCTETS / (head_n + size) + 1;
        c->flood.start = c->flood.end = c->flood_at = 0;
        for (i = 0; i < copies; i++) {
            buffer_add(&c->flood, head, head_n);
            memset(buffer_reserve(&c->flood, size), 'x', size);
            c->flood.end += size;
        }
        c->flood_left = (head_n + size) * count;
    }
}

static void take_frame(struct connection *c, uint8_t first, const uint8_t *payload, size_t n, const uint8_t *mask)
{
    const unsigned opcode = first & 15;
    if (opcode >= 8 || c->kind == ECHO) {
        uint8_t head[10];
        if (opcode == 10)
            return;
        if (opcode == 8)
            c->closing = 1;
        buffer_add(&c->out, head, header(head, opcode == 9 ? 0x8a : first, n));
        unmask(buffer_reserve(&c->out, n), payload, n, mask);
        c->out.end += n;
    } else if (c->kind == WAMP_WEBSOCKET) {
        wamp_message(c, payload, n, mask);
    } else if (opcode == 1 && n < 64) {
        bench_command(c, payload, n, mask);
    } else {
        c->counted += first >> 7;
    }
}

/* One complete frame or message out of what was read. 0: there is none yet. */
static int take_one(struct connection *c)
{
    const uint8_t *p = c->in.data + c->in.start;
    const size_t have = c->in.end - c->in.start;
    uint64_t n;
    size_t at = 2, i;
    if (c->kind == WAMP_RAWSOCKET) {
        if (have < 4)
            return 0;
        n = (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
        if (have < 4 + n)
            return 0;
        c->in.start += 4 + n;
        if (p[0] == 0)
            wamp_message(c, p + 4, n, NULL);
        return 1;
    }
    if (have < 6)
        return 0;
    n = p[1] & 127;
    if (n == 126) {
        n = (uint64_t)p[2] << 8 | p[3];
        at = 4;
    } else if (n == 127) {
        if (have < 14)
            return 0;
        for (n = 0, i = 2; i < 10; i++)
            n = n << 8 | p[i];
        at = 10;
    }
    if (have < at + 4 + n) {
        buffer_reserve(&c->in, at + 4 + n - have);
        return 0;
    }
    c->in.start += at + 4 + n;
    take_frame(c, p[0], p + at + 4, n, p + at);
    return 1;
}

static void take_all(struct connection *c)
{
    if (c->kind == OPENING && !answer_opening(c))
        return;
    while (!c->closing && take_one(c))
        ;
    if (c->in.start == c->in.end)
        c->in.start = c->in.end = 0;
    if (c->kind == WAMP_WEBSOCKET || c->kind == WAMP_RAWSOCKET)
        wamp_after(c);
}

/* --- the socket ---------------------------------------------------------------------------------------------------------- */

/* Octets, 0 at the end of the connection, -1 when there is nothing to do now. */
static ssize_t transfer(struct connection *c, void *octets, size_t n, int writing)
{
    ssize_t done;
#ifdef FAR_END_TLS
    if (c->tls) {
        int error, got;
        ERR_clear_error();
        if (n > (1u << 20))
            n = 1u << 20;
        got = writing ? SSL_write(c->tls, octets, (int)n) : SSL_read(c->tls, octets, (int)n);
        if (got > 0)
            return got;
        error = SSL_get_error(c->tls, got);
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -1 : 0;
    }
#endif
    done = writing ? send(c->fd, octets, n, MSG_NOSIGNAL) : recv(c->fd, octets, n, 0);
    if (done < 0)
        return errno == EAGAIN || errno == EINTR ? -1 : 0;
    return done;
}

static void drop(struct connection *c)
{
#ifdef FAR_END_TLS
    if (c->tls)
        SSL_free(c->tls);
#endif
    close(c->fd);
    free(c->in.data);
    free(c->out.data);
    free(c->flood.data);
    free(c);
}

/* Write what can be written. 0: the connection is gone. */
static int write_out(struct connection *c)
{
    ssize_t done;
    for (;;) {
        if (c->out.end > c->out.start) {
            done = transfer(c, c->out.data + c->out.start, c->out.end - c->out.start, 1);
            if (done <= 0)
                return done < 0;
            c->out.start += (size_t)done;
            if (c->out.start == c->out.end)
                c->out.start = c->out.end = 0;
        } else if (c->flood_left) {
            size_t n = c->flood.end - c->flood_at;
            if (n > c->flood_left)
                n = c->flood_left;
            done = transfer(c, c->flood.data + c->flood_at, n, 1);
            if (done <= 0)
                return done < 0;
            c->flood_left -= (uint64_t)done;
            c->flood_at = (c->flood_at + (size_t)done) % c->flood.end;
        } else {
            return !c->closing;
        }
    }
}

static int read_in(struct connection *c)
{
    for (;;) {
        uint8_t *room = buffer_reserve(&c->in, READ_OCTETS);
        const ssize_t done = transfer(c, room, c->in.room - c->in.end, 0);
        if (done <= 0)
            return done < 0;
        c->in.end += (size_t)done;
        take_all(c);
#ifdef FAR_END_TLS
        if (c->tls && SSL_pending(c->tls))
            continue;
#endif
        return 1;
    }
}

static void serve(struct connection *c, unsigned events)
{
    struct epoll_event wanted = {.data.ptr = c};
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !read_in(c)) {
        drop(c);
        return;
    }
    if (!write_out(c)) {
        drop(c);
        return;
    }
    wanted.events = c->out.end - c->out.start < MOST_UNWRITTEN ? EPOLLIN : 0;
    if (c->out.end > c->out.start || c->flood_left)
        wanted.events |= EPOLLOUT;
    if ((int)wanted.events != c->interest) {
        c->interest = (int)wanted.events;
        epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &wanted);
    }
}

static void take_connections(int listener, int with_tls)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
        if (!c)
            exit(1);
        c->fd = fd;
        c->interest = EPOLLIN;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef FAR_END_TLS
        if (with_tls) {
            c->tls = SSL_new(tls_context);
            SSL_set_fd(c->tls, fd);
            SSL_set_accept_state(c->tls);
        }
#endif
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
    }
    (void)with_tls;
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&address, &n)) {
        perror("listen");
        exit(1);
    }
    printf("%d\n", ntohs(address.sin_port));
    return fd;
}

static void set_up_tls(const char *certificate, const char *key)
{
#ifdef FAR_END_TLS
    tls_context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_use_certificate_file(tls_context, certificate, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_context, key, SSL_FILETYPE_PEM) != 1) {
        fputs("the certificate or its key cannot be read\n", stderr);
        exit(1);
    }
#else
    (void)certificate, (void)key;
    fputs("built without TLS\n", stderr);
    exit(1);
#endif
}

static int add(int fd, void *what)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
}

int main(int argc, char **argv)
{
    static int plain_mark, tls_mark, input_mark;
    struct rlimit files;
    int plain, tls = -1;
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    plain = listen_anywhere();
    add(plain, &plain_mark);
    if (argc > 2) {
        set_up_tls(argv[1], argv[2]);
        tls = listen_anywhere();
        add(tls, &tls_mark);
    }
    fflush(stdout);
    add(0, &input_mark);
    for (;;) {
        struct epoll_event events[256];
        const int n = epoll_wait(poller, events, 256, -1);
        int i;
        for (i = 0; i < n; i++) {
            void *what = events[i].data.ptr;
            char end[64];
            if (what == &plain_mark)
                take_connections(plain, 0);
            else if (what == &tls_mark)
                take_connections(tls, 1);
            else if (what != &input_mark)
                serve(what, events[i].events);
            else if (read(0, end, sizeof end) <= 0)
                return 0;
        }
    }
}
