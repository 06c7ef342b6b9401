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

/* Short payload is elsewhere each time, as on a connection: p has room for n + MASK_ROOM octets. On the same octets again
 * and again it is not masking that takes the time, but waiting for the last store before they can be loaded. */
enum { MASK_ROOM = 16384, MASK_HEADER = 8 };

double time_mask(uint8_t *p, size_t n, size_t rounds)
{
    const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    size_t at = 0;
    const double start = seconds();
    while (rounds--) {
        abf_mask(p + at, p + at, n, key, 0);
        at += n + MASK_HEADER;
        if (at > MASK_ROOM)
            at = 0;
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
