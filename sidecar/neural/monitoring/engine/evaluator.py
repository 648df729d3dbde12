"""At every tick: monitors look at the panes and yield signals, rules turn signals into alerts, and all of it is stored and published."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from neural.monitoring.engine.capture_signals import CAPTURE_SPECS, capture_signals
from neural.monitoring.engine.ports import Alerting
from neural.monitoring.engine.processing import Processor
from neural.monitoring.engine.reports import drift_report, quality_report
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.store import Report, Store
from neural.monitoring.windows import Evaluation, Monitor, PaneStore

log = logging.getLogger(__name__)
_STORED = "engine.evaluated"
"""The journal position behind the newest evaluation that the store has seen."""


@dataclass(slots=True)
class Evaluator:
    """Runs the monitors in their order; the signals of the earlier ones are visible to the later ones.

    ``default_model`` labels the sidecar's own signals.
    """

    panes: PaneStore
    monitors: Sequence[Monitor]
    processor: Processor
    store: Store
    alerting: Alerting
    default_model: tuple[str, str]
    monitor_errors: dict[str, int] = field(default_factory=dict[str, int])
    last_seconds: float = 0.0

    @property
    def specs(self) -> tuple[SignalSpec, ...]:
        """The catalogue: every signal some room may yield."""
        return tuple(spec for monitor in self.monitors for spec in monitor.specs) + CAPTURE_SPECS

    def was_stored(self, position: object) -> bool:
        """A kill may fall between an evaluation's entry in the journal and its results: those are stored when it is replayed."""
        stored = self.store.value(_STORED)
        return isinstance(position, int) and stored is not None and position <= stored

    def evaluate(self, now: float, *, backlog: int, replay: bool, position: object = None) -> list[Signal]:
        """All models once. On replay the monitors' state moves on, but nothing is stored, alerted or published a second time."""
        begin = time.perf_counter()
        models = self.panes.models() or [self.default_model]
        by_model = {key: self._monitor(self._evaluation(key, now)) for key in models}
        if replay:
            return []
        labels = {"model": self.default_model[0], "version": self.default_model[1]}
        own = list(capture_signals(self.processor.totals, now, labels, evaluation_seconds=self.last_seconds, backlog=backlog))
        signals = [signal for group in by_model.values() for signal in group] + own
        self._persist(signals, by_model, now, position)
        self.last_seconds = time.perf_counter() - begin
        return signals

    def _evaluation(self, key: tuple[str, str], now: float) -> Evaluation:
        said = self.alerting.acknowledged(*key, now)  # may fail with the store: so before the panes give their increments away
        return replace(self.panes.evaluation(*key, now), acknowledged=said)

    def _monitor(self, evaluation: Evaluation) -> list[Signal]:
        signals: list[Signal] = []
        for monitor in self.monitors:
            try:
                signals += list(monitor.evaluate(replace(evaluation, earlier=tuple(signals))))
            except Exception:
                # One broken monitor (perhaps a user's own) must not silence the others.
                self.monitor_errors[monitor.name] = self.monitor_errors.get(monitor.name, 0) + 1
                log.exception("monitor %s failed; the others go on", monitor.name)
        return signals

    def _persist(
        self, signals: list[Signal], by_model: dict[tuple[str, str], list[Signal]], now: float, position: object
    ) -> None:
        with self.store.transaction():
            self.store.write_signals(signals)
            for (model, version), group in by_model.items():
                for report in (drift_report(group, now, model, version), quality_report(group, now, model, version)):
                    if report is not None:
                        self.store.add_report(report)
            self._store_failures(now)
            self.store.put_value("capture", self.processor.totals.account())
            if position is not None:
                self.store.put_value(_STORED, position)
            self.alerting.evaluate(signals, now)

    def _store_failures(self, now: float) -> None:
        for failure in self.processor.failures:
            self.store.add_report(Report("decode_failure", now, *self.default_model, failure))
        self.processor.failures.clear()
