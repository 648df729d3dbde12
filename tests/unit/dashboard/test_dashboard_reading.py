from __future__ import annotations

import pytest

from neural.monitoring.dashboard.reading import MAX_POINTS, Reader
from neural.monitoring.dashboard.selection import Selection
from neural.monitoring.dashboard.series import grouped
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore
from neural.monitoring.views import Snapshot

MODEL = {"model": "m", "version": "1"}


def test_the_auto_range_shows_all_there_is_up_to_an_hour(store, read, now):
    assert 1770 <= read(store).range_seconds <= 1830
    assert read(store, "/?range=6h").range_seconds == 6 * 3600


@pytest.mark.parametrize(("age", "every", "shown"), [(30, 1, 30), (5, 1, 10), (30, 60, 60), (600, 60, 600), (90_000, 600, 3600)])
def test_a_young_store_is_shown_whole_and_an_old_one_by_the_hour(now, read, age, every, shown):
    store = MemoryStore()
    store.put_value("sidecar", {"evaluate_every_seconds": every})
    store.write_signals(Signal("requests.rate", 1.0, now - i, MODEL) for i in range(0, age + 1, every))
    assert read(store).range_seconds == pytest.approx(shown, rel=0.03)


def test_the_most_recently_measured_model_is_chosen(now, read):
    store = MemoryStore()
    for model, age in (("old", 500), ("new", 5), ("middle", 50)):
        store.write_signals([Signal("requests.rate", 1.0, now - age, {"model": model, "version": "1"})])
    assert read(store).model == ("new", "1")
    assert read(store, "/?model=old&version=1").model == ("old", "1")


def test_a_silent_series_is_no_longer_part_of_now(now, read):
    store = MemoryStore()
    store.write_signals(Signal("requests.rate", 1.0, now - 60 * i, MODEL) for i in range(20))
    store.write_signals([Signal("drift.feature_score", 1.0, now - 900, {**MODEL, "feature": "gone"})])
    assert "drift.feature_score" not in read(store).state


def test_a_past_moment_sees_nothing_of_what_came_later(store, read, now):
    past = read(store, f"/?until={now - 700:.0f}")
    assert all(signal.time <= past.until for signals in past.state.values() for signal in signals)
    assert all(row.started_at <= past.until for row in past.alerts)
    assert [row.alert_id for row in past.firing] == []
    assert [row.alert_id for row in read(store).firing] == ["a3", "a1"]


def test_a_long_stretch_is_sampled_not_read_whole(now):
    store = MemoryStore()
    store.write_signals(Signal("requests.rate", float(i), now - 60 * i, MODEL) for i in range(7 * 1440))
    reader = Reader(store, Selection(range="7d"), now)
    (series,) = reader.series("requests.rate")
    assert MAX_POINTS * 0.9 <= len(series.times) <= 2 * MAX_POINTS
    assert series.times[0] < now - 6.9 * 86400
    assert series.times[-1] == now
    assert reader.sampled_every == 7 * 86400 / MAX_POINTS


def test_evidence_is_found_where_the_store_last_kept_it(now, read):
    store = MemoryStore()
    evidence = {"bins": [{"low": 0, "high": 1, "reference": 0.5, "current": 0.1}]}
    for age, kept in ((120, evidence), (60, {}), (0, {})):
        verdict = Verdict(Outcome.BAD, f"{age}", evidence=kept)
        store.write_signals(
            [
                Signal("requests.rate", 1.0, now - age, MODEL),
                Signal("drift.psi", 1.0, now - age, {**MODEL, "feature": "a"}, verdict),
            ]
        )
    assert read(store).kept_evidence("drift.psi", feature="a") == (now - 120, evidence)


def test_a_snapshot_replaces_the_question_for_the_newest_signals(now, empty_store):
    signals = (Signal("requests.rate", 5.0, now, MODEL), Signal("latency.p95", 0.1, now, MODEL))
    reader = Reader(empty_store, Selection(), now, Snapshot(time=now, started_at=now, signals=signals))
    assert reader.model == ("m", "1")
    assert reader.value("latency.p95") == 0.1


def test_a_long_silence_breaks_the_line():
    signals = [Signal("x", 1.0, float(t), MODEL) for t in (0, 60, 120, 180, 900, 960)]
    times, values = grouped(signals)[0].with_gaps()
    assert values == [1.0, 1.0, 1.0, 1.0, None, 1.0, 1.0]
    assert times[4] == 240
