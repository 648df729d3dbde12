"""One captured request as a span: when it was, whose child it is, and what is said about it.

HTTP and RPC attributes follow OTel's semantic conventions 1.44; there is none for classic inference, so ``ml.*`` and ``neural.*`` are
ours (docs/spans.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.decode import Decoded
from neural.monitoring.export.incidents import Incident, SpanEvent, alert_attributes
from neural.monitoring.export.trace_context import TraceParent, parse_traceparent, span_id_for, trace_id_for
from neural.monitoring.export.verdicts import Verdicts, no_verdicts
from neural.wire import CaptureBatch, CaptureEvent, Flag, Outcome, Protocol

GRPC_CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
    "UNAUTHENTICATED",
)  # fmt: skip
LINKS_HEADER = "x-trace-links"
"""traceparents, separated by commas: a batcher sets it on the request that holds the rows of several."""
MAX_LINKS = 128  # OTel's default limit of links a span
INCIDENTS = "incidents"  # in the place of a source
_NANOSECONDS = 1e9
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})


@dataclass(frozen=True, slots=True)
class InferenceSpan:
    """A span in plain values. Times are Unix nanoseconds. ``parent`` is the server's own span, else the caller's, else None."""

    name: str
    trace_id: int
    span_id: int
    parent: TraceParent | None
    in_server_span: bool  # the server traced itself: ours is a part of its span, not the request as a whole
    start_ns: int
    end_ns: int
    first_byte_ns: int  # 0 where no byte was sent
    failed: bool
    attributes: Mapping[str, Any]
    resource: Mapping[str, str]
    source: str
    links: tuple[TraceParent, ...] = ()  # of a batch: the spans whose rows it holds
    events: tuple[SpanEvent, ...] = ()
    model: tuple[str, str] = ("", "")  # name, version


@dataclass(frozen=True, slots=True)
class _Known:
    """What decoding found out about one request."""

    model: str = ""
    version: str = ""
    rows: int | None = None
    decoder: str = ""
    failure: str = ""


class InferenceReader:
    """Events of one batch with what decoding said about them. Rows and traffic name requests by their start, failures by id."""

    def __init__(self, batch: CaptureBatch, decoded: Decoded, verdicts: Verdicts = no_verdicts) -> None:
        self._batch, self._verdicts = batch, verdicts
        self._failures = {failure.prediction_id: failure.reason for failure in decoded.failures}
        self._models: dict[float, tuple[str, str]] = {}
        self._rows: dict[float, tuple[int, str]] = {}
        for traffic in decoded.traffic:
            self._models |= dict.fromkeys(traffic.times.tolist(), (traffic.model, traffic.version))
        for rows in decoded.rows:
            for time, count in Counter(rows.times.tolist()).items():
                self._models[time] = (rows.model, rows.version)
                self._rows[time] = (self._rows.get(time, (0, ""))[0] + count, rows.decoder)
        starts = Counter(event.started_unix_ns / _NANOSECONDS for event in batch.events)
        self._shared = {start for start, count in starts.items() if count > 1}

    def events(self) -> Iterator[tuple[CaptureEvent, int, TraceParent | None]]:
        """Each event with its trace id and the caller's span."""
        for event in self._batch.events:
            parent = parse_traceparent(event.traceparent) if event.traceparent else None
            own = (
                trace_id_for(self._batch.source, event.prediction_id, event.started_unix_ns)
                if parent is None
                else parent.trace_id
            )
            yield event, own, parent

    def span(self, event: CaptureEvent, trace_id: int, caller: TraceParent | None) -> InferenceSpan:
        known = self._known(event)
        parent = _parent(event, caller)
        return InferenceSpan(
            name=f"infer {known.model}" if known.model else "infer",
            trace_id=trace_id,
            span_id=span_id_for(self._batch.source, event.prediction_id, event.started_unix_ns),
            parent=parent,
            in_server_span=parent is not None and parent is not caller,
            start_ns=event.started_unix_ns,
            end_ns=event.started_unix_ns + max(event.duration_ns, 0),
            first_byte_ns=event.started_unix_ns + event.first_byte_ns if event.first_byte_ns > 0 else 0,
            failed=event.failed,
            attributes={**_attributes(event, known), **self._verdicts(known.model, known.version)},
            resource=self._batch.resource,
            source=self._batch.source,
            links=_links(event),
            model=(known.model, known.version),
        )

    def _known(self, event: CaptureEvent) -> _Known:
        start = event.started_unix_ns / _NANOSECONDS
        model, version = self._models.get(start, (event.model, event.version))
        rows, decoder = self._rows.get(start, (None, ""))
        if start in self._shared:  # two requests began in one instant: which rows are whose is not known
            rows = None
        return _Known(event.model or model, event.version or version, rows, decoder, self._failures.get(event.prediction_id, ""))


def _parent(event: CaptureEvent, caller: TraceParent | None) -> TraceParent | None:
    """The server's own span where its trace is known, which it is by the caller's; else the caller's."""
    if caller is None or len(event.span_id) != 16:
        return caller
    try:
        own = int(event.span_id, 16)
    except ValueError:
        return caller
    return TraceParent(caller.trace_id, own, caller.sampled) if own else caller


def _links(event: CaptureEvent) -> tuple[TraceParent, ...]:
    """The callers of a batched request: whoever put the batch together names them, for a request has one parent only."""
    text = event.request_headers.get(LINKS_HEADER, "")
    found = (parse_traceparent(part.strip()) for part in text.split(",")[:MAX_LINKS])
    return tuple(dict.fromkeys(one for one in found if one is not None))


def incident_span(incident: Incident, resource: Mapping[str, str]) -> InferenceSpan:
    """An incident as a span of the sidecar's own."""
    alert, ids = incident.alert, incident.context
    return InferenceSpan(
        name=f"incident {alert.rule}",
        trace_id=ids.trace_id,
        span_id=ids.span_id,
        parent=None,
        in_server_span=True,
        start_ns=incident.start_ns,
        end_ns=incident.end_ns,
        first_byte_ns=0,
        failed=False,
        attributes={"neural.incident.title": alert.title, **alert_attributes(alert, "resolved")},
        resource={"service.name": "neural-sidecar", **resource},
        source=INCIDENTS,
        events=incident.events,
    )


def _attributes(event: CaptureEvent, known: _Known) -> dict[str, Any]:
    protocol = _rpc(event) if event.protocol is Protocol.GRPC else _http(event)
    found: dict[str, Any] = {
        **protocol,
        "ml.operation.name": "infer",
        "ml.model.name": known.model,
        "ml.model.version": known.version,
        "ml.inference.id": event.prediction_id,
        "ml.inference.rows": known.rows,
        "neural.decode.decoder": known.decoder,
        "neural.decode.outcome": "unparsed" if known.failure else "decoded" if known.rows is not None else "",
        "neural.decode.reason": known.failure,
        "neural.capture.outcome": event.outcome.name.lower(),
        "neural.capture.sampling_fraction": event.sampling_fraction,
        "neural.capture.flags": [flag.name.lower() for flag in Flag if flag and flag in event.flags and flag.name],
        "neural.server.span_id": event.span_id if not event.traceparent else "",
        "error.type": _error_type(event),
    }
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def _http(event: CaptureEvent) -> dict[str, Any]:
    method = event.method.upper()
    headers = event.request_headers
    return {
        "http.request.method": method if method in _KNOWN_METHODS else "_OTHER",
        "http.request.method_original": "" if method in _KNOWN_METHODS else event.method,
        "http.response.status_code": event.status or None,
        "http.request.body.size": event.request_size or None,
        "http.response.body.size": event.response_size or None,
        "url.path": event.path,
        "url.scheme": headers.get("x-forwarded-proto", "http"),
        "server.address": headers.get("host", "").rpartition(":")[0] or headers.get("host", ""),
        "user_agent.original": headers.get("user-agent", ""),
    }


def _rpc(event: CaptureEvent) -> dict[str, Any]:
    return {
        "rpc.system.name": "grpc",
        "rpc.method": event.path.lstrip("/"),
        "rpc.response.status_code": _grpc_code(event.grpc_status),
    }


def _grpc_code(code: int) -> str:
    return GRPC_CODES[code] if 0 <= code < len(GRPC_CODES) else "" if code < 0 else str(code)


def _error_type(event: CaptureEvent) -> str:
    """Set where the server failed, as the conventions ask: the code, or what happened where there is none."""
    if not event.failed:
        return ""
    if event.outcome is not Outcome.COMPLETED:
        return event.outcome.name.lower()
    return _grpc_code(event.grpc_status) if event.protocol is Protocol.GRPC else str(event.status)
