# SPDX-License-Identifier: MIT
"""WebSocket frames (RFC 6455, sections 5 to 8.1) between octets and messages, both ways and for both roles.

Knows framing, masking, fragments, control frames, limits and UTF-8. Does not know the opening handshake, timers, when
to answer a ping or a close frame (the handler does), nor what is in a message (the sink does).

Reading. A data frame that is a whole message stays in the inbox until it is complete and is delivered from there. The
payload of fragments, and in frame mode that of every data frame, is taken out of the inbox as it comes. Either way it is
unmasked and checked as it comes, so that the first bad octet fails the connection.
"""

import os

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy, memmove

from autobahn_fast._core.buffer cimport ReadBuffer, WriteBuffer
from autobahn_fast._core.engine cimport Engine, Sink
from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge, ProtocolViolation
from autobahn_fast._core.kernels cimport abf_mask, abf_utf8_feed, abf_utf8_reset

cdef Py_ssize_t MAX_SIZE = <Py_ssize_t>(<size_t>-1 >> 1)

# Opcodes, section 5.2
cdef enum:
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10
    FIN = 0x80
    MASKED = 0x80

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

# States of the message written frame by frame.
cdef enum:
    NO_MESSAGE = 0
    NO_FRAME_YET = 1
    BETWEEN_FRAMES = 2
    IN_FRAME = 3

cdef enum:
    MAX_CONTROL = 125        # payload octets of a control frame, section 5.5
    MAX_EMPTY_FRAMES = 65536 # frames without payload in one message: they cost the peer nothing, so they are counted

# --- mask keys (section 5.3): from the operating system's generator, 1024 at a time ---

cdef enum:
    KEY_POOL = 4096
cdef unsigned char _keys[KEY_POOL]
cdef int _keys_used = KEY_POOL


cdef int _next_key(unsigned char *key) except -1:
    global _keys_used
    if _keys_used > KEY_POOL - 4:
        fresh = os.urandom(KEY_POOL)
        memcpy(_keys, PyBytes_AS_STRING(fresh), KEY_POOL)
        _keys_used = 0
    memcpy(key, _keys + _keys_used, 4)
    _keys_used += 4
    return 0


def _forget_keys() -> None:
    """A forked process must not use the keys of its parent again."""
    global _keys_used
    _keys_used = KEY_POOL


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_keys)


cdef inline int _header_size(unsigned long long length, bint mask) noexcept:
    return (2 if length < 126 else 4 if length < 65536 else 10) + (4 if mask else 0)


cdef int _write_header(unsigned char *d, int b0, unsigned long long length, bint mask) noexcept:
    # Everything but the mask key.
    cdef int b1 = MASKED if mask else 0
    cdef int i
    d[0] = b0
    if length < 126:
        d[1] = b1 | <int>length
        return 2
    if length < 65536:
        d[1] = b1 | 126
        d[2] = (length >> 8) & 0xFF
        d[3] = length & 0xFF
        return 4
    d[1] = b1 | 127
    for i in range(8):
        d[2 + i] = (length >> (56 - 8 * i)) & 0xFF
    return 10


cdef bint _valid_close_code(int code) noexcept:
    # Section 7.4.1 and the IANA registry (1012 to 1014); 1004 to 1006 and 1015 never stand in a frame.
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


cdef class WebSocketEngine(Engine):
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

    # ------------------------------------------------------------------------------------------------ messages out

    cdef WriteBuffer open_message(self):
        if self._out_state != NO_MESSAGE and self.writable:
            raise RuntimeError("a message is being sent frame by frame: end it before another one is sent")
        return Engine.open_message(self)

    cdef int seal(self, bint binary) except -1:
        cdef WriteBuffer out = self.out
        cdef Py_ssize_t start = self._message_start
        cdef Py_ssize_t n = out.size - start - self._head_room
        cdef bint mask = self.mask_outgoing
        cdef int opcode = BINARY if binary else TEXT
        cdef int header
        cdef unsigned char *p
        if start < 0:
            raise RuntimeError("no message is open")
        if not self.writable:
            self.abandon()
            raise EngineClosed("the connection was closed while a message was being written")
        if self.max_send and <unsigned long long>n > self.max_send:
            self.abandon()
            raise PayloadTooLarge(n, self.max_send)
        try:
            if self.auto_fragment and <unsigned long long>n > self.auto_fragment:
                self._fragments(start, n, opcode, <Py_ssize_t>self.auto_fragment)
            else:
                header = _header_size(n, mask)
                if header != self._head_room:
                    if header > self._head_room:
                        out.need(header - self._head_room)
                    memmove(out.data + start + header, out.data + start + self._head_room, n)
                    out.size = start + header + n
                p = out.data + start
                _write_header(p, FIN | opcode, n, mask)
                if mask:
                    _next_key(p + header - 4)
                    if self.apply_mask:
                        abf_mask(p + header, p + header, n, p + header - 4, 0)
                self._message_start = -1
                self._head_room = header      # the next message is likely to be of this size class too
        except:
            self.abandon()
            raise
        self.messages_out += 1
        return self.emit()

    cdef int _fragments(self, Py_ssize_t start, Py_ssize_t n, int opcode, Py_ssize_t size) except -1:
        # The payload of n octets at start + head room becomes frames of size octets each, from the last one backwards:
        # every octet moves once.
        cdef WriteBuffer out = self.out
        cdef bint mask = self.mask_outgoing
        cdef Py_ssize_t count = (n - 1) // size + 1
        cdef Py_ssize_t last = n - (count - 1) * size
        cdef int header = _header_size(size, mask)
        cdef int last_header = _header_size(last, mask)
        cdef Py_ssize_t total, i, length, h, source, target
        cdef unsigned char *p
        if count - 1 > (MAX_SIZE - n - 64) // header:
            raise MemoryError()
        total = n + (count - 1) * header + last_header
        if total > n + self._head_room:
            out.need(total - n - self._head_room)
        if header < self._head_room:          # make room for moving backwards only: the first header is the reserve
            memmove(out.data + start + header, out.data + start + self._head_room, n)
            source = start + header + n
        else:
            source = start + self._head_room + n
        target = start + total
        for i in range(count - 1, -1, -1):
            length = last if i == count - 1 else size
            h = last_header if i == count - 1 else header
            source -= length
            target -= length
            p = out.data + target
            memmove(p, out.data + source, length)
            target -= h
            _write_header(out.data + target, (FIN if i == count - 1 else 0) | (opcode if i == 0 else CONTINUATION),
                          length, mask)
            if mask:
                _next_key(p - 4)
                if self.apply_mask:
                    abf_mask(p, p, length, p - 4, 0)
        out.size = start + total
        self._message_start = -1
        return 0

    def send_message(self, payload, bint binary=False, fragment_size=None) -> None:
        """Send one whole message in frames of at most ``fragment_size`` octets (None: as ``auto_fragment`` says).

        :raises EngineClosed: the engine was closed or detached.
        :raises PayloadTooLarge: the message is larger than ``max_send``.
        """
        if fragment_size is None:
            self.send(payload, binary)
            return
        usual = self.auto_fragment
        self.auto_fragment = fragment_size
        try:
            self.send(payload, binary)
        finally:
            self.auto_fragment = usual

    # ----------------------------------------------------------------------------------------- frames out, one by one

    cdef int _put_header(self, int b0, unsigned long long length) except -1:
        cdef unsigned char header[14]
        cdef int size = _write_header(header, b0, length, self.mask_outgoing)
        if self.mask_outgoing:
            _next_key(self._out_key)
            memcpy(header + size, self._out_key, 4)
            size += 4
        return self.put_raw(header, size)

    cdef int _put_frame(self, int b0, const unsigned char *p, Py_ssize_t n) except -1:
        # One whole frame, as one piece, so that header and payload go out together.
        cdef WriteBuffer out = self.out
        cdef int size
        cdef unsigned char *d
        if self._message_start >= 0:
            raise RuntimeError("a message is being written: nothing else can be sent until it is finished")
        if n > MAX_SIZE - 64:
            raise MemoryError()
        out.need(n + 14)
        d = out.data + out.size
        size = _write_header(d, b0, n, self.mask_outgoing)
        if self.mask_outgoing:
            _next_key(d + size)
            size += 4
            if self.apply_mask:
                abf_mask(d + size, p, n, d + size - 4, 0)
            elif n > 0:
                memcpy(d + size, p, n)
        elif n > 0:
            memcpy(d + size, p, n)
        out.size += size + n
        return self.emit()

    cdef int _require_writable(self) except -1:
        if not self.writable:
            raise EngineClosed("the connection is closed or closing: no message can be sent any more")
        return 0

    def begin_message(self, bint binary=False) -> None:
        """Begin a message that is sent frame by frame: ``begin_frame``, ``frame_data``, ``end_message``.

        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: another message is being sent.
        """
        self._require_writable()
        if self._out_state != NO_MESSAGE or self._message_start >= 0:
            raise RuntimeError("a message is being sent already: end it before another one is begun")
        self._out_state = NO_FRAME_YET
        self._out_binary = binary

    def begin_frame(self, length) -> None:
        """Begin a frame of exactly ``length`` payload octets (0 to 2^63-1) in the message begun.

        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: no message was begun, or a frame is not complete.
        :raises ValueError: ``length`` is out of range.
        """
        self._require_writable()
        if self._out_state == NO_MESSAGE:
            raise RuntimeError("no message was begun: call begin_message() first")
        if self._out_state == IN_FRAME:
            raise RuntimeError(f"the frame begun before still needs {self._out_left} octets")
        if not 0 <= length < 1 << 63:
            raise ValueError(f"a frame has 0 to 2^63-1 octets of payload, not {length}")
        opcode = CONTINUATION
        if self._out_state == NO_FRAME_YET:
            opcode = BINARY if self._out_binary else TEXT
        self._out_state = IN_FRAME
        self._out_left = length
        self._out_done = 0
        self._put_header(opcode, length)
        if length == 0:
            self._frame_done()

    def frame_data(self, payload) -> int:
        """Send payload of the frame begun; what is more than the frame takes is not sent.

        :param payload: any bytes-like object.
        :returns: octets the frame still needs; negative: octets of ``payload`` that did not fit.
        :raises EngineClosed: the transport is gone.
        :raises RuntimeError: no frame was begun.
        """
        cdef Py_buffer view
        cdef WriteBuffer out = self.out
        cdef Py_ssize_t n, over = 0
        if self._out_state != IN_FRAME:
            self._require_writable()
            raise RuntimeError("no frame was begun: call begin_frame() first")
        if not self.writable and self._held_close is None:
            raise EngineClosed("the connection is closed: nothing can be sent any more")
        if self._message_start >= 0:
            raise RuntimeError("a message is being written: nothing else can be sent until it is finished")
        PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
        try:
            n = view.len
            if <unsigned long long>n > self._out_left:
                n = <Py_ssize_t>self._out_left
                over = view.len - n
            out.need(n)
            if n == 0:
                pass
            elif self.mask_outgoing and self.apply_mask:
                abf_mask(out.data + out.size, <const unsigned char *>view.buf, n, self._out_key, self._out_done & 3)
            else:
                memcpy(out.data + out.size, view.buf, n)
            out.size += n
        finally:
            PyBuffer_Release(&view)
        self._out_left -= n
        self._out_done += n
        if self._out_left == 0:
            self._frame_done()
            self.emit()
            return -over
        self.emit()
        return self._out_left

    def end_message(self) -> None:
        """End the message begun, by an empty final frame.

        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: no message was begun, or a frame is not complete.
        """
        self._require_writable()
        if self._out_state == NO_MESSAGE:
            raise RuntimeError("no message was begun: call begin_message() first")
        if self._out_state == IN_FRAME:
            raise RuntimeError(f"the frame begun before still needs {self._out_left} octets")
        opcode = CONTINUATION
        if self._out_state == NO_FRAME_YET:
            opcode = BINARY if self._out_binary else TEXT
        self._out_state = NO_MESSAGE
        self.messages_out += 1
        self._put_frame(FIN | opcode, NULL, 0)

    cdef int _frame_done(self) except -1:
        # Control frames that came up inside the frame follow it now.
        self._out_state = BETWEEN_FRAMES
        pong, ping, close = self._held_pong, self._held_ping, self._held_close
        self._held_pong = self._held_ping = self._held_close = None
        if pong is not None:
            self._control(PONG, pong)
        if ping is not None:
            self._control(PING, ping)
        if close is not None:
            self._control(CLOSE, close)
            self._out_state = NO_MESSAGE
        return 0

    def encode_frame(self, int opcode, payload=b"", bint fin=True, int rsv=0, mask=None) -> bytes:
        """The octets of one frame, as this side would send it.

        :param opcode: 0 to 15; nothing is refused.
        :param rsv: the three RSV bits, 0 to 7; RSV1 is 4.
        :param mask: masking key of 4 octets; None: a random one if frames out are masked, else no masking.
        :raises ValueError: a number out of range.
        """
        cdef unsigned char header[14]
        cdef int size
        cdef bytes data = bytes(payload)
        cdef bint masked = self.mask_outgoing or mask is not None
        cdef bytes frame
        cdef unsigned char *d
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        if not 0 <= opcode <= 15 or not 0 <= rsv <= 7 or (mask is not None and len(mask) != 4):
            raise ValueError("opcode is 0 to 15, rsv 0 to 7, and a mask has 4 octets")
        size = _write_header(header, (FIN if fin else 0) | (rsv << 4) | opcode, n, masked)
        if masked:
            if mask is None:
                _next_key(header + size)
            else:
                key = bytes(mask)
                memcpy(header + size, PyBytes_AS_STRING(key), 4)
            size += 4
        if n > MAX_SIZE - 64:
            raise MemoryError()
        frame = PyBytes_FromStringAndSize(NULL, size + n)
        d = <unsigned char *>PyBytes_AS_STRING(frame)
        memcpy(d, header, size)
        memcpy(d + size, PyBytes_AS_STRING(data), n)
        if masked and self.apply_mask:
            abf_mask(d + size, d + size, n, d + size - 4, 0)
        return frame

    def send_frame(self, int opcode, payload=b"", bint fin=True, int rsv=0, mask=None) -> None:
        """Send one frame as it is given, valid or not (for tests of other implementations and for extensions).

        :raises EngineClosed: the engine was closed or detached.
        :raises ValueError: a number out of range; see ``encode_frame``.
        """
        self._require_writable()
        self.write_raw(self.encode_frame(opcode, payload, fin, rsv, mask))

    def write_raw(self, bytes frames, int messages=0) -> None:
        """Send octets that are whole frames already, such as a prepared message from ``encode_frame``.

        :param messages: how many messages they are, for the counter.
        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: a message or frame is being written.
        """
        self._require_writable()
        if self._out_state == IN_FRAME:
            raise RuntimeError(f"the frame begun before still needs {self._out_left} octets")
        self.put_raw(<const unsigned char *>PyBytes_AS_STRING(frames), PyBytes_GET_SIZE(frames))
        self.messages_out += messages

    # ------------------------------------------------------------------------------------------------ control frames

    cdef bint _control(self, int opcode, bytes payload) except -1:
        # False: closing already, nothing was sent.
        if self.is_closing and opcode != CLOSE:
            return False
        self._put_frame(FIN | opcode, <const unsigned char *>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return True

    cdef bytes _control_payload(self, payload):
        data = bytes(payload) if payload is not None else b""
        if len(data) > MAX_CONTROL:
            raise ValueError(f"a control frame carries at most {MAX_CONTROL} octets, not {len(data)}")
        return data

    def ping(self, payload=b"") -> bool:
        """Send a ping with up to 125 octets. Between the parts of a frame it waits for the frame's end.

        :returns: False: the engine is closed or closing, and nothing was sent.
        :raises ValueError: the payload is too long.
        """
        data = self._control_payload(payload)
        if self._out_state == IN_FRAME:
            self._held_ping = data
            return not self.is_closing
        return self._control(PING, data)

    def pong(self, payload=b"") -> bool:
        """Send a pong with up to 125 octets; as ``ping``. Only the latest of several that wait is sent (section 5.5.3).
        """
        data = self._control_payload(payload)
        if self._out_state == IN_FRAME:
            self._held_pong = data
            return not self.is_closing
        return self._control(PONG, data)

    def close(self, code=None, reason=b"") -> bool:
        """Send the close frame; no message can be sent after it.

        :param code: close code, 1000 to 4999; None for a frame without one.
        :param reason: at most 123 octets of UTF-8, bytes or str.
        :returns: False: it was sent before, or the transport is gone.
        :raises ValueError: a code out of range, a reason that is too long or has no code.
        :raises RuntimeError: called from inside the encoding of a message.
        """
        if isinstance(reason, str):
            reason = reason.encode("utf-8")
        if code is None:
            if reason:
                raise ValueError("a close reason needs a close code")
            data = b""
        else:
            if not 1000 <= code <= 4999:
                raise ValueError(f"close codes are 1000 to 4999, not {code}")
            data = (<int>code).to_bytes(2, "big") + bytes(reason or b"")
        if len(data) > MAX_CONTROL:
            raise ValueError(f"a close reason has at most {MAX_CONTROL - 2} octets, not {len(data) - 2}")
        if self.is_closing:
            return False
        if self._message_start >= 0:
            raise RuntimeError("a message is being written: nothing else can be sent until it is finished")
        self.is_closing = True
        self.writable = False
        if self._out_state == IN_FRAME:
            self._held_close = data
        else:
            self._out_state = NO_MESSAGE
            self._control(CLOSE, data)
        return True

    # --------------------------------------------------------------------------------------------------------- frames in

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
                if self._stage == DATA and self.reading:
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
        if self.max_message and length > self.max_message - self._message_size:
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
        self._message_size += length
        if self._opcode != CONTINUATION:
            abf_utf8_reset(&self._utf8)
            self._streamed = self.frame_mode
            self._empty_frames = 0
            if self._fin and not self._streamed:
                self._stage = WHOLE
                return header
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
        if kind == TEXT and self.validate_utf8 and abf_utf8_feed(&self._utf8, payload, have) < <size_t>have:
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
            k = min(n, self._length - self._done)
            if k > 0:
                self._advance(p, k)
                if self._done == self._length:
                    self._stage = FRAME_END
                self._used = base + k
                if self._streamed:
                    self.handler.on_frame_data(PyBytes_FromStringAndSize(<const char *>p, k))
                    if not self.reading:
                        return k
                else:
                    self._keep(p, k)
            elif self._length == 0:
                self._stage = FRAME_END
            if self._stage == DATA:
                return k
        if self._stage == FRAME_END:
            if self._fin and self._kind == TEXT and self.validate_utf8:
                self._end_of_text()
            self._stage = MESSAGE_END if self._fin else IDLE
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

    cdef int _keep(self, const unsigned char *p, Py_ssize_t n) except -1:
        try:
            self._message.append(p, n)
        except MemoryError:
            self._message.clear()
            raise ProtocolViolation(1009, "a message that does not fit into memory") from None
        return 0

    cdef int _joined(self, bint binary) except -1:
        cdef ReadBuffer message = self._message
        cdef unsigned char nothing = 0
        cdef const unsigned char *p = message.data if message.end > message.start else &nothing
        try:
            return self.deliver(p + message.start, message.end - message.start, binary)
        finally:
            message.clear()
