# SPDX-License-Identifier: MIT
"""The demo and the end-to-end bench: ``python -m autobahn_fast demo`` and ``python -m autobahn_fast bench``.

``main`` reads the command line, ``scenario`` runs one combination of loop, transport and serializer through a router
with three processes (``workers``: a subscriber, a callee, and a driver that publishes and calls), ``processes`` starts
and talks to processes, ``progress`` shows what happens while it happens, ``table`` prints the result.
"""
