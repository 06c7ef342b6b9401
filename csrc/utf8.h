/* SPDX-License-Identifier: MIT
 *
 * UTF-8 validation of a stream, RFC 3629 (RFC 6455 section 8.1 asks for it): no surrogates, no overlong forms, nothing
 * above U+10FFFF; non-characters are valid.
 */
#ifndef ABF_UTF8_H
#define ABF_UTF8_H

#include "abf.h"

enum {
    ABF_UTF8_ACCEPT = 0,   /* on a code point boundary */
    ABF_UTF8_REJECT = 1,   /* invalid; stays so until reset */
    ABF_UTF8_NEED1 = 2,    /* one more continuation octet, 80..BF */
    ABF_UTF8_NEED2 = 3,    /* two more */
    ABF_UTF8_AFTER_E0 = 4, /* A0..BF and one more: anything lower is overlong */
    ABF_UTF8_AFTER_ED = 5, /* 80..9F and one more: anything higher is a surrogate */
    ABF_UTF8_AFTER_F0 = 6, /* 90..BF and two more: anything lower is overlong */
    ABF_UTF8_NEED3 = 7,    /* three more */
    ABF_UTF8_AFTER_F4 = 8  /* 80..8F and two more: anything higher is above U+10FFFF */
};

typedef struct {
    uint32_t state; /* one of the above */
    uint64_t total; /* octets accepted so far */
} abf_utf8_t;

ABF_INLINE void abf_utf8_reset(abf_utf8_t *v)
{
    v->state = ABF_UTF8_ACCEPT;
    v->total = 0;
}

/* The state one octet further. An octet that cannot follow leads to ABF_UTF8_REJECT, and nothing leads out of it. */
ABF_INLINE uint32_t abf_utf8_step(uint32_t state, uint8_t c)
{
    /* by state: lowest octet that may follow, how many may, and the state after it */
    static const uint8_t low[9] = {0, 0, 0x80, 0x80, 0xA0, 0x80, 0x90, 0x80, 0x80};
    static const uint8_t count[9] = {0, 0, 64, 64, 32, 32, 48, 64, 16};
    static const uint8_t next[9] = {0, 0, ABF_UTF8_ACCEPT, ABF_UTF8_NEED1, ABF_UTF8_NEED1, ABF_UTF8_NEED1,
                                    ABF_UTF8_NEED2, ABF_UTF8_NEED2, ABF_UTF8_NEED2};
    if (state != ABF_UTF8_ACCEPT)
        return (uint8_t)(c - low[state]) < count[state] ? next[state] : ABF_UTF8_REJECT;
    if (c < 0x80)
        return ABF_UTF8_ACCEPT;
    if (c < 0xC2) /* a continuation octet, or C0, C1 which only overlong forms begin with */
        return ABF_UTF8_REJECT;
    if (c < 0xE0)
        return ABF_UTF8_NEED1;
    if (c < 0xF0)
        return c == 0xE0 ? ABF_UTF8_AFTER_E0 : c == 0xED ? ABF_UTF8_AFTER_ED : ABF_UTF8_NEED2;
    if (c > 0xF4)
        return ABF_UTF8_REJECT;
    return c == 0xF0 ? ABF_UTF8_AFTER_F0 : c == 0xF4 ? ABF_UTF8_AFTER_F4 : ABF_UTF8_NEED3;
}

/* Feed n octets. Returns n when all are valid so far, else the index (< n) of the first octet that cannot be; after
 * that, every further feed of n > 0 octets returns 0 until reset. */
size_t abf_utf8_feed(abf_utf8_t *v, const uint8_t *p, size_t n);

size_t abf_utf8_scalar(const uint8_t *p, size_t n);
#ifdef ABF_X86
size_t abf_utf8_sse2(const uint8_t *p, size_t n);
size_t abf_utf8_avx2(const uint8_t *p, size_t n);
size_t abf_utf8_avx512(const uint8_t *p, size_t n);
#endif
#ifdef ABF_ARM64
size_t abf_utf8_neon(const uint8_t *p, size_t n);
#endif

#endif
