"""One captured request, and the batch that carries many of them.

These are the records both sides share. Bodies are raw bytes as they were on the wire: parsing is the sidecar's work.
All are named tuples: importing ``dataclasses`` would be a quarter of what importing capture costs a model server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum, IntFlag
from types import MappingProxyType
from typing import NamedTuple


class Protocol(IntEnum):
    """How the request reached the model server."""

    HTTP = 0
    GRPC = 1


class Outcome(IntEnum):
    """How the request ended, seen from inside the server."""

    COMPLETED = 0  # a response was sent whole, whatever its status
    EXCEPTION = 1  # the application raised
    DISCONNECTED = 2  # the client went away before the response was complete
    TIMEOUT = 3  # the deadline passed (gRPC), or the request was cancelled
    NO_RESPONSE = 4  # the application returned without a response


class Flag(IntFlag):
    """What was done to the bodies of an event."""

    NONE = 0
    REQUEST_TRUNCATED = 1
    RESPONSE_TRUNCATED = 2
    REDACTED = 4
    BODIES_OFF = 8  # the degrade ladder, or a setting, left the bodies out
    STREAMED = 16  # the response came in more than one chunk; of a gRPC call: as a stream of messages
    REQUEST_STREAMED = 32  # the request of a gRPC call was a stream of messages


NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_NONE_DROPPED: Mapping[str, int] = MappingProxyType({})


class CaptureEvent(NamedTuple):
    """One request as it was on the wire.

    A named tuple, not a frozen dataclass: the sidecar makes 100,000 of them a second, and a tuple of 22 fields is made
    ten times as fast. Change one with ``_replace``.

    Times are Unix nanoseconds; durations are nanoseconds. ``first_byte_ns`` is the time from the start to the first byte
    of the response's body, 0 when none was sent.
    ``status`` is the HTTP status (0 when there was none); ``grpc_status`` is the gRPC code, or -1 for HTTP.
    ``sampling_fraction`` is the probability with which this event was kept: weight a count by its inverse.
    ``request_size`` and ``response_size`` are true sizes in bytes, also when a body was truncated or left out.
    Header names are lower-case. The body of a gRPC stream is its messages, each after gRPC's own prefix (a zero byte and the
    length as four bytes, most significant first); of a unary call it is the one message, bare.
    """

    prediction_id: str
    started_unix_ns: int
    duration_ns: int = 0
    first_byte_ns: int = 0
    protocol: Protocol = Protocol.HTTP
    outcome: Outcome = Outcome.COMPLETED
    status: int = 0
    grpc_status: int = -1
    method: str = "POST"
    path: str = "/"  # for gRPC the full method, "/inference.GRPCInferenceService/ModelInfer"
    query: str = ""
    model: str = ""
    version: str = ""
    traceparent: str = ""  # the caller's, as received; "" when absent or malformed
    span_id: str = ""  # the server's own span (16 hex digits), when a tracer was active
    sampling_fraction: float = 1.0
    flags: Flag = Flag.NONE
    request_size: int = 0
    response_size: int = 0
    request_body: bytes = b""
    response_body: bytes = b""
    request_headers: Mapping[str, str] = NO_HEADERS
    response_headers: Mapping[str, str] = NO_HEADERS

    @property
    def failed(self) -> bool:
        """True when the server, not the client, is to blame: 5xx, exception, no response, timeout, gRPC server codes."""
        if self.outcome in _SERVER_FAULTS:
            return True
        if self.protocol is Protocol.GRPC:
            return self.grpc_status in _GRPC_SERVER_FAULTS
        return self.status >= 500


_SERVER_FAULTS = frozenset({Outcome.EXCEPTION, Outcome.TIMEOUT, Outcome.NO_RESPONSE})
# UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: server errors by OTel's RPC conventions.
_GRPC_SERVER_FAULTS = frozenset({2, 4, 12, 13, 14, 15})


class Ledger(NamedTuple):
    """Where every request of one source went, as running totals since the source began.

    ``seen == shipped + sampled_out + sum(dropped.values()) + in_flight``, always. ``shipped`` counts acknowledged events.
    """

    seen: int = 0
    shipped: int = 0
    sampled_out: int = 0
    dropped: Mapping[str, int] = _NONE_DROPPED  # by reason
    in_flight: int = 0  # begun or in the ring or being sent

    @property
    def balanced(self) -> bool:
        return self.seen == self.shipped + self.sampled_out + sum(self.dropped.values()) + self.in_flight


class CaptureBatch(NamedTuple):
    """What one POST carries. (source, sequence) makes delivery exactly-once; sequence starts at 1.

    ``source`` names one process of a server ("host:pid:starttime-random"); ``resource`` describes it (service.name, …).
    A batch without events carries the ledger only (heartbeat).
    """

    source: str
    sequence: int
    events: Sequence[CaptureEvent] = ()
    ledger: Ledger = Ledger()
    resource: Mapping[str, str] = NO_HEADERS
    degraded: str = "full"  # the degrade ladder's rung: full, bodies_off, sampled, counts_only
    overhead_ns: int = 0  # the middleware's own measured cost a request, median of the last period; 0 when unknown
