"""Every finding of quality names its column, its count and rate, a redacted example and when it was first seen: stream and table alike."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.errors import DataError
from neural.monitoring.quality import DataQualityMonitor, QualityMonitor, QualitySettings
from neural.monitoring.quality.ages import ages_seconds
from neural.monitoring.quality.examples import redacted, shape_of
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import build_reference, columns_from
from neural.monitoring.windows.pane_store import PaneStore
from neural.monitoring.windows.settings import WindowSettings

START = 1_700_000_000.0
UNIFORM = {"column", "kind", "count", "rows", "rate", "text", "first_seen", "example", "examples", "row_ids"}
SCHEMA = {
    "age": FeatureSettings(range=(0, 120)),
    "plan": FeatureSettings(allowed=["basic", "gold"]),
    "code": FeatureSettings(pattern="[A-Z]{2}"),
    "seats": FeatureSettings(constraint="integer"),
    "seen_at": FeatureSettings(max_age=60),
}


def rows(n, rng, now=START):
    return {
        "age": rng.normal(40, 10, n).clip(1, 110),
        "plan": rng.choice(np.array(["basic", "gold"], dtype=object), n),
        "code": rng.choice(np.array(["AB", "CD", "EF"], dtype=object), n),
        "seats": rng.integers(1, 5, n).astype(float),
        "seen_at": now - rng.uniform(0, 30, n),
    }


class Stream:
    """One evaluation a second over 60 rows; ``spoil`` changes a table before it is sent."""

    def __init__(self, settings=None, schema=SCHEMA, decoder="v2"):
        self.rng, self.now, self.decoder = np.random.default_rng(0), START, decoder
        self.monitor = QualityMonitor(settings, schema)
        self.store = PaneStore(WindowSettings(pane=1, length=10, evaluate_every=1), lambda: self.now)
        self.store.set_reference("m", "1", build_reference(columns_from(rows(3000, self.rng)), source="test", created_at=START))

    def second(self, spoil=None, n=60):
        table = rows(n, self.rng, self.now)
        table = spoil(table) if spoil else table
        if table is not None:
            columns = columns_from(table)
            times = self.now + np.arange(n) / n
            batch = RecordBatch("m", "1", times, [f"r{int(self.now)}-{at}" for at in range(n)], columns, decoder=self.decoder)
            self.store.add_rows(batch)
            self.monitor.observe_rows(batch)
        self.now += 1
        return {one.name: one for one in self.monitor.evaluate(self.store.evaluation("m", "1", self.now)) if len(one.labels) == 2}

    def until(self, spoil, seconds=4):
        for _ in range(3):
            self.second()
        begun = self.now
        for _ in range(seconds):
            found = self.second(spoil)
        return begun, found


def part(column, values):
    """A spoiler: half of the column's values are replaced."""

    def spoil(table):
        old = table[column].astype(object)
        old[::2] = values
        table[column] = old.tolist()
        return table

    return spoil


@pytest.mark.parametrize(
    ("spoil", "column", "kind", "example"),
    [
        pytest.param(part("age", None), "age", "missing", "null", id="nulls"),
        pytest.param(part("age", 400.0), "age", "invalid", "400", id="out of range"),
        pytest.param(part("age", "forty"), "age", "invalid", "forty", id="words where numbers are due"),
        pytest.param(part("plan", "silver"), "plan", "unseen", "silver", id="an unknown category"),
        pytest.param(
            part("plan", "bob@example.com"), "plan", "unseen", "xxx@xxxxxxx.xxx", id="an unknown category that looks personal"
        ),
        pytest.param(part("plan", "silver"), "plan", "invalid", "silver", id="not in the set"),
        pytest.param(part("code", "4111111111111111"), "code", "invalid", "9999999999999999", id="against the pattern"),
        pytest.param(part("seats", 2.5), "seats", "invalid", "2.5", id="no whole number"),
        pytest.param(part("seen_at", START - 9000), "seen_at", "stale", "1.69999e+09", id="too old"),
    ],
)
def test_bad_values_are_found_with_all_that_a_finding_says(spoil, column, kind, example):
    begun, found = Stream().until(spoil)
    alarm = found["quality.alarm"]
    assert alarm.value == 1.0
    findings = [one for one in alarm.verdict.evidence["findings"] if (one["column"], one["kind"]) == (column, kind)]
    assert len(findings) == 1, alarm.verdict.evidence["findings"]
    one = findings[0]
    assert set(one) >= UNIFORM
    assert one["rate"] == pytest.approx(one["count"] / one["rows"])
    assert one["rate"] > 0.1
    assert one["example"] == example
    assert one["row_ids"]
    assert begun <= one["first_seen"] <= begun + 1, "the first bad row"
    json.dumps(one, allow_nan=False)


@pytest.mark.parametrize(
    ("spoil", "column", "kind"),
    [
        pytest.param(lambda t: {k: v for k, v in t.items() if k != "age"}, "age", "missing_column", id="a column that is gone"),
        pytest.param(lambda t: t | {"more": t["age"]}, "more", "extra_column", id="one too many"),
        pytest.param(lambda t: dict(reversed(t.items())), "seen_at", "reordered_columns", id="another order"),
        pytest.param(lambda t: t | {"age": t["age"] + 30}, "age", "shifted_mean", id="another mean"),
        pytest.param(lambda t: t | {"age": 40 + (t["age"] - 40) * 2.5}, "age", "shifted_spread", id="another spread"),
        pytest.param(lambda t: t | {"age": np.append(t["age"][1:], 300.0)}, "age", "shifted_range", id="another range"),
    ],
)
def test_schema_order_and_shape_are_found_with_all_that_a_finding_says(spoil, column, kind):
    begun, found = Stream().until(spoil, seconds=12)
    evidence = found["quality.alarm"].verdict.evidence
    one = next(one for one in [*evidence["schema"], *evidence["others"]] if one["kind"] == kind)
    assert set(one) >= UNIFORM
    assert one["column"] == column
    assert one["count"] > 0
    assert 0 < one["rate"] <= 1
    assert one["example"]
    assert begun <= one["first_seen"] <= begun + 11  # a gone column is gone once the window has forgotten it
    family = "quality.shifted_columns" if kind.startswith("shifted") else "quality.schema_violations"
    assert found[family].value >= 1
    assert found[family].verdict.outcome is Outcome.BAD


def test_a_calm_stream_has_no_finding():
    stream = Stream()
    for _ in range(30):
        found = stream.second()
    evidence = found["quality.alarm"].verdict.evidence
    assert (evidence["findings"], evidence["schema"], evidence["others"]) == ([], [], [])
    assert found["quality.shifted_columns"].value == 0


def test_keys_of_json_objects_have_no_order():
    _, found = Stream(decoder="v1").until(lambda t: dict(reversed(t.items())))
    assert found["quality.schema_violations"].value == 0


def test_a_finding_keeps_its_beginning_while_it_stands_and_starts_anew_after():
    stream = Stream()
    gone = {"first": [], "again": []}
    for seconds, spoil, name in ((3, None, ""), (3, dict, "first"), (12, None, ""), (3, dict, "again")):
        for _ in range(seconds):
            found = stream.second((lambda t: dict(reversed(t.items()))) if spoil else None)
            if name:
                gone[name] += [one["first_seen"] for one in found["quality.alarm"].verdict.evidence["schema"]]
    assert len(set(gone["first"])) == len(set(gone["again"])) == 1
    assert gone["again"][0] - gone["first"][0] >= 12


def test_repeated_rows_are_judged_where_a_limit_is_set():
    def twice(table):
        return {name: np.concatenate([values[:30], values[:30]]) for name, values in table.items()}

    _, found = Stream(QualitySettings(max_duplicates=0.1)).until(twice)
    signal = found["quality.duplicate_rate"]
    assert signal.verdict.outcome is Outcome.BAD
    one = signal.verdict.evidence["findings"][0]
    assert set(one) >= UNIFORM
    assert len(one["row_ids"]) == 3
    _, found = Stream().until(twice)
    assert found["quality.duplicate_rate"].verdict.outcome is Outcome.UNKNOWN


def test_freshness_is_the_age_of_the_newest_row_and_judged_where_a_limit_is_set():
    stream = Stream(QualitySettings(fresh_within=5))
    assert stream.second()["quality.freshness"].verdict.outcome is Outcome.OK
    for _ in range(6):
        found = stream.second(lambda _: None)
    assert found["quality.freshness"].value == pytest.approx(6, abs=1.1)
    assert found["quality.freshness"].verdict.outcome is Outcome.BAD


def test_rows_that_repeat_are_found_across_a_restart_between_two_evaluations():
    def found(restart):
        stream = Stream(QualitySettings(max_duplicates=0.1))
        stream.second()
        table = columns_from(rows(60, stream.rng, stream.now))
        for half in ("a", "b"):
            batch = RecordBatch(
                "m", "1", stream.now + np.arange(60) / 60, [f"{half}{at}" for at in range(60)], table, decoder="v2"
            )
            stream.store.add_rows(batch)
            stream.monitor.observe_rows(batch)
            if restart and half == "a":
                state = json.loads(json.dumps(stream.monitor.snapshot()))
                stream.monitor = QualityMonitor(QualitySettings(max_duplicates=0.1), SCHEMA)
                stream.monitor.restore(state)
        stream.now += 1
        evaluation = stream.store.evaluation("m", "1", stream.now)
        return next(one for one in stream.monitor.evaluate(evaluation) if one.name == "quality.duplicate_rate")

    assert found(restart=True).value == found(restart=False).value > 0.3
    assert found(restart=True) == found(restart=False)


def test_a_restart_in_between_changes_no_finding():
    def play(stop):
        stream = Stream()
        for second in range(12):
            found = stream.second(part("plan", "silver") if second > 4 else None)
            if second == stop:
                state = json.loads(json.dumps(stream.monitor.snapshot()))
                stream.monitor = QualityMonitor(None, SCHEMA)
                stream.monitor.restore(state)
        return found["quality.alarm"].verdict.evidence

    assert play(8) == play(None)


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (1234567.891, Kind.NUMERIC, "1.23457e+06"),
        (None, Kind.TEXT, "null"),
        ("gold", Kind.CATEGORICAL, "gold"),
        ("Ann Lee, 4 Elm St", Kind.TEXT, "xxx xxx, 9 xxx xx"),
        ("+49 170 1234567", Kind.CATEGORICAL, "+99 999 9999999"),
    ],
)
def test_examples_show_what_is_wrong_and_not_whose_it_is(value, kind, shown):
    assert redacted(value, kind) == shown


def test_a_long_text_is_cut_and_says_how_long_it_was():
    assert shape_of("a" * 100) == f"{'x' * 40}… (100 characters)"


@pytest.mark.parametrize("unit", [1, 1e3, 1e6, 1e9], ids=["s", "ms", "µs", "ns"])
def test_ages_of_unix_times_in_any_unit(unit):
    times = np.array([START, START])
    values = np.array([(START - 10) * unit, np.nan])
    ages = ages_seconds(Column("t", Kind.NUMERIC, values, np.isnan(values)), times)
    assert ages[0] == pytest.approx(10, abs=1e-3)
    assert np.isnan(ages[1])


def test_ages_of_written_times():
    words = np.array(["2023-11-14T22:13:10Z", "yesterday", None], dtype=object)
    ages = ages_seconds(Column("t", Kind.CATEGORICAL, words, np.zeros(3, bool)), np.full(3, START))
    assert ages[0] == pytest.approx(10)
    assert np.isnan(ages[1:]).all()


# Tables ------------------------------------------------------------------------


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def found_in(report, kind):
    return [finding for finding in report.findings if finding.kind == kind]


def test_a_table_is_checked_against_range_set_pattern_and_constraint(rng):
    types = {
        "age": {"range": [0, 120]},
        "plan": {"allowed": ["basic", "gold"]},
        "code": {"pattern": "[A-Z]{2}"},
        "seats": "integer",
    }
    monitor = DataQualityMonitor(feature_types=types)
    table = {name: values.tolist() for name, values in rows(50, rng).items() if name != "seen_at"}
    table["age"][0], table["plan"][1], table["code"][2], table["seats"][3] = -3, "silver", "x", 1.5
    report = monitor.check_quality(table)
    assert report.invalid_values == {"age": 1, "plan": 1, "code": 1, "seats": 1}
    assert {(one.column, one.examples[0], one.row_ids[0]) for one in found_in(report, "invalid")} == {
        ("age", "-3", "0"), ("plan", "silver", "1"), ("code", "x", "2"), ("seats", "1.5", "3"),
    }  # fmt: skip


def test_every_finding_of_a_table_says_all(rng):
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics(rows(500, rng))
    spoilt = rows(200, rng)
    spoilt["age"][:40] = np.nan
    spoilt["plan"][:60] = "silver"
    spoilt["seats"][:] = 900.0
    report = monitor.check_quality(spoilt)
    kinds = {(one.column, one.kind) for one in report.findings}
    assert {("age", "missing"), ("plan", "unseen"), ("seats", "outlier"), ("seats", "constant")} <= kinds
    for one in report.to_dict()["findings"]:
        assert set(one) >= UNIFORM
        assert one["count"] > 0
        assert one["first_seen"] == report.timestamp
    assert any("age: missing values in 40 of 200 rows (20.0%), 0.0% in the reference" in text for text in report.warnings)
    assert any("silver" in one.examples for one in found_in(report, "unseen"))


def test_first_seen_is_kept_from_table_to_table(rng):
    now = [100.0]
    monitor = DataQualityMonitor(clock=lambda: now[0])
    bad = {"x": [1.0, None, 3.0]}
    first = monitor.check_quality(bad)
    now[0] = 200.0
    assert (
        [one.first_seen for one in monitor.check_quality(bad).findings] == [one.first_seen for one in first.findings] == [100.0]
    )


def test_columns_of_a_table_in_another_order_are_a_violation_and_keys_of_a_dict_are_not(rng):
    pandas = pytest.importorskip("pandas")
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics(rows(100, rng))
    table = rows(100, rng)
    swapped = dict(reversed(table.items()))
    report = monitor.check_quality(pandas.DataFrame(swapped))
    assert [one.examples for one in found_in(report, "reordered_columns")] == [("seen_at, not age",)]
    assert not report.is_healthy
    assert found_in(monitor.check_quality(swapped), "reordered_columns") == []


def test_a_null_rate_that_jumped_is_told_though_it_is_below_the_threshold(rng):
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics({"x": rng.normal(size=2000)})
    values = rng.normal(size=1000)
    values[:60] = np.nan
    report = monitor.check_quality({"x": values})
    assert report.is_healthy
    assert [one.more["jumped"] for one in found_in(report, "missing")] == [True]
    assert any("missing values in 60 of 1000" in text for text in report.warnings)


def test_rows_that_are_repeated_are_found_beside_the_references(rng):
    monitor = DataQualityMonitor()
    monitor.set_reference_statistics(rng.normal(size=(500, 3)))
    data = rng.normal(size=(100, 3))
    report = monitor.check_quality(np.vstack([data, data[:50]]))
    assert [(one.count, one.rows, one.row_ids) for one in found_in(report, "duplicate_rows")] == [
        (50, 150, ("100", "101", "102"))
    ]
    assert any("50 of 150 rows repeat" in text for text in report.warnings)
    assert found_in(monitor.check_quality(data), "duplicate_rows") == []


def test_a_column_of_one_value_is_told_without_a_reference_too(rng):
    report = DataQualityMonitor().check_quality({"x": np.full(50, 7.0), "y": rng.normal(size=50)})
    assert [(one.column, one.examples) for one in found_in(report, "constant")] == [("x", ("7",))]


@pytest.mark.parametrize("method", ["zscore", "mad", "iqr"])
def test_outliers_by_each_method(rng, method):
    monitor = DataQualityMonitor(outlier_method=method)
    monitor.set_reference_statistics({"x": rng.normal(size=2000)})
    values = rng.normal(size=500)
    values[:3] = [40.0, -40.0, np.inf]
    report = monitor.check_quality({"x": values})
    assert 2 <= report.outliers["x"] <= 12
    assert report.invalid_values["x"] == 1, "infinite"


@pytest.mark.parametrize(
    ("types", "text"),
    [
        ({"x": "postive"}, "did you mean 'positive'"),
        ({"x": {"range": [3, 1]}}, "upside down"),
        ({"x": {"rnge": [1, 3]}}, "rnge"),
        ({"x": {"pattern": "["}}, "not a regular expression"),
        ({"x": {"pattern": "(a+)+b"}}, "keep the sidecar busy"),
        ({"x": {"pattern": "(?:[a-z]*-)*"}}, "keep the sidecar busy"),
    ],
)
def test_a_feature_type_that_does_not_exist_is_one_line(types, text):
    with pytest.raises(DataError, match="feature_types") as error:
        DataQualityMonitor(feature_types=types)
    assert text in str(error.value)


@pytest.mark.parametrize("pattern", [r"[A-Z]{2}\d+", r"(?:\d{3}-)+\d+", r"(?:a++)+b", r"(\+\d{2})?[ \d]+", r"(?:ab)*"])
def test_a_sound_pattern_is_taken(pattern):
    DataQualityMonitor(feature_types={"x": {"pattern": pattern}})


def test_a_report_draws_itself(rng):
    pytest.importorskip("plotly")
    data = rng.normal(size=(50, 3))
    data[:10, 1] = np.nan
    figure = DataQualityMonitor().check_quality(data).plot()
    assert [bar.name for bar in figure.data] == ["missing", "outliers", "invalid"]
    assert figure.data[0].x[0] == "feature_1"
    assert figure.data[0].y[0] == pytest.approx(0.2)
