# SPDX-License-Identifier: MIT
"""UBJSON as WAMP peers speak it today: BJData draft 2, whose numbers are little-endian. Values to octets and back.

Knows the format. What is written is what the ``bjdata`` package writes with its defaults, but for numbers it would turn
into decimal text without need (floats near zero). In, arrays of one type are read as lists, those of octets (``[$B#``,
``[$U#``) as bytes, decimal text as int where it is one of more than 18 digits; arrays of more than one dimension are
refused. Map keys are text only. Does not know WAMP.
"""

from collections.abc import Mapping, Sequence

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_Check, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_CheckExact, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.list cimport PyList_Append, PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_AsUnsignedLongLong, PyLong_Check
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_Check
from libc.string cimport memcpy

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport (MAX_DEPTH, MAX_ID, Codec, Cursor, abf_items, abf_text, bad, bits_double,
                                        double_bits, encode_failed, put_data, to_key, to_text)
from autobahn_fast._core.codec import DecodeError, EncodeError

cdef object _decimal = None      # decimal.Decimal, once something needed it


cdef object decimal_class():
    global _decimal
    if _decimal is None:
        from decimal import Decimal
        _decimal = Decimal
    return _decimal


# --- out ---

cdef inline int put_marked(WriteBuffer out, int marker, unsigned long long bits, int octets) except -1:
    cdef int i
    cdef unsigned char *d
    out.need(9)
    d = out.data + out.size
    d[0] = <unsigned char>marker
    for i in range(octets):
        d[1 + i] = <unsigned char>((bits >> (8 * i)) & 0xFF)
    out.size += 1 + octets
    return 0


cdef inline int put_unsigned(WriteBuffer out, unsigned long long v) except -1:
    if v < 0x100:
        return put_marked(out, c"U", v, 1)
    if v < 0x10000:
        return put_marked(out, c"u", v, 2)
    if v < 0x100000000ULL:
        return put_marked(out, c"m", v, 4)
    return put_marked(out, c"M", v, 8)


cdef int put_long(WriteBuffer out, long long v) except -1:
    cdef unsigned long long bits = <unsigned long long>v
    if v >= 0:
        return put_unsigned(out, bits)
    if v >= -0x80:
        return put_marked(out, c"i", bits, 1)
    if v >= -0x8000:
        return put_marked(out, c"I", bits, 2)
    if v >= -0x80000000LL:
        return put_marked(out, c"l", bits, 4)
    return put_marked(out, c"L", bits, 8)


cdef int put_integer(WriteBuffer out, object v) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(v, &overflow)
    if overflow == 0:
        return put_long(out, number)
    if overflow > 0:
        try:
            return put_unsigned(out, PyLong_AsUnsignedLongLong(v))
        except OverflowError:
            pass
    return put_digits(out, int.__repr__(v))


cdef int put_digits(WriteBuffer out, str digits) except -1:
    # A number of any precision, as text.
    out.put_byte(c"H")
    return put_counted(out, digits)


cdef inline int put_float(WriteBuffer out, double v) except -1:
    if v == 0:
        # Four octets, as bjdata has it: the sign is in the uppermost bit.
        return put_marked(out, c"d", double_bits(v) >> 32, 4)
    return put_marked(out, c"D", double_bits(v), 8)


cdef inline int put_counted(WriteBuffer out, object s) except -1:
    # Length and UTF-8, as keys are written.
    cdef Py_ssize_t n = 0
    cdef const char *p = abf_text(s, &n)
    put_unsigned(out, <unsigned long long>n)
    return put_data(out, p, n)


cdef inline int put_str(WriteBuffer out, object s) except -1:
    cdef Py_ssize_t n = 0
    cdef const char *p = abf_text(s, &n)
    if n == 1:
        return put_marked(out, c"C", <unsigned char>p[0], 1)
    out.put_byte(c"S")
    put_unsigned(out, <unsigned long long>n)
    return put_data(out, p, n)


cdef inline int put_octets(WriteBuffer out, const char *p, Py_ssize_t n) except -1:
    put_data(out, b"[$B#", 4)
    put_unsigned(out, <unsigned long long>n)
    return put_data(out, p, n)


cdef int put_dict(WriteBuffer out, object v, int depth) except -1:
    cdef Py_ssize_t n = PyDict_Size(v), at = 0, done = 0
    cdef PyObject *key
    cdef PyObject *value
    out.put_byte(c"{")
    while PyDict_Next(v, &at, &key, &value):
        # Own references: encoding a value may run code of a subclass, which may change the dict.
        k = <object>key
        x = <object>value
        put_key(out, k)
        put_value(out, x, depth)
        done += 1
        if PyDict_Size(v) != n:
            break
    if done != n or PyDict_Size(v) != n:
        raise EncodeError("a dict changed its size while it was being encoded")
    return out.put_byte(c"}")


cdef inline int put_key(WriteBuffer out, object k) except -1:
    if not PyUnicode_Check(k):
        raise EncodeError(f"a map key in UBJSON is a str, not {type(k).__name__}")
    return put_counted(out, k)


cdef int put_list(WriteBuffer out, object v, int depth) except -1:
    cdef Py_ssize_t n = PyList_GET_SIZE(v), i
    out.put_byte(c"[")
    for i in range(n):
        if i >= PyList_GET_SIZE(v):
            break
        x = <object>PyList_GET_ITEM(v, i)
        put_value(out, x, depth)
    if PyList_GET_SIZE(v) != n:
        raise EncodeError("a list changed its size while it was being encoded")
    return out.put_byte(c"]")


cdef int put_array(WriteBuffer out, PyObject **items, Py_ssize_t n, int depth) except -1:
    cdef Py_ssize_t i
    out.put_byte(c"[")
    for i in range(n):
        put_value(out, <object>items[i], depth)
    return out.put_byte(c"]")


cdef int put_value(WriteBuffer out, object v, int depth) except -1:
    # Subclasses of str, bytes, int and float are written by their value, whatever methods they override.
    if PyUnicode_Check(v):
        return put_str(out, v)
    if v is True:
        return out.put_byte(c"T")
    if v is False:
        return out.put_byte(c"F")
    if PyLong_Check(v):
        return put_integer(out, v)
    if v is None:
        return out.put_byte(c"Z")
    if PyBytes_Check(v):
        return put_octets(out, PyBytes_AS_STRING(v), PyBytes_GET_SIZE(v))
    if PyFloat_Check(v):
        return put_float(out, PyFloat_AS_DOUBLE(v))
    if PyByteArray_Check(v):
        return put_octets(out, PyByteArray_AS_STRING(v), PyByteArray_GET_SIZE(v))
    if depth >= MAX_DEPTH:
        raise EncodeError(f"the value nests deeper than {MAX_DEPTH} containers (or contains itself)")
    if PyDict_CheckExact(v):
        return put_dict(out, v, depth + 1)
    if PyList_CheckExact(v):
        return put_list(out, v, depth + 1)
    if PyTuple_CheckExact(v):
        return put_array(out, abf_items(v), PyTuple_GET_SIZE(v), depth + 1)
    return put_other(out, v, depth)


cdef int put_other(WriteBuffer out, object v, int depth) except -1:
    if isinstance(v, memoryview):
        return put_value(out, v.tobytes(), depth)
    if isinstance(v, Mapping):
        out.put_byte(c"{")
        for k, x in v.items():
            put_key(out, k)
            put_value(out, x, depth + 1)
        return out.put_byte(c"}")
    if isinstance(v, Sequence):
        return put_list(out, list(v), depth + 1)
    if isinstance(v, decimal_class()):
        return put_digits(out, str(v)) if v.is_finite() else out.put_byte(c"Z")
    raise EncodeError(f"UBJSON has no form for {type(v).__name__}")


# --- in ---

cdef inline unsigned long long load_le(const unsigned char *p, int octets) noexcept:
    cdef unsigned long long v = 0
    cdef int i
    for i in range(octets):
        v |= <unsigned long long>p[i] << (8 * i)
    return v


cdef inline int width(int marker) noexcept:
    # Octets of a number, a character or an octet; 0 for all other markers.
    if marker == c"U" or marker == c"i" or marker == c"C" or marker == c"B":
        return 1
    if marker == c"u" or marker == c"I" or marker == c"h":
        return 2
    if marker == c"m" or marker == c"l" or marker == c"d":
        return 4
    if marker == c"M" or marker == c"L" or marker == c"D":
        return 8
    return 0


cdef inline bint is_unsigned(int marker) noexcept:
    return marker == c"U" or marker == c"u" or marker == c"m" or marker == c"M"


cdef inline bint is_integer(int marker) noexcept:
    return is_unsigned(marker) or marker == c"i" or marker == c"I" or marker == c"l" or marker == c"L"


cdef inline int need(const Cursor *c, Py_ssize_t n) except -1:
    if c.end - c.p < n:
        return bad("a value is cut off", c)
    return 0


cdef inline int next_marker(Cursor *c) except -1:
    cdef int marker
    if c.p >= c.end:
        return bad("a value is missing", c)
    marker = c.p[0]
    c.p += 1
    return marker


cdef inline long long sign_extended(unsigned long long bits, int octets) noexcept:
    if octets < 8 and bits >> (8 * octets - 1):
        bits |= (<unsigned long long>-1) << (8 * octets)
    return <long long>bits


cdef Py_ssize_t get_length(Cursor *c, Py_ssize_t least) except -1:
    # A length or count behind which there are at least that many times `least` octets.
    cdef int marker = next_marker(c), octets = width(marker)
    cdef unsigned long long n
    if not is_integer(marker):
        c.p -= 1
        return bad("a length is expected", c)
    need(c, octets)
    n = load_le(c.p, octets)
    if not is_unsigned(marker) and n >> (8 * octets - 1):
        return bad("a length is negative", c)
    c.p += octets
    # No length beyond what is there can be true, and none is allocated for.
    if n > <unsigned long long>(c.end - c.p) // <unsigned long long>least:
        return bad("a length is larger than what follows", c)
    return <Py_ssize_t>n


cdef double half(unsigned int bits) noexcept:
    cdef int exponent = (bits >> 10) & 0x1F
    cdef double fraction = bits & 0x3FF
    cdef double v
    if exponent == 0x1F:
        v = bits_double(0x7FF0000000000000ULL) if fraction == 0 else bits_double(0x7FF8000000000000ULL)
    elif exponent == 0:
        v = fraction / 16777216.0                # 2^-24
    else:
        v = (1024 + fraction) / 33554432.0 * (1 << exponent)     # 2^-25
    return -v if bits >> 15 else v


cdef object get_digits(Cursor *c):
    cdef Py_ssize_t n = get_length(c, 1)
    text = to_text(c.p, n)
    c.p += n
    try:
        value = decimal_class()(text)
        # An integer that is too large for the other forms was one.
        if 18 < n <= 4300 and text.removeprefix("-").isdigit():
            return int(text)
    except (ArithmeticError, ValueError) as exc:
        raise DecodeError(f"{text[:40]!r} is no number") from exc
    if not value.is_finite():
        raise DecodeError(f"{text[:40]!r} is no number")
    return value


cdef object get_scalar(Cursor *c, int marker):
    # What has a type, without its marker.
    cdef int octets = width(marker)
    cdef const unsigned char *p = c.p
    cdef unsigned long long bits
    cdef unsigned int low
    cdef float single
    cdef Py_ssize_t n
    if octets == 0:
        if marker == c"S":
            n = get_length(c, 1)
            p = c.p
            c.p += n
            return to_text(p, n)
        if marker == c"H":
            return get_digits(c)
        c.p -= 1
        bad("this octet begins no value", c)
    need(c, octets)
    c.p += octets
    bits = load_le(p, octets)
    if is_unsigned(marker) or marker == c"B":
        return bits
    if marker == c"D":
        return bits_double(bits)
    if marker == c"d":
        low = <unsigned int>bits
        memcpy(&single, &low, 4)
        return <double>single
    if marker == c"h":
        return half(<unsigned int>bits)
    if marker == c"C":
        if bits > 0x7F:
            c.p -= 1
            bad("a character is not ASCII", c)
        return to_text(p, 1)
    return sign_extended(bits, octets)


cdef struct Head:
    int type                       # the marker of all elements; 0: each has its own
    Py_ssize_t left                # elements; < 0: up to the closing bracket

cdef int get_head(Cursor *c, Head *h, int pair) except -1:
    # Behind the opening bracket: perhaps a type, perhaps a count. pair: least octets of the key of each element.
    h.type = 0
    h.left = -1
    if c.p < c.end and c.p[0] == c"$":
        c.p += 1
        h.type = next_marker(c)
        # Types without octets of their own would let a count stand for any amount of memory.
        if width(h.type) == 0 and h.type != c"S" and h.type != c"H":
            c.p -= 1
            return bad("a container cannot have this type", c)
        if c.p >= c.end or c.p[0] != c"#":
            return bad("the count is missing in a container with a type", c)
    if c.p < c.end and c.p[0] == c"#":
        c.p += 1
        if c.p < c.end and c.p[0] == c"[":
            return bad("arrays of more than one dimension are not supported", c)
        h.left = get_length(c, pair + (max(width(h.type), 1) if h.type else 1))
    return 0


cdef inline bint one_more(Cursor *c, Py_ssize_t *left, int closing) except -1:
    # Is there another element? No-ops in front of it, or the closing bracket, are stepped over.
    if left[0] == 0:
        return False
    while c.p < c.end and c.p[0] == c"N":
        c.p += 1
    if left[0] > 0:
        left[0] -= 1
        return True
    if c.p < c.end and c.p[0] == closing:
        c.p += 1
        left[0] = 0
        return False
    return True


cdef object get_list(Cursor *c, int depth):
    cdef Head h
    cdef list result
    cdef const unsigned char *p
    if depth >= MAX_DEPTH:
        bad("the value nests too deep", c)
    get_head(c, &h, 0)
    if h.type == c"B" or h.type == c"U":
        p = c.p
        c.p += h.left
        return PyBytes_FromStringAndSize(<const char *>p, h.left)
    result = []
    if h.type:
        while h.left > 0:
            h.left -= 1
            PyList_Append(result, get_scalar(c, h.type))
        return result
    while one_more(c, &h.left, c"]"):
        PyList_Append(result, get_value(c, depth + 1))
    return result


cdef dict get_dict(Cursor *c, int depth):
    cdef Head h
    cdef dict result
    cdef Py_ssize_t n
    if depth >= MAX_DEPTH:
        bad("the value nests too deep", c)
    get_head(c, &h, 2)
    result = {}
    while one_more(c, &h.left, c"}"):
        n = get_length(c, 1)
        k = to_key(c.p, n)
        c.p += n
        x = get_scalar(c, h.type) if h.type else get_value(c, depth + 1)
        PyDict_SetItem(result, k, x)
    return result


cdef object get_value(Cursor *c, int depth):
    cdef int marker = next_marker(c)
    if marker == c"[":
        return get_list(c, depth)
    if marker == c"{":
        return get_dict(c, depth)
    if marker == c"Z":
        return None
    if marker == c"T":
        return True
    if marker == c"F":
        return False
    return get_scalar(c, marker)


cdef class UbjsonCodec(Codec):
    """UBJSON, the WAMP serializer ``ubjson``."""

    def __init__(self):
        self.name = "ubjson"
        self.binary = True

    cdef int begin(self, WriteBuffer out, Py_ssize_t n) except -1:
        return out.put_byte(c"[")

    cdef int finish(self, WriteBuffer out) except -1:
        return out.put_byte(c"]")

    cdef int put_items(self, WriteBuffer out, PyObject **items, Py_ssize_t n) except -1:
        return put_array(out, items, n, 1)

    cdef int put_int(self, WriteBuffer out, long long v) except -1:
        return put_long(out, v)

    cdef int put_text(self, WriteBuffer out, object s) except -1:
        try:
            return put_str(out, s)
        except Exception as exc:
            encode_failed(exc)

    cdef int put_empty_map(self, WriteBuffer out) except -1:
        return put_data(out, b"{}", 2)

    cdef int put(self, WriteBuffer out, object v) except -1:
        try:
            return put_value(out, v, 0)
        except Exception as exc:
            encode_failed(exc)

    cdef int enter(self, Cursor *c) except -1:
        cdef Head h
        if c.p >= c.end or c.p[0] != c"[":
            return bad("an array is expected", c)
        c.p += 1
        get_head(c, &h, 0)
        if h.type:
            return bad("an array without a type is expected", c)
        c.left = h.left
        c.depth += 1
        return 0

    cdef bint more(self, Cursor *c) except -1:
        return one_more(c, &c.left, c"]")

    cdef long long get_int(self, Cursor *c) except? -1:
        cdef int marker = next_marker(c), octets = width(marker)
        cdef unsigned long long bits
        if not is_integer(marker):
            c.p -= 1
            return bad("an integer is expected", c)
        need(c, octets)
        bits = load_le(c.p, octets)
        if not is_unsigned(marker):
            bits = <unsigned long long>sign_extended(bits, octets)
        if bits > <unsigned long long>MAX_ID:
            c.p -= 1
            return bad("an integer from 0 to 2^53 is expected", c)
        c.p += octets
        return <long long>bits

    cdef object get(self, Cursor *c):
        return get_value(c, c.depth)

    cdef tuple get_array(self, Cursor *c):
        value = get_value(c, c.depth)
        if not PyList_CheckExact(value):
            raise DecodeError(f"an array is expected, not {type(value).__name__}")
        return tuple(value)

    cdef dict get_map(self, Cursor *c):
        value = get_value(c, c.depth)
        if not PyDict_CheckExact(value):
            raise DecodeError(f"a map is expected, not {type(value).__name__}")
        return value or None
