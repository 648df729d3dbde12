"""Every performance metric equals scikit-learn's to 1e-9 on generated data: ties, constants, single rows, infinities, all missing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from neural.monitoring.performance import Label, LabelJoiner, PerformanceMonitor, PerformanceSettings
from neural.monitoring.performance.specs import METRICS
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.windows import Evaluation, Window
from neural.monitoring.windows.traffic import TrafficPane

pytestmark = pytest.mark.filterwarnings("ignore")  # scikit-learn warns of what is undefined; here that is compared
NOW = 1_000.0
GRID = [0.0, 0.125, 0.25, 0.5, 0.75, 1.0]  # few values: ties are the rule


def measured(made, truth, probabilities, task, *, cut):
    """The monitor's answers for n rows, whose labels come in several calls, by metric name (plain ones), and all signals."""
    config = PerformanceSettings(task=task, segments=("side",))
    joiner, monitor, n = LabelJoiner(config), PerformanceMonitor(config), len(made)
    kind = Kind.NUMERIC if task == "regression" else Kind.CATEGORICAL
    gone = np.array([value is None or value != value for value in made.tolist()], dtype=bool)
    side = np.array(["left" if at % 3 else "right" for at in range(n)], dtype=object)
    features = {"side": Column("side", Kind.CATEGORICAL, side, np.zeros(n, dtype=bool))}
    batch = RecordBatch(
        "m",
        "1",
        np.full(n, NOW - 10),
        [str(at) for at in range(n)],
        features,
        Column("@prediction", kind, made, gone),
        probabilities,
    )
    found = list(joiner.observe_rows(batch))
    for part in np.array_split(np.arange(n), cut):
        found += joiner.add_labels([Label(str(at), truth[at], NOW - 1) for at in part.tolist() if truth[at] is not None])
    for labelled in found:
        monitor.observe_labels(labelled)
    window = Window(NOW - 60, NOW)
    signals = list(monitor.evaluate(Evaluation("m", "1", NOW, 60.0, window, window, TrafficPane(), None)))
    plain = {one.name.removeprefix("performance."): one.value for one in signals if set(one.labels) == {"model", "version"}}
    assert all(one.value is None or np.isfinite(one.value) for one in signals)
    return plain, signals


def equal(found, name, expected):
    if expected is None or not np.isfinite(expected):
        assert found.get(name) is None, (name, found.get(name), expected)
    else:
        assert found[name] == pytest.approx(expected, abs=1e-9, rel=1e-9), name


def words(values):
    result = np.empty(len(values), dtype=object)
    result[:] = [None if value is None else str(value) for value in values]
    return result


@st.composite
def many_classes(draw):
    """Labels, predictions and probabilities (rows add up to 1) of two to four classes; one row and one class are common."""
    classes = draw(st.integers(2, 4))
    n = draw(st.one_of(st.just(1), st.integers(1, 40)))
    cells = draw(st.lists(st.lists(st.sampled_from(GRID), min_size=classes, max_size=classes), min_size=n, max_size=n))
    matrix = np.array(cells) + 1e-3
    only = draw(st.booleans())
    labels = draw(st.lists(st.integers(0, 0 if only else classes - 1), min_size=n, max_size=n))
    return np.array(labels), matrix / matrix.sum(axis=1, keepdims=True), draw(st.integers(1, 4))


@settings(max_examples=120, deadline=None)
@given(many_classes())
def test_classification(data):
    labels, matrix, cut = data
    n, classes = matrix.shape
    made = matrix.argmax(axis=1)
    found, signals = measured(
        words(made), words(labels), {str(at): matrix[:, at] for at in range(classes)}, "classification", cut=cut
    )
    every = list(range(classes))
    present = sorted({*labels.tolist(), *made.tolist()})
    equal(found, "accuracy", sk.accuracy_score(labels, made))
    scores = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
    for name, score in scores.items():
        for kind in ("macro", "weighted"):
            equal(found, f"{name}_{kind}", score(labels, made, average=kind, zero_division=0))
        if classes == 2:
            equal(found, name, score(labels, made, zero_division=np.nan) if 1 in present else None)
        by_class = score(labels, made, average=None, labels=present, zero_division=np.nan)
        told = {one.labels["class"]: one.value for one in signals if one.name == f"performance.class_{name}"}
        for each, value in zip(present, by_class, strict=True):
            equal(told, str(each), value)
    equal(found, "log_loss", sk.log_loss(labels, matrix, labels=every))
    brier = np.square(matrix - np.eye(classes)[labels]).sum(axis=1).mean()
    equal(found, "brier", sk.brier_score_loss(labels, matrix[:, 1], labels=[0, 1]) if classes == 2 else brier)
    if classes == 2 and len(set(labels.tolist())) == 2:
        equal(found, "roc_auc", sk.roc_auc_score(labels, matrix[:, 1]))
        equal(found, "pr_auc", sk.average_precision_score(labels, matrix[:, 1]))
    elif classes > 2 and len(set(labels.tolist())) == classes:
        equal(found, "roc_auc", sk.roc_auc_score(labels, matrix, multi_class="ovr", average="macro"))
        equal(found, "pr_auc", sk.average_precision_score(np.eye(classes)[labels], matrix, average="macro"))
    else:
        assert found.get("roc_auc") is None
        assert found.get("pr_auc") is None


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_against_scikit_learns_curve(rows):
    scores, hits = np.array([p for p, _ in rows]), np.array([hit for _, hit in rows]).astype(int)
    found, signals = measured(words((scores >= 0.5).astype(int)), words(hits), {"1": scores}, "classification", cut=2)
    curve = next(one for one in signals if one.name == "performance.ece").verdict.evidence["calibration"]
    edges = np.floor(np.clip(scores * 10, 0, 9.999999)) / 10
    if all(abs(score * 10 - round(score * 10)) > 1e-9 for score in scores):  # on an edge, the two cut on different sides
        rates, confidences = calibration_curve(hits, scores, n_bins=10)
        assert [point["hit_rate"] for point in curve] == pytest.approx(rates.tolist(), abs=1e-9)
        assert [point["confidence"] for point in curve] == pytest.approx(confidences.tolist(), abs=1e-9)
    by_hand = sum(abs(scores[edges == cell].sum() - hits[edges == cell].sum()) for cell in np.unique(edges)) / len(scores)
    if (scores < 1).all():
        equal(found, "ece", by_hand)


NUMBERS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, np.inf, -np.inf, np.nan]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.one_of(st.floats(-1e6, 1e6), st.none())), min_size=1, max_size=40), st.integers(1, 4))
def test_regression_over_the_rows_that_have_numbers(pairs, cut):
    made = np.array([a for a, _ in pairs])
    truth = np.array([np.nan if b is None else b for _, b in pairs])
    labels = np.empty(len(pairs), dtype=object)
    labels[:] = [b for _, b in pairs]
    found, _ = measured(made, labels, {}, "regression", cut=cut)
    known = np.isfinite(made) & np.isfinite(truth)
    made, truth = made[known], truth[known]
    if not len(made):
        assert all(found.get(name) is None for name in ("mae", "rmse", "r2"))
        return
    equal(found, "mae", sk.mean_absolute_error(truth, made))
    equal(found, "rmse", sk.root_mean_squared_error(truth, made))
    if len(made) < 2:
        assert found.get("r2") is None  # scikit-learn warns and gives NaN
    elif np.ptp(truth) > 1e-3 * max(1.0, np.abs(truth).max()):  # below it, no two orders of summation agree
        equal(found, "r2", sk.r2_score(truth, made))


@settings(max_examples=60, deadline=None)
@given(many_classes())
def test_segments_have_the_metrics_of_their_own_rows(data):
    labels, matrix, cut = data
    made = matrix.argmax(axis=1)
    probabilities = {str(at): matrix[:, at] for at in range(matrix.shape[1])}
    _, signals = measured(words(made), words(labels), probabilities, "classification", cut=cut)
    rows = np.arange(len(labels)) % 3 > 0
    for side, chosen in (("left", rows), ("right", ~rows)):
        if not chosen.any():
            continue
        whole, _ = measured(
            words(made[chosen]),
            words(labels[chosen]),
            {name: p[chosen] for name, p in probabilities.items()},
            "classification",
            cut=1,
        )
        told = {one.name: one.value for one in signals if one.labels.get("segment") == f"side={side}"}
        for name in METRICS:
            mine = told.get(f"performance.segment_{name}")
            if name in whole and whole[name] is not None and mine is not None:
                assert mine == pytest.approx(whole[name], abs=1e-9), name
        assert told["performance.segment_accuracy"] == pytest.approx(whole["accuracy"])


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_with_all_labels_or_all_predictions_missing_nothing_is_known_and_nothing_breaks(task):
    numeric = task == "regression"
    made = np.array([np.nan] * 5) if numeric else words([None] * 5)
    for labels in (words([None] * 5), np.array([1.0] * 5, dtype=object)):
        found, _ = measured(made, labels, {}, task, cut=1)
        assert all(found.get(name) is None for name in METRICS)
        assert found["labels"] == 0.0


def test_probabilities_that_are_none_or_infinite_leave_the_rest_exact():
    labels, made = words([1, 0, 1, 0, 1, 0]), words([1, 0, 0, 0, 1, 1])
    scores = np.array([0.9, np.nan, 0.4, np.inf, 0.8, 0.6])
    found, _ = measured(made, labels, {"1": scores}, "classification", cut=1)
    known = np.isfinite(scores)
    truth = np.array([1, 0, 1, 0, 1, 0])
    equal(found, "accuracy", sk.accuracy_score(labels.tolist(), made.tolist()))
    equal(found, "roc_auc", sk.roc_auc_score(truth[known], scores[known]))
    equal(found, "brier", sk.brier_score_loss(truth[known], scores[known]))
    equal(found, "log_loss", sk.log_loss(truth[known], scores[known]))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [2_000, 16_000])
def test_large_windows_are_exact_up_to_the_atoms_and_say_their_error_beyond(rows):
    random = np.random.default_rng(1)
    scores = random.random(rows)
    truth = (random.random(rows) < scores).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, signals = measured(words((scores > 0.5).astype(int)), words(truth), {"1": scores}, "classification", cut=8)
    auc = next(one for one in signals if one.name == "performance.roc_auc")
    exact = rows <= 2_000
    assert ("folded" in auc.verdict.evidence["interval_method"]) != exact
    assert found["roc_auc"] == pytest.approx(sk.roc_auc_score(truth, scores), abs=1e-9 if exact else 3e-4)
    equal(found, "log_loss", sk.log_loss(truth, scores))
