"""Records to columns, on the shipper's thread: headers are filtered here, bodies cut to their caps, times set on the calendar."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from operator import sub
from typing import Final

from neural.capture.account import Row
from neural.capture.bodies import body_columns
from neural.capture.headers import TRACEPARENT, Found, encoded, request_filter, response_filter
from neural.capture.record import RawHeaders
from neural.capture.redact import Redactor
from neural.capture.settings import Settings
from neural.wire.columns import Columns
from neural.wire.event import Flag, Protocol

_TRACEPARENT: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_REQUEST_TRUNCATED: Final = int(Flag.REQUEST_TRUNCATED)
_RESPONSE_TRUNCATED: Final = int(Flag.RESPONSE_TRUNCATED)
_GRPC: Final = int(Protocol.GRPC)


class Batcher:
    """Turns records into wire columns, by the settings."""

    def __init__(self, settings: Settings, redactor: Redactor | None = None) -> None:
        self._settings = settings
        self._redactor = redactor
        self._request_filter = request_filter(settings)
        self._response_filter = response_filter(settings)
        self._model_header = settings.model_header.lower().encode()
        self._version_header = settings.version_header.lower().encode()

    def columns(self, rows: Sequence[Row]) -> Columns:
        """``rows`` hold what ``Record`` holds; they are not changed, and there must be some.

        The offset between the two clocks is taken anew for each batch: the calendar may be set meanwhile.
        """
        (
            _, fractions, origins, methods, paths, queries, asked_with, answered_with, ids, span_ids, started, first, ended,
            statuses, outcomes, noted, requests, responses,
        ) = zip(*rows, strict=True)  # fmt: skip
        offset = time.time_ns() - time.perf_counter_ns()
        number, origin = len(rows), origins[0]
        alike = origins.count(origin) == number  # nearly always: one middleware, one model
        protocols = (origin.protocol,) * number if alike else [one.protocol for one in origins]
        headers: Sequence[RawHeaders] = asked_with if _GRPC not in protocols else _with_metadata(protocols, asked_with)
        request_headers, found = self._request_filter.columns(headers)
        response_headers, _ = self._response_filter.columns(answered_with)
        flags = list(noted)
        hide, caps = self._redactor, (self._settings.max_request_body, self._settings.max_response_body)
        hidden = hide and [*map(hide, protocols, requests, headers)]
        request = body_columns(requests, caps[0], flags, _REQUEST_TRUNCATED, hidden)
        hidden = hide and [*map(hide, protocols, responses, answered_with)]
        response = body_columns(responses, caps[1], flags, _RESPONSE_TRUNCATED, hidden)
        status, grpc_status = _statuses(protocols, statuses)
        model: Sequence[str] = (origin.model,) * number if alike else [one.model for one in origins]
        version: Sequence[str] = (origin.version,) * number if alike else [one.version for one in origins]
        traceparent: Sequence[bytes] = ()
        if found:
            traceparent, model, version = self._named(found, model, version)
        return Columns(
            prediction_id=_latin_1(ids),
            started_unix_ns=[begun + offset for begun in started],
            duration_ns=[*map(sub, ended, started)],
            first_byte_ns=[sent and sent - begun for sent, begun in zip(first, started, strict=True)],
            protocol=protocols,
            outcome=outcomes,
            flags=flags,
            status=status,
            grpc_status=grpc_status,
            method=methods,
            path=paths,
            query=[query.decode("latin-1") for query in queries] if self._settings.query else (),
            model=model,
            version=version,
            traceparent=traceparent,
            span_id=span_ids,
            sampling_fraction=fractions,
            request_size=request.sizes,
            response_size=response.sizes,
            request_chunks=request.chunks,
            request_lengths=request.lengths,
            response_chunks=response.chunks,
            response_lengths=response.lengths,
            request_headers=request_headers,
            response_headers=response_headers,
        )

    def _named(
        self, found: Sequence[Found], models: Sequence[str], versions: Sequence[str]
    ) -> tuple[Sequence[bytes], Sequence[str], Sequence[str]]:
        """Traceparent, model and version, as headers name them."""
        traceparent, model, version = [b""] * len(models), [*models], [*versions]
        for event, name, value in found:
            if name == TRACEPARENT and _TRACEPARENT.fullmatch(value):
                traceparent[event] = value
            if name == self._model_header:
                model[event] = value.decode()
            if name == self._version_header:
                version[event] = value.decode()
        return traceparent, model, version


def _with_metadata(protocols: Sequence[int], headers: Sequence[RawHeaders]) -> list[RawHeaders]:
    return [encoded(pairs) if protocol == _GRPC else pairs for protocol, pairs in zip(protocols, headers, strict=True)]


def _statuses(protocols: Sequence[int], statuses: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """HTTP statuses, gRPC codes."""
    calls = protocols.count(_GRPC)
    if not calls:
        return statuses, ()
    if calls == len(statuses):
        return (), statuses
    pairs = [*zip(protocols, statuses, strict=True)]
    return [0 if kind == _GRPC else status for kind, status in pairs], [code if kind == _GRPC else -1 for kind, code in pairs]


def _latin_1(ids: Sequence[bytes]) -> Sequence[bytes]:
    """In UTF-8."""
    if b"".join(ids).isascii():
        return ids
    return [one.decode("latin-1").encode() for one in ids]
