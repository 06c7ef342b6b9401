# What a session sends most: publish() and call(), from its caller's arguments to octets in one step.
from cpython.ref cimport PyObject

from autobahn_fast._core.codec cimport Codec
from autobahn_fast._core.wire cimport Wire


cdef class Requests:
    cdef public object _live                    # the wire while the session has joined: a Wire, a MessageWire or None
    cdef public long long _last_request         # ids have session scope: 1, 2, 3 ... without gaps


ctypedef PyObject *(*vectorcall)(PyObject *callable, PyObject **args, size_t flags, PyObject *names)


cdef class PreparedPublication:
    cdef vectorcall _called                     # what the interpreter calls: the type's tp_vectorcall_offset leads here
    cdef readonly Requests session
    cdef readonly str topic
    cdef readonly object options                # PublishOptions or None
    cdef bint _direct                           # nothing but sending is to be done
    cdef bint _overridden                       # the session's class, or the session, has a publish() of its own
    cdef dict _attributes                       # the options as they go on the wire
    cdef Codec _codec                           # the format of _middle
    cdef bytes _middle                          # options and topic in this format
    cdef int _prepare(self, Codec codec) except -1
    cdef object _publish(self, tuple args, dict kwargs)
