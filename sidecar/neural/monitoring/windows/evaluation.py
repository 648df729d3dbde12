"""What a monitor is, and what it is given at every evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from neural.monitoring.records import LabelledBatch, RecordBatch, TrafficBatch
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.windows.reference import Reference
from neural.monitoring.windows.traffic import TrafficPane
from neural.monitoring.windows.window import Window


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model version at one time: everything a monitor may look at.

    ``window`` is the merged panes of [now − length, now]; ``latest`` holds only what came in since the last evaluation
    (increments, for sequential detectors: every row appears in exactly one ``latest``, late ones too). ``traffic`` is the merged
    traffic of the window.
    """

    model: str
    version: str
    now: float
    length_seconds: float
    window: Window
    latest: Window
    traffic: TrafficPane
    reference: Reference | None
    earlier: Sequence[Signal] = ()  # signals of the monitors that ran before, at this evaluation, for this model version
    expected: Reference | None = None
    """What the reference leads one to expect of the window: itself, or the mixture of the hours its rows came in (see ``seasonal``)."""
    acknowledged: Mapping[str, float] = field(default_factory=dict[str, float])
    """Family ("drift", "quality" …) → when somebody last acknowledged an alert of it for this model version (Unix seconds)."""
    without_reference: str = "there is no reference"
    """Why ``reference`` is None: how far learning is."""

    def labels(self, **more: str) -> dict[str, str]:
        """The labels of a signal: model, version, and those given."""
        return {"model": self.model, "version": self.version, **more}


@runtime_checkable
class Monitor(Protocol):
    """Turns an evaluation into signals. A new monitor is one file with one class of this shape.

    A monitor serves all models and versions: state, if any, is keyed by (model, version).
    """

    @property
    def name(self) -> str: ...

    @property
    def specs(self) -> tuple[SignalSpec, ...]: ...

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]: ...


@runtime_checkable
class ObservesRows(Protocol):
    """Is shown the rows in large batches: some thousand rows, or what came before an evaluation, labels or a checkpoint."""

    def observe_rows(self, batch: RecordBatch) -> None: ...


@runtime_checkable
class ObservesRowsAtOnce(Protocol):
    """Is shown the rows as they are decoded: for counters that are read at any time."""

    def observe_rows_at_once(self, batch: RecordBatch) -> None: ...


@runtime_checkable
class ObservesTraffic(Protocol):
    """Is shown requests in large batches, as ``ObservesRows``."""

    def observe_traffic(self, batch: TrafficBatch) -> None: ...


@runtime_checkable
class ObservesTrafficAtOnce(Protocol):
    def observe_traffic_at_once(self, batch: TrafficBatch) -> None: ...


@runtime_checkable
class ObservesLabels(Protocol):
    def observe_labels(self, batch: LabelledBatch) -> None: ...


@runtime_checkable
class Stateful(Protocol):
    """Keeps state that must survive a restart.

    ``snapshot`` is JSON-able; ``restore(snapshot())`` continues as if never stopped.
    """

    def snapshot(self) -> Mapping[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...
