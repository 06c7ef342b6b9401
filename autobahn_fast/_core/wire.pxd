# The hot WAMP messages between Python arguments and octets, without message objects.
from cpython.ref cimport PyObject

from autobahn_fast._core.batch cimport Batch
from autobahn_fast._core.codec cimport Codec, Outgoing, Statistics
from autobahn_fast._core.engine cimport Engine, Sink
from autobahn_fast._core.pending cimport Pending


cdef class Wire(Sink):
    cdef readonly Engine engine
    cdef readonly Codec codec
    cdef readonly Batch batch                   # None: each message has a transport message of its own
    cdef readonly Statistics statistics         # None: not counted
    cdef readonly object session
    cdef object _parse                          # parse(list) -> message object; ProtocolError
    cdef object _on_event, _on_result, _on_published, _on_invocation       # bound methods of the session, or None
    cdef Pending _plain_calls                   # of the session; None when it takes every result itself
    cdef dict _call_options
    cdef object _future_type                    # of pending calls, made with these keyword arguments
    cdef dict _future_kwargs
    cdef object _set_result                     # their method
    cdef readonly bint starts_calls             # start_call may be used
    cdef dict _subscriptions                    # of the session; None when it calls every handler itself
    cdef dict _registrations, _invocations      # of the session; None when it calls every endpoint itself
    cdef readonly bint hot                      # False: every message reaches the session as an object

    cpdef publish(self, long long request, topic, tuple args, dict kwargs, dict options=*)
    cpdef call(self, long long request, procedure, tuple args, dict kwargs, dict options=*)
    cpdef start_call(self, long long request, procedure, tuple args, dict kwargs)
    cpdef yield_(self, long long request, tuple args, dict kwargs, dict options=*)
    cpdef send(self, msg)

    cdef int request(self, const Outgoing *m) except -1
    cdef object begin_call(self, const Outgoing *m)                  # request, and the future of its result
    # The only argument of a message stands in only, and args is empty; NULL: there are others, or none.
    cdef bint _handle(self, long long subscription, PyObject *only, tuple args, dict kwargs) except -1
    cdef int _call_handler(self, object subscription, object fn, PyObject *only, tuple args, dict kwargs) except -1
    cdef bint _invoke(self, long long request, long long registration, PyObject *only, tuple args, dict kwargs) except -1
    cdef bint _complete(self, long long request, PyObject *only, tuple args) except -1
    cdef int _failed(self, object exc) except -1
    cdef int _take_one(self, const unsigned char *data, Py_ssize_t n) except -1
    cdef bint _take_hot(self, const unsigned char *data, Py_ssize_t n) except -1
