# SPDX-License-Identifier: MIT
"""Which compression a connection uses: the negotiation of extensions (RFC 6455, section 9.1; RFC 7692, section 5).

Knows offers, answers and the registry in ``compress``. What is chosen is decided by the functions that users set as
``perMessageCompressionAccept``; what compresses is the extension's class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from autobahn_fast.websocket._http import HttpError

__all__ = ("choose_offer", "deflate_accept", "deflate_options", "deflate_server_options", "take_response")

Extensions = Iterable[tuple[str, Mapping[str, Sequence[Any]]]]


def choose_offer(extensions: Extensions, accept: Callable[[list[Any]], Any]) -> tuple[Any, str] | None:
    """Choose out of what a client offers.

    An offer that is not valid is declined, as if it was not there (RFC 7692, section 7.1); the next one may do.

    :param extensions: the extensions it offers. :param accept: the server's ``perMessageCompressionAccept``.
    :returns: (compressor and decompressor, text for the answer), or None for no compression.
    :raises TypeError: ``accept`` returned something else than an acceptance of the offers' classes, or None.
    """
    from autobahn_fast.websocket.compress import PERMESSAGE_COMPRESSION_EXTENSION as known
    from autobahn_fast.websocket.compress_base import ExtensionError

    offers = []
    for name, params in extensions:
        if name in known:
            try:
                offers.append(known[name]["Offer"].parse(params))
            except ExtensionError:
                continue
    if not offers:
        return None
    chosen = accept(offers)
    if chosen is None:
        return None
    classes = known.get(getattr(chosen, "EXTENSION_NAME", ""))
    if classes is None or not isinstance(chosen, classes["OfferAccept"]):
        raise TypeError(
            f"perMessageCompressionAccept of a server returns None or the OfferAccept of an extension, not {chosen!r}"
        )
    return classes["PMCE"].create_from_offer_accept(True, chosen), chosen.get_extension_string()


def take_response(extensions: Extensions, offers: Iterable[Any], accept: Callable[[Any], Any]) -> Any:
    """Take what a server chose.

    :param extensions: the extensions it selected. :param offers: what was offered to it.
    :param accept: the client's ``perMessageCompressionAccept``.
    :returns: the compressor and decompressor, or None for no compression.
    :raises HttpError: it selected what was not offered, more than one extension, or what ``accept`` does not accept.
    :raises TypeError: ``accept`` returned something else than an acceptance of the response's class, or None.
    """
    pmce = None
    for name, params in extensions:
        matching = [offer for offer in offers if getattr(offer, "EXTENSION_NAME", None) == name]
        if not matching:
            raise HttpError(400, f"the server selected the extension {name[:40]!r}, which was not offered")
        if pmce is not None:
            raise HttpError(400, "the server selected more than one compression extension")
        pmce = _use(name, params, matching, accept)
    return pmce


def _use(name: str, params: Mapping[str, Sequence[Any]], offers: Iterable[Any], accept: Callable[[Any], Any]) -> Any:
    from autobahn_fast.websocket.compress import PERMESSAGE_COMPRESSION_EXTENSION as known
    from autobahn_fast.websocket.compress_base import ExtensionError

    classes = known[name]
    try:
        response = classes["Response"].parse(params)
    except ExtensionError as e:
        raise HttpError(400, f"the server's answer to the offer of compression is not valid: {e}") from None
    refusals = [offer._refusal(response) for offer in offers]
    if None not in refusals:
        raise HttpError(400, f"the server's answer fits no offer of compression: {refusals[0]}")
    chosen = accept(response)
    if chosen is None:
        raise HttpError(
            400, f"the compression the server selected ({name}) is not accepted: set perMessageCompressionAccept"
        )
    if not isinstance(chosen, classes["ResponseAccept"]):
        raise TypeError(
            "perMessageCompressionAccept of a client returns None or "
            f"{classes['ResponseAccept'].__name__}, not {chosen!r}"
        )
    return classes["PMCE"].create_from_response_accept(False, chosen)


def deflate_options() -> dict[str, Any]:
    """Return the options of a client factory that wants permessage-deflate, with whatever parameters."""
    from autobahn_fast.websocket.compress_deflate import PerMessageDeflateOffer

    return {"perMessageCompressionOffers": [PerMessageDeflateOffer()], "perMessageCompressionAccept": deflate_accept}


def deflate_accept(response: Any) -> Any:
    """A client's ``perMessageCompressionAccept``: permessage-deflate, as the server wants it."""
    from autobahn_fast.websocket.compress_deflate import PerMessageDeflateResponse, PerMessageDeflateResponseAccept

    return PerMessageDeflateResponseAccept(response) if isinstance(response, PerMessageDeflateResponse) else None


def deflate_server_options() -> dict[str, Any]:
    """Return the options of a server factory that takes the first offer of permessage-deflate, with the client's parameters."""
    return {"perMessageCompressionAccept": _accept_deflate_offer}


def _accept_deflate_offer(offers: Iterable[Any]) -> Any:
    from autobahn_fast.websocket.compress_deflate import PerMessageDeflateOffer, PerMessageDeflateOfferAccept

    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)
    return None
