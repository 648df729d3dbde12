"""A question about an earlier moment is answered as it would have been then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import AlertRow, MemoryStore, Report, Silence
from neural.monitoring.views import SIDECAR, ask

LABELS = {"model": "m", "version": "1"}
BEGAN = 1_700_000_000.0
HOUR = 3600.0


@pytest.fixture
def store():
    """Two hours of minutes; the second half hour drifts, and everybody has gone home since."""
    made = MemoryStore()
    made.put_value(
        SIDECAR, {"model": {"name": "m", "version": "1"}, "evaluate_every_seconds": 60.0, "stopped_at": BEGAN + 2 * HOUR}
    )
    for minute in range(120):
        now, bad = BEGAN + 60.0 * minute, 30 <= minute < 60
        outcome = Outcome.BAD if bad else Outcome.OK
        made.write_signals(
            [
                Signal("drift.alarm", float(bad), now, LABELS, Verdict(outcome, "temp drifted" if bad else "nothing drifts")),
                Signal("drift.feature_score", 0.9 if bad else 0.01, now, {**LABELS, "feature": "temp"}, Verdict(outcome, "temp")),
                Signal("requests.count", 100.0 + minute, now, LABELS),
            ]
        )
        made.add_report(Report("drift", now, "m", "1", {"is_drifting": bad}))
    fired = AlertRow("a", "f", "Data drift", "warning", "resolved", "Data drift", "temp", "drift", BEGAN + 1800, BEGAN + 1860,
        BEGAN + 3700, acknowledged_by="ada", acknowledged_at=BEGAN + 3650, updated_at=BEGAN + 3700)  # fmt: skip
    made.put_alert(fired)
    made.put_alert(
        replace(fired, alert_id="later", started_at=BEGAN + 6000, fired_at=BEGAN + 6000, resolved_at=None, state="firing")
    )
    made.put_silence(Silence("s", {"rule": "x"}, BEGAN, BEGAN + 2700, "ada", "known"))
    yield made
    made.close()


def at(store, question, seconds, **wanted):
    return ask(question, store, BEGAN + 24 * HOUR, {"at": BEGAN + seconds, **wanted})


def test_a_verdict_that_is_over_is_shown_as_it_was(store):
    assert ask("drift", store, BEGAN + 24 * HOUR, {})["current"]["is_drifting"] is False
    then = at(store, "drift", 2750.0, window=10)
    assert then["current"]["is_drifting"] is True
    assert then["current"]["reason"] == "temp drifted"
    assert [one["feature"] for one in then["current"]["features"]] == ["temp"]
    assert (then["total_samples"], then["drift_detected"]) == (10, 10)
    assert at(store, "drift", 1200.0)["current"]["is_drifting"] is False


def test_alerts_stand_as_they_stood(store):
    [one] = at(store, "alerts", 3000.0)["alerts"]
    assert (one["alert_id"], one["state"], one["resolved_at"], one["acknowledged_by"]) == ("a", "firing", None, "")
    assert at(store, "alerts", 3660.0)["alerts"][0]["acknowledged_by"] == "ada"
    assert at(store, "alerts", 1830.0)["pending"] == 1
    assert at(store, "alerts", 3800.0)["alerts"][0]["state"] == "resolved"
    assert [one["silence_id"] for one in at(store, "alerts", 2000.0)["silences"]] == ["s"]
    assert at(store, "alerts", 3000.0)["silences"] == []


def test_the_status_counts_what_was_counted_then_and_the_sidecar_was_running(store):
    then = at(store, "status", 2750.0)
    assert then["predictions"]["requests"] == 145.0
    assert then["last_evaluation"] == BEGAN + 2700
    assert not any("stopped" in one for one in map(str, then["issues"]))


def test_before_anything_was_measured_there_is_no_data_and_later_than_now_is_now(store):
    assert at(store, "drift", -60.0)["status"] == "no_data"
    assert at(store, "drift", 48 * HOUR) == ask("drift", store, BEGAN + 24 * HOUR, {})
