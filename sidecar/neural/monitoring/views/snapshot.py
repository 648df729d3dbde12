"""The state of the sidecar at one moment, published by swapping one reference: who reads it never waits for the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.clock import Clock
from neural.monitoring.signal import Signal
from neural.monitoring.store import AlertRow, Store
from neural.monitoring.views.current import CAPTURE, SIDECAR
from neural.wire.event import Ledger

OPEN_STATES = ("pending", "firing")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``signals`` are the newest of every series, ``alerts`` the open ones, ``ledgers`` by capture source, ``counters``
    running totals.

    Times are Unix seconds. ``models`` are (name, version). Counters that the views read: ``events`` (requests received), ``rows``
    (predictions decoded), ``failed`` (requests the server failed), ``labels``.
    """

    time: float
    started_at: float
    signals: tuple[Signal, ...] = ()
    ledgers: Mapping[str, Ledger] = field(default_factory=dict[str, Ledger])
    alerts: tuple[AlertRow, ...] = ()
    counters: Mapping[str, float] = field(default_factory=dict[str, float])
    models: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_store(cls, store: Store, now: float) -> Snapshot:
        """The same from stored data: for ``neural monitor prometheus`` and other readers in another process."""
        about: Mapping[str, Any] = store.value(SIDECAR, {}) or {}
        capture: Mapping[str, Any] = store.value(CAPTURE, {}) or {}
        signals = tuple(store.latest_signals())
        found = {(s.labels["model"], s.labels.get("version", "")) for s in signals if "model" in s.labels}
        sources: Mapping[str, Any] = capture.get("sources") or {}
        return cls(
            time=max((s.time for s in signals), default=now),
            started_at=float(about.get("started_at") or now),
            signals=signals,
            ledgers={name: ledger_from(body) for name, body in sources.items()},
            alerts=tuple(store.alerts(states=OPEN_STATES)),
            counters={name: float(value) for name, value in (capture.get("counters") or {}).items()},
            models=tuple(sorted(found)),
        )


class SnapshotBoard:
    """Holds the current snapshot. ``publish`` and ``current`` are one reference assignment and one read: no lock."""

    def __init__(self, first: Snapshot | None = None, *, read: Callable[[], Snapshot] | None = None) -> None:
        self._current = first
        self._read = read

    @classmethod
    def over(cls, store: Store, clock: Clock) -> SnapshotBoard:
        """A board that reads the store at every look: for processes beside the sidecar."""
        return cls(read=lambda: Snapshot.from_store(store, clock()))

    def publish(self, snapshot: Snapshot) -> None:
        self._current = snapshot

    def current(self) -> Snapshot | None:
        """None until the first evaluation."""
        return self._read() if self._read is not None else self._current


def ledger_from(body: Mapping[str, Any]) -> Ledger:
    """A ledger from its stored JSON; unknown keys are ignored."""
    counts = {name: int(body.get(name) or 0) for name in ("seen", "shipped", "sampled_out", "in_flight")}
    return Ledger(dropped={str(k): int(v) for k, v in (body.get("dropped") or {}).items()}, **counts)
