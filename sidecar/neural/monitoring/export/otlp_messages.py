"""Metric families and alerts as OTLP messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from neural.capture.version import __version__
from neural.monitoring.export.family import Family, Labels, Sample
from neural.monitoring.export.incidents import ALERT_EVENT, alert_attributes
from neural.monitoring.store import AlertRow

_NANOSECONDS = 1e9
_SCOPE = InstrumentationScope(name="neural.monitoring", version=__version__)
_SEVERITY: Mapping[str, tuple[int, str]] = {"info": (9, "INFO"), "warning": (13, "WARN"), "critical": (17, "ERROR")}
"""OTel's severity numbers. A critical alert is an ERROR: FATAL would mean that the sidecar died."""


def metrics_request(
    families: Iterable[Family], resource: Mapping[str, str], *, started: float, now: float
) -> ExportMetricsServiceRequest:
    """Times are Unix seconds. Counters and histograms are cumulative since ``started``; names lose their _total, as OTel's do."""
    start_ns, now_ns = _ns(started), _ns(now)
    metrics = [_metric(family, start_ns, now_ns) for family in families if family.samples]
    scope = ScopeMetrics(scope=_SCOPE, metrics=metrics)
    return ExportMetricsServiceRequest(resource_metrics=[ResourceMetrics(resource=_resource(resource), scope_metrics=[scope])])


def logs_request(alerts: Sequence[tuple[AlertRow, str, float]], resource: Mapping[str, str]) -> ExportLogsServiceRequest:
    """One record an alert that began or ended: (alert, its state now, when, in Unix seconds)."""
    records = [_record(alert, state, time) for alert, state, time in alerts]
    scope = ScopeLogs(scope=_SCOPE, log_records=records)
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=_resource(resource), scope_logs=[scope])])


def _metric(family: Family, start_ns: int, now_ns: int) -> Metric:
    spec = family.spec
    metric = Metric(name=spec.name.removesuffix("_total"), description=spec.help)
    if spec.kind == "histogram":
        metric.histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.histogram.data_points.extend(_histograms(family.samples, start_ns, now_ns))
        return metric
    points = [
        NumberDataPoint(attributes=_attributes(sample.labels), time_unix_nano=now_ns, as_double=sample.value)
        for sample in family.samples
    ]
    if spec.kind == "counter":
        for point in points:
            point.start_time_unix_nano = start_ns
        metric.sum.is_monotonic = True
        metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        metric.sum.data_points.extend(points)
    else:
        metric.gauge.data_points.extend(points)
    return metric


def _histograms(samples: Sequence[Sample], start_ns: int, now_ns: int) -> list[HistogramDataPoint]:
    """Prometheus' lines, gathered again: cumulative buckets become counts a bucket, rounded to whole requests."""
    points: dict[Labels, HistogramDataPoint] = {}
    for sample in samples:
        labels = tuple(pair for pair in sample.labels if pair[0] != "le")
        point = points.get(labels)
        if point is None:
            point = HistogramDataPoint(attributes=_attributes(labels), start_time_unix_nano=start_ns, time_unix_nano=now_ns)
            points[labels] = point
        if sample.suffix == "_bucket":
            bound = dict(sample.labels)["le"]
            point.bucket_counts.append(round(sample.value) - sum(point.bucket_counts))
            if bound != "+Inf":
                point.explicit_bounds.append(float(bound))
        elif sample.suffix == "_sum":
            point.sum = sample.value
        else:
            point.count = round(sample.value)
    return list(points.values())


def _record(alert: AlertRow, state: str, time: float) -> LogRecord:
    number, text = _SEVERITY.get(alert.severity, (9, "INFO"))
    resolved = state == "resolved"
    attributes = alert_attributes(alert, state)
    record = LogRecord(
        time_unix_nano=_ns(time),
        observed_time_unix_nano=_ns(time),
        severity_number=9 if resolved else number,  # type: ignore[arg-type]  # the enum's numbers
        severity_text="INFO" if resolved else text,
        body=AnyValue(string_value=f"{alert.title}: {alert.message}" if alert.message else alert.title),
        attributes=_attributes(tuple(attributes.items())),
    )
    if "event_name" in LogRecord.DESCRIPTOR.fields_by_name:  # younger than the oldest opentelemetry-proto we take
        record.event_name = ALERT_EVENT
    return record


def _attributes(labels: Labels) -> list[KeyValue]:
    return [KeyValue(key=name, value=AnyValue(string_value=value)) for name, value in labels]


def _resource(resource: Mapping[str, str]) -> Resource:
    return Resource(attributes=_attributes(tuple({"service.name": "neural-sidecar", **resource}.items())))


def _ns(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)
