"""A labelled reference: the bar with its own uncertainty, the first calibration, and the losses to expect."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn import metrics as sk

from neural.monitoring.app.references import file_reference
from neural.monitoring.performance import Label, LabelJoiner, PerformanceMonitor, PerformanceSettings, baseline_of, has_truth
from neural.monitoring.performance.loss_trees import MIN_ROWS, LossTrees
from neural.monitoring.records import PREDICTION, Column, Kind, RecordBatch
from neural.monitoring.settings import parse_settings
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import Evaluation, Reference, Window, columns_from
from neural.monitoring.windows.traffic import TrafficPane

NOW = 10_000.0


def evaluation(reference):
    window = Window(NOW - 600, NOW)
    return Evaluation("m", "1", NOW, 600.0, window, window, TrafficPane(), reference)


def classified(n, accuracy, seed):
    """Columns of a labelled reference: a model that is right so often and always 90 % sure."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n)
    made = np.where(random.random(n) < accuracy, truth, 1 - truth)
    return {
        "x": random.normal(size=n),
        PREDICTION: [str(one) for one in made],
        "@probability:1": np.where(made == 1, 0.9, 0.1),
        "label": [str(one) for one in truth],
    }


def batch_of(columns, start=0, n=None):
    n = n or len(next(iter(columns.values())))
    found = columns_from(columns)
    features = {name: one for name, one in found.items() if not name.startswith("@") and name != "label"}
    probabilities = {
        name.removeprefix("@probability:"): one.values for name, one in found.items() if name.startswith("@probability:")
    }
    ids = [str(start + at) for at in range(n)]
    return RecordBatch("m", "1", np.full(n, NOW - 60), ids, features, found[PREDICTION], probabilities)


def test_the_bar_is_what_the_model_was_worth_on_the_labelled_rows():
    columns = classified(2_000, 0.9, 0)
    columns["label"][:100] = [None] * 100
    found = columns_from(columns)
    assert has_truth(found)
    base = baseline_of(found)
    known = slice(100, None)
    assert base.labels == 1_900
    assert base.metrics["accuracy"] == pytest.approx(sk.accuracy_score(columns["label"][known], columns[PREDICTION][known]))
    truth = np.array(columns["label"][known]).astype(int)
    assert base.metrics["roc_auc"] == pytest.approx(sk.roc_auc_score(truth, columns["@probability:1"][known]))


def test_a_feature_called_label_stays_a_feature_where_the_model_has_not_answered():
    assert not has_truth(columns_from({"x": [1.0], "label": ["a"]}))


@pytest.mark.parametrize(("rows", "outcome"), [(40, Outcome.OK), (20_000, Outcome.BAD)], ids=["a few rows", "many rows"])
def test_a_bar_that_rests_on_few_labels_is_not_held_against_the_model(rows, outcome):
    """0.97 on the reference, 0.90 now: out of the tolerance either way, but a bar of forty labels may be off by as much."""
    settings = PerformanceSettings(tolerance=0.03)
    base = baseline_of(columns_from(classified(rows, 0.975, 1)), settings)
    monitor, joiner = PerformanceMonitor(settings, base), LabelJoiner(settings)
    served = classified(3_000, 0.90, 2)
    joiner.observe_rows(batch_of(served))
    for labelled in joiner.add_labels([Label(str(at), one, NOW - 1) for at, one in enumerate(served["label"])]):
        monitor.observe_labels(labelled)
    reference = Reference({}, rows, "test", NOW, base.metrics)
    accuracy = next(one for one in monitor.evaluate(evaluation(reference)) if one.name == "performance.accuracy")
    assert accuracy.verdict.outcome is outcome, accuracy.verdict.reason


def test_estimates_are_calibrated_before_the_first_label_comes():
    """The model says 90 % and is right in 70 %: the reference knows."""
    base = baseline_of(columns_from(classified(20_000, 0.7, 3)))
    served = classified(2_000, 0.7, 4)
    naive, taught = (PerformanceMonitor(None, one) for one in (None, base))
    for monitor in (naive, taught):
        monitor.observe_rows(batch_of(served))
    estimates = [
        next(one.value for one in monitor.evaluate(evaluation(None)) if one.name == "performance.estimated_accuracy")
        for monitor in (naive, taught)
    ]
    assert estimates[0] == pytest.approx(0.9)
    assert estimates[1] == pytest.approx(0.7, abs=0.02)


def test_another_reference_teaches_the_estimates_anew_and_the_same_one_keeps_what_labels_taught():
    honest, boastful = (
        replace(baseline_of(columns_from(classified(20_000, right, 3))), reference=name)
        for right, name in ((0.9, "a"), (0.7, "b"))
    )
    monitor = PerformanceMonitor(None, honest)
    monitor.observe_rows(batch_of(classified(500, 0.9, 5)))
    stored = json.loads(json.dumps(monitor.snapshot()))

    def estimate(baseline):
        again = PerformanceMonitor(None, baseline)
        again.restore(stored)
        again.observe_rows(batch_of(classified(2_000, 0.7, 4)))
        found = next(one for one in again.evaluate(evaluation(None)) if one.name == "performance.estimated_accuracy")
        return found.value, found.verdict.sample_size

    value, n = estimate(honest)
    assert (value, n) == (pytest.approx(0.9, abs=0.02), 2_500)
    value, n = estimate(boastful)
    assert (value, n) == (pytest.approx(0.7, abs=0.02), 2_000)


def regression(n, seed, hard_share):
    """Errors are ten times as large where ``kind`` is "hard", which the prediction does not show."""
    random = np.random.default_rng(seed)
    hard = random.random(n) < hard_share
    made = random.normal(size=n)
    return {
        "kind": np.where(hard, "hard", "easy").astype(object).tolist(),
        "noise": random.normal(size=n),
        PREDICTION: made,
        "label": made + random.normal(size=n) * np.where(hard, 10.0, 1.0),
    }


def expected_mae(base, columns, *, trees):
    settings = PerformanceSettings(task="regression")
    if not trees:
        base = type(base)(base.metrics, base.labels, base.pane, base.batches)
    monitor = PerformanceMonitor(settings, base)
    monitor.observe_rows(batch_of(columns))
    return next(one.value for one in monitor.evaluate(evaluation(None)) if one.name == "performance.estimated_mae")


def test_the_loss_follows_features_that_the_prediction_does_not_show():
    base = baseline_of(columns_from(regression(10_000, 5, 0.2)), PerformanceSettings(task="regression"))
    served = regression(4_000, 6, 0.8)
    came = float(np.abs(served["label"] - served[PREDICTION]).mean())
    assert expected_mae(base, served, trees=True) == pytest.approx(came, rel=0.05)
    assert expected_mae(base, served, trees=False) < 0.5 * came, "cells of the prediction can't see it"


def test_late_labels_correct_what_the_trees_expect_and_score_it():
    settings = PerformanceSettings(task="regression")
    base = baseline_of(columns_from(regression(5_000, 7, 0.2)), settings)
    monitor, joiner = PerformanceMonitor(settings, base), LabelJoiner(settings, base.expect)

    def serve(seed, start):
        served = regression(4_000, seed, 0.2)
        served["label"] = served[PREDICTION] + 3 * (served["label"] - served[PREDICTION])  # all errors have trebled
        batch = batch_of(served, start)
        joiner.observe_rows(batch)
        monitor.observe_rows(batch)
        return served

    first = serve(8, 0)
    before = next(one.value for one in monitor.evaluate(evaluation(None)) if one.name == "performance.estimated_mae")
    restored = LabelJoiner(settings, base.expect)
    restored.restore(json.loads(json.dumps(joiner.snapshot())))
    for labelled in restored.add_labels([Label(str(at), float(one), NOW) for at, one in enumerate(first["label"])]):
        monitor.observe_labels(labelled)
    second = serve(9, 4_000)
    found = next(one for one in monitor.evaluate(evaluation(None)) if one.name == "performance.estimated_mae")
    came = float(np.abs(second["label"] - second[PREDICTION]).mean())
    assert before == pytest.approx(came / 3, rel=0.15)
    assert found.value == pytest.approx(came, rel=0.2)
    record = found.verdict.evidence["record"]
    assert record["labels"] == 4_000
    assert record["bias"] == pytest.approx(record["expected"] - record["realised"])
    again = PerformanceMonitor(settings, base)
    again.restore(json.loads(json.dumps(monitor.snapshot())))
    assert next(one.value for one in again.evaluate(evaluation(None)) if one.name == "performance.estimated_mae") == found.value


def test_trees_stand_any_column_and_give_finite_numbers():
    n = MIN_ROWS
    random = np.random.default_rng(0)
    made, errors = random.normal(size=n), np.abs(random.normal(size=n))
    gone = np.zeros(n, dtype=bool)
    features = {
        "nan": Column("nan", Kind.NUMERIC, np.full(n, np.nan), ~gone),
        "infinite": Column("infinite", Kind.NUMERIC, np.where(random.random(n) < 0.5, np.inf, 1.0), gone),
        "words": Column("words", Kind.CATEGORICAL, np.array([None, "a", "b", "c"] * (n // 4), dtype=object), gone),
        "vector": Column("vector", Kind.EMBEDDING, np.zeros((n, 3), dtype=np.float32), gone),
    }
    trees = LossTrees.fit(features, made, errors)
    assert trees is not None
    for columns in (features, {}, {"words": Column("words", Kind.NUMERIC, made, gone)}):
        expected = trees.expect(columns, np.where(random.random(n) < 0.1, np.nan, made))
        assert expected.shape == (2, n)
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()
    assert LossTrees.fit(features, made[: n - 1], errors[: n - 1]) is None


def test_a_reference_file_with_labels_sets_the_bar_of_the_sidecar(tmp_path):
    columns = classified(500, 0.9, 9)
    table = {name.removeprefix("@"): values for name, values in columns.items()}
    pq.write_table(pa.table(table), tmp_path / "reference.parquet")
    settings = parse_settings("model: {name: m}\nreference: {source: reference.parquet}\n", folder=tmp_path)
    reference, base = file_reference(settings, lambda: NOW)
    assert reference is not None
    assert base is not None
    assert reference.performance == base.metrics
    assert "label" not in reference.columns
    assert reference.performance["accuracy"] == pytest.approx(sk.accuracy_score(columns["label"], columns[PREDICTION]))
