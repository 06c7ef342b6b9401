# SPDX-License-Identifier: MIT
"""The writing half of a WebSocket connection: messages and control frames to octets (RFC 6455, sections 5 and 6.1).

Knows headers, masking, fragments and the order in which frames may follow one another. Does not know what comes in:
``frames`` adds that half.

A message is written behind head room for its header; sealing it puts the header right before the payload and masks the
payload where it is. The header's size is guessed from the message before, so that large payloads are hardly ever moved.
"""

import os

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.number cimport PyNumber_Index
from libc.string cimport memcpy, memmove

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.engine cimport Engine
from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge
from autobahn_fast._core.kernels cimport abf_mask

cdef enum:
    MAX_JOINED = 4096            # payload octets of batches that are joined

cdef Py_ssize_t MAX_SIZE = <Py_ssize_t>(<size_t>-1 >> 1)

# States of the message written frame by frame.
cdef enum:
    NO_MESSAGE = 0
    NO_FRAME_YET = 1
    BETWEEN_FRAMES = 2
    IN_FRAME = 3

# --- mask keys (section 5.3): from the operating system's generator, 1024 at a time ---

cdef enum:
    KEY_POOL = 4096
cdef unsigned char _keys[KEY_POOL]
cdef int _keys_used = KEY_POOL


cdef int _more_keys() except -1:
    global _keys_used
    cdef bytes fresh = os.urandom(KEY_POOL)
    if len(fresh) != KEY_POOL:
        raise RuntimeError("os.urandom() gave fewer octets than it was asked for")
    memcpy(_keys, PyBytes_AS_STRING(fresh), KEY_POOL)
    _keys_used = 0
    return 0


cdef inline int _next_key(unsigned char *key) except -1:
    # Other threads run while the operating system is asked: key must not point into anything they can move.
    global _keys_used
    if _keys_used > KEY_POOL - 4:
        _more_keys()
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


cdef class FrameWriter(Engine):
    """Base of ``WebSocketEngine``, which sets the options."""

    @property
    def unpacked_out(self) -> int:
        """Octets of payload in messages out, before they were compressed."""
        return self.payload_out + self._gain_out

    @property
    def unpacked_in(self) -> int:
        """Octets of payload in messages in, decompressed."""
        return self.payload_in + self._gain_in

    # --- messages out ---

    cdef WriteBuffer open_message(self):
        if self._out_state != NO_MESSAGE and self.writable:
            raise RuntimeError("a message is being sent frame by frame: end it before another one is sent")
        return Engine.open_message(self)

    cpdef send(self, payload, bint binary=False):
        """Send one whole message; see ``Engine.send``."""
        cdef Py_buffer view
        # What becomes one plain frame is masked while it is copied.
        if self._codec is not None or self.auto_fragment:
            Engine.send(self, payload, binary)
        elif PyBytes_CheckExact(payload):
            self._send_whole(<const unsigned char *>PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), binary)
        else:
            PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
            try:
                self._send_whole(<const unsigned char *>view.buf, view.len, binary)
            finally:
                PyBuffer_Release(&view)

    cdef int _send_whole(self, const unsigned char *p, Py_ssize_t n, bint binary) except -1:
        self._require_writable()
        if self._out_state != NO_MESSAGE:
            raise RuntimeError("a message is being sent frame by frame: end it before another one is sent")
        if self.max_send and <unsigned long long>n > self.max_send:
            raise PayloadTooLarge(n, self.max_send)
        self._append_frame(FIN | (BINARY if binary else TEXT), p, n)
        self.messages_out += 1
        return self.emit()

    cdef int seal(self, bint binary) except -1:
        cdef WriteBuffer out = self.out
        cdef Py_ssize_t start = self._message_start, n = out.size - start - self._head_room
        cdef bint mask = self.mask_outgoing
        cdef int header, opcode = BINARY if binary else TEXT
        cdef unsigned char *p
        if start < 0:
            raise RuntimeError("no message is open")
        if not self.writable:
            self.abandon()
            raise EngineClosed("the connection was closed while a message was being written")
        if self.max_send and <unsigned long long>n > self.max_send:
            self.abandon()
            raise PayloadTooLarge(n, self.max_send)
        if self._codec is not None and not self._plain:
            return self._seal_packed(start, n, opcode)
        header = _header_size(n, mask)
        if header != self._head_room or self.auto_fragment or (mask and _keys_used > KEY_POOL - 4):
            try:                              # what few messages need, and what can fail
                if self.auto_fragment and <unsigned long long>n > self.auto_fragment:
                    self._fragments(start, n, opcode, <Py_ssize_t>self.auto_fragment)
                    self.messages_out += 1
                    self.payload_out += n
                    return self.emit()
                if header != self._head_room:
                    out.need(max(header - self._head_room, 0))
                    memmove(out.data + start + header, out.data + start + self._head_room, n)
                    out.size = start + header + n
                    self._head_room = header      # the next message is likely to be of this size class too
                if mask and _keys_used > KEY_POOL - 4:
                    _more_keys()
            except:
                self.abandon()
                raise
        p = out.data + start
        _write_header(p, FIN | opcode, n, mask)
        if mask:
            _next_key(p + header - 4)
            if self.apply_mask:
                abf_mask(p + header, p + header, n, p + header - 4, 0)
        self._message_start = -1
        self.frames_out += 1
        if self._batch:
            self._tail_start, self._tail_header, self._tail_n, self._tail_opcode = start, header, n, opcode
        self.messages_out += 1
        self.payload_out += n
        return self.emit()

    cdef int seal_batch(self, bint binary) except -1:
        # Batches that wait in out together become one message, as long as it stays small: no peer's limit is near, and
        # nothing is held back for it. A lone batch, and the first of a quiet loop turn, are messages of their own.
        cdef Py_ssize_t start = self._message_start, n = self.out.size - start - self._head_room
        if (self._tail_n > 0 and start == self._tail_start + self._tail_header + self._tail_n and self.writable
                and n <= MAX_JOINED - self._tail_n and self._tail_opcode == (BINARY if binary else TEXT)
                and (self.max_send == 0 or <unsigned long long>(self._tail_n + n) <= self.max_send)):
            self._join(start, n)
            return self.emit()
        self._tail_n = 0
        self._batch = not self.auto_fragment and (self._codec is None or self._plain)
        try:
            return self.seal(binary)
        finally:
            self._batch = False

    cdef int _join(self, Py_ssize_t start, Py_ssize_t n) except -1:
        # The payload of the open message is put behind that of the last frame, masked on with the frame's key.
        cdef WriteBuffer out = self.out
        cdef unsigned char *p = out.data + self._tail_start
        cdef unsigned char *added
        cdef unsigned int key = 0
        cdef Py_ssize_t joined = self._tail_n + n
        cdef int header = _header_size(joined, self.mask_outgoing)
        if self.mask_outgoing:
            memcpy(&key, p + self._tail_header - 4, 4)
        if header != self._tail_header:
            # Two octets longer at most: they fit where the header of the open message would have been.
            memmove(p + header, p + self._tail_header, self._tail_n)
        added = p + header + self._tail_n
        memmove(added, out.data + start + self._head_room, n)
        _write_header(p, FIN | self._tail_opcode, joined, self.mask_outgoing)
        if self.mask_outgoing:
            memcpy(p + header - 4, &key, 4)
            if self.apply_mask:
                abf_mask(added, added, n, p + header - 4, self._tail_n & 3)
        out.size = self._tail_start + header + joined
        self._message_start = -1
        self._tail_header, self._tail_n = header, joined
        self.payload_out += n
        return 0

    cdef int _flush(self) except -1:
        self._tail_n = 0
        return Engine._flush(self)

    cdef int _seal_packed(self, Py_ssize_t start, Py_ssize_t n, int opcode) except -1:
        # RFC 7692, section 6.1: the message is compressed as a whole, then it becomes frames; RSV1 is in the first.
        cdef WriteBuffer out = self.out
        cdef bytes data
        cdef const unsigned char *p
        cdef Py_ssize_t at = 0, left, size
        codec = self._codec
        try:
            data = PyBytes_FromStringAndSize(<const char *>out.data + start + self._head_room, n)
            codec.start_compress_message()
            data = codec.compress_message_data(data) + codec.end_compress_message()
        finally:
            self.abandon()
        p = <const unsigned char *>PyBytes_AS_STRING(data)
        left = PyBytes_GET_SIZE(data)
        opcode |= RSV1
        while True:
            size = left
            if self.auto_fragment and <unsigned long long>left > self.auto_fragment:
                size = <Py_ssize_t>self.auto_fragment
            self._append_frame(opcode | (FIN if size == left else 0), p + at, size)
            at += size
            left -= size
            if left == 0:
                break
            opcode = CONTINUATION
        self.messages_out += 1
        self._gain_out += n - PyBytes_GET_SIZE(data)
        return self.emit()

    cdef int _fragments(self, Py_ssize_t start, Py_ssize_t n, int opcode, Py_ssize_t size) except -1:
        # The payload of n octets at start + head room becomes frames of size octets each, from the last one backwards:
        # every octet moves once.
        cdef WriteBuffer out = self.out
        cdef bint mask = self.mask_outgoing
        cdef Py_ssize_t count = (n - 1) // size + 1, last = n - (count - 1) * size
        cdef int header = _header_size(size, mask), last_header = _header_size(last, mask)
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
        self.frames_out += count
        return 0

    def send_message(self, payload, bint binary=False, fragment_size=None, bint compress=True) -> None:
        """Send one whole message.

        :param fragment_size: in frames of at most so many octets; None: as ``auto_fragment`` says.
        :param compress: False: not compressed, whatever ``compression`` is.
        :raises EngineClosed: the engine was closed or detached.
        :raises PayloadTooLarge: the message is larger than ``max_send``.
        """
        cdef unsigned long long usual = self.auto_fragment
        if fragment_size is not None:
            self.auto_fragment = fragment_size
        self._plain = not compress
        try:
            self.send(payload, binary)
        finally:
            self._plain = False
            self.auto_fragment = usual

    # --- frames out, one by one ---

    cdef int _put_header(self, int b0, unsigned long long length) except -1:
        cdef unsigned char header[14]
        cdef int size = _write_header(header, b0, length, self.mask_outgoing)
        if self.mask_outgoing:
            _next_key(self._out_key)
            memcpy(header + size, self._out_key, 4)
            size += 4
        return self.out.put(header, size)

    cdef int _put_frame(self, int b0, const unsigned char *p, Py_ssize_t n) except -1:
        self._append_frame(b0, p, n)
        return self.emit()

    cdef int _append_frame(self, int b0, const unsigned char *p, Py_ssize_t n) except -1:
        # One whole frame, as one piece, so that header and payload go out together.
        cdef WriteBuffer out = self.out
        cdef int size
        cdef unsigned char *d
        cdef unsigned char key[4]
        cdef bint mask = self.mask_outgoing
        if mask:
            _next_key(key)
        if self._message_start >= 0:
            raise RuntimeError("a message is being written: nothing else can be sent until it is finished")
        if n > MAX_SIZE - 64:
            raise MemoryError()
        out.need(n + 14)
        d = out.data + out.size
        size = _write_header(d, b0, n, mask)
        if mask:
            memcpy(d + size, key, 4)
            size += 4
            if self.apply_mask:
                abf_mask(d + size, p, n, d + size - 4, 0)
            elif n > 0:
                memcpy(d + size, p, n)
        elif n > 0:
            memcpy(d + size, p, n)
        out.size += size + n
        if b0 & 0x0F < CLOSE:
            self.frames_out += 1
            self.payload_out += n
        return 0

    cdef int _append_packed(self, bytes data, Py_ssize_t unpacked) except -1:
        # What the compressor gave out for some payload of the message begun, if anything, as a frame.
        self._gain_out += unpacked - PyBytes_GET_SIZE(data)
        if PyBytes_GET_SIZE(data) > 0:
            self._append_frame(self._next_opcode(), <const unsigned char *>PyBytes_AS_STRING(data),
                               PyBytes_GET_SIZE(data))
        return 0

    cdef int _require_writable(self) except -1:
        if not self.writable:
            raise EngineClosed("the connection is closed or closing: no message can be sent any more")
        return 0

    def begin_message(self, bint binary=False, bint compress=True) -> None:
        """Begin a message that is sent frame by frame: ``begin_frame``, ``frame_data``, ``end_message``.

        A compressed message goes out in frames as the compressor gives something out; those begun here only say how its
        payload is handed over.

        :param compress: False: not compressed, whatever ``compression`` is.
        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: another message is being sent.
        """
        self._require_writable()
        if self._out_state != NO_MESSAGE or self._message_start >= 0:
            raise RuntimeError("a message is being sent already: end it before another one is begun")
        self._out_packed = compress and self._codec is not None
        if self._out_packed:
            self._codec.start_compress_message()
        self._out_state = NO_FRAME_YET
        self._out_binary = binary
        self._out_begun = False

    cdef int _next_opcode(self) noexcept:
        # Of the next frame of the message begun, with RSV1 where it belongs.
        if self._out_begun:
            return CONTINUATION
        self._out_begun = True
        return (BINARY if self._out_binary else TEXT) | (RSV1 if self._out_packed else 0)

    def begin_frame(self, length) -> None:
        """Begin a frame of exactly ``length`` payload octets (0 to 2^63-1) in the message begun.

        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: no message was begun, or a frame is not complete.
        :raises ValueError: ``length`` is out of range.
        """
        cdef unsigned long long octets
        length = PyNumber_Index(length)
        self._require_writable()
        if self._out_state == NO_MESSAGE:
            raise RuntimeError("no message was begun: call begin_message() first")
        if self._out_state == IN_FRAME:
            raise RuntimeError(f"the frame begun before still needs {self._out_left} octets")
        if not 0 <= length < 1 << 63:
            raise ValueError(f"a frame has 0 to 2^63-1 octets of payload, not {length}")
        octets = length
        self.out.need(14)                     # what can fail is behind us before anything is said to have happened
        self._out_state = IN_FRAME
        self._out_left = octets
        self._out_done = 0
        if not self._out_packed:
            self._put_header(self._next_opcode(), octets)
            self.frames_out += 1
        if octets == 0:
            self._frame_done()
        self.emit()

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
        cdef bytes data
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
            if self._out_packed:
                data = self._codec.compress_message_data(PyBytes_FromStringAndSize(<const char *>view.buf, n))
                self._append_packed(data, n)
            else:
                out.need(n)
            if n == 0 or self._out_packed:
                pass
            elif self.mask_outgoing and self.apply_mask:
                abf_mask(out.data + out.size, <const unsigned char *>view.buf, n, self._out_key, self._out_done & 3)
            else:
                memcpy(out.data + out.size, view.buf, n)
            if not self._out_packed:
                out.size += n
                self.payload_out += n
            self._out_left -= n
            self._out_done += n
        finally:
            PyBuffer_Release(&view)
        if self._out_left == 0:
            self._frame_done()
            self.emit()
            return -over
        self.emit()
        return self._out_left

    def end_message(self) -> None:
        """End the message begun, by a final frame; it is empty unless the message is compressed.

        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: no message was begun, or a frame is not complete.
        """
        cdef bytes data
        self._require_writable()
        if self._out_state == NO_MESSAGE:
            raise RuntimeError("no message was begun: call begin_message() first")
        if self._out_state == IN_FRAME:
            raise RuntimeError(f"the frame begun before still needs {self._out_left} octets")
        data = self._codec.end_compress_message() if self._out_packed else b""
        if data is None:
            raise TypeError("end_compress_message() returns bytes, not None")
        if PyBytes_GET_SIZE(data) <= MAX_SIZE - 64:
            self.out.need(PyBytes_GET_SIZE(data) + 14)
        self._out_state = NO_MESSAGE
        self.messages_out += 1
        self._gain_out -= PyBytes_GET_SIZE(data)
        self._put_frame(FIN | self._next_opcode(), <const unsigned char *>PyBytes_AS_STRING(data),
                        PyBytes_GET_SIZE(data))

    cdef int _frame_done(self) except -1:
        # Control frames that came up inside the frame follow it now, before write() can come back here: the caller emits.
        self._out_state = BETWEEN_FRAMES
        pong, ping, close = self._held_pong, self._held_ping, self._held_close
        self._held_pong = self._held_ping = self._held_close = None
        if pong is not None and not self.is_closing:
            self._append_control(PONG, pong)
        if ping is not None and not self.is_closing:
            self._append_control(PING, ping)
        if close is not None:
            self._out_state = NO_MESSAGE
            self._append_control(CLOSE, close)
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
        cdef bytes key = None if mask is None else bytes(mask)
        cdef bint masked = self.mask_outgoing or mask is not None
        cdef bytes frame
        cdef unsigned char *d
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data)
        if not 0 <= opcode <= 15 or not 0 <= rsv <= 7 or (key is not None and len(key) != 4):
            raise ValueError("opcode is 0 to 15, rsv 0 to 7, and a mask has 4 octets")
        size = _write_header(header, (FIN if fin else 0) | (rsv << 4) | opcode, n, masked)
        if masked:
            if key is None:
                _next_key(header + size)
            else:
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
        self.write_raw(self.encode_frame(opcode, payload, fin, rsv, mask), 0, opcode < CLOSE,
                       len(payload) if opcode < CLOSE else 0)

    def write_raw(self, bytes frames not None, int messages=0, int data_frames=0, Py_ssize_t payload=0) -> None:
        """Send octets that are whole frames already, such as a prepared message from ``encode_frame``.

        :param messages: how many messages they are, for the counters.
        :param data_frames: how many frames of messages. :param payload: octets of payload in these.
        :raises EngineClosed: the engine was closed or detached.
        :raises RuntimeError: a message or frame is being written.
        """
        self._require_writable()
        if self._out_state == IN_FRAME:
            raise RuntimeError(f"the frame begun before still needs {self._out_left} octets")
        self.put_raw(<const unsigned char *>PyBytes_AS_STRING(frames), PyBytes_GET_SIZE(frames))
        self.messages_out += messages
        self.frames_out += data_frames
        self.payload_out += payload

    # --- control frames ---

    cdef int _append_control(self, int opcode, bytes payload) except -1:
        return self._append_frame(FIN | opcode, <const unsigned char *>PyBytes_AS_STRING(payload),
                                  PyBytes_GET_SIZE(payload))

    cdef bint _control(self, int opcode, bytes payload) except -1:
        # False: closing already, nothing was sent.
        if self.is_closing and opcode != CLOSE:
            return False
        self._append_control(opcode, payload)
        self.emit()
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
        if self._out_state == IN_FRAME and not self._out_packed:
            self._held_ping = data
            return not self.is_closing
        return self._control(PING, data)

    def pong(self, payload=b"") -> bool:
        """Send a pong with up to 125 octets; as ``ping``. Only the latest of several that wait is sent (section 5.5.3).
        """
        data = self._control_payload(payload)
        if self._out_state == IN_FRAME and not self._out_packed:
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
        self.out.need(MAX_CONTROL + 14)
        self.is_closing = True
        self.is_open = False
        self.writable = False
        if self._out_state == IN_FRAME and not self._out_packed:
            self._held_close = data
        else:
            self._out_state = NO_MESSAGE
            self._control(CLOSE, data)
        return True
