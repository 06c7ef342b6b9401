/* SPDX-License-Identifier: MIT
 *
 * The far end of the benches: buffers, and connections as the parts of the program see them.
 */
#ifndef FAR_END_H
#define FAR_END_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data;
    size_t start, end, room; /* what counts is data[start..end) */
};

/* Room for n more octets behind the end; exits when memory is short. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t n);
void buffer_add(struct buffer *buffer, const void *octets, size_t n);

enum kind { OPENING, ECHO, BENCH, WAMP_WEBSOCKET, WAMP_RAWSOCKET };
enum serializer { JSON = 1, MSGPACK = 2, CBOR = 3 };

struct connection {
    int fd;
    void *tls; /* SSL *, or NULL */
    enum kind kind;
    enum serializer serializer;
    int closing;           /* drop it once everything is written */
    int interest; /* events that are waited for */
    struct buffer in, out;
    struct buffer flood;   /* frames that are written again and again */
    size_t flood_at;
    uint64_t flood_left;   /* octets still to be written of them */
    uint64_t counted;      /* messages that were taken and not answered */
    uint64_t bursts;       /* of invocations, still to be sent */
    uint64_t unanswered;
    uint64_t subscriptions;
};

/* An unmasked frame with its header. */
void frame_add(struct buffer *out, uint8_t first, const void *payload, size_t n);

/* A WAMP message came in; mask is NULL when it is not masked. */
void wamp_message(struct connection *c, const uint8_t *payload, size_t n, const uint8_t *mask);

/* What is due once everything that was read has been looked at. */
void wamp_after(struct connection *c);

#endif
