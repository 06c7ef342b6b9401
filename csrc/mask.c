/* SPDX-License-Identifier: MIT
 *
 * XOR with a rotating key of four octets. Callers come with n >= 16 (mask.h does the shorter ones inline), yet every
 * function here takes any n.
 *
 * All have one shape: whole vectors, then one last vector which ends at the last octet and overlaps its neighbour. It is
 * loaded before anything is stored, because dst may be src. Plain stores throughout: what is masked is sent or parsed
 * next, so it should be in the cache (non-temporal stores lose several times over below the size of L2).
 */
#include "mask.h"

void abf_mask_scalar(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const uint64_t key64 = ((uint64_t)key << 32) | key;
    size_t i = 0;
    if (n < 8) {
        abf_mask_short(dst, src, n, key);
        return;
    }
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
