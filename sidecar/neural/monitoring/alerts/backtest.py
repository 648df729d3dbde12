"""What these rules would have said: stored signals played through the same engine, at the times at which they were stored.

Signals of objectives are played as they were: a changed objective needs new history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from neural.monitoring.alerts.channels.protocol import DELIVERED, Channel, DeliveryResult, Policy
from neural.monitoring.alerts.engine import AlertEngine
from neural.monitoring.alerts.notification import headline
from neural.monitoring.alerts.rule import Rule
from neural.monitoring.clock import ManualClock
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.store import AlertRow, MemoryStore, Silence, Store

_CHUNK_SECONDS = 6 * 3600.0
"""History is read in pieces, so that a month fits into memory."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A message that would have been sent, or was: when, where, and its one line."""

    time: float
    channel: str
    headline: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the rules would have done between two times, beside what was done then. Times are Unix seconds."""

    since: float
    until: float
    evaluations: int
    alerts: tuple[AlertRow, ...]
    messages: tuple[Planned, ...]
    alerts_then: tuple[AlertRow, ...]
    messages_then: tuple[Planned, ...]

    def table(self) -> list[dict[str, Any]]:
        """By rule: alerts and seconds firing, now and then. Sorted by rule."""
        names = sorted({row.rule for row in (*self.alerts, *self.alerts_then)})
        return [
            {"rule": name, **self._sums(name, self.alerts, ""), **self._sums(name, self.alerts_then, "_then")} for name in names
        ]

    def timeline(self) -> list[dict[str, Any]]:
        """Everything in time order: {"time", "side": "would" | "did", "what": "fired" | "resolved" | "sent", "text"}."""
        entries: list[dict[str, Any]] = []
        for side, alerts, messages in (("would", self.alerts, self.messages), ("did", self.alerts_then, self.messages_then)):
            for row in alerts:
                entries.append(
                    {"time": row.fired_at or row.started_at, "side": side, "what": "fired", "text": f"{row.rule}: {row.message}"}
                )
                if row.resolved_at is not None:
                    entries.append({"time": row.resolved_at, "side": side, "what": "resolved", "text": row.rule})
            entries += [
                {"time": one.time, "side": side, "what": "sent", "text": f"{one.channel}: {one.headline}"} for one in messages
            ]
        return sorted(entries, key=lambda entry: entry["time"])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "since": self.since,
            "until": self.until,
            "evaluations": self.evaluations,
            "messages": len(self.messages),
            "messages_then": len(self.messages_then),
            "rules": self.table(),
            "timeline": self.timeline(),
        }

    def _sums(self, rule: str, rows: Iterable[AlertRow], suffix: str) -> dict[str, Any]:
        of_rule = [row for row in rows if row.rule == rule]
        seconds = sum(
            (self.until if row.resolved_at is None else row.resolved_at) - (row.fired_at or row.started_at) for row in of_rule
        )
        return {f"alerts{suffix}": len(of_rule), f"firing_seconds{suffix}": seconds}


def backtest(
    rules: Sequence[Rule],
    store: Store,
    *,
    since: float,
    until: float,
    channels: Mapping[str, Channel] | None = None,
    specs: Iterable[SignalSpec] = (),
    silences: Sequence[Silence] = (),
    evaluate_every: float = 60.0,
) -> Backtest:
    """Play history. Nothing is sent and ``store`` is only read. ``channels`` lend their names and policies; without them: the log."""
    played, clock = MemoryStore(), ManualClock(since)
    silent: dict[str, Channel] = {name: _Silent(name, one.policy) for name, one in (channels or {}).items()} or {
        "log": _Silent("log", Policy())
    }
    engine = AlertEngine(rules, played, silent, clock, evaluate_every=evaluate_every, specs=specs, silences=silences)
    evaluations = 0
    try:
        with played.transaction():
            for now, signals in evaluations_of(store, since, until):
                clock.now = now
                engine.evaluate(signals, now)
                evaluations += 1
        alerts, messages = _fired(played, since, until), _messages(played, since, None)
    finally:
        played.close()
    return Backtest(since, until, evaluations, alerts, messages, _fired(store, since, until), _messages(store, since, until))


def evaluations_of(store: Store, since: float, until: float) -> Iterator[tuple[float, list[Signal]]]:
    """(time, signals) of each stored evaluation, in time order."""
    start = since
    while start < until:
        end = min(start + _CHUNK_SECONDS, until)
        chunk = store.read_signals(since=start, until=end)
        for now, group in groupby(chunk, key=lambda signal: signal.time):
            if now < end or end == until:  # what stands on a border is read with the next piece
                yield now, list(group)
        start = end


class _Silent:
    """A channel that only lends its name and policy."""

    kind = "backtest"

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.policy = policy

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        del notification
        return DELIVERED

    def close(self) -> None:
        """Nothing to close."""


def _fired(store: Store, since: float, until: float) -> tuple[AlertRow, ...]:
    rows = [row for row in store.alerts() if row.fired_at is not None and since <= row.fired_at <= until]
    return tuple(sorted(rows, key=lambda row: row.fired_at or 0.0))


def _messages(store: Store, since: float, until: float | None) -> tuple[Planned, ...]:
    found = [
        Planned(row.delivered_at or row.next_attempt_at, row.channel, headline(row.payload), len(row.payload["alerts"]))
        for row in store.outbox()
        if since <= row.created_at and (until is None or row.created_at <= until) and row.payload.get("alerts")
    ]
    return tuple(sorted(found, key=lambda one: one.time))
