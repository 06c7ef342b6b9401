/* SPDX-License-Identifier: MIT
 *
 * Streaming UTF-8 validation. A DFA of one step per octet takes what stands at the seams: a code point that began in
 * an earlier chunk, one that this chunk ends in, and the neighbourhood of an error, whose exact place it finds. All
 * that lies between goes through the kernel of the instruction set in use (abf_utf8_fn).
 */
#include "utf8.h"

/* One octet further. An octet that cannot follow leads to ABF_UTF8_REJECT. */
ABF_INLINE uint32_t utf8_step(uint32_t state, uint8_t c)
{
    /* by state: lowest octet that may follow, how many may, and the state after it */
    static const uint8_t low[9] = {0, 0, 0x80, 0x80, 0x80, 0xA0, 0x80, 0x90, 0x80};
    static const uint8_t count[9] = {0, 0, 64, 64, 64, 32, 32, 48, 16};
    static const uint8_t next[9] = {0, 0, ABF_UTF8_ACCEPT, ABF_UTF8_NEED1, ABF_UTF8_NEED2, ABF_UTF8_NEED1,
                                    ABF_UTF8_NEED1, ABF_UTF8_NEED2, ABF_UTF8_NEED2};
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

/* Length of one valid code point of two or more octets at p, or 0 when it is invalid or not whole. */
ABF_INLINE size_t utf8_multibyte(const uint8_t *p, size_t n)
{
    uint32_t state = utf8_step(ABF_UTF8_ACCEPT, p[0]);
    size_t i = 1;
    while (state > ABF_UTF8_REJECT && i < n)
        state = utf8_step(state, p[i++]);
    return state == ABF_UTF8_ACCEPT ? i : 0;
}

size_t abf_utf8_scalar(const uint8_t *p, size_t n)
{
    const uint64_t high = 0x8080808080808080u;
    size_t i = 0;
    while (i < n) {
        size_t length;
        if (p[i] < 0x80) {
            if (n - i >= 16 && !((abf_load64(p + i) | abf_load64(p + i + 8)) & high))
                i += 16;
            else
                i++;
            continue;
        }
        length = utf8_multibyte(p + i, n - i);
        if (!length)
            break;
        i += length;
    }
    return i;
}

size_t abf_utf8_feed(abf_utf8_t *v, const uint8_t *p, size_t n)
{
    uint32_t state = v->state;
    size_t i = 0;
    while (i < n && state != ABF_UTF8_ACCEPT) { /* the code point the last chunk ended in */
        state = utf8_step(state, p[i]);
        if (state == ABF_UTF8_REJECT)
            goto out;
        i++;
    }
    i += ABF_KERNELS()->utf8(p + i, n - i);
    for (; i < n; i++) {
        state = utf8_step(state, p[i]);
        if (state == ABF_UTF8_REJECT)
            break;
    }
out:
    v->state = state;
    v->total += i;
    return i;
}
