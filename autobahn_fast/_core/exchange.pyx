# SPDX-License-Identifier: MIT
"""What a router sends to many connections in one loop turn goes to their transports when the turn ends: one call of the loop
for all of them, one system call for each.

Knows engines and turns. Does not know messages.
"""

from autobahn_fast._core.engine cimport Engine


cdef class Exchange:
    """Holds back what engines have to send until the loop turn ends. All of them belong to one loop."""

    def __cinit__(self):
        self._engines = []

    cdef int hold(self, Engine engine) except -1:
        # One whose turn is open, or that is being fed, joins by itself; without a loop nothing is joined.
        if engine._turn_open or engine._corked or engine._defer is None:
            return 0
        if not self._begun:
            engine._defer(self.turn_over)
            self._begun = True
        self._engines.append(engine)
        engine._turn_open = True
        return 0

    def turn_over(self) -> None:
        """The loop turn ends: everything goes to the transports. For ``defer``."""
        cdef Engine engine
        cdef list engines = self._engines
        self._engines = []
        self._begun = False
        for engine in engines:
            try:
                engine.turn_over()
            except Exception as exc:                   # a transport's fault is that of one connection only
                handler = engine.handler
                if handler is not None:
                    handler.on_sink_error(exc)
