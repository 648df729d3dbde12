"""A batch of events turned on its side: one list a field. What the encoder writes, and the shipper fills directly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from neural.wire.event import CaptureEvent

Headers = Sequence[tuple[str, str]]
Buffer = bytes | bytearray | memoryview


@dataclass(slots=True)
class Columns:
    """n events. Every list has n entries, but for the chunks: those of all events, one after another.

    ``request_lengths`` says how many bytes of ``request_chunks`` belong to each event; the same for the response.
    Units are those of ``CaptureEvent``.
    """

    prediction_id: Sequence[str] = ()
    started_unix_ns: Sequence[int] = ()
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
    traceparent: Sequence[str] = ()
    span_id: Sequence[str] = ()
    sampling_fraction: Sequence[float] = ()
    request_size: Sequence[int] = ()
    response_size: Sequence[int] = ()
    request_chunks: Sequence[Buffer] = ()
    request_lengths: Sequence[int] = ()
    response_chunks: Sequence[Buffer] = ()
    response_lengths: Sequence[int] = ()
    request_headers: Sequence[Headers] = field(default_factory=list[Headers])
    response_headers: Sequence[Headers] = field(default_factory=list[Headers])

    def __len__(self) -> int:
        return len(self.started_unix_ns)


PLAIN_FIELDS: Final = (
    "prediction_id", "started_unix_ns", "duration_ns", "first_byte_ns", "protocol", "outcome", "flags", "status",
    "grpc_status", "method", "path", "query", "model", "version", "traceparent", "span_id", "sampling_fraction",
    "request_size", "response_size",
)  # fmt: skip
"""Fields whose column is the list of the events' values, in the order of CaptureEvent's fields or not: by name."""


def transpose(events: Sequence[CaptureEvent]) -> Columns:
    """Rows to columns."""
    columns = Columns(**{name: [getattr(event, name) for event in events] for name in PLAIN_FIELDS})
    columns.request_chunks = [event.request_body for event in events]
    columns.request_lengths = [len(body) for body in columns.request_chunks]
    columns.response_chunks = [event.response_body for event in events]
    columns.response_lengths = [len(body) for body in columns.response_chunks]
    columns.request_headers = [list(event.request_headers.items()) for event in events]
    columns.response_headers = [list(event.response_headers.items()) for event in events]
    return columns
