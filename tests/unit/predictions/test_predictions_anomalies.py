"""What stands out among recent predictions, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from neural.monitoring.predictions import PredictionAnalyzer, PredictionLogger
from neural.monitoring.predictions.anomalies import find_anomalies
from neural.monitoring.predictions.record import PredictionRecord


def records(n, *, latency=None, confidence=None, classes=None, seed=0):
    random = np.random.default_rng(seed)
    latency = random.exponential(10, n) if latency is None else latency
    confidence = random.uniform(0.6, 0.95, n) if confidence is None else confidence
    classes = random.integers(0, 2, n) if classes is None else classes
    return [
        PredictionRecord(f"p{at}", float(at), {}, int(classes[at]), {"1": float(confidence[at])}, latency_ms=float(latency[at]))
        for at in range(n)
    ]


def halves(n, before, after):
    return np.concatenate([before(n // 2), after(n - n // 2)])


RANDOM = np.random.default_rng(1)
CHANGES = {
    "latency_shift": {"latency": halves(400, lambda n: RANDOM.exponential(10, n), lambda n: RANDOM.exponential(20, n))},
    "confidence_shift": {
        "confidence": halves(400, lambda n: RANDOM.uniform(0.7, 0.95, n), lambda n: RANDOM.uniform(0.55, 0.8, n))
    },
    "class_mix": {"classes": halves(400, lambda n: RANDOM.random(n) < 0.3, lambda n: RANDOM.random(n) < 0.6)},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_changed_half_way_is_told_once_with_its_numbers(kind):
    found = [
        one for one in find_anomalies(records(400, **CHANGES[kind])) if one["type"] == kind or one["type"].endswith("_shift")
    ]
    assert {one["type"] for one in found} == {kind}
    assert all("half" in one["reason"] for one in found)
    assert all(np.isfinite(one["value"]) for one in found)


def test_calm_predictions_seldom_change():
    kinds = {"latency_shift", "confidence_shift", "class_mix"}
    told = sum(any(one["type"] in kinds for one in find_anomalies(records(400, seed=seed))) for seed in range(300))
    assert told <= 5  # at 0.001 each, three kinds, 300 runs: 0.9 expected


def test_a_few_slow_answers_are_told_one_by_one_and_are_no_shift():
    latency = np.full(100, 10.0) + np.arange(100) % 3
    latency[[60, 80]] = 500.0
    found = find_anomalies(records(100, latency=latency))
    assert [one["prediction_id"] for one in found if one["type"] == "latency"] == ["p60", "p80"]
    assert not any(one["type"] == "latency_shift" for one in found)


def test_the_margin_of_many_classes_has_its_distribution():
    logger = PredictionLogger()
    for at in range(20):
        logger.log_prediction(f"p{at}", {}, "a", {"a": 0.5, "b": 0.3, "c": 0.2} if at < 15 else {"a": 0.9, "b": 0.05, "c": 0.05})
    found = PredictionAnalyzer(logger).analyze_predictions()["confidence"]
    assert found["distribution"]["0.5-0.6"] == 15
    assert found["margin_distribution"]["0.2-0.3"] == 15
    assert found["margin_distribution"]["0.8-0.9"] == 5
    assert found["margin_mean"] == pytest.approx((15 * 0.2 + 5 * 0.85) / 20)
