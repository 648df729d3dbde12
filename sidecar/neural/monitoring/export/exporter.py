"""The seed's exporter: the twelve metrics, filled by calls, served on a port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neural.monitoring.export.catalogue import SEED
from neural.monitoring.export.registry import MetricsRegistry
from neural.monitoring.export.server import MetricsServer
from neural.monitoring.export.text import OPENMETRICS, TEXT, close, wants_openmetrics
from neural.monitoring.export.totals import LATENCY_BOUNDS

_PERFORMANCE = ("accuracy", "precision", "recall", "f1")


class PrometheusExporter:
    """``registry``: a ``MetricsRegistry``, or a ``prometheus_client.CollectorRegistry`` to put the metrics into.
    ``host``: loopback by default; ``0.0.0.0`` lets a Prometheus of another machine or pod scrape it.

    Every ``record_`` and ``set_`` call names the model; without it the exporter's own is meant.
    """

    def __init__(
        self,
        port: int = 9090,
        registry: Any = None,
        *,
        host: str = "127.0.0.1",
        model_name: str = "default",
        model_version: str = "1.0",
    ) -> None:
        self.port, self.host = port, host
        self.registry = registry if isinstance(registry, MetricsRegistry) else MetricsRegistry(registry)
        self.model_name, self.model_version = model_name, model_version
        self.metrics: dict[str, Any] = {spec.name: self._define(spec.name) for spec in SEED}
        self._server: MetricsServer | None = None

    def start_server(self) -> int:
        """Serve /metrics in a thread. Returns the port; a second call changes nothing. Raises NeuralError if the port is taken."""
        if self._server is None:
            self._server = MetricsServer(self._page, host=self.host, port=self.port).start()
            self.port = self._server.port
        return self.port

    def stop_server(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def get_metrics_text(self) -> str:
        """The page in the Prometheus text format."""
        return self.registry.get_metrics_text()

    def record_prediction(
        self, latency_seconds: float | None = None, *, model: str | None = None, version: str | None = None
    ) -> None:
        """Count one prediction, and its latency where it is known."""
        labels = self._labels(model, version)
        self.metrics["neural_predictions_total"].labels(**labels).inc()
        if latency_seconds is not None:
            self.metrics["neural_prediction_latency_seconds"].labels(**labels).observe(latency_seconds)

    def record_error(self, error_type: str = "unknown", *, model: str | None = None, version: str | None = None) -> None:
        self.metrics["neural_errors_total"].labels(**self._labels(model, version), error_type=error_type).inc()

    def set_performance(self, values: Mapping[str, float], *, model: str | None = None, version: str | None = None) -> None:
        """accuracy, precision, recall and f1; other names are left to ``MetricsRegistry``."""
        for name in _PERFORMANCE:
            if name in values:
                self.metrics[f"neural_model_{name}"].labels(**self._labels(model, version)).set(values[name])

    def set_drift(self, scores: Mapping[str, float | None], *, model: str | None = None, version: str | None = None) -> None:
        """Scores by drift type: prediction, performance, distribution, concept, feature."""
        for drift_type, score in scores.items():
            if score is not None:
                self.metrics["neural_drift_score"].labels(**self._labels(model, version), drift_type=drift_type).set(score)

    def set_quality(
        self, score: float, missing_rate: float, outlier_rate: float, *, model: str | None = None, version: str | None = None
    ) -> None:
        labels = self._labels(model, version)
        self.metrics["neural_data_quality_score"].labels(**labels).set(score)
        self.metrics["neural_missing_values_rate"].labels(**labels).set(missing_rate)
        self.metrics["neural_outlier_rate"].labels(**labels).set(outlier_rate)

    def set_active_models(self, count: int) -> None:
        self.metrics["neural_active_models"].set(count)

    def _define(self, name: str) -> Any:
        spec = next(spec for spec in SEED if spec.name == name)
        if spec.kind == "histogram":
            return self.registry.histogram(name, spec.help, spec.labels, LATENCY_BOUNDS)
        make = self.registry.counter if spec.kind == "counter" else self.registry.gauge
        return make(name, spec.help, spec.labels)

    def _labels(self, model: str | None, version: str | None) -> dict[str, str]:
        return {"model": model or self.model_name, "version": version or self.model_version}

    def _page(self, accept: str) -> tuple[str, str]:
        if wants_openmetrics(accept):
            return OPENMETRICS, close(self.registry.page(openmetrics=True))
        return TEXT, self.registry.page(openmetrics=False)
