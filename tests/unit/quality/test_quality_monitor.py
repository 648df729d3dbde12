"""From panes and rows to quality signals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality import QualityMonitor, QualitySettings
from neural.monitoring.records import RecordBatch
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import build_reference, columns_from
from neural.monitoring.windows.pane_store import PaneStore
from neural.monitoring.windows.settings import WindowSettings

START = 1_700_000_000.0
SECOND = WindowSettings(pane=1, length=10, evaluate_every=1)


def table(n, rng, *, missing=0.02, carriers=("AA", "UA", "DL"), shift=0.0):
    temp = rng.normal(50 + shift, 10, n)
    temp[rng.random(n) < missing] = np.nan
    return {
        "temp": temp,
        "wind": rng.exponential(5, n),
        "carrier": rng.choice(np.array(carriers, dtype=object), n).tolist(),
    }


class Stream:
    """Rows go to the panes and to the monitor; every second there is an evaluation."""

    def __init__(self, monitor, *, reference_rows=3000, seed=0, rows_per_second=60, rows_per_request=1):
        self.rng = np.random.default_rng(seed)
        self.monitor, self.now = monitor, START
        self.rows, self.each = rows_per_second, rows_per_request
        self.store = PaneStore(SECOND, lambda: self.now)
        columns = columns_from(table(reference_rows, self.rng))
        self.store.set_reference("m", "1", build_reference(columns, source="test", created_at=START))

    def second(self, **changes):
        self.send(columns_from(table(self.rows, self.rng, **changes)))
        return self.evaluate()

    def send(self, columns):
        requests = np.arange(self.rows) // self.each
        times = self.now + requests / self.rows
        batch = RecordBatch("m", "1", times, [str(i) for i in range(self.rows)], columns)
        self.store.add_rows(batch)
        self.monitor.observe_rows(batch)

    def evaluate(self):
        self.now += 1
        evaluation = self.store.evaluation("m", "1", self.now)
        return {(s.name, s.labels.get("feature")): s for s in self.monitor.evaluate(evaluation)}


@pytest.mark.parametrize("seed", range(10))
def test_a_drift_free_stream_never_alarms(seed):
    stream = Stream(QualityMonitor(), seed=seed)
    for _ in range(30):
        found = stream.second()
        assert found["quality.alarm", None].value == 0.0, found["quality.alarm", None].verdict.reason
        assert found["quality.score", None].value > 0.95


def test_nulls_alarm_within_two_seconds_and_the_evidence_names_the_column():
    stream = Stream(QualityMonitor())
    for _ in range(12):
        stream.second()
    broke_at = stream.now
    for _ in range(2):
        found = stream.second(missing=0.4)
    alarm = found["quality.alarm", None]
    assert alarm.value == 1.0
    (finding,) = alarm.verdict.evidence["findings"]
    assert (finding["column"], finding["kind"]) == ("temp", "missing")
    assert finding["rate"] > 0.3 > 0.1 > finding["reference_rate"]
    assert broke_at - 4 <= finding["since"] <= broke_at + 1
    assert "temp: missing values" in alarm.verdict.reason
    assert found["quality.feature_missing_rate", "temp"].verdict.outcome is Outcome.BAD


def test_an_unknown_category_alarms_and_is_named():
    stream = Stream(QualityMonitor())
    for _ in range(5):
        stream.second()
    for _ in range(2):
        found = stream.second(carriers=("AA", "UA", "DL", "??"))
    (finding,) = found["quality.alarm", None].verdict.evidence["findings"]
    assert (finding["column"], finding["kind"], finding["examples"]) == ("carrier", "unseen", ["??"])


def test_a_shifted_column_shows_as_outliers():
    stream = Stream(QualityMonitor())
    stream.second()
    found = {}
    for _ in range(3):
        found = stream.second(shift=30.0)
    kinds = {(f["column"], f["kind"]) for f in found["quality.alarm", None].verdict.evidence["findings"]}
    assert ("temp", "outlier") in kinds
    assert found["quality.feature_outlier_rate", "temp"].value > 0.2


def test_a_broken_rule_is_invalid_and_alarms():
    monitor = QualityMonitor(schema={"temp": FeatureSettings(range=(0, 100)), "carrier": FeatureSettings(allowed=["AA", "UA"])})
    stream = Stream(monitor)
    for _ in range(2):
        found = stream.second()
    kinds = {(f["column"], f["kind"]) for f in found["quality.alarm", None].verdict.evidence["findings"]}
    assert kinds == {("carrier", "invalid")}
    assert found["quality.feature_invalid_rate", "carrier"].value == pytest.approx(1 / 3, abs=0.1)


def test_a_column_that_rows_leave_out_is_missing():
    stream = Stream(QualityMonitor())
    stream.second()
    for _ in range(2):
        columns = columns_from(table(stream.rows, stream.rng))
        del columns["wind"]
        stream.send(columns)
        found = stream.evaluate()
    finding = next(f for f in found["quality.alarm", None].verdict.evidence["findings"] if f["column"] == "wind")
    assert finding["kind"] == "missing"


def test_rows_of_one_request_are_not_taken_for_independent_evidence():
    lone, together = Stream(QualityMonitor()), Stream(QualityMonitor(), rows_per_request=60)
    for stream in (lone, together):
        for _ in range(3):
            stream.second()
    assert lone.second(missing=0.3)["quality.alarm", None].value == 1.0
    assert together.second(missing=0.3)["quality.alarm", None].value == 0.0


def test_when_the_feed_recovers_the_alarm_clears_before_the_window_has_forgotten():
    stream = Stream(QualityMonitor())
    for _ in range(5):
        found = stream.second(missing=0.9)
    assert found["quality.alarm", None].value == 1.0
    for _ in range(5):
        found = stream.second()
    assert found["quality.alarm", None].value == 0.0
    assert found["quality.feature_missing_rate", "temp"].value > 0.3


def test_a_trickle_that_goes_on_does_not_flap():
    stream = Stream(QualityMonitor())
    for _ in range(15):
        found = stream.second(missing=0.15)
    for _ in range(20):
        found = stream.second(missing=0.15)
        assert found["quality.alarm", None].value == 1.0


def test_the_score_falls_with_one_dead_column():
    stream = Stream(QualityMonitor())
    for _ in range(12):
        found = stream.second(missing=1.0)
    score = found["quality.score", None]
    assert score.value < 0.7
    assert score.verdict.outcome is Outcome.BAD


def test_without_reference_or_rows_the_verdict_is_unknown():
    monitor = QualityMonitor()
    store = PaneStore(SECOND, lambda: START)
    evaluation = store.evaluation("m", "1", START)
    found = {s.name: s for s in monitor.evaluate(evaluation)}
    assert found["quality.alarm"].verdict.outcome is Outcome.UNKNOWN
    assert found["quality.score"].value is None
    assert found["quality.missing_rate"].value is None


def test_a_restart_in_between_changes_nothing():
    first, second = Stream(QualityMonitor()), Stream(QualityMonitor())
    for stream in (first, second):
        for _ in range(6):
            stream.second()
    snapshot = json.loads(json.dumps(second.monitor.snapshot()))
    second.monitor = QualityMonitor()
    second.monitor.restore(snapshot)
    for _ in range(3):
        a, b = first.second(missing=0.2), second.second(missing=0.2)
        assert a == b


def test_every_signal_is_in_the_catalogue_with_its_labels():
    stream = Stream(QualityMonitor())
    stream.second()
    specs = {spec.name: spec for spec in QualityMonitor.specs}
    for name, feature in stream.second():
        assert specs[name].labels == (("feature",) if feature else ())


@pytest.mark.parametrize("method", ["zscore", "mad", "iqr"])
def test_outliers_by_each_method_are_rare_without_and_many_with_a_shift(method):
    stream = Stream(QualityMonitor(QualitySettings(outlier_method=method)))
    stream.second()
    before = stream.second()["quality.feature_outlier_rate", "temp"].value
    for _ in range(10):
        after = stream.second(shift=60.0)
    assert before < 0.05
    assert after["quality.feature_outlier_rate", "temp"].value > 0.9


def test_a_finding_points_at_some_of_the_bad_rows():
    stream = Stream(QualityMonitor())
    for _ in range(5):
        stream.second()
    for _ in range(2):
        found = stream.second(missing=1.0)
    (finding,) = found["quality.alarm", None].verdict.evidence["findings"]
    assert finding["row_ids"] == ["0", "1", "2"]


def test_a_frozen_sensor_is_found_once_it_has_been_so_for_the_whole_window():
    stream = Stream(QualityMonitor())
    for _ in range(3):
        found = stream.second()
    assert found["quality.stuck_columns", None].value == 0
    for at in range(12):
        columns = table(stream.rows, stream.rng)
        columns["temp"] = np.full(stream.rows, 51.5)
        stream.send(columns_from(columns))
        found = stream.evaluate()
        assert found["quality.stuck_columns", None].value == (1 if at >= 9 else 0)
    (finding,) = found["quality.stuck_columns", None].verdict.evidence["findings"]
    assert (finding["column"], finding["value"]) == ("temp", "51.5")
    assert stream.second()["quality.stuck_columns", None].value == 0


def test_a_category_that_took_over_is_stuck_too():
    stream = Stream(QualityMonitor())
    for _ in range(15):
        found = stream.second(carriers=("AA",))
    (finding,) = found["quality.stuck_columns", None].verdict.evidence["findings"]
    assert (finding["column"], finding["value"]) == ("carrier", "AA")


def test_rows_sent_twice_are_counted():
    stream = Stream(QualityMonitor())
    assert stream.second()["quality.duplicate_rate", None].value == 0.0
    columns = columns_from(table(stream.rows, stream.rng))
    stream.send(columns)
    stream.send(columns)
    assert stream.evaluate()["quality.duplicate_rate", None].value == pytest.approx(60 / 180)


def test_an_incident_that_is_over_does_not_come_back_when_traffic_thins_out():
    """With few new rows the past would weigh more again; it was judged already."""
    stream = Stream(QualityMonitor(), rows_per_second=400)
    for _ in range(12):
        stream.second()
    for _ in range(5):
        assert stream.second(missing=0.3)["quality.alarm", None].value == 1.0
    alarms = [stream.second()["quality.alarm", None].value for _ in range(6)]
    assert alarms[-1] == 0.0
    restored = QualityMonitor()
    restored.restore(json.loads(json.dumps(stream.monitor.snapshot())))
    stream.monitor, stream.rows = restored, 8
    for _ in range(6):
        assert stream.second()["quality.alarm", None].value == 0.0


def test_an_incident_that_is_over_clears_though_the_longer_looks_have_thinned_it():
    """Requests of many rows tell less than as many requests: a thin rate is hard to rule out, the rate that was seen is not."""
    stream = Stream(QualityMonitor(), rows_per_second=400, rows_per_request=8)
    for _ in range(12):
        stream.second()
    for _ in range(5):
        found = stream.second(missing=0.2)
    assert found["quality.alarm", None].value == 1.0
    alarms = [stream.second()["quality.alarm", None].value for _ in range(9)]
    assert alarms[-4:] == [0.0] * 4
