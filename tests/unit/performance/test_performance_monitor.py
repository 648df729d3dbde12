"""From labels to signals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.performance import Label, LabelJoiner, PerformanceMonitor, PerformanceSettings
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import Evaluation, Monitor, ObservesLabels, ObservesRows, Reference, Stateful, Window


def evaluation(now, length=60.0, performance=None):
    reference = None if performance is None else Reference({}, 0, "test", now, performance=performance)
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


def test_a_segment_that_does_worse_than_the_rest_is_named():
    settings = PerformanceSettings(segments=("carrier",))
    monitor, joiner = PerformanceMonitor(settings), LabelJoiner(settings)
    rng = np.random.default_rng(0)
    n = 1200
    carrier = rng.choice(["AA", "UA", "HA"], n)
    truth = rng.integers(0, 2, n)
    right = rng.random(n) < np.where(carrier == "HA", 0.5, 0.95)
    made = np.array([str(v) for v in np.where(right, truth, 1 - truth)], dtype=object)
    column = Column("carrier", Kind.CATEGORICAL, carrier.astype(object), np.zeros(n, bool))
    ids = [str(i) for i in range(n)]
    predictions = Column("@prediction", Kind.CATEGORICAL, made, np.zeros(n, bool))
    batch = RecordBatch("m", "1", np.full(n, 1000.0), ids, {"carrier": column}, predictions)
    monitor.observe_rows(batch)
    joiner.observe_rows(batch)
    restored = LabelJoiner(settings)
    restored.restore(json.loads(json.dumps(joiner.snapshot())))
    for found in restored.add_labels([Label(i, int(v), 1005.0) for i, v in zip(ids, truth, strict=True)]):
        monitor.observe_labels(found)
    again = PerformanceMonitor(settings)
    again.restore(json.loads(json.dumps(monitor.snapshot())))
    for each in (monitor, again):
        by_segment = {
            s.labels["segment"]: s for s in each.evaluate(evaluation(1010.0)) if s.name == "performance.segment_accuracy"
        }
        assert set(by_segment) == {"carrier=AA", "carrier=UA", "carrier=HA"}
        assert by_segment["carrier=HA"].value == pytest.approx(right[carrier == "HA"].mean())
        outcomes = {name: signal.verdict.outcome for name, signal in by_segment.items()}
        assert outcomes == {"carrier=AA": Outcome.OK, "carrier=UA": Outcome.OK, "carrier=HA": Outcome.BAD}


def test_values_of_a_segment_beyond_the_bound_count_together():
    settings = PerformanceSettings(segments=("id",), max_segments=3)
    monitor, joiner = PerformanceMonitor(settings), LabelJoiner(settings)
    ids = [str(i) for i in range(20)]
    column = Column("id", Kind.NUMERIC, np.arange(20.0), np.zeros(20, bool))
    made = Column("@prediction", Kind.NUMERIC, np.arange(20.0), np.zeros(20, bool))
    joiner.observe_rows(RecordBatch("m", "1", np.full(20, 1000.0), ids, {"id": column}, made))
    for found in joiner.add_labels([Label(i, float(i) + 1, 1001.0) for i in ids]):
        monitor.observe_labels(found)
    names = [s.labels["segment"] for s in monitor.evaluate(evaluation(1010.0)) if s.name == "performance.segment_mae"]
    assert len(names) == 4
    assert "id=_other" in names


def test_a_label_that_says_when_it_happened_counts_when_it_came():
    monitor, joiner = PerformanceMonitor(), LabelJoiner()
    feed(monitor, joiner, start=1000.0, n=50, accuracy=1.0, labelled=0.0)
    signals(monitor, evaluation(9000.0))
    for found in joiner.add_labels([Label(f"1000.0-{i}", 1, 1100.0) for i in range(50)]):
        monitor.observe_labels(found)
    assert signals(monitor, evaluation(9001.0))["performance.labels"].value == 50


def test_numbers_are_provisional_until_no_label_can_come_any_more():
    monitor, joiner = PerformanceMonitor(PerformanceSettings(labels_within=100, window=1000)), LabelJoiner()
    feed(monitor, joiner, start=1000.0, n=50, accuracy=1.0)
    early = signals(monitor, evaluation(1060.0))["performance.accuracy"].verdict.evidence
    late = signals(monitor, evaluation(1200.0))["performance.accuracy"].verdict.evidence
    assert (early["state"], late["state"]) == ("provisional", "settled")
    assert {"n", "confidence", "hit_rate", "low", "high"} == set(early["calibration"][0])


def test_the_monitors_evidence_has_every_class():
    monitor = PerformanceMonitor()
    feed(monitor, LabelJoiner(), start=1000.0, n=100, accuracy=0.8)
    rows = signals(monitor, evaluation(1110.0, 600.0))["performance.f1"].verdict.evidence["by_class"]
    assert {row["class"] for row in rows} == {"0", "1"}
    assert sum(row["support"] for row in rows) == 100


def test_monitor_and_joiner_are_what_the_engine_asks_for():
    monitor = PerformanceMonitor()
    for protocol in (Monitor, ObservesRows, ObservesLabels, Stateful):
        assert isinstance(monitor, protocol)
    assert isinstance(LabelJoiner(), Stateful)


def test_a_verdict_names_the_reference_it_was_made_beside():
    monitor, joiner = PerformanceMonitor(), LabelJoiner()
    feed(monitor, joiner, start=1000.0, n=50, accuracy=1.0)
    beside = evaluation(1060.0, performance={"accuracy": 0.9})
    named = signals(monitor, beside)["performance.accuracy"].verdict.evidence
    assert (named["reference"], named["reference_version"]) == (beside.reference.hash, 1)
    assert signals(monitor, evaluation(1061.0))["performance.accuracy"].verdict.evidence["reference"] is None
