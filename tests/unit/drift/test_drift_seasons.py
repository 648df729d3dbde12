"""Traffic with a daily rhythm: a flat reference calls it drift, a seasonal one does not, and still finds what does not belong to the hour."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import DriftMonitor, DriftSettings
from neural.monitoring.quality import QualityMonitor, QualitySettings
from neural.monitoring.records import RecordBatch
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import PaneStore, WindowSettings, build_reference, columns_from
from neural.monitoring.windows.seasons import TIME, hours_at

WEEK, HOUR, EVERY = 604_800.0, 3600.0, 1800.0
MONDAY = WEEK * 2_800 + 4 * 86_400.0
WINDOWS = WindowSettings(pane="5m", length="1h", evaluate_every="30m")


def rows(random, times, shift=0.0):
    """Numbers and words with a daily rhythm, and a weekend; ``shift`` of x in standard deviations of its hour."""
    day = np.sin(2 * np.pi * times / 86_400)
    weekend = ((times - MONDAY) // 86_400) % 7 >= 5
    return {
        "x": random.normal(size=len(times)) + 1.5 * day + 0.8 * weekend + shift,
        "y": random.exponential(size=len(times)) * np.exp(0.8 * day),
        "c": np.where(random.random(len(times)) < 0.5 + 0.4 * day, "sun", "moon").tolist(),
    }


class World:
    """Four weeks of reference, then traffic of 600 rows an hour, looked at every half hour."""

    def __init__(self, seed, seasonal, *, per_hour=100, empty=()):
        self.random = np.random.default_rng(seed)
        times = MONDAY + np.sort(self.random.uniform(0, 4 * WEEK, 168 * per_hour))
        times = times[~np.isin(hours_at(times, "hour_of_week"), list(empty))]
        columns = {**rows(self.random, times), TIME: times}
        if seasonal is None:
            del columns[TIME]
        self.reference = build_reference(columns_from(columns), source="test", created_at=0.0, seasonal=seasonal)
        self.clock = ManualClock(MONDAY + 4 * WEEK)
        self.panes = PaneStore(WINDOWS, self.clock)
        self.panes.set_default_reference(self.reference)
        self.monitor = DriftMonitor(DriftSettings())

    def look(self, shift=0.0):
        start = self.clock()
        times = start + self.random.uniform(0, EVERY, int(600 * EVERY / HOUR))
        self.clock.advance(EVERY)
        self.panes.add_rows(RecordBatch("m", "1", times, [""] * len(times), columns_from(rows(self.random, times, shift))))
        self.evaluation = self.panes.evaluation("m", "1", self.clock())
        self.panes.expire(self.clock())
        return {(one.name, one.labels.get("feature", "")): one for one in self.monitor.evaluate(self.evaluation)}

    def days(self, count, shift=0.0):
        return [self.look(shift) for _ in range(int(count * 86_400 / EVERY))]


def alarms(found):
    return sum(one["drift.alarm", ""].value == 1.0 for one in found)


@pytest.mark.slow
def test_a_rhythm_is_drift_to_a_flat_reference_and_none_to_a_seasonal_one():
    flat, seasonal = World(0, None), World(0, "hour_of_week")
    assert alarms(flat.days(2)) > 20
    found = seasonal.days(8)
    assert alarms(found) == 0, [one["drift.alarm", ""].verdict.reason for one in found if one["drift.alarm", ""].value]
    assert max(one["drift.score", ""].value for one in found) == 0.0


def test_what_does_not_belong_to_the_hour_is_found_and_the_verdict_names_the_hour():
    world = World(1, "hour_of_week")
    assert alarms(world.days(1)) == 0
    found = world.days(0.25, shift=0.5)
    assert found[-1]["drift.alarm", ""].value == 1.0
    first = next(at for at, one in enumerate(found) if one["drift.alarm", ""].value)
    assert first <= 3, "0.5 standard deviations of the hour, which are 0.3 of the whole reference"
    verdict = found[-1]["drift.alarm", ""].verdict
    assert [one["feature"] for one in verdict.evidence["features"]] == ["x"]
    assert "compared with" in verdict.reason
    assert "Tue 05:00" in verdict.reason
    assert verdict.evidence["season"] == {"by": "hour_of_week", "hours": verdict.evidence["season"]["hours"], "borrowed": 0.0}
    score = found[-1]["drift.feature_score", "x"]
    assert score.verdict.outcome is Outcome.BAD
    moved = score.verdict.evidence["moved"]
    assert sum(one["change"] for one in moved if one["change"] > 0) > 0.1
    usual = np.array(score.verdict.evidence["bins"]["reference"])
    assert abs(usual[1:-1] - 1 / 16).max() > 0.03, "the hour's shares, not those of the whole reference"


def test_an_hour_the_reference_hardly_has_is_said():
    world = World(2, "hour_of_week", empty=[1, 2])
    reasons = [one["drift.alarm", ""].verdict for one in world.days(0.25)]
    assert "fewer than 50 reference rows" in reasons[3].reason
    assert reasons[3].evidence["season"]["borrowed"] > 0.5
    assert reasons[-1].evidence["season"]["borrowed"] == 0.0


def test_the_statistics_of_the_window_are_beside_its_hours_too():
    flat, seasonal = World(3, None), World(3, "hour_of_week")
    far, near = (world.days(0.25)[-1]["drift.ks", "x"] for world in (flat, seasonal))
    assert far.value > 0.2
    assert near.value < 0.1
    assert near.verdict.p_value > 1e-4


def test_an_acknowledged_drift_stays_known_while_the_hours_go_on():
    world = World(4, "hour_of_week")
    world.days(0.2)
    assert alarms(world.days(0.25, shift=1.0)) > 0
    assert world.monitor.acknowledge("m", "1", world.clock()) == ["x"]
    assert alarms(world.days(9, shift=1.0)) == 0
    assert alarms(world.days(0.25, shift=1.6)) > 0, "after a week each hour is known"


def test_a_restart_in_any_hour_changes_nothing():
    one, two = World(5, "hour_of_week"), World(5, "hour_of_week")
    for at in range(40):
        if at % 9 == 4:
            state = json.loads(json.dumps(two.monitor.snapshot(), allow_nan=False))
            two.monitor = DriftMonitor(DriftSettings())
            two.monitor.restore(state)
            panes = PaneStore(WINDOWS, two.clock)
            panes.restore(two.panes.snapshot())
            two.panes = panes
        shift = 0.6 if 15 <= at < 30 else 0.0
        a, b = one.look(shift), two.look(shift)
        assert {key: signal.value for key, signal in a.items()} == {key: signal.value for key, signal in b.items()}
        assert a["drift.alarm", ""].verdict == b["drift.alarm", ""].verdict


def test_quality_compares_means_and_missing_values_with_the_hours_too():
    def shifted(seasonal):
        world = World(6, seasonal)
        monitor, found = QualityMonitor(QualitySettings(), {}), 0.0
        for _ in range(16):
            world.look()
            for signal in monitor.evaluate(world.evaluation):
                found = max(found, signal.value or 0.0) if signal.name == "quality.shifted_columns" else found
        return found

    assert shifted(None) >= 1.0
    assert shifted("hour_of_week") == 0.0
