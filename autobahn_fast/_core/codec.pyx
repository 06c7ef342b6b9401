# SPDX-License-Identifier: MIT
"""What all codecs share: the interface to values on the wire, their errors, and the statistics of what passed.

Knows how a value is read and written element by element, and how deep values may nest. Does not know any format
(``msgpack``, ``cbor``, ``ubjson`` and ``json`` do), what a WAMP message is (``wire`` does), or a transport.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE

from cpython.list cimport PyList_GET_ITEM

from autobahn_fast._core.buffer cimport WriteBuffer

cdef extern from *:
    """
    /* The str of n ASCII octets; Py_None when some are not. A copy is all it takes, and CPython asks octet by octet. */
    static PyObject *abf_ascii(const unsigned char *p, Py_ssize_t n)
    {
        unsigned long long seen = 0, words[8];
        Py_ssize_t i = 0;
        PyObject *text;
        for (; i + 64 <= n; i += 64) {
            memcpy(words, p + i, 64);
            seen |= ((words[0] | words[1]) | (words[2] | words[3])) | ((words[4] | words[5]) | (words[6] | words[7]));
            if (seen & 0x8080808080808080ULL)
                return Py_NewRef(Py_None);
        }
        for (; i + 8 <= n; i += 8) {
            memcpy(words, p + i, 8);
            seen |= words[0];
        }
        for (; i < n; i++)
            seen |= p[i];
        if (seen & 0x8080808080808080ULL)
            return Py_NewRef(Py_None);
        text = PyUnicode_New(n, 127);
        if (text != NULL)
            memcpy(PyUnicode_DATA(text), p, (size_t)n);
        return text;
    }
    """
    object abf_ascii(const unsigned char *p, Py_ssize_t n)

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char *p, Py_ssize_t n, const char *errors)

cdef enum:
    KEYS = 512                   # map keys remembered (a power of two), each of at most KEY_OCTETS
    KEY_OCTETS = 32
    MANY = 24                    # octets of text for which looking at all of them at once pays

cdef list _keys = [None] * KEYS


class EncodeError(ValueError):
    """A value cannot be written in this format. The text says why; ``__cause__`` is the original error, if any."""


class DecodeError(ValueError):
    """Octets are not a value of this format. The text says why; ``__cause__`` is the original error, if any."""


def __getattr__(name):
    # The codecs by name, without loading any that is not asked for.
    if name == "MsgPackCodec":
        from autobahn_fast._core.msgpack import MsgPackCodec
        return MsgPackCodec
    if name == "CborCodec":
        from autobahn_fast._core.cbor import CborCodec
        return CborCodec
    if name == "JsonCodec":
        from autobahn_fast._core.json import JsonCodec
        return JsonCodec
    if name == "UbjsonCodec":
        from autobahn_fast._core.ubjson import UbjsonCodec
        return UbjsonCodec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


cdef int bad(const char *what, const Cursor *c) except -1:
    reason = what.decode("ascii")
    if c.p < c.end:
        raise DecodeError(f"{reason}, at octet 0x{c.p[0]:02x} with {c.end - c.p} octets left")
    raise DecodeError(f"{reason}: the octets end in the middle of a value")


cdef int encode_failed(object exc) except -1:
    if isinstance(exc, (EncodeError, MemoryError)):
        raise exc
    raise EncodeError(str(exc) or type(exc).__name__) from exc


cdef int decode_failed(object exc) except -1:
    if isinstance(exc, (DecodeError, MemoryError)):
        raise exc
    raise DecodeError(str(exc) or type(exc).__name__) from exc


cdef str to_text(const unsigned char *p, Py_ssize_t n):
    if n >= MANY:
        text = abf_ascii(p, n)
        if text is not None:
            return <str>text
    try:
        return PyUnicode_DecodeUTF8(<const char *>p, n, NULL)
    except UnicodeDecodeError as exc:
        decode_failed(exc)


cdef str to_key(const unsigned char *p, Py_ssize_t n):
    # One place per hash value and the last key wins: what the peer sends can cost a look-up, never memory.
    cdef unsigned int h = <unsigned int>n
    cdef Py_ssize_t i
    if n > KEY_OCTETS or n == 0:
        return to_text(p, n)
    for i in range(n):
        h = h * 31 + p[i]
    h = (h ^ (h >> 9) ^ (h >> 18)) & (KEYS - 1)
    key = <object>PyList_GET_ITEM(_keys, h)
    if key is not None and abf_is_text(key, p, n):
        return key
    key = to_text(p, n)
    if abf_is_ascii(key):
        _keys[h] = key
    return key


cdef class Statistics:
    """Octets, messages and rated messages (512 octets each, rounded up) that passed, both ways.

    ``autoreset`` is called without arguments each time ``autoreset_rated_messages`` or more have been counted; it is
    expected to read and ``reset()`` the counters.
    """

    cdef int count_in(self, Py_ssize_t octets) except -1:
        self.unserialized_bytes += octets
        self.unserialized_messages += 1
        self.unserialized_rated_messages += (octets + RATED_OCTETS - 1) // RATED_OCTETS
        if self.autoreset_rated_messages:
            return self._seen()
        return 0

    cdef int count_batch(self, Py_ssize_t octets, Py_ssize_t messages) except -1:
        self.unserialized_bytes += octets
        self.unserialized_messages += messages
        self.unserialized_rated_messages += (octets + RATED_OCTETS - 1) // RATED_OCTETS
        if self.autoreset_rated_messages:
            return self._seen()
        return 0

    cdef int _seen(self) except -1:
        cdef unsigned long long seen = self.serialized_rated_messages + self.unserialized_rated_messages
        if seen >= self.autoreset_rated_messages and self.autoreset is not None:
            self.autoreset()
        return 0

    def serialized(self, Py_ssize_t octets) -> None:
        """Count one message of ``octets`` that went out."""
        self.count_out(octets)

    def unserialized(self, Py_ssize_t octets, Py_ssize_t messages=1) -> None:
        """Count messages of ``octets`` together that came in."""
        self.count_batch(octets, messages)

    def reset(self) -> None:
        """Set all counters to zero."""
        self.serialized_bytes = self.serialized_messages = self.serialized_rated_messages = 0
        self.unserialized_bytes = self.unserialized_messages = self.unserialized_rated_messages = 0


cdef class Codec:
    """Values to octets and back; the base of ``MsgPackCodec``, ``CborCodec``, ``UbjsonCodec`` and ``JsonCodec``. No state."""

    def __init__(self):
        raise TypeError("Codec is a base class: use MsgPackCodec, CborCodec, UbjsonCodec or JsonCodec")

    # The defaults suit formats that tell the number of elements beforehand and put nothing between two of them.

    cdef int begin(self, WriteBuffer out, Py_ssize_t n) except -1:
        raise TypeError("Codec is a base class")

    cdef int put_message(self, WriteBuffer out, const Outgoing *m) except -1:
        self.begin(out, count_elements(m))
        self.put_int(out, m.code)
        self.sep(out)
        self.put_int(out, m.request)
        self.sep(out)
        if m.middle is not NULL:
            put_data(out, m.middle, m.middle_size)
        else:
            self.put_options(out, None if m.options is NULL else <dict>m.options)
            if m.uri is not NULL:
                self.sep(out)
                self.put_text(out, <object>m.uri)
        if m.n or m.kwargs is not NULL:
            self.sep(out)
            self.put_items(out, m.args, m.n)
            if m.kwargs is not NULL:
                self.sep(out)
                self.put(out, <object>m.kwargs)
        return self.finish(out)

    cdef int put_items(self, WriteBuffer out, PyObject **items, Py_ssize_t n) except -1:
        raise TypeError("Codec is a base class")

    cdef int sep(self, WriteBuffer out) except -1:
        return 0

    cdef int finish(self, WriteBuffer out) except -1:
        return 0

    cdef int put_int(self, WriteBuffer out, long long v) except -1:
        return self.put(out, v)

    cdef int put_text(self, WriteBuffer out, object s) except -1:
        return self.put(out, s)

    cdef int put_empty_map(self, WriteBuffer out) except -1:
        return self.put(out, {})

    cdef int put_options(self, WriteBuffer out, dict options) except -1:
        return self.put(out, options) if options else self.put_empty_map(out)

    cdef int put(self, WriteBuffer out, object v) except -1:
        raise TypeError("Codec is a base class")

    cdef int enter(self, Cursor *c) except -1:
        raise TypeError("Codec is a base class")

    cdef bint more(self, Cursor *c) except -1:
        if c.left <= 0:
            return False
        c.left -= 1
        return True

    cdef int done(self, Cursor *c) except -1:
        if c.p != c.end:
            raise DecodeError(f"{c.end - c.p} octets too many behind the end of the value")
        return 0

    cdef long long get_int(self, Cursor *c) except? -1:
        raise TypeError("Codec is a base class")

    cdef int get_head(self, Cursor *c, const unsigned char *ids, long long *v) except -1:
        cdef int i, n
        self.enter(c)
        if not self.more(c):
            return 0
        v[0] = self.get_int(c)
        n = ids[v[0]] if v[0] < CODES else 0
        for i in range(n):
            if not self.more(c):
                return 0
            v[1 + i] = self.get_int(c)
        return n

    cdef object get(self, Cursor *c):
        raise TypeError("Codec is a base class")

    cdef object get_only(self, Cursor *c, bint *found):
        found[0] = False

    cdef tuple get_array(self, Cursor *c):
        raise TypeError("Codec is a base class")

    cdef dict get_map(self, Cursor *c):
        raise TypeError("Codec is a base class")

    cdef int skip(self, Cursor *c) except -1:
        self.get(c)
        return 0

    cdef object load(self, const unsigned char *p, Py_ssize_t n):
        cdef Cursor c
        c.p = p
        c.end = p + n
        c.left = 0
        c.depth = 0
        value = self.get(&c)
        self.done(&c)
        return value

    cpdef bytes dumps(self, object v):
        """Encode one value.

        :raises EncodeError: the format has no way to write it, or it nests deeper than 512 containers.
        """
        cdef WriteBuffer out = WriteBuffer.__new__(WriteBuffer)
        self.put(out, v)
        return out.take()

    cpdef object loads(self, object data):
        """Decode one value, the whole of ``data`` (any bytes-like object).

        :raises DecodeError: the octets are not exactly one value, or it nests too deep.
        """
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            return self.load(<const unsigned char *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            return self.load(<const unsigned char *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    def skip_over(self, data) -> int:
        """How many octets the first value in ``data`` takes, found without building it.

        :raises DecodeError: no whole value is there.
        """
        cdef Cursor c
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            c.p = <const unsigned char *>view.buf
            c.end = c.p + view.len
            c.left = 0
            c.depth = 0
            self.skip(&c)
            return c.p - <const unsigned char *>view.buf
        finally:
            PyBuffer_Release(&view)

    def get_from(self, data) -> tuple:
        """The first value in ``data`` and how many octets it takes.

        :raises DecodeError: no whole value is there.
        """
        cdef Cursor c
        cdef Py_buffer view
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            c.p = <const unsigned char *>view.buf
            c.end = c.p + view.len
            c.left = 0
            c.depth = 0
            value = self.get(&c)
            return value, c.p - <const unsigned char *>view.buf
        finally:
            PyBuffer_Release(&view)
