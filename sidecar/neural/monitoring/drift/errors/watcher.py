"""Concept drift of one model version: its labelled rows as errors, read by the detectors that the settings name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.errors.protocol import Change, ErrorDetector
from neural.monitoring.drift.errors.registry import ERROR_DETECTORS
from neural.monitoring.records import LabelledBatch
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows import Evaluation

SCALE_ROWS = 100
"""Regression errors are brought to [0, 1] as e / (e + s), with s the median absolute error of so many first rows."""


class ErrorWatcher:
    """Labels must come about in the order of their predictions; corrections of labels read before are left out."""

    def __init__(self, names: Sequence[str]) -> None:
        self._detectors: dict[str, ErrorDetector] = {name: ERROR_DETECTORS[name]() for name in names}
        self._changes: dict[str, tuple[float, Change]] = {}
        self._scale: float | None = None
        self._first: list[float] = []
        self.rows = 0

    def observe(self, batch: LabelledBatch) -> None:
        errors = self._errors(batch)
        if len(errors) == 0:
            return
        self.rows += len(errors)
        now = float(np.max(batch.label_times))
        for name, detector in self._detectors.items():
            change = detector.update(errors)
            if change is not None:
                self._changes[name] = (now, change)

    def signals(self, evaluation: Evaluation) -> Iterator[Signal]:
        """1 while a change for the worse was found within the window's length."""
        for name in self._detectors:
            when, change = self._changes.get(name, (-math.inf, None))
            recent = change is not None and change.worse and evaluation.now - when <= evaluation.length_seconds
            verdict = self._verdict(name, change if recent else None)
            value = None if verdict.outcome is Outcome.UNKNOWN else float(recent)
            yield Signal("drift.errors", value, evaluation.now, evaluation.labels(detector=name), verdict)

    def _verdict(self, name: str, change: Change | None) -> Verdict:
        if change is not None:
            reason = f"the mean error rose from {change.before:.3g} to {change.after:.3g} over the last {change.rows_since} labelled rows"
            return Verdict(
                Outcome.BAD,
                reason,
                statistic=change.after,
                sample_size=self.rows,
                effect_size=change.after - change.before,
                method=name,
            )
        if self.rows == 0:
            return Verdict(Outcome.UNKNOWN, "no labels have come in yet", method=name)
        return Verdict(
            Outcome.OK, f"the errors of {self.rows} labelled rows show no rise in this window", sample_size=self.rows, method=name
        )

    def _errors(self, batch: LabelledBatch) -> NDArray[np.float64]:
        fresh = np.ones(len(batch), dtype=bool) if batch.corrected is None else ~batch.corrected
        order = np.argsort(batch.times[fresh], kind="stable")
        predictions, labels = batch.predictions[fresh][order], batch.labels[fresh][order]
        if predictions.dtype == object:
            return np.asarray(predictions != labels, dtype=np.float64)
        gaps = np.abs(np.asarray(predictions, dtype=np.float64) - np.asarray(labels, dtype=np.float64))
        return self._scaled(gaps[np.isfinite(gaps)])

    def _scaled(self, gaps: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._scale is None:
            self._first.extend(gaps.tolist())
            if len(self._first) < SCALE_ROWS:
                return np.empty(0)
            self._scale = max(float(np.median(self._first)), 1e-12)
            gaps, self._first = np.array(self._first), []
        return gaps / (gaps + self._scale)

    def snapshot(self) -> dict[str, Any]:
        changes = {name: [when, change.before, change.after, change.rows_since] for name, (when, change) in self._changes.items()}
        detectors = {name: detector.snapshot() for name, detector in self._detectors.items()}
        return {"rows": self.rows, "scale": self._scale, "first": self._first, "changes": changes, "detectors": detectors}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.rows, self._scale = int(state["rows"]), state["scale"]
        self._first = [float(gap) for gap in state["first"]]
        self._changes = {
            name: (float(when), Change(float(before), float(after), int(since)))
            for name, (when, before, after, since) in state["changes"].items()
        }
        for name, detector in self._detectors.items():
            if name in state["detectors"]:
                detector.restore(state["detectors"][name])
