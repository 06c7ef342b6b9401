/* SPDX-License-Identifier: MIT
 *
 * Where the plain part of a JSON string ends, RFC 8259 section 7: the first octet that is a quotation mark, a reverse
 * solidus or a control character. Most strings of a WAMP message are short, hence inline and without dispatch: SSE2 and
 * NEON are part of every x86-64 and AArch64.
 */
#ifndef ABF_JSON_SCAN_H
#define ABF_JSON_SCAN_H

#include "abf.h"

ABF_INLINE int abf_json_is_special(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

#ifndef ABF_BIG_ENDIAN
/* Bit 7 of every octet that is special, and perhaps of some above the lowest such one (borrows run upwards). */
ABF_INLINE uint64_t abf_json_specials64(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t quote = w ^ (ones * '"');
    const uint64_t solidus = w ^ (ones * '\\');
    const uint64_t below = (w - ones * 0x20) & ~w;
    return (below | ((quote - ones) & ~quote) | ((solidus - ones) & ~solidus)) & (ones * 0x80);
}
#endif

#if defined(ABF_X86)
/* Bit i is set when octet i is special. */
ABF_INLINE uint64_t abf_json_specials16(const uint8_t *p)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)p);
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    const __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    const __m128i solidus = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    return (uint64_t)_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, solidus)));
}
#  define ABF_JSON_BITS 0
#elif defined(ABF_ARM64)
/* Bits 4i to 4i+3 are set when octet i is special. */
ABF_INLINE uint64_t abf_json_specials16(const uint8_t *p)
{
    const uint8x16_t v = vld1q_u8(p);
    const uint8x16_t special = vorrq_u8(vcltq_u8(v, vdupq_n_u8(0x20)),
                                        vorrq_u8(vceqq_u8(v, vdupq_n_u8('"')), vceqq_u8(v, vdupq_n_u8('\\'))));
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(special), 4)), 0);
}
#  define ABF_JSON_BITS 2
#endif

/* Length of the longest prefix free of '"', '\\' and octets below 0x20. Reads nothing at or beyond p + n. */
ABF_INLINE size_t abf_json_plain(const uint8_t *p, size_t n)
{
    size_t i = 0;
#ifdef ABF_JSON_BITS
    for (; n - i >= 16; i += 16) {
        const uint64_t bits = abf_json_specials16(p + i);
        if (bits)
            return i + (abf_ctz64(bits) >> ABF_JSON_BITS);
    }
#endif
#ifndef ABF_BIG_ENDIAN
    for (; n - i >= 8; i += 8) {
        const uint64_t bits = abf_json_specials64(abf_load64(p + i));
        if (bits)
            return i + (abf_ctz64(bits) >> 3);
    }
#endif
    for (; i < n; i++)
        if (abf_json_is_special(p[i]))
            break;
    return i;
}

#endif
