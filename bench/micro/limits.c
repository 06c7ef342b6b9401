/* SPDX-License-Identifier: MIT
 *
 * What kernels are compared with: a plain loop, which the compiler may turn into whatever this CPU has, and a copy.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static __attribute__((noinline)) void mask(uint8_t *p, size_t n, const uint8_t *key)
{
    uint64_t word, key64;
    size_t i = 0;
    memcpy(&key64, key, 4);
    memcpy((uint8_t *)&key64 + 4, key, 4);
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, p + i, 8);
        word ^= key64;
        memcpy(p + i, &word, 8);
    }
    for (; i < n; i++)
        p[i] ^= key[i & 3];
}

/* Short payload is elsewhere each time, as in kernels.c. */
enum { MASK_ROOM = 16384, MASK_HEADER = 8 };

double time_loop(uint8_t *p, size_t n, size_t rounds)
{
    const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    size_t at = 0;
    const double start = seconds();
    while (rounds--) {
        mask(p + at, n, key);
        at += n + MASK_HEADER;
        if (at > MASK_ROOM)
            at = 0;
        __asm__ volatile("" ::: "memory");
    }
    return seconds() - start;
}

/* Copies the first half of p to the second; n octets each. */
double time_copy(uint8_t *p, size_t n, size_t rounds)
{
    const double start = seconds();
    while (rounds--) {
        memcpy(p + n, p, n);
        __asm__ volatile("" ::: "memory");
    }
    return seconds() - start;
}
