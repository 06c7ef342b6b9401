/* SPDX-License-Identifier: MIT
 *
 * Which kernels to use: the best this CPU has, or those that the environment variable AUTOBAHN_FAST_SIMD names. Asked
 * once, at first use.
 */
#include "mask.h"
#include "utf8.h"

#include <stdlib.h>

static const abf_kernels_t paths[] = {
    {"scalar", abf_mask_scalar, abf_utf8_scalar},
};

enum { PATHS = sizeof paths / sizeof paths[0] };

static int cpu_has(const char *name)
{
    return strcmp(name, "scalar") == 0;
}

static void use(const abf_kernels_t *path)
{
#if defined(_MSC_VER) && !defined(__clang__)
    *(const abf_kernels_t *volatile *)&abf_kernels_in_use = path;
#else
    __atomic_store_n(&abf_kernels_in_use, path, __ATOMIC_RELAXED);
#endif
}

static const abf_kernels_t *find(const char *name)
{
    size_t i;
    for (i = 0; i < PATHS; i++)
        if (strcmp(paths[i].name, name) == 0 && cpu_has(name))
            return &paths[i];
    return NULL;
}

static const char *wanted(void)
{
    const char *name = getenv("AUTOBAHN_FAST_SIMD");
    return name && *name ? name : NULL;
}

static const abf_kernels_t *choose(void)
{
    const char *name = wanted();
    const abf_kernels_t *path = name ? find(name) : NULL;
    size_t i;
    for (i = PATHS; !path && i > 0; i--)
        path = find(paths[i - 1].name);
    use(path);
    return path;
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
    const abf_kernels_t *path = ABF_KERNELS();
    return (path == &undecided ? choose() : path)->name;
}

int abf_simd_select(const char *name)
{
    const abf_kernels_t *path = find(name);
    if (!path)
        return -1;
    use(path);
    return 0;
}

const char *abf_simd_rejected(void)
{
    const char *name = wanted();
    return name && !find(name) ? name : NULL;
}

const char *abf_simd_choices(void)
{
    return "scalar";
}
