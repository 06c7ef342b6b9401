# Several WAMP messages in one transport message.
from autobahn_fast._core.buffer cimport WriteBuffer


cdef class Batch:
    cdef readonly int separator                # the octet written behind each message; -1: its length is in front of it

    cdef int begin(self, WriteBuffer out) except -1                      # a message follows
    cdef int end(self, WriteBuffer out, Py_ssize_t start) except -1      # it ends here; start: where begin was called
    # The message at p[0] (p[0] < end): its octets, and how many; p[0] is moved behind it. DecodeError.
    cdef const unsigned char *next(self, const unsigned char **p, const unsigned char *end, Py_ssize_t *n) except NULL
    cdef Py_ssize_t count(self, const unsigned char *p, Py_ssize_t n) noexcept     # how many there are, before a bad one
