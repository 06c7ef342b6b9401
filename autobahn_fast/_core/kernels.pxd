# The C kernels of csrc/ as Cython sees them. None of them needs the GIL, allocates, or keeps a pointer.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "abf.h" nogil:
    # Name of the instruction set in use for masking and UTF-8: "scalar", "sse2", "avx2", "avx512" or "neon".
    const char *abf_simd_name()

cdef extern from "mask.h" nogil:
    # dst[i] = src[i] ^ key[(phase + i) % 4] for i < n. dst may be src; they may not overlap otherwise. Any alignment.
    void abf_mask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t *key, size_t phase)

cdef extern from "utf8.h" nogil:
    ctypedef struct abf_utf8_t:
        uint32_t state          # 0: the octets so far end on a code point; 1: invalid; else inside a code point
        uint64_t total          # octets accepted so far
    void abf_utf8_reset(abf_utf8_t *v)
    # Feed n octets. Returns n when all are valid so far, else the index (< n) of the first octet that cannot be.
    size_t abf_utf8_feed(abf_utf8_t *v, const uint8_t *p, size_t n)

cdef extern from "json_scan.h" nogil:
    # Length of the longest prefix free of '"', '\\' and octets below 0x20.
    size_t abf_json_plain(const uint8_t *p, size_t n)
