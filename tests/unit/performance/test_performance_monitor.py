"""From labels to signals."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from neural.monitoring.performance import Label, LabelJoiner, PerformanceMonitor, PerformanceSettings
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import Evaluation, Window


def evaluation(now, length=60.0, performance=None):
    reference = SimpleNamespace(performance=performance) if performance is not None else None
    window = Window(now - length, now)
    return Evaluation("m", "1", now, length, window, window, traffic=None, reference=reference)


def feed(monitor, joiner, *, start, n, accuracy, delay=5.0, seed=0, labelled=1.0):
    """n predictions a second apart, their labels ``delay`` seconds later; right with the given probability."""
    rng = np.random.default_rng(seed)
    times = start + np.arange(n, dtype=np.float64)
    ids = [f"{start}-{i}" for i in range(n)]
    truth = rng.integers(0, 2, n)
    made = np.where(rng.random(n) < accuracy, truth, 1 - truth)
    names = np.array([str(v) for v in made], dtype=object)
    score = np.where(made == 1, 0.8, 0.2)
    batch = RecordBatch("m", "1", times, ids, {}, Column("@prediction", Kind.CATEGORICAL, names, np.zeros(n, bool)), {"1": score})
    monitor.observe_rows(batch)
    for found in joiner.observe_rows(batch):
        monitor.observe_labels(found)
    kept = rng.random(n) < labelled
    labels = [Label(i, int(v), t + delay) for i, v, t, k in zip(ids, truth, times, kept, strict=True) if k]
    for found in joiner.add_labels(labels):
        monitor.observe_labels(found)


def signals(monitor, at):
    return {signal.name: signal for signal in monitor.evaluate(at)}


def test_a_model_that_got_worse_than_its_reference_is_called_bad_with_an_interval():
    monitor = PerformanceMonitor()
    feed(monitor, LabelJoiner(), start=1000.0, n=300, accuracy=0.6)
    found = signals(monitor, evaluation(1310.0, 600.0, {"accuracy": 0.95}))["performance.accuracy"]
    assert found.verdict.outcome is Outcome.BAD
    low, high = found.verdict.evidence["interval"]
    assert low < found.value < high < 0.9
    assert found.verdict.sample_size == 300
    assert "over 300 labels" in found.verdict.reason


def test_a_small_fall_that_chance_explains_is_not_called_bad():
    monitor = PerformanceMonitor()
    feed(monitor, LabelJoiner(), start=1000.0, n=60, accuracy=0.85)
    found = signals(monitor, evaluation(1100.0, 600.0, {"accuracy": 0.95}))["performance.accuracy"]
    assert found.value < 0.9
    assert found.verdict.outcome is Outcome.OK


def test_few_labels_give_the_number_but_no_verdict():
    monitor = PerformanceMonitor()
    feed(monitor, LabelJoiner(), start=1000.0, n=10, accuracy=0.1)
    found = signals(monitor, evaluation(1100.0, 600.0, {"accuracy": 0.95}))["performance.accuracy"]
    assert found.value is not None
    assert found.verdict.outcome is Outcome.UNKNOWN


def test_a_configured_limit_goes_before_the_reference():
    monitor = PerformanceMonitor(PerformanceSettings(minimum={"accuracy": 0.5}))
    feed(monitor, LabelJoiner(), start=1000.0, n=300, accuracy=0.7)
    found = signals(monitor, evaluation(1310.0, 600.0, {"accuracy": 0.99}))["performance.accuracy"]
    assert found.verdict.outcome is Outcome.OK
    assert found.verdict.threshold == 0.5


def test_only_labels_that_arrived_in_the_window_count():
    monitor, joiner = PerformanceMonitor(), LabelJoiner()
    signals(monitor, evaluation(990.0))
    feed(monitor, joiner, start=1000.0, n=50, accuracy=0.0, delay=1.0)
    feed(monitor, joiner, start=2000.0, n=50, accuracy=1.0, delay=1.0)
    found = signals(monitor, evaluation(2055.0))
    assert found["performance.labels"].value == 50
    assert found["performance.accuracy"].value == 1.0


def test_a_correction_counts_once_and_in_place_of_the_old_label():
    monitor, joiner = PerformanceMonitor(), LabelJoiner()
    feed(monitor, joiner, start=1000.0, n=40, accuracy=1.0)
    before = signals(monitor, evaluation(1100.0, 600.0))
    for batch in joiner.add_labels([Label("1000.0-0", "other", 1090.0)]):
        monitor.observe_labels(batch)
    after = signals(monitor, evaluation(1100.0, 600.0))
    assert before["performance.accuracy"].value == 1.0
    assert after["performance.accuracy"].value == pytest.approx(39 / 40)
    assert after["performance.labels"].value == 40


def test_coverage_looks_at_predictions_whose_label_is_due():
    monitor = PerformanceMonitor()
    feed(monitor, LabelJoiner(), start=1000.0, n=400, accuracy=0.9, delay=30.0, labelled=0.5)
    found = signals(monitor, evaluation(1400.0, 200.0))["performance.coverage"]
    assert found.value == pytest.approx(0.5, abs=0.1)
    assert found.verdict.evidence["until"] <= 1400.0 - 30.0


def test_without_any_label_there_is_no_coverage_and_no_metric():
    monitor = PerformanceMonitor()
    feed(monitor, LabelJoiner(), start=1000.0, n=20, accuracy=0.9, labelled=0.0)
    found = signals(monitor, evaluation(1100.0))
    assert found["performance.coverage"].value is None
    assert found["performance.labels"].value == 0
    assert "performance.accuracy" not in found


def test_a_restart_in_between_changes_nothing():
    monitor, joiner = PerformanceMonitor(), LabelJoiner()
    feed(monitor, joiner, start=1000.0, n=100, accuracy=0.8)
    restored = PerformanceMonitor()
    restored.restore(json.loads(json.dumps(monitor.snapshot())))
    for each in (monitor, restored):
        feed(each, LabelJoiner(), start=1100.0, n=100, accuracy=0.7, seed=1)
    assert [*restored.evaluate(evaluation(1210.0, 600.0))] == [*monitor.evaluate(evaluation(1210.0, 600.0))]


def test_every_signal_is_in_the_catalogue():
    monitor = PerformanceMonitor()
    feed(monitor, LabelJoiner(), start=1000.0, n=100, accuracy=0.8)
    known = {spec.name for spec in monitor.specs}
    assert {signal.name for signal in monitor.evaluate(evaluation(1110.0, 600.0))} <= known
