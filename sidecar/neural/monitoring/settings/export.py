"""Where the numbers go: Prometheus and OpenTelemetry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from neural.monitoring.section import Duration, Fraction, Section

Port = Annotated[int, Field(ge=1, le=65535)]


class PrometheusSettings(Section):
    """The /metrics page that Prometheus scrapes."""

    enabled: bool = True
    """Whether /metrics is served."""
    port: Port = 9090
    """The TCP port of /metrics."""
    host: str = "127.0.0.1"
    """The address /metrics is bound to; 0.0.0.0 lets a Prometheus outside the pod scrape it."""
    max_series: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
    """The most series one scrape returns; what is over goes into _other and is counted."""
    max_label_values: Annotated[int, Field(ge=1, le=100_000)] = 500
    """The most values one label may take (features, sources, reasons); the rest is _other."""
    fleet_columns: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Columns whose bins are exported as counters, at most 24 series each, for PSI over a fleet; 0 exports none."""
    exemplars: bool = True
    """Whether OpenMetrics scrapes carry trace ids on latency buckets; OTEL_METRICS_EXEMPLAR_FILTER=always_off says no, too."""


def _endpoint(text: str) -> str:
    wrong = f"{text!r} is not an endpoint: write http://otel-collector:4317"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or parts.netloc.endswith(":"):
        raise ValueError(wrong)
    return text


Endpoint = Annotated[str, AfterValidator(_endpoint)]


class OTLPSettings(Section):
    """Where spans, and on request metrics and alerts, are sent. What is left out comes from OTEL_* variables, then from the defaults."""

    endpoint: Endpoint | None = None
    """The collector, http://otel-collector:4317 (gRPC) or :4318 (HTTP); OTEL_EXPORTER_OTLP_ENDPOINT where left out."""
    protocol: Literal["grpc", "http/protobuf"] | None = None
    """The transport; where left out OTEL_EXPORTER_OTLP_PROTOCOL, then by port: 4318 is HTTP, others are gRPC."""
    headers: Mapping[str, SecretStr] = {}
    """Headers of every export request, such as an API key."""
    compression: Literal["none", "gzip"] | None = None
    """gzip or none; OTEL_EXPORTER_OTLP_COMPRESSION where left out, then none."""
    timeout: Duration | None = None
    """How long one export may take; OTEL_EXPORTER_OTLP_TIMEOUT where left out, then 10s."""
    certificate: str | None = None
    """A PEM file of the certificate authority the collector is checked against."""
    traces: bool = True
    """Whether a span per sampled inference is sent."""
    sample: Fraction | None = None
    """The share of inferences that get a span; OTEL_TRACES_SAMPLER_ARG where left out, then all."""
    queue: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Spans waiting at most; what is over is dropped and counted. OTEL_BSP_MAX_QUEUE_SIZE where left out, then 2048."""
    batch: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Spans in one export request; OTEL_BSP_MAX_EXPORT_BATCH_SIZE where left out, then 512."""
    delay: Duration | None = None
    """How long spans are gathered; OTEL_BSP_SCHEDULE_DELAY where left out, then 5s."""
    metrics: bool = False
    """Whether the metrics of /metrics are pushed as well."""
    metrics_every: Annotated[Duration, Field(ge=1)] | None = None
    """How often metrics are pushed; OTEL_METRIC_EXPORT_INTERVAL where left out, then 60s."""
    logs: bool = False
    """Whether alerts that begin and end are sent as log records."""
    resource: Mapping[str, str] = {}
    """Resource attributes; they go before those of OTEL_RESOURCE_ATTRIBUTES."""


class ExportSettings(Section):
    """Where the numbers go."""

    prometheus: PrometheusSettings = PrometheusSettings()
    """The /metrics page."""
    otlp: OTLPSettings | None = None
    """Spans over OTLP; off where left out, unless OTEL_EXPORTER_OTLP_ENDPOINT is set."""


__all__ = ["Endpoint", "ExportSettings", "OTLPSettings", "Port", "PrometheusSettings"]
