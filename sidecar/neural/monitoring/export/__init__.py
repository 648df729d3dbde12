"""Numbers for Prometheus, spans for OpenTelemetry."""

from __future__ import annotations

from neural.monitoring.export.budget import Budget
from neural.monitoring.export.catalogue import CATALOGUE
from neural.monitoring.export.collector import SidecarMetrics
from neural.monitoring.export.exporter import PrometheusExporter
from neural.monitoring.export.fleet import BinTotals, SLOTotals
from neural.monitoring.export.incidents import IncidentWatch
from neural.monitoring.export.otlp_transport import exemplars_wanted
from neural.monitoring.export.registry import MetricsRegistry
from neural.monitoring.export.reporter import OTLPReporter, otlp_reporter
from neural.monitoring.export.routes import metrics_routes
from neural.monitoring.export.server import MetricsServer
from neural.monitoring.export.simple import SimpleMetricsCollector
from neural.monitoring.export.span_options import SpanOptions, span_emitter, span_options
from neural.monitoring.export.stored import StoredMetrics, serve_stored_metrics, stored_metrics_server
from neural.monitoring.export.totals import STORED_AS, TrafficTotals
from neural.monitoring.export.verdicts import board_verdicts

__all__ = [
    "CATALOGUE",
    "STORED_AS",
    "BinTotals",
    "Budget",
    "IncidentWatch",
    "MetricsRegistry",
    "MetricsServer",
    "OTLPReporter",
    "PrometheusExporter",
    "SLOTotals",
    "SidecarMetrics",
    "SimpleMetricsCollector",
    "SpanOptions",
    "StoredMetrics",
    "TrafficTotals",
    "board_verdicts",
    "exemplars_wanted",
    "metrics_routes",
    "otlp_reporter",
    "serve_stored_metrics",
    "span_emitter",
    "span_options",
    "stored_metrics_server",
]
