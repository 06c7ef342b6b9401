# WAMP RawSocket: the handshake octets and length-prefixed packets, both roles.
from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.engine cimport Engine


cdef class RawSocketEngine(Engine):
    cdef readonly bint is_open                        # the handshake is done
    cdef readonly int serializer                      # RawSocket id of the serializer agreed on; 0 before
    cdef readonly Py_ssize_t max_receive, max_send    # payload octets of a message, announced by us and by the peer
    cdef object _serializers                          # ids, the preferred first
    cdef int _exponent                                # max_receive is 2 to this
    cdef int _refusal                                 # server: error code to answer the handshake with; 0: none
    cdef bint _started                                # client: the handshake was sent

    cdef int _handshake(self, const unsigned char *p) except -1
    cdef int _answer(self, const unsigned char *p) except -1
    cdef int _read_answer(self, const unsigned char *p) except -1
    cdef int _open(self, int serializer, int exponent) except -1
    cdef int _fail(self, int code, reason) except -1
    cdef bint _control(self, int kind, payload) except -1
    cdef int _check_first(self, int first) except -1
    cdef Py_ssize_t _check_head(self, int first, Py_ssize_t length) except -1
    cdef int _put_packet(self, int kind, const unsigned char *p, Py_ssize_t n) except -1
