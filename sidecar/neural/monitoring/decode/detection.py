"""Which decoder reads a request: its path says so, else its headers or the first level of its body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neural.monitoring.decode.parsed import Decoder, Exchange, Reason, Undecodable

_MAX_CACHED: Final = 4096
_OPENING: Final = (b"{", b"[")


def may_be_json(exchange: Exchange) -> bool:
    """True when parsing the request as JSON is worth the try. One body that is not JSON would send a whole batch the slow way."""
    kind = exchange.event.request_headers.get("content-type", "")
    if "json" in kind:
        return "lines" not in kind and "jsonl" not in kind and "ndjson" not in kind
    return "csv" not in kind and exchange.request.lstrip()[:1] in _OPENING


class Detector:
    """Asks the decoders in order, and remembers which path belongs to which."""

    def __init__(self, decoders: Sequence[Decoder], *, forced: bool = False) -> None:
        self._decoders = decoders
        self._forced = decoders[0] if forced else None
        self._by_path: dict[str, Decoder | None] = {}

    def by_path(self, path: str) -> Decoder | None:
        """The decoder the path names; None when the body has to tell."""
        if self._forced is not None:
            return self._forced
        if path in self._by_path:
            return self._by_path[path]
        found = next((decoder for decoder in self._decoders if decoder.claims_path(path)), None)
        if len(self._by_path) < _MAX_CACHED:
            self._by_path[path] = found
        return found

    def by_content(self, exchange: Exchange) -> Decoder:
        """The decoder that claims the exchange. Raises Undecodable when none does."""
        for decoder in self._decoders:
            if decoder.claims(exchange):
                return decoder
        if isinstance(exchange.request_document, Undecodable) and exchange.request[:1] in _OPENING:
            raise exchange.request_document  # JSON, but damaged: that says more
        raise Undecodable(Reason.NO_DECODER, "no protocol recognises the request")
