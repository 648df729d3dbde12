"""Metric families as plain values: what every collector here yields and every renderer takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from neural.monitoring.export.native import NativeHistogram

Kind: TypeAlias = Literal["counter", "gauge", "histogram", "info"]
Labels: TypeAlias = tuple[tuple[str, str], ...]


class Exemplar(NamedTuple):
    """One example behind a bucket: a trace, the value it saw (seconds), and when (Unix seconds)."""

    trace_id: str
    value: float
    time: float


class Sample(NamedTuple):
    """One line. ``suffix`` is "" or, in a histogram, "_bucket", "_sum", "_count"."""

    labels: Labels
    value: float
    suffix: str = ""
    exemplar: Exemplar | None = None


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """The entry of a metric in the catalogue. ``name`` is as people query it: a counter's ends in _total.

    ``wide`` is the label that may take many values: it is the one that is folded into ``_other`` beyond the budget.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    wide: str = ""


@dataclass(slots=True)
class Family:
    """A metric and its samples."""

    spec: MetricSpec
    samples: list[Sample] = field(default_factory=list[Sample])
    native: dict[Labels, NativeHistogram] = field(default_factory=dict[Labels, NativeHistogram])  # beside the classic lines

    def add(self, value: float | None, *label_values: str, exemplar: Exemplar | None = None) -> None:
        """Add a sample with the spec's labels, in their order. None is "no data" and adds nothing."""
        if value is not None:
            self.samples.append(Sample(tuple(zip(self.spec.labels, label_values, strict=True)), float(value), "", exemplar))

    def extend(self, labels: Iterable[Labels], values: Iterable[float]) -> None:
        """Add many samples whose labels are kept made: what has thousands of series need not build them anew at every scrape."""
        self.samples.extend(map(Sample, labels, values))

    def add_histogram(
        self,
        bounds: Sequence[float],
        counts: Sequence[float],
        total_sum: float,
        *label_values: str,
        exemplars: Sequence[Exemplar | None] = (),
        native: NativeHistogram | None = None,
    ) -> None:
        """Add a classic histogram. ``counts`` has one entry more than ``bounds`` (the +Inf bucket) and is not cumulative.

        ``native``: the same values in exponential buckets, for who asks for protobuf.
        """
        labels = tuple(zip(self.spec.labels, label_values, strict=True))
        running = 0.0
        for index, count in enumerate(counts):
            running += count
            bound = number(bounds[index]) if index < len(bounds) else "+Inf"
            exemplar = exemplars[index] if index < len(exemplars) else None
            self.samples.append(Sample((*labels, ("le", bound)), running, "_bucket", exemplar))
        self.samples.append(Sample(labels, float(total_sum), "_sum"))
        self.samples.append(Sample(labels, running, "_count"))
        if native is not None:
            self.native[labels] = native


Families: TypeAlias = Iterable[Family]


def number(value: float) -> str:
    """A float as Prometheus and OpenMetrics both read it, the shortest that reads back."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value)}.0"
    return repr(float(value))
