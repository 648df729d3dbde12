"""Plain spans into OpenTelemetry's, and the exporter that sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from neural.capture.version import __version__
from neural.monitoring.errors import ConfigError
from neural.monitoring.export.inference import InferenceSpan
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
        return ReadableSpan(
            name=span.name,
            context=context,
            parent=_parent(span),
            kind=SpanKind.INTERNAL if span.in_server_span else SpanKind.SERVER,
            resource=self._resource(span),
            attributes=self._cut(span.attributes),
            events=events,
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
        if limit is None:
            return attributes
        return {name: value[:limit] if isinstance(value, str) else value for name, value in attributes.items()}


def _parent(span: InferenceSpan) -> SpanContext | None:
    if span.parent is None:
        return None
    return SpanContext(span.parent.trace_id, span.parent.span_id, is_remote=not span.in_server_span, trace_flags=_SAMPLED)


def otlp_exporter(options: SpanOptions) -> Exporter:
    """OTel's own exporter for the transport. Raises ConfigError where its package is missing or a certificate can't be read."""
    make: Callable[[SpanOptions], Exporter] = _grpc if options.protocol == "grpc" else _http
    try:
        return make(options)
    except ImportError as error:
        raise ConfigError(f"{options.protocol} needs the package {error.name}", key="export.otlp.protocol") from None
    except OSError as error:
        raise ConfigError(f"{error.filename} can't be read: {error.strerror}", key="export.otlp.certificate") from None


def _grpc(options: SpanOptions) -> Exporter:
    import grpc  # optional: the extra "grpc"
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # loads grpc

    secure = options.endpoint.startswith("https")
    credentials = None
    if secure:
        files = (options.certificate, options.client_key, options.client_certificate)
        credentials = grpc.ssl_channel_credentials(*(Path(name).read_bytes() if name else None for name in files))
    return OTLPSpanExporter(
        endpoint=options.endpoint,
        insecure=not secure,
        credentials=credentials,
        headers=tuple(options.headers.items()),
        timeout=options.timeout_seconds,
        compression=grpc.Compression.Gzip if options.compression == "gzip" else grpc.Compression.NoCompression,
    )


def _http(options: SpanOptions) -> Exporter:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # loads an HTTP client

    if options.certificate is not None:
        Path(options.certificate).open("rb").close()  # else the exporter would fail at every batch
    return OTLPSpanExporter(
        endpoint=options.endpoint,
        certificate_file=options.certificate,
        client_key_file=options.client_key,
        client_certificate_file=options.client_certificate,
        headers=dict(options.headers),
        timeout=options.timeout_seconds,
        compression=Compression.Gzip if options.compression == "gzip" else Compression.NoCompression,
    )
