"""After every evaluation: the snapshot that /metrics, API and dashboard read without waiting for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neural.monitoring.engine import Totals
from neural.monitoring.export import STORED_AS, TrafficTotals
from neural.monitoring.signal import Signal
from neural.monitoring.store import Store
from neural.monitoring.views import REFERENCES, Snapshot, SnapshotBoard, reference_dict
from neural.monitoring.windows import PaneStore

_OPEN = ("pending", "firing")


@dataclass(slots=True)
class Publisher:
    """Called on the engine thread."""

    board: SnapshotBoard
    store: Store
    counters: Totals
    totals: TrafficTotals
    panes: PaneStore
    started_at: float
    _hashes: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def __call__(self, signals: Sequence[Signal], now: float) -> None:
        snapshot = Snapshot(
            time=now,
            started_at=self.started_at,
            signals=tuple(signals),
            ledgers=dict(self.counters.ledgers),
            alerts=tuple(self.store.alerts(states=_OPEN)),
            counters={name: float(value) for name, value in self.counters.counts.items()},
            models=tuple(self.panes.models()),
        )
        self.board.publish(snapshot)
        self.store.put_value(STORED_AS, self.totals.snapshot())
        self._put_references()

    def _put_references(self) -> None:
        """Tell readers of the store what is compared with what, when that has changed."""
        found = {key: self.panes.reference(*key) for key in self.panes.models()}
        hashes = {key: one.hash for key, one in found.items() if one is not None}
        if hashes != self._hashes:
            self.store.put_value(REFERENCES, [reference_dict(*key, one) for key, one in found.items() if one is not None])
            self._hashes = hashes
