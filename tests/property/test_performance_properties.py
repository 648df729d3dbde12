"""Performance metrics equal scikit-learn's to 1e-9, whatever the data, the cut and the order; nothing is ever NaN."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from neural.monitoring.performance import (
    ClassificationCounts,
    Label,
    LabelJoiner,
    RegressionCounts,
    ScoreCounts,
    classification_metrics,
)
from neural.monitoring.records import Column, Kind, RecordBatch

SCORES = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.floats(0, 1))
NUMBERS = st.floats(-1e6, 1e6)


@st.composite
def binary(draw):
    n = draw(st.integers(1, 60))
    scores = np.array(draw(st.lists(SCORES, min_size=n, max_size=n)))
    truth = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))).astype(int)
    return scores, truth, draw(st.permutations(range(n))), draw(st.integers(1, 5))


def names(values):
    return np.array([str(int(value)) for value in values], dtype=object)


def counted(made, truth, probabilities, order, cuts):
    parts = []
    for rows in np.array_split(np.array(order), cuts):
        part = ClassificationCounts()
        part.add(made[rows], truth[rows], {name: values[rows] for name, values in probabilities.items()})
        parts.append(part)
    return ClassificationCounts.merged(parts)


def close(value, expected):
    assert value is not None
    assert value == pytest.approx(expected, abs=1e-9, rel=1e-9)


@settings(max_examples=150, deadline=None)
@given(binary())
def test_binary_metrics_equal_scikit_learns(data):
    scores, truth, order, cuts = data
    made = (scores >= 0.5).astype(int)
    found = classification_metrics(counted(names(made), names(truth), {"0": 1 - scores, "1": scores}, order, cuts))
    close(found["accuracy"].value, sk.accuracy_score(truth, made))
    close(found["brier"].value, sk.brier_score_loss(truth, scores, labels=[0, 1]))
    # the complement is computed in floating point: at 0 and 1 both clip, in between they agree
    close(found["log_loss"].value, sk.log_loss(truth, np.column_stack([1 - scores, scores]), labels=[0, 1]))
    if 1 in made:
        close(found["precision"].value, sk.precision_score(truth, made))
    if 1 in truth:
        close(found["recall"].value, sk.recall_score(truth, made))
    if 1 in made or 1 in truth:
        close(found["f1"].value, sk.f1_score(truth, made))
    if len(set(truth)) == 2:
        close(found["roc_auc"].value, sk.roc_auc_score(truth, scores))
        close(found["pr_auc"].value, sk.average_precision_score(truth, scores))
    else:
        assert "roc_auc" not in found


@settings(max_examples=80, deadline=None)
@given(st.integers(3, 5), st.integers(1, 50), st.randoms(use_true_random=False))
def test_many_class_metrics_equal_scikit_learns(classes, n, random):
    truth = np.array([random.randrange(classes) for _ in range(n)])
    made = np.array([random.randrange(classes) for _ in range(n)])
    counts = counted(names(made), names(truth), {}, range(n), 2)
    found = classification_metrics(counts)
    if len({*truth, *made}) <= 2:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
            close(found[name].value, score(truth, made, average="macro", zero_division=0))
            close(found[f"{name}_weighted"].value, score(truth, made, average="weighted", zero_division=0))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=50), st.integers(1, 5))
def test_regression_metrics_equal_scikit_learns(pairs, cuts):
    made, truth = np.array(pairs).T
    total = RegressionCounts()
    for rows in np.array_split(np.arange(len(made)), cuts):
        part = RegressionCounts()
        part.add(made[rows], truth[rows])
        total.merge(part)
    found = total.metrics()
    close(found["mae"], sk.mean_absolute_error(truth, made))
    close(found["rmse"], sk.root_mean_squared_error(truth, made))
    spread = np.ptp(truth)
    if spread > 1e-3 * max(1.0, np.abs(truth).max()):  # below it, no two orders of summation agree
        assert found["r2"] == pytest.approx(sk.r2_score(truth, made), abs=1e-9, rel=1e-9)
    elif spread == 0:  # its rule for constant labels; its own mean of equal numbers may be off by a rounding, and R² then by 10³¹
        assert found["r2"] == (1.0 if not np.square(made - truth).any() else 0.0)


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(allow_nan=True, allow_infinity=True)),
    st.data(),
)
def test_no_input_gives_nan_or_an_exception(values, data):
    n = len(values)
    other = np.array(data.draw(st.lists(st.floats(), min_size=n, max_size=n)), dtype=np.float64)
    regression = RegressionCounts()
    with np.errstate(all="ignore"):
        regression.add(values, other)
        numbers = [*regression.metrics().values()]
        intervals = [*regression.intervals(0.95).values()]
    assert all(number is None or math.isfinite(number) for number in numbers)
    assert all(interval is None or not math.isnan(interval.low) for interval in intervals)
    counts = ClassificationCounts()
    with np.errstate(all="ignore"):
        counts.add(names(np.zeros(n)), names(np.arange(n) % 3), {"0": values, "1": other})
        metrics = classification_metrics(counts)
    assert all(metric.value is None or math.isfinite(metric.value) for metric in metrics.values())


@settings(max_examples=60, deadline=None)
@given(binary(), st.data())
def test_rows_taken_out_again_leave_no_trace(data, draw):
    scores, truth, *_ = data
    counts = ScoreCounts()
    counts.add(scores, truth == 1)
    before = counts.ranking()
    more = np.array(draw.draw(st.lists(SCORES, max_size=20)))
    sides = np.array(draw.draw(st.lists(st.booleans(), min_size=len(more), max_size=len(more))), dtype=bool)
    counts.add(more, sides)
    counts.add(more, sides, sign=-1.0)
    assert counts.ranking() == before


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_label_meets_its_prediction_whatever_the_order(data):
    n = data.draw(st.integers(1, 30))
    joiner, steps = LabelJoiner(), data.draw(st.permutations([(kind, at) for kind in ("row", "label") for at in range(n)]))
    found = {}
    for kind, at in steps:
        if kind == "row":
            column = Column("@prediction", Kind.NUMERIC, np.array([float(at)]), np.zeros(1, bool))
            batches = joiner.observe_rows(RecordBatch("m", "1", np.array([float(at)]), [f"id{at}"], {}, column))
        else:
            batches = joiner.add_labels([Label(f"id{at}", at + 0.5, float(at))])
        if data.draw(st.booleans()):
            restored = LabelJoiner()
            restored.restore(joiner.snapshot())
            joiner = restored
        for batch in batches:
            found |= {row: (p, y) for row, p, y in zip(batch.row_ids, batch.predictions, batch.labels, strict=True)}
    assert found == {f"id{at}": (float(at), at + 0.5) for at in range(n)}
