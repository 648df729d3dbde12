"""What the pages ask the store, for one selection at one moment. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from neural.monitoring.dashboard.selection import RANGES_SECONDS, Selection
from neural.monitoring.dashboard.series import Series, grouped, typical_step
from neural.monitoring.signal import Signal
from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import AlertRow, Report
from neural.monitoring.views.current import (
    CURRENT_EVALUATIONS,
    DEFAULT_EVALUATE_EVERY_SECONDS,
    PULSE,
    SIDECAR,
    Current,
    every_seconds,
    stopped_at,
)
from neural.monitoring.views.snapshot import Snapshot

LEAST_AUTO_SECONDS, MOST_AUTO_SECONDS = 60.0, 3600.0
LEAST_AUTO_EVALUATIONS = 10  # where evaluations are frequent, a minute would be mostly empty at first
MAX_POINTS = 240  # per series; longer stretches are sampled
SAME_EVALUATION_SECONDS = 1.0
LEAST_FRESH_SECONDS = 120.0
MAX_ALERTS = 500
STEP_POINTS = 100  # newest ones, of all pulse signals together: enough to see how often evaluations are
RECENT_SECONDS = 600.0  # an alert touched before that was seen by every page in memory


class Reader:
    """One reading of the store: every question is asked once, and all answers are of the same moment.

    ``now`` is Unix seconds. With a ``snapshot`` the newest signals are taken from there, without asking the store.
    Raises StoreError when the store can't be read.
    """

    def __init__(self, store: Store, selection: Selection, now: float, snapshot: Snapshot | None = None) -> None:
        self.store, self.now, self._snapshot = store, now, snapshot
        self.until = min(selection.until, now) if selection.until is not None else now
        self.selection = selection
        self._series: dict[tuple[str, ...], list[Series]] = {}

    def latest(self, names: Sequence[str] | None = None, labels: Mapping[str, str] | None = None) -> list[Signal]:
        """The newest signal of every series, whatever the right edge is."""
        if self._snapshot is None or not self._snapshot.signals:
            return self.store.latest_signals(names, labels=labels)
        wanted = (labels or {}).items()
        mine = (s for s in self._snapshot.signals if names is None or s.name in names)
        return [signal for signal in mine if all(signal.labels.get(key) == value for key, value in wanted)]

    def mark(self) -> object:
        """Equal as long as nothing was measured and no alert or silence has changed: a page made before is still right."""
        pulse = tuple((s.key, s.time) for s in self.latest(PULSE))
        alerts = tuple(
            (row.alert_id, row.updated_at) for row in self.store.alerts(since=self.now - RECENT_SECONDS, limit=MAX_ALERTS)
        )
        return pulse, alerts, tuple(self.store.silences(active_at=self.until))

    @cached_property
    def models(self) -> list[tuple[str, str]]:
        """(model, version) of everything ever measured, by name."""
        found = {(s.labels.get("model", ""), s.labels.get("version", "")) for s in self.latest(PULSE)}
        return sorted(found)

    @cached_property
    def model(self) -> tuple[str, str]:
        """The chosen model version, or the one most recently measured."""
        wanted = (self.selection.model, self.selection.version)
        if wanted in self.models or not self.models:
            return wanted
        same = [pair for pair in self.models if pair[0] == wanted[0]] if wanted[0] else []
        newest = {(s.labels.get("model", ""), s.labels.get("version", "")): s.time for s in self.latest(PULSE)}
        return max(same or self.models, key=lambda pair: newest.get(pair, 0.0))

    @property
    def labels(self) -> dict[str, str]:
        return {"model": self.model[0], "version": self.model[1]}

    @cached_property
    def range_seconds(self) -> float:
        """The chosen stretch of time; if none was chosen, all there is, up to an hour."""
        if self.selection.range:
            return RANGES_SECONDS[self.selection.range]
        longest = self.until - MOST_AUTO_SECONDS
        pulse = self.store.read_signals(PULSE, labels=self.labels, since=longest, until=self.until)
        age = self.until - pulse[0].time if pulse else MOST_AUTO_SECONDS
        least = min(LEAST_AUTO_SECONDS, LEAST_AUTO_EVALUATIONS * self.step) or LEAST_AUTO_SECONDS
        return min(max(age * 1.02, least), MOST_AUTO_SECONDS)

    @property
    def since(self) -> float:
        return self.until - self.range_seconds

    @cached_property
    def step(self) -> float:
        """Seconds between evaluations, 0 if unknown."""
        about = self.store.value(SIDECAR, {}) or {}
        if isinstance(about, Mapping) and about.get("evaluate_every_seconds"):
            return float(about["evaluate_every_seconds"])
        recent = self.store.read_signals(
            PULSE, labels=self.labels, since=self.until - MOST_AUTO_SECONDS, until=self.until, limit=STEP_POINTS
        )
        return typical_step(signal.time for signal in recent)

    @cached_property
    def sampled_every(self) -> float | None:
        """Seconds between the evaluations that charts show, when there are too many to show all."""
        return self._slice(MAX_POINTS)

    # the state at the right edge
    @cached_property
    def newest_time(self) -> float | None:
        """When the newest evaluation at or before the right edge was, in the whole store."""
        known = [s.time for s in self.latest(PULSE, self.labels)]
        if not known or max(known) <= self.until:
            return max(known, default=None)
        for since in (
            self.until - MOST_AUTO_SECONDS,
            self.since,
        ):  # the last hour first: to sort a month of points takes its time
            if earlier := self.store.read_signals(PULSE, labels=self.labels, since=since, until=self.until, limit=1):
                return earlier[0].time
        return None

    @cached_property
    def state(self) -> dict[str, list[Signal]]:
        """Every signal of the model at the right edge, by name."""
        by_name: dict[str, list[Signal]] = {}
        for signal in self._state():
            by_name.setdefault(signal.name, []).append(signal)
        return by_name

    def _state(self) -> list[Signal]:
        newest = self.newest_time
        if newest is None:
            return []
        latest = self.latest(None, self.labels)
        if not any(signal.time > self.until for signal in latest):
            horizon = newest - max(LEAST_FRESH_SECONDS, CURRENT_EVALUATIONS * self.step)
            return [signal for signal in latest if signal.time >= horizon]
        past = self.store.read_signals(labels=self.labels, since=newest - SAME_EVALUATION_SECONDS, until=self.until)
        return list({signal.key: signal for signal in past}.values())

    @cached_property
    def current(self) -> Current:
        """The same state in the form the views judge."""
        about = self.store.value(SIDECAR, {}) or {}
        every = every_seconds(about) if about.get("library") else self.step or DEFAULT_EVALUATE_EVERY_SECONDS
        stopped = stopped_at(about)
        by_name = {name: tuple(signals) for name, signals in self.state.items()}
        told = stopped if stopped is not None and stopped <= self.until else None
        return Current(self.model[0], self.model[1], self.newest_time, every, by_name, told)

    def one(self, name: str, **labels: str) -> Signal | None:
        """The signal of that name at the right edge (the first one whose labels fit)."""
        found = (s for s in self.state.get(name, ()) if all(s.labels.get(k) == v for k, v in labels.items()))
        return next(found, None)

    def value(self, name: str, **labels: str) -> float | None:
        signal = self.one(name, **labels)
        return signal.value if signal else None

    def kept_evidence(self, name: str, **labels: str) -> tuple[float, Mapping[str, Any]] | None:
        """The newest evidence of the series and its time. The store keeps it with the newest verdict, and where a verdict changed."""
        signal = self.one(name, **labels)
        if signal is None:
            return None
        if signal.verdict is not None and signal.verdict.evidence:
            return signal.time, signal.verdict.evidence
        earlier = self.store.read_signals([name], labels=signal.labels, since=self.since, until=self.until)
        kept = ((s.time, s.verdict.evidence) for s in reversed(earlier) if s.verdict and s.verdict.evidence)
        return next(kept, None)

    # over time
    def series(self, *names: str, labels: Mapping[str, str] | None = None, points: int = MAX_POINTS, **more: str) -> list[Series]:
        """The signals of those names over the stretch of time, for the chosen model (or exactly ``labels``), and for labels in ``more``.

        At most about ``points`` a series: of longer stretches, one evaluation in each slice of time.
        """
        chosen = {**(self.labels if labels is None else labels), **more}
        key = (str(points), *names, *(f"{k}={v}" for k, v in sorted(chosen.items())))
        if key not in self._series:
            every = self._slice(points)
            found = self.store.read_signals(names, labels=chosen, since=self.since, until=self.until, every=every)
            self._series[key] = grouped(found)
        return self._series[key]

    def _slice(self, points: int) -> float | None:
        every = self.range_seconds / points
        return every if self.step and every > self.step else None

    # alerts and reports
    @cached_property
    def alerts(self) -> list[AlertRow]:
        """Alerts that touched the stretch of time, or still fire; newest first."""
        rows = self.store.alerts(since=self.since, limit=MAX_ALERTS)
        open_rows = self.store.alerts(states=("firing", "pending", "suppressed"), limit=MAX_ALERTS)
        both = {row.alert_id: row for row in [*rows, *open_rows] if row.started_at <= self.until and self._mine(row)}
        return sorted(both.values(), key=lambda row: row.started_at, reverse=True)

    def _mine(self, row: AlertRow) -> bool:
        """An alert without a model label (a channel is down, the sidecar is slow) concerns every model."""
        return all(row.labels.get(key) in (None, "", value) for key, value in self.labels.items())

    @property
    def firing(self) -> list[AlertRow]:
        """Alerts that were firing at the right edge."""
        return [row for row in self.alerts if fires_at(row, self.until)]

    def reports(self, kind: str, limit: int = 100) -> list[Report]:
        """Reports of the kind in the stretch of time, oldest first."""
        rows = self.store.reports(kind, limit=limit, since=self.since, until=self.until)
        return [row for row in rows if row.model in ("", self.model[0])]


def fires_at(row: AlertRow, moment: float) -> bool:
    """Whether the alert was firing then."""
    if row.fired_at is None or row.fired_at > moment or row.state == "suppressed":
        return False
    return row.resolved_at is None or row.resolved_at > moment
