# Messages from many connections to many others, joined until the end of the loop turn.
from autobahn_fast._core.engine cimport Engine


cdef class Exchange:
    cdef list _engines                         # that have something for their transports when the turn ends
    cdef bint _begun                           # turn_over is to be called

    cdef int hold(self, Engine engine) except -1       # before a message is sent over it
