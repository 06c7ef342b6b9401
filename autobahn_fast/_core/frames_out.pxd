# RFC 6455: frames out, both roles.
from autobahn_fast._core.engine cimport Engine

# Opcodes and bits of a header, section 5.2
cdef enum:
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10
    FIN = 0x80
    RSV1 = 0x40                                                  # RFC 7692: the message is compressed
    MASKED = 0x80
    MAX_CONTROL = 125                                            # payload octets of a control frame, section 5.5


cdef class FrameWriter(Engine):
    # --- options; 0 is no limit ---
    cdef public unsigned long long max_send                      # payload octets of a message out
    cdef public unsigned long long auto_fragment                 # payload octets of a frame out
    cdef public bint mask_outgoing, apply_mask
    cdef public bint is_open                                     # the owner says: sendMessage need not ask it

    # --- counters of data frames: frames, their payload on the wire, and what that is more once it is unpacked ---
    cdef readonly unsigned long long frames_in, frames_out, payload_in, payload_out
    cdef long long _gain_in, _gain_out

    # --- the frame that the next batch is added to, when it is still the last thing in out: a whole message ---
    cdef bint _batch                                             # what is being sealed is a batch
    cdef int _tail_opcode
    cdef Py_ssize_t _tail_start, _tail_header, _tail_n           # _tail_n: payload octets; 0: there is none

    cdef object _codec                                           # compresses messages, or None
    cdef bint _plain                                             # not this one

    # --- the message being written frame by frame ---
    cdef int _out_state                                          # NO_MESSAGE, NO_FRAME_YET, BETWEEN_FRAMES, IN_FRAME
    cdef bint _out_binary
    cdef bint _out_begun                                         # a frame of it is on the wire
    cdef unsigned char _out_key[4]
    cdef unsigned long long _out_left, _out_done                 # payload octets of the open frame
    cdef bint _out_packed                                        # compressed: its frames are not those of the wire
    cdef object _held_ping, _held_pong, _held_close              # control frames that wait for the open frame's end

    cpdef send(self, payload, bint binary=*)
    cdef int _send_whole(self, const unsigned char *p, Py_ssize_t n, bint binary) except -1
    cdef int _join(self, Py_ssize_t start, Py_ssize_t n) except -1
    cdef int _fragments(self, Py_ssize_t start, Py_ssize_t n, int opcode, Py_ssize_t size) except -1
    cdef int _seal_packed(self, Py_ssize_t start, Py_ssize_t n, int opcode) except -1
    cdef int _next_opcode(self) noexcept
    cdef int _append_packed(self, bytes data, Py_ssize_t unpacked) except -1
    cdef int _append_frame(self, int b0, const unsigned char *p, Py_ssize_t n) except -1
    cdef int _put_header(self, int b0, unsigned long long length) except -1
    cdef int _put_frame(self, int b0, const unsigned char *p, Py_ssize_t n) except -1
    cdef int _require_writable(self) except -1
    cdef int _frame_done(self) except -1
    cdef bytes _control_payload(self, payload)
    cdef int _append_control(self, int opcode, bytes payload) except -1
    cdef bint _control(self, int opcode, bytes payload) except -1
