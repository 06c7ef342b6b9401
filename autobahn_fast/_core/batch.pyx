# SPDX-License-Identifier: MIT
"""Batch: several WAMP messages in one transport message, as the WebSocket subprotocols ``wamp.2.<serializer>.batched`` have them.

Knows what stands between two messages. Does not know what is in a message, nor when messages are sent together. WAMP
specification, "Batched Transport": binary serializers have the length in front, in 4 octets, most significant first;
JSON has one separator octet behind each message, which cannot occur inside of JSON.
"""

from libc.string cimport memchr

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport load_be, store_be

from autobahn_fast._core.codec import DecodeError, EncodeError

cdef enum:
    LENGTH = 4                   # octets of a length
    CAN = 0x18                   # what autobahn and Crossbar write, and alone understand
    RS = 0x1E                    # what the specification says

cdef unsigned long long MAX_LENGTH = 0xFFFFFFFF


cdef class Batch:
    """How messages are told apart in one transport message. For one connection: the separator follows the peer.

    :param separator: 0x18 or 0x1e to begin with; later the one that the peer was seen to use is written. None: there is
        none, each message has its length in front.
    :raises ValueError: any other separator.
    """

    def __cinit__(self, separator=None):
        if separator is None:
            self.separator = -1
        elif separator == CAN or separator == RS:
            self.separator = separator
        else:
            raise ValueError(f"messages of a batch are separated by 0x18 or 0x1e, not by {separator!r}")

    def __copy__(self):
        return Batch(None if self.separator < 0 else self.separator)

    cdef int begin(self, WriteBuffer out) except -1:
        if self.separator < 0:
            out.need(LENGTH)
            out.size += LENGTH
        return 0

    cdef int end(self, WriteBuffer out, Py_ssize_t start) except -1:
        cdef Py_ssize_t n
        if self.separator >= 0:
            out.need(1)
            out.data[out.size] = <unsigned char>self.separator
            out.size += 1
            return 0
        n = out.size - start - LENGTH
        if <unsigned long long>n > MAX_LENGTH:
            raise EncodeError(f"a message of {n} octets is too large for a batch, where lengths have 4 octets")
        store_be(out.data + start, n, LENGTH)
        return 0

    cdef const unsigned char *next(self, const unsigned char **p, const unsigned char *end,
                                   Py_ssize_t *n) except NULL:
        cdef const unsigned char *body = p[0]
        cdef const unsigned char *at
        cdef const unsigned char *other
        cdef unsigned long long size
        if self.separator < 0:
            if end - body < LENGTH:
                raise DecodeError(f"a batch ends within a length, {end - body} octets behind its begin")
            size = load_be(body, LENGTH)
            body += LENGTH
            if size > <unsigned long long>(end - body):
                raise DecodeError(f"a batch claims a message of {size} octets where {end - body} follow")
            n[0] = <Py_ssize_t>size
            p[0] = body + size
            return body
        # The other separator counts as well. It is looked for in front of the usual one only, so that no octet is
        # looked at again and again whatever the peer mixes.
        at = <const unsigned char *>memchr(body, self.separator, end - body)
        other = <const unsigned char *>memchr(body, CAN + RS - self.separator, (at if at != NULL else end) - body)
        if other != NULL:
            self.separator = CAN + RS - self.separator
            at = other
        if at == NULL:
            raise DecodeError(f"the last {end - body} octets of a batch have no separator behind them")
        n[0] = at - body
        p[0] = at + 1
        return body

    cdef Py_ssize_t count(self, const unsigned char *p, Py_ssize_t n) noexcept:
        cdef const unsigned char *end = p + n
        cdef Py_ssize_t i, messages = 0
        cdef unsigned long long size
        if self.separator >= 0:
            for i in range(n):
                messages += p[i] == CAN or p[i] == RS
            return messages
        while end - p >= LENGTH:
            size = load_be(p, LENGTH)
            p += LENGTH
            if size > <unsigned long long>(end - p):
                break
            p += size
            messages += 1
        return messages

    def join(self, bytes message not None) -> bytes:
        """A message as it stands in a batch.

        :raises EncodeError: it is larger than 4 GiB.
        """
        cdef WriteBuffer out = WriteBuffer.__new__(WriteBuffer)
        self.begin(out)
        out.put(<const char *>message, len(message))
        self.end(out, 0)
        return out.take()

    def split(self, const unsigned char[::1] batch not None) -> list:
        """The messages in a batch.

        :raises DecodeError: it is none.
        """
        cdef const unsigned char *p = NULL
        cdef const unsigned char *body
        cdef const unsigned char *end
        cdef Py_ssize_t n
        cdef list messages = []
        if batch.shape[0] == 0:
            raise DecodeError("a batch without a message")
        p = &batch[0]
        end = p + batch.shape[0]
        while p < end:
            body = self.next(&p, end, &n)
            messages.append(body[:n])
        return messages
