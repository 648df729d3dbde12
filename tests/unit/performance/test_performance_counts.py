"""Counts add up to scikit-learn's numbers, whatever the cut."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from neural.monitoring.performance import ClassificationCounts, RegressionCounts, ScoreCounts, classification_metrics


def counted(made, truth, probabilities=None, cuts=3):
    parts = []
    for rows in np.array_split(np.arange(len(made)), cuts):
        counts = ClassificationCounts()
        counts.add(made[rows], truth[rows], {k: v[rows] for k, v in (probabilities or {}).items()})
        parts.append(counts)
    return ClassificationCounts.merged(parts)


def binary(n=500, seed=0, decimals=2):
    rng = np.random.default_rng(seed)
    score = np.round(rng.random(n), decimals)
    truth = (rng.random(n) < score).astype(int)
    made = (score >= 0.5).astype(int)
    return score, truth, made


def names(values):
    return np.array([str(value) for value in values], dtype=object)


def test_binary_metrics_equal_scikit_learns_also_with_ties():
    score, truth, made = binary()
    found = classification_metrics(counted(names(made), names(truth), {"0": 1 - score, "1": score}))
    expected = {
        "accuracy": sk.accuracy_score(truth, made),
        "precision": sk.precision_score(truth, made),
        "recall": sk.recall_score(truth, made),
        "f1": sk.f1_score(truth, made),
        "roc_auc": sk.roc_auc_score(truth, score),
        "pr_auc": sk.average_precision_score(truth, score),
        "log_loss": sk.log_loss(truth, score),
        "brier": sk.brier_score_loss(truth, score),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-9), name


def test_one_probability_alone_is_enough_whichever_class_it_is_of():
    score, truth, made = binary(seed=1)
    both = classification_metrics(counted(names(made), names(truth), {"0": 1 - score, "1": score}))
    for given in ({"1": score}, {"0": 1 - score}):
        alone = classification_metrics(counted(names(made), names(truth), given))
        for name in ("roc_auc", "pr_auc", "log_loss", "brier"):
            assert alone[name].value == pytest.approx(both[name].value, abs=1e-9), name


def test_metrics_over_many_classes_are_macro_averages():
    rng = np.random.default_rng(3)
    raw = rng.random((400, 4))
    matrix = raw / raw.sum(axis=1, keepdims=True)
    truth = rng.integers(0, 4, 400)
    made = matrix.argmax(axis=1)
    found = classification_metrics(counted(names(made), names(truth), {str(k): matrix[:, k] for k in range(4)}))
    assert found["f1"].value == pytest.approx(sk.f1_score(truth, made, average="macro"), abs=1e-9)
    assert found["f1_weighted"].value == pytest.approx(sk.f1_score(truth, made, average="weighted"), abs=1e-9)
    assert found["precision"].value == pytest.approx(sk.precision_score(truth, made, average="macro"), abs=1e-9)
    assert found["roc_auc"].value == pytest.approx(sk.roc_auc_score(truth, matrix, multi_class="ovr"), abs=1e-9)
    assert found["log_loss"].value == pytest.approx(sk.log_loss(truth, matrix), abs=1e-9)
    assert found["brier"].value == pytest.approx(np.square(matrix - np.eye(4)[truth]).sum(axis=1).mean(), abs=1e-9)


def test_taking_rows_out_again_leaves_what_was_there_before():
    score, truth, made = binary(seed=4)
    counts = counted(names(made), names(truth), {"1": score})
    before = classification_metrics(counts)
    more = binary(n=60, seed=5)
    counts.add(names(more[2]), names(more[1]), {"1": more[0]})
    counts.add(names(more[2]), names(more[1]), {"1": more[0]}, sign=-1.0)
    after = classification_metrics(counts)
    for name, metric in before.items():
        assert after[name].value == pytest.approx(metric.value, abs=1e-9), name


def test_one_class_only_gives_no_number_where_there_is_none():
    made = truth = names([0] * 5)
    found = classification_metrics(counted(made, truth, {"1": np.full(5, 0.1)}))
    assert found["accuracy"].value == 1.0
    assert found["precision"].value is None
    assert "roc_auc" not in found


def test_intervals_hold_the_value_and_shrink_with_n():
    widths = []
    for n in (100, 10_000):
        score, truth, made = binary(n=n, seed=6)
        found = classification_metrics(counted(names(made), names(truth), {"1": score}))
        for name in ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier"):
            metric = found[name]
            assert metric.interval.low <= metric.value <= metric.interval.high
        widths.append({k: m.interval.high - m.interval.low for k, m in found.items() if m.interval})
    assert all(widths[1][name] < widths[0][name] for name in widths[0])


def test_folded_scores_stay_within_their_stated_error():
    score, truth, _ = binary(n=30_000, seed=7, decimals=12)
    parts = [ScoreCounts() for _ in range(3)]
    for part, rows in zip(parts, np.array_split(np.arange(len(score)), 3), strict=True):
        part.add(score[rows], truth[rows] == 1)
    ranking = ScoreCounts.merged(parts).ranking()
    assert 0 < ranking.auc_error < 1e-3
    assert abs(ranking.roc_auc - sk.roc_auc_score(truth, score)) <= ranking.auc_error


def test_folded_margins_keep_their_order():
    rng = np.random.default_rng(8)
    margin = rng.normal(0, 3, 20_000)
    truth = rng.random(20_000) < 1 / (1 + np.exp(-margin))
    counts = ScoreCounts()
    counts.add(margin, truth)
    ranking = counts.ranking()
    assert counts.folded
    assert abs(ranking.roc_auc - sk.roc_auc_score(truth, margin)) <= ranking.auc_error < 1e-2


def test_regression_metrics_equal_scikit_learns_far_from_zero():
    rng = np.random.default_rng(9)
    truth = rng.normal(1e6, 3, 900)
    made = truth + rng.normal(0.5, 1, 900)
    total = RegressionCounts()
    for rows in np.array_split(np.arange(900), 7):
        part = RegressionCounts()
        part.add(made[rows], truth[rows])
        total.merge(part)
    found = total.metrics()
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truth, made), abs=1e-9)
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truth, made), abs=1e-9)
    assert found["r2"] == pytest.approx(sk.r2_score(truth, made), abs=1e-9)


def test_regression_of_constants_and_single_rows_gives_no_nan():
    single = RegressionCounts()
    single.add(np.array([1.0]), np.array([2.0]))
    assert single.metrics() == {"mae": 1.0, "rmse": 1.0, "r2": None, "bias": -1.0}
    constant = RegressionCounts()
    constant.add(np.array([3.0, 4.0]), np.array([3.0, 3.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert constant.metrics()["r2"] == sk.r2_score([3.0, 3.0], [3.0, 4.0])
    unusable = RegressionCounts()
    unusable.add(np.array([np.nan, np.inf]), np.array([1.0, 1.0]))
    assert set(unusable.metrics().values()) == {None}


def test_classes_beyond_the_bound_never_make_a_wrong_call_look_right():
    made, truth = names(range(300)), names([*range(150), *range(1000, 1150)])
    counts = ClassificationCounts(max_classes=10)
    counts.add(made, truth, {})
    assert classification_metrics(counts)["accuracy"].value == 0.5
    assert len(counts.confusion) <= 12 * 12
