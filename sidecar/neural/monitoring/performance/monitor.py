"""The performance monitor: what the model is worth, as far as labels tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neural.monitoring.performance.coverage import Coverage
from neural.monitoring.performance.estimate import Estimator
from neural.monitoring.performance.metrics import Metric, class_evidence, classification_metrics
from neural.monitoring.performance.pane import PerformancePane, PerformanceWindow
from neural.monitoring.performance.rows import rows_of
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.performance.specs import METRICS, SPECS
from neural.monitoring.performance.verdicts import Estimate, Reading, estimate_verdict, metric_verdict, segment_verdict
from neural.monitoring.records import LabelledBatch, RecordBatch
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows.evaluation import Evaluation

PANES_PER_WINDOW = 60
DUE_SHARE = 0.9  # a label is due when nine of ten labels would have come by now
MAX_AHEAD_SECONDS = 86_400.0  # a label from further in the future has a broken clock
_FIRST_WIDTH_SECONDS = 1.0  # until the first evaluation tells the window's length


@dataclass(slots=True)
class _State:
    window: PerformanceWindow
    estimator: Estimator
    coverage: Coverage = field(default_factory=Coverage)
    evaluated_at: float | None = None


class PerformanceMonitor:
    """Signals of the labels that arrived in the window, whenever their predictions were made.

    Each metric carries its confidence interval in the evidence. Coverage looks at the predictions whose label is due: those made
    in one window's length, ending where nine of ten labels have usually come.
    """

    name = "performance"
    specs = SPECS

    def __init__(self, settings: PerformanceSettings | None = None) -> None:
        self._settings = settings or PerformanceSettings()
        self._width = _width(self._settings.window) if self._settings.window else _FIRST_WIDTH_SECONDS
        self._states: dict[tuple[str, str], _State] = {}

    def observe_rows(self, batch: RecordBatch) -> None:
        state = self._state(batch.model, batch.version)
        state.coverage.add_predictions(batch.times)
        rows = rows_of(batch, self._settings) if self._settings.estimate else None
        if rows is not None:
            state.estimator.observe_rows(rows)

    def observe_labels(self, batch: LabelledBatch) -> None:
        state = self._state(batch.model, batch.version)
        batch = self._arrived(batch, state)
        state.window.add(batch)
        if self._settings.estimate:
            state.estimator.observe_labels(batch)
        first = slice(None) if batch.corrected is None else ~batch.corrected
        times = batch.times[first]
        if len(times):
            state.coverage.add_labels(times, batch.label_times[first] - times)

    def _arrived(self, batch: LabelledBatch, state: _State) -> LabelledBatch:
        """A label may carry the time of the outcome; here counts when it came, which is after the last evaluation."""
        if state.evaluated_at is None:
            return batch
        latest = state.evaluated_at + MAX_AHEAD_SECONDS
        return replace(batch, label_times=np.clip(batch.label_times, state.evaluated_at, latest))

    def _state(self, model: str, version: str) -> _State:
        state = self._states.get((model, version))
        if state is None:
            window = PerformanceWindow(self._settings.max_classes, self._width, self._settings.max_segments)
            state = self._states[model, version] = _State(window, Estimator(self._settings.positive_class, self._width))
        return state

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]:
        length = self._settings.window or evaluation.length_seconds
        self._width = _width(length)
        state = self._state(evaluation.model, evaluation.version)
        for part in (state.window, state.estimator):
            part.set_width(self._width)
            part.expire(evaluation.now - length)
        state.coverage.expire(evaluation.now, self._settings.labels_within + length)
        state.evaluated_at = evaluation.now
        merged = state.window.merged()
        return [
            *self._metrics(evaluation, merged),
            *self._segments(evaluation, merged),
            *self._estimates(evaluation, state.estimator),
            *self._coverage(evaluation, state, length),
        ]

    def _metrics(self, evaluation: Evaluation, pane: PerformancePane) -> Iterator[Signal]:
        shown = self._values(pane, self._settings.confidence)
        guarded = self._values(pane, 1 - 2 * self._settings.error_rate)
        reference = _reference_performance(evaluation)
        evidence: dict[str, Any] = {
            "window_seconds": self._settings.window or evaluation.length_seconds,
            "predictions_from": pane.oldest,
            "predictions_until": pane.newest,
            "corrections": pane.corrections,
            "state": self._settled(pane, evaluation.now),
        }
        if pane.classification is not None and pane.classification.scored > 0:
            evidence["calibration"] = pane.classification.calibration.curve()
        for name in METRICS:
            if name in shown:
                if name == "f1" and pane.classification is not None:
                    evidence = {**evidence, "by_class": class_evidence(pane.classification)}
                reading = Reading(name, shown[name], guarded[name], int(pane.labels))
                verdict = metric_verdict(reading, self._settings, reference, evidence)
                yield Signal(f"performance.{name}", shown[name].value, evaluation.now, evaluation.labels(), verdict)
        yield Signal("performance.labels", pane.labels, evaluation.now, evaluation.labels())

    def _settled(self, pane: PerformancePane, now: float) -> str:
        """Provisional as long as labels of these predictions can still come or be corrected."""
        is_settled = pane.newest is not None and pane.newest < now - self._settings.labels_within
        return "settled" if is_settled else "provisional"

    def _segments(self, evaluation: Evaluation, pane: PerformancePane) -> Iterator[Signal]:
        shown = list(pane.segments.readings(self._settings.confidence))
        strict = 1 - 2 * self._settings.error_rate / max(len(shown), 1)
        for reading, guarded in zip(shown, pane.segments.readings(strict), strict=True):
            base = self._whole(pane, reading.metric)
            if base is not None:
                verdict = segment_verdict(reading, guarded.value, base, self._settings)
                labels = evaluation.labels(segment=reading.name)
                yield Signal(f"performance.segment_{reading.metric}", reading.value.value, evaluation.now, labels, verdict)

    @staticmethod
    def _whole(pane: PerformancePane, metric: str) -> float | None:
        if metric == "accuracy":
            counts = pane.classification
            hits = sum(n for (label, made), n in counts.confusion.items() if label == made) if counts else 0
            return hits / counts.n if counts is not None and counts.n > 0 else None
        return pane.regression.metrics()["mae"] if pane.regression is not None else None

    def _estimates(self, evaluation: Evaluation, estimator: Estimator) -> Iterator[Signal]:
        reference, record = _reference_performance(evaluation), estimator.record.to_dict()
        for name, value, error, n in estimator.values():
            verdict = estimate_verdict(Estimate(name, value, error, n, record), self._settings, reference)
            yield Signal(f"performance.estimated_{name}", value, evaluation.now, evaluation.labels(), verdict)

    def _values(self, pane: PerformancePane, confidence: float) -> dict[str, Metric]:
        values: dict[str, Metric] = {}
        if pane.classification is not None:
            values |= classification_metrics(pane.classification, confidence, self._settings.positive_class)
        if pane.regression is not None:
            found, intervals = pane.regression.metrics(), pane.regression.intervals(confidence)
            values |= {name: Metric(value, intervals.get(name)) for name, value in found.items()}
        return values

    def _coverage(self, evaluation: Evaluation, state: _State, length: float) -> Iterator[Signal]:
        delay = state.coverage.delay(DUE_SHARE)
        due = evaluation.now - min(delay or 0.0, self._settings.labels_within)
        cohort = state.coverage.cohort(due - length, due, evaluation.now - self._settings.labels_within)
        value = None if delay is None else cohort.coverage
        verdict = Verdict(
            Outcome.UNKNOWN if value is None else Outcome.OK,
            _coverage_reason(delay, cohort.predictions, cohort.labelled),
            statistic=value,
            sample_size=int(cohort.predictions),
            evidence={
                "predictions": cohort.predictions,
                "labelled": cohort.labelled,
                "since": cohort.since,
                "until": cohort.until,
                "settled": cohort.settled,
                "label_delay_p50": state.coverage.delay(0.5),
                "label_delay_p90": delay,
            },
        )
        labels = evaluation.labels()
        yield Signal("performance.coverage", value, evaluation.now, labels, verdict)
        yield Signal("performance.label_delay", state.coverage.delay(0.5), evaluation.now, labels)

    def snapshot(self) -> Mapping[str, Any]:
        return {
            "width": self._width,
            "states": [
                [model, version, state.evaluated_at, state.window.to_json(), state.coverage.to_json(), state.estimator.to_json()]
                for (model, version), state in self._states.items()
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._width = float(state.get("width", self._width))
        self._states = {}
        for model, version, evaluated_at, window, coverage, estimator in state.get("states", ()):
            found = self._state(model, version)
            found.evaluated_at = evaluated_at
            found.window, found.coverage = PerformanceWindow.from_json(window), Coverage.from_json(coverage)
            found.estimator.fill(estimator)


def _width(length_seconds: float) -> float:
    return length_seconds / PANES_PER_WINDOW


def _reference_performance(evaluation: Evaluation) -> Mapping[str, float]:
    performance: Mapping[str, float] | None = evaluation.reference.performance if evaluation.reference else None
    return performance or {}


def _coverage_reason(delay: float | None, predictions: float, labelled: float) -> str:
    if delay is None:
        return "no label has come yet"
    if predictions <= 0:
        return "no predictions whose label is due"
    return f"{labelled:.0f} of {predictions:.0f} predictions have their label, {delay:.3g} s after the prediction at most"
