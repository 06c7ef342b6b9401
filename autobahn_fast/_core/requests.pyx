# SPDX-License-Identifier: MIT
# cython: embedsignature.format=clinic
"""Requests: the part of a session that its caller's time goes through, publish() and call().

Knows only what is plain: a joined session over a compiled ``Wire``, a URI that was checked before, no options. All else is for
``_publish`` and ``_call`` of the session. Does not know any message (``wire`` does), nor what options mean.
"""

from cpython.unicode cimport PyUnicode_CheckExact

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport Codec
from autobahn_fast._core.wire cimport Wire

cdef enum:
    PUBLISH = 16

cdef set _checked = set()

CHECKED_URIS = _checked
"""URIs found fit for calls and publications: a hot loop pays one look-up. ``check_uri`` of the session fills it."""


cdef inline bint is_plain(wire, uri, dict kwargs) except -1:
    return type(wire) is Wire and PyUnicode_CheckExact(uri) and uri in _checked \
        and (not kwargs or "options" not in kwargs)


cdef class Requests:
    """Base of ``ApplicationSession``, which has ``_publish(topic, args, kwargs)`` and ``_call(procedure, args, kwargs)``
    for whatever is not plain, and ``_unsent(request, exc)``, which takes a request's id back and raises what an application gets.
    """

    def publish(self, topic, *args, **kwargs):
        """Publish an event.

        :param topic: URI.
        :param kwargs: keyword arguments of the event; ``options`` is taken out: a ``PublishOptions``.
        :returns: None; with ``PublishOptions(acknowledge=True)`` a future of a ``Publication``.
        :raises InvalidUriError: the topic is no URI.
        :raises TransportLost: the connection is gone. :raises SessionNotReady: not joined (yet, or any more).
        :raises SerializationError: an argument cannot be serialized. :raises PayloadExceededError: too large.
        """
        cdef long long request
        wire = self._live
        if not is_plain(wire, topic, kwargs):
            return self._publish(topic, args, kwargs)
        self._last_request = request = self._last_request + 1
        try:
            (<Wire>wire).publish(request, topic, args, kwargs)
        except Exception as exc:
            self._unsent(request, exc)
        return None

    def call(self, procedure, *args, **kwargs):
        """Call a procedure.

        :param procedure: URI.
        :param kwargs: keyword arguments of the call; ``options`` is taken out: a ``CallOptions``.
        :returns: a future. Its result is the only positional result, None when there is none, else a ``CallResult``. Its
            exception is the class defined for the error's URI, else ``ApplicationError``. Cancelling it sends CANCEL; see also
            ``cancel()``.
        :raises InvalidUriError: the procedure is no URI.
        :raises TransportLost: the connection is gone. :raises SessionNotReady: not joined (yet, or any more).
        :raises SerializationError: an argument cannot be serialized. :raises PayloadExceededError: too large.
        """
        cdef long long request
        wire = self._live
        if not is_plain(wire, procedure, kwargs) or not (<Wire>wire).starts_calls:
            return self._call(procedure, args, kwargs)
        self._last_request = request = self._last_request + 1
        try:
            return (<Wire>wire).start_call(request, procedure, args, kwargs)
        except Exception as exc:
            return self._unsent(request, exc)


cdef class PreparedPublication:
    """A topic with its options, ready to be published to any number of times: what ``prepare_publish()`` returns.

    Calling it publishes: its arguments are those of the event. Options and topic are encoded once for each serializer. It
    outlives a connection: when the session has joined again, it publishes again.
    """

    def __init__(self, Requests session not None, str topic not None, options, dict attributes, bint direct,
                 bint overridden):
        """
        :param attributes: the options as they go on the wire.
        :param direct: there is nothing to be done but sending. :param overridden: every call is one of ``session.publish()``.
        """
        self.session = session
        self.topic = topic
        self.options = options
        self._attributes = attributes
        self._direct = direct and not overridden
        self._overridden = overridden

    def __call__(self, *args, **kwargs):
        """Publish an event.

        :param args: positional arguments of the event. :param kwargs: its keyword arguments.
        :returns: and raises what ``publish()`` does.
        :raises TypeError: a keyword argument is called ``options``: they are given to ``prepare_publish()``.
        """
        cdef Requests session = self.session
        cdef long long request
        cdef Wire wire
        if kwargs and "options" in kwargs:
            raise TypeError("the options of a prepared publication are given to prepare_publish()")
        if not self._direct or type(session._live) is not Wire:
            if self.options is not None:
                kwargs["options"] = self.options
            if self._overridden:
                return session.publish(self.topic, *args, **kwargs)
            return session._publish(self.topic, args, kwargs)
        wire = <Wire>session._live
        session._last_request = request = session._last_request + 1
        try:
            if self._codec is not wire.codec:
                self._prepare(wire.codec)
            wire.request(PUBLISH, request, self._middle, None, args, kwargs, None)
        except Exception as exc:
            session._unsent(request, exc)
        return None

    cdef int _prepare(self, Codec codec) except -1:
        cdef WriteBuffer out = WriteBuffer.__new__(WriteBuffer)
        codec.put_options(out, self._attributes)
        codec.sep(out)
        codec.put_text(out, self.topic)
        self._middle = out.take()
        self._codec = codec
        return 0

    def __repr__(self) -> str:
        return f"PreparedPublication(topic={self.topic!r}, options={self.options!r})"
