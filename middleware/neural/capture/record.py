"""What the request path writes down of one request. Kept raw: the shipper's thread turns it into columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from neural.wire.event import Outcome, Protocol

RawHeaders = Iterable[tuple[bytes, bytes]]
FIXED_BYTES: Final = 2_048  # what a record weighs besides its bodies: the object, its lists, the headers (measured, rounded up)


class Record:
    """One request under way, then waiting to be shipped.

    The defaults stand on the class: a request then pays only for what differs. Times are ``perf_counter_ns``; sizes are bytes.
    Nothing of the server's scope is held: its finalisers must not run on the shipper's thread.
    """

    protocol: int = int(Protocol.HTTP)
    outcome: int = int(Outcome.COMPLETED)
    status: int = 0
    grpc_status: int = -1
    method: str = "POST"
    path: str = "/"
    query: bytes = b""
    model: str = ""
    version: str = ""
    flags: int = 0
    fraction: float = 1.0
    started_ns: int = 0
    first_byte_ns: int = 0  # absolute, as started_ns
    ended_ns: int = 0
    prediction_id: bytes = b""
    request_size: int = 0
    response_size: int = 0
    request_chunks: list[bytes]
    response_chunks: list[bytes]
    request_headers: RawHeaders = ()
    response_headers: RawHeaders = ()
    held: int = 0  # bytes of the chunks
    reserved: int = 0  # bytes already charged to the account while the request runs
