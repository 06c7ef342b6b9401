# SPDX-License-Identifier: MIT
"""The router's side of a connection: messages in with their payload left as it is, messages out around such a payload.

Knows the layout of PUBLISH, CALL, YIELD, ERROR in and of EVENT, INVOCATION, RESULT, ERROR out. A payload is copied to
peers of the same serializer and decoded only for those of another one, once for each serializer. Does not know
subscriptions, registrations, realms or transports: the session (``router.session``) and its realm do.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from autobahn_fast._core.batch cimport Batch
from autobahn_fast._core.buffer cimport WriteBuffer
from autobahn_fast._core.codec cimport MAX_ID, Codec, Cursor, Statistics
from autobahn_fast._core.engine cimport Engine, Sink
from autobahn_fast._core.exchange cimport Exchange
from autobahn_fast._core.kernels cimport abf_utf8_feed, abf_utf8_reset, abf_utf8_t

from autobahn_fast._core.codec import DecodeError, EncodeError
from autobahn_fast._core.engine import EngineClosed, PayloadTooLarge

cdef enum:
    ERROR = 8
    PUBLISH = 16
    EVENT = 36
    CALL = 48
    RESULT = 50
    INVOCATION = 68
    YIELD = 70
    NOTHING = -1                # in place of an id that a message does not have
    WHOLE = 0                   # in place of the type of a message that is written already

cdef enum:                      # kinds of value, as far as a payload element is concerned
    OTHER, NIL, ARRAY, MAP, OCTETS

cdef enum:
    PLAIN_DEPTH = 64            # deeper payloads are decoded to see whether they are sound

# How peers write "absent" besides null: MessagePack extension 0 (msgpack5's undefined) and CBOR undefined.
cdef frozenset ABSENT = frozenset(("ExtType", "UndefinedType", "undefined_type"))


cdef bint is_absent(object v):
    return v is None or type(v).__name__ in ABSENT


cdef dict present(dict options):
    # Options that were given a value; None when there are none.
    cdef dict kept = {}
    for name, v in options.items():
        if not is_absent(v):
            kept[name] = v
    return kept or None


# What octets with an "undefined" among them have in them; others may have it, too.
cdef dict UNDEFINED = {"cbor": b"\xf7", "msgpack": b"\xd4\x00"}


cdef bint is_undefined(object v):
    cdef str name = type(v).__name__
    return name in ABSENT and (name != "ExtType" or v.code == 0)


cdef object defined(object v):
    # As JSON.stringify has it: null for "undefined" in arrays, and maps without it. Codecs bound how deep values nest.
    if type(v) is list:
        return [None if is_undefined(item) else defined(item) for item in <list>v]
    if type(v) is dict:
        return {key: defined(item) for key, item in (<dict>v).items() if not is_undefined(item)}
    return v


cdef const unsigned char *plain(const unsigned char *p, const unsigned char *end, int depth) noexcept nogil:
    # Behind the MessagePack value at p when it is surely sound: whole, UTF-8 in texts, map keys texts, no extensions,
    # not deep. NULL: unsure, decode it. Every length is compared with what follows before it is used.
    cdef unsigned int code
    cdef unsigned long long n = 0, i
    cdef int octets = 0
    cdef bint is_map
    cdef abf_utf8_t utf8
    if p >= end or depth > PLAIN_DEPTH:
        return NULL
    code = p[0]
    p += 1
    if code < 0x80 or code >= 0xE0 or code == 0xC0 or code == 0xC2 or code == 0xC3:
        return p
    if 0xCA <= code <= 0xD3:                                    # numbers
        octets = (4 << (code - 0xCA)) if code <= 0xCB else (1 << ((code - 0xCC) & 3))
        return p + octets if end - p >= octets else NULL
    if code < 0xC0:
        n = (code & 0x1F) if code >= 0xA0 else (code & 0x0F)
    else:
        if 0xC4 <= code <= 0xC6:
            octets = 1 << (code - 0xC4)
        elif 0xD9 <= code <= 0xDB:
            octets = 1 << (code - 0xD9)
        elif code >= 0xDC:
            octets = 2 << (code & 1)
        else:
            return NULL                                         # extensions and 0xC1
        if end - p < octets:
            return NULL
        for i in range(<unsigned long long>octets):
            n = (n << 8) | p[i]
        p += octets
    if n > <unsigned long long>(end - p):
        return NULL
    if 0xC4 <= code <= 0xC6:
        return p + n
    if 0xA0 <= code <= 0xBF or 0xD9 <= code <= 0xDB:
        abf_utf8_reset(&utf8)
        if abf_utf8_feed(&utf8, p, n) != n or utf8.state != 0:
            return NULL
        return p + n
    is_map = code < 0x90 or code >= 0xDE
    for i in range(n):
        if is_map:
            if p >= end or not (0xA0 <= p[0] <= 0xBF or 0xD9 <= p[0] <= 0xDB):
                return NULL
            p = plain(p, end, depth + 1)
            if p == NULL:
                return NULL
        p = plain(p, end, depth + 1)
        if p == NULL:
            return NULL
    return p


cdef int put_message(Codec codec, WriteBuffer out, int code, long long a, long long b, dict details, str uri,
                     int count, bytes octets) except -1:
    # [code, a, b?, details, uri?, *payload]
    codec.begin(out, 3 + (b != NOTHING) + (uri is not None) + count)
    codec.put_int(out, code)
    codec.sep(out)
    codec.put_int(out, a)
    codec.sep(out)
    if b != NOTHING:
        codec.put_int(out, b)
        codec.sep(out)
    if details is None:
        codec.put_empty_map(out)
    else:
        codec.put(out, details)
    if uri is not None:
        codec.sep(out)
        codec.put_text(out, uri)
    if count:
        codec.sep(out)
        out.put(PyBytes_AS_STRING(octets), PyBytes_GET_SIZE(octets))
    return codec.finish(out)


cdef class Payload:
    """Arguments of an application message, encoded: ``count`` elements (args, kwargs) and their ``octets`` in ``codec``.

    :param codec: the codec of ``octets``.
    :param values: the elements, 0 to 2 of them.
    :raises EncodeError: the codec cannot write them.
    """

    def __init__(self, Codec codec not None, list values not None):
        self.codec = codec
        self.count = len(values)
        self.octets = encode_elements(codec, values)

    cpdef list values(self):
        """Decode the elements.

        :raises DecodeError: the octets are no values.
        """
        cdef WriteBuffer out
        if self.count == 0:
            return []
        out = WriteBuffer.__new__(WriteBuffer)
        self.codec.begin(out, self.count)
        out.put(PyBytes_AS_STRING(self.octets), PyBytes_GET_SIZE(self.octets))
        self.codec.finish(out)
        return self.codec.loads(out.take())

    cdef bytes encoded(self, Codec codec):
        if self.count == 0 or codec is self.codec or codec.name == self.codec.name:
            return self.octets
        if self._others is None:
            self._others = {}
        known = self._others.get(codec.name)
        if known is None:
            try:
                values = self.values()
                mark = UNDEFINED.get(self.codec.name)
                if mark is not None and mark in self.octets:
                    values = defined(values)
                known = encode_elements(codec, values)
            except (EncodeError, DecodeError) as exc:
                known = EncodeError(f"a payload sent as {self.codec.name} cannot be written as {codec.name}: {exc}")
            self._others[codec.name] = known
        if isinstance(known, EncodeError):
            raise known.with_traceback(None)
        return known

    def octets_in(self, Codec codec not None) -> bytes:
        """The elements in another codec; worked out once for each.

        :raises EncodeError: the codec cannot write them.
        """
        return self.encoded(codec)


cdef bytes encode_elements(Codec codec, list values):
    cdef WriteBuffer out = WriteBuffer.__new__(WriteBuffer)
    cdef bint first = True
    for v in values:
        if not first:
            codec.sep(out)
        first = False
        codec.put(out, v)
    return out.take()


cdef Payload raw_payload(Codec codec, int count, const unsigned char *p, Py_ssize_t n):
    cdef Payload payload = Payload.__new__(Payload)
    payload.codec = codec
    payload.count = count
    payload.octets = PyBytes_FromStringAndSize(<const char *>p, n)
    return payload


cdef class RouterWire(Sink):
    """One client's messages, both ways. What comes in goes to ``session``:

    ``_on_publish(request, options, topic, payload)``, ``_on_call(request, options, procedure, payload)``,
    ``_on_yield(request, options, payload)``, ``_on_error(request, details, error, payload)`` (ERROR for INVOCATION),
    ``on_message(msg)`` for everything else, ``_on_failure(exc)`` for octets that are no message and for whatever the
    others raise, ``_on_lag()`` when more than ``max_lag`` octets wait for a peer that does not read, and
    ``_on_dropped(exc, subscription)`` for an event that this peer cannot be sent. ``options`` and ``details`` are None
    when empty.

    :param engine: where messages go; the caller makes this object its sink.
    :param codec: the serializer agreed on.
    :param session: see above.
    :param parse: ``parse(list) -> message``; raises an exception on what is no message.
    :param statistics: counters shared with the transport's serializer.
    :param batch: how messages are told apart when several share one transport message; None: each has its own. Messages
        that the engine joins go out in one batch.
    :param exchange: has what goes out in a loop turn sent at its end; None: the engine sends as it does for everybody.
    """

    def __cinit__(self, Engine engine not None, Codec codec not None, session, parse, Statistics statistics=None,
                  Batch batch=None, Exchange exchange=None):
        self.engine = engine
        self.codec = codec
        self.batch = batch
        self.exchange = exchange
        self.statistics = statistics
        self._msgpack = codec.name == "msgpack"
        self._ubjson = codec.name == "ubjson"
        self._parse = parse
        self._on_publish = session._on_publish
        self._on_call = session._on_call
        self._on_yield = session._on_yield
        self._on_error = session._on_error
        self._on_message = session.on_message
        self._on_failure = session._on_failure
        self._on_lag = session._on_lag
        self._on_dropped = session._on_dropped

    def close(self) -> None:
        """Forget the session; nothing is taken any more."""
        self._on_publish = self._on_call = self._on_yield = self._on_error = self._on_message = None
        self._on_failure = self._on_lag = self._on_dropped = self._parse = None

    # --- in ---

    cdef int take(self, const unsigned char *data, Py_ssize_t n, bint binary) except -1:
        cdef Batch batch = self.batch
        cdef const unsigned char *body
        cdef const unsigned char *end = data + n
        if self._on_failure is None:
            return 0
        try:
            if binary != self.codec.binary:
                raise DecodeError(f"a {'binary' if binary else 'text'} message where the serializer "
                                  f"{self.codec.name} has the other kind")
            if self.statistics is not None:
                if batch is None:
                    self.statistics.count_in(n)
                else:
                    self.statistics.count_batch(n, batch.count(data, n))
            if batch is None:
                return self._take_one(data, n)
            if n == 0:
                raise DecodeError("a batch without a message")
            # Octets stay where they are until this returns, also when the connection is closed in between.
            while data < end and self._on_failure is not None and self.engine.reading:
                body = batch.next(&data, end, &n)
                self._take_one(body, n)
        except Exception as exc:
            if self._on_failure is None:
                raise
            self._on_failure(exc)
        return 0

    cdef int _take_one(self, const unsigned char *data, Py_ssize_t n) except -1:
        try:
            self._route(data, n)
        except Exception as exc:
            if self._on_failure is None:
                raise
            self._on_failure(exc)
        return 0

    def receive(self, const unsigned char[::1] data not None, bint binary) -> None:
        """Take one whole message, as from the engine."""
        if data.shape[0] == 0:
            self.take(b"", 0, binary)
        else:
            self.take(&data[0], data.shape[0], binary)

    cdef int _route(self, const unsigned char *p, Py_ssize_t n) except -1:
        cdef Cursor c
        cdef long long code
        c.p = p
        c.end = p + n
        c.left = 0
        c.depth = 0
        self.codec.enter(&c)
        self._next(&c)
        code = self.codec.get_int(&c)
        if code == PUBLISH or code == CALL or code == YIELD or code == ERROR:
            if not self.joined:
                if self.left:
                    return 0
                raise DecodeError(f"a message of type {code} before HELLO")
            if code == PUBLISH:
                return self._publish(&c)
            if code == CALL:
                return self._call(&c)
            return self._yield(&c) if code == YIELD else self._error(&c)
        return self._other(p, n)

    cdef int _publish(self, Cursor *c) except -1:
        cdef long long request = self._id(c)
        cdef dict options = self._options(c)
        cdef str topic = self._uri(c)
        self._on_publish(request, options, topic, self._payload(c, options))
        return 0

    cdef int _call(self, Cursor *c) except -1:
        cdef long long request = self._id(c)
        cdef dict options = self._options(c)
        cdef str procedure = self._uri(c)
        self._on_call(request, options, procedure, self._payload(c, options))
        return 0

    cdef int _yield(self, Cursor *c) except -1:
        cdef long long request = self._id(c)
        cdef dict options = self._options(c)
        self._on_yield(request, options, self._payload(c, options))
        return 0

    cdef int _error(self, Cursor *c) except -1:
        cdef long long request
        cdef dict details
        cdef str uri
        self._next(c)
        if self.codec.get_int(c) != INVOCATION:
            raise DecodeError("an ERROR for something that a router never asks of a client")
        request = self._id(c)
        details = self._options(c)
        uri = self._uri(c)
        self._on_error(request, details, uri, self._payload(c, details))
        return 0

    cdef int _other(self, const unsigned char *p, Py_ssize_t n) except -1:
        cdef list raw = self.codec.load(p, n)
        for i in range(len(raw)):
            if type(raw[i]) is dict:
                raw[i] = present(raw[i]) or {}
        self._on_message(self._parse(raw))
        return 0

    cdef int _next(self, Cursor *c) except -1:
        if not self.codec.more(c):
            raise DecodeError("a message has too few elements")
        return 0

    cdef long long _id(self, Cursor *c) except -1:
        cdef long long id
        self._next(c)
        id = self.codec.get_int(c)
        if id < 1 or id > MAX_ID:
            raise DecodeError(f"{id} is no id: ids are from 1 to 2^53")
        return id

    cdef dict _options(self, Cursor *c):
        cdef dict options
        self._next(c)
        options = self.codec.get_map(c)
        return None if options is None else present(options)

    cdef str _uri(self, Cursor *c):
        self._next(c)
        uri = self.codec.get(c)
        if type(uri) is not str:
            raise DecodeError(f"a URI is text, not {type(uri).__name__}")
        return uri

    cdef Payload _payload(self, Cursor *c, dict options):
        cdef const unsigned char *start
        cdef const unsigned char *end
        cdef int first, second = NIL, count = 1
        if not self.codec.more(c):
            self.codec.done(c)
            return raw_payload(self.codec, 0, NULL, 0)
        start = c.p
        first = self._kind(c)
        self._step(c)
        end = c.p
        if first != ARRAY and first != NIL and not (first == OCTETS and options is not None and "enc_algo" in options):
            raise DecodeError("the arguments of a message are not an array")
        if self.codec.more(c):
            second = self._kind(c)
            if second != MAP and second != NIL:
                raise DecodeError("the keyword arguments of a message are not a map")
            if first == OCTETS:
                raise DecodeError("keyword arguments behind an encrypted payload")
            self._step(c)
            if second == MAP:
                count = 2
                end = c.p
            if self.codec.more(c):
                raise DecodeError("a message has too many elements")
        self.codec.done(c)
        if first == NIL:
            if second == NIL:
                return raw_payload(self.codec, 0, NULL, 0)
            return Payload(self.codec, [[], raw_payload(self.codec, 2, start, end - start).values()[1]])
        return raw_payload(self.codec, count, start, end - start)

    cdef int _kind(self, const Cursor *c) noexcept:
        # The kind of the value that is next, by its first octet; what it says is checked when the value is stepped over.
        cdef unsigned int code
        if c.p >= c.end:
            return OTHER
        code = c.p[0]
        if not self.codec.binary:
            if code == c"[":
                return ARRAY
            if code == c"{":
                return MAP
            if code == c"n":
                return NIL
            return OCTETS if code == c'"' else OTHER
        if self._msgpack:
            if 0x90 <= code <= 0x9F or code == 0xDC or code == 0xDD:
                return ARRAY
            if 0x80 <= code <= 0x8F or code == 0xDE or code == 0xDF:
                return MAP
            if code == 0xC0:
                return NIL
            return OCTETS if 0xA0 <= code <= 0xBF or 0xC4 <= code <= 0xC6 or 0xD9 <= code <= 0xDB else OTHER
        if self._ubjson:
            if code == c"[":
                return OCTETS if c.end - c.p > 2 and c.p[1] == c"$" and (c.p[2] == c"B" or c.p[2] == c"U") else ARRAY
            if code == c"{":
                return MAP
            if code == c"Z":
                return NIL
            return OCTETS if code == c"S" or code == c"C" else OTHER
        if code == 0xF6 or code == 0xF7:
            return NIL
        if code >> 5 == 4:
            return ARRAY
        if code >> 5 == 5:
            return MAP
        return OCTETS if code >> 5 == 2 or code >> 5 == 3 else OTHER

    cdef int _step(self, Cursor *c) except -1:
        # Step over a payload element, sure that every peer can read it: what one client sends must not end the
        # connection of another.
        cdef const unsigned char *end
        if self._msgpack:
            end = plain(c.p, c.end, 0)
            if end != NULL:
                c.p = end
                return 0
        self.codec.get(c)
        return 0

    # --- out ---

    cdef int _send(self, int code, long long a, long long b, dict details, str uri, int count, bytes octets) except -1:
        # One message; with WHOLE in place of its code octets are all of it. Nothing happens when the connection is closing.
        cdef WriteBuffer out
        cdef Py_ssize_t start
        try:
            out = self.engine.open_message()
        except EngineClosed:
            return 0
        start = out.size
        try:
            if self.batch is not None:
                self.batch.begin(out)
            if code == WHOLE:
                out.put(PyBytes_AS_STRING(octets), PyBytes_GET_SIZE(octets))
            else:
                put_message(self.codec, out, code, a, b, details, uri, count, octets)
            if self.batch is not None:
                self.batch.end(out, start)
        except:
            self.engine.abandon()
            raise
        return self._sealed(out.size - start)

    cdef int _send_whole(self, bytes octets) except -1:
        if self.batch is not None:
            return self._send(WHOLE, NOTHING, NOTHING, None, None, 0, octets)
        if self.exchange is not None:
            self.exchange.hold(self.engine)
        try:
            self.engine.send(octets, self.codec.binary)
        except EngineClosed:
            return 0
        return self._sent(PyBytes_GET_SIZE(octets))

    cdef int _sealed(self, Py_ssize_t size) except -1:
        if self.exchange is not None:
            self.exchange.hold(self.engine)
        if self.batch is None:
            self.engine.seal(self.codec.binary)
        else:
            self.engine.seal_batch(self.codec.binary)
        return self._sent(size)

    cdef int _sent(self, Py_ssize_t size) except -1:
        if self.statistics is not None:
            self.statistics.count_out(size)
        if self._paused and self.engine.octets_out - self._paused_at > self.max_lag > 0 and self._on_lag is not None:
            self._on_lag()
        return 0

    cdef int _pass_on(self, int code, long long a, long long b, dict details, Payload payload) except -1:
        if payload is None:
            raise TypeError("a Payload is passed on, not None; one of no elements is Payload(codec, [])")
        return self._send(code, a, b, details, None, payload.count, payload.encoded(self.codec))

    cpdef invocation(self, long long request, long long registration, dict details, Payload payload):
        """Send INVOCATION.

        :raises EncodeError: the payload cannot be written in this peer's serializer.
        :raises PayloadTooLarge: it is larger than this peer takes.
        """
        self._pass_on(INVOCATION, request, registration, details, payload)

    cpdef result(self, long long request, dict details, Payload payload):
        """Send RESULT; raises as :meth:`invocation`."""
        self._pass_on(RESULT, request, NOTHING, details, payload)

    cpdef error(self, int request_type, long long request, str error, dict details, Payload payload):
        """Send ERROR; raises as :meth:`invocation`. ``payload`` may be None."""
        if payload is None:
            self._send(ERROR, request_type, request, details, error, 0, None)
        else:
            self._send(ERROR, request_type, request, details, error, payload.count, payload.encoded(self.codec))

    def error_text(self, int request_type, long long request, str error, str text) -> None:
        """Send ERROR with one argument that says what was wrong."""
        self._send(ERROR, request_type, request, None, error, 1, encode_elements(self.codec, [[text]]))

    def send(self, msg) -> None:
        """Send a message object (anything with ``marshal() -> list``); nothing happens when the connection is closing."""
        self._send_whole(self.codec.dumps(msg.marshal()))

    # --- flow control ---

    @property
    def paused(self) -> bool:
        """Whether the transport holds more than it wants to."""
        return self._paused

    def pause(self) -> None:
        """The transport's buffer is full: from here on the lag is watched."""
        self._paused = True
        self._paused_at = self.engine.octets_out

    def resume(self) -> None:
        """The transport takes octets again."""
        self._paused = False

    def set_lag(self, unsigned long long octets) -> None:
        """Say how many octets wait in the transport's buffer in truth."""
        self._paused_at = self.engine.octets_out - min(octets, self.engine.octets_out)


def fan_out(tuple wires, RouterWire exclude, long long subscription, long long publication, dict details,
            Payload payload not None) -> int:
    """Send one EVENT to all ``wires`` (RouterWire objects) but ``exclude``, encoded once for each serializer.

    A receiver that cannot be sent this event (serializer, size, failing transport) is left out and told to
    ``_on_dropped``.

    :returns: to how many it was sent.
    """
    cdef RouterWire wire
    cdef Codec codec = None
    cdef bytes body = None
    cdef dict bodies = None
    cdef WriteBuffer out
    cdef Py_ssize_t sent = 0, size = len(wires)
    for wire in wires:
        if wire is None or wire is exclude:
            continue
        try:
            if size == 1:
                wire._pass_on(EVENT, subscription, publication, details, payload)
            else:
                if codec is None or wire.codec.name != codec.name:
                    if bodies is None:
                        bodies = {}
                    codec = wire.codec
                    body = bodies.get(codec.name)
                    if body is None:
                        out = WriteBuffer.__new__(WriteBuffer)
                        put_message(codec, out, EVENT, subscription, publication, details, None, payload.count,
                                    payload.encoded(codec))
                        body = bodies[codec.name] = out.take()
                wire._send_whole(body)
            sent += 1
        except Exception as exc:                   # a serializer, a size, a transport: that of one receiver only
            if isinstance(exc, EncodeError):
                codec = None                       # body is not of this codec
            if wire._on_dropped is not None:
                wire._on_dropped(exc, subscription)
    return sent
