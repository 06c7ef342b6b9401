/* SPDX-License-Identifier: MIT
 *
 * XOR with a rotating key of four octets. Callers come with n > 32 (mask.h does the shorter ones inline), yet every
 * function here takes any n.
 *
 * All have one shape: whole vectors, then one last vector which ends at the last octet and overlaps its neighbour. It
 * is loaded before anything is stored, because dst may be src. Plain stores throughout: what is masked is sent or parsed
 * next, so it should be in the cache (non-temporal stores lose several times over below the size of L2).
 */
#include "mask.h"

void abf_mask_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const uint64_t key64 = ((uint64_t)key << 32) | key;
    size_t i = 0;
    for (; n - i >= 32; i += 32) {
        const uint64_t a = abf_load64(src + i) ^ key64;
        const uint64_t b = abf_load64(src + i + 8) ^ key64;
        const uint64_t c = abf_load64(src + i + 16) ^ key64;
        const uint64_t d = abf_load64(src + i + 24) ^ key64;
        abf_store64(dst + i, a);
        abf_store64(dst + i + 8, b);
        abf_store64(dst + i + 16, c);
        abf_store64(dst + i + 24, d);
    }
    for (; n - i >= 16; i += 8)
        abf_store64(dst + i, abf_load64(src + i) ^ key64);
    abf_mask_short(dst + i, src + i, n - i, key);
}

#ifdef ABF_X86

#  include <immintrin.h>

/* From this length on wide vectors are stored aligned, because one that crosses a cache line costs two stores: a first
 * vector overlaps those that follow, as the last one does. Payload is rarely aligned. */
enum { ALIGN_FROM = 1024 };

/* The key as it applies n octets further on (x86-64 is little-endian). */
ABF_INLINE uint32_t key_after(uint32_t key, size_t n)
{
    const unsigned shift = (unsigned)(n & 3) * 8;
    return (key >> shift) | (key << ((32 - shift) & 31));
}

void abf_mask_sse2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const __m128i k = _mm_set1_epi32((int)key);
    __m128i last;
    size_t i = 0;
    if (n < 16) {
        abf_mask_short(dst, src, n, key);
        return;
    }
    last = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(src + n - 16)), _mm_set1_epi32((int)key_after(key, n)));
    for (; n - i > 64; i += 64) {
        const __m128i a = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(src + i)), k);
        const __m128i b = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(src + i + 16)), k);
        const __m128i c = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(src + i + 32)), k);
        const __m128i d = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(src + i + 48)), k);
        _mm_storeu_si128((__m128i *)(dst + i), a);
        _mm_storeu_si128((__m128i *)(dst + i + 16), b);
        _mm_storeu_si128((__m128i *)(dst + i + 32), c);
        _mm_storeu_si128((__m128i *)(dst + i + 48), d);
    }
    for (; n - i > 16; i += 16)
        _mm_storeu_si128((__m128i *)(dst + i), _mm_xor_si128(_mm_loadu_si128((const __m128i *)(src + i)), k));
    _mm_storeu_si128((__m128i *)(dst + n - 16), last);
}

/* 33 to 128 octets, which is most messages and all control frames: two or four overlapping vectors, no loop. */
ABF_TARGET("avx2") static inline void mask_33_to_128(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const __m256i k = _mm256_set1_epi32((int)key), end = _mm256_set1_epi32((int)key_after(key, n));
    const __m256i a = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)src), k);
    const __m256i d = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + n - 32)), end);
    if (n > 64) {
        const __m256i b = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + 32)), k);
        const __m256i c = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + n - 64)), end);
        _mm256_storeu_si256((__m256i *)(dst + 32), b);
        _mm256_storeu_si256((__m256i *)(dst + n - 64), c);
    }
    _mm256_storeu_si256((__m256i *)dst, a);
    _mm256_storeu_si256((__m256i *)(dst + n - 32), d);
}

/* Octets i to n - 1 but for the last vector; k is the key as it applies at i. */
ABF_TARGET("avx2") static inline void mask_from_avx2(uint8_t *dst, const uint8_t *src, size_t i, size_t n, __m256i k)
{
    for (; n - i > 128; i += 128) {
        const __m256i a = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + i)), k);
        const __m256i b = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + i + 32)), k);
        const __m256i c = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + i + 64)), k);
        const __m256i d = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + i + 96)), k);
        _mm256_storeu_si256((__m256i *)(dst + i), a);
        _mm256_storeu_si256((__m256i *)(dst + i + 32), b);
        _mm256_storeu_si256((__m256i *)(dst + i + 64), c);
        _mm256_storeu_si256((__m256i *)(dst + i + 96), d);
    }
    for (; n - i > 32; i += 32)
        _mm256_storeu_si256((__m256i *)(dst + i),
                            _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + i)), k));
}

ABF_TARGET("avx2") void abf_mask_avx2(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    __m256i first, last;
    if (n <= 128) {
        if (n > 32)
            mask_33_to_128(dst, src, n, key);
        else if (n >= 16)
            abf_mask_medium(dst, src, n, key);
        else
            abf_mask_short(dst, src, n, key);
        return;
    }
    last = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(src + n - 32)),
                            _mm256_set1_epi32((int)key_after(key, n)));
    if (n < ALIGN_FROM)
        mask_from_avx2(dst, src, 0, n, _mm256_set1_epi32((int)key));
    else {
        const size_t i = (0 - (uintptr_t)dst) & 31;
        first = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)src), _mm256_set1_epi32((int)key));
        mask_from_avx2(dst, src, i, n, _mm256_set1_epi32((int)key_after(key, i)));
        _mm256_storeu_si256((__m256i *)dst, first);
    }
    _mm256_storeu_si256((__m256i *)(dst + n - 32), last);
}

/* Measured: a quarter to a third faster than AVX2 from 4 KiB on, as long as it is in the cache. Nothing is gained below
 * 1 KiB, where wide vectors would only cost older CPUs clock rate. */
ABF_TARGET("avx512f,avx512bw")
void abf_mask_avx512(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    __m512i k, first, last;
    size_t i;
    if (n < ALIGN_FROM) {
        abf_mask_avx2(dst, src, n, key);
        return;
    }
    i = (0 - (uintptr_t)dst) & 63;
    k = _mm512_set1_epi32((int)key_after(key, i));
    first = _mm512_xor_si512(_mm512_loadu_si512(src), _mm512_set1_epi32((int)key));
    last = _mm512_xor_si512(_mm512_loadu_si512(src + n - 64), _mm512_set1_epi32((int)key_after(key, n)));
    for (; n - i > 256; i += 256) {
        const __m512i a = _mm512_xor_si512(_mm512_loadu_si512(src + i), k);
        const __m512i b = _mm512_xor_si512(_mm512_loadu_si512(src + i + 64), k);
        const __m512i c = _mm512_xor_si512(_mm512_loadu_si512(src + i + 128), k);
        const __m512i d = _mm512_xor_si512(_mm512_loadu_si512(src + i + 192), k);
        _mm512_storeu_si512(dst + i, a);
        _mm512_storeu_si512(dst + i + 64, b);
        _mm512_storeu_si512(dst + i + 128, c);
        _mm512_storeu_si512(dst + i + 192, d);
    }
    for (; n - i > 64; i += 64)
        _mm512_storeu_si512(dst + i, _mm512_xor_si512(_mm512_loadu_si512(src + i), k));
    _mm512_storeu_si512(dst, first);
    _mm512_storeu_si512(dst + n - 64, last);
}

#endif /* ABF_X86 */

#ifdef ABF_ARM64

void abf_mask_neon(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const uint8x16_t k = vreinterpretq_u8_u32(vdupq_n_u32(key));
    const unsigned shift = (unsigned)(n & 3) * 8;
    uint8x16_t last;
    size_t i = 0;
    if (n < 16) {
        abf_mask_short(dst, src, n, key);
        return;
    }
    last = veorq_u8(vld1q_u8(src + n - 16),
                    vreinterpretq_u8_u32(vdupq_n_u32((key >> shift) | (key << ((32 - shift) & 31)))));
    for (; n - i > 64; i += 64) {
        const uint8x16_t a = veorq_u8(vld1q_u8(src + i), k);
        const uint8x16_t b = veorq_u8(vld1q_u8(src + i + 16), k);
        const uint8x16_t c = veorq_u8(vld1q_u8(src + i + 32), k);
        const uint8x16_t d = veorq_u8(vld1q_u8(src + i + 48), k);
        vst1q_u8(dst + i, a);
        vst1q_u8(dst + i + 16, b);
        vst1q_u8(dst + i + 32, c);
        vst1q_u8(dst + i + 48, d);
    }
    for (; n - i > 16; i += 16)
        vst1q_u8(dst + i, veorq_u8(vld1q_u8(src + i), k));
    vst1q_u8(dst + n - 16, last);
}

#endif /* ABF_ARM64 */
