"""What the request path writes down of one request. Kept raw: the shipper's thread turns it into columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from neural.capture.body import LongBody

RawHeaders = Iterable[tuple[Any, Any]]
"""Names and values as the server gave them: bytes in ASGI, text (or bytes) in gRPC."""


class Origin(NamedTuple):
    """What the records of one middleware or interceptor have in common."""

    protocol: int
    model: str
    version: str


Body = bytes | LongBody
"""A body in one small chunk as it came (most are); anything else counts and bounds itself."""


class Record(NamedTuple):
    """One finished request. The request path appends plain tuples of this order: calling the class would cost more than all
    of them, and a batch of tuples is turned into columns by ``zip``.

    Times are ``perf_counter_ns``. Nothing of the server's scope is held: its finalisers must not run on the shipper's thread.
    """

    charged: int  # bytes that its long bodies are charged for, beyond its place in the ring
    fraction: float  # the probability with which it was kept
    origin: Origin
    method: str
    path: str
    query: bytes  # empty unless the settings ask for it
    request_headers: RawHeaders
    response_headers: RawHeaders
    prediction_id: bytes
    span_id: bytes
    started_ns: int
    first_byte_ns: int  # absolute, as started_ns; 0: none was sent
    ended_ns: int
    status: int  # HTTP status, 0 when there was none; of a gRPC call its code
    outcome: int
    flags: int
    request: Body
    response: Body


PLACE_BYTES: Final = 4_096
"""What one record is charged for its place in the ring: the tuple, headers, id and times (2 KiB measured, rounded up), and two
bodies of at most ``SMALL_BODY``."""
SMALL_BODY: Final = 1_024
_PAIR_BYTES: Final = 160  # a header's tuple, two objects' heads, a place in the list
_BARE_BYTES: Final = 2_048


def weight(row: Sequence[Any]) -> int:
    """About how many bytes a row keeps alive, its long bodies left out: what clients send in headers and paths is theirs to choose."""
    record = Record._make(row)
    try:
        headers = [*record.request_headers, *record.response_headers]
        texts = sum([len(name) + len(value) for name, value in headers])
        return _BARE_BYTES + texts + len(headers) * _PAIR_BYTES + len(record.path) + len(record.query)
    except Exception:  # headers that are not as ASGI says
        return PLACE_BYTES
