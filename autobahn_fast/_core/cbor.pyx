# SPDX-License-Identifier: MIT
"""CBOR (RFC 8949): values to octets and back, as the ``cbor2`` package does it with its default options.

Knows the format. The types that nearly every message consists of are written and read here; everything else (tags,
big integers, indefinite lengths, other simple values, containers as map keys, subclasses) goes through the ``cbor2``
package, on exactly the octets of that element, so that results are the same in every case. Does not know WAMP.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_CheckExact, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_CheckExact, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.ref cimport Py_INCREF, PyObject
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_CheckExact
from libc.string cimport memcpy

from collections import deque
from collections.abc import Mapping

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport (MAX_DEPTH, MAX_ID, Codec, Cursor, Outgoing, abf_items, abf_text, bad, bits_double,
                                        count_elements, decode_failed, double_bits, encode_failed, load_be, put_data,
                                        store_be, to_key, to_text)
from autobahn_fast._core.codec import DecodeError, EncodeError

cdef extern from "Python.h":
    double PyFloat_Unpack2(const char *p, int le) except? -1.0

cdef enum:
    READ_DEPTH = 400             # containers and tags inside one another: what cbor2 reads

cdef object _library = None      # the cbor2 package, once something needed it


class Foreign(Exception):
    """Inside this module only: an element that cbor2 has to read."""


cdef object library():
    global _library
    if _library is None:
        import cbor2
        _library = cbor2
    return _library


# --- out ---

cdef enum:
    UINT = 0
    NINT = 1
    BINARY = 2
    TEXT = 3
    ARRAY = 4
    MAP = 5
    TAG = 6
    OTHER = 7                    # simple values, floats, break


cdef inline int put_head(WriteBuffer out, int major, unsigned long long n) except -1:
    cdef unsigned char *d
    cdef unsigned char first = <unsigned char>(major << 5)
    out.need(9)
    d = out.data + out.size
    if n < 24:
        d[0] = first | <unsigned char>n
        out.size += 1
    elif n < 0x100:
        d[0] = first | 24
        d[1] = <unsigned char>n
        out.size += 2
    elif n < 0x10000:
        d[0] = first | 25
        store_be(d + 1, n, 2)
        out.size += 3
    elif n <= 0xFFFFFFFFULL:
        d[0] = first | 26
        store_be(d + 1, n, 4)
        out.size += 5
    else:
        d[0] = first | 27
        store_be(d + 1, n, 8)
        out.size += 9
    return 0


cdef inline int put_str(WriteBuffer out, object s) except -1:
    cdef Py_ssize_t n = 0
    cdef const char *p = abf_text(s, &n)
    put_head(out, TEXT, n)
    return put_data(out, p, n)


cdef inline int put_bin(WriteBuffer out, const char *p, Py_ssize_t n) except -1:
    put_head(out, BINARY, n)
    return put_data(out, p, n)


cdef int put_float(WriteBuffer out, double v) except -1:
    # cbor2 writes what has no finite value in two octets, and everything else in eight.
    cdef unsigned char *d
    cdef unsigned long long bits = double_bits(v)
    out.need(9)
    d = out.data + out.size
    if (bits >> 52) & 0x7FF == 0x7FF:
        d[0] = 0xF9
        store_be(d + 1, 0x7E00 if v != v else (0x7C00 if v > 0 else 0xFC00), 2)
        out.size += 3
    else:
        d[0] = 0xFB
        store_be(d + 1, bits, 8)
        out.size += 9
    return 0


cdef int limit_depth(object v, int depth) except -1:
    # cbor2 writes containers of any depth, until there is no stack left.
    cdef bint mapping = isinstance(v, Mapping)
    if not mapping and not isinstance(v, (list, tuple, set, frozenset, deque, library().CBORTag)):
        return 0
    if depth >= MAX_DEPTH:
        raise EncodeError(f"the value nests deeper than {MAX_DEPTH} containers (or contains itself)")
    if mapping:
        for k, x in v.items():
            limit_depth(k, depth + 1)
            limit_depth(x, depth + 1)
    elif isinstance(v, library().CBORTag):
        limit_depth(v.value, depth + 1)
    else:
        for x in v:
            limit_depth(x, depth + 1)
    return 0


cdef int put_by_library(WriteBuffer out, object v, int depth) except -1:
    cdef bytes data
    limit_depth(v, depth)
    try:
        data = library().dumps(v)
    except Exception as exc:
        encode_failed(exc)
    return put_data(out, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef int put_dict(WriteBuffer out, object v, int depth) except -1:
    cdef Py_ssize_t n = PyDict_Size(v), at = 0, done = 0
    cdef PyObject *key
    cdef PyObject *value
    put_head(out, MAP, n)
    while PyDict_Next(v, &at, &key, &value):
        # Own references: encoding a value may run code of its class, which may change the dict.
        k = <object>key
        x = <object>value
        if PyUnicode_CheckExact(k):
            put_str(out, k)
        else:
            put_value(out, k, depth)
        put_value(out, x, depth)
        done += 1
        if PyDict_Size(v) != n:
            break
    if done != n or PyDict_Size(v) != n:
        raise EncodeError("a dict changed its size while it was being encoded")
    return 0


cdef int put_list(WriteBuffer out, object v, int depth) except -1:
    cdef Py_ssize_t n = PyList_GET_SIZE(v), i
    put_head(out, ARRAY, n)
    for i in range(n):
        if i >= PyList_GET_SIZE(v):
            break
        x = <object>PyList_GET_ITEM(v, i)
        put_value(out, x, depth)
    if PyList_GET_SIZE(v) != n:
        raise EncodeError("a list changed its size while it was being encoded")
    return 0


cdef int put_array(WriteBuffer out, PyObject **items, Py_ssize_t n, int depth) except -1:
    cdef Py_ssize_t i
    put_head(out, ARRAY, n)
    for i in range(n):
        put_value(out, <object>items[i], depth)
    return 0


cdef inline int put_long(WriteBuffer out, long long v) except -1:
    if v >= 0:
        return put_head(out, UINT, <unsigned long long>v)
    return put_head(out, NINT, <unsigned long long>(-1 - v))


cdef int put_value(WriteBuffer out, object v, int depth) except -1:
    cdef int overflow = 0
    cdef long long number
    if PyUnicode_CheckExact(v):
        return put_str(out, v)
    if PyBytes_CheckExact(v):
        return put_bin(out, PyBytes_AS_STRING(v), PyBytes_GET_SIZE(v))
    if PyLong_CheckExact(v):
        number = PyLong_AsLongLongAndOverflow(v, &overflow)
        if overflow == 0:
            return put_long(out, number)
        return put_by_library(out, v, depth)
    if v is None:
        return out.put_byte(0xF6)
    if v is True:
        return out.put_byte(0xF5)
    if v is False:
        return out.put_byte(0xF4)
    if PyFloat_CheckExact(v):
        return put_float(out, PyFloat_AS_DOUBLE(v))
    if PyDict_CheckExact(v) or PyList_CheckExact(v) or PyTuple_CheckExact(v):
        if depth >= MAX_DEPTH:
            raise EncodeError(f"the value nests deeper than {MAX_DEPTH} containers (or contains itself)")
        if PyDict_CheckExact(v):
            return put_dict(out, v, depth + 1)
        if PyList_CheckExact(v):
            return put_list(out, v, depth + 1)
        return put_array(out, abf_items(v), PyTuple_GET_SIZE(v), depth + 1)
    if PyByteArray_CheckExact(v):
        return put_bin(out, PyByteArray_AS_STRING(v), PyByteArray_GET_SIZE(v))
    return put_by_library(out, v, depth)


# --- in ---

cdef struct Head:
    int major
    int info                       # the five low bits of the first octet; 31: of indefinite length, or a break
    unsigned long long n           # the argument: number, length, tag, bits of a float, simple value
    Py_ssize_t size                # octets of the head


cdef int read_head(const Cursor *c, Head *h) except -1:
    # What comes next. Afterwards h.size <= octets left, and so is h.n behind it for what has a length.
    cdef int code, octets
    cdef unsigned long long room
    h.size = 1
    h.major = h.info = 0
    h.n = 0
    if c.p >= c.end:
        return bad("a value is missing", c)
    code = c.p[0]
    h.major = code >> 5
    h.info = code & 0x1F
    h.n = h.info
    if h.info >= 24:
        if h.info < 28:
            octets = 1 << (h.info - 24)
            if c.end - c.p <= octets:
                return bad("the head of a value is cut off", c)
            h.n = load_be(c.p + 1, octets)
            h.size = 1 + octets
            if h.major == OTHER and h.info == 24 and h.n < 32:
                return bad("a simple value is not written in its one way", c)
        elif h.info < 31 or h.major == UINT or h.major == NINT or h.major == TAG:
            return bad("this octet begins no value", c)
        else:
            return 0
    if BINARY <= h.major <= MAP:
        # Every element takes an octet, every pair two: no length beyond that can be true, and none is allocated for.
        room = <unsigned long long>(c.end - c.p - h.size)
        if h.n > room or (h.major == MAP and h.n > room // 2):
            return bad("a length is larger than what follows", c)
    return 0


cdef object get_list(Cursor *c, const Head *h, int depth):
    cdef Py_ssize_t n = <Py_ssize_t>h.n, i
    cdef list result
    if depth >= READ_DEPTH:
        bad("the value nests too deep", c)
    c.p += h.size
    c.end -= n                     # an octet for each element: what is inside of one cannot promise them once more
    result = PyList_New(n)
    for i in range(n):
        c.end += 1
        x = get_value(c, depth + 1)
        Py_INCREF(x)
        PyList_SET_ITEM(result, i, x)
    return result


cdef dict get_dict(Cursor *c, const Head *h, int depth):
    cdef Py_ssize_t n = <Py_ssize_t>h.n
    cdef dict result
    cdef Head key
    if depth >= READ_DEPTH:
        bad("the value nests too deep", c)
    c.p += h.size
    result = {}
    while n > 0:
        read_head(c, &key)
        if key.major > TEXT or key.info == 31:
            raise Foreign
        if key.major == TEXT:
            c.p += key.size + <Py_ssize_t>key.n
            k = to_key(c.p - <Py_ssize_t>key.n, <Py_ssize_t>key.n)
        else:
            k = get_value(c, depth + 1)
        x = get_value(c, depth + 1)
        PyDict_SetItem(result, k, x)
        n -= 1
    return result


cdef object get_other(Cursor *c, const Head *h):
    cdef float single
    cdef unsigned int bits
    cdef const unsigned char *p = c.p
    if h.info == 31:
        bad("a break stands where a value is expected", c)
    c.p += h.size
    if h.info == 27:
        return bits_double(h.n)
    if h.info == 26:
        bits = <unsigned int>h.n
        memcpy(&single, &bits, 4)
        return <double>single
    if h.info == 25:
        return PyFloat_Unpack2(<const char *>p + 1, 0)
    if h.info == 20:
        return False
    if h.info == 21:
        return True
    if h.info == 22:
        return None
    raise Foreign


cdef object get_value(Cursor *c, int depth):
    # Raises Foreign on what cbor2 has to read.
    cdef Head h
    cdef const unsigned char *p
    read_head(c, &h)
    if h.major == TEXT or h.major == BINARY:
        if h.info == 31:
            raise Foreign
        p = c.p + h.size
        c.p = p + <Py_ssize_t>h.n
        if h.major == TEXT:
            return to_text(p, <Py_ssize_t>h.n)
        return PyBytes_FromStringAndSize(<const char *>p, <Py_ssize_t>h.n)
    if h.major == UINT:
        c.p += h.size
        return h.n
    if h.major == NINT:
        c.p += h.size
        if h.n >> 63:
            number = h.n
            return -1 - number
        return -1 - <long long>h.n
    if h.major == OTHER:
        return get_other(c, &h)
    if h.info == 31 or h.major == TAG:
        raise Foreign
    if h.major == ARRAY:
        return get_list(c, &h, depth)
    return get_dict(c, &h, depth)


cdef int skip_chunks(Cursor *c, int major) except -1:
    # Text or octets of indefinite length: pieces of the same kind and definite length, up to a break.
    cdef Head h
    while True:
        read_head(c, &h)
        c.p += h.size
        if h.major == OTHER and h.info == 31:
            return 0
        if h.major != major or h.info == 31:
            return bad("a piece of another kind stands in text or octets of indefinite length", c)
        c.p += <Py_ssize_t>h.n


cdef int skip_value(Cursor *c, int depth, bint *shared) except -1:
    # *shared becomes True when there is a tag that makes values refer to one another (25, 28, 29).
    cdef Head h
    cdef Py_ssize_t n
    read_head(c, &h)
    if depth >= READ_DEPTH and ARRAY <= h.major <= TAG:
        return bad("the value nests too deep", c)
    if h.major == OTHER and h.info == 31:
        return bad("a break stands where a value is expected", c)
    c.p += h.size
    if h.major == TEXT or h.major == BINARY:
        if h.info == 31:
            return skip_chunks(c, h.major)
        c.p += <Py_ssize_t>h.n
    elif h.major == TAG:
        if h.n == 25 or h.n == 28 or h.n == 29:
            shared[0] = True
        skip_value(c, depth + 1, shared)
    elif h.major == ARRAY or h.major == MAP:
        if h.info == 31:
            while c.p >= c.end or c.p[0] != 0xFF:
                skip_value(c, depth + 1, shared)
                if h.major == MAP:
                    skip_value(c, depth + 1, shared)
            c.p += 1
            return 0
        n = <Py_ssize_t>h.n * (2 if h.major == MAP else 1)
        while n > 0:
            skip_value(c, depth + 1, shared)
            n -= 1
    return 0


def octets_of_tag(*given):
    # Tag 64 (RFC 8746) is how JavaScript libraries write a Uint8Array: plain octets. Versions of cbor2 pass the tag with
    # the decoder before it, or with a flag behind it.
    tag = given[0] if hasattr(given[0], "tag") else given[1]
    return tag.value if tag.tag == 64 and type(tag.value) is bytes else tag


cdef object read_by_library(const unsigned char *p, Py_ssize_t n):
    try:
        return library().loads(PyBytes_FromStringAndSize(<const char *>p, n), tag_hook=octets_of_tag)
    except Exception as exc:
        decode_failed(exc)


cdef class CborCodec(Codec):
    """CBOR, the WAMP serializer ``cbor``."""

    def __init__(self):
        self.name = "cbor"
        self.binary = True

    cdef int begin(self, WriteBuffer out, Py_ssize_t n) except -1:
        return put_head(out, ARRAY, n)

    cdef int put_message(self, WriteBuffer out, const Outgoing *m) except -1:
        put_head(out, ARRAY, count_elements(m))
        put_head(out, UINT, m.code)
        put_long(out, m.request)
        if m.middle is not NULL:
            put_data(out, m.middle, m.middle_size)
        else:
            if m.options is NULL:
                out.put_byte(0xA0)
            else:
                put_dict(out, <object>m.options, 1)
            if m.uri is not NULL:
                put_value(out, <object>m.uri, 0)
        if m.n or m.kwargs is not NULL:
            put_array(out, m.args, m.n, 1)
            if m.kwargs is not NULL:
                put_dict(out, <object>m.kwargs, 1)
        return 0

    cdef int put_items(self, WriteBuffer out, PyObject **items, Py_ssize_t n) except -1:
        return put_array(out, items, n, 1)

    cdef int put_int(self, WriteBuffer out, long long v) except -1:
        return put_long(out, v)

    cdef int put_empty_map(self, WriteBuffer out) except -1:
        return out.put_byte(0xA0)

    cdef int put(self, WriteBuffer out, object v) except -1:
        try:
            return put_value(out, v, 0)
        except Exception as exc:
            encode_failed(exc)

    cdef int enter(self, Cursor *c) except -1:
        cdef Head h
        read_head(c, &h)
        if h.major != ARRAY:
            return bad("an array is expected", c)
        c.p += h.size
        c.left = -1 if h.info == 31 else <Py_ssize_t>h.n
        c.depth += 1
        return 0

    cdef bint more(self, Cursor *c) except -1:
        if c.left > 0:
            c.left -= 1
            return True
        if c.left == 0:
            return False
        if c.p < c.end and c.p[0] == 0xFF:
            c.p += 1
            c.left = 0
            return False
        return True

    cdef long long get_int(self, Cursor *c) except? -1:
        cdef Head h
        read_head(c, &h)
        if h.major != UINT or h.n > <unsigned long long>MAX_ID:
            return bad("an integer from 0 to 2^53 is expected", c)
        c.p += h.size
        return <long long>h.n

    cdef object get(self, Cursor *c):
        cdef const unsigned char *start = c.p
        cdef const unsigned char *end = c.end
        cdef bint shared = False
        try:
            return get_value(c, c.depth)
        except Foreign:
            pass
        c.p = start
        c.end = end
        skip_value(c, c.depth, &shared)
        if shared:
            raise DecodeError("an element refers to values outside of it: only the message as a whole can be decoded")
        return read_by_library(start, c.p - start)

    cdef object get_only(self, Cursor *c, bint *found):
        found[0] = c.p < c.end and c.p[0] == 0x81
        if found[0]:
            c.p += 1
            c.depth += 1
            value = self.get(c)
            c.depth -= 1
            return value

    cdef tuple get_array(self, Cursor *c):
        cdef Head h
        cdef Py_ssize_t i
        cdef tuple result
        read_head(c, &h)
        if h.major != ARRAY or h.info == 31:
            value = self.get(c)
            if type(value) is not list:
                raise DecodeError(f"an array is expected, not {type(value).__name__}")
            return tuple(value)
        c.p += h.size
        c.end -= <Py_ssize_t>h.n       # as in get_list
        c.depth += 1
        result = PyTuple_New(<Py_ssize_t>h.n)
        for i in range(<Py_ssize_t>h.n):
            c.end += 1
            x = self.get(c)
            Py_INCREF(x)
            PyTuple_SET_ITEM(result, i, x)
        c.depth -= 1
        return result

    cdef dict get_map(self, Cursor *c):
        if c.p < c.end and c.p[0] == 0xA0:
            c.p += 1
            return None
        value = self.get(c)
        if type(value) is not dict:
            raise DecodeError(f"a map is expected, not {type(value).__name__}")
        return value or None

    cdef int skip(self, Cursor *c) except -1:
        cdef bint shared = False
        return skip_value(c, c.depth, &shared)

    cdef object load(self, const unsigned char *p, Py_ssize_t n):
        cdef Cursor c
        cdef bint shared = False
        c.p = p
        c.end = p + n
        c.left = 0
        c.depth = 0
        try:
            value = get_value(&c, 0)
            self.done(&c)
            return value
        except Foreign:
            pass
        c.p = p
        c.end = p + n
        skip_value(&c, 0, &shared)
        self.done(&c)
        return read_by_library(p, n)
