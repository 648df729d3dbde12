"""A batch of events turned on its side: one sequence a field. What the encoder writes, and the shipper fills directly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from neural.wire.event import CaptureEvent
from neural.wire.protobuf import utf8

Buffer = bytes | bytearray | memoryview


class HeaderColumns(NamedTuple):
    """The headers of n events: how many each has, and the names and values of all in order, in UTF-8."""

    counts: Sequence[int] = ()
    names: Sequence[bytes] = ()
    values: Sequence[bytes] = ()


class Columns(NamedTuple):
    """n events, as many as there are starts. Every other column has n entries, or none: then all events have its default.

    But for the chunks: those of all events, one after another. ``request_lengths`` says how many bytes of them belong to each
    event; the same for the response. Texts that differ from event to event are in UTF-8. Units are those of ``CaptureEvent``.
    """

    started_unix_ns: Sequence[int] = ()
    prediction_id: Sequence[bytes] = ()
    duration_ns: Sequence[int] = ()
    first_byte_ns: Sequence[int] = ()
    protocol: Sequence[int] = ()
    outcome: Sequence[int] = ()
    flags: Sequence[int] = ()
    status: Sequence[int] = ()
    grpc_status: Sequence[int] = ()
    method: Sequence[str] = ()
    path: Sequence[str] = ()
    query: Sequence[str] = ()
    model: Sequence[str] = ()
    version: Sequence[str] = ()
    traceparent: Sequence[bytes] = ()
    span_id: Sequence[bytes] = ()
    sampling_fraction: Sequence[float] = ()
    request_size: Sequence[int] = ()
    response_size: Sequence[int] = ()
    request_chunks: Sequence[Buffer] = ()
    request_lengths: Sequence[int] = ()
    response_chunks: Sequence[Buffer] = ()
    response_lengths: Sequence[int] = ()
    request_headers: HeaderColumns = HeaderColumns()
    response_headers: HeaderColumns = HeaderColumns()


_PLAIN = (
    "started_unix_ns", "duration_ns", "first_byte_ns", "protocol", "outcome", "flags", "status", "grpc_status", "method", "path",
    "query", "model", "version", "sampling_fraction", "request_size", "response_size",
)  # fmt: skip
_TEXTS = ("prediction_id", "traceparent", "span_id")


def transpose(events: Sequence[CaptureEvent]) -> Columns:
    """Rows to columns."""
    columns = {name: [getattr(event, name) for event in events] for name in _PLAIN}
    columns |= {name: [utf8(getattr(event, name)) for event in events] for name in _TEXTS}
    requests, responses = [event.request_body for event in events], [event.response_body for event in events]
    return Columns(
        **columns,
        request_chunks=requests,
        request_lengths=[*map(len, requests)],
        response_chunks=responses,
        response_lengths=[*map(len, responses)],
        request_headers=_flat([event.request_headers for event in events]),
        response_headers=_flat([event.response_headers for event in events]),
    )


def _flat(headers: Sequence[Mapping[str, str]]) -> HeaderColumns:
    pairs = [pair for event in headers for pair in event.items()]
    return HeaderColumns([*map(len, headers)], [utf8(name) for name, _ in pairs], [utf8(value) for _, value in pairs])
