# JSON as WAMP writes it. See codec.pxd for what the methods do.
from cpython.ref cimport PyObject

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport Codec, Cursor


cdef class JsonCodec(Codec):
    cdef readonly bint use_binary_hex_encoding
    cdef readonly bint use_decimal_from_str, use_decimal_from_float

    cdef int _put(self, WriteBuffer out, object v, int depth) except -1
    cdef int _put_array(self, WriteBuffer out, PyObject **items, Py_ssize_t n, int depth) except -1
    cdef int _put_key(self, WriteBuffer out, object k) except -1
    cdef int _put_dict(self, WriteBuffer out, object v, int depth) except -1
    cdef int _put_other(self, WriteBuffer out, object v, int depth) except -1
    cdef int _put_octets(self, WriteBuffer out, object v) except -1
    cdef object _get(self, Cursor *c, int depth)
    cdef object _get_string(self, Cursor *c)
    cdef object _convert(self, str s)
    cdef list _get_list(self, Cursor *c, int depth)
    cdef dict _get_dict(self, Cursor *c, int depth)
    cdef object _get_number(self, Cursor *c)
