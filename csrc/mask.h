/* SPDX-License-Identifier: MIT
 *
 * Masking of WebSocket payload, RFC 6455 section 5.3: octet i is XORed with octet i mod 4 of the masking key.
 */
#ifndef ABF_MASK_H
#define ABF_MASK_H

#include "abf.h"

/* The key as it applies at the given phase, in memory order. */
ABF_INLINE uint32_t abf_mask_rotate(const uint8_t *key, size_t phase)
{
    const uint32_t word = abf_load32(key);
    const unsigned shift = (unsigned)(phase & 3) * 8;
#ifdef ABF_BIG_ENDIAN
    return (word << shift) | (word >> ((32 - shift) & 31));
#else
    return (word >> shift) | (word << ((32 - shift) & 31));
#endif
}

/* Fewer than 16 octets: at most two overlapping words, both loaded before the first is stored, so that dst may be
 * src. Octets which both words cover get the same value twice. */
ABF_INLINE void abf_mask_short(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n >= 8) {
        const uint64_t key64 = ((uint64_t)key << 32) | key;
        const unsigned shift = (unsigned)(n & 3) * 8; /* phase of the last word is (n - 8) mod 4 */
#ifdef ABF_BIG_ENDIAN
        const uint64_t last = shift ? (key64 << shift) | (key64 >> (64 - shift)) : key64;
#else
        const uint64_t last = shift ? (key64 >> shift) | (key64 << (64 - shift)) : key64;
#endif
        const uint64_t a = abf_load64(src) ^ key64;
        const uint64_t b = abf_load64(src + n - 8) ^ last;
        abf_store64(dst, a);
        abf_store64(dst + n - 8, b);
    } else if (n >= 4) {
        uint8_t octets[4];
        uint32_t a, b;
        abf_store32(octets, key);
        a = abf_load32(src) ^ key;
        b = abf_load32(src + n - 4) ^ abf_mask_rotate(octets, n);
        abf_store32(dst, a);
        abf_store32(dst + n - 4, b);
    } else {
        uint8_t octets[4];
        size_t i;
        abf_store32(octets, key);
        for (i = 0; i < n; i++)
            dst[i] = (uint8_t)(src[i] ^ octets[i]);
    }
}

/* 16 to 32 octets: four words, all loaded before the first is stored, as above. */
ABF_INLINE void abf_mask_medium(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const uint64_t key64 = ((uint64_t)key << 32) | key;
    const unsigned shift = (unsigned)(n & 3) * 8; /* both words from the end are at a multiple of 8 from it */
#ifdef ABF_BIG_ENDIAN
    const uint64_t last = (key64 << shift) | (key64 >> ((64 - shift) & 63));
#else
    const uint64_t last = (key64 >> shift) | (key64 << ((64 - shift) & 63));
#endif
    const uint64_t a = abf_load64(src) ^ key64;
    const uint64_t b = abf_load64(src + 8) ^ key64;
    const uint64_t c = abf_load64(src + n - 16) ^ last;
    const uint64_t d = abf_load64(src + n - 8) ^ last;
    abf_store64(dst, a);
    abf_store64(dst + 8, b);
    abf_store64(dst + n - 16, c);
    abf_store64(dst + n - 8, d);
}

/* dst[i] = src[i] ^ key[(phase + i) mod 4] for i < n. dst may be src; they may not overlap otherwise. Any alignment. */
ABF_INLINE void abf_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t phase)
{
    const uint32_t rotated = abf_mask_rotate(key, phase);
    if (n < 16)
        abf_mask_short(dst, src, n, rotated);
    else if (n <= 32)
        abf_mask_medium(dst, src, n, rotated);
    else
        ABF_KERNELS()->mask(dst, src, n, rotated);
}

void abf_mask_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
#ifdef ABF_X86
void abf_mask_sse2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
void abf_mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
void abf_mask_avx512(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
#endif
#ifdef ABF_ARM64
void abf_mask_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);
#endif

#endif
