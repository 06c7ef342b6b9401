# SPDX-License-Identifier: MIT
# cython: embedsignature=True, embedsignature.format=clinic, autotestdict=False
"""Objects over the kernels of csrc/ for Python programs: XOR masking and UTF-8 validation of a stream.

Knows octets, a masking key and a validator's state. Does not know frames or messages: the engines call the kernels
directly. Importing this module fails when AUTOBAHN_FAST_SIMD names kernels that this CPU or build does not have.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_CheckExact, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from autobahn_fast._core.kernels cimport (
    abf_json_plain,
    abf_mask,
    abf_simd_name,
    abf_utf8_feed,
    abf_utf8_reset,
    abf_utf8_t,
)

cdef extern from "abf.h" nogil:
    const char *abf_simd_choice(size_t i)
    const char *abf_simd_rejected()
    int abf_simd_select(const char *name)

cdef extern from "utf8.h" nogil:
    uint32_t abf_utf8_step(uint32_t state, uint8_t c)


cdef inline int read_key(object key, uint8_t *into) except -1:
    """Copy the four octets of a masking key."""
    if PyBytes_CheckExact(key) and PyBytes_GET_SIZE(key) == 4:
        memcpy(into, PyBytes_AS_STRING(key), 4)
        return 0
    return read_any_key(key, into)


cdef int read_any_key(object key, uint8_t *into) except -1:
    cdef Py_buffer view
    PyObject_GetBuffer(key, &view, PyBUF_SIMPLE)
    try:
        if view.len != 4:
            raise ValueError(f"a masking key has exactly 4 octets, not {view.len} (RFC 6455 section 5.3)")
        memcpy(into, view.buf, 4)
    finally:
        PyBuffer_Release(&view)
    return 0


cdef bytes masked(object data, const uint8_t *key, size_t phase, uint64_t *length):
    """A masked copy of data; *length becomes its size."""
    cdef Py_buffer view
    cdef Py_ssize_t n
    cdef bytes out
    if PyBytes_CheckExact(data):
        n = PyBytes_GET_SIZE(data)
        out = PyBytes_FromStringAndSize(NULL, n)
        abf_mask(<uint8_t *>PyBytes_AS_STRING(out), <const uint8_t *>PyBytes_AS_STRING(data), <size_t>n, key, phase)
        length[0] = <uint64_t>n
        return out
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        out = PyBytes_FromStringAndSize(NULL, view.len)
        abf_mask(<uint8_t *>PyBytes_AS_STRING(out), <const uint8_t *>view.buf, <size_t>view.len, key, phase)
        length[0] = <uint64_t>view.len
    finally:
        PyBuffer_Release(&view)
    return out


cdef class XorMasker:
    """XOR octets with a masking key, over any number of calls (RFC 6455 section 5.3).

    :param mask: the masking key, a bytes-like object of 4 octets.
    :raises ValueError: the key does not have 4 octets.
    :raises TypeError: the key is not bytes-like.
    """

    cdef uint8_t _key[4]
    cdef uint64_t _pointer

    def __init__(self, mask):
        read_key(mask, self._key)
        self._pointer = 0

    def pointer(self):
        """Number of octets processed since construction or the last reset."""
        return self._pointer

    def reset(self):
        """Begin again with the first octet of the key."""
        self._pointer = 0

    def process(self, data):
        """Mask or unmask the next octets.

        :param data: bytes-like object; it stays as it is.
        :returns: the result, as bytes of the same length.
        :raises TypeError: data is not bytes-like.
        """
        cdef uint64_t length = 0
        cdef bytes out = masked(data, self._key, <size_t>(self._pointer & 3), &length)
        self._pointer += length
        return out


cdef class Utf8Validator:
    """Check that a stream of octets is UTF-8, chunk by chunk (RFC 3629, RFC 6455 section 8.1).

    Surrogates and overlong forms are invalid, non-characters are valid. The first octet that cannot continue the text
    makes it invalid, and it stays so until :meth:`reset`.
    """

    cdef abf_utf8_t _stream

    def __cinit__(self):
        abf_utf8_reset(&self._stream)

    def reset(self):
        """Begin a new text."""
        abf_utf8_reset(&self._stream)

    def decode(self, b):
        """Take one octet, without counting it.

        :param b: the octet, an integer from 0 to 255.
        :returns: the new state: 0 on a code point boundary, 1 invalid, else inside a code point.
        :raises ValueError: b is not an octet.
        """
        cdef long octet = b
        if not 0 <= octet <= 255:
            raise ValueError(f"an octet is an integer from 0 to 255, not {b}")
        self._stream.state = abf_utf8_step(self._stream.state, <uint8_t>octet)
        return self._stream.state

    def validate(self, ba):
        """Take the next chunk.

        :param ba: bytes-like object.
        :returns: ``(valid, ends_on_code_point, index, total)``: whether the chunk is valid, whether the text so far
            ends on a code point, and the number of octets accepted in this chunk and in all. When the chunk is
            invalid, the two numbers are the indices of the failing octet in the chunk and in the text.
        :raises TypeError: ba is not bytes-like.
        """
        cdef Py_buffer view
        cdef size_t n, accepted
        if PyBytes_CheckExact(ba):            # half of the time for short text is the buffer protocol's
            n = <size_t>PyBytes_GET_SIZE(ba)
            accepted = abf_utf8_feed(&self._stream, <const uint8_t *>PyBytes_AS_STRING(ba), n)
        else:
            PyObject_GetBuffer(ba, &view, PyBUF_SIMPLE)
            try:
                n = <size_t>view.len
                accepted = abf_utf8_feed(&self._stream, <const uint8_t *>view.buf, n)
            finally:
                PyBuffer_Release(&view)
        return accepted == n, self._stream.state == 0, accepted, self._stream.total


# The kernels bare, for tests and benchmarks.

def simd_name():
    """Name of the instruction set this module's kernels use: "scalar", "sse2", "avx2", "avx512" or "neon"."""
    return abf_simd_name().decode("ascii")


def simd_choices():
    """Names that AUTOBAHN_FAST_SIMD may have on this CPU with this build, slowest first."""
    cdef list names = []
    cdef const char *name = abf_simd_choice(0)
    while name != NULL:
        names.append(name.decode("ascii"))
        name = abf_simd_choice(<size_t>len(names))
    return tuple(names)


def select_simd(str name not None):
    """Use other kernels from now on, in this module only (every extension module has its own).

    :param name: one of :func:`simd_choices`.
    :raises ValueError: this CPU or build does not have them.
    """
    # looked up here first: for C the name would end at a NUL
    if name not in simd_choices() or abf_simd_select(<bytes>name.encode("ascii")) != 0:
        raise ValueError(f"no kernels called {name!r} here; there are: {', '.join(simd_choices())}")


def mask_copy(data, key, size_t phase=0):
    """A copy of data with octet i XORed with ``key[(phase + i) % 4]``, as bytes."""
    cdef uint8_t octets[4]
    cdef uint64_t length = 0
    read_key(key, octets)
    return masked(data, octets, phase, &length)


def mask_into(data, key, size_t phase=0):
    """XOR octet i of data with ``key[(phase + i) % 4]``, in place; data is a writable bytes-like object."""
    cdef uint8_t octets[4]
    cdef uint8_t *payload
    cdef size_t n
    cdef Py_buffer view
    read_key(key, octets)
    if PyByteArray_CheckExact(data):      # half of the time for short payload is the buffer protocol's
        n = <size_t>PyByteArray_GET_SIZE(data)
        payload = <uint8_t *>PyByteArray_AS_STRING(data)
        abf_mask(payload, payload, n, octets, phase)
        return
    PyObject_GetBuffer(data, &view, PyBUF_WRITABLE)
    try:
        abf_mask(<uint8_t *>view.buf, <const uint8_t *>view.buf, <size_t>view.len, octets, phase)
    finally:
        PyBuffer_Release(&view)


def utf8_feed(data, unsigned int state=0):
    """Feed data to a validator in the given state (0 to 8); returns ``(octets accepted, new state)``."""
    cdef abf_utf8_t stream
    cdef Py_buffer view
    cdef size_t accepted
    if state > 8:
        raise ValueError(f"a state is 0 to 8, not {state}")
    abf_utf8_reset(&stream)
    stream.state = state
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        accepted = abf_utf8_feed(&stream, <const uint8_t *>view.buf, <size_t>view.len)
    finally:
        PyBuffer_Release(&view)
    return accepted, stream.state


def json_plain(data):
    """Length of the longest prefix of data free of '"', reverse solidus and octets below 0x20."""
    cdef Py_buffer view
    cdef size_t n
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        n = abf_json_plain(<const uint8_t *>view.buf, <size_t>view.len)
    finally:
        PyBuffer_Release(&view)
    return n


cdef object rejected_name():
    cdef const char *name = abf_simd_rejected()
    return None if name == NULL else name.decode("utf-8", "replace")


if rejected_name() is not None:
    raise ImportError(
        f"AUTOBAHN_FAST_SIMD={rejected_name()!s} names no kernels of this CPU and build; "
        f"choose one of {', '.join(simd_choices())}, or leave it unset for the fastest"
    )
