# SPDX-License-Identifier: MIT
"""What extensions share whose only parameters are ``client_no_context_takeover`` and ``server_no_context_takeover``.

Those are permessage-brotli and permessage-snappy. Does not know any algorithm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autobahn_fast.websocket import compress_base as base
from autobahn_fast.websocket.compress_base import ExtensionError, check_instance, check_type, flag

CLIENT = "client_no_context_takeover"
SERVER = "server_no_context_takeover"


class TakeoverOffer(base.PerMessageCompressOffer):
    """What a client offers."""

    EXTENSION_NAME = ""
    _fields = ("accept_no_context_takeover", "request_no_context_takeover")

    @classmethod
    def parse(cls, params: Mapping[str, Sequence[Any]]) -> Any:
        """Read the parameters of an offer.

        :param params: see ``parse_extensions``. :raises ExtensionError: they are not valid.
        """
        read = base.read_parameters(cls.EXTENSION_NAME, params, {CLIENT: flag, SERVER: flag})
        return cls(read.get(CLIENT, False), read.get(SERVER, False))

    def __init__(self, accept_no_context_takeover: bool = True, request_no_context_takeover: bool = False) -> None:
        """
        :param accept_no_context_takeover: the server may ask this client to compress every message by itself.
        :param request_no_context_takeover: the server shall compress every message by itself.
        """
        check_type("accept_no_context_takeover", accept_no_context_takeover, bool)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        self.accept_no_context_takeover = accept_no_context_takeover
        self.request_no_context_takeover = request_no_context_takeover

    def get_extension_string(self) -> str:
        """Return the offer as it stands in the header."""
        return base.extension_string(
            self.EXTENSION_NAME, (CLIENT, self.accept_no_context_takeover), (SERVER, self.request_no_context_takeover)
        )

    def _refusal(self, response: Any) -> str | None:
        if self.request_no_context_takeover and not response.server_no_context_takeover:
            return f"the server does not accept {SERVER}"
        return None


class TakeoverOfferAccept(base.PerMessageCompressOfferAccept):
    """What a server answers to an offer it accepts."""

    EXTENSION_NAME = ""
    _fields = ("offer", "request_no_context_takeover", "no_context_takeover")
    _offer_class: type[TakeoverOffer] = TakeoverOffer

    def __init__(
        self, offer: Any, request_no_context_takeover: bool = False, no_context_takeover: bool | None = None
    ) -> None:
        """
        :param offer: what is accepted.
        :param request_no_context_takeover: the client shall compress every message by itself.
        :param no_context_takeover: this server does so; None: as the client asked.
        :raises ExtensionError: the offer does not allow that.
        """
        check_instance("offer", offer, self._offer_class)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        if request_no_context_takeover and not offer.accept_no_context_takeover:
            raise ExtensionError("request_no_context_takeover: the client does not accept it")
        check_takeover(no_context_takeover, offer.request_no_context_takeover, "client")
        self.offer = offer
        self.request_no_context_takeover = request_no_context_takeover
        self.no_context_takeover = no_context_takeover

    def get_extension_string(self) -> str:
        """Return the answer as it stands in the header."""
        return base.extension_string(
            self.EXTENSION_NAME,
            (SERVER, self.offer.request_no_context_takeover),
            (CLIENT, self.request_no_context_takeover),
        )


class TakeoverResponse(base.PerMessageCompressResponse):
    """What a server answered."""

    EXTENSION_NAME = ""
    _fields = (CLIENT, SERVER)

    @classmethod
    def parse(cls, params: Mapping[str, Sequence[Any]]) -> Any:
        """Read the parameters of an answer.

        :param params: see ``parse_extensions``. :raises ExtensionError: they are not valid.
        """
        read = base.read_parameters(cls.EXTENSION_NAME, params, {CLIENT: flag, SERVER: flag})
        return cls(read.get(CLIENT, False), read.get(SERVER, False))

    def __init__(self, client_no_context_takeover: bool, server_no_context_takeover: bool) -> None:
        """
        :param client_no_context_takeover: the client has to compress every message by itself.
        :param server_no_context_takeover: the server does so.
        """
        self.client_no_context_takeover = client_no_context_takeover
        self.server_no_context_takeover = server_no_context_takeover


class TakeoverResponseAccept(base.PerMessageCompressResponseAccept):
    """How a client uses what the server answered."""

    EXTENSION_NAME = ""
    _fields = ("response", "no_context_takeover")
    _response_class: type[TakeoverResponse] = TakeoverResponse

    def __init__(self, response: Any, no_context_takeover: bool | None = None) -> None:
        """
        :param response: the server's answer.
        :param no_context_takeover: this client compresses every message by itself; None: as the server asked.
        :raises ExtensionError: the server asked for something else.
        """
        check_instance("response", response, self._response_class)
        check_takeover(no_context_takeover, response.client_no_context_takeover, "server")
        self.response = response
        self.no_context_takeover = no_context_takeover


class Takeover(base.PerMessageCompress):
    """Compressor and decompressor with these parameters."""

    _fields = ("is_server", SERVER, CLIENT)

    @classmethod
    def create_from_offer_accept(cls, is_server: bool, accept: Any) -> Any:
        """Make the one of a server.

        :param accept: the answer it sent.
        """
        own = accept.no_context_takeover
        return cls(
            is_server,
            accept.offer.request_no_context_takeover if own is None else own,
            accept.request_no_context_takeover,
        )

    @classmethod
    def create_from_response_accept(cls, is_server: bool, accept: Any) -> Any:
        """Make the one of a client.

        :param accept: how it uses the answer it got.
        """
        own, response = accept.no_context_takeover, accept.response
        return cls(
            is_server,
            response.server_no_context_takeover,
            response.client_no_context_takeover if own is None else own,
        )

    def __init__(self, is_server: bool, server_no_context_takeover: bool, client_no_context_takeover: bool) -> None:
        """
        :param is_server: the side this is used on.
        :param server_no_context_takeover: the server compresses every message by itself.
        :param client_no_context_takeover: the client does so.
        """
        self.is_server = is_server
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self._compressor: Any = None
        self._decompressor: Any = None


def check_takeover(value: Any, wanted: bool, peer: str) -> None:
    """Raise ExtensionError unless ``value`` is None or a bool that gives what the peer asked for."""
    if value is None:
        return
    check_type("no_context_takeover", value, bool)
    if wanted and not value:
        raise ExtensionError(f"no_context_takeover must not be False: the {peer} asked for it")
