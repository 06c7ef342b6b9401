# SPDX-License-Identifier: MIT
"""Offers, answers and acceptances of all compression extensions, and how a connection negotiates one of them."""

from __future__ import annotations

from typing import Any

import pytest
from _compress_helpers import read
from _ws_helpers import Client, Server, make, request, response

from autobahn_fast.websocket import _extensions
from autobahn_fast.websocket.compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    PMCE,
    PerMessageBrotliOffer,
    PerMessageBrotliOfferAccept,
    PerMessageBrotliResponse,
    PerMessageBrotliResponseAccept,
    PerMessageBzip2,
    PerMessageBzip2Offer,
    PerMessageBzip2OfferAccept,
    PerMessageBzip2Response,
    PerMessageBzip2ResponseAccept,
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
    PerMessageSnappyOffer,
    PerMessageSnappyOfferAccept,
    PerMessageSnappyResponse,
    PerMessageSnappyResponseAccept,
)

OFFERS = [
    (PerMessageDeflateOffer(), "permessage-deflate; client_no_context_takeover; client_max_window_bits"),
    (
        PerMessageDeflateOffer(False, False, True, 9),
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    ),
    (PerMessageDeflateOffer(True, False), "permessage-deflate; client_no_context_takeover"),
    (PerMessageBzip2Offer(), "permessage-bzip2; client_max_compress_level"),
    (PerMessageBzip2Offer(False, 3), "permessage-bzip2; server_max_compress_level=3"),
    (PerMessageBrotliOffer(), "permessage-brotli; client_no_context_takeover"),
    (PerMessageBrotliOffer(False, True), "permessage-brotli; server_no_context_takeover"),
    (PerMessageSnappyOffer(), "permessage-snappy; client_no_context_takeover"),
    (PerMessageSnappyOffer(True, True), "permessage-snappy; client_no_context_takeover; server_no_context_takeover"),
]


@pytest.mark.parametrize(("offer", "text"), OFFERS)
def test_offers(offer, text):
    assert offer.get_extension_string() == text
    again = type(offer).parse(read(text))
    if isinstance(offer, PerMessageDeflateOffer):
        again.accept_no_context_takeover = offer.accept_no_context_takeover  # every client can
    assert repr(again) == repr(offer)
    assert repr(offer).startswith(type(offer).__name__ + "(accept_")


def test_registry():
    assert PERMESSAGE_COMPRESSION_EXTENSION["permessage-deflate"] is not None
    for name, parts in PERMESSAGE_COMPRESSION_EXTENSION.items():
        assert set(parts) == set(PMCE) == {"Offer", "OfferAccept", "Response", "ResponseAccept", "PMCE"}
        assert {c.EXTENSION_NAME for c in parts.values()} == {name}


@pytest.mark.parametrize(
    ("text", "deflate"),
    [
        ("x", (True, False, False, 0)),
        ("x; client_max_window_bits", (True, True, False, 0)),
        ("x; client_max_window_bits=10", (True, True, False, 0)),
        ('x; server_max_window_bits="010"', (True, False, False, 10)),
        ("x; client_no_context_takeover", (True, False, False, 0)),
        ("x; server_no_context_takeover; server_max_window_bits=15", (True, False, True, 15)),
    ],
)
def test_offers_in(text, deflate):
    offer = PerMessageDeflateOffer.parse(read(text))
    assert tuple(vars(offer)[name] for name in offer._fields) == deflate


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("client_max_window_bits=8", "no value"),
        ("client_max_window_bits=16", "no value"),
        ("client_max_window_bits=x", "no value"),
        ("client_max_window_bits=", "no value"),
        ("server_max_window_bits", "no value"),
        ("server_max_window_bits=00015", "no value"),
        ("server_max_window_bits=9; server_max_window_bits=9", "appears 2 times"),
        ("client_no_context_takeover=1", "no value"),
        ("server_no_context_takeover=true", "no value"),
        ("level=9", "no parameter"),
    ],
)
def test_bad_parameters(text, error):
    for part in (PerMessageDeflateOffer, PerMessageDeflateResponse):
        with pytest.raises(ValueError, match=error):
            part.parse(read("permessage-deflate; " + text))
    for part in (PerMessageBrotliOffer, PerMessageSnappyResponse, PerMessageBzip2Offer):
        with pytest.raises(ValueError, match="permessage-"):
            part.parse(read("x; " + text))


def test_bad_parameters_of_bzip2():
    for text in ("x; client_max_compress_level=3", "x; server_max_compress_level=0", "x; server_max_compress_level=10"):
        with pytest.raises(ValueError, match="no value"):
            PerMessageBzip2Offer.parse(read(text))
    with pytest.raises(ValueError, match="no value"):
        PerMessageBzip2Response.parse(read("x; client_max_compress_level"))


def test_bad_arguments():
    full = PerMessageDeflateOffer(request_no_context_takeover=True, request_max_window_bits=10)
    bare = PerMessageDeflateOffer(False, False)
    answer = PerMessageDeflateResponse(10, True, 0, False)
    level = PerMessageBzip2Offer(False, 3)
    brotli = PerMessageBrotliOffer(False, True)
    bad: list[Any] = [
        lambda: PerMessageDeflateOffer(1),  # type: ignore[arg-type]
        lambda: PerMessageDeflateOffer(request_max_window_bits=8),
        lambda: PerMessageDeflateOffer(request_max_window_bits=True),
        lambda: PerMessageDeflateOfferAccept(5),  # type: ignore[arg-type]
        lambda: PerMessageDeflateOfferAccept(full, window_bits=11),
        lambda: PerMessageDeflateOfferAccept(full, window_bits=8),
        lambda: PerMessageDeflateOfferAccept(full, no_context_takeover=False),
        lambda: PerMessageDeflateOfferAccept(full, no_context_takeover=1),  # type: ignore[arg-type]
        lambda: PerMessageDeflateOfferAccept(full, mem_level=0),
        lambda: PerMessageDeflateOfferAccept(bare, True),
        lambda: PerMessageDeflateOfferAccept(bare, False, 10),
        lambda: PerMessageDeflateResponseAccept(5),  # type: ignore[arg-type]
        lambda: PerMessageDeflateResponseAccept(answer, window_bits=11),
        lambda: PerMessageDeflateResponseAccept(answer, False),
        lambda: PerMessageDeflateResponseAccept(answer, mem_level=10),
        lambda: PerMessageBzip2Offer(True, 10),
        lambda: PerMessageBzip2OfferAccept(level, 3),
        lambda: PerMessageBzip2OfferAccept(level, 0, 4),
        lambda: PerMessageBzip2OfferAccept(PerMessageBzip2Offer(), 10),
        lambda: PerMessageBzip2ResponseAccept(PerMessageBzip2Response(3, 0), 5),
        lambda: PerMessageBrotliOffer(5),  # type: ignore[arg-type]
        lambda: PerMessageBrotliOfferAccept(brotli, True),
        lambda: PerMessageBrotliOfferAccept(brotli, False, False),
        lambda: PerMessageBrotliResponseAccept(PerMessageBrotliResponse(True, False), False),
        lambda: PerMessageSnappyOfferAccept(brotli),
        lambda: PerMessageSnappyResponseAccept(PerMessageBrotliResponse(True, False)),
    ]
    for call in bad:
        with pytest.raises(ValueError):
            call()


def test_answers():
    offer = PerMessageDeflateOffer(request_no_context_takeover=True, request_max_window_bits=10)
    accept = PerMessageDeflateOfferAccept(offer, True, 12, True, 9, 5, 1000)
    assert accept.get_extension_string() == (
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; "
        "client_no_context_takeover; client_max_window_bits=12"
    )
    pmce = PerMessageDeflate.create_from_offer_accept(True, accept)
    assert repr(pmce) == (
        "PerMessageDeflate(is_server = True, server_no_context_takeover = True, client_no_context_takeover = True, "
        "server_max_window_bits = 9, client_max_window_bits = 12, mem_level = 5)"
    )
    assert pmce.max_message_size == 1000
    reply = PerMessageDeflateResponse.parse(read(accept.get_extension_string()))
    client = PerMessageDeflate.create_from_response_accept(
        False, PerMessageDeflateResponseAccept(reply, None, 11, 3, 77)
    )
    assert (client.client_max_window_bits, client.server_max_window_bits) == (11, 10)
    assert (client.mem_level, client.max_message_size) == (3, 77)
    assert PerMessageDeflateOfferAccept(PerMessageDeflateOffer()).get_extension_string() == "permessage-deflate"
    levels = PerMessageBzip2OfferAccept(PerMessageBzip2Offer(True, 3), 5, 2)
    assert levels.get_extension_string() == "permessage-bzip2; server_max_compress_level=3; client_max_compress_level=5"
    bzip2 = PerMessageBzip2.create_from_offer_accept(True, levels)
    assert (bzip2.server_max_compress_level, bzip2.client_max_compress_level) == (2, 5)
    assert PerMessageBzip2(True, 0, 5).server_max_compress_level == 9


# --- the opening handshake ---


def first(offers: list[Any]) -> Any:
    parts = PERMESSAGE_COMPRESSION_EXTENSION[offers[0].EXTENSION_NAME]
    return parts["OfferAccept"](offers[0])


def serve(offered: str, accept: Any = first) -> tuple[Any, str]:
    """The server after a request with these extensions, and what it answered."""
    connection, transport = make(Server, perMessageCompressionAccept=accept)
    connection._dataReceived(request(Sec_WebSocket_Extensions=offered))
    return connection, transport.take().decode()


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("permessage-deflate", "permessage-deflate"),
        ("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits", "permessage-deflate"),
        ("permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"),
        # section 7.1: an offer that is not valid is declined, the next one is looked at
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; what=1, permessage-bzip2", "permessage-bzip2"),
        ("permessage-brotli; server_no_context_takeover", "permessage-brotli; server_no_context_takeover"),
        ("permessage-snappy", "permessage-snappy"),
        ("permessage-deflate; what=1", None),
        ("what", None),
        ("", None),
    ],
)
def test_server_chooses(offered, answered):
    connection, answer = serve(offered)
    assert connection.state == connection.STATE_OPEN
    if answered is None:
        assert "Sec-WebSocket-Extensions" not in answer
        assert connection._perMessageCompress is None
        assert connection.websocket_extensions_in_use == []
        assert connection.engine.compression is None
    else:
        assert f"\r\nSec-WebSocket-Extensions: {answered}\r\n" in answer
        pmce = connection._perMessageCompress
        assert pmce.EXTENSION_NAME == answered.partition(";")[0]
        assert connection.websocket_extensions_in_use == [pmce]
        assert connection.engine.compression is pmce


def test_server_sees_the_offers():
    seen: list[Any] = []
    connection, answer = serve("permessage-bzip2, permessage-deflate, permessage-deflate; what", seen.extend)
    assert [type(offer) for offer in seen] == [PerMessageBzip2Offer, PerMessageDeflateOffer]
    assert "Extensions" not in answer
    assert connection.websocket_extensions == [
        ("permessage-bzip2", {}), ("permessage-deflate", {}), ("permessage-deflate", {"what": [True]})
    ]  # fmt: skip


def test_server_without_the_option_does_not_compress():
    connection, transport = make(Server)
    connection._dataReceived(request(Sec_WebSocket_Extensions="permessage-deflate"))
    assert b"Extensions" not in transport.take()
    assert connection.state == connection.STATE_OPEN


@pytest.mark.parametrize("accept", [lambda offers: 5, lambda offers: offers[0], lambda offers: 1 / 0])
def test_server_whose_function_is_wrong(accept):
    connection, answer = serve("permessage-deflate", accept)
    assert answer.startswith("HTTP/1.1 500 ")
    assert connection.state == connection.STATE_CLOSED


ACCEPT = {
    "permessage-deflate": PerMessageDeflateResponseAccept,
    "permessage-bzip2": PerMessageBzip2ResponseAccept,
    "permessage-snappy": PerMessageSnappyResponseAccept,
    "permessage-brotli": PerMessageBrotliResponseAccept,
}


def connect(answer: str | None, *offers: Any, accept: Any = lambda r: ACCEPT[r.EXTENSION_NAME](r)) -> tuple[Any, str]:
    """The client after a response with these extensions, and its request."""
    connection, transport = make(Client, perMessageCompressionOffers=list(offers), perMessageCompressionAccept=accept)
    sent = transport.take().decode()
    extra = () if answer is None else (f"Sec-WebSocket-Extensions: {answer}",)
    connection._dataReceived(response(connection.websocket_key, extra=extra))
    return connection, sent


DEFLATE, BZIP2, BROTLI, SNAPPY = (
    PerMessageDeflateOffer(), PerMessageBzip2Offer(), PerMessageBrotliOffer(), PerMessageSnappyOffer()
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "offers"),
    [
        ("permessage-deflate", [DEFLATE, BZIP2]),
        ("permessage-bzip2", [DEFLATE, BZIP2]),
        ("permessage-brotli", [BROTLI]),
        ("permessage-snappy; client_no_context_takeover", [SNAPPY]),
        ("permessage-deflate; client_max_window_bits=10; server_no_context_takeover", [DEFLATE]),
        ("permessage-deflate; server_max_window_bits=9", [PerMessageDeflateOffer(request_max_window_bits=10)]),
        ("permessage-deflate", [PerMessageDeflateOffer(request_no_context_takeover=True), DEFLATE]),
    ],
)
def test_client_takes_the_answer(answer, offers):
    connection, sent = connect(answer, *offers)
    texts = ", ".join(offer.get_extension_string() for offer in offers)
    assert f"\r\nSec-WebSocket-Extensions: {texts}\r\n" in sent
    assert connection.state == connection.STATE_OPEN
    assert connection.engine.compression is connection._perMessageCompress
    assert connection.websocket_extensions_in_use == [connection._perMessageCompress]
    assert connection._perMessageCompress.EXTENSION_NAME == answer.partition(";")[0]


def test_client_whose_offer_was_declined():
    connection, _ = connect(None, DEFLATE)
    assert connection.state == connection.STATE_OPEN
    assert connection.engine.compression is None


@pytest.mark.parametrize(
    ("answer", "offers", "reason"),
    [
        ("permessage-deflate", [], "not offered"),
        ("permessage-bzip2", [DEFLATE], "not offered"),
        ("what", [DEFLATE], "not offered"),
        ("permessage-deflate, permessage-deflate", [DEFLATE], "more than one"),
        ("permessage-deflate, permessage-bzip2", [DEFLATE, BZIP2], "more than one"),
        ("permessage-deflate; what", [DEFLATE], "not valid"),
        ("permessage-deflate; client_max_window_bits", [DEFLATE], "not valid"),
        (
            "permessage-deflate; client_max_window_bits=10",
            [PerMessageDeflateOffer(True, False)],
            "client_max_window_bits",
        ),
        (
            "permessage-deflate",
            [PerMessageDeflateOffer(request_no_context_takeover=True)],
            "server_no_context_takeover",
        ),
        ("permessage-deflate", [PerMessageDeflateOffer(request_max_window_bits=10)], "server_max_window_bits=10"),
        (
            "permessage-deflate; server_max_window_bits=12",
            [PerMessageDeflateOffer(request_max_window_bits=10)],
            "server_max_window_bits=10",
        ),
        ("permessage-bzip2; client_max_compress_level=3", [PerMessageBzip2Offer(False)], "client_max_compress_level"),
        ("permessage-bzip2", [PerMessageBzip2Offer(True, 3)], "server_max_compress_level=3"),
        ("permessage-brotli", [PerMessageBrotliOffer(True, True)], "server_no_context_takeover"),
    ],
)
def test_client_refuses_the_answer(answer, offers, reason):
    connection, _ = connect(answer, *offers)
    assert connection.state == connection.STATE_CLOSED
    assert reason in connection.wasNotCleanReason


@pytest.mark.parametrize(
    ("accept", "reason"),
    [
        (lambda r: None, "perMessageCompressionAccept"),
        (lambda r: 5, "perMessageCompressionAccept"),
        (lambda r: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_client_whose_function_does_not_accept(accept, reason):
    connection, _ = connect("permessage-deflate", DEFLATE, accept=accept)
    assert connection.state == connection.STATE_CLOSED
    assert reason in connection.wasNotCleanReason


def test_what_runners_offer():
    options = _extensions.deflate_options()
    (offer,) = options["perMessageCompressionOffers"]
    assert offer.get_extension_string() == DEFLATE.get_extension_string()
    accept = options["perMessageCompressionAccept"]
    assert isinstance(accept(PerMessageDeflateResponse(0, False, 0, False)), PerMessageDeflateResponseAccept)
    assert accept(PerMessageBzip2Response(0, 0)) is None
