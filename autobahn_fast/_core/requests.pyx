# SPDX-License-Identifier: MIT
# cython: embedsignature.format=clinic
"""Requests: the part of a session that its caller's time goes through, publish() and call().

Knows only what is plain: a joined session over a compiled ``Wire``, a URI that was checked before, no options. All else is for
``_publish`` and ``_call`` of the session. Does not know any message (``wire`` does), nor what options mean.

What is plain takes its arguments from where the interpreter has them, without a tuple and a dict for each call: functions of C stand in
front of ``publish``, ``call`` and ``PreparedPublication.__call__``, which Cython made and which take everything else.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport PyObject
from cpython.unicode cimport PyUnicode_CheckExact

from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport Codec, Outgoing, abf_items
from autobahn_fast._core.wire cimport Wire

cdef extern from *:
    """
    typedef PyObject *(*abf_fast)(PyObject *self, PyObject **args, Py_ssize_t n, PyObject *names);

    /* Puts a method in front of the one of the same name that a type has, with its text. *slow is that one's function, for what the
       new one does not do itself. Where that one is not called as the new one would be it stays alone. */
    static int abf_stand_before(PyObject *type, PyMethodDef *method, const char *name, abf_fast fast, abf_fast *slow)
    {
        PyTypeObject *t = (PyTypeObject *)type;
        PyObject *had, *made;
        int done = 0;
    #if PY_VERSION_HEX >= 0x030C0000
        PyObject *dict = PyType_GetDict(t);
    #else
        PyObject *dict = Py_XNewRef(t->tp_dict);
    #endif
        if (dict == NULL)
            return -1;
        had = PyDict_GetItemString(dict, name);
        if (had != NULL && Py_IS_TYPE(had, &PyMethodDescr_Type)
            && ((PyMethodDescrObject *)had)->d_method->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) {
            *method = *((PyMethodDescrObject *)had)->d_method;
            *slow = (abf_fast)(void (*)(void))method->ml_meth;
            method->ml_meth = (PyCFunction)(void (*)(void))fast;
            made = PyDescr_NewMethod(t, method);
            done = made == NULL ? -1 : PyDict_SetItemString(dict, name, made);
            Py_XDECREF(made);
            PyType_Modified(t);
        }
        Py_DECREF(dict);
        return done;
    }

    /* Instances of this type have, at this offset, the function that calling them calls. */
    static void abf_set_vectorcall(PyObject *type, Py_ssize_t offset)
    {
        ((PyTypeObject *)type)->tp_vectorcall_offset = offset;
        ((PyTypeObject *)type)->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        PyType_Modified((PyTypeObject *)type);
    }

    static PyMethodDef abf_publish, abf_call;
    """
    ctypedef object (*abf_fast)(PyObject *self, PyObject **args, Py_ssize_t n, PyObject *names)
    ctypedef struct PyMethodDef:
        pass
    PyMethodDef abf_publish, abf_call
    int abf_stand_before(object type, PyMethodDef *method, const char *name, abf_fast fast, abf_fast *slow) except -1
    void abf_set_vectorcall(object type, Py_ssize_t offset) noexcept

cdef extern from "Python.h":
    Py_ssize_t PyVectorcall_NARGS(size_t flags) noexcept
    tuple PyTuple_New(Py_ssize_t n)
    void Py_INCREF(PyObject *o)
    void PyTuple_SET_ITEM(PyObject *tuple, Py_ssize_t i, PyObject *o)

cdef enum:
    PUBLISH = 16
    CALL = 48

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

    def __cinit__(self, *args, **kwargs):
        self._called = <vectorcall>fast_prepared

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
        return self._publish(args, kwargs)

    cdef object _publish(self, tuple args, dict kwargs):
        cdef Requests session = self.session
        cdef Outgoing m
        if kwargs and "options" in kwargs:
            raise TypeError("the options of a prepared publication are given to prepare_publish()")
        if not self._direct or type(session._live) is not Wire:
            if self.options is not None:
                kwargs["options"] = self.options
            if self._overridden:
                return session.publish(self.topic, *args, **kwargs)
            return session._publish(self.topic, args, kwargs)
        m.args = abf_items(args)
        m.n = len(args)
        m.kwargs = <PyObject *>kwargs if kwargs else NULL
        return publish_prepared(self, &m)

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


cdef object publish_prepared(PreparedPublication self, Outgoing *m):
    # The session has joined over a Wire, and nothing but sending is to be done. Of m, args and kwargs are given.
    cdef Requests session = self.session
    cdef Wire wire = <Wire>session._live
    cdef bytes middle
    session._last_request = m.request = session._last_request + 1
    try:
        if self._codec is not wire.codec:
            self._prepare(wire.codec)
        middle = self._middle
        m.code = PUBLISH
        m.middle = PyBytes_AS_STRING(middle)
        m.middle_size = PyBytes_GET_SIZE(middle)
        m.options = NULL
        m.uri = NULL
        wire.request(m)
    except Exception as exc:
        session._unsent(m.request, exc)
    return None


# --- in front of the methods. What comes here is what the interpreter has: n arguments, behind them the values of names ---

cdef abf_fast slow_publish, slow_call


cdef inline bint is_checked(Requests self, PyObject **args, Py_ssize_t n, PyObject *names) except -1:
    return names is NULL and n > 0 and type(self._live) is Wire \
        and PyUnicode_CheckExact(<object>args[0]) and <object>args[0] in _checked


cdef inline void fill(Outgoing *m, int code, Requests self, PyObject **args, Py_ssize_t n) noexcept:
    self._last_request += 1
    m.code = code
    m.request = self._last_request
    m.middle = NULL
    m.options = m.kwargs = NULL
    m.uri = args[0]
    m.args = args + 1
    m.n = n - 1


cdef object fast_publish(Requests self, PyObject **args, Py_ssize_t n, PyObject *names):
    cdef Outgoing m
    cdef Wire wire
    if not is_checked(self, args, n, names):
        return slow_publish(<PyObject *>self, args, n, names)
    wire = <Wire>self._live
    fill(&m, PUBLISH, self, args, n)
    try:
        wire.request(&m)
    except Exception as exc:
        self._unsent(m.request, exc)
    return None


cdef object fast_call(Requests self, PyObject **args, Py_ssize_t n, PyObject *names):
    cdef Outgoing m
    cdef Wire wire
    if not is_checked(self, args, n, names) or not (<Wire>self._live).starts_calls:
        return slow_call(<PyObject *>self, args, n, names)
    wire = <Wire>self._live
    fill(&m, CALL, self, args, n)
    try:
        return wire.begin_call(&m)
    except Exception as exc:
        return self._unsent(m.request, exc)


cdef object fast_prepared(PreparedPublication self, PyObject **args, size_t flags, PyObject *names):
    cdef Py_ssize_t n = PyVectorcall_NARGS(flags)
    cdef Outgoing m
    if names is NULL and self._direct and type(self.session._live) is Wire:
        m.args = args
        m.n = n
        m.kwargs = NULL
        return publish_prepared(self, &m)
    return self._publish(to_tuple(args, n), to_dict(args + n, names))


cdef tuple to_tuple(PyObject **args, Py_ssize_t n):
    cdef tuple made = PyTuple_New(n)
    cdef Py_ssize_t i
    for i in range(n):
        Py_INCREF(args[i])
        PyTuple_SET_ITEM(<PyObject *>made, i, args[i])
    return made


cdef dict to_dict(PyObject **values, PyObject *names):
    cdef dict made = {}
    cdef Py_ssize_t i
    if names is not NULL:
        for i in range(len(<tuple>names)):
            made[(<tuple>names)[i]] = <object>values[i]
    return made


cdef int stand_before() except -1:
    cdef PreparedPublication made = PreparedPublication.__new__(PreparedPublication)
    abf_stand_before(Requests, &abf_publish, "publish", <abf_fast>fast_publish, &slow_publish)
    abf_stand_before(Requests, &abf_call, "call", <abf_fast>fast_call, &slow_call)
    abf_set_vectorcall(PreparedPublication, <char *>&made._called - <char *><PyObject *>made)
    return 0


stand_before()
