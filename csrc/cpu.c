/* SPDX-License-Identifier: MIT
 *
 * Which kernels to use: the best this CPU has, or those that the environment variable AUTOBAHN_FAST_SIMD names. Asked
 * once, at first use.
 */
#define _CRT_SECURE_NO_WARNINGS /* getenv */

#include "mask.h"
#include "utf8.h"

#include <stdlib.h>

static int always(void)
{
    return 1;
}

#ifdef ABF_X86
#  ifdef _MSC_VER
#    include <intrin.h>

/* Register ebx of leaf 7 when the operating system saves the registers xcr0 stands for, else 0. */
static unsigned features(unsigned xcr0)
{
    int r[4];
    __cpuid(r, 0);
    if (r[0] < 7)
        return 0;
    __cpuid(r, 1);
    if (!(r[2] & (1 << 27)) || ((unsigned)_xgetbv(0) & xcr0) != xcr0) /* OSXSAVE */
        return 0;
    __cpuidex(r, 7, 0);
    return (unsigned)r[1];
}

static int has_avx2(void)
{
    return (features(0x06) >> 5) & 1;
}

static int has_avx512(void)
{
    const unsigned wanted = 1u << 16 | 1u << 30 | 1u << 5; /* F, BW, AVX2 */
    return (features(0xE6) & wanted) == wanted;
}

#  else

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx2");
}

#  endif
#endif

/* Slowest first. SSE2 and NEON are part of every x86-64 and AArch64. */
static const struct {
    abf_kernels_t kernels;
    int (*usable)(void);
} paths[] = {
    {{"scalar", abf_mask_scalar, abf_utf8_scalar}, always},
#ifdef ABF_X86
    {{"sse2", abf_mask_sse2, abf_utf8_sse2}, always},
    {{"avx2", abf_mask_avx2, abf_utf8_avx2}, has_avx2},
    {{"avx512", abf_mask_avx512, abf_utf8_avx512}, has_avx512},
#endif
#ifdef ABF_ARM64
    {{"neon", abf_mask_neon, abf_utf8_neon}, always},
#endif
};

enum { PATHS = sizeof paths / sizeof paths[0] };

static void use(const abf_kernels_t *kernels)
{
#if defined(_MSC_VER) && !defined(__clang__)
    *(const abf_kernels_t *volatile *)&abf_kernels_in_use = kernels;
#else
    __atomic_store_n(&abf_kernels_in_use, kernels, __ATOMIC_RELAXED);
#endif
}

static const abf_kernels_t *find(const char *name)
{
    size_t i;
    for (i = 0; i < PATHS; i++)
        if (strcmp(paths[i].kernels.name, name) == 0 && paths[i].usable())
            return &paths[i].kernels;
    return NULL;
}

static const char *asked_for(void)
{
    const char *name = getenv("AUTOBAHN_FAST_SIMD");
    return name && *name ? name : NULL;
}

/* Threads that race to be first all store the same pointer. */
static const abf_kernels_t *choose(void)
{
    const char *name = asked_for();
    const abf_kernels_t *kernels = name ? find(name) : NULL;
    size_t i;
    for (i = PATHS; !kernels && i > 0; i--)
        if (paths[i - 1].usable())
            kernels = &paths[i - 1].kernels;
    use(kernels);
    return kernels;
}

static void first_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    choose()->mask(dst, src, n, key);
}

static size_t first_utf8(const uint8_t *p, size_t n)
{
    return choose()->utf8(p, n);
}

static const abf_kernels_t undecided = {NULL, first_mask, first_utf8};

const abf_kernels_t *abf_kernels_in_use = &undecided;

const char *abf_simd_name(void)
{
    const abf_kernels_t *kernels = ABF_KERNELS();
    return (kernels == &undecided ? choose() : kernels)->name;
}

const char *abf_simd_choice(size_t i)
{
    size_t j;
    for (j = 0; j < PATHS; j++)
        if (paths[j].usable() && i-- == 0)
            return paths[j].kernels.name;
    return NULL;
}

int abf_simd_select(const char *name)
{
    const abf_kernels_t *kernels = find(name);
    if (!kernels)
        return -1;
    use(kernels);
    return 0;
}

const char *abf_simd_rejected(void)
{
    const char *name = asked_for();
    return name && !find(name) ? name : NULL;
}
