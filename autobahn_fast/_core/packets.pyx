# SPDX-License-Identifier: MIT
"""WAMP RawSocket (Advanced Profile, "RawSocket Transport") between octets and messages, for both roles.

Knows the four handshake octets, packets and their limits. Does not know what a serializer id stands for, apart from 1,
JSON, whose messages are text.

A packet is one octet with its kind, three octets of length, and the payload. A length of exactly 2^24 does not fit in
three octets: bit 3 of the first octet is its 25th bit.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.string cimport memcpy

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.engine cimport Engine, Sink
from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge, ProtocolViolation

cdef enum:
    MAGIC = 0x7F
    JSON = 1                 # serializer id
    MIN_EXPONENT = 9         # limits are 2^9 to 2^24 octets, announced as 0 to 15
    MAX_EXPONENT = 24
    HEAD = 4                 # octets of the handshake, and of a packet's header
    LENGTH_25 = 0x08         # in the first octet of a header
    RESERVED = 0xF0

# Kinds of packets
cdef enum:
    MESSAGE = 0
    PING = 1
    PONG = 2

# Error codes of the handshake and what they mean
SERIALIZER_UNSUPPORTED = 1
LENGTH_UNACCEPTABLE = 2
RESERVED_BITS_USED = 3
TOO_MANY_CONNECTIONS = 4

HANDSHAKE_ERRORS = {
    SERIALIZER_UNSUPPORTED: "serializer unsupported",
    LENGTH_UNACCEPTABLE: "maximum message length unacceptable",
    RESERVED_BITS_USED: "use of reserved bits",
    TOO_MANY_CONNECTIONS: "maximum connection count reached",
}


def length_exponent(size) -> int:
    """The exponent, 9 to 24, of the smallest limit a handshake can announce for messages of ``size`` octets.

    :raises ValueError: ``size`` is below 1 or above 2^24.
    """
    if not 1 <= size <= 1 << MAX_EXPONENT:
        raise ValueError(f"a RawSocket message has a limit of 1 to 2^24 octets, not {size}")
    return max(MIN_EXPONENT, (size - 1).bit_length())


cdef class RawSocketEngine(Engine):
    """One RawSocket connection, with its handshake.

    Handler methods, besides those of docs/design.md: ``on_handshake(serializer: int, max_send: int)`` when messages can
    flow, and ``on_handshake_error(code: int, reason: str)``, with a key of ``HANDSHAKE_ERRORS`` as sent or received, or
    0 for a peer that does not speak RawSocket. A server has written its error reply then; nothing more is read, and the
    owner closes the transport.

    :param handler: the owner.
    :param is_server: the side this engine plays.
    :param serializers: RawSocket ids (1 to 15): what a server accepts; a client offers the first.
    :param max_receive: payload octets of a message accepted, rounded up to a power of two from 2^9 to 2^24.
    :raises ValueError: no serializer, an id or a limit out of range.
    """

    def __cinit__(self, *args, **kwargs):
        self._head_room = HEAD
        self.writable = False

    def __init__(self, handler, bint is_server, *, serializers, max_receive=1 << 24):
        Engine.__init__(self, handler, is_server)
        self._serializers = tuple(serializers)
        if not self._serializers or not all(1 <= i <= 15 for i in self._serializers):
            raise ValueError(f"serializers are one or more RawSocket ids from 1 to 15, not {self._serializers}")
        self._exponent = length_exponent(max_receive)
        self.max_receive = <Py_ssize_t>1 << self._exponent

    # --- handshake ---

    def start(self) -> None:
        """Begin: a client sends its handshake; a server waits for the peer's. After ``attach``."""
        cdef unsigned char head[4]
        if self.is_server or self._started or not self.reading:
            return
        self._started = True
        head[0] = MAGIC
        head[1] = ((self._exponent - MIN_EXPONENT) << 4) | <int>self._serializers[0]
        head[2] = head[3] = 0
        self.put_raw(head, HEAD)

    def refuse(self, int code) -> None:
        """(Server) Answer the handshake, when it comes, with this error code, such as ``TOO_MANY_CONNECTIONS``.

        :raises ValueError: the code is not in ``HANDSHAKE_ERRORS``.
        """
        if code not in HANDSHAKE_ERRORS:
            raise ValueError(f"error codes of the handshake are {sorted(HANDSHAKE_ERRORS)}, not {code}")
        self._refusal = code

    cdef int _handshake(self, const unsigned char *p) except -1:
        if p[0] != MAGIC:
            return self._fail(0, f"the first octet is 0x{p[0]:02x}, not 0x7f: the peer does not speak RawSocket")
        if self.is_server:
            return self._answer(p)
        return self._read_answer(p)

    cdef int _answer(self, const unsigned char *p) except -1:
        cdef unsigned char head[4]
        cdef int code = self._refusal
        cdef int serializer = p[1] & 0x0F
        if code == 0 and (p[2] or p[3]):
            code = RESERVED_BITS_USED
        if code == 0 and serializer not in self._serializers:
            code = SERIALIZER_UNSUPPORTED
        head[0] = MAGIC
        head[1] = code << 4 if code else ((self._exponent - MIN_EXPONENT) << 4) | serializer
        head[2] = head[3] = 0
        if code:
            self.reading = False         # whatever write() does, this was the handshake
        self.put_raw(head, HEAD)
        if code:
            self._flush()                # the owner closes the transport next
            return self._fail(code, f"{HANDSHAKE_ERRORS[code]} (the client sent {p[1]:02x} {p[2]:02x} {p[3]:02x})")
        return self._open(serializer, (p[1] >> 4) + MIN_EXPONENT)

    cdef int _read_answer(self, const unsigned char *p) except -1:
        cdef int serializer = p[1] & 0x0F
        cdef int code = p[1] >> 4
        if not self._started:
            return self._fail(0, "the server sent octets before the handshake")
        if serializer == 0:
            return self._fail(code, "the server refused: " + HANDSHAKE_ERRORS.get(code, f"error code {code}"))
        if p[2] or p[3]:
            return self._fail(RESERVED_BITS_USED, "the server used reserved bits in its handshake")
        if serializer != self._serializers[0]:
            return self._fail(SERIALIZER_UNSUPPORTED, f"the server answered with serializer {serializer}, "
                                                      f"not {self._serializers[0]}, which was offered")
        return self._open(serializer, code + MIN_EXPONENT)

    cdef int _open(self, int serializer, int exponent) except -1:
        self.serializer = serializer
        self.max_send = <Py_ssize_t>1 << exponent
        self.is_open = True
        self.writable = True
        self.handler.on_handshake(serializer, self.max_send)
        return 0

    cdef int _fail(self, int code, reason) except -1:
        self.reading = False
        self.writable = False
        self.is_closing = True
        if self.handler is not None:     # write() may have ended in detach()
            self.handler.on_handshake_error(code, reason)
        return 0

    # --- out ---

    cdef WriteBuffer open_message(self):
        if not self.is_open and not self.is_closing:
            raise EngineClosed("the RawSocket handshake is not complete: wait for it before sending")
        return Engine.open_message(self)

    cdef int seal(self, bint binary) except -1:
        cdef Py_ssize_t start = self._message_start
        cdef Py_ssize_t n = self.out.size - start - HEAD
        if start < 0:
            raise RuntimeError("no message is open")
        if not self.writable:
            self.abandon()
            raise EngineClosed("the connection was closed while a message was being written")
        if n > self.max_send:
            self.abandon()
            raise PayloadTooLarge(n, self.max_send)
        _write_head(self.out.data + start, MESSAGE, n)
        self._message_start = -1
        self.messages_out += 1
        return self.emit()

    cdef int _put_packet(self, int kind, const unsigned char *p, Py_ssize_t n) except -1:
        cdef WriteBuffer out = self.out
        if self._message_start >= 0:
            raise RuntimeError("a message is being written: nothing else can be sent until it is finished")
        if n > self.max_send:
            raise PayloadTooLarge(n, self.max_send)
        out.need(HEAD + n)
        _write_head(out.data + out.size, kind, n)
        if n > 0:
            memcpy(out.data + out.size + HEAD, p, n)
        out.size += HEAD + n
        return self.emit()

    cdef bint _control(self, int kind, payload) except -1:
        cdef Py_buffer view
        if not self.writable:
            return False
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        try:
            self._put_packet(kind, <const unsigned char *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        return True

    def ping(self, payload=b"") -> bool:
        """Send a ping.

        :returns: False: the engine is not open, and nothing was sent.
        :raises PayloadTooLarge: the payload is larger than the peer accepts.
        """
        return self._control(PING, payload)

    def pong(self, payload=b"") -> bool:
        """Send a pong; as ``ping``."""
        return self._control(PONG, payload)

    def close(self) -> None:
        """Take no more messages. RawSocket has no closing handshake: the owner closes the transport."""
        self.writable = False
        self.is_closing = True

    # --- in ---

    cdef Py_ssize_t parse(self, unsigned char *p, Py_ssize_t n, bint in_place) except -1:
        cdef Py_ssize_t i = 0, length
        cdef unsigned char *d
        cdef Sink sink
        while self.reading:
            if n - i < HEAD:
                if n > i:
                    self._check_first(p[i])
                self._needed = HEAD
                return i
            d = p + i
            if not self.is_open:
                i += HEAD
                self._used = i
                self._handshake(d)
                continue
            length = (<Py_ssize_t>d[1] << 16) | (<Py_ssize_t>d[2] << 8) | d[3]
            if d[0] != MESSAGE or length > self.max_receive:
                length = self._check_head(d[0], length)
            if n - i - HEAD < length:
                self._needed = HEAD + length
                return i
            i += HEAD + length
            self._used = i
            if d[0] & 0x07 == MESSAGE:
                self.messages_in += 1
                sink = self.sink             # a local reference: the sink may be replaced from inside its own take()
                if sink is not None:
                    sink.take(d + HEAD, length, self.serializer != JSON)
            else:
                payload = PyBytes_FromStringAndSize(<const char *>d + HEAD, length)
                if d[0] & 0x07 == PING:
                    self.handler.on_ping(payload)
                else:
                    self.handler.on_pong(payload)
        return i

    cdef int _check_first(self, int first) except -1:
        # What the first octet alone tells.
        if not self.is_open:
            if first != MAGIC:
                self._fail(0, f"the first octet is 0x{first:02x}, not 0x7f: the peer does not speak RawSocket")
            return 0
        if first & RESERVED:
            raise ProtocolViolation(0, f"reserved bits in a packet: 0x{first:02x}")
        if first & 0x07 > PONG:
            raise ProtocolViolation(0, f"packet of unknown kind {first & 0x07}")
        return 0

    cdef Py_ssize_t _check_head(self, int first, Py_ssize_t length) except -1:
        self._check_first(first)
        if first & LENGTH_25:
            if length:
                raise ProtocolViolation(0, f"a packet of 2^24 + {length} octets; 2^24 is the most there can be")
            length = 1 << 24
        if length > self.max_receive:
            raise ProtocolViolation(0, f"a packet of {length} octets; {self.max_receive} were announced as accepted")
        return length


cdef void _write_head(unsigned char *d, int kind, Py_ssize_t n) noexcept:
    # The top bit of a 25-bit length goes to bit 3 of the first octet.
    d[0] = kind | (LENGTH_25 if n >> 24 else 0)
    d[1] = (n >> 16) & 0xFF
    d[2] = (n >> 8) & 0xFF
    d[3] = n & 0xFF
