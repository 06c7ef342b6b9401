# Messages of many connections to many others, joined until the end of the loop turn.
from autobahn_fast._core.engine cimport Engine


cdef class Held:
    # Messages for several connections that none of their engines has yet.
    cdef int settle(self) except -1            # to the engines, since something else follows; they are held
    cdef int release(self) except -1           # to the transports: the turn ends


cdef class Exchange:
    cdef list _engines                         # that have something for their transports at the end of the turn
    cdef list _held
    cdef bint _begun                           # turn_over is to be called

    cdef int _begin(self, Engine engine) except -1
    cdef int hold(self, Engine engine) except -1        # before a message is sent over it
    cdef int keep(self, Held held, Engine engine) except -1     # engine: one of those that it is for
