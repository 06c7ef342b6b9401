# SPDX-License-Identifier: MIT
"""MessagePack: values to octets and back, as the ``msgpack`` package does it with ``use_bin_type`` and ``raw=False``.

Knows the format. The types that nearly every message consists of are written and read here; extension types,
timestamps and subclasses of containers go through the ``msgpack`` package, element by element, so that results are the
same in every case. Map keys are text or octets only, as that package has it by default. Does not know WAMP.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_CheckExact, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_CheckExact, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE, PyList_New, PyList_SET_ITEM
from cpython.long cimport (PyLong_AsLongLongAndOverflow, PyLong_AsUnsignedLongLong, PyLong_Check, PyLong_CheckExact)
from cpython.ref cimport Py_INCREF, PyObject
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact
from libc.string cimport memcpy

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport (MAX_DEPTH, MAX_ID, Codec, Cursor, Outgoing, abf_is_ascii, abf_items, abf_text, bad,
                                        bits_double, count_elements, decode_failed, double_bits, encode_failed, load_be,
                                        put_data, store_be, to_key, to_text)
from autobahn_fast._core.codec import DecodeError, EncodeError

cdef object _library = None      # the msgpack package, once something needed it


cdef object library():
    global _library
    if _library is None:
        import msgpack
        _library = msgpack
    return _library


# --- out ---

cdef inline int put_head(WriteBuffer out, Py_ssize_t n, int fix, Py_ssize_t fix_limit, int code8, int code16) except -1:
    # Length n below fix_limit inside the first octet, else in 1 (where the type has that), 2 or 4 more octets.
    cdef unsigned char *d
    out.need(5)
    d = out.data + out.size
    if n < fix_limit:
        d[0] = <unsigned char>(fix | n)
        out.size += 1
    elif n < 0x100 and code8:
        d[0] = <unsigned char>code8
        d[1] = <unsigned char>n
        out.size += 2
    elif n < 0x10000:
        d[0] = <unsigned char>code16
        store_be(d + 1, n, 2)
        out.size += 3
    elif <unsigned long long>n <= 0xFFFFFFFFULL:
        d[0] = <unsigned char>(code16 + 1)
        store_be(d + 1, n, 4)
        out.size += 5
    else:
        raise EncodeError(f"a length of {n} is more than MessagePack can write (2^32 - 1)")
    return 0


cdef inline int put_str(WriteBuffer out, object s) except -1:
    cdef Py_ssize_t n = 0
    cdef const char *p = abf_text(s, &n)
    cdef unsigned char *d
    if n >= 0x10000:
        put_head(out, n, 0xA0, 32, 0xD9, 0xDA)
        return put_data(out, p, n)
    out.need(3 + n)
    d = out.data + out.size
    if n < 32:
        d[0] = <unsigned char>(0xA0 | n)
        d += 1
    elif n < 0x100:
        d[0] = 0xD9
        d[1] = <unsigned char>n
        d += 2
    else:
        d[0] = 0xDA
        store_be(d + 1, n, 2)
        d += 3
    memcpy(d, p, n)
    out.size = d + n - out.data
    return 0


cdef inline int put_bin(WriteBuffer out, const char *p, Py_ssize_t n) except -1:
    put_head(out, n, 0, 0, 0xC4, 0xC5)
    return put_data(out, p, n)


cdef inline int put_number(WriteBuffer out, int code, unsigned long long v, int octets) except -1:
    out.need(9)
    out.data[out.size] = <unsigned char>code
    store_be(out.data + out.size + 1, v, octets)
    out.size += 1 + octets
    return 0


cdef int put_long(WriteBuffer out, long long v) except -1:
    cdef unsigned long long bits = <unsigned long long>v
    if -32 <= v < 128:
        out.need(1)
        out.data[out.size] = <unsigned char>(bits & 0xFF)
        out.size += 1
        return 0
    if v >= 0:
        if v < 0x100:
            return put_number(out, 0xCC, bits, 1)
        if v < 0x10000:
            return put_number(out, 0xCD, bits, 2)
        if v < 0x100000000LL:
            return put_number(out, 0xCE, bits, 4)
        return put_number(out, 0xCF, bits, 8)
    if v >= -0x80:
        return put_number(out, 0xD0, bits, 1)
    if v >= -0x8000:
        return put_number(out, 0xD1, bits, 2)
    if v >= -0x80000000LL:
        return put_number(out, 0xD2, bits, 4)
    return put_number(out, 0xD3, bits, 8)


cdef int put_integer(WriteBuffer out, object v) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(v, &overflow)
    if overflow == 0:
        return put_long(out, number)
    if overflow > 0:
        try:
            return put_number(out, 0xCF, PyLong_AsUnsignedLongLong(v), 8)
        except OverflowError:
            pass
    raise EncodeError("Integer value out of range: MessagePack has -2^63 to 2^64 - 1")


cdef int put_by_library(WriteBuffer out, object v) except -1:
    cdef bytes data
    try:
        data = library().packb(v, use_bin_type=True)
    except Exception as exc:
        encode_failed(exc)
    return put_data(out, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef int put_dict(WriteBuffer out, object v, int depth) except -1:
    cdef Py_ssize_t n = PyDict_Size(v), at = 0, done = 0
    cdef PyObject *key
    cdef PyObject *value
    put_head(out, n, 0x80, 16, 0, 0xDE)
    while PyDict_Next(v, &at, &key, &value):
        # Own references: encoding a value may run code of a subclass, which may change the dict.
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
    put_head(out, n, 0x90, 16, 0, 0xDC)
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
    put_head(out, n, 0x90, 16, 0, 0xDC)
    for i in range(n):
        put_value(out, <object>items[i], depth)
    return 0


cdef int put_value(WriteBuffer out, object v, int depth) except -1:
    if PyUnicode_CheckExact(v):
        return put_str(out, v)
    if PyBytes_CheckExact(v):
        return put_bin(out, PyBytes_AS_STRING(v), PyBytes_GET_SIZE(v))
    if PyLong_CheckExact(v):
        return put_integer(out, v)
    if v is None:
        return out.put_byte(0xC0)
    if v is True:
        return out.put_byte(0xC3)
    if v is False:
        return out.put_byte(0xC2)
    if PyFloat_CheckExact(v):
        return put_number(out, 0xCB, double_bits(PyFloat_AS_DOUBLE(v)), 8)
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
    # Subclasses of plain types are written by their value, whatever methods they override.
    if PyLong_Check(v):
        return put_integer(out, v)
    if PyFloat_Check(v):
        return put_number(out, 0xCB, double_bits(PyFloat_AS_DOUBLE(v)), 8)
    if PyUnicode_Check(v):
        return put_str(out, v)
    if PyBytes_Check(v):
        return put_bin(out, PyBytes_AS_STRING(v), PyBytes_GET_SIZE(v))
    return put_by_library(out, v)


# --- in ---

cdef struct Head:
    int kind                       # one of the kinds below
    unsigned long long n           # length (octets or elements), or the bits of a number
    Py_ssize_t size                # octets of the head

cdef enum:
    NIL, FALSE, TRUE, POSITIVE, NEGATIVE, FLOAT32, FLOAT64, TEXT, BINARY, EXTENSION, ARRAY, MAP


cdef inline int number_head(const Cursor *c, Head *h, int octets) except -1:
    if c.end - c.p <= octets:
        return bad("a number is cut off", c)
    h.n = load_be(c.p + 1, octets)
    h.size = 1 + octets
    return 0


cdef int read_head(const Cursor *c, Head *h) except -1:
    # What comes next. Afterwards h.size <= octets left, and so is h.n behind it for what has a length in octets.
    cdef int code, low
    cdef unsigned long long room
    h.kind = NIL
    h.size = 1
    h.n = 0
    if c.p >= c.end:
        return bad("a value is missing", c)
    code = c.p[0]
    if code < 0x80:
        h.kind = POSITIVE
        h.n = code
        return 0
    if code >= 0xE0:
        h.kind = NEGATIVE
        h.n = <unsigned long long><long long>(code - 0x100)
        return 0
    if code < 0x90:
        h.kind = MAP
        h.n = code & 0x0F
    elif code < 0xA0:
        h.kind = ARRAY
        h.n = code & 0x0F
    elif code < 0xC0:
        h.kind = TEXT
        h.n = code & 0x1F
    elif code <= 0xC3:
        if code == 0xC1:
            return bad("this octet is never used in MessagePack", c)
        h.kind = NIL if code == 0xC0 else (FALSE if code == 0xC2 else TRUE)
        return 0
    elif code <= 0xC6:
        h.kind = BINARY
        number_head(c, h, 1 << (code - 0xC4))
    elif code <= 0xC9:
        h.kind = EXTENSION
        number_head(c, h, 1 << (code - 0xC7))
        h.n += 1                   # the type stands between the length and the data
    elif code <= 0xCB:
        h.kind = FLOAT32 if code == 0xCA else FLOAT64
        return number_head(c, h, 4 if code == 0xCA else 8)
    elif code <= 0xCF:
        h.kind = POSITIVE
        return number_head(c, h, 1 << (code - 0xCC))
    elif code <= 0xD3:
        low = 1 << (code - 0xD0)
        number_head(c, h, low)
        if low < 8 and h.n >> (8 * low - 1):
            h.n |= (<unsigned long long>-1) << (8 * low)
        h.kind = NEGATIVE if h.n >> 63 else POSITIVE
        return 0
    elif code <= 0xD8:
        h.kind = EXTENSION
        h.n = 1 + (1 << (code - 0xD4))
    elif code <= 0xDB:
        h.kind = TEXT
        number_head(c, h, 1 << (code - 0xD9))
    elif code <= 0xDD:
        h.kind = ARRAY
        number_head(c, h, 2 << (code - 0xDC))
    else:
        h.kind = MAP
        number_head(c, h, 2 << (code - 0xDE))
    # Every element takes an octet, every pair two: no length beyond that can be true, and none is allocated for.
    room = <unsigned long long>(c.end - c.p - h.size)
    if h.n > room or (h.kind == MAP and h.n > room // 2):
        return bad("a length is larger than what follows", c)
    return 0


cdef object get_extension(Cursor *c, const Head *h):
    cdef const unsigned char *start = c.p
    c.p += h.size + <Py_ssize_t>h.n
    data = PyBytes_FromStringAndSize(<const char *>start, c.p - start)
    try:
        return library().unpackb(data, raw=False)
    except Exception as exc:
        decode_failed(exc)


cdef object get_float(Cursor *c, const Head *h):
    cdef float single
    cdef unsigned int bits
    c.p += h.size
    if h.kind == FLOAT64:
        return bits_double(h.n)
    bits = <unsigned int>h.n
    memcpy(&single, &bits, 4)
    return <double>single


cdef object get_list(Cursor *c, const Head *h, int depth):
    cdef Py_ssize_t n = <Py_ssize_t>h.n, i
    cdef list result
    if depth >= MAX_DEPTH:
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
    if depth >= MAX_DEPTH:
        bad("the value nests too deep", c)
    c.p += h.size
    result = {}
    while n > 0:
        read_head(c, &key)
        if key.kind == TEXT:
            k = to_key(c.p + key.size, <Py_ssize_t>key.n)
        elif key.kind == BINARY:
            k = PyBytes_FromStringAndSize(<const char *>(c.p + key.size), <Py_ssize_t>key.n)
        else:
            bad("a map key is neither text nor octets", c)
        c.p += key.size + <Py_ssize_t>key.n
        x = get_value(c, depth + 1)
        PyDict_SetItem(result, k, x)
        n -= 1
    return result


cdef inline Py_ssize_t short_text(Cursor *c) noexcept:
    # Steps over the head of text below 64 KiB that is wholly there, and returns its length; -1: something else is next.
    cdef Py_ssize_t room = c.end - c.p, n, head
    if room < 3:
        return -1
    if 0xA0 <= c.p[0] < 0xC0:
        n = c.p[0] & 0x1F
        head = 1
    elif c.p[0] == 0xD9:
        n = c.p[1]
        head = 2
    elif c.p[0] == 0xDA:
        n = load_be(c.p + 1, 2)
        head = 3
    else:
        return -1
    if n > room - head:
        return -1
    c.p += head
    return n


cdef object get_value(Cursor *c, int depth):
    cdef Head h
    cdef const unsigned char *p
    cdef Py_ssize_t n = short_text(c)
    if n >= 0:
        c.p += n
        return to_text(c.p - n, n)
    read_head(c, &h)
    if h.kind == TEXT or h.kind == BINARY:
        p = c.p + h.size
        c.p = p + <Py_ssize_t>h.n
        if h.kind == TEXT:
            return to_text(p, <Py_ssize_t>h.n)
        return PyBytes_FromStringAndSize(<const char *>p, <Py_ssize_t>h.n)
    if h.kind == POSITIVE:
        c.p += h.size
        return h.n
    if h.kind == NEGATIVE:
        c.p += h.size
        return <long long>h.n
    if h.kind == ARRAY:
        return get_list(c, &h, depth)
    if h.kind == MAP:
        return get_dict(c, &h, depth)
    if h.kind == EXTENSION:
        return get_extension(c, &h)
    if h.kind == FLOAT64 or h.kind == FLOAT32:
        return get_float(c, &h)
    c.p += h.size
    return None if h.kind == NIL else h.kind == TRUE


cdef class MsgPackCodec(Codec):
    """MessagePack, the WAMP serializer ``msgpack``."""

    def __init__(self):
        self.name = "msgpack"
        self.binary = True

    cdef int begin(self, WriteBuffer out, Py_ssize_t n) except -1:
        return put_head(out, n, 0x90, 16, 0, 0xDC)

    cdef int put_message(self, WriteBuffer out, const Outgoing *m) except -1:
        # Fewer than 16 elements and a code below 128: an octet each.
        cdef unsigned char *d
        out.need(2)
        d = out.data + out.size
        d[0] = <unsigned char>(0x90 | count_elements(m))
        d[1] = <unsigned char>m.code
        out.size += 2
        put_long(out, m.request)
        if m.middle is not NULL:
            put_data(out, m.middle, m.middle_size)
        else:
            if m.options is NULL:
                out.put_byte(0x80)
            else:
                put_dict(out, <object>m.options, 1)
            if m.uri is not NULL:
                put_str(out, <object>m.uri)
        if m.n or m.kwargs is not NULL:
            put_array(out, m.args, m.n, 1)
            if m.kwargs is not NULL:
                put_dict(out, <object>m.kwargs, 1)
        return 0

    cdef int put_items(self, WriteBuffer out, PyObject **items, Py_ssize_t n) except -1:
        return put_array(out, items, n, 1)

    cdef int put_int(self, WriteBuffer out, long long v) except -1:
        return put_long(out, v)

    cdef int put_text(self, WriteBuffer out, object s) except -1:
        if abf_is_ascii(s):
            return put_str(out, s)
        try:
            return put_value(out, s, 0)
        except Exception as exc:
            encode_failed(exc)

    cdef int put_empty_map(self, WriteBuffer out) except -1:
        return out.put_byte(0x80)

    cdef int put(self, WriteBuffer out, object v) except -1:
        try:
            return put_value(out, v, 0)
        except Exception as exc:
            encode_failed(exc)

    cdef int enter(self, Cursor *c) except -1:
        cdef Head h
        read_head(c, &h)
        if h.kind != ARRAY:
            return bad("an array is expected", c)
        c.p += h.size
        c.left = <Py_ssize_t>h.n
        c.depth += 1
        return 0

    cdef int get_head(self, Cursor *c, const unsigned char *ids, long long *v) except -1:
        # The usual case: room for the longest ids is left, and they are written in the usual ways.
        cdef const unsigned char *p = c.p
        cdef int i, n, octets
        if c.end - p < 20 or p[0] & 0xF0 != 0x90 or p[1] >= 0x80:
            return Codec.get_head(self, c, ids, v)
        v[0] = p[1]
        n = ids[p[1]]
        if n == 0 or (p[0] & 0x0F) <= n:
            return 0
        p += 2
        for i in range(n):
            if p[0] < 0x80:
                v[1 + i] = p[0]
                p += 1
            elif 0xCC <= p[0] <= 0xCF:
                octets = 1 << (p[0] - 0xCC)
                v[1 + i] = <long long>load_be(p + 1, octets)
                p += 1 + octets
            else:
                return Codec.get_head(self, c, ids, v)
            if not 0 <= v[1 + i] <= MAX_ID:
                return 0
        c.left = (c.p[0] & 0x0F) - 1 - n
        c.depth += 1
        c.p = p
        return n

    cdef long long get_int(self, Cursor *c) except? -1:
        cdef Head h
        cdef unsigned long long v
        if c.p < c.end:                # the two forms that nearly all have: one octet, or eight behind the first
            if c.p[0] < 0x80:
                c.p += 1
                return c.p[-1]
            if c.p[0] == 0xCF and c.end - c.p > 8:
                v = load_be(c.p + 1, 8)
                if v <= <unsigned long long>MAX_ID:
                    c.p += 9
                    return <long long>v
        read_head(c, &h)
        if h.kind != POSITIVE or h.n > <unsigned long long>MAX_ID:
            return bad("an integer from 0 to 2^53 is expected", c)
        c.p += h.size
        return <long long>h.n

    cdef object get(self, Cursor *c):
        return get_value(c, c.depth)

    cdef object get_only(self, Cursor *c, bint *found):
        found[0] = c.p < c.end and c.p[0] == 0x91
        if found[0]:
            c.p += 1
            return get_value(c, c.depth + 1)

    cdef tuple get_array(self, Cursor *c):
        cdef Head h
        cdef Py_ssize_t i
        cdef tuple result
        read_head(c, &h)
        if h.kind != ARRAY:
            bad("an array is expected", c)
        c.p += h.size
        c.end -= <Py_ssize_t>h.n       # as in get_list
        result = PyTuple_New(<Py_ssize_t>h.n)
        for i in range(<Py_ssize_t>h.n):
            c.end += 1
            x = get_value(c, c.depth + 1)
            Py_INCREF(x)
            PyTuple_SET_ITEM(result, i, x)
        return result

    cdef dict get_map(self, Cursor *c):
        cdef Head h
        if c.p < c.end and c.p[0] == 0x80:
            c.p += 1
            return None
        read_head(c, &h)
        if h.kind != MAP:
            bad("a map is expected", c)
        if h.n == 0:
            c.p += h.size
            return None
        return get_dict(c, &h, c.depth)

    cdef int skip(self, Cursor *c) except -1:
        # No recursion: what counts is only how many more values are to come.
        cdef Head h
        cdef unsigned long long left = 1
        while left:
            read_head(c, &h)
            left -= 1
            c.p += h.size
            if h.kind == TEXT or h.kind == BINARY or h.kind == EXTENSION:
                c.p += <Py_ssize_t>h.n
            elif h.kind == ARRAY:
                left += h.n
            elif h.kind == MAP:
                left += 2 * h.n
            if left > <unsigned long long>(c.end - c.p):
                return bad("a length is larger than what follows", c)
        return 0
