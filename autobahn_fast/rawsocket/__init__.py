# SPDX-License-Identifier: MIT
"""RawSocket, WAMP's own framing over TCP and Unix domain sockets. Connections are in the frameworks' modules."""
