"""The registry users add their own metrics to: prometheus_client where it is installed, the simple collector where not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from neural.monitoring.errors import DataError
from neural.monitoring.export.family import Kind, MetricSpec
from neural.monitoring.export.simple import DEFAULT_BUCKETS, SimpleMetricsCollector, check_names, same_metric


def have_prometheus_client() -> bool:
    return find_spec("prometheus_client") is not None


class MetricsRegistry:
    """Metrics of one's own, on the same page as the sidecar's.

    ``registry``: a ``prometheus_client.CollectorRegistry`` to share; without it the registry has its own. ``simple=True`` uses the simple
    collector although prometheus_client is installed. Asking twice for a name gives the same metric; as something else, DataError.
    """

    def __init__(self, registry: Any = None, *, simple: bool | None = None) -> None:
        self._specs: dict[str, MetricSpec] = {}
        self._metrics: dict[str, Any] = {}
        self.simple: SimpleMetricsCollector | None = None
        self.registry: Any = registry
        if simple or (simple is None and registry is None and not have_prometheus_client()):
            self.simple = SimpleMetricsCollector()
        elif registry is None:
            from prometheus_client import CollectorRegistry  # optional: the simple collector stands in

            self.registry = CollectorRegistry(auto_describe=True)

    def counter(self, name: str, help_text: str = "", labels: Sequence[str] = ()) -> Any:
        """A number that only grows; its name ends in _total."""
        return self._get(name if name.endswith("_total") else f"{name}_total", "counter", help_text, labels)

    def gauge(self, name: str, help_text: str = "", labels: Sequence[str] = ()) -> Any:
        """A number that goes up and down."""
        return self._get(name, "gauge", help_text, labels)

    def histogram(
        self, name: str, help_text: str = "", labels: Sequence[str] = (), buckets: Sequence[float] = DEFAULT_BUCKETS
    ) -> Any:
        """Counts of values by upper bound (default: seconds from 5 ms to 10 s)."""
        return self._get(name, "histogram", help_text, labels, buckets)

    def get_metrics_text(self) -> str:
        """The page in the Prometheus text format 0.0.4."""
        return self.page(openmetrics=False)

    def page(self, *, openmetrics: bool) -> str:
        """The page, without OpenMetrics' closing line."""
        if self.simple is not None:
            return self.simple.page(openmetrics=openmetrics)
        from prometheus_client import exposition  # optional dependency
        from prometheus_client.openmetrics import exposition as openmetrics_exposition

        write: Callable[[Any], bytes] = openmetrics_exposition.generate_latest if openmetrics else exposition.generate_latest
        return write(self.registry).decode().removesuffix("# EOF\n")

    def _get(self, name: str, kind: Kind, help_text: str, labels: Sequence[str], buckets: Sequence[float] = ()) -> Any:
        spec = MetricSpec(name, kind, help_text or name.replace("_", " "), tuple(labels))
        check_names(spec)
        if name in self._specs:
            same_metric(self._specs[name], spec)
            return self._metrics[name]
        try:
            metric = self._make(spec, buckets)
        except ValueError as error:
            raise DataError(str(error)) from None
        self._specs[name], self._metrics[name] = spec, metric
        return metric

    def _make(self, spec: MetricSpec, buckets: Sequence[float]) -> Any:
        if self.simple is not None:
            if spec.kind == "histogram":
                return self.simple.histogram(spec.name, spec.help, spec.labels, buckets)
            return getattr(self.simple, spec.kind)(spec.name, spec.help, spec.labels)
        import prometheus_client  # optional: the simple collector stands in

        if spec.kind == "histogram":
            return prometheus_client.Histogram(spec.name, spec.help, spec.labels, buckets=buckets, registry=self.registry)
        made = {"counter": prometheus_client.Counter, "gauge": prometheus_client.Gauge}[spec.kind]
        return made(spec.name, spec.help, spec.labels, registry=self.registry)
