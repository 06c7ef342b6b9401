# JSON strings. n and end are of octets; nothing is read at or behind end.
from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport Cursor

# --- out: str in quotation marks, escaped; the digits of octets without them ---
cdef int put_str(WriteBuffer out, object s) except -1
cdef int put_base64(WriteBuffer out, const unsigned char *p, Py_ssize_t n) except -1
cdef int put_base16(WriteBuffer out, const unsigned char *p, Py_ssize_t n) except -1

# --- in ---
# From behind the opening quotation mark to behind the closing one. Escapes are checked, UTF-8 is not.
cdef int skip_string(Cursor *c, const unsigned char **body, Py_ssize_t *n, bint *escaped) except -1
cdef str unescape(const unsigned char *p, Py_ssize_t n)                 # such a body with escapes
cdef bytes from_base64(const unsigned char *p, Py_ssize_t n)            # None: not in the one proper form
