"""Performance before labels: what it can see, what it can't, and its own track record."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.performance import Label, LabelJoiner, PerformanceMonitor, PerformanceSettings
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import Evaluation, Reference, Window

N = 4000


def evaluation(now, length=600.0, performance=None):
    reference = None if performance is None else Reference({}, 0, "test", now, performance=performance)
    window = Window(now - length, now)
    return Evaluation("m", "1", now, length, window, window, traffic=None, reference=reference)


def signals(monitor, at):
    return {signal.name: signal for signal in monitor.evaluate(at)}


class World:
    """True class probabilities q; the model says ``said(q)``. Labels come on request."""

    def __init__(self, said=lambda q: q, seed=0):
        self.rng, self.said = np.random.default_rng(seed), said
        self.monitor, self.joiner, self.count = PerformanceMonitor(), LabelJoiner(), 0

    def predict(self, start, spread, n=N, *, labelled=False, both=True):
        q = 1 / (1 + np.exp(-self.rng.normal(0, spread, n)))
        truth, p = (self.rng.random(n) < q).astype(int), self.said(q)
        ids = [f"{self.count + i}" for i in range(n)]
        self.count += n
        made = np.array(["1" if value >= 0.5 else "0" for value in p], dtype=object)
        times = start + np.linspace(0, 60, n)
        given = {"0": 1 - p, "1": p} if both else {"1": p}
        self.feed(RecordBatch("m", "1", times, ids, {}, Column("@prediction", Kind.CATEGORICAL, made, np.zeros(n, bool)), given))
        if labelled:
            self.label(ids, truth, times)
        return {
            "accuracy": float(((p >= 0.5) == truth).mean()),
            "recall": float((p >= 0.5)[truth == 1].mean()),
        }

    def feed(self, batch):
        self.monitor.observe_rows(batch)
        self.joiner.observe_rows(batch)

    def label(self, ids, truth, times):
        for batch in self.joiner.add_labels([Label(i, y, t + 1) for i, y, t in zip(ids, truth.tolist(), times, strict=True)]):
            self.monitor.observe_labels(batch)


@pytest.mark.parametrize("both", [True, False], ids=["both probabilities", "one probability"])
def test_harder_inputs_show_before_any_label(both):
    world = World()
    world.predict(1000.0, 4.0, both=both)
    easy = signals(world.monitor, evaluation(1100.0))
    truth = world.predict(5000.0, 0.7, both=both)
    hard = signals(world.monitor, evaluation(5100.0, performance={"accuracy": 0.85}))
    assert easy["performance.estimated_accuracy"].value > 0.8
    assert hard["performance.estimated_accuracy"].value == pytest.approx(truth["accuracy"], abs=0.02)
    assert hard["performance.estimated_recall"].value == pytest.approx(truth["recall"], abs=0.03)
    assert 0.5 < hard["performance.estimated_roc_auc"].value < easy["performance.estimated_roc_auc"].value
    verdict = hard["performance.estimated_accuracy"].verdict
    assert verdict.outcome is Outcome.BAD
    assert "estimated" in verdict.reason
    assert "only labels" in verdict.evidence["blind_to"]


def test_an_overconfident_model_is_seen_through_once_labels_have_come():
    def boast(q):
        return np.clip(0.5 + 2.0 * (q - 0.5), 0.001, 0.999)

    world = World(boast)
    world.predict(1000.0, 0.8)
    before = signals(world.monitor, evaluation(1100.0))["performance.estimated_accuracy"].value
    world.predict(2000.0, 0.8, labelled=True)
    truth = world.predict(5000.0, 0.8)
    after = signals(world.monitor, evaluation(5100.0))["performance.estimated_accuracy"].value
    assert before - truth["accuracy"] > 0.08
    assert after == pytest.approx(truth["accuracy"], abs=0.025)


def test_the_estimate_carries_its_track_record():
    world = World()
    world.predict(1000.0, 1.0, labelled=True)
    record = signals(world.monitor, evaluation(1100.0))["performance.estimated_accuracy"].verdict.evidence["record"]
    assert record["labels"] == N
    assert abs(record["bias"]) < 4 * record["bias_error"] < 0.05


def test_many_classes_are_estimated_too():
    rng = np.random.default_rng(1)
    matrix = rng.dirichlet(np.ones(3) * 0.5, N)
    truth = np.array([rng.choice(3, p=row) for row in matrix])
    made = np.array([str(k) for k in matrix.argmax(axis=1)], dtype=object)
    monitor = PerformanceMonitor()
    given = {str(k): matrix[:, k] for k in range(3)}
    column = Column("@prediction", Kind.CATEGORICAL, made, np.zeros(N, bool))
    monitor.observe_rows(RecordBatch("m", "1", np.full(N, 1000.0), [str(i) for i in range(N)], {}, column, given))
    found = signals(monitor, evaluation(1100.0))["performance.estimated_accuracy"]
    assert found.value == pytest.approx((made == truth.astype(str)).mean(), abs=0.02)


def test_a_regressions_error_is_estimated_from_errors_near_such_predictions():
    rng = np.random.default_rng(2)
    monitor, joiner = PerformanceMonitor(), LabelJoiner()

    def predict(start, low, high, labelled):
        made = rng.uniform(low, high, 2000)
        truth = made + rng.normal(0, 1, 2000) * made
        ids = [f"{start}-{i}" for i in range(2000)]
        batch = RecordBatch(
            "m", "1", np.full(2000, start), ids, {}, Column("@prediction", Kind.NUMERIC, made, np.zeros(2000, bool))
        )
        monitor.observe_rows(batch)
        joiner.observe_rows(batch)
        if labelled:
            for found in joiner.add_labels([Label(i, float(y), start + 1) for i, y in zip(ids, truth, strict=True)]):
                monitor.observe_labels(found)
        return np.abs(made - truth).mean()

    predict(1000.0, 1.0, 10.0, True)
    predict(1001.0, 1.0, 10.0, True)
    small = predict(3000.0, 1.0, 3.0, False)
    assert signals(monitor, evaluation(3010.0))["performance.estimated_mae"].value == pytest.approx(small, rel=0.15)
    large = predict(5000.0, 8.0, 10.0, False)
    found = signals(monitor, evaluation(5010.0))["performance.estimated_mae"]
    assert found.value == pytest.approx(large, rel=0.15)
    assert found.verdict.evidence["record"]["labels"] == 2000


def test_a_restart_in_between_changes_nothing():
    world = World()
    world.predict(1000.0, 1.0, labelled=True)
    restored = PerformanceMonitor()
    restored.restore(json.loads(json.dumps(world.monitor.snapshot())))
    assert [*restored.evaluate(evaluation(1100.0))] == [*world.monitor.evaluate(evaluation(1100.0))]


def test_estimates_can_be_switched_off():
    world = World()
    world.monitor = PerformanceMonitor(PerformanceSettings(estimate=False))
    world.predict(1000.0, 1.0, labelled=True)
    assert not [name for name in signals(world.monitor, evaluation(1100.0)) if "estimated" in name]


@pytest.mark.parametrize("p", [np.nan, np.inf, -1.0, 2.0], ids=str)
def test_probabilities_that_are_none_give_no_nan(p):
    world = World(lambda q: np.where(q > 0.5, p, q))
    with np.errstate(invalid="ignore"):
        world.predict(1000.0, 1.0, labelled=True, n=100)
    for signal in world.monitor.evaluate(evaluation(1100.0)):
        assert signal.value is None or np.isfinite(signal.value)
