# SPDX-License-Identifier: MIT
"""What the transport engines share: messages out through one coalescing point, octets in to one parser.

Knows buffers, the order of calls and what happens when a call raises. Does not know any frame format (the subclasses
in ``frames`` and ``packets`` do), nor a loop, clock, socket or logger (the owner does).
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from autobahn_fast._core.buffer cimport ReadBuffer, WriteBuffer

cdef extern from "send.h" nogil:
    Py_ssize_t abf_send_now(int fd, const void *p, size_t n)

cdef enum:
    FLUSH_AT = 64 * 1024         # octets joined at most before the transport gets them
    RECEIVE = 64 * 1024          # room offered to a read, at least
    COPIED_REST = 128 * 1024     # of what a socket did not take, up to this is copied: the memory stays the buffer's then


class EngineClosed(Exception):
    """A message cannot be sent any more: the engine was closed, or its transport is gone."""


class PayloadTooLarge(Exception):
    """A message is larger than this side may send. Nothing of it was sent.

    :param size: octets of the payload.
    :param limit: octets allowed.
    """

    def __init__(self, size, limit):
        super().__init__(f"a payload of {size} octets is larger than the limit of {limit} octets; send it in parts")
        self.size = size
        self.limit = limit


class ProtocolViolation(Exception):
    """The peer broke the protocol. Raised while parsing (a ``Sink`` may raise it too) and handed to ``on_violation``.

    :param code: close code of RFC 6455, section 7.4 (1002, 1007, 1009), or 0 where the protocol has none.
    :param reason: what was wrong, for the log and the close frame.
    """

    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self):
        return f"{self.reason} (close code {self.code})"


cdef class Sink:
    """Takes whole messages from an engine. A subclass in Cython overrides ``take``."""

    cdef int take(self, const unsigned char *data, Py_ssize_t n, bint binary) except -1:
        return 0

    cdef int take_bytes(self, bytes payload, bint binary) except -1:
        return self.take(<const unsigned char *>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), binary)


cdef class CallbackSink(Sink):
    """Calls ``callback(payload: bytes, is_binary: bool)`` with each message."""

    def __init__(self, callback):
        if not callable(callback):
            raise TypeError(f"callback is called with each message; {type(callback).__name__} is not callable")
        self.callback = callback
        self.takes_bytes = True

    cdef int take(self, const unsigned char *data, Py_ssize_t n, bint binary) except -1:
        return self.take_bytes(PyBytes_FromStringAndSize(<const char *>data, n), binary)

    cdef int take_bytes(self, bytes payload, bint binary) except -1:
        self.callback(payload, True if binary else False)
        return 0


cdef class MessageSink(Sink):
    """Calls ``owner.onMessage(payload: bytes, is_binary: bool)`` with each message.

    When that returned something, or when the owner has ``_listeners``, ``owner._after_message(payload, is_binary, result)``
    is called, too. An owner that gets some later says so: ``Engine.observed``.
    """

    def __init__(self, owner):
        self.owner = owner
        self.observed = owner._listeners is not None
        self.takes_bytes = True

    cdef int take(self, const unsigned char *data, Py_ssize_t n, bint binary) except -1:
        return self.take_bytes(PyBytes_FromStringAndSize(<const char *>data, n), binary)

    cdef int take_bytes(self, bytes payload, bint binary) except -1:
        owner = self.owner
        is_binary = True if binary else False
        result = owner.onMessage(payload, is_binary)
        if result is not None or (self.observed and owner._listeners is not None):
            owner._after_message(payload, is_binary, result)
        return 0


cdef class Engine:
    """Octets to messages and back; the base of ``WebSocketEngine`` and ``RawSocketEngine``.

    :param handler: the owner, called as docs/design.md ("Handler") says.
    :param is_server: the side this engine plays.
    """

    def __cinit__(self, *args, **kwargs):
        self.out = WriteBuffer.__new__(WriteBuffer)
        self.inbox = ReadBuffer.__new__(ReadBuffer)
        self._message_start = -1
        self._fd = -1
        self.writable = True
        self.reading = True

    def __init__(self, handler, bint is_server):
        if self._begun:
            raise RuntimeError("an engine is for one connection: make a new one")
        self._begun = True
        self.handler = handler
        self.is_server = is_server

    # --- life ---

    def attach(self, write, defer=None, int fd=-1, tuple busy=(), bint joins=False, bint views=False, closed=None) -> None:
        """Connect the engine to a transport.

        :param write: ``write(bytes)`` hands octets to the transport.
        :param defer: ``defer(f)`` has ``f()`` called once at the end of this loop turn. Without it nothing is joined.
        :param fd: descriptor of the transport's socket, a non-blocking stream: octets are sent over it directly as long
            as the transport has nothing to write itself. -1: all of them go to ``write``.
        :param busy: functions; as soon as one of them returns something true the transport must have the octets, since it
            has others before them, or is being closed, and so has the descriptor.
        :param joins: the transport joins what it is given in a loop turn, so what is not the last of it goes there.
        :param views: ``write`` takes a memoryview, too: what the socket did not take of much is not copied then.
        :param closed: a function; something true means that the loop is closed, and the descriptor with it. It is not asked
            inside ``buffer_updated`` and ``turn_over``, which a loop calls that runs, and is not closed while it does.
        """
        self._write = write
        self._defer = defer
        self._busy = busy
        self._joins = joins
        self._views = views
        self._closed = closed
        self._fd = fd

    def detach(self) -> None:
        """The transport is gone: nothing is written or parsed any more, and the owner is forgotten."""
        self._write = None
        self._defer = None
        self._fd = -1
        self._busy = None
        self._closed = None
        self.writable = False
        self.reading = False
        self.is_closing = True
        self.handler = None
        self.sink = None
        if self._message_start < 0:
            self.out.truncate(0)
        if not self._corked:
            self._forget_input()

    def stop_reading(self) -> None:
        """What still comes in is dropped. Messages can still be sent."""
        self.reading = False
        if not self._corked:
            self._forget_input()

    def set_sink(self, Sink sink) -> None:
        """Who takes whole messages from now on; None drops them."""
        self.sink = sink

    def observed(self) -> None:
        """The owner has ``_listeners`` now: a ``MessageSink`` has to ask it after each message."""
        if isinstance(self.sink, MessageSink):
            (<MessageSink>self.sink).observed = True

    @property
    def unsent(self) -> int:
        """Octets written that the transport does not have yet."""
        return self.out.size

    @property
    def unread(self) -> int:
        """Octets received that are the beginning of something not yet complete."""
        return self.inbox.end - self.inbox.start

    @property
    def allocated(self) -> int:
        """Octets of buffer memory held; 0 while idle."""
        return self.out.capacity + self.inbox.capacity

    # --- out ---

    cdef WriteBuffer open_message(self):
        cdef WriteBuffer out = self.out
        if not self.writable:
            raise EngineClosed("the connection is closed or closing: no message can be sent any more")
        if self._message_start >= 0:
            raise RuntimeError("a message is being written already: it must be finished before another one is begun "
                               "(was something sent while the arguments of another message were being encoded?)")
        out.need(self._head_room + 64)
        self._message_start = out.size
        out.size += self._head_room
        return out

    cdef int seal(self, bint binary) except -1:
        raise RuntimeError("Engine is a base class: use WebSocketEngine or RawSocketEngine")

    cdef int seal_batch(self, bint binary) except -1:
        return self.seal(binary)

    cdef void abandon(self) noexcept:
        cdef Py_ssize_t start = self._message_start
        if start < 0:
            return
        self._message_start = -1
        self.out.truncate(start if self._write is not None or self.writable else 0)

    cdef int put_raw(self, const unsigned char *p, Py_ssize_t n) except -1:
        if self._message_start >= 0:
            raise RuntimeError("a message is being written: nothing else can be sent until it is finished")
        self.out.put(p, n)
        return self.emit()

    cpdef send(self, payload, bint binary=False):
        """Send one whole message.

        :param payload: the octets, any bytes-like object; UTF-8 when not ``binary``.
        :param binary: the kind of message, where the protocol has kinds.
        :raises EngineClosed: the engine was closed or detached.
        :raises PayloadTooLarge: the peer or an option does not allow as much.
        """
        cdef Py_buffer view
        cdef WriteBuffer out
        if PyBytes_CheckExact(payload):
            out = self.open_message()
            try:
                out.put(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
            except:
                self.abandon()
                raise
        else:
            PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
            try:
                out = self.open_message()
                try:
                    out.put(view.buf, view.len)
                except:
                    self.abandon()
                    raise
            finally:
                PyBuffer_Release(&view)
        self.seal(binary)

    cpdef flush(self):
        """Hand everything written so far to the transport now."""
        self._flush()

    cdef int emit(self) except -1:
        if self.out.size >= FLUSH_AT:
            if self._turn_open:
                self._first = -1
            return self._flush()
        if self._corked or self._turn_open:
            return 0
        if self._defer is not None:
            self._turn_open = True
            try:
                self._defer(self.turn_over)
            except:
                self._turn_open = False
                raise
            if self._burst:
                # As in the turn before there will be more: one system call for all of them. If not, the next one is lone.
                self._first = self.out.size
                return 0
        return self._flush()

    def turn_over(self) -> None:
        """The loop turn ends: what was joined goes to the transport. For ``defer``."""
        self._turn_open = False
        self._burst = self.out.size > self._first
        self._first = 0
        if self.out.size > 0:
            self._in_loop = True
            try:
                self._flush()
            finally:
                self._in_loop = False

    cdef int _flush(self) except -1:
        cdef Py_ssize_t n, sent = 0
        cdef bint direct = self._fd >= 0 and not (self._turn_open and self._joins)
        # An open message sits behind complete frames: all of it goes out together when it is sealed.
        if self.out.size == 0 or self._message_start >= 0:
            return 0
        if direct and not self._idle():
            direct = False
        n = self.out.size                # asking may have sent, or ended the connection
        write = self._write
        if write is None:
            if not self.writable:
                self.out.truncate(0)
            return 0                     # not attached yet, or any more
        if n == 0 or self._message_start >= 0:
            return 0
        if direct:
            sent = abf_send_now(self._fd, self.out.data, n)
            if sent == n:
                self.octets_out += n
                self.out.truncate(0)
                return 0
        # What could not be sent is the transport's; so is an error, which it finds itself.
        self.octets_out += n
        if sent <= 0:
            data = self.out.take()
        elif self._views and n - sent > COPIED_REST:
            data = memoryview(self.out.take())[sent:]
        else:
            data = self.out.rest(sent)
        write(data)
        return 0

    cdef bint _idle(self) except -1:
        # Nothing is before these octets, and the descriptor is still the transport's.
        for busy in self._busy:
            if busy():
                return False
        if self._closed is not None and not self._in_loop and self._closed():
            return False
        return self._fd >= 0

    # --- in ---

    cpdef get_buffer(self, Py_ssize_t hint):
        """Room for the next octets, for ``asyncio.BufferedProtocol``: a writable buffer with a length and slices. It is
        valid until the next call of ``get_buffer``, ``buffer_updated`` or ``feed``; after that writing to it has no
        defined effect.

        :param hint: octets the loop expects; -1 for any number.
        """
        if self._corked:
            raise RuntimeError("get_buffer() was called from inside a callback of the engine")
        return self.inbox.lend(RECEIVE)

    cpdef buffer_updated(self, Py_ssize_t n):
        """The first ``n`` octets of what ``get_buffer`` returned were received.

        :raises ValueError: ``n`` is more than there was room for.
        """
        cdef ReadBuffer inbox = self.inbox
        if not self.reading and not self._corked:
            self.octets_in += max(n, 0)
            self._forget_input()
            return
        if n < 0 or n > inbox.capacity - inbox.end:
            raise ValueError(f"{n} octets were not asked for: call get_buffer() first")
        self._cork(True)
        try:
            self.octets_in += n
            inbox.received(n)
            self._run_inbox()
        finally:
            self._uncork()

    cpdef feed(self, data):
        """Octets came in. Never raises on what they are; see ``Handler`` in docs/design.md.

        :param data: any bytes-like object.
        """
        cdef Py_buffer view
        if PyBytes_CheckExact(data):
            self._cork(False)
            try:
                self._take_in(<const unsigned char *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
            finally:
                self._uncork()
            return
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            self._cork(False)
            try:
                self._take_in(<const unsigned char *>view.buf, view.len)
            finally:
                self._uncork()
        finally:
            PyBuffer_Release(&view)

    cdef Py_ssize_t parse(self, unsigned char *p, Py_ssize_t n, bint in_place) except -1:
        raise RuntimeError("Engine is a base class: use WebSocketEngine or RawSocketEngine")

    cdef int deliver(self, const unsigned char *p, Py_ssize_t n, bint binary) except -1:
        # A local reference: the sink may be replaced from inside its own take().
        cdef Sink sink = self.sink
        self.messages_in += 1
        if sink is not None:
            return sink.take(p, n, binary)
        return 0

    cdef int _cork(self, bint in_loop) except -1:
        # in_loop: a loop that runs is who calls.
        if self._corked:
            raise RuntimeError("octets were fed from inside a callback of the engine")
        self._corked = True
        self._in_loop = in_loop
        return 0

    cdef int _uncork(self) except -1:
        self._corked = False
        if self.reading:
            self.inbox.relax()
        else:
            self._forget_input()
        try:
            if self.out.size > 0:
                self._flush()
        finally:
            self._in_loop = False
        return 0

    cdef void _forget_input(self) noexcept:
        self.inbox.clear()

    cdef int _drop_input(self) except -1:
        self.reading = False
        return 0

    cdef int _take_in(self, const unsigned char *p, Py_ssize_t n) except -1:
        cdef ReadBuffer inbox = self.inbox
        cdef Py_ssize_t used, unread
        self.octets_in += n
        if self._copy_in:
            if self.reading:
                inbox.append(p, n)
            return self._run_inbox()
        while n > 0 and self.reading:
            unread = inbox.end - inbox.start
            if unread > 0:
                # Only what completes the thing begun goes through the inbox.
                used = min(n, max(self._needed - unread, 1))
                inbox.append(p, used)
                p += used
                n -= used
                try:
                    self._run_inbox()
                except:
                    if self.reading:
                        inbox.append(p, n)
                    raise
            else:
                used = 0
                try:
                    self._run(<unsigned char *>p, n, False, &used)
                finally:
                    if self.reading:
                        inbox.append(p + used, n - used)
                return 0
        return 0

    cdef int _run_inbox(self) except -1:
        # The inbox stays where it is while this runs: nothing else moves, grows or frees it.
        cdef ReadBuffer inbox = self.inbox
        cdef Py_ssize_t used = 0
        try:
            if inbox.end > inbox.start:
                self._run(inbox.data + inbox.start, inbox.end - inbox.start, True, &used)
        finally:
            inbox.consume(used)
        return 0

    cdef Py_ssize_t _run(self, unsigned char *p, Py_ssize_t n, bint in_place, Py_ssize_t *used) except -1:
        # The one place where what goes wrong while parsing ends: the peer's fault, or that of the code it reached.
        # *used says how many octets are dealt with, also when this raises.
        cdef int stuck = 0
        handler = self.handler
        while self.reading:
            self._used = 0
            self._moved = False
            try:
                used[0] += self.parse(p + used[0], n - used[0], in_place)
                return 0
            except ProtocolViolation as exc:
                used[0] = n
                self._drop_input()
                handler.on_violation(exc.code, exc.reason)
            except Exception as exc:
                used[0] += self._used
                # Four upcalls at most belong to the same octet. More failures than that are not those of an upcall:
                # without memory not even what is wrong with the octets can be said.
                stuck = 0 if self._used or self._moved else stuck + 1
                if stuck > 4:
                    raise
                handler.on_sink_error(exc)
            except BaseException:
                used[0] += self._used
                raise
        return 0
