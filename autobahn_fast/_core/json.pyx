# SPDX-License-Identifier: MIT
"""JSON (RFC 8259): values to octets and back, as Python's ``json`` module does it, with octets as WAMP writes them.

Knows the format, and the WAMP rule that a string which begins with U+0000 is octets in Base64. Written without spaces
and with all of Unicode as it is. Everything is read and written here; only numbers of unusual size or shape, sloppy
Base64 and Decimal go through Python's own functions. Does not know what a WAMP message is.
"""

from cpython.bytes cimport (PyBytes_AS_STRING, PyBytes_Check, PyBytes_CheckExact, PyBytes_FromStringAndSize,
                            PyBytes_GET_SIZE)
from cpython.dict cimport PyDict_Check, PyDict_CheckExact, PyDict_Next, PyDict_SetItem, PyDict_Size
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.list cimport PyList_Check, PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_Check, PyLong_CheckExact
from cpython.mem cimport PyMem_Free
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_Check, PyTuple_CheckExact, PyTuple_GET_SIZE
from cpython.unicode cimport PyUnicode_Check, PyUnicode_CheckExact
from libc.string cimport memcmp, memcpy, strlen

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport (MAX_DEPTH, MAX_ID, Codec, Cursor, abf_items, bad, decode_failed,
                                        encode_failed, put_data, to_key, to_text)
from autobahn_fast._core.codec import DecodeError, EncodeError
from autobahn_fast._core.json_text cimport from_base64, put_base16, put_base64, put_str, skip_string, unescape

cdef extern from "Python.h":
    int Py_DTSF_ADD_DOT_0
    char *PyOS_double_to_string(double v, char code, int precision, int flags, int *kind) except NULL
    double PyOS_string_to_double(const char *s, char **end, PyObject *overflow) except? -1.0

cdef extern from *:
    """
    #include <float.h>
    /* Arithmetic on doubles rounds once, to double: then a short decimal is exact by one multiplication or division. */
    #if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
    #  define ABF_EXACT_DOUBLES 1
    #else
    #  define ABF_EXACT_DOUBLES 0
    #endif
    """
    bint EXACT_DOUBLES "ABF_EXACT_DOUBLES"

cdef double[23] POWERS                   # 10^0 .. 10^22, exact

cdef object _decimal = None, _decimal_pattern = None     # what is imported when first needed


cdef void fill_powers() noexcept:
    cdef int i
    cdef double power = 1.0
    for i in range(23):
        POWERS[i] = power
        power *= 10.0


fill_powers()


cdef object decimal_type():
    global _decimal
    if _decimal is None:
        from decimal import Decimal
        _decimal = Decimal
    return _decimal


cdef bint is_decimal(object v) except -1:
    # Without loading the decimal module: unless somebody has, there are no such values.
    if _decimal is None:
        import sys
        if not hasattr(sys.modules.get("decimal"), "Decimal"):
            return False
    return isinstance(v, decimal_type())


# --- out ---

cdef int put_long(WriteBuffer out, long long v) except -1:
    cdef unsigned char digits[24]
    cdef int at = 24
    cdef unsigned long long rest = <unsigned long long>v
    if v < 0:
        rest = 0 - rest
    while True:
        at -= 1
        digits[at] = <unsigned char>(48 + rest % 10)
        rest //= 10
        if rest == 0:
            break
    if v < 0:
        at -= 1
        digits[at] = 45
    return put_data(out, <const char *>digits + at, 24 - at)


cdef int put_integer(WriteBuffer out, object v) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(v, &overflow)
    cdef bytes digits
    if overflow == 0:
        return put_long(out, number)
    digits = int.__repr__(v).encode()
    return put_data(out, PyBytes_AS_STRING(digits), PyBytes_GET_SIZE(digits))


cdef int put_float(WriteBuffer out, double v) except -1:
    cdef char *text
    if v != v:
        return put_data(out, "NaN", 3)
    if v - v != 0.0:
        if v > 0:
            return put_data(out, "Infinity", 8)
        return put_data(out, "-Infinity", 9)
    text = PyOS_double_to_string(v, b'r', 0, Py_DTSF_ADD_DOT_0, NULL)
    try:
        return put_data(out, text, strlen(text))
    finally:
        PyMem_Free(text)


# --- in ---

cdef inline int step(Cursor *c) except -1:
    # Step over white space, to something.
    while c.p < c.end:
        if c.p[0] != 32 and c.p[0] != 10 and c.p[0] != 13 and c.p[0] != 9:
            return 0
        c.p += 1
    return bad("a value is missing", c)


cdef inline int take_literal(Cursor *c, const char *word, Py_ssize_t n) except -1:
    if c.end - c.p < n or memcmp(c.p, word, n) != 0:
        return bad("a value is expected", c)
    c.p += n
    return 0


cdef struct Number:
    Py_ssize_t size              # octets of it
    bint negative, is_int
    unsigned long long digits    # all its digits as one integer, while there are at most 18
    int count                    # how many digits that is, without leading zeros; more than 18: digits is not valid
    long long scale              # the value is digits * 10^scale


cdef inline const unsigned char *scan_digits(const unsigned char *p, const unsigned char *end, Number *x) noexcept:
    while p < end and 48 <= p[0] <= 57:
        if x.count < 19:
            x.digits = 10 * x.digits + (p[0] - 48)
            if x.digits:
                x.count += 1
        p += 1
    return p


cdef int scan_number(const Cursor *c, Number *x) except -1:
    # -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
    cdef const unsigned char *p = c.p
    cdef const unsigned char *start
    cdef long long exponent = 0
    cdef bint minus = False
    x.negative = p[0] == 45
    x.is_int = True
    x.digits = 0
    x.count = 0
    x.scale = 0
    if x.negative:
        p += 1
    if p < c.end and p[0] == 48:
        p += 1
    else:
        start = p
        p = scan_digits(p, c.end, x)
        if p == start:
            return bad("a value is expected", c)
    if p < c.end and p[0] == 46:
        x.is_int = False
        p += 1
        start = p
        p = scan_digits(p, c.end, x)
        if p == start:
            return bad("a number has no digits behind its point", c)
        x.scale = start - p
    if p < c.end and (p[0] == 101 or p[0] == 69):
        x.is_int = False
        p += 1
        if p < c.end and (p[0] == 43 or p[0] == 45):
            minus = p[0] == 45
            p += 1
        start = p
        while p < c.end and 48 <= p[0] <= 57:
            if exponent < 100000:
                exponent = 10 * exponent + (p[0] - 48)
            p += 1
        if p == start:
            return bad("a number has no digits in its exponent", c)
        x.scale += -exponent if minus else exponent
    if p < c.end and (48 <= p[0] <= 57):
        return bad("a number begins with a zero too many", c)
    x.size = p - c.p
    return 0


cdef object long_float(const unsigned char *p, Py_ssize_t n):
    # Python's own correctly rounding conversion; it wants a zero at the end.
    cdef char local[64]
    cdef const char *text
    cdef bytes copy
    if n < 64:
        memcpy(local, p, n)
        local[n] = 0
        text = local
    else:
        copy = PyBytes_FromStringAndSize(<const char *>p, n)
        text = PyBytes_AS_STRING(copy)
    return PyOS_string_to_double(text, NULL, NULL)


cdef int skip_value(Cursor *c, int depth) except -1:
    cdef const unsigned char *body
    cdef Py_ssize_t n
    cdef bint escaped
    cdef Number x
    cdef unsigned char closing
    step(c)
    if c.p[0] == 34:
        c.p += 1
        return skip_string(c, &body, &n, &escaped)
    if c.p[0] == 91 or c.p[0] == 123:
        if depth >= MAX_DEPTH:
            return bad("the value nests too deep", c)
        closing = c.p[0] + 2
        c.p += 1
        step(c)
        if c.p[0] == closing:
            c.p += 1
            return 0
        while True:
            if closing == 125:
                open_key(c)
                skip_string(c, &body, &n, &escaped)
                take_colon(c)
            skip_value(c, depth + 1)
            if not comma(c, closing):
                return 0
    if c.p[0] == 45 or 48 <= c.p[0] <= 57:
        if c.end - c.p > 1 and c.p[0] == 45 and c.p[1] == 73:
            return take_literal(c, "-Infinity", 9)
        scan_number(c, &x)
        c.p += x.size
        return 0
    return word(c, NULL)


cdef int open_key(Cursor *c) except -1:
    step(c)
    if c.p[0] != 34:
        return bad("a name in quotation marks is expected", c)
    c.p += 1
    return 0


cdef int take_colon(Cursor *c) except -1:
    step(c)
    if c.p[0] != 58:
        return bad("a colon is expected", c)
    c.p += 1
    return 0


cdef bint comma(Cursor *c, unsigned char closing) except -1:
    # Behind an element: is there another one?
    step(c)
    if c.p[0] == 44:
        c.p += 1
        return True
    if c.p[0] == closing:
        c.p += 1
        return False
    bad("a comma or the end of an array or object is expected", c)
    return False


cdef int word(Cursor *c, int *which) except -1:
    # null 0, true 1, false 2, NaN 3, Infinity 4
    cdef int code = 0
    cdef unsigned char first = c.p[0]
    if first == 110:
        take_literal(c, "null", 4)
    elif first == 116:
        take_literal(c, "true", 4)
        code = 1
    elif first == 102:
        take_literal(c, "false", 5)
        code = 2
    elif first == 78:
        take_literal(c, "NaN", 3)
        code = 3
    elif first == 73:
        take_literal(c, "Infinity", 8)
        code = 4
    else:
        return bad("a value is expected", c)
    if which is not NULL:
        which[0] = code
    return 0


cdef class JsonCodec(Codec):
    """JSON, the WAMP serializer ``json``.

    :param use_binary_hex_encoding: octets are written as ``"0x"`` and hexadecimal digits, not as U+0000 and Base64, and
        strings that begin with ``0x`` are read as octets.
    :param use_decimal_from_str: strings that are a decimal number are read as ``Decimal``; an exponent has a capital E.
    :param use_decimal_from_float: numbers with a fraction or an exponent are read as ``Decimal``.
    """

    def __init__(self, use_binary_hex_encoding=False, use_decimal_from_str=False, use_decimal_from_float=False):
        self.name = "json"
        self.binary = False
        self.use_binary_hex_encoding = use_binary_hex_encoding
        self.use_decimal_from_str = use_decimal_from_str
        self.use_decimal_from_float = use_decimal_from_float

    # --- out ---

    cdef int begin(self, WriteBuffer out, Py_ssize_t n) except -1:
        return out.put_byte(91)

    cdef int sep(self, WriteBuffer out) except -1:
        return out.put_byte(44)

    cdef int finish(self, WriteBuffer out) except -1:
        return out.put_byte(93)

    cdef int put_items(self, WriteBuffer out, PyObject **items, Py_ssize_t n) except -1:
        return self._put_array(out, items, n, 1)

    cdef int put_int(self, WriteBuffer out, long long v) except -1:
        return put_long(out, v)

    cdef int put_empty_map(self, WriteBuffer out) except -1:
        return put_data(out, "{}", 2)

    cdef int put(self, WriteBuffer out, object v) except -1:
        try:
            return self._put(out, v, 0)
        except Exception as exc:
            encode_failed(exc)

    cdef int _put(self, WriteBuffer out, object v, int depth) except -1:
        cdef Py_ssize_t i, n
        if PyUnicode_CheckExact(v):
            return put_str(out, v)
        if PyLong_CheckExact(v):
            return put_integer(out, v)
        if v is None:
            return put_data(out, "null", 4)
        if v is True:
            return put_data(out, "true", 4)
        if v is False:
            return put_data(out, "false", 5)
        if PyFloat_CheckExact(v):
            return put_float(out, PyFloat_AS_DOUBLE(v))
        if PyBytes_CheckExact(v):
            return self._put_octets(out, v)
        if not (PyDict_Check(v) or PyList_Check(v) or PyTuple_Check(v)):
            return self._put_other(out, v, depth)
        if depth >= MAX_DEPTH:
            raise EncodeError(f"the value nests deeper than {MAX_DEPTH} containers (or contains itself)")
        if PyDict_Check(v):
            return self._put_dict(out, v, depth + 1)
        if not PyList_CheckExact(v) and not PyTuple_CheckExact(v):
            v = list(v)
        if PyTuple_CheckExact(v):
            return self._put_array(out, abf_items(v), PyTuple_GET_SIZE(v), depth + 1)
        out.put_byte(91)
        # Code of an element's class may change the list.
        n = PyList_GET_SIZE(v)
        for i in range(n):
            if i >= PyList_GET_SIZE(v):
                break
            if i:
                out.put_byte(44)
            x = <object>PyList_GET_ITEM(v, i)
            self._put(out, x, depth + 1)
        if PyList_GET_SIZE(v) != n:
            raise EncodeError("a list changed its size while it was being encoded")
        return out.put_byte(93)

    cdef int _put_array(self, WriteBuffer out, PyObject **items, Py_ssize_t n, int depth) except -1:
        cdef Py_ssize_t i
        out.put_byte(91)
        for i in range(n):
            if i:
                out.put_byte(44)
            self._put(out, <object>items[i], depth)
        return out.put_byte(93)

    cdef int _put_dict(self, WriteBuffer out, object v, int depth) except -1:
        cdef Py_ssize_t at = 0, done = 0, n
        cdef PyObject *key
        cdef PyObject *value
        out.put_byte(123)
        if PyDict_CheckExact(v):
            n = PyDict_Size(v)
            while PyDict_Next(v, &at, &key, &value):
                k = <object>key
                x = <object>value
                if done:
                    out.put_byte(44)
                self._put_key(out, k)
                self._put(out, x, depth)
                done += 1
                if PyDict_Size(v) != n:
                    raise EncodeError("a dict changed its size while it was being encoded")
        else:
            for k, x in v.items():
                if done:
                    out.put_byte(44)
                self._put_key(out, k)
                self._put(out, x, depth)
                done += 1
        return out.put_byte(125)

    cdef int _put_key(self, WriteBuffer out, object k) except -1:
        if PyUnicode_Check(k):
            put_str(out, k)
            return out.put_byte(58)
        out.put_byte(34)
        if k is None or k is True or k is False:
            self._put(out, k, 0)
        elif PyLong_Check(k):
            put_integer(out, k)
        elif PyFloat_Check(k):
            put_float(out, PyFloat_AS_DOUBLE(k))
        else:
            raise EncodeError(f"keys must be str, int, float, bool or None, not {type(k).__name__}")
        return put_data(out, "\":", 2)

    cdef int _put_octets(self, WriteBuffer out, object v) except -1:
        cdef const unsigned char *p = <const unsigned char *>PyBytes_AS_STRING(v)
        if self.use_binary_hex_encoding:
            put_data(out, "\"0x", 3)
            put_base16(out, p, PyBytes_GET_SIZE(v))
        else:
            put_data(out, "\"\\u0000", 7)
            put_base64(out, p, PyBytes_GET_SIZE(v))
        return out.put_byte(34)

    cdef int _put_other(self, WriteBuffer out, object v, int depth) except -1:
        # Subclasses of plain types are written by their value, whatever methods they override.
        if PyUnicode_Check(v):
            return put_str(out, v)
        if PyLong_Check(v):
            return put_integer(out, v)
        if PyFloat_Check(v):
            return put_float(out, PyFloat_AS_DOUBLE(v))
        if PyBytes_Check(v):
            return self._put_octets(out, v)
        if is_decimal(v):
            return put_str(out, str(v))
        raise EncodeError(f"Object of type {type(v).__name__} is not JSON serializable")

    # --- in ---

    cdef int enter(self, Cursor *c) except -1:
        step(c)
        if c.p[0] != 91:
            return bad("an array is expected", c)
        c.p += 1
        c.left = -1
        c.depth += 1
        return 0

    cdef bint more(self, Cursor *c) except -1:
        # left: -1 before the first element, -2 behind one, 0 behind the end.
        if c.left == 0:
            return False
        if c.left == -1:
            step(c)
            if c.p[0] == 93:
                c.p += 1
                c.left = 0
                return False
            c.left = -2
            return True
        if comma(c, 93):
            step(c)
            return True
        c.left = 0
        return False

    cdef int done(self, Cursor *c) except -1:
        while c.p < c.end and (c.p[0] == 32 or c.p[0] == 10 or c.p[0] == 13 or c.p[0] == 9):
            c.p += 1
        return Codec.done(self, c)

    cdef long long get_int(self, Cursor *c) except? -1:
        cdef Number x
        step(c)
        if 48 <= c.p[0] <= 57:
            scan_number(c, &x)
            if x.is_int and x.count <= 18 and x.digits <= <unsigned long long>MAX_ID:
                c.p += x.size
                return <long long>x.digits
        return bad("an integer from 0 to 2^53 is expected", c)

    cdef object get(self, Cursor *c):
        return self._get(c, c.depth)

    cdef tuple get_array(self, Cursor *c):
        step(c)
        if c.p[0] != 91:
            bad("an array is expected", c)
        return tuple(self._get_list(c, c.depth))

    cdef dict get_map(self, Cursor *c):
        cdef dict result
        step(c)
        if c.p[0] != 123:
            bad("an object is expected", c)
        if c.end - c.p > 1 and c.p[1] == 125:
            c.p += 2
            return None
        result = self._get_dict(c, c.depth)
        return result if result else None

    cdef int skip(self, Cursor *c) except -1:
        return skip_value(c, c.depth)

    cdef object _get(self, Cursor *c, int depth):
        cdef int which = 0
        cdef unsigned char first
        step(c)
        first = c.p[0]
        if first == 34:
            c.p += 1
            return self._get_string(c)
        if first == 45 or 48 <= first <= 57:
            return self._get_number(c)
        if first == 91:
            return self._get_list(c, depth)
        if first == 123:
            return self._get_dict(c, depth)
        word(c, &which)
        if which == 0:
            return None
        if which == 1:
            return True
        if which == 2:
            return False
        return float("nan" if which == 3 else "inf")

    cdef object _get_string(self, Cursor *c):
        # A value; the opening quotation mark is behind us.
        cdef const unsigned char *body = NULL
        cdef Py_ssize_t n = 0
        cdef bint escaped = False
        skip_string(c, &body, &n, &escaped)
        if escaped:
            if n >= 6 and not self.use_binary_hex_encoding and memcmp(body, <const char *>"\\u0000", 6) == 0:
                octets = from_base64(body + 6, n - 6)
                if octets is not None:
                    return octets
            text = unescape(body, n)
        else:
            text = to_text(body, n)
        if n and (escaped or self.use_binary_hex_encoding or self.use_decimal_from_str):
            return self._convert(text)
        return text

    cdef object _convert(self, str s):
        # What some strings stand for.
        global _decimal_pattern
        try:
            if self.use_binary_hex_encoding:
                if s.startswith("0x"):
                    from binascii import a2b_hex
                    return a2b_hex(s[2:])
            elif s.startswith("\0"):
                from binascii import a2b_base64
                return a2b_base64(s[1:])
            if self.use_decimal_from_str:
                if _decimal_pattern is None:
                    import re
                    # The exponent with a capital E, as str(Decimal) writes it.
                    _decimal_pattern = re.compile(
                        r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:E[-+]?[0-9]+)?\n?").fullmatch
                if _decimal_pattern(s):
                    try:
                        return decimal_type()(s)
                    except ArithmeticError:     # an exponent beyond what a Decimal can have
                        return s
        except Exception as exc:
            decode_failed(exc)
        return s

    cdef list _get_list(self, Cursor *c, int depth):
        cdef list result = []
        if depth >= MAX_DEPTH:
            bad("the value nests too deep", c)
        c.p += 1
        step(c)
        if c.p[0] == 93:
            c.p += 1
            return result
        while True:
            result.append(self._get(c, depth + 1))
            if not comma(c, 93):
                return result

    cdef dict _get_dict(self, Cursor *c, int depth):
        cdef dict result = {}
        cdef const unsigned char *body = NULL
        cdef Py_ssize_t n = 0
        cdef bint escaped = False
        if depth >= MAX_DEPTH:
            bad("the value nests too deep", c)
        c.p += 1
        step(c)
        if c.p[0] == 125:
            c.p += 1
            return result
        while True:
            open_key(c)
            skip_string(c, &body, &n, &escaped)
            key = unescape(body, n) if escaped else to_key(body, n)
            take_colon(c)
            value = self._get(c, depth + 1)
            PyDict_SetItem(result, key, value)
            if not comma(c, 125):
                return result

    cdef object _get_number(self, Cursor *c):
        cdef Number x
        cdef double d
        cdef const unsigned char *p = c.p
        if c.end - p > 1 and p[0] == 45 and p[1] == 73:
            take_literal(c, "-Infinity", 9)
            return float("-inf")
        scan_number(c, &x)
        c.p += x.size
        if x.is_int and x.count <= 18:
            return -<long long>x.digits if x.negative else <long long>x.digits
        try:
            if x.is_int:
                return int(PyBytes_FromStringAndSize(<const char *>p, x.size))
            if self.use_decimal_from_float:
                return decimal_type()(to_text(p, x.size))
            if EXACT_DOUBLES and x.count <= 18 and x.digits <= <unsigned long long>MAX_ID and -22 <= x.scale <= 22:
                d = <double>x.digits
                d = d / POWERS[-x.scale] if x.scale < 0 else d * POWERS[x.scale]
                return -d if x.negative else d
            return long_float(p, x.size)
        except Exception as exc:
            decode_failed(exc)
