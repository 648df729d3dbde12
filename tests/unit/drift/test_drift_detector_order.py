"""Tables in the order of time: rows in runs count for fewer; and what a drifting column's answer shows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from neural.monitoring.drift import DriftDetector

RHO = 0.9  # of neighbours


def in_runs(random, n, columns=10):
    """Standard normal columns, each row much like the one before."""
    noise = random.normal(size=(n + 200, columns))
    return lfilter([np.sqrt(1 - RHO**2)], [1, -RHO], noise, axis=0)[200:]


def false_alarms(rows, *, in_order, shuffled=False, tables=12):
    found = 0
    for seed in range(tables):
        random = np.random.default_rng(seed)
        reference = in_runs(random, 6_000)
        if shuffled:
            random.shuffle(reference)
        detector = DriftDetector(in_order=in_order)
        detector.set_reference(reference)
        found += detector.detect_drift(in_runs(random, rows)).is_drifting
    return found


def test_rows_in_runs_are_no_drift_by_their_number_alone():
    assert false_alarms(300, in_order=False) >= 10
    assert false_alarms(300, in_order=True) <= 1


def test_rows_in_runs_show_it_themselves_beside_a_reference_in_random_order():
    before = false_alarms(2_000, in_order=False, shuffled=True)
    assert before >= 6
    assert false_alarms(2_000, in_order=True, shuffled=True) <= before / 2


def test_a_drift_of_rows_in_runs_is_found_and_says_how_few_they_are_worth():
    random = np.random.default_rng(0)
    detector = DriftDetector()
    detector.set_reference(in_runs(random, 6_000))
    current = in_runs(random, 2_000)
    current[:, 0] += 1.0
    column = detector.detect_drift(current).features["feature_0"]
    assert column["is_drifting"]
    assert column["rows_in_run"] > 2.0
    assert "were counted as one" in column["reason"]


def test_categories_in_runs_count_for_fewer_too():
    random = np.random.default_rng(1)
    detector = DriftDetector()
    detector.set_reference({"c": np.repeat(random.choice(list("abcd"), 1_000), 20)})
    for _ in range(10):
        assert not detector.detect_drift({"c": np.repeat(random.choice(list("abcd"), 50), 20)}).is_drifting
    moved = np.repeat(random.choice(list("abcd"), 100, p=[0.7, 0.1, 0.1, 0.1]), 20)
    assert detector.detect_drift({"c": moved}).is_drifting


@pytest.mark.parametrize("arranged", ["a column that was sorted", "a file that was sorted by its class"])
def test_a_sorted_file_hides_no_drift_of_rows_that_are_not(arranged):
    random = np.random.default_rng(2)
    values = random.normal(size=4_000)
    reference = (
        np.sort(values) if arranged == "a column that was sorted" else values[np.argsort(values + random.normal(size=4_000))]
    )
    detector = DriftDetector()
    detector.set_reference({"x": reference})
    found = detector.detect_drift({"x": random.normal(0.4, 1.0, 600)})
    assert found.is_drifting
    assert found.features["x"]["rows_in_run"] == 1.0


def test_a_drifting_column_shows_what_moved_in_numbers_that_can_be_counted_again():
    random = np.random.default_rng(3)
    reference = {"x": random.normal(size=1_000), "c": random.choice(list("abc"), 1_000)}
    current = {"x": random.normal(1.0, 1.0, 500), "c": random.choice(list("abcd"), 500, p=[0.1, 0.2, 0.2, 0.5])}
    detector = DriftDetector()
    detector.set_reference(reference)
    features = detector.detect_drift(current).features
    first = features["c"]["moved"][0]
    assert first["bin"] == "d"
    assert (first["reference"], first["rows"]) == (0.0, int((current["c"] == "d").sum()))
    highest = next(one for one in features["x"]["moved"] if one["bin"].startswith("> "))
    edge = float(highest["bin"].removeprefix("> "))
    assert highest["rows"] == pytest.approx((current["x"] > edge).sum(), abs=1)
    assert highest["reference"] == pytest.approx((reference["x"] > edge).mean(), abs=0.002)
    for column in features.values():
        assert column["threshold"] == detector.drift_threshold
        assert f"{column['moved'][0]['bin']}: " in column["reason"]
