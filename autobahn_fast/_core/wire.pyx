# SPDX-License-Identifier: MIT
"""Wire: the WAMP messages that fast programs live on, between Python arguments and octets, without message objects.

Knows the layout of PUBLISH, CALL and YIELD (out) and of EVENT, RESULT, PUBLISHED and INVOCATION (in). Does not know any
other message (``parse`` and ``marshal`` of the message classes do), what options mean, the codecs' formats, or what a
session does. WAMP specification, sections on message definitions.
"""

from cpython.dict cimport PyDict_Next
from cpython.ref cimport PyObject
from cpython.tuple cimport PyTuple_New
from cpython.unicode cimport PyUnicode_CheckExact
from libc.string cimport memset

cdef extern from *:
    """
    /* What type(**kwargs) does for a type with __init__ only, without the tuple and the dict that it makes for each. */
    static inline PyObject *abf_make(PyObject *type, PyObject *empty, PyObject *kwargs)
    {
        PyTypeObject *t = (PyTypeObject *)type;
        PyObject *made = t->tp_new(t, empty, NULL);
        if (made != NULL && t->tp_init(made, empty, kwargs) < 0) {
            Py_DECREF(made);
            return NULL;
        }
        return made;
    }
    """
    object abf_make(object type, object empty, object kwargs)

cdef extern from *:
    """
    #include <structmember.h>
    /* An attribute that instances of a type have in a slot: read and written there, without looking for its name each time. */
    typedef struct {
        PyTypeObject *type;      /* owned; NULL: not known yet, or it has no such slot */
        PyTypeObject *tried;     /* only compared */
        Py_ssize_t offset;
    } abf_slot_t;

    static void abf_learn(PyObject *type, PyObject *name, abf_slot_t *slot)
    {
        PyObject *member = PyObject_GetAttr(type, name);
        slot->tried = (PyTypeObject *)type;
        if (member == NULL)
            PyErr_Clear();
        else if (Py_IS_TYPE(member, &PyMemberDescr_Type)
                 && PyType_IsSubtype((PyTypeObject *)type, ((PyMemberDescrObject *)member)->d_common.d_type)
                 && ((PyMemberDescrObject *)member)->d_member->type == T_OBJECT_EX
                 && ((PyMemberDescrObject *)member)->d_member->flags == 0) {
            slot->type = (PyTypeObject *)Py_NewRef(type);
            slot->offset = ((PyMemberDescrObject *)member)->d_member->offset;
        }
        Py_XDECREF(member);
    }
    static PyObject *abf_get_first(PyObject *of, PyObject *name, abf_slot_t *slot)
    {
        if (slot->type == NULL && slot->tried != Py_TYPE(of))
            abf_learn((PyObject *)Py_TYPE(of), name, slot);
        return PyObject_GetAttr(of, name);
    }
    static inline PyObject *abf_get(PyObject *of, PyObject *name, abf_slot_t *slot)
    {
        PyObject *value;
        if (Py_TYPE(of) == slot->type && (value = *(PyObject **)((char *)of + slot->offset)) != NULL)
            return Py_NewRef(value);
        return abf_get_first(of, name, slot);
    }
    static inline int abf_set(PyObject *of, PyObject *name, PyObject *value, abf_slot_t *slot)
    {
        if (slot->type == NULL && slot->tried != Py_TYPE(of))
            abf_learn((PyObject *)Py_TYPE(of), name, slot);
        if (Py_TYPE(of) == slot->type && *(PyObject **)((char *)of + slot->offset) == NULL) {
            *(PyObject **)((char *)of + slot->offset) = Py_NewRef(value);
            return 0;
        }
        return PyObject_SetAttr(of, name, value);
    }
    static abf_slot_t abf_handler, abf_endpoint, abf_handler_fn, abf_endpoint_fn, abf_handler_details, abf_endpoint_details,
        abf_session, abf_request;
    """
    ctypedef struct abf_slot_t:
        pass
    object abf_get(object of, object name, abf_slot_t *slot)
    int abf_set(object of, object name, object value, abf_slot_t *slot) except -1
    abf_slot_t abf_handler, abf_endpoint, abf_handler_fn, abf_endpoint_fn, abf_handler_details, abf_endpoint_details
    abf_slot_t abf_session, abf_request

from autobahn_fast._core.batch cimport Batch
from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport CODES, Codec, Cursor, Outgoing, Statistics, abf_items, encode_failed, has_more
from autobahn_fast._core.engine cimport Engine, Sink
from autobahn_fast._core.pending cimport Pending
from autobahn_fast._core.codec import DecodeError, EncodeError
from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge

cdef enum:
    PUBLISH = 16
    PUBLISHED = 17
    EVENT = 36
    CALL = 48
    RESULT = 50
    INVOCATION = 68
    YIELD = 70


# How many ids stand behind the code of the messages that are read here.
cdef unsigned char IDS[CODES]
memset(IDS, 0, CODES)
IDS[RESULT] = 1
IDS[PUBLISHED] = IDS[EVENT] = IDS[INVOCATION] = 2

cdef tuple EMPTY = PyTuple_New(0)


cdef bint is_plain(object v) noexcept:
    # Certainly neither awaitable nor a CallResult.
    kind = type(v)
    return v is None or kind is str or kind is int or kind is dict or kind is list or kind is float or kind is bytes \
        or kind is bool or kind is tuple


MAX_ID = 2**53

cdef enum:
    FLAG = 1
    NUMBER = 2
    TEXT = 3
    URI = 4

# The options of EVENT, RESULT and INVOCATION that are looked at here. Others that these messages have go the slow way.
cdef dict OPTIONS = {
    **dict.fromkeys(("progress", "receive_progress", "retained", "x_acknowledged_delivery"), FLAG),
    **dict.fromkeys(("publisher", "caller", "callee", "timeout", "trustlevel"), NUMBER),
    **dict.fromkeys(
        (f"{who}_{what}" for who in ("publisher", "caller", "callee") for what in ("authid", "authrole")), TEXT
    ),
    "transaction_hash": TEXT,
    "topic": URI,
    "procedure": URI,
}
cdef frozenset SLOW = frozenset(
    ("enc_algo", "enc_key", "enc_serializer", "forward_for", "ppt_scheme", "ppt_serializer", "ppt_cipher", "ppt_keyid")
)
LOOKED_AT = frozenset(OPTIONS) | SLOW
"""The options that details are checked for. Others are unknown, and ignored."""


cdef bint plain_details(dict details) except -1:
    # Whether every option there is of its type. What is not is for ``parse``, which says what is wrong with it.
    cdef Py_ssize_t at = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_UCS4 character
    while PyDict_Next(details, &at, &key, &value):
        kind = OPTIONS.get(<object>key)
        if kind is None:
            if <object>key in SLOW:
                return False
        elif kind == FLAG:
            if <object>value is not True and <object>value is not False:
                return False
        elif kind == NUMBER:
            if type(<object>value) is not int or not 0 <= <object>value <= MAX_ID:
                return False
        else:
            if not PyUnicode_CheckExact(<object>value):
                return False
            if kind == URI:
                for character in <str><object>value:
                    if character == 35 or character.isspace():  # 35: "#"
                        return False
                if not <object>value:
                    return False
    return True


cdef bint plain_kwargs(dict kwargs) except -1:
    # Formats other than JSON have keys that no keyword argument can be.
    cdef Py_ssize_t at = 0
    cdef PyObject *key
    cdef PyObject *value
    while PyDict_Next(kwargs, &at, &key, &value):
        if not PyUnicode_CheckExact(<object>key):
            return False
    return True


cdef int to_send(Outgoing *m, int code, long long request, object uri, dict options, tuple args, dict kwargs) except -1:
    # All but YIELD have a URI.
    if code != YIELD and not isinstance(uri, str):
        raise EncodeError(f"a URI is a str, not {type(uri).__name__}")
    m.code = code
    m.request = request
    m.middle = NULL
    m.options = <PyObject *>options if options else NULL
    m.uri = <PyObject *>uri if code != YIELD else NULL
    m.args = abf_items(args) if args is not None else NULL
    m.n = len(args) if args is not None else 0
    m.kwargs = <PyObject *>kwargs if kwargs else NULL
    return 0


cdef class Wire(Sink):
    """One session's messages over one engine.

    :param engine: what takes and gives whole messages. The owner makes this Wire its sink with ``engine.set_sink``.
    :param codec: the format of the messages.
    :param statistics: counts what passes; None counts nothing.
    :param session: has ``onMessage(msg)`` and, unless ``hot`` is False, ``_on_event``, ``_on_result``,
        ``_on_published`` and ``_on_invocation`` (see docs/design.md, "Wire and session"). A hot method that is missing leaves its
        messages to ``onMessage``. A session that has ``_plain_calls`` (its pending calls, a ``Pending`` of futures with
        ``set_result`` and ``done``, beside ``_call_options``, those that were made with options) gets plain results of calls
        without options in these futures directly. If it has ``_future_of_calls``, too (their class, which can be given
        ``session`` and ``request``, and its keyword arguments), the wire makes the futures as well: ``start_call``. One with
        ``_on_returned``, ``_on_raised`` and ``_on_unsent`` (beside ``_registrations`` and ``_invocations``, those not yet
        answered, and ``_live``, the wire it sends by) has plain endpoints called, and plain results sent, by the wire; one
        with ``_on_handled`` and ``_handler_failed`` (beside ``_subscriptions``) has plain handlers called.
    :param parse: ``parse(value)`` makes a message object of a decoded message, or raises what the owner takes for a
        protocol error.
    :param hot: False: every message reaches ``session.onMessage`` as an object.
    :param batch: how messages are told apart when several share one transport message; None: each has its own. Messages
        that the engine joins go out in one batch.

    A message of the kind (text or binary) that is not the codec's is a ``DecodeError``.
    """

    def __cinit__(self, Engine engine not None, Codec codec not None, Statistics statistics, session, parse,
                 bint hot=True, Batch batch=None):
        self.engine = engine
        self.codec = codec
        self.batch = batch
        self.statistics = statistics
        self.session = session
        self._parse = parse
        self.hot = hot
        if hot:
            self._on_event = getattr(session, "_on_event", None)
            self._on_result = getattr(session, "_on_result", None)
            self._on_published = getattr(session, "_on_published", None)
            self._on_invocation = getattr(session, "_on_invocation", None)
            if self._on_event is not None and hasattr(session, "_on_handled"):
                self._subscriptions = session._subscriptions
            if self._on_invocation is not None and hasattr(session, "_on_returned"):
                self._registrations = session._registrations
                self._invocations = session._invocations
            self._plain_calls = getattr(session, "_plain_calls", None)
            if self._plain_calls is not None:
                self._call_options = session._call_options
                made_of = getattr(session, "_future_of_calls", None)
                if made_of is not None:
                    self._future_type, self._future_kwargs = made_of
                    self._set_result = self._future_type.set_result
                    self.starts_calls = True

    # --- out ---

    cpdef publish(self, long long request, topic, tuple args, dict kwargs, dict options=None):
        """Send ``[PUBLISH, request, options, topic, args?, kwargs?]``.

        :param options: a dict as it goes on the wire; None for an empty one.
        :param args: may be empty, and is left out then unless there are ``kwargs``.
        :raises EncodeError: an argument cannot be written in this format. Nothing was sent; so for all others.
        :raises EngineClosed: the connection is closed or closing.
        :raises PayloadTooLarge: the message is larger than this side may send.
        """
        cdef Outgoing m
        to_send(&m, PUBLISH, request, topic, options, args, kwargs)
        self.request(&m)

    cpdef call(self, long long request, procedure, tuple args, dict kwargs, dict options=None):
        """Send ``[CALL, request, options, procedure, args?, kwargs?]``; otherwise as ``publish``."""
        cdef Outgoing m
        to_send(&m, CALL, request, procedure, options, args, kwargs)
        self.request(&m)

    cpdef start_call(self, long long request, procedure, tuple args, dict kwargs):
        """Send a call without options, and return the future of its result, which is pending then.

        :raises RuntimeError: ``starts_calls`` is False. Otherwise as ``publish``; no call is pending then.
        """
        cdef Outgoing m
        if not self.starts_calls:
            raise RuntimeError("this session makes its futures itself")
        to_send(&m, CALL, request, procedure, None, args, kwargs)
        return self.begin_call(&m)

    cdef object begin_call(self, const Outgoing *m):
        cdef Pending calls = self._plain_calls
        future = abf_make(self._future_type, EMPTY, self._future_kwargs)
        abf_set(future, "session", self.session, &abf_session)
        abf_set(future, "request", m.request, &abf_request)
        calls.put(m.request, future)
        try:
            self.request(m)
        except BaseException:
            calls.take(m.request)
            raise
        return future

    cpdef yield_(self, long long request, tuple args, dict kwargs, dict options=None):
        """Send ``[YIELD, request, options, args?, kwargs?]``; otherwise as ``publish``."""
        cdef Outgoing m
        to_send(&m, YIELD, request, None, options, args, kwargs)
        self.request(&m)

    cpdef send(self, msg):
        """Send any message object: what its ``marshal()`` returns.

        :raises EncodeError: a part of it cannot be written in this format. Nothing was sent; so for all others.
        :raises EngineClosed: the connection is closed or closing.
        :raises PayloadTooLarge: the message is larger than this side may send.
        """
        cdef Engine engine = self.engine
        cdef Batch batch = self.batch
        cdef WriteBuffer out
        cdef Py_ssize_t n
        value = msg.marshal()
        out = engine.open_message()
        n = out.size
        try:
            if batch is not None:
                batch.begin(out)
            self.codec.put(out, value)
            if batch is not None:
                batch.end(out, n)
            n = out.size - n
        except BaseException as exc:
            engine.abandon()
            self._failed(exc)
        if batch is None:
            engine.seal(self.codec.binary)
        else:
            engine.seal_batch(self.codec.binary)
        if self.statistics is not None:
            self.statistics.count_out(n)

    cdef int request(self, const Outgoing *m) except -1:
        cdef Engine engine = self.engine
        cdef Codec codec = self.codec
        cdef Batch batch = self.batch
        cdef WriteBuffer out = engine.open_message()
        cdef Py_ssize_t n = out.size
        try:
            if batch is None:
                codec.put_message(out, m)
            else:
                batch.begin(out)
                codec.put_message(out, m)
                batch.end(out, n)
            n = out.size - n
        except BaseException as exc:
            engine.abandon()
            self._failed(exc)
        if batch is None:
            engine.seal(codec.binary)
        else:
            engine.seal_batch(codec.binary)
        if self.statistics is not None:
            self.statistics.count_out(n)
        return 0

    cdef int _failed(self, object exc) except -1:
        # Encoding raised. What is not about the value itself goes out as it is.
        if not isinstance(exc, Exception) or isinstance(exc, (EngineClosed, PayloadTooLarge)):
            raise exc
        return encode_failed(exc)

    # --- in ---

    cdef int take(self, const unsigned char *data, Py_ssize_t n, bint binary) except -1:
        cdef Batch batch = self.batch
        cdef const unsigned char *body
        cdef const unsigned char *end = data + n
        if self.statistics is not None:
            if batch is None:
                self.statistics.count_in(n)
            else:
                self.statistics.count_batch(n, batch.count(data, n))
        if binary != self.codec.binary:
            raise DecodeError(f"a {'binary' if binary else 'text'} message came in, but {self.codec.name} is written "
                              f"in {'binary' if self.codec.binary else 'text'} messages")
        if batch is None:
            return self._take_one(data, n)
        if n == 0:
            raise DecodeError("a batch without a message")
        # Octets stay where they are until this returns, also when the session closes the connection in between.
        while data < end and self.engine.reading:
            body = batch.next(&data, end, &n)
            self._take_one(body, n)
        return 0

    cdef int _take_one(self, const unsigned char *data, Py_ssize_t n) except -1:
        if self.hot and self._take_hot(data, n):
            return 0
        # The slow way. Nothing points into data any more when the session is called.
        msg = self._parse(self.codec.load(data, n))
        self.session.onMessage(msg)
        return 0

    cdef bint _take_hot(self, const unsigned char *data, Py_ssize_t n) except -1:
        # False: not a hot message, or not plainly well formed, and nothing was done. All is decoded before the session
        # is called, and nothing is used after it was: it may send, close or come back here.
        cdef Codec codec = self.codec
        cdef Cursor c
        cdef long long v[3]
        cdef long long code
        cdef dict details = None
        cdef dict kwargs = None
        cdef tuple args = ()
        cdef object upcall
        cdef object value = None
        cdef PyObject *only = NULL
        cdef bint found
        c.p = data
        c.end = data + n
        c.left = 0
        c.depth = 0
        try:
            if codec.get_head(&c, IDS, v) == 0:
                return False
            code = v[0]
            if code == EVENT:
                upcall = self._on_event
            elif code == RESULT:
                upcall = self._on_result
            elif code == INVOCATION:
                upcall = self._on_invocation
            else:
                upcall = self._on_published
            if upcall is None:
                return False
            if code != PUBLISHED:
                if not has_more(codec, &c):
                    return False
                details = codec.get_map(&c)
                if details is not None and not plain_details(details):
                    return False
                if has_more(codec, &c):
                    value = codec.get_only(&c, &found)
                    if found:
                        only = <PyObject *>value
                    else:
                        args = codec.get_array(&c)
                    if has_more(codec, &c):
                        kwargs = codec.get_map(&c)
                        if kwargs is not None and not plain_kwargs(kwargs):
                            return False
            if has_more(codec, &c):
                return False
            codec.done(&c)
        except DecodeError:
            return False
        if only is not NULL and (details is not None or kwargs is not None):
            args = (value,)
            only = NULL
        if code == RESULT:
            if details is not None or kwargs is not None or not self._complete(v[1], only, args):
                upcall(v[1], details, args if only is NULL else (value,), kwargs)
        elif code == PUBLISHED:
            upcall(v[1], v[2])
        elif details is not None or not (self._handle(v[1], only, args, kwargs) if code == EVENT
                                         else self._invoke(v[1], v[2], only, args, kwargs)):
            upcall(v[1], v[2], details, args if only is NULL else (value,), kwargs)
        return True

    cdef bint _handle(self, long long subscription, PyObject *only, tuple args, dict kwargs) except -1:
        # Handlers that want no details are called here. False: this is for the session, and nothing was done.
        cdef tuple handlers
        if self._subscriptions is None:
            return False
        handlers = self._subscriptions.get(subscription)
        if handlers is None:
            return False
        if len(handlers) == 1:
            each = handlers[0]
            handler = abf_get(each, "handler", &abf_handler)
            if abf_get(handler, "details_arg", &abf_handler_details) is not None:
                return False
            self._call_handler(each, abf_get(handler, "fn", &abf_handler_fn), only, args, kwargs)
            return True
        for each in handlers:
            if each.handler.details_arg is not None:
                return False
        for each in handlers:
            self._call_handler(each, each.handler.fn, only, args, kwargs)
        return True

    cdef int _call_handler(self, object subscription, object fn, PyObject *only, tuple args, dict kwargs) except -1:
        # A call makes kwargs of its own.
        session = self.session
        try:
            if only is not NULL:
                result = fn(<object>only)
            else:
                result = fn(*args) if kwargs is None else fn(*args, **kwargs)
        except Exception as exc:
            session._handler_failed(subscription, exc)
        else:
            if not is_plain(result):
                session._on_handled(subscription, result)
        return 0

    cdef bint _invoke(self, long long request, long long registration, PyObject *only, tuple args, dict kwargs) except -1:
        # An endpoint that wants no details is called here, and a plain result sent, without a step through the session.
        # False: this is for the session, and nothing was done.
        cdef Outgoing m
        cdef PyObject *given
        if self._registrations is None:
            return False
        reg = self._registrations.get(registration)
        if reg is None or self._invocations and request in self._invocations:
            return False
        endpoint = abf_get(reg, "endpoint", &abf_endpoint)
        if abf_get(endpoint, "details_arg", &abf_endpoint_details) is not None:
            return False
        session = self.session
        try:
            fn = abf_get(endpoint, "fn", &abf_endpoint_fn)
            if only is not NULL:
                result = fn(<object>only)
            else:
                result = fn(*args) if kwargs is None else fn(*args, **kwargs)
        except BaseException as exc:
            session._on_raised(request, reg, exc)
            return True
        if not is_plain(result) or session._live is not self:
            session._on_returned(request, reg, result)
            return True
        try:
            given = <PyObject *>result
            m.code = YIELD
            m.request = request
            m.uri = m.options = m.kwargs = NULL
            m.middle = NULL
            m.args = &given
            m.n = 1
            self.request(&m)
        except Exception as exc:
            session._on_unsent(request, reg, exc)
        return True

    cdef bint _complete(self, long long request, PyObject *only, tuple args) except -1:
        # The plain result of a call without options: its future is completed here, without a step through the session.
        if self._plain_calls is None or len(args) > 1 or self._call_options and request in self._call_options:
            return False
        future = self._plain_calls.take(request)
        if future is None:
            return False
        result = <object>only if only is not NULL else (args[0] if args else None)
        try:
            if type(future) is self._future_type:
                self._set_result(future, result)
            else:
                future.set_result(result)
        except Exception:
            if not future.done():       # else the application has completed it itself
                raise
        return True
