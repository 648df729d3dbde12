"""Plain spans into OpenTelemetry's, and the exporter that sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from neural.capture.version import __version__
from neural.monitoring.errors import ConfigError
from neural.monitoring.export.inference import InferenceSpan
from neural.monitoring.export.otlp_transport import Transport
from neural.monitoring.export.span_options import SpanOptions

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
_SCOPE = InstrumentationScope("neural.monitoring", __version__, SCHEMA_URL)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_MAX_RESOURCES = 256
"""Sources whose resource is kept made; processes come and go."""


class Exporter(Protocol):
    """What OTel's exporters and a test's list have in common."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult: ...

    def shutdown(self) -> None: ...


class SpanMaker:
    """Makes OTel spans. Resources are made once a source."""

    def __init__(self, options: SpanOptions) -> None:
        self._options = options
        self._resources: dict[str, Resource] = {}

    def make(self, span: InferenceSpan) -> ReadableSpan:
        context = SpanContext(span.trace_id, span.span_id, is_remote=False, trace_flags=_SAMPLED)
        events = [Event("neural.first_byte", timestamp=span.first_byte_ns)] if span.first_byte_ns else []
        events += [Event(one.name, self._cut(one.attributes), one.time_ns) for one in span.events]
        return ReadableSpan(
            name=span.name,
            context=context,
            parent=_parent(span),
            kind=SpanKind.INTERNAL if span.in_server_span else SpanKind.SERVER,
            resource=self._resource(span),
            attributes=self._cut(span.attributes),
            events=events[: self._options.max_events],
            links=[Link(SpanContext(one.trace_id, one.span_id, is_remote=True)) for one in span.links[: self._options.max_links]],
            status=Status(StatusCode.ERROR) if span.failed else Status(StatusCode.UNSET),
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=_SCOPE,
        )

    def _resource(self, span: InferenceSpan) -> Resource:
        """The model server's: what capture says of it, then what this sidecar was told."""
        found = self._resources.get(span.source)
        if found is None:
            if len(self._resources) >= _MAX_RESOURCES:
                self._resources.clear()
            found = Resource({"service.name": "model-server", **span.resource, **self._options.resource}, SCHEMA_URL)
            self._resources[span.source] = found
        return found

    def _cut(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        limit = self._options.max_value_length
        if len(attributes) > self._options.max_attributes:
            attributes = dict(islice(attributes.items(), self._options.max_attributes))
        if limit is None:
            return attributes
        return {name: value[:limit] if isinstance(value, str) else value for name, value in attributes.items()}


def _parent(span: InferenceSpan) -> SpanContext | None:
    if span.parent is None:
        return None
    return SpanContext(span.parent.trace_id, span.parent.span_id, is_remote=not span.in_server_span, trace_flags=_SAMPLED)


def otlp_exporter(options: SpanOptions) -> Exporter:
    """OTel's own exporter for the transport. Raises ConfigError where its package is missing or a certificate can't be read."""
    way = options.transport
    make: Callable[[Transport], Exporter] = _grpc if way.protocol == "grpc" else _http
    try:
        return make(way)
    except ImportError as error:
        raise ConfigError(f"{way.protocol} needs the package {error.name}", key="export.otlp.protocol") from None
    except OSError as error:
        raise ConfigError(f"{error.filename} can't be read: {error.strerror}", key="export.otlp.certificate") from None


def _grpc(way: Transport) -> Exporter:
    import grpc  # optional: the extra "grpc"
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # loads grpc

    credentials = None
    if way.secure:
        files = (way.certificate, way.client_key, way.client_certificate)
        credentials = grpc.ssl_channel_credentials(*(Path(name).read_bytes() if name else None for name in files))
    return OTLPSpanExporter(
        endpoint=way.endpoint,
        insecure=not way.secure,
        credentials=credentials,
        headers=tuple(way.headers.items()),
        timeout=way.timeout_seconds,
        compression=grpc.Compression.Gzip if way.compression == "gzip" else grpc.Compression.NoCompression,
    )


def _http(way: Transport) -> Exporter:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # loads an HTTP client

    if way.certificate is not None:
        Path(way.certificate).open("rb").close()  # else the exporter would fail at every batch
    return OTLPSpanExporter(
        endpoint=way.endpoint,
        certificate_file=way.certificate,
        client_key_file=way.client_key,
        client_certificate_file=way.client_certificate,
        headers=dict(way.headers),
        timeout=way.timeout_seconds,
        compression=Compression.Gzip if way.compression == "gzip" else Compression.NoCompression,
    )
