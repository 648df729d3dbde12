"""W3C trace context, read: who called, in which trace, sampled or not. https://www.w3.org/TR/trace-context/"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class TraceParent:
    """The caller's span. Ids are never zero."""

    trace_id: int
    span_id: int
    sampled: bool


def parse_traceparent(text: str) -> TraceParent | None:
    """The caller's span, or None where the header is absent or malformed: then a new trace begins."""
    match = _TRACEPARENT.fullmatch(text)
    if match is None or (match[1] == "00" and match[5]):
        return None
    trace_id, span_id = int(match[2], 16), int(match[3], 16)
    if not trace_id or not span_id:
        return None
    return TraceParent(trace_id, span_id, bool(int(match[4], 16) & _SAMPLED))


def span_id_for(source: str, prediction_id: str, started_unix_ns: int) -> int:
    """The same inference has the same span id, however often it is told: a backend that sees it twice keeps one."""
    return _digest(8, source, prediction_id, started_unix_ns)


def trace_id_for(source: str, prediction_id: str, started_unix_ns: int) -> int:
    """The trace of an inference that nobody traced."""
    return _digest(16, source, prediction_id, started_unix_ns)


def _digest(size: int, *parts: object) -> int:
    data = "\0".join(map(str, parts)).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=size).digest(), "big") or 1
