"""The panes of one model version, from its first row to the window's end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import LATENCY, PREDICTION, PROBABILITY_PREFIX, Column, Kind, RecordBatch, TrafficBatch
from neural.monitoring.windows.blocks import Blocks
from neural.monitoring.windows.concat import take_rows
from neural.monitoring.windows.layout import Layout
from neural.monitoring.windows.learner import Learner
from neural.monitoring.windows.reference import Reference
from neural.monitoring.windows.seasons import add_rows
from neural.monitoring.windows.settings import WindowSettings
from neural.monitoring.windows.tally import Tally
from neural.monitoring.windows.traffic import TrafficPane, traffic_pane
from neural.monitoring.windows.window import Window


def all_columns(batch: RecordBatch) -> dict[str, Column]:
    """Features, and the prediction, probabilities and latency as columns beside them."""
    columns = dict(batch.features)
    if batch.predictions is not None:
        columns[PREDICTION] = batch.predictions
    for name, values in batch.probabilities.items():
        columns[PROBABILITY_PREFIX + name] = _numeric(PROBABILITY_PREFIX + name, values)
    if batch.latency_seconds is not None:
        columns[LATENCY] = _numeric(LATENCY, batch.latency_seconds)
    return columns


def _numeric(name: str, values: NDArray[np.float64]) -> Column:
    return Column(name, Kind.NUMERIC, values, np.isnan(values))


@dataclass(slots=True)
class ModelPanes:
    """Mutable; owned by one thread. Panes are keyed by their number: start time over pane width."""

    settings: WindowSettings
    layout: Layout
    learner: Learner | None
    latest: Tally
    latest_since: float
    panes: dict[int, Tally] = field(default_factory=dict[int, Tally])
    traffic: dict[int, TrafficPane] = field(default_factory=dict[int, TrafficPane])
    late_rows: int = 0
    blocks: Blocks = field(default_factory=Blocks)
    latest_seasons: dict[int, int] = field(default_factory=dict[int, int])  # as ``Window.seasons``

    @classmethod
    def new(cls, settings: WindowSettings, reference: Reference | None, learner: Learner | None, now: float) -> ModelPanes:
        layout = Layout(reference, settings.max_columns)
        return cls(settings, layout, learner if reference is None else None, layout.empty(), now)

    def set_reference(self, reference: Reference, now: float) -> None:
        """Start counting on this reference's grid. Rows counted on another grid can't be compared, so panes start anew."""
        before = self.layout.reference
        if before is not None:
            reference = replace(reference, version=before.version + 1)
        self.layout = Layout(reference, self.settings.max_columns)
        self.latest, self.latest_since, self.latest_seasons = self.layout.empty(), now, {}
        self.panes.clear()
        self.blocks.clear()
        self.learner = None

    def add_rows(self, batch: RecordBatch, now: float) -> None:
        if len(batch) == 0:
            return
        columns = all_columns(batch)
        first, last = self._pane_span(batch.times, now)
        if first == last:
            self._add(first, columns, len(batch), now)
        else:
            numbers = self._pane_numbers(batch.times, now)
            for number in np.unique(numbers).tolist():
                chosen = np.flatnonzero(numbers == number)
                self._add(int(number), take_rows(columns, chosen), len(chosen), now)
        if self.learner is not None:
            self.learner.add(columns, batch.times)
            if self.learner.ready:
                self.set_reference(self.learner.learn(now), now)

    def _add(self, number: int, columns: Mapping[str, Column], rows: int, now: float) -> None:
        tally = self.layout.count(self._derived(columns), rows)
        self.latest.add(tally)
        self._add_season(self.latest_seasons, number, rows)
        if number < self._oldest_number(now):
            self.late_rows += rows
            return
        pane = self.panes.get(number)
        if pane is None:
            self.panes[number] = tally
        else:
            pane.add(tally)

    def _add_season(self, into: dict[int, int], number: int, rows: int) -> None:
        """Rows of a pane, by its middle; nothing where the reference has no seasons."""
        seasons = self.layout.reference.seasons if self.layout.reference is not None else None
        if seasons is not None:
            add_rows(into, rows, (number + 0.5) * self.settings.pane_seconds, seasons.seasonal)

    def _derived(self, columns: Mapping[str, Column]) -> Mapping[str, Column]:
        reference = self.layout.reference
        return {**columns, **reference.derivation.derive(columns)} if reference is not None and reference.derivation else columns

    def add_traffic(self, batch: TrafficBatch, now: float) -> None:
        first, last = self._pane_span(batch.times if len(batch) else np.array([now]), now)
        if first == last:
            self._merge_traffic(first, traffic_pane(batch), now)
            return
        numbers = self._pane_numbers(batch.times, now)
        self._merge_traffic(last, TrafficPane(unparsed={reason: float(n) for reason, n in batch.unparsed.items()}), now)
        for number in np.unique(numbers).tolist():
            self._merge_traffic(int(number), traffic_pane(_traffic_rows(batch, numbers == number)), now)

    def _merge_traffic(self, number: int, pane: TrafficPane, now: float) -> None:
        if number >= self._oldest_number(now):
            known = self.traffic.get(number)
            self.traffic[number] = pane if known is None else known.merge(pane)

    def window(self, now: float) -> Window:
        """The panes that overlap [now - length, now], added up."""
        total = self.layout.empty()
        numbers = [number for number in self.panes if self._in_window(number, now)]
        self.blocks.add_to(total, self.panes, numbers)
        seasons: dict[int, int] = {}
        for number in numbers:
            self._add_season(seasons, number, self.panes[number].rows)
        return self.layout.window(total, now - self.settings.length, now, seasons)

    def take_latest(self, now: float) -> Window:
        """What came in since the last call. Empties it."""
        window = self.layout.window(self.latest, self.latest_since, now, self.latest_seasons)
        self.latest, self.latest_since, self.latest_seasons = self.layout.empty(), now, {}
        return window

    def traffic_window(self, now: float) -> TrafficPane:
        merged = TrafficPane()
        for number, pane in self.traffic.items():
            if self._in_window(number, now):
                merged = merged.merge(pane)
        return merged

    def expire(self, now: float) -> None:
        oldest = self._oldest_number(now)
        for number in [number for number in self.panes if number < oldest]:
            del self.panes[number]
        for number in [number for number in self.traffic if number < oldest]:
            del self.traffic[number]

    def _pane_span(self, times: NDArray[np.float64], now: float) -> tuple[int, int]:
        """The first and the last pane that the times lie in; most batches lie in one."""
        first, last = self._pane_numbers(np.array([times.min(), times.max()]), now).tolist()
        return (first, last) if np.isfinite(times).all() else (min(first, last) - 1, last)

    def _pane_numbers(self, times: NDArray[np.float64], now: float) -> NDArray[np.int64]:
        """Times in the future, and those that are no numbers, count as now."""
        known = np.minimum(np.where(np.isfinite(times), times, now), now)
        return np.floor_divide(known, self.settings.pane_seconds).astype(np.int64)

    def _in_window(self, number: int, now: float) -> bool:
        width = self.settings.pane_seconds
        return (number + 1) * width > now - self.settings.length and number * width <= now

    def _oldest_number(self, now: float) -> int:
        return int((now - self.settings.length - self.settings.lateness) // self.settings.pane_seconds)


def _traffic_rows(batch: TrafficBatch, chosen: NDArray[np.bool_]) -> TrafficBatch:
    return TrafficBatch(
        batch.model,
        batch.version,
        batch.times[chosen],
        batch.latency_seconds[chosen],
        batch.status[chosen],
        batch.failed[chosen],
        batch.weights[chosen],
    )
