"""The demo's data and story: what must be true for its verdicts to mean anything."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from neural.monitoring.demo.client import Traffic
from neural.monitoring.demo.data import FEATURES, WINTER_MONTHS, Flights, load_flights, split_flights
from neural.monitoring.demo.feed import UNKNOWN_CARRIER, V1_PATH, Feed, Incident
from neural.monitoring.demo.judge import false_alarms, judge
from neural.monitoring.demo.plan import Episode, incident_at, timetable
from neural.monitoring.store import AlertRow

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def flights() -> Flights:
    return load_flights()


def test_all_flights_of_the_year_are_there_with_real_missing_values(flights: Flights) -> None:
    assert len(flights) == 336_776
    assert set(flights.columns) == set(FEATURES)
    assert 0.7 < np.isnan(flights.columns["wind_gust"]).mean() < 0.8
    assert np.isnan(flights.late).sum() == 9_430  # cancelled or diverted: no outcome ever arrives
    assert 0 < np.isnan(flights.columns["temp"]).mean() < 0.01  # the join with the hourly weather works


def test_the_winter_is_cut_into_three_disjoint_random_parts(flights: Flights) -> None:
    split = split_flights(flights, seed=3)
    winter = int(np.isin(flights.month, WINTER_MONTHS).sum())
    assert len(split.train) + len(split.reference) + len(split.traffic) == winter
    assert len(split.season) == len(flights) - winter
    assert list(split.season.month) == sorted(split.season.month)
    assert abs(split.reference.columns["distance"].mean() - split.traffic.columns["distance"].mean()) < 25
    again = split_flights(flights, seed=3)
    assert np.array_equal(split.traffic.departs, again.traffic.departs)
    assert not np.array_equal(split.traffic.departs, split_flights(flights, seed=4).traffic.departs)


def test_every_row_is_sent_once_and_unharmed_in_quiet_times(flights: Flights) -> None:
    part = flights.take(np.arange(64))
    feed = Feed(part, seed=0)
    rows = []
    for start in range(0, 64, 8):
        request = feed.request(start, start + 8, None)
        body = json.loads(request.body)
        if request.path == V1_PATH:
            rows += [instance["distance"] for instance in body["instances"]]
        else:
            rows += next(tensor["data"] for tensor in body["inputs"] if tensor["name"] == "distance")
        assert len(request.row_ids) == len(request.outcomes) == 8
    assert rows == part.columns["distance"].tolist()


def _column(body: bytes, name: str) -> list[object]:
    document = json.loads(body)
    if "instances" in document:
        return [row.get(name) for row in document["instances"]]
    return next((tensor["data"] for tensor in document["inputs"] if tensor["name"] == name), [])


def test_each_incident_damages_what_it_says(flights: Flights) -> None:
    part = flights.take(np.arange(4_000))
    celsius = _column(Feed(part, 0).request(0, 4_000, Incident.CELSIUS).body, "temp")
    assert celsius[0] == pytest.approx((part.columns["temp"][0] - 32) / 1.8, abs=0.01)
    broken = Feed(part, 0).request(0, 4_000, Incident.BROKEN)
    carriers, pressure = _column(broken.body, "carrier"), _column(broken.body, "pressure")
    assert 0.1 < carriers.count(UNKNOWN_CARRIER) / 4_000 < 0.2
    assert pressure.count(None) / 4_000 > 0.3
    assert _column(Feed(part, 0).request(0, 4_000, Incident.SLOW).body, "temp") == _column(
        Feed(part, 0).request(0, 4_000, None).body, "temp"
    )


def test_the_timetable_has_quiet_before_between_and_after() -> None:
    acts = timetable(incidents=True)
    assert [act.incident for act in acts] == list(Incident)
    assert incident_at(acts, 0.0) is None
    assert incident_at(acts, acts[0].start_share) is Incident.CELSIUS
    assert incident_at(acts, 1.0) is None
    assert all(first.end_share < second.start_share for first, second in pairwise(acts))
    assert timetable(incidents=False) == []


def _alert(fired_at: float, source: str) -> AlertRow:
    return AlertRow("a", "f", "rule", "warning", "firing", "t", "m", source, started_at=fired_at, fired_at=fired_at)


EPISODE = Episode(Incident.CELSIUS, 1009.0, 1013.0)


@pytest.mark.parametrize(
    ("fired", "source", "detected"),
    [
        (1009.5, "drift.alarm", True),
        (1008.0, "drift.alarm", False),
        (1009.5, "latency.p95", False),
        (1020.0, "drift.alarm", False),
    ],
    ids=["in time and fitting", "before it began", "about something else", "long after it ended"],
)
def test_an_alert_counts_only_when_it_fits_the_incident(fired: float, source: str, detected: bool) -> None:
    traffic = Traffic(progress=[(1000.0, 0), (1030.0, 3000)])
    found = judge([EPISODE], [_alert(fired, source)], traffic, 2.0)
    assert found[0].detected is detected
    if detected:
        assert found[0].delay_seconds == pytest.approx(0.5)
        assert found[0].delay_rows == 50


def test_an_alert_before_the_first_incident_is_false_and_without_incidents_every_one_is() -> None:
    alerts = [_alert(1005.0, "drift.alarm"), _alert(1010.0, "drift.alarm")]
    assert len(false_alarms([EPISODE], alerts)) == 1
    assert len(false_alarms([], alerts)) == 2
