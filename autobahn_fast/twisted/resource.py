# SPDX-License-Identifier: MIT
"""WebSocket and WSGI in a twisted.web site: ``WebSocketResource`` hands a request's connection to a WebSocket factory.

Knows twisted.web requests; the handshake and all that follows is the factory's connection.
"""

from __future__ import annotations

from typing import Any

from twisted.protocols.policies import ProtocolWrapper
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

__all__ = ("WSGIRootResource", "WebSocketResource")


class WSGIRootResource(Resource):
    """The root of a site that is a WSGI application, with some resources of twisted.web before it."""

    def __init__(self, wsgiResource: Any, children: dict[Any, Any]) -> None:
        """:param wsgiResource: ``twisted.web.wsgi.WSGIResource``. :param children: resources by the first segment of their path (bytes)."""
        Resource.__init__(self)
        self._wsgiResource = wsgiResource
        self.children = children

    def getChild(self, path: bytes, request: Any) -> Any:
        """Return the WSGI resource: no child of that name was found."""
        request.prepath.pop()
        request.postpath.insert(0, path)
        return self._wsgiResource


@implementer(IResource)
class WebSocketResource:
    """A leaf of a twisted.web site that speaks WebSocket."""

    isLeaf = True

    def __init__(self, factory: Any) -> None:
        """:param factory: a ``WebSocketServerFactory``, started by whoever made it."""
        self._factory = factory

    def getChildWithDefault(self, name: bytes, request: Any) -> Any:
        """twisted.web: there are no children.

        :raises RuntimeError: always.
        """
        raise RuntimeError("a WebSocketResource is a leaf: it has no children")

    def putChild(self, path: bytes, child: Any) -> None:
        """twisted.web: there are no children. Does nothing."""

    def render(self, request: Any) -> Any:
        """twisted.web: take the connection of the request over and give it what came in so far.

        :returns: ``NOT_DONE_YET``, or an empty body with status 500 when the factory wants no connection.
        """
        channel = request.channel
        transport = channel.transport
        connection = self._factory.buildProtocol(transport.getPeer())
        if connection is None:
            request.setResponseCode(500)
            return b""
        head = _request_head(request)
        body = request.content.read() if request.content is not None else b""
        # The HTTP channel is the producer of its transport and would time the connection out.
        channel.setTimeout(None)
        transport.unregisterProducer()
        channel.transport = None
        _hand_over(transport, channel, connection)
        connection.makeConnection(transport)
        connection.dataReceived(head + body)
        return NOT_DONE_YET


def _hand_over(transport: Any, channel: Any, connection: Any) -> None:
    """Have a transport deliver to the connection from now on."""
    if isinstance(transport, ProtocolWrapper):  # TLS, and policies in general
        transport.wrappedProtocol = connection
        return
    owner = transport.protocol
    wrapped = getattr(owner, "_wrappedProtocol", None)
    if wrapped is not None:  # an endpoint's wrapper
        owner._wrappedProtocol = connection
    else:
        transport.protocol = connection


def _request_head(request: Any) -> bytes:
    """The head of a request, as it came in."""
    lines = [b"%s %s HTTP/1.1" % (request.method, request.uri)]
    for name, values in request.requestHeaders.getAllRawHeaders():
        lines += [b"%s: %s" % (name, value) for value in values]
    return b"\r\n".join([*lines, b"", b""])
