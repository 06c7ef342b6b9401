/* SPDX-License-Identifier: MIT
 *
 * The kernels of csrc, called again and again the way the engines call them. Used through ctypes.
 */
#include "mask.h"
#include "utf8.h"

#include <time.h>

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Each returns seconds of processor time for all rounds; a negative number when the result is wrong. */

double time_mask(uint8_t *p, size_t n, size_t rounds)
{
    const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    const double start = seconds();
    while (rounds--) {
        abf_mask(p, p, n, key, 0);
        __asm__ volatile("" ::: "memory");
    }
    return seconds() - start;
}

double time_utf8(uint8_t *p, size_t n, size_t rounds)
{
    const double start = seconds();
    abf_utf8_t v;
    size_t good = 0, all = rounds;
    while (rounds--) {
        abf_utf8_reset(&v);
        good += abf_utf8_feed(&v, p, n) == n;
        __asm__ volatile("" ::: "memory");
    }
    return good == all ? seconds() - start : -1;
}
