"""The performance monitor: what the model is worth, as far as labels tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neural.monitoring.performance.baseline import Baseline
from neural.monitoring.performance.by_class import class_metrics
from neural.monitoring.performance.classification import ClassificationCounts
from neural.monitoring.performance.coverage import Coverage
from neural.monitoring.performance.estimate import Estimator
from neural.monitoring.performance.measured import Metric
from neural.monitoring.performance.metrics import confusion_matrix
from neural.monitoring.performance.pane import PerformancePane, PerformanceWindow
from neural.monitoring.performance.rows import rows_of
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.performance.specs import METRICS, SPECS
from neural.monitoring.performance.values import pane_metrics
from neural.monitoring.performance.verdicts import (
    Estimate,
    Reading,
    SegmentValue,
    class_verdict,
    estimate_verdict,
    metric_verdict,
    segment_verdict,
)
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
    in one window's length, ending where nine of ten labels have usually come. ``baseline``: of labelled reference rows; estimates begin
    calibrated by them.
    """

    name = "performance"
    specs = SPECS

    def __init__(self, settings: PerformanceSettings | None = None, baseline: Baseline | None = None) -> None:
        self._settings = settings or PerformanceSettings()
        self._baseline = baseline or Baseline()
        self._bars = self._guarded(self._baseline.pane)
        self._width = _width(self._settings.window) if self._settings.window else _FIRST_WIDTH_SECONDS
        self._states: dict[tuple[str, str], _State] = {}

    def observe_rows(self, batch: RecordBatch) -> None:
        state = self._state(batch.model, batch.version)
        state.coverage.add_predictions(batch.times)
        rows = rows_of(batch, self._settings, self._baseline.expect) if self._settings.estimate else None
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
            estimator = Estimator(self._settings.positive_class, self._width, *self._baseline.learnt())
            state = self._states[model, version] = _State(window, estimator)
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
            *self._classes(evaluation, merged),
            *self._segments(evaluation, merged),
            *self._estimates(evaluation, state.estimator),
            *self._coverage(evaluation, state, length),
        ]

    def _metrics(self, evaluation: Evaluation, pane: PerformancePane) -> Iterator[Signal]:
        shown = pane_metrics(pane, self._settings.confidence, self._settings.positive_class)
        guarded, reference = self._guarded(pane), _reference_performance(evaluation)
        evidence: dict[str, Any] = {
            "window_seconds": self._settings.window or evaluation.length_seconds,
            "predictions_from": pane.oldest,
            "predictions_until": pane.newest,
            "corrections": pane.corrections,
            "state": self._settled(pane, evaluation.now),
            **(evaluation.reference.named if evaluation.reference is not None else {"reference": None}),
        }
        if pane.classification is not None and pane.classification.scored > 0:
            evidence["calibration"] = pane.classification.calibration.curve(self._settings.confidence)
        for name in METRICS:
            if name in shown:
                if name == "f1" and pane.classification is not None:
                    evidence = {**evidence, "by_class": self._class_evidence(pane.classification)}
                reading = Reading(name, shown[name], guarded[name], int(pane.labels), self._bars.get(name))
                verdict = metric_verdict(reading, self._settings, reference, evidence)
                yield Signal(f"performance.{name}", shown[name].value, evaluation.now, evaluation.labels(), verdict)
        yield Signal("performance.labels", pane.labels, evaluation.now, evaluation.labels())

    def _class_evidence(self, counts: ClassificationCounts) -> list[dict[str, Any]]:
        rows = class_metrics(*confusion_matrix(counts), self._settings.confidence)
        return [
            {"class": one.name, **{name: metric.value or 0.0 for name, metric in one.items()}, "support": one.support}
            for one in rows
        ]

    def _guarded(self, pane: PerformancePane) -> dict[str, Metric]:
        return pane_metrics(pane, 1 - 2 * self._settings.error_rate, self._settings.positive_class)

    def _settled(self, pane: PerformancePane, now: float) -> str:
        """Provisional as long as labels of these predictions can still come or be corrected."""
        is_settled = pane.newest is not None and pane.newest < now - self._settings.labels_within
        return "settled" if is_settled else "provisional"

    def _classes(self, evaluation: Evaluation, pane: PerformancePane) -> Iterator[Signal]:
        if pane.classification is None:
            return
        for scores in class_metrics(*confusion_matrix(pane.classification), self._settings.confidence):
            labels = {**evaluation.labels(), "class": scores.name}
            for name, metric in scores.items():
                verdict = class_verdict(scores, name, metric, self._settings)
                yield Signal(f"performance.class_{name}", metric.value, evaluation.now, labels, verdict)

    def _segments(self, evaluation: Evaluation, pane: PerformancePane) -> Iterator[Signal]:
        if not len(pane.segments):
            return
        settings = self._settings
        shown = list(pane.segments.readings(settings.confidence, settings.positive_class))
        strict = 1 - 2 * settings.error_rate / max(sum(len(one.metrics) for one in shown), 1)
        whole = pane_metrics(pane, settings.confidence, settings.positive_class)
        for reading, guarded in zip(shown, pane.segments.readings(strict, settings.positive_class), strict=True):
            labels = evaluation.labels(segment=reading.name)
            for name in METRICS:
                if name in reading.metrics and name in whole:
                    metric = reading.metrics[name]
                    value = SegmentValue(reading.name, name, metric, guarded.metrics[name], reading.n, whole[name].value)
                    verdict = segment_verdict(value, settings)
                    yield Signal(f"performance.segment_{name}", metric.value, evaluation.now, labels, verdict)

    def _estimates(self, evaluation: Evaluation, estimator: Estimator) -> Iterator[Signal]:
        reference, record = _reference_performance(evaluation), estimator.record.to_dict()
        for name, value, error, n in estimator.values():
            verdict = estimate_verdict(Estimate(name, value, error, n, record), self._settings, reference)
            yield Signal(f"performance.estimated_{name}", value, evaluation.now, evaluation.labels(), verdict)

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
            "reference": self._baseline.reference,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Estimates that were calibrated beginning with another reference start anew from what this one teaches."""
        known = state.get("reference", self._baseline.reference)
        self._width = float(state.get("width", self._width))
        self._states = {}
        for model, version, evaluated_at, window, coverage, estimator in state.get("states", ()):
            found = self._state(model, version)
            found.evaluated_at = evaluated_at
            found.window, found.coverage = PerformanceWindow.from_json(window), Coverage.from_json(coverage)
            if known == self._baseline.reference:
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
