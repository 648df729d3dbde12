"""Records to columns, on the shipper's thread: headers are filtered here, bodies cut to their caps, times set on the calendar."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from neural.capture.record import Chunks, RawHeaders, Record, chunk_list
from neural.capture.settings import Settings
from neural.wire.columns import Buffer, Columns, Headers
from neural.wire.event import Flag

Redactor = Callable[[Record], None]
"""Blanks what must not leave the process, in the record itself."""

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_MAX_NAMES: Final = 1_024  # header names whose fate is remembered
_MAX_HEADER_BYTES: Final = 4_096
_REQUEST_TRUNCATED: Final = int(Flag.REQUEST_TRUNCATED)
_RESPONSE_TRUNCATED: Final = int(Flag.RESPONSE_TRUNCATED)
_BODIES_OFF: Final = int(Flag.BODIES_OFF)
_ALTERED: Final = int(Flag.BODIES_OFF | Flag.REDACTED)  # shorter for another reason than its cap


class Batcher:
    """Turns records into wire columns, by the settings."""

    def __init__(self, settings: Settings, redactor: Redactor | None = None) -> None:
        self._settings = settings
        self._redactor = redactor
        shown = frozenset(name.lower() for name in settings.headers)
        self._model_header = settings.model_header.lower()
        self._version_header = settings.version_header.lower()
        extra = frozenset({self._model_header, self._version_header, "traceparent"}) - {""}
        self._extra, self._hidden = extra, extra - shown
        self._request_names, self._response_names = _Names(shown | extra), _Names(shown)

    def columns(self, records: Sequence[Record]) -> Columns:
        """Never changes a record, but for redaction. ``records`` must not be empty."""
        rs = records
        if self._redactor is not None:
            for record in rs:
                self._redactor(record)
        offset = time.time_ns() - time.perf_counter_ns()
        flags = [r.flags for r in rs]
        request_chunks, request_lengths = _cut(
            [r.request_chunks for r in rs],
            self._settings.max_request_body,
            [r.request_size for r in rs],
            flags,
            _REQUEST_TRUNCATED,
        )
        response_chunks, response_lengths = _cut(
            [r.response_chunks for r in rs],
            self._settings.max_response_body,
            [r.response_size for r in rs],
            flags,
            _RESPONSE_TRUNCATED,
        )
        request_headers = [
            _pick(r.request_headers if not r.protocol else _encoded(r.request_headers), self._request_names) for r in rs
        ]
        traceparent, model, version = self._named(rs, request_headers)
        return Columns(
            prediction_id=[r.prediction_id.decode("latin-1") for r in rs],
            started_unix_ns=[r.started_ns + offset for r in rs],
            duration_ns=[r.ended_ns - r.started_ns for r in rs],
            first_byte_ns=[max(r.first_byte_ns - r.started_ns, 1) if r.first_byte_ns else 0 for r in rs],
            protocol=[r.protocol for r in rs],
            outcome=[r.outcome for r in rs],
            flags=flags,
            status=[r.status for r in rs],
            grpc_status=[r.grpc_status for r in rs],
            method=[r.method for r in rs],
            path=[r.path for r in rs],
            query=[r.query.decode("latin-1") for r in rs] if self._settings.query else [""] * len(rs),
            model=model,
            version=version,
            traceparent=traceparent,
            span_id=[""] * len(rs),
            sampling_fraction=[r.fraction for r in rs],
            request_size=[r.request_size for r in rs],
            response_size=[r.response_size for r in rs],
            request_chunks=request_chunks,
            request_lengths=request_lengths,
            response_chunks=response_chunks,
            response_lengths=response_lengths,
            request_headers=request_headers,
            response_headers=[_pick(r.response_headers, self._response_names) for r in rs],
        )

    def _named(self, records: Sequence[Record], headers: list[Headers]) -> tuple[list[str], list[str], list[str]]:
        """Takes traceparent, model and version out of the headers; those not on the allow-list leave the headers' lists."""
        traceparent, model, version = ([""] * len(records), [r.model for r in records], [r.version for r in records])
        for i, pairs in enumerate(headers):
            found = [pair for pair in pairs if pair[0] in self._extra]
            for name, value in found:
                if name == "traceparent":
                    traceparent[i] = value if _TRACEPARENT.fullmatch(value) else ""
                elif name == self._model_header:
                    model[i] = value
                elif name == self._version_header:
                    version[i] = value
            if found:
                headers[i] = [pair for pair in pairs if pair[0] not in self._hidden]
        return traceparent, model, version


class _Names(dict[bytes, str]):
    """A header's name as the server gave it, in any case, to the wanted name, or "" when it is not wanted."""

    def __init__(self, wanted: frozenset[str]) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, raw: bytes) -> str:
        text = raw.lower().decode("latin-1")
        name = text if text in self._wanted else ""
        if len(self) < _MAX_NAMES:  # names are the clients' to choose
            self[raw] = name
        return name


def _pick(headers: RawHeaders, names: _Names) -> Headers:
    return [(name, value[:_MAX_HEADER_BYTES].decode("latin-1")) for raw, value in headers if (name := names[raw])]


def _encoded(metadata: RawHeaders) -> RawHeaders:
    """gRPC gives text, but bytes for binary values."""
    return [(name.encode(), value if isinstance(value, bytes) else str(value).encode()) for name, value in metadata]


def _cut(bodies: Sequence[Chunks], cap: int, sizes: Sequence[int], flags: list[int], flag: int) -> tuple[list[Buffer], list[int]]:
    """The chunks of all bodies in a row, none longer than ``cap``, and each body's length. Marks those that were longer."""
    chunks: list[Buffer] = []
    lengths: list[int] = []
    flag = flag if cap else _BODIES_OFF
    for i, kept in enumerate(bodies):
        if type(kept) is bytes and len(kept) == sizes[i] <= cap:  # nearly all
            chunks.append(kept)
            lengths.append(len(kept))
            continue
        # Applications may send what is not quite bytes, and go on changing it.
        body = [chunk if type(chunk) is bytes else bytes(chunk) for chunk in chunk_list(kept)]
        length = sum(map(len, body))
        if length > cap:
            chunks += _first(body, cap)
            lengths.append(cap)
            flags[i] |= flag
            continue
        if length < sizes[i] and not flags[i] & _ALTERED:
            flags[i] |= flag
        chunks += body
        lengths.append(length)
    return chunks, lengths


def _first(body: Sequence[Buffer], cap: int) -> list[Buffer]:
    kept: list[Buffer] = []
    left = cap
    for chunk in body:
        kept.append(memoryview(chunk)[:left])
        left -= len(chunk)
        if left <= 0:
            break
    return kept
