# Values to octets and back. A codec reads and writes element by element, so that Wire needs no message objects and the
# router can forward elements it never decodes.
from cpython.ref cimport PyObject
from libc.string cimport memcpy

from autobahn_fast._core.buffer cimport WriteBuffer

cdef extern from *:
    """
    /* The UTF-8 of a str: its own memory when it is ASCII. NULL with an exception on lone surrogates. */
    static inline const char *abf_text(PyObject *s, Py_ssize_t *n)
    {
        if (PyUnicode_IS_COMPACT_ASCII(s)) {
            *n = PyUnicode_GET_LENGTH(s);
            return (const char *)PyUnicode_DATA(s);
        }
        return PyUnicode_AsUTF8AndSize(s, n);
    }
    /* Is the ASCII str s the n octets at p? */
    static inline int abf_is_text(PyObject *s, const void *p, Py_ssize_t n)
    {
        return PyUnicode_GET_LENGTH(s) == n && memcmp(PyUnicode_DATA(s), p, (size_t)n) == 0;
    }
    /* Numbers of 1, 2, 4 or 8 octets, most significant first. Written out: compilers make a load and a swap of it. */
    static inline unsigned long long abf_load_be(const unsigned char *p, int octets)
    {
        switch (octets) {
        case 1: return p[0];
        case 2: return (unsigned)p[0] << 8 | p[1];
        case 4: return (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3];
        default: return (unsigned long long)p[0] << 56 | (unsigned long long)p[1] << 48
            | (unsigned long long)p[2] << 40 | (unsigned long long)p[3] << 32 | (unsigned long long)p[4] << 24
            | (unsigned long long)p[5] << 16 | (unsigned long long)p[6] << 8 | p[7];
        }
    }
    static inline void abf_store_be(unsigned char *p, unsigned long long v, int octets)
    {
        switch (octets) {
        case 8:
            p[0] = (unsigned char)(v >> 56); p[1] = (unsigned char)(v >> 48);
            p[2] = (unsigned char)(v >> 40); p[3] = (unsigned char)(v >> 32);
            p += 4;  /* fall through */
        case 4:
            p[0] = (unsigned char)(v >> 24); p[1] = (unsigned char)(v >> 16);
            p += 2;  /* fall through */
        case 2:
            p[0] = (unsigned char)(v >> 8);
            p += 1;  /* fall through */
        default: p[0] = (unsigned char)v;
        }
    }
    #define ABF_MAX_ID (1LL << 53)
    /* The items of a tuple: valid as long as the tuple is. */
    static inline PyObject **abf_items(PyObject *tuple)
    {
        return ((PyTupleObject *)tuple)->ob_item;
    }
    """
    unsigned long long load_be "abf_load_be"(const unsigned char *p, int octets) noexcept nogil
    void store_be "abf_store_be"(unsigned char *p, unsigned long long v, int octets) noexcept nogil
    const char *abf_text(object s, Py_ssize_t *n) except NULL
    bint abf_is_text(object s, const void *p, Py_ssize_t n) noexcept
    bint abf_is_ascii "PyUnicode_IS_COMPACT_ASCII"(object s) noexcept
    const long long MAX_ID "ABF_MAX_ID"        # the largest WAMP id
    PyObject **abf_items(object tuple) noexcept


cdef enum:
    CODES = 128                                # codes of messages are below
    MAX_DEPTH = 512                            # containers inside one another, both ways
    RATED_OCTETS = 512


cdef struct Cursor:
    const unsigned char *p                     # next octet
    const unsigned char *end
    Py_ssize_t left                            # elements left in the array entered last; < 0: not told beforehand
    int depth                                  # containers around it: what is read must nest no deeper with them


cdef struct Outgoing:                          # [code, request, options, uri?, args?, kwargs?]. All of it is borrowed.
    int code
    long long request
    const char *middle                         # options and URI, encoded beforehand; NULL: they are these two
    Py_ssize_t middle_size
    PyObject *options                          # a dict; NULL when empty
    PyObject *uri                              # a str; NULL: the message has none
    PyObject **args                            # that many; without args and kwargs the message has neither
    Py_ssize_t n
    PyObject *kwargs                           # a dict; NULL when empty


cdef inline Py_ssize_t count_elements(const Outgoing *m) noexcept:
    return (4 if m.uri is not NULL or m.middle is not NULL else 3) + (2 if m.kwargs is not NULL else (1 if m.n else 0))


cdef class Statistics:
    # Octets, messages and rated messages (512 octets each, rounded up) both ways; shared by a Serializer and its Wires.
    cdef public unsigned long long serialized_bytes, serialized_messages, serialized_rated_messages
    cdef public unsigned long long unserialized_bytes, unserialized_messages, unserialized_rated_messages
    cdef public unsigned long long autoreset_rated_messages      # 0: off
    cdef public object autoreset                                 # called without arguments when that many were seen
    cdef inline int count_out(self, Py_ssize_t octets) except -1:
        self.serialized_bytes += octets
        self.serialized_messages += 1
        self.serialized_rated_messages += (octets + RATED_OCTETS - 1) // RATED_OCTETS
        if self.autoreset_rated_messages:
            return self._seen()
        return 0
    cdef int count_in(self, Py_ssize_t octets) except -1
    cdef int count_batch(self, Py_ssize_t octets, Py_ssize_t messages) except -1       # that came in together
    cdef int _seen(self) except -1


cdef class Codec:
    cdef readonly str name                     # "json", "msgpack", "cbor"
    cdef readonly bint binary

    # --- out. Elements follow one another; sep writes what stands between two of them (JSON: a comma) ---
    cdef int begin(self, WriteBuffer out, Py_ssize_t n) except -1        # an array of n elements
    cdef int put_message(self, WriteBuffer out, const Outgoing *m) except -1     # the whole of it; EncodeError, and others
    cdef int put_items(self, WriteBuffer out, PyObject **items, Py_ssize_t n) except -1    # an array of these; the same
    cdef int sep(self, WriteBuffer out) except -1
    cdef int finish(self, WriteBuffer out) except -1
    cdef int put_int(self, WriteBuffer out, long long v) except -1
    cdef int put_text(self, WriteBuffer out, object s) except -1         # a str: URIs
    cdef int put_empty_map(self, WriteBuffer out) except -1
    cdef int put_options(self, WriteBuffer out, dict options) except -1  # a map; None is an empty one
    cdef int put(self, WriteBuffer out, object v) except -1              # any value; EncodeError

    # --- in. All raise DecodeError on octets that are not a value, and never read at or behind end ---
    cdef int enter(self, Cursor *c) except -1                            # an array begins here
    cdef bint more(self, Cursor *c) except -1                            # one more element? It begins at c.p then
    cdef int done(self, Cursor *c) except -1                             # DecodeError unless nothing is left
    cdef long long get_int(self, Cursor *c) except? -1                   # an int in 0..2^53; DecodeError if it is none
    # Enters an array whose first element is v[0], a code; ids says how many more integers of the same kind follow each code
    # below CODES, at most two. Returns how many that are, with their values behind v[0]; 0: none, and c is of no use.
    cdef int get_head(self, Cursor *c, const unsigned char *ids, long long *v) except -1
    cdef object get(self, Cursor *c)                                     # any value
    # The value of an array that has just one. found[0] is False: what comes is not plainly that, and c stays where it was.
    cdef object get_only(self, Cursor *c, bint *found)
    cdef tuple get_array(self, Cursor *c)                                # an array's values; DecodeError if it is none
    cdef dict get_map(self, Cursor *c)                                   # a map (None: empty); DecodeError if it is none
    cdef int skip(self, Cursor *c) except -1                             # step over any value

    cdef object load(self, const unsigned char *p, Py_ssize_t n)         # one value, the whole of it
    cpdef bytes dumps(self, object v)
    cpdef object loads(self, object data)                                # DecodeError on trailing octets too


# --- for codec modules; lengths are checked by the caller ---
cdef inline unsigned long long double_bits(double d) noexcept nogil:
    cdef unsigned long long v
    memcpy(&v, &d, 8)
    return v


cdef inline double bits_double(unsigned long long v) noexcept nogil:
    cdef double d
    memcpy(&d, &v, 8)
    return d


cdef inline int put_data(WriteBuffer out, const char *p, Py_ssize_t n) except -1:
    out.need(n)
    memcpy(out.data + out.size, p, n)
    out.size += n
    return 0


cdef inline bint has_more(Codec codec, Cursor *c) except -1:
    if c.left > 0:
        c.left -= 1
        return True
    return codec.more(c)


# Raise DecodeError(what), with the octet that is next.
cdef int bad(const char *what, const Cursor *c) except -1
# Turn the exception now being handled into EncodeError / DecodeError, with its text.
cdef int encode_failed(object exc) except -1
cdef int decode_failed(object exc) except -1
cdef str to_text(const unsigned char *p, Py_ssize_t n)
cdef str to_key(const unsigned char *p, Py_ssize_t n)                    # the same, for text that comes again and again
