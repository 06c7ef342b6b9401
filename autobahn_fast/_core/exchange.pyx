# SPDX-License-Identifier: MIT
"""What a router sends to many connections in one loop turn goes to their sockets when the turn ends: one call of the loop
for all of them, one system call for each.

Knows engines and turns. Does not know messages: what several connections get alike is a ``Held`` of ``fanout``.
"""

from autobahn_fast._core.engine cimport Engine


cdef class Held:
    """Messages that wait for the end of the turn; a subclass in Cython has them."""

    cdef int settle(self) except -1:
        return 0

    cdef int release(self) except -1:
        return 0


cdef class Exchange:
    """The connections of one router, which are all on one loop."""

    def __cinit__(self):
        self._engines = []
        self._held = []

    cdef int _begin(self, Engine engine) except -1:
        if not self._begun:
            engine._defer(self.turn_over)
            self._begun = True
        return 0

    cdef int hold(self, Engine engine) except -1:
        # An engine whose turn is open, or that is being fed, joins what it sends already.
        if engine._turn_open or engine._corked or engine._defer is None:
            return 0
        self._begin(engine)
        self._engines.append(engine)
        engine._turn_open = True
        return 0

    cdef int keep(self, Held held, Engine engine) except -1:
        self._begin(engine)
        self._held.append(held)
        return 0

    def turn_over(self) -> None:
        """The loop turn ends: everything goes to the transports."""
        cdef Held held
        cdef Engine engine
        cdef list together = self._held, engines
        self._begun = False
        self._held = []
        for held in together:
            held.release()
        engines = self._engines
        self._engines = []
        for engine in engines:
            try:
                engine.turn_over()
            except Exception as exc:                   # a transport's fault is that of one connection only
                handler = engine.handler
                if handler is not None:
                    handler.on_sink_error(exc)
