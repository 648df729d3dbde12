"""What the store says of one model version now: the signals of its newest evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import Report, Store

SIDECAR = "sidecar"
"""Key of the stored value about the sidecar: started_at, model {name, version}, evaluate_every_seconds, listen, pid;
``stopped_at`` once it was told to stop and did; ``library`` true for the Python API."""
CAPTURE = "capture"
"""Key of the stored value about what came in: ledger, sources {source: ledger}, counters."""
DEFAULT_EVALUATE_EVERY_SECONDS = 60.0
CURRENT_EVALUATIONS = 5
"""A series silent for this many evaluations is no longer part of "now" (a feature that is gone, a label class not seen)."""
STALE_EVALUATIONS = 4
"""Evaluations that may be missed before the sidecar counts as silent."""
LEAST_STALE_SECONDS = 15.0
"""Whatever the interval: an evaluation may take some seconds on a busy machine."""
HISTORY_POINTS = 60
"""Points of a sparkline."""


@dataclass(frozen=True, slots=True)
class Current:
    """``newest`` is the time of the newest evaluation, None when there was none; ``by_name`` has the signals that are current.

    ``stopped_at``: when the sidecar was stopped in good order, None while it runs or when it died. Times are Unix seconds.
    """

    model: str
    version: str
    newest: float | None
    every_seconds: float
    by_name: Mapping[str, tuple[Signal, ...]] = field(default_factory=dict[str, tuple[Signal, ...]])
    stopped_at: float | None = None

    @property
    def labels(self) -> dict[str, str]:
        return {"model": self.model, "version": self.version}

    def one(self, name: str, **labels: str) -> Signal | None:
        """The signal of that name with exactly those labels beyond model and version."""
        wanted = labels.items()
        for signal in self.by_name.get(name, ()):
            if {key: value for key, value in signal.labels.items() if key not in self.labels}.items() == wanted:
                return signal
        return None

    def value(self, name: str, **labels: str) -> float | None:
        signal = self.one(name, **labels)
        return signal.value if signal else None

    def by_label(self, name: str, label: str) -> dict[str, Signal]:
        """The signals of that name, by the value of one label, in its order."""
        return {signal.labels[label]: signal for signal in self.by_name.get(name, ()) if label in signal.labels}

    def silent_seconds(self, now: float) -> float | None:
        """How much too long ago the newest evaluation was; None when it is as fresh as it should be."""
        if self.newest is None:
            return None
        age = now - self.newest
        return age if age > _limit_seconds(self.every_seconds) else None


def silence_limit_seconds(store: Store) -> float:
    """How old the newest evaluation may be before the sidecar counts as silent."""
    return _limit_seconds(every_seconds(store.value(SIDECAR, {}) or {}))


def _limit_seconds(every: float) -> float:
    return max(LEAST_STALE_SECONDS, STALE_EVALUATIONS * every)


def stopped_at(about: Mapping[str, Any]) -> float | None:
    """When the sidecar was stopped in good order; None while it runs, and for the Python API, which says what it found when asked."""
    moment = about.get("stopped_at")
    return None if moment is None or about.get("library") else float(moment)


def every_seconds(about: Mapping[str, Any]) -> float:
    """Seconds between evaluations. The Python API evaluates when it is called: what it said last stays true until it says more."""
    return math.inf if about.get("library") else float(about.get("evaluate_every_seconds") or DEFAULT_EVALUATE_EVERY_SECONDS)


PULSE = ("requests.count", "requests.rate", "error_rate", "drift.alarm", "quality.score")
"""At least one of these is written at every evaluation of a model: cheaper to look at than everything."""


def models(store: Store) -> list[tuple[str, str]]:
    """Every (model, version) that was ever evaluated and not forgotten, most recently evaluated first."""
    newest: dict[tuple[str, str], float] = {}
    for signal in store.latest_signals(PULSE) or store.latest_signals():
        key = (signal.labels.get("model", ""), signal.labels.get("version", ""))
        newest[key] = max(newest.get(key, signal.time), signal.time)
    return sorted(newest, key=lambda key: (-newest[key], key))


def current(store: Store, *, model: str | None = None, version: str | None = None) -> Current:
    """Read one model version: the one named, else the sidecar's own if it has been evaluated, else the most recent."""
    about: Mapping[str, Any] = store.value(SIDECAR, {}) or {}
    every = every_seconds(about)
    chosen = _choose(store, about, model, version)
    of_model = store.latest_signals(labels={"model": chosen[0]})
    latest = [signal for signal in of_model if signal.labels.get("version", "") in (chosen[1], "")]
    newest = max((signal.time for signal in latest), default=None)
    by_name: dict[str, list[Signal]] = {}
    for signal in latest:
        if newest is not None and signal.time >= newest - CURRENT_EVALUATIONS * every:
            by_name.setdefault(signal.name, []).append(signal)
    signals_of = {name: tuple(signals) for name, signals in by_name.items()}
    return Current(chosen[0], chosen[1], newest, every, signals_of, stopped_at(about))


def _choose(store: Store, about: Mapping[str, Any], model: str | None, version: str | None) -> tuple[str, str]:
    own = about.get("model") or {}
    home = (str(own.get("name", "")), str(own.get("version", "")))
    known = models(store)
    fitting = [pair for pair in known if model in (None, pair[0]) and version in (None, pair[1])]
    if home in fitting:
        return home
    if fitting:
        return fitting[0]
    return (model or home[0], version or home[1])


def outcome(signal: Signal | None) -> str:
    """ "ok", "bad" or "unknown"; an ``.alarm`` signal without a verdict is judged by its value."""
    if signal is None:
        return Outcome.UNKNOWN.value
    if signal.verdict is not None:
        return signal.verdict.outcome.value
    if signal.name.endswith(".alarm") and signal.value is not None:
        return (Outcome.BAD if signal.value else Outcome.OK).value
    return Outcome.UNKNOWN.value


def reason(signal: Signal | None) -> str:
    return signal.verdict.reason if signal and signal.verdict else ""


def verdict_dict(verdict: Verdict | None) -> dict[str, Any] | None:
    """A verdict as JSON: outcome, reason, statistic, threshold, sample_size, p_value, effect_size, method, evidence."""
    if verdict is None:
        return None
    return {
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "statistic": verdict.statistic,
        "threshold": verdict.threshold,
        "sample_size": verdict.sample_size,
        "p_value": verdict.p_value,
        "effect_size": verdict.effect_size,
        "method": verdict.method,
        "evidence": dict(verdict.evidence),
    }


def signal_dict(signal: Signal) -> dict[str, Any]:
    """A signal as JSON: name, value, time, labels, verdict."""
    return {
        "name": signal.name,
        "value": signal.value,
        "time": signal.time,
        "labels": dict(signal.labels),
        "verdict": verdict_dict(signal.verdict),
    }


def history(
    store: Store, now_state: Current, name: str, *, points: int = HISTORY_POINTS, **labels: str
) -> list[list[float | None]]:
    """The newest points of one series as [time, value], oldest first."""
    newest = now_state.one(name, **labels)
    version = newest.labels.get("version", "") if newest else now_state.version  # objectives speak for all versions
    signals = store.read_signals([name], labels={"model": now_state.model, "version": version, **labels}, limit=points)
    return [[signal.time, signal.value] for signal in signals]


def reports_of(store: Store, kind: str, window: int, now_state: Current, version: str | None = None) -> list[Report]:
    """The newest ``window`` reports of the kind about this model, oldest first; those of no model (from the Python API) among them."""
    own = store.reports(kind, limit=window, model=now_state.model)
    unnamed = store.reports(kind, limit=window, model="") if now_state.model else []
    found = [report for report in (*own, *unnamed) if version is None or report.version in ("", version)]
    return sorted(found, key=lambda report: report.time)[-window:]
