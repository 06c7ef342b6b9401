# The hot WAMP messages between Python arguments and octets, without message objects.
from autobahn_fast._core.codec cimport Codec, Statistics
from autobahn_fast._core.engine cimport Engine, Sink


cdef class Wire(Sink):
    cdef readonly Engine engine
    cdef readonly Codec codec
    cdef readonly Statistics statistics
    cdef object _parse                          # parse(list) -> message object; ProtocolError
    cdef object _on_message, _on_event, _on_result, _on_published, _on_invocation      # bound methods of the session
    cdef bint hot                               # False: every message reaches the session as an object

    cpdef publish(self, long long request, str topic, tuple args, dict kwargs, dict options=*)
    cpdef call(self, long long request, str procedure, tuple args, dict kwargs, dict options=*)
    cpdef yield_(self, long long request, tuple args, dict kwargs, dict options=*)
