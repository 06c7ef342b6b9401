# SPDX-License-Identifier: MIT
"""``sendMessage`` of a WebSocket connection, compiled: a plain message goes to its engine without a step in between.

Knows the engine and where a connection has it. Does not know states or errors: what is not plain is the connection's.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE

from autobahn_fast._core.frames_out cimport FrameWriter


@cython.binding(True)
def send_message(self, payload, isBinary=False, fragmentSize=None, sync=False, doNotCompress=False):
    """Send a message.

    :param payload: the octets, any bytes-like object; UTF-8 when not binary. :param isBinary: binary or text.
    :param fragmentSize: send it in frames of at most so many octets. :param sync: hand it to the transport at once.
    :param doNotCompress: no compression for this message.
    :raises Disconnected: the connection is not open. :raises PayloadExceededError: more than ``maxMessagePayloadSize``.
    """
    # The method of connections, compiled: what is plain goes to the engine from here, the rest to _send_message.
    cdef FrameWriter writer
    cdef Py_ssize_t n
    engine = self._engine
    if fragmentSize is None and not doNotCompress and PyBytes_CheckExact(payload) and isinstance(engine, FrameWriter):
        writer = <FrameWriter>engine
        n = PyBytes_GET_SIZE(payload)
        if (writer.is_open and writer._codec is None and not writer.auto_fragment
                and (writer.max_send == 0 or <unsigned long long>n <= writer.max_send)):
            writer._send_whole(<const unsigned char *>PyBytes_AS_STRING(payload), n, isBinary)
            if sync:
                writer._flush()
            return
    self._send_message(payload, isBinary, fragmentSize, sync, doNotCompress)
