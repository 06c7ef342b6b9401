/* SPDX-License-Identifier: MIT
 *
 * How the system backs large memory. A message of 64 MiB touches 16,000 pages that the system zeroes one by one, which
 * takes longer than everything else that is done with it; with pages of 2 MiB there are 32.
 */
#ifndef ABF_PAGES_H
#define ABF_PAGES_H

#include <stddef.h>

#ifdef __linux__

#  include <errno.h>
#  include <stdint.h>
#  include <sys/mman.h>
#  include <unistd.h>

#  define ABF_PAGES_FROM ((size_t)4 << 20) /* less has hardly a whole page of 2 MiB inside */

/* p[:n], whatever is in it, had better have large pages. It is only advice: what the system says to it does not matter.
 * The pages that p[:n] shares with others are advised too: a mapping of its own stays one then, and realloc can move it. */
static inline void abf_large_pages(void *p, size_t n)
{
#  ifdef MADV_HUGEPAGE
    if (n >= ABF_PAGES_FROM) {
        uintptr_t edge = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
        uintptr_t start = (uintptr_t)p & ~edge;
        uintptr_t end = ((uintptr_t)p + n + edge) & ~edge;
        int before = errno;
        (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
        errno = before;
    }
#  else
    (void)p, (void)n;
#  endif
}

#else

static inline void abf_large_pages(void *p, size_t n)
{
    (void)p, (void)n;
}

#endif

#endif
