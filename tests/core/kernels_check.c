/* SPDX-License-Identifier: MIT
 *
 * Every kernel path this processor has against plain loops, without Python: so that it can be cross-compiled and run in an
 * emulator (test_kernels_c.py). Exits with 0 and prints the paths, or says what is wrong.
 */
#include "json_scan.h"
#include "mask.h"
#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 1500 };

static uint32_t seed = 1;

static uint8_t chance(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint8_t)(seed >> 24);
}

static void failed(const char *what, const char *path, size_t n)
{
    printf("%s with the kernels %s: %lu octets\n", what, path, (unsigned long)n);
    exit(1);
}

/* Blocks have the exact size, so that an emulator or sanitizer sees what reads beyond. */
static uint8_t *block(size_t n)
{
    uint8_t *p = malloc(n ? n : 1);
    if (!p)
        exit(2);
    return p;
}

static void check_mask(const char *path, size_t n)
{
    static const uint8_t key[4] = {0x9A, 0x00, 0xFF, 0x81};
    uint8_t *src = block(n), *dst = block(n);
    size_t phase, i;
    for (phase = 0; phase < 4; phase++) {
        for (i = 0; i < n; i++)
            src[i] = chance();
        abf_mask(dst, src, n, key, phase);
        for (i = 0; i < n; i++)
            if (dst[i] != (uint8_t)(src[i] ^ key[(phase + i) & 3]))
                failed("masking", path, n);
        abf_mask(src, src, n, key, phase);
        if (n && memcmp(src, dst, n) != 0)
            failed("masking in place", path, n);
    }
    free(src);
    free(dst);
}

/* Index of the first octet that cannot be, octet by octet. */
static size_t valid_prefix(const uint8_t *p, size_t n)
{
    uint32_t state = ABF_UTF8_ACCEPT;
    size_t i;
    for (i = 0; i < n; i++)
        if ((state = abf_utf8_step(state, p[i])) == ABF_UTF8_REJECT)
            break;
    return i;
}

static void check_utf8(const char *path, size_t n, int broken)
{
    static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 plain text in between, of some length";
    uint8_t *p = block(n);
    abf_utf8_t whole, parts;
    size_t i, cut;
    for (i = 0; i < n; i++)
        p[i] = (uint8_t)text[i % (sizeof text - 1)];
    for (; n && broken > 0; broken--)
        p[((size_t)chance() << 8 | chance()) % n] = chance();
    abf_utf8_reset(&whole);
    if (abf_utf8_feed(&whole, p, n) != valid_prefix(p, n))
        failed("UTF-8", path, n);
    cut = n ? (size_t)chance() % n : 0;
    abf_utf8_reset(&parts);
    i = abf_utf8_feed(&parts, p, cut);
    if (i == cut)
        i += abf_utf8_feed(&parts, p + cut, n - cut);
    if (i != valid_prefix(p, n) || parts.state != whole.state)
        failed("UTF-8 in parts", path, n);
    free(p);
}

static void check_json(const char *path, size_t n)
{
    uint8_t *p = block(n);
    size_t i;
    for (i = 0; i < n; i++)
        p[i] = chance() % 100 ? (uint8_t)(chance() | 0x80) : chance();
    for (i = 0; i < n && !abf_json_is_special(p[i]); i++)
        ;
    if (abf_json_plain(p, n) != i)
        failed("JSON strings", path, n);
    free(p);
}

int main(void)
{
    const char *path;
    size_t choice, n;
    int round;
    for (choice = 0; (path = abf_simd_choice(choice)) != NULL; choice++) {
        if (abf_simd_select(path) != 0 || strcmp(abf_simd_name(), path) != 0)
            failed("selecting", path, 0);
        for (n = 0; n < SIZE; n += n < 300 ? 1 : 61) {
            check_mask(path, n);
            for (round = 0; round < 6; round++)
                check_utf8(path, n, round);
            check_json(path, n);
        }
        printf("%s\n", path);
    }
    return 0;
}
