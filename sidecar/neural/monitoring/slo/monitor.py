"""SLOMonitor: counts events as they pass, judges slots of time as they close, and yields the ``slo.*`` signals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from neural.monitoring.clock import Clock
from neural.monitoring.records import LabelledBatch, TrafficBatch
from neural.monitoring.signal import Signal
from neural.monitoring.slo.budget import budget_remaining
from neural.monitoring.slo.counts import SlotCounts
from neural.monitoring.slo.events import FROM_TRAFFIC, TrafficSlots, label_counts
from neural.monitoring.slo.judge import SPECS, slo_signals
from neural.monitoring.slo.ledger import SLOTS_AHEAD, SLOLedger, breach_key
from neural.monitoring.slo.settings import SLOSettings, SLOType
from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import Report
from neural.monitoring.windows.evaluation import Evaluation

_BY_SIGNAL = {
    SLOType.DRIFT_FREE: "drift.alarm",
    SLOType.QUALITY: "quality.score",
    SLOType.LABEL_COVERAGE: "performance.coverage",
}
GRACE_SLOTS = 1
"""How long after its end a slot's throughput is judged: requests arrive a little late."""
LONGEST_GAP_SLOTS = 10
"""After a longer pause between evaluations, slots without a request are "no data": the sidecar may have been away."""
_VOLUME_SLOTS = 360


class SLOMonitor:
    """Service level objectives, each with its own budget for each model.

    ``slot_seconds`` is the pane width. Counts go to ``store`` under ``slo_key(model, name)``; a snapshot holds what a crash
    would leave uncertain.
    Objectives on signals read ``evaluation.earlier``, so this monitor runs last.
    """

    name = "slo"
    specs = SPECS

    def __init__(self, settings: Sequence[SLOSettings], store: Store, clock: Clock, *, slot_seconds: float = 60.0) -> None:
        self._settings = tuple(settings)
        self._store = store
        self._clock = clock
        self._slot = slot_seconds
        self._ledgers: dict[tuple[str, str], SLOLedger] = {}
        self._volume: dict[str, SlotCounts] = {}
        self._evaluated: dict[str, float] = {}
        self._totals: Mapping[tuple[str, str], tuple[float, float]] = {}

    def observe_traffic(self, batch: TrafficBatch) -> None:
        """Count requests: availability, error rate, latency, and the volume for throughput."""
        if not len(batch):
            return
        now = self._clock()
        slots = TrafficSlots(batch, self._slot, now)
        for ledger in self._of_model(batch.model):
            if ledger.settings.type in FROM_TRAFFIC:
                for slot, good, total in slots.counts(ledger.settings):
                    ledger.add(slot, good, total, now)
        volume = self._volume_of(batch.model)
        for slot, requests in slots.requests():
            if slot > volume.slot(now) - _VOLUME_SLOTS:
                volume.add(slot, requests, requests)
                self._judge_late_slot(batch.model, slot)

    def observe_labels(self, batch: LabelledBatch) -> None:
        """Count predictions whose outcome has become known."""
        if not len(batch):
            return
        now = self._clock()
        for ledger in self._of_model(batch.model):
            if ledger.settings.type is SLOType.ACCURACY:
                for slot, good, total in label_counts(ledger.settings, batch, self._slot, now):
                    ledger.add(slot, good, total, now)

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]:
        """The signals of every objective of the model. All its versions share one budget: each carries the same numbers."""
        model, now = evaluation.model, evaluation.now
        ledgers = list(self._of_model(model))
        volume = self._volume.get(model)
        if volume is not None and volume.newest is not None and volume.newest - volume.slot(now) > SLOTS_AHEAD:
            del self._volume[model]
        for ledger in ledgers:
            ledger.heal(now, self._store)
            self._judge_slots(ledger, evaluation)
        if self._evaluated.get(model) != now:
            self._evaluated[model] = now
            with self._store.transaction():
                for ledger in ledgers:
                    self._follow_breach(ledger, now)
                self._flush(ledgers)
            self._totals = {key: one.seen for key, one in self._ledgers.items() if one.seen.total}
        return [signal for ledger in ledgers for signal in slo_signals(ledger, evaluation.version, now)]

    def totals(self) -> Mapping[tuple[str, str], tuple[float, float]]:
        """(good, total) of every objective on events, by (model, objective), as of the last evaluation: counters that add over pods."""
        return self._totals

    def snapshot(self) -> Mapping[str, Any]:
        """JSON-able. Writes changed slots to the store first, so that store and snapshot agree."""
        with self._store.transaction():
            self._flush(self._ledgers.values())
        volume = {
            model: [[slot * self._slot, counts.get(slot).total] for slot in _recent(counts) if counts.get(slot).total]
            for model, counts in self._volume.items()
        }
        return {"format": 1, "ledgers": [ledger.snapshot() for ledger in self._ledgers.values()], "volume": volume}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a snapshot. Objectives that have left the configuration are forgotten."""
        self._ledgers.clear()
        self._volume.clear()
        for saved in state.get("ledgers", []):
            ledger = next((one for one in self._of_model(saved["model"]) if one.settings.name == saved["slo"]), None)
            if ledger is not None:
                ledger.restore(saved, self._store)
        for model, slots in state.get("volume", {}).items():
            volume = self._volume_of(model)
            for start, total in slots:
                volume.put(volume.slot(start), total, total)

    def _flush(self, ledgers: Collection[SLOLedger]) -> None:
        self._store.add_many_slo_counts([row for ledger in ledgers for row in ledger.changes()])
        for ledger in ledgers:
            ledger.forget_changes()

    def _of_model(self, model: str) -> Iterator[SLOLedger]:
        for settings in self._settings:
            if settings.model in (None, model):
                key = (model, settings.name)
                ledger = self._ledgers.get(key)
                if ledger is None:
                    ledger = self._ledgers[key] = SLOLedger(settings, model, self._slot)
                yield ledger

    def _volume_of(self, model: str) -> SlotCounts:
        if model not in self._volume:
            self._volume[model] = SlotCounts(self._slot, _VOLUME_SLOTS, _VOLUME_SLOTS * self._slot)
        return self._volume[model]

    def _judge_slots(self, ledger: SLOLedger, evaluation: Evaluation) -> None:
        kind = ledger.settings.type
        if kind is SLOType.THROUGHPUT:
            self._judge_throughput(ledger, evaluation.now)
        elif kind in _BY_SIGNAL:
            self._judge_signal(ledger, evaluation)

    def _judge_signal(self, ledger: SLOLedger, evaluation: Evaluation) -> None:
        """The worst verdict within a slot is the slot's."""
        name, kind = _BY_SIGNAL[ledger.settings.type], ledger.settings.type
        values = [signal.value for signal in evaluation.earlier if signal.name == name and signal.value is not None]
        if not values:
            return
        good = max(values) <= 0 if kind is SLOType.DRIFT_FREE else min(values) >= ledger.settings.limit
        slot = ledger.counts.slot(evaluation.now)
        held = ledger.counts.get(slot)
        ledger.put(slot, min(float(good), held.good) if held.total else float(good), 1.0)

    def _judge_throughput(self, ledger: SLOLedger, now: float) -> None:
        last = ledger.counts.slot(now) - 1 - GRACE_SLOTS
        if ledger.judged_until is None:
            ledger.judged_until = ledger.counts.slot(now)  # begin with the first slot that is watched whole
        first = ledger.judged_until + 1
        away = last - first + 1 > LONGEST_GAP_SLOTS
        for slot in range(max(first, last - _VOLUME_SLOTS + 1), last + 1):
            self._judge_volume(ledger, slot, idle_counts=not away)
        ledger.judged_until = max(ledger.judged_until, last)

    def _judge_late_slot(self, model: str, slot: int) -> None:
        """A request that came after its slot had been judged may change the judgement."""
        for ledger in self._of_model(model):
            if ledger.settings.type is SLOType.THROUGHPUT and ledger.counts.get(slot).total:
                self._judge_volume(ledger, slot, idle_counts=False)

    def _judge_volume(self, ledger: SLOLedger, slot: int, *, idle_counts: bool) -> None:
        requests = self._volume_of(ledger.model).get(slot).total
        if requests or idle_counts:
            ledger.put(slot, float(requests / self._slot >= ledger.settings.limit), 1.0)

    def _follow_breach(self, ledger: SLOLedger, now: float) -> None:
        """A breach lasts while the window's compliance is below the target. Without data it neither begins nor ends."""
        counts = ledger.period(now)
        left = budget_remaining(counts, ledger.settings.goal)
        if left is None:
            return
        if left < 0 and ledger.breach_started is None:
            ledger.breach_started = now
            self._store.put_value(breach_key(ledger.key), now)
        elif left >= 0 and ledger.breach_started is not None:
            start, ledger.breach_started = ledger.breach_started, None
            self._store.put_value(breach_key(ledger.key), None)
            body = {"slo": ledger.settings.name, "started_at": start, "ended_at": now, "duration_seconds": max(now - start, 0.0)}
            if not self._is_reported(ledger, start):
                self._store.add_report(Report("slo_breach", now, ledger.model, "", body))

    def _is_reported(self, ledger: SLOLedger, start: float) -> bool:
        """A replay after a crash comes to the same end of a breach a second time."""
        known = self._store.reports("slo_breach", since=start, model=ledger.model)
        return any((one.body["slo"], one.body["started_at"]) == (ledger.settings.name, start) for one in known)


def _recent(counts: SlotCounts) -> range:
    newest = counts.newest
    return range(0) if newest is None else range(newest - _VOLUME_SLOTS + 1, newest + 1)
