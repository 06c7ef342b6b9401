# SPDX-License-Identifier: MIT
"""JSON strings: text with its escapes (RFC 8259, section 7), and octets as the two ways that WAMP has to write them.

Knows what stands between two quotation marks. Does not know any other part of JSON (``json`` does).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport Cursor, abf_text, bad, put_data, to_text
from autobahn_fast._core.codec import EncodeError
from autobahn_fast._core.kernels cimport abf_json_plain

cdef extern from "Python.h":
    str PyUnicode_DecodeUTF8(const char *p, Py_ssize_t n, const char *errors)

cdef const char *HEX = "0123456789abcdef"
cdef const char *BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
cdef unsigned char PAIRS[8192]           # 12 bits -> two digits of Base64
cdef signed char DIGITS[256]             # digit of Base64 -> 6 bits; -1: none
cdef char LETTERS[256]                   # character -> the letter that stands for it behind a reverse solidus; 0: none
cdef char CHARACTERS[256]                # that letter -> the character; 0: none


cdef void fill_tables() noexcept:
    cdef int i
    for i in range(256):
        DIGITS[i] = -1
        LETTERS[i] = CHARACTERS[i] = 0
    for i in range(64):
        DIGITS[<unsigned char>BASE64[i]] = <signed char>i
    for i in range(4096):
        PAIRS[2 * i] = <unsigned char>BASE64[i >> 6]
        PAIRS[2 * i + 1] = <unsigned char>BASE64[i & 63]
    for character, letter in ((34, 34), (92, 92), (8, 98), (12, 102), (10, 110), (13, 114), (9, 116)):
        LETTERS[<int>character] = <char><int>letter
        CHARACTERS[<int>letter] = <char><int>character
    CHARACTERS[47] = 47


fill_tables()


# --- out ---

cdef int put_escape(WriteBuffer out, unsigned char c) except -1:
    cdef unsigned char *d
    out.need(6)
    d = out.data + out.size
    d[0] = 92
    if LETTERS[c]:
        d[1] = <unsigned char>LETTERS[c]
        out.size += 2
        return 0
    memcpy(d + 1, <const char *>"u00", 3)
    d[4] = <unsigned char>HEX[c >> 4]
    d[5] = <unsigned char>HEX[c & 15]
    out.size += 6
    return 0


cdef int put_str(WriteBuffer out, object s) except -1:
    cdef Py_ssize_t n = 0, plain
    cdef const char *p = abf_text(s, &n)
    cdef const char *end = p + n
    out.need(n + 2)
    out.data[out.size] = 34
    out.size += 1
    while True:
        plain = <Py_ssize_t>abf_json_plain(<const unsigned char *>p, <size_t>(end - p))
        put_data(out, p, plain)
        p += plain
        if p == end:
            break
        put_escape(out, <unsigned char>p[0])
        p += 1
    return out.put_byte(34)


cdef int put_base64(WriteBuffer out, const unsigned char *p, Py_ssize_t n) except -1:
    # Straight from the octets, three at a time by two look-ups of 12 bits.
    cdef unsigned char *d
    cdef unsigned int bits
    if n > (<Py_ssize_t>(<size_t>-1 >> 1)) // 4 * 2:
        raise EncodeError(f"{n} octets are too many for Base64")
    out.need((n + 2) // 3 * 4)
    d = out.data + out.size
    while n >= 3:
        bits = (<unsigned int>p[0] << 16) | (<unsigned int>p[1] << 8) | p[2]
        memcpy(d, PAIRS + 2 * (bits >> 12), 2)
        memcpy(d + 2, PAIRS + 2 * (bits & 0xFFF), 2)
        d += 4
        p += 3
        n -= 3
    if n:
        bits = <unsigned int>p[0] << 16
        if n == 2:
            bits |= <unsigned int>p[1] << 8
        memcpy(d, PAIRS + 2 * (bits >> 12), 2)
        memcpy(d + 2, PAIRS + 2 * (bits & 0xFFF), 2)
        d[3] = 61
        if n == 1:
            d[2] = 61
        d += 4
    out.size = d - out.data
    return 0


cdef int put_base16(WriteBuffer out, const unsigned char *p, Py_ssize_t n) except -1:
    cdef unsigned char *d
    cdef Py_ssize_t i
    if n > (<Py_ssize_t>(<size_t>-1 >> 1)) // 4:
        raise EncodeError(f"{n} octets are too many for hexadecimal digits")
    out.need(2 * n)
    d = out.data + out.size
    for i in range(n):
        d[2 * i] = <unsigned char>HEX[p[i] >> 4]
        d[2 * i + 1] = <unsigned char>HEX[p[i] & 15]
    out.size += 2 * n
    return 0


# --- in ---

cdef int hex4(const unsigned char *p, const unsigned char *end) noexcept:
    # Four hexadecimal digits at p; -1: they are not there.
    cdef int i, v = 0, d
    if end - p < 4:
        return -1
    for i in range(4):
        d = p[i]
        if 48 <= d <= 57:
            d -= 48
        elif 65 <= d <= 70:
            d -= 55
        elif 97 <= d <= 102:
            d -= 87
        else:
            return -1
        v = (v << 4) | d
    return v


cdef int skip_string(Cursor *c, const unsigned char **body, Py_ssize_t *n, bint *escaped) except -1:
    # From behind the opening quotation mark to behind the closing one. Escapes are checked.
    cdef int letter
    body[0] = c.p
    escaped[0] = False
    while True:
        c.p += abf_json_plain(c.p, <size_t>(c.end - c.p))
        if c.p >= c.end:
            return bad("a string has no end", c)
        if c.p[0] == 34:
            n[0] = c.p - body[0]
            c.p += 1
            return 0
        if c.p[0] < 0x20:
            return bad("a control character stands in a string", c)
        escaped[0] = True
        if c.end - c.p < 2:
            return bad("a string has no end", c)
        letter = c.p[1]
        if letter == 117:
            if hex4(c.p + 2, c.end) < 0:
                return bad("an escape in a string is not \\u and four hexadecimal digits", c)
            c.p += 6
        elif CHARACTERS[letter]:
            c.p += 2
        else:
            return bad("an escape in a string is unknown", c)


cdef int put_code_point(WriteBuffer out, unsigned int u) except -1:
    # UTF-8, of lone surrogates too.
    cdef unsigned char *d
    out.need(4)
    d = out.data + out.size
    if u < 0x80:
        d[0] = <unsigned char>u
        out.size += 1
    elif u < 0x800:
        d[0] = <unsigned char>(0xC0 | (u >> 6))
        d[1] = <unsigned char>(0x80 | (u & 0x3F))
        out.size += 2
    elif u < 0x10000:
        d[0] = <unsigned char>(0xE0 | (u >> 12))
        d[1] = <unsigned char>(0x80 | ((u >> 6) & 0x3F))
        d[2] = <unsigned char>(0x80 | (u & 0x3F))
        out.size += 3
    else:
        d[0] = <unsigned char>(0xF0 | (u >> 18))
        d[1] = <unsigned char>(0x80 | ((u >> 12) & 0x3F))
        d[2] = <unsigned char>(0x80 | ((u >> 6) & 0x3F))
        d[3] = <unsigned char>(0x80 | (u & 0x3F))
        out.size += 4
    return 0


cdef str unescape(const unsigned char *p, Py_ssize_t n):
    # The body of a string whose escapes skip_string has checked.
    cdef WriteBuffer out = WriteBuffer.__new__(WriteBuffer)
    cdef const unsigned char *start = p
    cdef const unsigned char *end = p + n
    cdef Py_ssize_t plain
    cdef unsigned int u, low
    cdef bint lone = False
    out.need(n)
    while True:
        plain = <Py_ssize_t>abf_json_plain(p, <size_t>(end - p))
        put_data(out, <const char *>p, plain)
        p += plain
        if p >= end:
            break
        if p[1] != 117:
            out.put_byte(<unsigned char>CHARACTERS[p[1]])
            p += 2
            continue
        u = <unsigned int>hex4(p + 2, end)
        p += 6
        if 0xD800 <= u < 0xE000:
            low = 0
            if u < 0xDC00 and end - p >= 6 and p[0] == 92 and p[1] == 117:
                low = <unsigned int>hex4(p + 2, end)
            if 0xDC00 <= low < 0xE000:
                u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00)
                p += 6
            else:
                lone = True
        put_code_point(out, u)
    if not lone:
        return to_text(out.data, out.size)
    to_text(start, n)            # what is not escaped must be valid by itself
    return PyUnicode_DecodeUTF8(<const char *>out.data, out.size, "surrogatepass")


cdef bytes from_base64(const unsigned char *p, Py_ssize_t n):
    # None unless these are whole groups of digits with no more than the right padding at the end.
    cdef Py_ssize_t size
    cdef int pad = 0
    cdef unsigned char *d
    cdef int a, b, e, f
    if n & 3:
        return None
    if n and p[n - 1] == 61:
        pad = 2 if p[n - 2] == 61 else 1
    size = n // 4 * 3 - pad
    result = PyBytes_FromStringAndSize(NULL, size)
    d = <unsigned char *>PyBytes_AS_STRING(result)
    while n > 4 or (n and not pad):
        a = DIGITS[p[0]]
        b = DIGITS[p[1]]
        e = DIGITS[p[2]]
        f = DIGITS[p[3]]
        if (a | b | e | f) < 0:
            return None
        d[0] = <unsigned char>((a << 2) | (b >> 4))
        d[1] = <unsigned char>(((b << 4) | (e >> 2)) & 0xFF)
        d[2] = <unsigned char>(((e << 6) | f) & 0xFF)
        d += 3
        p += 4
        n -= 4
    if n:
        a = DIGITS[p[0]]
        b = DIGITS[p[1]]
        e = DIGITS[p[2]] if pad == 1 else 0
        if (a | b | e) < 0:
            return None
        d[0] = <unsigned char>((a << 2) | (b >> 4))
        if pad == 1:
            d[1] = <unsigned char>(((b << 4) | (e >> 2)) & 0xFF)
    return result
