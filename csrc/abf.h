/* SPDX-License-Identifier: MIT
 *
 * What all kernels share: compiler differences, and the table of kernels of the instruction set in use.
 *
 * The kernels know octets only: no Python.h, no allocation, no lock, no pointer kept beyond a call. Every extension
 * module links its own copy, hence has its own table; the choice is made at first use and is idempotent, so that
 * threads which race to be first come to the same result.
 */
#ifndef ABF_H
#define ABF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#  include <intrin.h>
#  define ABF_INLINE static __forceinline
#  define ABF_NOINLINE __declspec(noinline)
#  define ABF_LIKELY(x) (x)
#  define ABF_UNLIKELY(x) (x)
#  define ABF_TARGET(isa)
#else
#  define ABF_INLINE static inline __attribute__((always_inline))
#  define ABF_NOINLINE __attribute__((noinline))
#  define ABF_LIKELY(x) __builtin_expect(!!(x), 1)
#  define ABF_UNLIKELY(x) __builtin_expect(!!(x), 0)
#  define ABF_TARGET(isa) __attribute__((target(isa)))
#endif

#if defined(__x86_64__) || (defined(_M_X64) && !defined(_M_ARM64EC))
#  define ABF_X86 1
#  include <emmintrin.h>
#elif (defined(__aarch64__) || defined(_M_ARM64)) && !defined(__AARCH64EB__)
#  define ABF_ARM64 1
#  include <arm_neon.h>
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#  define ABF_BIG_ENDIAN 1
#endif

/* Loads and stores of any alignment. The fixed size makes every compiler turn the memcpy into one instruction. */
ABF_INLINE uint64_t abf_load64(const uint8_t *p) { uint64_t w; memcpy(&w, p, 8); return w; }
ABF_INLINE uint32_t abf_load32(const uint8_t *p) { uint32_t w; memcpy(&w, p, 4); return w; }
ABF_INLINE void abf_store64(uint8_t *p, uint64_t w) { memcpy(p, &w, 8); }
ABF_INLINE void abf_store32(uint8_t *p, uint32_t w) { memcpy(p, &w, 4); }

/* Number of zero bits below the lowest one bit; w is not 0. */
ABF_INLINE unsigned abf_ctz64(uint64_t w)
{
#if defined(_MSC_VER) && !defined(__clang__)
    unsigned long i;
#  if defined(_M_X64) || defined(_M_ARM64)
    _BitScanForward64(&i, w);
#  else
    if (!_BitScanForward(&i, (unsigned long)w)) {
        _BitScanForward(&i, (unsigned long)(w >> 32));
        i += 32;
    }
#  endif
    return (unsigned)i;
#else
    return (unsigned)__builtin_ctzll(w);
#endif
}

/* key is the masking key already rotated to the phase of dst[0], as the four octets lie in memory. n may be 0. */
typedef void (*abf_mask_fn)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

/* p is a code point boundary. Returns the length of a valid prefix that ends on a boundary again: all of n, or all but
 * the code point the text ends in, or, before an invalid one, short of it by less than 128 octets. The octets from
 * there on are the caller's to look at, one by one. */
typedef size_t (*abf_utf8_fn)(const uint8_t *p, size_t n);

typedef struct {
    const char *name;
    abf_mask_fn mask;
    abf_utf8_fn utf8;
} abf_kernels_t;

/* The table in use. Starts as one whose members make the choice (cpu.c) and then do the work. */
extern const abf_kernels_t *abf_kernels_in_use;

#if defined(_MSC_VER) && !defined(__clang__)
/* An aligned pointer read through volatile is one load on every target of this compiler. */
#  define ABF_KERNELS() (*(const abf_kernels_t *volatile *)&abf_kernels_in_use)
#else
#  define ABF_KERNELS() __atomic_load_n(&abf_kernels_in_use, __ATOMIC_RELAXED)
#endif

/* Name of the instruction set in use: "scalar", "sse2", "avx2", "avx512" or "neon". */
const char *abf_simd_name(void);

/* Name of the i-th kernels this CPU (and this build) can use, slowest first; NULL when there are no more. */
const char *abf_simd_choice(size_t i);

/* Use the kernels called name from now on in this module. 0, or -1 when the CPU or the build lacks them. */
int abf_simd_select(const char *name);

/* The value of AUTOBAHN_FAST_SIMD when it is set and cannot be honoured (the best path is used then), else NULL. */
const char *abf_simd_rejected(void);

#endif
