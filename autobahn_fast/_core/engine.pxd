# What the transport engines share: one message out, one message in, coalescing. No loop, clock, socket or logger.
from autobahn_fast._core.buffer cimport ReadBuffer, WriteBuffer


cdef class Sink:
    # Takes one whole message. data is valid only during the call. Whatever it raises goes to handler.on_sink_error.
    cdef int take(self, const unsigned char *data, Py_ssize_t n, bint binary) except -1
    # The same as an object, which is what a sink gets that says takes_bytes when the message came in as one.
    cdef bint takes_bytes
    cdef int take_bytes(self, bytes payload, bint binary) except -1


cdef class CallbackSink(Sink):
    cdef object callback                       # callback(payload: bytes, is_binary: bool)


cdef class MessageSink(Sink):
    cdef object owner                          # onMessage(payload: bytes, is_binary: bool)
    cdef bint observed                         # it has had _listeners


cdef class Engine:
    cdef readonly object handler               # see docs/design.md, "Handler"
    cdef readonly bint is_server
    cdef readonly bint is_closing              # a close frame was written, or the transport is gone
    cdef Sink sink
    cdef WriteBuffer out                       # frames not yet handed to the transport
    cdef ReadBuffer inbox
    cdef object _write, _defer                 # write(bytes); defer(callable): call it once at the end of this loop turn
    cdef int _fd                               # of the transport's socket, for sending directly; -1: not
    cdef tuple _busy                           # functions: something true means that the transport must have the octets
    cdef object _closed                        # something true: the loop is closed, and the descriptor with it; or None
    cdef bint _in_loop                         # called by a loop that runs, so it is not closed
    cdef bint _joins                           # the transport joins what it is given in one loop turn
    cdef bint _views                           # it takes memoryviews
    cdef readonly bint writable                # False: open_message raises EngineClosed
    cdef readonly bint reading                 # False: octets that come in are dropped (closed, or failed)
    cdef bint _turn_open                       # something was written in this loop turn already
    cdef bint _burst                           # in the last turn something was written in, there was more than one thing
    cdef Py_ssize_t _first                     # octets in out with the first thing of this turn, when it waits; -1: more did
    cdef bint _corked                          # inside feed/buffer_updated: joined, flushed when it returns
    cdef bint _begun                           # __init__ was called
    cdef bint _copy_in                         # parse must be able to write to what it is given: feed copies to inbox
    cdef Py_ssize_t _message_start             # where the open message's head room begins in out; -1: none open
    cdef Py_ssize_t _head_room                 # octets reserved there; fixed while a message is open
    # Set by parse. _needed: octets it must see at once to get any further, when it left some unused.
    # _used: how many were used up when it made its last upcall; what counts when that upcall raises.
    cdef Py_ssize_t _needed, _used
    # Counters, read lazily by keepalive timers and traffic statistics. octets_out: handed to the transport.
    cdef public unsigned long long octets_in, octets_out, messages_in, messages_out
    cdef bint _moved                           # parse got further without using up octets

    # --- out: exactly one open message at a time, then seal() or abandon() ---
    cdef WriteBuffer open_message(self)                       # EngineClosed, RuntimeError when one is open already
    cdef int seal(self, bint binary) except -1                # header into the head room, mask; PayloadTooLarge abandons it
    cdef int seal_batch(self, bint binary) except -1          # seal; the batch in front of it may take it in
    cdef void abandon(self) noexcept                          # nothing of the open message is sent
    cdef int put_raw(self, const unsigned char *p, Py_ssize_t n) except -1   # octets that are complete frames already
    cpdef send(self, payload, bint binary=*)                  # one whole message from any bytes-like object
    cpdef flush(self)                                         # hand everything in out to the transport now
    cdef int emit(self) except -1                             # coalescing policy; called by seal and put_raw

    # --- in ---
    cpdef get_buffer(self, Py_ssize_t hint)
    cpdef buffer_updated(self, Py_ssize_t n)
    cpdef feed(self, data)
    # Parse what is at p[0:n]; returns how many octets were used up. in_place: the octets may be written to (unmasked).
    cdef Py_ssize_t parse(self, unsigned char *p, Py_ssize_t n, bint in_place) except -1
    cdef int deliver(self, const unsigned char *p, Py_ssize_t n, bint binary) except -1

    cdef int _flush(self) except -1
    cdef bint _idle(self) except -1
    cdef int _cork(self, bint in_loop) except -1
    cdef int _uncork(self) except -1
    cdef int _drop_input(self) except -1
    cdef void _forget_input(self) noexcept                    # what came in and was not parsed or delivered; not while corked
    cdef Py_ssize_t _run(self, unsigned char *p, Py_ssize_t n, bint in_place, Py_ssize_t *used) except -1
    cdef int _run_inbox(self) except -1
    cdef int _take_in(self, const unsigned char *p, Py_ssize_t n) except -1
