/* SPDX-License-Identifier: MIT
 *
 * Just enough of a WAMP router to measure a client: no message is decoded, only looked at, and what is sent back is put
 * together from a few octets. Speaks JSON, MessagePack and CBOR, over WebSocket and RawSocket.
 *
 * PUBLISH is counted, and answered with PUBLISHED when it has any option. CALL of bench.echo is answered with a RESULT;
 * bench.never is not answered; bench.count says how many PUBLISH there were (ten digits in a string); bench.flood.N answers, then sends N EVENT, to the
 * subscriptions of the connection in turn; bench.invoke.N answers, then sends N INVOCATION in bursts of 100, the next when
 * all have been answered.
 */
#define _GNU_SOURCE
#include "far_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKED_AT 192 /* octets of a message that are unmasked */
#define BURST 100
#define EVENTS 512 /* at least so many different EVENT messages in a flood */
#define SUBSCRIPTION 5512315355ull
#define REGISTRATION 4711ull
#define PAYLOAD_OCTETS 256

static const char PAYLOAD[] = "The quick brown fox jumps over the lazy dog 0123456789. The quick brown fox jumps over the lazy "
                              "dog 0123456789. The quick brown fox jumps over the lazy dog 0123456789. The quick brown fox "
                              "jumps over the lazy dog 0123456789. The quick brown fox jumps over the";

/* A message under construction. */
struct message {
    enum serializer serializer;
    size_t n;
    int first; /* JSON: no comma before the next element */
    uint8_t octets[1024];
};

static void put(struct message *m, const void *octets, size_t n)
{
    memcpy(m->octets + m->n, octets, n);
    m->n += n;
}

static void put_octet(struct message *m, unsigned octet)
{
    m->octets[m->n++] = (uint8_t)octet;
}

static void put_comma(struct message *m)
{
    if (m->serializer == JSON && !m->first)
        put_octet(m, ',');
    m->first = 0;
}

static void put_big_endian(struct message *m, uint64_t value, int octets)
{
    while (octets-- > 0)
        put_octet(m, (unsigned)(value >> (octets * 8)) & 255);
}

static void put_array(struct message *m, unsigned n)
{
    put_comma(m);
    m->first = 1;
    put_octet(m, m->serializer == JSON ? '[' : (m->serializer == MSGPACK ? 0x90u : 0x80u) | n);
}

static void put_end(struct message *m)
{
    m->first = 0;
    if (m->serializer == JSON)
        put_octet(m, ']');
}

static void put_uint(struct message *m, uint64_t value)
{
    char digits[24];
    put_comma(m);
    if (m->serializer == JSON) {
        put(m, digits, (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)value));
    } else if (m->serializer == MSGPACK) {
        if (value < 128)
            put_octet(m, (unsigned)value);
        else if (value < 65536)
            put_octet(m, 0xcd), put_big_endian(m, value, 2);
        else
            put_octet(m, 0xcf), put_big_endian(m, value, 8);
    } else {
        if (value < 24)
            put_octet(m, (unsigned)value);
        else if (value < 256)
            put_octet(m, 0x18), put_big_endian(m, value, 1);
        else if (value < 65536)
            put_octet(m, 0x19), put_big_endian(m, value, 2);
        else
            put_octet(m, 0x1b), put_big_endian(m, value, 8);
    }
}

static void put_text(struct message *m, const char *text, size_t n)
{
    put_comma(m);
    if (m->serializer == JSON)
        put_octet(m, '"');
    else if (m->serializer == MSGPACK && n < 32)
        put_octet(m, 0xa0u | (unsigned)n);
    else if (m->serializer == MSGPACK)
        put_octet(m, 0xda), put_big_endian(m, n, 2);
    else if (n < 24)
        put_octet(m, 0x60u | (unsigned)n);
    else
        put_octet(m, 0x79), put_big_endian(m, n, 2);
    put(m, text, n);
    if (m->serializer == JSON)
        put_octet(m, '"');
}

static void put_map(struct message *m, unsigned n)
{
    put_comma(m);
    if (m->serializer == JSON && n)
        abort(); /* put_raw is for those */
    if (m->serializer == JSON)
        put(m, "{}", 2);
    else
        put_octet(m, (m->serializer == MSGPACK ? 0x80u : 0xa0u) | n);
}

static void put_raw(struct message *m, const uint8_t *octets, size_t n)
{
    put_comma(m);
    put(m, octets, n);
}

static void put_payload(struct message *m)
{
    put_array(m, 1);
    put_text(m, PAYLOAD, PAYLOAD_OCTETS);
    put_end(m);
}

static void begin(struct message *m, enum serializer serializer, unsigned elements, unsigned code)
{
    m->serializer = serializer;
    m->n = 0;
    m->first = 1;
    put_array(m, elements);
    put_uint(m, code);
}

/* The message, framed, into a buffer. */
static void finish(struct message *m, const struct connection *c, struct buffer *out)
{
    put_end(m);
    if (c->kind == WAMP_RAWSOCKET) {
        const uint8_t head[4] = {0, 0, (uint8_t)(m->n >> 8), (uint8_t)m->n};
        buffer_add(out, head, 4);
        buffer_add(out, m->octets, m->n);
    } else {
        frame_add(out, m->serializer == JSON ? 0x81 : 0x82, m->octets, m->n);
    }
}

static void welcome(struct connection *c)
{
    static const char json[] = "{\"roles\":{\"broker\":{\"features\":{}},\"dealer\":{\"features\":{}}},\"authid\":\"bench\","
                               "\"authrole\":\"bench\",\"authmethod\":\"anonymous\",\"realm\":\"realm1\"}";
    static const char *const names[] = {"authid", "authrole", "authmethod", "realm"};
    static const char *const values[] = {"bench", "bench", "anonymous", "realm1"};
    struct message m;
    size_t i;
    begin(&m, c->serializer, 3, 2);
    put_uint(&m, 7813462911ull);
    if (c->serializer == JSON) {
        put_raw(&m, (const uint8_t *)json, sizeof json - 1);
    } else {
        put_map(&m, 5);
        put_text(&m, "roles", 5);
        put_map(&m, 2);
        for (i = 0; i < 2; i++) {
            put_text(&m, i ? "dealer" : "broker", 6);
            put_map(&m, 1);
            put_text(&m, "features", 8);
            put_map(&m, 0);
        }
        for (i = 0; i < 4; i++) {
            put_text(&m, names[i], strlen(names[i]));
            put_text(&m, values[i], strlen(values[i]));
        }
    }
    finish(&m, c, &c->out);
}

/* [code, request, id] */
static void acknowledge(struct connection *c, unsigned code, const uint8_t *request, size_t n, uint64_t id)
{
    struct message m;
    begin(&m, c->serializer, 3, code);
    put_raw(&m, request, n);
    put_uint(&m, id);
    finish(&m, c, &c->out);
}

static void result(struct connection *c, const uint8_t *request, size_t n, const char *text)
{
    struct message m;
    begin(&m, c->serializer, 4, 50);
    put_raw(&m, request, n);
    put_map(&m, 0);
    if (text) {
        put_array(&m, 1);
        put_text(&m, text, strlen(text));
        put_end(&m);
    } else {
        put_payload(&m);
    }
    finish(&m, c, &c->out);
}

/* EVENT messages that all take the same number of octets, and one after another to each subscription. */
static void flood(struct connection *c, uint64_t count)
{
    const uint64_t turns = c->subscriptions ? c->subscriptions : 1;
    const uint64_t different = turns * ((EVENTS + turns - 1) / turns);
    uint64_t random = 88172645463325252ull, i;
    c->flood.start = c->flood.end = c->flood_at = 0;
    for (i = 0; i < different; i++) {
        struct message m;
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        begin(&m, c->serializer, 5, 36);
        put_uint(&m, SUBSCRIPTION + i % turns);
        put_uint(&m, 1000000000000000ull + random % 8000000000000000ull);
        put_map(&m, 0);
        put_payload(&m);
        finish(&m, c, &c->flood);
    }
    c->flood_left = (c->flood.end / different) * count;
}

static void invoke(struct connection *c)
{
    unsigned i;
    for (i = 1; i <= BURST; i++) {
        struct message m;
        begin(&m, c->serializer, 5, 68);
        put_uint(&m, i);
        put_uint(&m, REGISTRATION);
        put_map(&m, 0);
        put_payload(&m);
        finish(&m, c, &c->out);
    }
    c->bursts--;
    c->unanswered = BURST;
}

static void call(struct connection *c, const uint8_t *octets, size_t n, const uint8_t *request, size_t request_n)
{
    const uint8_t *name = memmem(octets, n, "bench.", 6);
    const size_t left = name ? n - (size_t)(name - octets) : 0;
    char text[40] = {0};
    uint64_t count = 0;
    if (left > 6)
        memcpy(text, name + 6, left - 6 < sizeof text - 1 ? left - 6 : sizeof text - 1);
    if (text[0] == 'e') {
        result(c, request, request_n, NULL);
        return;
    }
    if (text[0] == 'n')
        return; /* never */
    if (text[0] == 'c') {
        snprintf(text, sizeof text, "%010llu", (unsigned long long)c->counted);
        result(c, request, request_n, text);
        return;
    }
    result(c, request, request_n, "ok");
    if (strchr(text, '.'))
        count = strtoull(strchr(text, '.') + 1, NULL, 10);
    if (text[0] == 'f')
        flood(c, count);
    else if (text[0] == 'i')
        c->bursts = count / BURST;
}

/* Octets of the unsigned integer at p, 0 when there is none. */
static size_t uint_octets(enum serializer serializer, const uint8_t *p, const uint8_t *end)
{
    size_t n = 0;
    if (p >= end)
        return 0;
    if (serializer == JSON) {
        while (p + n < end && p[n] >= '0' && p[n] <= '9')
            n++;
        return n;
    }
    if (serializer == MSGPACK)
        return *p < 0x80 ? 1 : *p >= 0xcc && *p <= 0xcf ? 1 + ((size_t)1 << (*p - 0xcc)) : 0;
    return *p < 24 ? 1 : *p < 28 ? 1 + ((size_t)1 << (*p - 24)) : 0;
}

static uint64_t uint_value(enum serializer serializer, const uint8_t *p, size_t n)
{
    uint64_t value = 0;
    size_t i;
    if (serializer == JSON)
        return strtoull((const char *)p, NULL, 10);
    if (n == 1)
        return *p;
    for (i = 1; i < n; i++)
        value = value << 8 | p[i];
    return value;
}

static const uint8_t *skip_separator(enum serializer serializer, const uint8_t *p, const uint8_t *end)
{
    while (serializer == JSON && p < end && (*p == ',' || *p == ' '))
        p++;
    return p;
}

void wamp_message(struct connection *c, const uint8_t *payload, size_t n, const uint8_t *mask)
{
    uint8_t octets[LOOKED_AT + 1];
    const enum serializer s = c->serializer;
    const uint8_t *p = octets + 1, *end, *request;
    size_t i, code_n, request_n;
    unsigned code;
    if (n > LOOKED_AT)
        n = LOOKED_AT;
    for (i = 0; i < n; i++)
        octets[i] = mask ? payload[i] ^ mask[i & 3] : payload[i];
    octets[n] = 0;
    end = octets + n;
    code_n = uint_octets(s, p, end);
    if (!code_n)
        return;
    code = (unsigned)uint_value(s, p, code_n);
    request = skip_separator(s, p + code_n, end);
    request_n = uint_octets(s, request, end);
    if (request_n > (size_t)(end - request))
        return;
    p = skip_separator(s, request + request_n, end);
    switch (code) {
    case 1:
        welcome(c);
        break;
    case 6: {
        struct message m;
        begin(&m, s, 3, 6);
        put_map(&m, 0);
        put_text(&m, "wamp.close.goodbye_and_out", 26);
        finish(&m, c, &c->out);
        break;
    }
    case 16:
        c->counted++;
        if (p + 1 < end && (s == JSON ? p[1] != '}' : *p != (s == MSGPACK ? 0x80 : 0xa0)))
            acknowledge(c, 17, request, request_n, 4429313566ull);
        break;
    case 32:
        acknowledge(c, 33, request, request_n, SUBSCRIPTION + c->subscriptions++);
        break;
    case 48:
        call(c, octets, n, request, request_n);
        break;
    case 64:
        acknowledge(c, 65, request, request_n, REGISTRATION);
        break;
    case 70:
        c->unanswered--;
        break;
    default:
        break;
    }
}

void wamp_after(struct connection *c)
{
    if (c->bursts && !c->unanswered)
        invoke(c);
}
