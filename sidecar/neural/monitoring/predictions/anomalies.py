"""Predictions that stand out among the recent ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neural.monitoring.predictions.record import PredictionRecord

MAX_ANOMALIES = 100
MIN_RECORDS = 20  # fewer say nothing about what is usual
LATENCY_MADS = 8.0  # beyond the median; latencies are skewed, so the bar is high
MAD_TO_SIGMA = 1.4826
LOW_CONFIDENCE_MARGIN = 0.02  # the first two classes are as good as tied
_CLASS_MIX_ERROR = 1e-3  # chance of a false "the class mix has changed"
_SHIFT_ERROR = 1e-3  # of a false "latency (or confidence) has changed"
_SHIFT_EFFECT = 0.1  # and the later ones must be above, or below, the earlier ones in 60 % of pairs …
_SHIFT_SHARE = 0.1  # … and the median must have moved by a tenth


def find_anomalies(records: Sequence[PredictionRecord]) -> list[dict[str, Any]]:
    """Slow answers, ties between classes, and a latency, a confidence or a class mix that changed half way. Each with its reason.

    What is about all predictions comes first: single ones may be many.
    """
    found = [*_class_mix(records), *_shifts(records), *_latency(records), *_ties(records)]
    return found[:MAX_ANOMALIES]


def _latency(records: Sequence[PredictionRecord]) -> Iterator[dict[str, Any]]:
    if len(records) < MIN_RECORDS:
        return
    values = np.array([record.latency_ms for record in records])
    median = float(np.median(values))
    spread = max(float(np.median(np.abs(values - median))) * MAD_TO_SIGMA, 0.05 * median)
    threshold = median + LATENCY_MADS * spread
    if threshold <= 0:
        return
    for at in np.flatnonzero(values > threshold):
        record = records[int(at)]
        reason = f"{record.latency_ms:.1f} ms, where {median:.1f} ms is usual"
        yield _anomaly("latency", record, record.latency_ms, threshold, reason)


def _ties(records: Sequence[PredictionRecord]) -> Iterator[dict[str, Any]]:
    for record in records:
        values = sorted(record.prediction_proba.values(), reverse=True)
        if not values:
            continue
        margin = abs(2 * values[0] - 1) if len(values) == 1 else values[0] - values[1]
        if margin < LOW_CONFIDENCE_MARGIN:
            yield _anomaly("confidence", record, margin, LOW_CONFIDENCE_MARGIN, "the first two classes are as good as tied")


def _class_mix(records: Sequence[PredictionRecord]) -> Iterator[dict[str, Any]]:
    """Each class's share in the later half beside the earlier one: a pooled z-test, Bonferroni over classes."""
    names = [str(record.prediction) for record in records if not isinstance(record.prediction, float)]
    half = len(names) // 2
    if half < MIN_RECORDS:
        return
    before, after = Counter(names[:half]), Counter(names[half:])
    classes = sorted({*before, *after})
    if len(classes) > half // 2:
        return  # not classes, then
    for name in classes:
        n, m = half, len(names) - half
        pooled = (before[name] + after[name]) / (n + m)
        error = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        if error <= 0:
            continue
        z = (after[name] / m - before[name] / n) / error
        p_value = math.erfc(abs(z) / math.sqrt(2))
        if p_value < _CLASS_MIX_ERROR / len(classes):
            yield {
                "type": "class_mix",
                "prediction": name,
                "value": after[name] / m,
                "threshold": _CLASS_MIX_ERROR,
                "reason": f"class {name}: {before[name] / n:.1%} of the earlier half, {after[name] / m:.1%} of the later one",
            }


def _shifts(records: Sequence[PredictionRecord]) -> Iterator[dict[str, Any]]:
    """Latency and confidence of the later half beside the earlier one, by ranks (Mann and Whitney 1947): a few outliers don't count."""
    from scipy.stats import mannwhitneyu  # half a second to import, which writing the log need not pay

    latency = np.array([record.latency_ms for record in records])
    confidence = np.array([_top(record) for record in records if record.prediction_proba])
    for kind, values, unit in (("latency_shift", latency, " ms"), ("confidence_shift", confidence, "")):
        half = len(values) // 2
        before, after = values[:half], values[half:]
        if half < MIN_RECORDS or float(values.min()) == float(values.max()):
            continue
        found = mannwhitneyu(after, before)
        above = float(found.statistic) / (len(after) * len(before))  # chance that a later one is above an earlier one
        low, high = float(np.median(before)), float(np.median(after))
        matters = abs(above - 0.5) >= _SHIFT_EFFECT and abs(high - low) >= _SHIFT_SHARE * abs(low)
        if found.pvalue < _SHIFT_ERROR and matters:
            yield {
                "type": kind,
                "value": high,
                "threshold": _SHIFT_ERROR,
                "reason": f"{kind.removesuffix('_shift')}: median {low:.4g}{unit} in the earlier half, {high:.4g}{unit} in the later one",
            }


def _top(record: PredictionRecord) -> float:
    """The probability of the likeliest class; a lone probability is of one of two classes."""
    values = list(record.prediction_proba.values())
    return max(values[0], 1 - values[0]) if len(values) == 1 else max(values)


def _anomaly(kind: str, record: PredictionRecord, value: float, threshold: float, reason: str) -> dict[str, Any]:
    return {
        "type": kind,
        "prediction_id": record.prediction_id,
        "timestamp": record.timestamp,
        "value": value,
        "threshold": threshold,
        "reason": reason,
    }
