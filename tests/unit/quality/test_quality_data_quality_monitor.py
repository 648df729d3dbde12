"""The seed's DataQualityMonitor: same calls, same keys, no NaN."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import DataError
from neural.monitoring.quality import DataQualityMonitor
from neural.monitoring.store import open_store

KEYS = {
    "timestamp", "total_samples", "missing_values", "missing_rate", "outliers", "outlier_rate", "invalid_values", "invalid_rate",
    "schema_violations", "data_types", "value_ranges", "quality_score", "is_healthy", "warnings",
}  # fmt: skip


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def finite(value):
    if isinstance(value, dict):
        return all(finite(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def test_good_data_is_healthy_and_the_report_has_the_seeds_keys(rng):
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics(rng.normal(size=(1000, 10)))
    report = monitor.check_quality(rng.normal(size=(100, 10)))
    assert set(report.to_dict()) == {*KEYS, "findings"}
    assert report.is_healthy
    assert report.quality_score > 0.95
    assert report.warnings == ()
    assert report.total_samples == 100


def test_missing_values_beyond_the_threshold_are_unhealthy(rng):
    data = rng.normal(size=(100, 4))
    data[:60, 0] = np.nan
    report = DataQualityMonitor(missing_threshold=0.1).check_quality(data)
    assert report.missing_values["feature_0"] == 60
    assert report.missing_rate == pytest.approx(0.15)
    assert not report.is_healthy
    assert any("feature_0" in text for text in report.warnings)
    assert DataQualityMonitor(missing_threshold=0.7).check_quality(data).missing_rate == pytest.approx(0.15)


def test_outliers_are_counted_against_the_reference_by_z_score(rng):
    monitor = DataQualityMonitor(outlier_threshold=3.0)
    monitor.set_reference_statistics({"x": rng.normal(10, 2, 5000)})
    report = monitor.check_quality({"x": [10.0, 11.0, 9.0, 30.0, -20.0]})
    assert report.outliers == {"x": 2}
    assert report.outlier_rate == pytest.approx(0.4)


def test_types_of_the_seed_are_checked(rng):
    monitor = DataQualityMonitor(feature_types={"p": "probability", "b": "binary", "q": "positive"})
    report = monitor.check_quality({"p": [0.1, 1.2, 0.3], "b": [0, 1, 2], "q": [1.0, 0.0, -1.0]})
    assert report.invalid_values == {"p": 1, "b": 1, "q": 2}
    assert report.invalid_rate == pytest.approx(4 / 9)
    assert not report.is_healthy


def test_schema_violations_name_missing_extra_and_retyped_columns(rng):
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics({"a": [1.0, 2.0], "b": ["x", "y"]})
    report = monitor.check_quality({"a": ["one", "two"], "c": [1, 2]})
    assert len(report.schema_violations) == 3
    assert {"'b' is missing" in t or "'c' is not expected" in t or "expected numeric" in t for t in report.schema_violations} == {
        True
    }


def test_a_table_wider_or_narrower_than_the_names_is_a_violation_not_an_exception(rng):
    monitor = DataQualityMonitor(feature_names=["a", "b"])
    assert monitor.check_quality(rng.normal(size=(10, 2))).schema_violations == ()
    assert "feature_2" in monitor.check_quality(rng.normal(size=(10, 3))).schema_violations[0]
    assert "'b' is missing" in monitor.check_quality([[1.0], [2.0]]).schema_violations[0]


@pytest.mark.parametrize(
    "data",
    [
        np.empty((0, 3)),
        np.full((5, 2), np.nan),
        np.array([[np.inf, -np.inf, 1.0]]),
        {"c": [7.0] * 5},
        [{"a": 1, "b": None}, {"a": None}],
        {"big": [1e308, -1e308, 1e308]},
        pd.DataFrame({"x": [1.5, None], "y": ["u", None]}),
        {},
        [],
    ],
    ids=["no rows", "all missing", "infinite", "constant", "dicts with gaps", "huge", "pandas", "no columns", "nothing"],
)
def test_any_table_gives_a_finite_report(data):
    report = DataQualityMonitor().check_quality(data)
    body = report.to_dict()
    assert finite(body)
    json.dumps(body, allow_nan=False)
    assert 0.0 <= report.quality_score <= 1.0
    assert "<table>" in report._repr_html_()


def test_what_is_no_table_is_refused_in_one_line():
    with pytest.raises(DataError, match="differ in length"):
        DataQualityMonitor().check_quality({"a": [1], "b": [1, 2]})


def test_the_summary_is_over_the_last_reports(rng):
    monitor = DataQualityMonitor()
    assert monitor.get_quality_summary()["status"] == "no_data"
    bad = np.full((10, 2), np.nan)
    for data in (rng.normal(size=(50, 2)), rng.normal(size=(50, 2)), bad):
        monitor.check_quality(data)
    summary = monitor.get_quality_summary(window=2)
    assert summary["total_reports"] == 2
    assert summary["healthy_rate"] == 0.5
    assert set(summary) == {
        "status", "total_reports", "healthy_rate", "avg_quality_score", "avg_missing_rate", "avg_outlier_rate", "avg_invalid_rate",
        "total_warnings", "recent_reports",
    }  # fmt: skip


def test_reports_are_kept_in_the_store_where_a_path_is_given(rng, tmp_path):
    monitor = DataQualityMonitor(storage_path=tmp_path, model="m", version="2", clock=ManualClock(5.0))
    report = monitor.check_quality(rng.normal(size=(20, 2)))
    with_store = open_store(tmp_path, read_only=True)
    (stored,) = with_store.reports("quality")
    with_store.close()
    assert (stored.model, stored.version, stored.time) == ("m", "2", 5.0)
    assert stored.body == report.to_dict()
    again = DataQualityMonitor(storage_path=tmp_path, model="m")
    assert again.get_quality_summary()["total_reports"] == 1


def test_statistical_drift_from_the_reference_is_told_in_words(rng):
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics({"x": rng.normal(10, 2, 2000), "y": rng.standard_t(3, 2000)})
    calm = monitor.check_quality({"x": rng.normal(10, 2, 300), "y": rng.standard_t(3, 300)})
    assert not [text for text in calm.warnings if "mean" in text or "spread" in text]
    moved = monitor.check_quality({"x": rng.normal(12, 2, 300), "y": rng.standard_t(3, 300) * 4})
    assert any(text.startswith("x: the mean is") and "9.9" in text for text in moved.warnings)
    assert any(text.startswith("y: the spread is") for text in moved.warnings)
    stuck = monitor.check_quality({"x": [10.0] * 50, "y": rng.standard_t(3, 50)})
    assert any("all values are equal" in text for text in stuck.warnings)


def test_ten_drift_free_streams_of_heavy_tailed_checks_are_all_quiet(rng):
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics({"x": rng.lognormal(0, 1.5, 5000), "y": rng.poisson(0.2, 5000)})
    for _ in range(200):
        report = monitor.check_quality({"x": rng.lognormal(0, 1.5, 200), "y": rng.poisson(0.2, 200)})
        assert report.is_healthy
        assert not [text for text in report.warnings if "mean" in text or "spread" in text]


def test_a_column_that_misses_more_than_the_reference_does_is_unhealthy(rng):
    gaps = rng.normal(size=1000)
    gaps[:300] = np.nan
    monitor = DataQualityMonitor(missing_threshold=0.1)
    monitor.set_reference_statistics({"a": gaps, **{f"b{i}": rng.normal(size=1000) for i in range(9)}})
    others = {f"b{i}": rng.normal(size=1000) for i in range(9)}
    assert monitor.check_quality({"a": gaps, **others}).is_healthy
    worse = gaps.copy()
    worse[:450] = np.nan
    report = monitor.check_quality({"a": worse, **others})
    assert not report.is_healthy
    assert "450 of 1000" in report.warnings[0]


def test_a_closed_monitor_still_checks_and_sums_up(rng, tmp_path):
    monitor = DataQualityMonitor(storage_path=tmp_path)
    monitor.check_quality(rng.normal(size=(20, 2)))
    monitor.close()
    monitor.close()
    monitor.check_quality(rng.normal(size=(20, 2)))
    assert monitor.get_quality_summary()["total_reports"] == 2
