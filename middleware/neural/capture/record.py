"""What the request path writes down of one request. Kept raw: the shipper's thread turns it into columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from neural.wire.event import Protocol

RawHeaders = Iterable[tuple[Any, Any]]
"""Names and values as the server gave them: bytes in ASGI, text (or bytes) in gRPC."""
FIXED_BYTES: Final = 2_048  # what a record weighs besides its bodies: the object, its lists, the headers (measured, rounded up)

Chunks = bytes | list[bytes] | None
"""A body: one chunk as it is (most are), several in a list, none."""


def chunk_list(chunks: Chunks) -> list[bytes]:
    if chunks is None:
        return []
    return chunks if type(chunks) is list else [chunks]  # type: ignore[list-item]  # mypy does not narrow by "type(x) is"


class Record:
    """One request under way, then waiting to be shipped.

    Times are ``perf_counter_ns``; sizes are bytes. Nothing of the server's scope is held: its finalisers must not run on the
    shipper's thread. Whoever makes one sets every attribute: a constructor here would be one call more for each request.
    """

    __slots__ = (
        "ended_ns", "first_byte_ns", "flags", "fraction", "held", "method", "model", "outcome", "path",
        "prediction_id", "query", "request_chunks", "request_headers", "request_size", "reserved",
        "response_chunks", "response_headers", "response_size", "started_ns", "status", "version",
    )  # fmt: skip

    protocol: int = int(Protocol.HTTP)
    grpc_status: int = -1
    outcome: int
    flags: int
    fraction: float
    model: str
    version: str
    method: str
    path: str
    query: bytes  # set only where the settings ask for it
    status: int
    started_ns: int
    first_byte_ns: int  # absolute, as started_ns; 0: none was sent
    ended_ns: int  # 0: the response is not complete
    prediction_id: bytes
    request_size: int
    response_size: int
    request_chunks: Chunks
    response_chunks: Chunks
    request_headers: RawHeaders
    response_headers: RawHeaders
    held: int  # bytes of the chunks
    reserved: int  # bytes already charged to the account while the request runs
