"""Events whose bodies are worth decoding, with their bodies unpacked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from neural.monitoring.decode.content import unpack
from neural.monitoring.decode.parsed import Exchange, Reason, Undecodable
from neural.wire.event import CaptureEvent, Flag

_WITHOUT_ROWS: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT"})
_BODIES_OFF, _REQUEST_TRUNCATED, _RESPONSE_TRUNCATED = (
    int(flag) for flag in (Flag.BODIES_OFF, Flag.REQUEST_TRUNCATED, Flag.RESPONSE_TRUNCATED)
)
_SPLIT_HEADER: Final = "inference-header-content-length"  # V2's binary extension: how many bytes are JSON


def without_rows(method: str) -> bool:
    """True for methods that ask for no inference."""
    return method in _WITHOUT_ROWS


def is_wrapped_by(headers: Mapping[str, str]) -> bool:
    """True when the body is not yet what the application saw."""
    return "content-encoding" in headers or _SPLIT_HEADER in headers


class Opener:
    """Turns events into exchanges: bounds, truncation, content encoding, the split of JSON and binary tensors."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes

    def open(self, event: CaptureEvent) -> Exchange:
        """The event with its bodies as the application saw them. Raises Undecodable when the request can't be used."""
        flags = int(event.flags)  # a Flag's own operators are slow
        body = event.request_body
        if not body:
            raise Undecodable(Reason.BODIES_OFF if flags & _BODIES_OFF else Reason.EMPTY)
        if flags & _REQUEST_TRUNCATED:
            raise Undecodable(Reason.TRUNCATED, f"{len(body)} of {event.request_size} bytes were captured")
        exchange = Exchange(event, body, event.response_body)
        if self._is_wrapped(body, event.request_headers):
            exchange.request, exchange.request_tail = self._unwrap(body, event.request_headers)
        if flags & _RESPONSE_TRUNCATED or self._is_wrapped(event.response_body, event.response_headers):
            self._open_response(exchange, truncated=bool(flags & _RESPONSE_TRUNCATED))
        return exchange

    def _is_wrapped(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return is_wrapped_by(headers) or len(body) > self._max_body_bytes

    def _unwrap(self, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, bytes]:
        body = unpack(body, headers.get("content-encoding", ""), self._max_body_bytes)
        return _split(body, headers[_SPLIT_HEADER]) if _SPLIT_HEADER in headers else (body, b"")

    def _open_response(self, exchange: Exchange, *, truncated: bool) -> None:
        event = exchange.event
        try:
            if truncated:
                raise Undecodable(Reason.TRUNCATED, f"part of {event.response_size} bytes was captured")
            exchange.response, exchange.response_tail = self._unwrap(event.response_body, event.response_headers)
        except Undecodable as problem:
            exchange.response = b""
            exchange.response_problem = problem


def _split(body: bytes, header: str) -> tuple[bytes, bytes]:
    """(JSON, binary tensors)."""
    size = int(header) if header.isascii() and header.isdigit() and len(header) < 12 else -1
    if size == 0:
        raise Undecodable(Reason.UNSUPPORTED, "a raw binary request says neither names nor shapes")
    if not 0 < size <= len(body):
        raise Undecodable(Reason.SHAPE, "Inference-Header-Content-Length is not within the body")
    return body[:size], body[size:]
