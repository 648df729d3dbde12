"""Counters, gauges and histograms without prometheus_client: the same calls, the same text."""

from __future__ import annotations

import bisect
import math
import re
import threading
from collections.abc import Sequence

from neural.monitoring.errors import DataError
from neural.monitoring.export.family import Family, Kind, MetricSpec
from neural.monitoring.export.text import render

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds. The same as prometheus_client's."""
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_RESERVED = frozenset({"le", "quantile"})
MAX_SERIES = 10_000
"""Label sets of one metric; a set beyond is not kept, so that a stray id in a label can't fill the memory."""


class _Value:
    """One series."""

    __slots__ = ("bounds", "counts", "lock", "total")

    def __init__(self, lock: threading.Lock, bounds: Sequence[float]) -> None:
        self.lock, self.bounds = lock, bounds
        self.total = 0.0
        self.counts = [0.0] * (len(bounds) + 1)


class SimpleMetric:
    """One metric, or one of its series after ``labels(...)``. Which of the calls make sense depends on the kind."""

    def __init__(self, spec: MetricSpec, lock: threading.Lock, bounds: Sequence[float] = ()) -> None:
        self.spec, self._lock, self._bounds = spec, lock, bounds
        self._series: dict[tuple[str, ...], _Value] = {}
        self._key: tuple[str, ...] = ()

    def labels(self, *values: object, **named: object) -> SimpleMetric:
        """The series with these label values, by position or by name. Raises DataError for other labels than the metric's."""
        key = tuple(str(value) for value in values) or tuple(str(named[name]) for name in self.spec.labels if name in named)
        if len(key) != len(self.spec.labels) or (named and set(named) != set(self.spec.labels)):
            raise DataError(f"{self.spec.name} has the labels {', '.join(self.spec.labels) or 'none'}")
        child = SimpleMetric(self.spec, self._lock, self._bounds)
        child._series, child._key = self._series, key
        return child

    def inc(self, amount: float = 1.0) -> None:
        """Add. A counter only grows: a negative amount raises DataError."""
        self._only("counter", "gauge")
        if self.spec.kind == "counter" and amount < 0:
            raise DataError(f"{self.spec.name} is a counter: it can't go down")
        with self._lock:
            self._value().total += _finite(amount)

    def dec(self, amount: float = 1.0) -> None:
        self._only("gauge")
        self.inc(-amount)

    def set(self, value: float) -> None:
        self._only("gauge")
        with self._lock:
            self._value().total = _finite(value)

    def observe(self, amount: float) -> None:
        """Count a value in its bucket. A value that is no number is left out."""
        self._only("histogram")
        if math.isfinite(amount):
            with self._lock:
                value = self._value()
                value.counts[bisect.bisect_left(self._bounds, amount)] += 1
                value.total += amount

    def family(self) -> Family:
        family = Family(self.spec)
        with self._lock:
            for key, value in self._series.items():
                if self.spec.kind == "histogram":
                    family.add_histogram(self._bounds, value.counts, value.total, *key)
                else:
                    family.add(value.total, *key)
        if not self._series and not self.spec.labels and self.spec.kind != "histogram":
            family.add(0.0)
        return family

    def _only(self, *kinds: Kind) -> None:
        if self.spec.kind not in kinds:
            raise DataError(f"{self.spec.name} is a {self.spec.kind}")
        if self.spec.labels and not self._key:
            raise DataError(f"{self.spec.name} needs its labels first: .labels({', '.join(self.spec.labels)})")

    def _value(self) -> _Value:
        value = self._series.get(self._key)
        if value is None:
            value = _Value(self._lock, self._bounds)
            if len(self._series) < MAX_SERIES:
                self._series[self._key] = value
        return value


class SimpleMetricsCollector:
    """A registry of its own. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metrics: dict[str, SimpleMetric] = {}

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> SimpleMetric:
        """A number that only grows; its name ends in _total."""
        return self._make(name if name.endswith("_total") else f"{name}_total", "counter", help_text, labels)

    def gauge(self, name: str, help_text: str, labels: Sequence[str] = ()) -> SimpleMetric:
        """A number that goes up and down."""
        return self._make(name, "gauge", help_text, labels)

    def histogram(
        self, name: str, help_text: str, labels: Sequence[str] = (), buckets: Sequence[float] = DEFAULT_BUCKETS
    ) -> SimpleMetric:
        """Counts of values by upper bound."""
        bounds = tuple(float(bound) for bound in buckets if math.isfinite(bound))
        if not bounds or list(bounds) != sorted(set(bounds)):
            raise DataError(f"the buckets of {name} must be rising numbers")
        return self._make(name, "histogram", help_text, labels, bounds)

    def families(self) -> list[Family]:
        return [metric.family() for metric in list(self._metrics.values())]

    def get_metrics_text(self) -> str:
        """The page in the Prometheus text format."""
        return render(self.families())

    def page(self, *, openmetrics: bool) -> str:
        return render(self.families(), openmetrics=openmetrics)

    def _make(self, name: str, kind: Kind, help_text: str, labels: Sequence[str], bounds: Sequence[float] = ()) -> SimpleMetric:
        spec = MetricSpec(name, kind, help_text, tuple(labels))
        check_names(spec)
        with self._lock:
            known = self._metrics.get(name)
            if known is None:
                known = self._metrics[name] = SimpleMetric(spec, threading.Lock(), bounds)
        same_metric(known.spec, spec)
        return known


def check_names(spec: MetricSpec) -> None:
    """Raises DataError for names that Prometheus would refuse."""
    if not _NAME.fullmatch(spec.name):
        raise DataError(f"{spec.name!r} is not a metric name: letters, digits, _ and : only")
    wrong = [label for label in spec.labels if not _LABEL.fullmatch(label) or label in _RESERVED]
    if wrong:
        raise DataError(f"{wrong[0]!r} can't be a label of {spec.name}")


def same_metric(known: MetricSpec, wanted: MetricSpec) -> None:
    """Raises DataError when a name is asked for a second time as something else."""
    if (known.kind, known.labels) != (wanted.kind, wanted.labels):
        raise DataError(f"{known.name} is already a {known.kind} with the labels {', '.join(known.labels) or 'none'}")


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise DataError(f"{value!r} is not a finite number")
    return float(value)
