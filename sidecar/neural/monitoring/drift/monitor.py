"""The drift monitor: a sequential verdict that keeps the false-alarm budget, and statistics of the window beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.acknowledged import Acknowledgements
from neural.monitoring.drift.embedded import embedding_signals
from neural.monitoring.drift.errors.watcher import ErrorWatcher
from neural.monitoring.drift.expectation import SeasonalNull
from neural.monitoring.drift.plan import Plan, make_plan
from neural.monitoring.drift.report import DriftReport
from neural.monitoring.drift.season import InSeason
from neural.monitoring.drift.sequential import SequentialDetector
from neural.monitoring.drift.settings import DriftSettings
from neural.monitoring.drift.specs import DRIFT_SPECS
from neural.monitoring.drift.window_verdict import view_window
from neural.monitoring.records import LabelledBatch
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows import Evaluation, Reference, Window

RULES = 2
"""The budget is shared evenly by the sequential verdict and the window-based score."""


@dataclass(slots=True)
class _Watched:
    """One model version: its plan, and its detector."""

    reference: Reference
    plan: Plan
    detector: SequentialDetector | None  # None when the reference has no column to watch
    known: Acknowledgements | None
    season: SeasonalNull | None
    rows: int = 0
    heard: float = 0.0  # Unix seconds of the last acknowledgement

    @classmethod
    def new(cls, reference: Reference, plan: Plan, smallest: float) -> _Watched:
        if not plan.bins:
            return cls(reference, plan, None, None, None)
        season = SeasonalNull(plan.columns, plan.bins, reference.seasons) if reference.seasons is not None else None
        runs = [column.runs for column in plan.columns]
        detector = SequentialDetector(plan.bins, runs, season, smallest=smallest)
        known = Acknowledgements(detector, plan.bins, season, smallest=smallest)
        return cls(reference, plan, detector, known, season)

    def by_hour(self, window: Window) -> NDArray[np.float64]:
        """The window's rows by hour; none without seasons."""
        seasons = self.reference.seasons
        return np.zeros(0) if seasons is None or self.season is None else seasons.by_hour(window.seasons)


class DriftMonitor:
    """One for all models. Each model version has its own detector; together they keep the budget of the settings."""

    name = "drift"
    specs = DRIFT_SPECS

    def __init__(self, settings: DriftSettings) -> None:
        self._settings = settings
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._pending: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._errors: dict[tuple[str, str], ErrorWatcher] = {}

    def observe_labels(self, batch: LabelledBatch) -> None:
        self._watcher((batch.model, batch.version)).observe(batch)

    def acknowledge(self, model: str, version: str, now: float, features: Collection[str] | None = None) -> list[str]:
        """Re-arm: drift of these columns (of all that drift, where none are named) is known. Returns the names it applied to.

        They raise no alarm while they stay as they have become; the alarm is raised by other columns, and by these when they move on.
        """
        key = (model, version)
        watched = self._watched.get(key)
        if watched is None or watched.known is None:
            return []
        names = watched.plan.names
        chosen = None if features is None else {at for at, name in enumerate(names) if name in features}
        return [names[at] for at in watched.known.acknowledge(chosen, now)]

    def evaluate(self, evaluation: Evaluation) -> Iterator[Signal]:
        yield from self._data_drift(evaluation)
        yield from self._watcher((evaluation.model, evaluation.version)).signals(evaluation)

    def _watcher(self, key: tuple[str, str]) -> ErrorWatcher:
        if key not in self._errors:
            self._errors[key] = ErrorWatcher(self._settings.errors)
        return self._errors[key]

    def _data_drift(self, evaluation: Evaluation) -> Iterator[Signal]:
        if evaluation.reference is None:
            yield _unknown(evaluation, evaluation.without_reference)
            return
        watched = self._of(evaluation, evaluation.reference)
        watched.rows += evaluation.latest.rows
        self._hear(watched, evaluation)
        if watched.detector is None or watched.known is None:
            yield _unknown(evaluation, "the reference has no column that can be watched")
            return
        budget = self._settings.false_alarms.seconds_between * RULES * len(self._watched)
        elapsed = max(evaluation.now - evaluation.latest.start, 0.0)
        counts, hours = watched.plan.bin_counts(evaluation.latest.columns), watched.by_hour(evaluation.latest)
        standing = watched.detector.step(
            counts, evaluation.now, elapsed=elapsed, seconds_between=budget, patience=evaluation.length_seconds, hours=hours
        )
        watched.known.step(counts, standing, evaluation.now, elapsed=elapsed, seconds_between=budget, hours=hours)
        alpha = min(max(elapsed, 1e-3) / budget, 0.05)
        expected, season = evaluation.expected or evaluation.reference, None
        if watched.season is not None and evaluation.window.seasons:
            season = expected, watched.season.pseudo_counts(watched.by_hour(evaluation.window)[None, :])[0]
        view = view_window(evaluation.window, watched.plan, watched.detector.model, self._settings, alpha, season)
        report = DriftReport(
            evaluation,
            watched.plan,
            reference=evaluation.reference,
            rows=watched.rows,
            standing=standing,
            acknowledged={at: one.at for at, one in watched.known.columns.items()},
            view=view,
            settings=self._settings,
            season=None
            if season is None or watched.season is None
            else InSeason(evaluation.reference, watched.season, season[1]),
        )
        yield from report.signals()
        yield from embedding_signals(evaluation, expected, alpha)

    def _hear(self, watched: _Watched, evaluation: Evaluation) -> None:
        said = evaluation.acknowledged.get(self.name, 0.0)
        if said > watched.heard:
            watched.heard = said
            self.acknowledge(evaluation.model, evaluation.version, said)

    def _of(self, evaluation: Evaluation, reference: Reference) -> _Watched:
        key = (evaluation.model, evaluation.version)
        known = self._watched.get(key)
        if known is not None and known.reference.hash == reference.hash:
            return known
        plan = make_plan(reference, self._settings.ignore)
        watched = _Watched.new(reference, plan, self._settings.smallest_effect)
        state = self._pending.pop(key, None)
        same = state is not None and state["reference"] == reference.hash and state["columns"] == list(plan.names)
        if state is not None and same and watched.detector is not None and watched.known is not None:
            watched.detector.restore(state["detector"])
            watched.known.restore(state.get("acknowledged", ()))
            watched.rows = int(state["rows"])
            watched.heard = float(state.get("heard", 0.0))
        self._watched[key] = watched
        return watched

    def snapshot(self) -> Mapping[str, Any]:
        waiting = [{"key": list(key), **state} for key, state in self._pending.items()]
        return {
            "models": [*waiting, *(_state(key, watched) for key, watched in self._watched.items())],
            "errors": [{"key": list(key), **watcher.snapshot()} for key, watcher in self._errors.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """States wait until an evaluation brings their model's reference; one of another reference is dropped."""
        self._watched.clear()
        self._pending = {
            (str(item["key"][0]), str(item["key"][1])): {name: item[name] for name in item if name != "key"}
            for item in state["models"]
        }
        self._errors.clear()
        for item in state.get("errors", ()):
            self._watcher((str(item["key"][0]), str(item["key"][1]))).restore(item)


def _state(key: tuple[str, str], watched: _Watched) -> dict[str, Any]:
    return {
        "key": list(key),
        "reference": watched.reference.hash,
        "columns": list(watched.plan.names),
        "rows": watched.rows,
        "heard": watched.heard,
        "detector": watched.detector.snapshot() if watched.detector is not None else None,
        "acknowledged": watched.known.snapshot() if watched.known is not None else [],
    }


def _unknown(evaluation: Evaluation, reason: str) -> Signal:
    return Signal("drift.alarm", None, evaluation.now, evaluation.labels(), Verdict(Outcome.UNKNOWN, reason, method="e-detector"))
