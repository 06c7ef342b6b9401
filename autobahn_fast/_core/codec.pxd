# Values to octets and back. A codec reads and writes element by element, so that Wire needs no message objects and the
# router can forward elements it never decodes.
from autobahn_fast._core.buffer cimport WriteBuffer


cdef struct Cursor:
    const unsigned char *p                     # next octet
    const unsigned char *end
    Py_ssize_t left                            # elements left in the array entered last; -1: not told beforehand (JSON)


cdef class Statistics:
    # Octets, messages and rated messages (512 octets each, rounded up) both ways; shared by a Serializer and its Wires.
    cdef public unsigned long long serialized_bytes, serialized_messages, serialized_rated_messages
    cdef public unsigned long long unserialized_bytes, unserialized_messages, unserialized_rated_messages
    cdef public unsigned long long autoreset_rated_messages      # 0: off
    cdef public object autoreset                                 # called without arguments when that many were seen
    cdef int count_out(self, Py_ssize_t octets) except -1
    cdef int count_in(self, Py_ssize_t octets) except -1


cdef class Codec:
    cdef readonly str name                     # "json", "msgpack", "cbor"
    cdef readonly bint binary
    cdef dict _texts                           # str -> its encoding as one element; bounded

    # --- out. Elements follow one another; sep writes what stands between two of them (JSON: a comma) ---
    cdef int begin(self, WriteBuffer out, Py_ssize_t n) except -1        # an array of n elements
    cdef int sep(self, WriteBuffer out) except -1
    cdef int finish(self, WriteBuffer out) except -1
    cdef int put_int(self, WriteBuffer out, long long v) except -1
    cdef int put_text(self, WriteBuffer out, str s) except -1            # cached: URIs
    cdef int put_empty_map(self, WriteBuffer out) except -1
    cdef int put(self, WriteBuffer out, object v) except -1              # any value; EncodeError

    # --- in. All raise DecodeError on octets that are not a value, and never read at or behind end ---
    cdef int enter(self, Cursor *c) except -1                            # an array begins here
    cdef bint more(self, Cursor *c) except -1                            # one more element? (steps over separators)
    cdef long long get_int(self, Cursor *c) except? -1                   # an int in 0..2^53; DecodeError if it is none
    cdef object get(self, Cursor *c)                                     # any value
    cdef tuple get_array(self, Cursor *c)                                # an array's values; DecodeError if it is none
    cdef int skip(self, Cursor *c) except -1                             # step over any value

    cpdef bytes dumps(self, object v)
    cpdef object loads(self, object data)                                # DecodeError on trailing octets too
