# Messages that a router passes on: heads are read and written, payloads are copied.
from autobahn_fast._core.batch cimport Batch
from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport Codec, Cursor, Statistics
from autobahn_fast._core.engine cimport Engine, Sink
from autobahn_fast._core.exchange cimport Exchange


cdef class Payload:
    cdef readonly Codec codec                   # how octets is encoded
    cdef readonly int count                     # elements: 0, 1 (args, or one binary), 2 (args, kwargs)
    cdef readonly bytes octets                  # the elements with what stands between them
    cdef dict _others                           # name of another codec -> octets in it, or the EncodeError

    cdef bytes encoded(self, Codec codec)       # EncodeError
    cpdef list values(self)


cdef class RouterWire(Sink):
    cdef readonly Engine engine
    cdef readonly Codec codec
    cdef readonly Batch batch                   # None: each message has a transport message of its own
    cdef readonly Statistics statistics
    cdef public bint joined                     # False: only HELLO and its like are taken
    cdef public bint left                       # GOODBYE came in: what the client sent before it heard of that is dropped
    cdef Exchange exchange                      # joins what goes out in a loop turn; None: the engine does by itself
    cdef bint _msgpack, _ubjson
    cdef object _parse                          # parse(list) -> message object
    cdef object _on_publish, _on_call, _on_yield, _on_error, _on_message, _on_failure, _on_lag, _on_dropped
    # Lag: octets handed over since the transport asked for a pause.
    cdef bint _paused
    cdef unsigned long long _paused_at
    cdef public unsigned long long max_lag

    cdef int _take_one(self, const unsigned char *data, Py_ssize_t n) except -1
    cdef int _route(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int _publish(self, Cursor *c) except -1
    cdef int _call(self, Cursor *c) except -1
    cdef int _yield(self, Cursor *c) except -1
    cdef int _error(self, Cursor *c) except -1
    cdef int _other(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int _next(self, Cursor *c) except -1
    cdef long long _id(self, Cursor *c) except -1
    cdef dict _options(self, Cursor *c)
    cdef str _uri(self, Cursor *c)
    cdef Payload _payload(self, Cursor *c, dict options)
    cdef int _kind(self, const Cursor *c) noexcept
    cdef int _step(self, Cursor *c) except -1
    cdef int _send(self, int code, long long a, long long b, dict details, str uri, int count, bytes octets) except -1
    cdef int _send_whole(self, bytes octets) except -1
    cdef int _sealed(self, Py_ssize_t size) except -1
    cdef int _sent(self, Py_ssize_t size) except -1
    cdef int _pass_on(self, int code, long long a, long long b, dict details, Payload payload) except -1

    cpdef invocation(self, long long request, long long registration, dict details, Payload payload)
    cpdef result(self, long long request, dict details, Payload payload)
    cpdef error(self, int request_type, long long request, str error, dict details, Payload payload)
