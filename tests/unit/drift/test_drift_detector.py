from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import METHODS, DriftDetector
from neural.monitoring.drift.pair import NumericPair
from neural.monitoring.errors import DataError, ReferenceDataError


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_the_seed_s_answer(random):
    detector = DriftDetector(clock=ManualClock())
    detector.set_reference(random.normal(size=(1000, 10)), random.integers(0, 2, 1000), {"accuracy": 0.95, "f1": 0.94})
    found = detector.detect_drift(random.normal(size=(100, 10)), random.integers(0, 2, 100), {"accuracy": 0.92, "f1": 0.91})
    assert found.is_drifting is False
    assert found.drift_severity == "none"
    assert found.performance_drift == pytest.approx(0.03 / 0.94, rel=0.1)
    assert set(found.to_dict()) >= {
        "is_drifting", "drift_severity", "prediction_drift", "performance_drift", "data_distribution_drift", "concept_drift_score",
        "feature_drift", "timestamp",
    }  # fmt: skip
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_large_shift_is_critical_and_a_small_one_a_warning(random):
    detector = DriftDetector()
    reference = random.normal(size=(2000, 3))
    detector.set_reference(reference)
    for shift, severity in ((0.0, "none"), (0.35, "warning"), (2.0, "critical")):
        found = detector.detect_drift(random.normal(size=(1000, 3)) + np.array([shift, 0, 0]))
        assert found.drift_severity == severity, found.reason
    assert next(iter(found.feature_drift)) == "feature_0"
    assert found.feature_drift["feature_0"] > 0.5
    assert found.features["feature_1"]["is_drifting"] is False


def test_a_tiny_shift_in_many_rows_is_no_drift(random):
    detector = DriftDetector()
    detector.set_reference(random.normal(size=(50_000, 1)))
    found = detector.detect_drift(random.normal(0.05, 1, size=(50_000, 1)))
    assert not found.is_drifting
    assert "not chance but less than" in found.features["feature_0"]["reason"]


def test_fifty_columns_of_noise_are_seldom_drift(random):
    detector = DriftDetector()
    detector.set_reference(random.normal(size=(2000, 50)))
    assert sum(detector.detect_drift(random.normal(size=(100, 50))).is_drifting for _ in range(40)) <= 5


def test_lost_performance_alone_is_drift(random):
    detector = DriftDetector()
    detector.set_reference(random.normal(size=(100, 2)), performance={"accuracy": 0.9, "rmse": 1.0})
    assert detector.detect_drift(random.normal(size=(100, 2)), performance={"accuracy": 0.6}).is_drifting
    found = detector.detect_drift(random.normal(size=(100, 2)), performance={"rmse": 1.5})
    assert found.performance_drift == pytest.approx(0.5)
    assert "worse" in found.reason


def test_tables_of_any_shape(random):
    frame = pd.DataFrame(
        {"age": random.normal(40, 10, 500), "city": random.choice(["A", "B"], 500), "member": random.random(500) < 0.5}
    )
    shifted = frame.assign(age=frame.age + 20, city="C")
    for before, after in (
        (frame, shifted),
        (frame.to_dict("list"), shifted.to_dict("list")),
        (frame.to_dict("records"), shifted.to_dict("records")),
    ):
        detector = DriftDetector()
        detector.set_reference(before)
        found = detector.detect_drift(after)
        assert {name for name, item in found.features.items() if item["is_drifting"]} == {"age", "city"}


def test_unnamed_columns_take_the_reference_s_names(random):
    detector = DriftDetector()
    detector.set_reference(random.normal(size=(200, 2)), feature_names=["a", "b"])
    assert set(detector.detect_drift(random.normal(size=(50, 2)).tolist()).features) == {"a", "b"}


def test_columns_without_a_partner_are_named(random):
    detector = DriftDetector()
    detector.set_reference({"age": random.normal(size=500), "income": random.normal(size=500)})
    found = detector.detect_drift({"age": random.normal(size=200), "Income": random.normal(size=200)})
    assert (found.missing_features, found.new_features) == (["income"], ["Income"])
    assert found.to_dict()["missing_features"] == ["income"]
    assert found.reason.startswith("none of 1 features differs")
    assert "not in the data: income; not in the reference: Income" in found.reason
    moved = detector.detect_drift({"age": random.normal(3, 1, 200)})
    assert moved.is_drifting
    assert "age" in moved.reason
    assert "not in the data: income" in moved.reason
    same = detector.detect_drift({"income": random.normal(size=200), "age": random.normal(size=200)})
    assert (same.missing_features, same.new_features) == ([], [])
    assert " not in " not in same.reason


def test_a_table_of_other_columns_is_refused_even_if_it_has_as_many(random):
    detector = DriftDetector()
    detector.set_reference({"age": random.normal(size=50), "income": random.normal(size=50)})
    with pytest.raises(DataError, match="the data has height, weight, the reference age, income"):
        detector.detect_drift({"height": random.normal(size=50), "weight": random.normal(size=50)})
    with pytest.raises(DataError, match="the data has feature_0, the reference age, income"):
        detector.detect_drift(random.normal(size=(50, 1)))


def test_a_wide_table_is_named_in_short(random):
    detector = DriftDetector()
    detector.set_reference({f"f{at}": random.normal(size=20) for at in range(30)})
    found = detector.detect_drift({"f0": random.normal(size=20)})
    assert "f1, f2, f3, f4, f5 and 24 more" in found.reason
    assert len(found.missing_features) == 29


@pytest.mark.parametrize("rows", [np.empty((0, 2)), [], {"a": []}, {}, pd.DataFrame({"a": []})])
def test_a_reference_without_rows_is_refused_and_the_old_one_kept(rows, random):
    detector = DriftDetector()
    detector.set_reference({"a": random.normal(size=100)})
    with pytest.raises((ReferenceDataError, DataError)) as refused:
        detector.set_reference(rows)
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(ReferenceDataError, match="no rows"):
        detector.set_reference({"a": [1.0]}, predictions=[])
    assert detector.detect_drift({"a": random.normal(5, 1, 100)}).is_drifting


def test_few_values_are_not_enough(random):
    detector = DriftDetector()
    detector.set_reference(random.normal(size=(200, 1)))
    found = detector.detect_drift([[100.0]])
    assert found.features["feature_0"]["outcome"] == "unknown"
    assert not found.is_drifting


def test_without_a_reference_it_asks_for_one():
    with pytest.raises(ReferenceDataError, match="set_reference"):
        DriftDetector().detect_drift([[1.0]])


def test_what_is_no_table_is_refused(random):
    with pytest.raises(DataError, match="dimensions"):
        DriftDetector().set_reference(random.normal(size=(2, 2, 2)))
    with pytest.raises(DataError, match="differ in length"):
        DriftDetector().set_reference({"a": [1, 2], "b": [1]})


def test_the_report_sums_up(random):
    detector = DriftDetector(window_size=3)
    assert detector.get_drift_report()["status"] == "no_data"
    detector.set_reference(random.normal(size=(500, 1)))
    for shift in (0, 0, 3, 3):
        detector.detect_drift(random.normal(shift, 1, size=(100, 1)))
    report = detector.get_drift_report()
    assert report["status"] == "ok"
    assert report["total_samples"] == 3  # window_size
    assert report["drift_detected"] == 2
    assert report["severity_distribution"] == {"critical": 2, "warning": 0, "none": 1}
    assert detector.get_drift_report(window=1)["drift_rate"] == 1.0


def test_reports_are_kept_in_the_store(random, tmp_path):
    detector = DriftDetector(storage_path=tmp_path)
    detector.set_reference(random.normal(size=(500, 1)))
    detector.detect_drift(random.normal(3, 1, size=(100, 1)))
    detector.close()
    again = DriftDetector(storage_path=tmp_path)
    assert again.get_drift_report()["drift_detected"] == 1
    again.close()


def test_a_notebook_shows_a_table(random):
    detector = DriftDetector()
    detector.set_reference({"<b>": random.normal(size=100)})
    html = detector.detect_drift({"<b>": random.normal(size=100)})._repr_html_()
    assert "<table>" in html
    assert "<b></td>" not in html
    assert "&lt;b&gt;" in html


def test_rows_that_no_longer_go_together_are_drift(random):
    detector = DriftDetector(multivariate=("mmd", "pca", "domain_classifier"))
    x = random.normal(size=3000)
    detector.set_reference({"a": x, "b": x + random.normal(0, 0.3, 3000)})
    assert not detector.detect_drift({"a": x[:500], "b": x[:500] + random.normal(0, 0.3, 500)}).is_drifting
    found = detector.detect_drift({"a": random.normal(size=1000), "b": random.normal(0, 1.05, 1000)})
    assert found.is_drifting
    assert found.data_distribution_drift == 0.0
    assert found.multivariate["pca"]["is_drifting"]
    assert "whole rows" in found.reason
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("shift", [0.3, 1.0, 3.0])
def test_a_large_cramer_von_mises_statistic_has_a_small_p_value(shift):
    """The series of its distribution does not converge where it is 1 to rounding: 10,000 rows one sigma away had p = 0.1."""
    random = np.random.default_rng(0)
    pair = NumericPair(np.sort(random.normal(size=10_000)), np.sort(random.normal(shift, 1.0, 10_000)))
    found = METHODS["cramer_von_mises"].compare(pair)
    expected = stats.cramervonmises_2samp(pair.reference, pair.current)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9)
    assert found.p_value < 1e-9
