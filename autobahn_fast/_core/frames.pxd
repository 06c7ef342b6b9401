# RFC 6455: frames in, and with the writing half of frames_out the whole engine. The opening handshake is not here.
from autobahn_fast._core.buffer cimport Body, ReadBuffer
from autobahn_fast._core.frames_out cimport FrameWriter
from autobahn_fast._core.kernels cimport abf_utf8_t


cdef class WebSocketEngine(FrameWriter):
    # --- options; 0 is no limit ---
    cdef public unsigned long long max_frame, max_message        # payload octets accepted
    cdef readonly bint accept_masked
    cdef public bint require_masked, validate_utf8
    cdef public bint frame_mode                                  # payload goes to the handler as it comes, not to the sink
    cdef int _rsv_refused                                        # RSV bits no extension gave a meaning to

    cdef tuple _too_large                                        # what the codec raises at a message over the limit

    # --- the frame being read ---
    cdef int _stage                                              # see frames.pyx: IDLE, WHOLE, DATA and the steps around it
    cdef int _opcode
    cdef bint _fin, _masked
    cdef unsigned char _key[4]
    cdef Py_ssize_t _header                                      # its octets
    cdef Py_ssize_t _length, _done                               # payload octets: in all, unmasked and checked so far

    cdef readonly bint close_received                            # a close frame came in, or its beginning, well formed or not

    # --- the message being read ---
    cdef int _kind                                               # 0: none begun; 1: text; 2: binary
    cdef bint _streamed                                          # it was begun in frame mode
    cdef bint _packed                                            # it is compressed
    cdef bint _in_parts                                          # the codec can give it out in parts
    cdef bytes _unpacking                                        # what the codec is to be given next
    cdef bint _more                                              # it has something to give out
    cdef unsigned long long _message_size                        # octets announced by its frames, or unpacked, so far
    cdef int _empty_frames
    cdef ReadBuffer _message                                     # payload of its frames so far
    cdef Body _body                                              # of its one large frame, for a sink that takes bytes
    cdef bint _body_lent                                         # what get_buffer returned is room in it
    cdef abf_utf8_t _utf8

    cdef Py_ssize_t _read_header(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int _check_first(self, int b0, int b1) except -1
    cdef int _check_length(self, unsigned long long length, int extended) except -1
    cdef int _advance(self, unsigned char *payload, Py_ssize_t have) except -1
    cdef int _whole(self, unsigned char *payload, Py_ssize_t n) except -1
    cdef int _close_frame(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t _pieces(self, unsigned char *p, Py_ssize_t n, Py_ssize_t base) except -1
    cdef int _begin_packed(self) except -1
    cdef bytes _unpack(self)
    cdef int _end_of_packed(self) except -1
    cdef int _keep(self, const unsigned char *p, Py_ssize_t n) except -1
    cdef int _joined(self, bint binary) except -1
    cdef int _bad_text(self) except -1
    cdef int _end_of_text(self) except -1
