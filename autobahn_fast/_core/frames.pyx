# SPDX-License-Identifier: MIT
"""A WebSocket connection (RFC 6455, sections 5 to 8.1), both ways and for both roles; here is the reading half.

Knows framing, masking, fragments, control frames, limits and UTF-8. Does not know the opening handshake, timers, when
to answer a ping or a close frame (the handler does), nor what is in a message (the sink does). ``frames_out`` writes.

A data frame that is a whole message stays in the inbox until it is complete and is delivered from there, unless it is a
large one for a program, which is received into the bytes object that the program gets. The
payload of fragments, and in frame mode that of all data frames, is taken out of the inbox as it comes. Either way it is
unmasked and checked as it comes, so that the first bad octet fails the connection. A compressed message is decompressed
as it comes, by the object that ``compression`` is set to; limits and checks of text are for what comes out of it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from autobahn_fast._core.buffer cimport Body, ReadBuffer
from autobahn_fast._core.engine cimport Engine, Sink
from autobahn_fast._core.engine import ProtocolViolation
from autobahn_fast._core.frames_out cimport (
    BINARY, CLOSE, CONTINUATION, FIN, MASKED, MAX_CONTROL, PING, PONG, RSV1, TEXT, FrameWriter
)
from autobahn_fast._core.kernels cimport abf_mask, abf_utf8_feed, abf_utf8_reset

cdef Py_ssize_t MAX_SIZE = <Py_ssize_t>(<size_t>-1 >> 1)

# Stages of the frame being read. The steps from MESSAGE_BEGIN on follow one another, so that an upcall that raises is
# not made again.
cdef enum:
    IDLE = 0                 # the next octet begins a frame
    WHOLE = 1                # a frame that stays in the inbox, from its header on, until it is complete
    MESSAGE_BEGIN = 2        # frame mode: on_message_begin is due
    FRAME_BEGIN = 3          # frame mode: on_frame_begin is due
    DATA = 4                 # payload is taken as it comes
    FRAME_END = 5
    MESSAGE_END = 6

cdef enum:
    LARGE = 64 * 1024        # payload from which on a whole message is put together where it will stay
    UNPACK = 64 * 1024       # octets of a compressed message given to the codec at once
    MAX_EMPTY_FRAMES = 65536 # frames without payload in one message: they cost the peer nothing, so they are counted


cdef bint _valid_close_code(int code) noexcept:
    # Section 7.4.1 and the IANA registry (1012 to 1014); 1004 to 1006 and 1015 never stand in a frame.
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


cdef class WebSocketEngine(FrameWriter):
    """One WebSocket connection after its opening handshake.

    :param handler: the owner; docs/design.md, "Handler".
    :param is_server: the side this engine plays.
    :param max_frame: payload octets of a frame accepted, 0 for any number; else 1009.
    :param max_message: payload octets of a message accepted, 0 for any number; else 1009.
    :param require_masked: (server) a frame that is not masked fails the connection.
    :param accept_masked: (client) masked frames are accepted.
    :param mask_outgoing: frames out are masked; by default a client's are, a server's are not.
    :param apply_mask: False: mask keys are sent and read, but payload is not XORed, for peers that agreed on that.
    :param validate_utf8: text is checked as it comes in.
    :param auto_fragment: payload octets of a frame out, 0 for whole messages.
    :param max_send: payload octets of a message out, 0 for any number; else ``PayloadTooLarge``.
    """

    def __cinit__(self, *args, **kwargs):
        self._message = ReadBuffer.__new__(ReadBuffer)
        self._body = Body.__new__(Body)
        self._rsv_refused = 0x70

    def __init__(self, handler, bint is_server, *, max_frame=0, max_message=0, bint require_masked=True,
                 bint accept_masked=False, mask_outgoing=None, bint apply_mask=True, bint validate_utf8=True,
                 auto_fragment=0, max_send=0):
        Engine.__init__(self, handler, is_server)
        self.max_frame = max_frame
        self.max_message = max_message
        self.max_send = max_send
        self.auto_fragment = auto_fragment
        self.require_masked = require_masked
        self.accept_masked = accept_masked
        self.mask_outgoing = (not is_server) if mask_outgoing is None else mask_outgoing
        self.apply_mask = apply_mask
        self.validate_utf8 = validate_utf8
        self._copy_in = is_server or accept_masked
        self._head_room = 6 if self.mask_outgoing else 2

    @property
    def compression(self):
        """What compresses and decompresses messages (as ``PerMessageCompress``), or None: RSV1 is refused then.

        It has ``start_compress_message()``, ``compress_message_data(octets)``, ``end_compress_message()`` and the same
        with ``decompress``, where ``decompress_message_data`` takes the octets allowed in the message as a second
        argument; and ``too_large``, the exception this raises when there are more (1009); any other means that the
        message is corrupt (1007). With ``in_parts`` it has ``decompress_message_part``, too, which leaves ``more`` set as
        long as it has more to give out for what it was given: a bomb then takes no more memory than a part at a time.
        """
        return self._codec

    @compression.setter
    def compression(self, codec) -> None:
        self._too_large = (MemoryError, getattr(codec, "too_large", MemoryError))
        self._codec = codec
        self._in_parts = getattr(codec, "in_parts", False)
        self._rsv_refused = 0x70 if codec is None else 0x30

    @property
    def allocated(self) -> int:
        """Octets of buffer memory held; 0 while idle."""
        return self.out.capacity + self.inbox.capacity + self._message.capacity + self._body.end + self._body.room()

    def stop_reading(self) -> None:
        """What still comes in is dropped. Messages can still be sent."""
        self.is_open = False
        Engine.stop_reading(self)

    def detach(self) -> None:
        """The transport is gone: nothing is written or parsed any more, and the owner is forgotten."""
        self.is_open = False
        Engine.detach(self)

    cdef void _forget_input(self) noexcept:
        self.inbox.clear()
        self._message.clear()
        self._body.clear()

    # --- frames in ---

    cpdef get_buffer(self, Py_ssize_t hint):
        """Room for the next octets; see ``Engine.get_buffer``. Those of a large payload go where they will stay."""
        self._body_lent = False
        if self._body.size > 0 and self.reading and not self._corked and self.inbox.end == self.inbox.start:
            try:
                room = self._body.lend()
                self._body_lent = True
                return room
            except MemoryError:
                pass                          # the connection fails when there is more of the payload
        return Engine.get_buffer(self, hint)

    cpdef buffer_updated(self, Py_ssize_t n):
        """The first ``n`` octets of what ``get_buffer`` returned were received; see ``Engine.buffer_updated``."""
        cdef Body body = self._body
        cdef Py_ssize_t used = 0
        if not self._body_lent or body.size == 0 or not self.reading or self._corked:
            Engine.buffer_updated(self, n)
            return
        if n < 0 or n > body.room():
            raise ValueError(f"{n} octets were not asked for: call get_buffer() first")
        self._body_lent = False
        self._cork(True)
        try:
            self.octets_in += n
            if n > 0:
                self._run(body.block.data + body.end, n, True, &used)
        finally:
            self._uncork()

    cdef Py_ssize_t parse(self, unsigned char *p, Py_ssize_t n, bint in_place) except -1:
        cdef Py_ssize_t i = 0, left, length, header
        cdef unsigned char *payload
        cdef int b0, b1
        cdef int expected = MASKED if self.is_server else 0
        cdef Sink sink
        while self.reading:
            left = n - i
            if self._stage == IDLE:
                if left < 2:
                    self._needed = 2
                    return i
                b0 = p[i]
                b1 = p[i + 1] ^ expected
                # Fast path: a complete frame that is a whole message, masked as it should be, up to 64 KiB.
                if (b0 == FIN | BINARY or b0 == FIN | TEXT) and b1 < 127 and self._kind == 0 and not self.frame_mode:
                    header = 6 if expected else 2
                    length = b1
                    if length == 126:
                        header += 2
                        length = (<Py_ssize_t>p[i + 2] << 8) | p[i + 3] if left >= 4 else 0
                    if (length <= left - header and (b1 < 126 or length >= 126)
                            and (self.max_frame == 0 or <unsigned long long>length <= self.max_frame)
                            and (self.max_message == 0 or <unsigned long long>length <= self.max_message)):
                        payload = p + i + header
                        if expected and self.apply_mask:
                            abf_mask(payload, payload, length, payload - 4, 0)
                        if b0 == FIN | TEXT and self.validate_utf8:
                            abf_utf8_reset(&self._utf8)
                            if abf_utf8_feed(&self._utf8, payload, length) < <size_t>length:
                                self._bad_text()
                            if self._utf8.state != 0:
                                self._end_of_text()
                        i += header + length
                        self._used = i
                        self.messages_in += 1
                        self.frames_in += 1
                        self.payload_in += length
                        sink = self.sink
                        if sink is not None:
                            sink.take(payload, length, b0 == FIN | BINARY)
                        continue
                header = self._read_header(p + i, left)
                if header == 0:
                    return i
                if self._stage != WHOLE:
                    i += header
                    left -= header
            if self._stage == WHOLE:
                payload = p + i + self._header
                left = min(left - self._header, self._length)
                if left > self._done:
                    self._advance(payload + self._done, left - self._done)
                if self._done < self._length:
                    self._needed = MAX_SIZE if self._length > MAX_SIZE - 16 else self._header + self._length
                    return i
                i += self._header + self._length
                self._used = i
                self._stage = IDLE
                self._whole(payload, self._length)
            else:
                i += self._pieces(p + i, left, i)
                self._used = i
                if self._stage == DATA and i == n and self.reading:
                    self._needed = 1
                    return i
        return i

    cdef int _check_first(self, int b0, int b1) except -1:
        # What the first two octets alone tell (section 5.2), before anything else of the frame is there.
        cdef int opcode = b0 & 0x0F
        cdef bint masked = b1 & MASKED
        if b0 & 0x70:
            if b0 & self._rsv_refused or opcode == CONTINUATION or opcode >= CLOSE:
                raise ProtocolViolation(1002, f"RSV bits {(b0 >> 4) & 7} in a frame with opcode {opcode}, "
                                              "without an extension that gives them a meaning")
        if opcode > PONG or BINARY < opcode < CLOSE:
            raise ProtocolViolation(1002, f"reserved opcode {opcode}")
        if masked and not self.is_server and not self.accept_masked:
            raise ProtocolViolation(1002, "a masked frame from the server")
        if not masked and self.is_server and self.require_masked:
            raise ProtocolViolation(1002, "a frame from the client that is not masked")
        if opcode >= CLOSE:
            self.close_received = self.close_received or opcode == CLOSE
            if not b0 & FIN:
                raise ProtocolViolation(1002, "a fragmented control frame")
            if b1 & 0x7F > MAX_CONTROL:
                raise ProtocolViolation(1002, "a control frame with more than 125 octets")
            if opcode == CLOSE and b1 & 0x7F == 1:
                raise ProtocolViolation(1002, "a close frame with half a close code")
        elif opcode == CONTINUATION and self._kind == 0:
            raise ProtocolViolation(1002, "a continuation frame outside of any message")
        elif opcode != CONTINUATION and self._kind != 0:
            raise ProtocolViolation(1002, "a new message inside a fragmented one")
        return 0

    cdef int _check_length(self, unsigned long long length, int extended) except -1:
        # extended: octets of the extended length field. All arithmetic is unsigned and cannot wrap.
        if extended == 8 and length >> 63:
            raise ProtocolViolation(1002, "a frame length of 2^63 octets or more")
        if (extended == 8 and length < 65536) or (extended == 2 and length < 126):
            raise ProtocolViolation(1002, f"frame length {length} written in more octets than it needs")
        if self._opcode >= CLOSE:
            return 0
        if self.max_frame and length > self.max_frame:
            raise ProtocolViolation(1009, f"a frame of {length} octets; {self.max_frame} are accepted")
        if self.max_message and not self._packed and (self._message_size > self.max_message
                                 or length > self.max_message - self._message_size):
            raise ProtocolViolation(1009, f"a message of more than {self.max_message} octets")
        return 0

    cdef Py_ssize_t _read_header(self, const unsigned char *p, Py_ssize_t n) except -1:
        # Returns the header's octets, or 0 when it is not complete. Settles the frame's state and enters its stage.
        cdef unsigned long long length
        cdef int extended, i
        cdef Py_ssize_t header
        self._check_first(p[0], p[1])
        self._opcode = p[0] & 0x0F
        self._fin = p[0] >> 7
        self._masked = p[1] >> 7
        if self._kind == 0 and self._opcode < CLOSE:
            self._message_size = 0
            self._packed = p[0] & RSV1
        length = p[1] & 0x7F
        extended = 0 if length < 126 else 2 if length == 126 else 8
        if n >= 2 + extended:
            if extended:
                length = 0
                for i in range(extended):
                    length = (length << 8) | p[2 + i]
            self._check_length(length, extended)
        header = 2 + extended + (4 if self._masked else 0)
        if n < header:
            self._needed = header
            return 0
        if length > <unsigned long long>MAX_SIZE:
            raise ProtocolViolation(1009, f"a frame of {length} octets: this machine cannot address it")
        if self._masked:
            memcpy(self._key, p + header - 4, 4)
        self._header = header
        self._length = <Py_ssize_t>length
        self._done = 0
        if self._opcode >= CLOSE:
            self._stage = WHOLE
            return header
        if not self._packed:
            self._message_size += length
        if self._opcode != CONTINUATION:
            abf_utf8_reset(&self._utf8)
            self._streamed = self.frame_mode
            self._empty_frames = 0
            if self._packed:
                self._begin_packed()
            elif self._fin and not self._streamed:
                if length < LARGE or self.sink is None or not self.sink.takes_bytes:
                    self._stage = WHOLE
                    return header
                self._body.begin(self._length)
            self._kind = self._opcode
            self._message.clear()
            self._stage = MESSAGE_BEGIN if self._streamed else DATA
        else:
            self._stage = FRAME_BEGIN if self._streamed else DATA
        if length == 0:
            self._empty_frames += 1
            if self._empty_frames > MAX_EMPTY_FRAMES:
                raise ProtocolViolation(1009, f"more than {MAX_EMPTY_FRAMES} empty frames in one message")
        return header

    cdef int _advance(self, unsigned char *payload, Py_ssize_t have) except -1:
        # Unmask and check what came in of the frame's payload; text fails at its first bad octet.
        cdef int kind = self._kind if self._stage != WHOLE else self._opcode
        if self._masked and self.apply_mask:
            abf_mask(payload, payload, have, self._key, self._done & 3)
        self._done += have
        if self._opcode < CLOSE:
            self.payload_in += have
        if kind == TEXT and self.validate_utf8 and not self._packed:
            if abf_utf8_feed(&self._utf8, payload, have) < <size_t>have:
                self._bad_text()
        return 0

    cdef int _bad_text(self) except -1:
        raise ProtocolViolation(1007, "text that is not UTF-8")

    cdef int _end_of_text(self) except -1:
        if self._utf8.state != 0:
            raise ProtocolViolation(1007, "text that ends inside a UTF-8 sequence")
        return 0

    cdef int _whole(self, unsigned char *payload, Py_ssize_t n) except -1:
        # A complete frame that was kept together; the stage is IDLE already.
        self.frames_in += self._opcode < CLOSE
        if self._opcode == BINARY:
            return self.deliver(payload, n, True)
        if self._opcode == TEXT:
            if self.validate_utf8:
                self._end_of_text()
            return self.deliver(payload, n, False)
        if self._opcode == CLOSE:
            return self._close_frame(payload, n)
        data = PyBytes_FromStringAndSize(<const char *>payload, n)
        if self._opcode == PING:
            self.handler.on_ping(data)
        else:
            self.handler.on_pong(data)
        return 0

    cdef int _close_frame(self, const unsigned char *p, Py_ssize_t n) except -1:
        # Sections 5.5.1 and 7.4. One octet of payload was refused with the header.
        code = None
        reason = ""
        if n >= 2:
            code = (p[0] << 8) | p[1]
            if not _valid_close_code(code):
                raise ProtocolViolation(1002, f"close code {code}, which must not be sent")
            try:
                reason = PyBytes_FromStringAndSize(<const char *>p + 2, n - 2).decode("utf-8")
            except UnicodeDecodeError:
                raise ProtocolViolation(1007, "a close reason that is not UTF-8") from None
        self.reading = False
        self.handler.on_close_frame(code, reason)
        return 0

    cdef Py_ssize_t _pieces(self, unsigned char *p, Py_ssize_t n, Py_ssize_t base) except -1:
        # Payload as it comes: fragments, and every data frame in frame mode. Returns the octets used up; base is how
        # many parse had used up before, for an upcall that raises. Each step is behind before its upcall is made.
        cdef Py_ssize_t k = 0
        cdef bytes data
        self._used = base
        if self._stage == MESSAGE_BEGIN:
            self._stage = FRAME_BEGIN
            self.handler.on_message_begin(self._kind == BINARY)
            if not self.reading:
                return 0
        if self._stage == FRAME_BEGIN:
            self._stage = DATA
            self.handler.on_frame_begin(self._length)
            if not self.reading:
                return 0
        if self._stage == DATA:
            k = 0 if self._more else min(n, self._length - self._done)
            if k > 0:
                if self._packed:
                    k = min(k, UNPACK)
                self._advance(p, k)
                self._used = base + k
                if self._packed:
                    self._unpacking = PyBytes_FromStringAndSize(<const char *>p, k)
                    self._more = True
                elif not self._streamed:
                    self._keep(p, k)
                else:
                    if self._done == self._length:
                        self._stage = FRAME_END
                    self.handler.on_frame_data(PyBytes_FromStringAndSize(<const char *>p, k))
                    if not self.reading:
                        return k
            while self._more:
                data = self._unpack()
                self._moved = True
                if not self._streamed:
                    self._keep(<const unsigned char *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
                elif data:
                    self.handler.on_frame_data(data)
                    if not self.reading:
                        return k
            if self._stage == DATA:
                if self._done < self._length:
                    return k
                self._stage = FRAME_END
        if self._stage == FRAME_END:
            if self._fin and self._packed:
                self._end_of_packed()
            if self._fin and self._kind == TEXT and self.validate_utf8:
                self._end_of_text()
            self._stage = MESSAGE_END if self._fin else IDLE
            self.frames_in += 1
            if self._streamed:
                self.handler.on_frame_end()
                if not self.reading:
                    return k
        if self._stage == MESSAGE_END:
            binary = self._kind == BINARY
            self._stage = IDLE
            self._kind = 0
            if self._streamed:
                self.messages_in += 1
                self.handler.on_message_end()
            else:
                self._joined(binary)
        return k

    cdef int _begin_packed(self) except -1:
        try:
            self._codec.start_decompress_message()
        except Exception as exc:
            raise ProtocolViolation(1011, f"no decompressor: {exc}") from None
        return 0

    cdef bytes _unpack(self):
        # Decompress and check a part of a compressed message; _more then says whether there is more without further
        # octets. It is the codec that keeps to the limit: more than that is never in memory.
        cdef bytes data = self._unpacking
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        codec = self._codec
        self._unpacking = b""
        self._more = False
        try:
            unpack = codec.decompress_message_part if self._in_parts else codec.decompress_message_data
            data = unpack(data, self.max_message) if self.max_message else unpack(data)
            if data is None:
                raise TypeError("a codec returns bytes, not None")
            self._more = self._in_parts and codec.more
        except self._too_large as exc:
            raise ProtocolViolation(1009, f"a message that is too large: {exc or 'no memory is left'}") from None
        except Exception as exc:
            raise ProtocolViolation(1007, f"a message that cannot be decompressed: {exc}") from None
        self._message_size += <unsigned long long>PyBytes_GET_SIZE(data)
        self._gain_in += PyBytes_GET_SIZE(data) - n
        if self.max_message and self._message_size > self.max_message:
            raise ProtocolViolation(1009, f"a message of more than {self.max_message} octets")
        if self._kind == TEXT and self.validate_utf8:
            n = PyBytes_GET_SIZE(data)
            if abf_utf8_feed(&self._utf8, <const unsigned char *>PyBytes_AS_STRING(data), n) < <size_t>n:
                self._bad_text()
        return data

    cdef int _end_of_packed(self) except -1:
        try:
            self._codec.end_decompress_message()
        except Exception as exc:
            raise ProtocolViolation(1007, f"a message that cannot be decompressed: {exc}") from None
        return 0

    cdef int _keep(self, const unsigned char *p, Py_ssize_t n) except -1:
        try:
            if self._body.size > 0:
                self._body.append(p, n)
            else:
                self._message.append(p, n)
        except MemoryError:
            self._message.clear()
            self._body.clear()
            raise ProtocolViolation(1009, "a message that does not fit into memory") from None
        return 0

    cdef int _joined(self, bint binary) except -1:
        cdef ReadBuffer message = self._message
        cdef unsigned char nothing = 0
        cdef const unsigned char *p = message.data if message.end > message.start else &nothing
        cdef Sink sink = self.sink
        if self._body.size > 0:
            data = self._body.take()
            self.messages_in += 1
            return sink.take_bytes(data, binary) if sink is not None else 0
        try:
            return self.deliver(p + message.start, message.end - message.start, binary)
        finally:
            message.clear()
