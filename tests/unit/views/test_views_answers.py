"""What the views answer, for a store that is well, one with an incident, and an empty one."""

from __future__ import annotations

import json

import pytest

from neural.monitoring import views
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import AlertRow, MemoryStore, OutboxRow, Report


@pytest.fixture
def empty():
    store = MemoryStore()
    yield store
    store.close()


@pytest.fixture
def well(empty, fill_store):
    fill_store(empty)
    return empty


@pytest.fixture
def ill(empty, fill_store):
    fill_store(empty, bad=True)
    return empty


EVERY = {
    "status": views.status,
    "drift": lambda s, now: views.drift(s, 100),
    "quality": lambda s, now: views.quality(s, 100),
    "performance": views.performance,
    "alerts": lambda s, now: views.alerts(s, now, 24, None),
    "slos": views.slos,
    "health": views.health,
    "capture": views.capture,
}


@pytest.mark.parametrize("name", EVERY)
def test_every_answer_is_strict_json_and_nothing_known_is_said_of_an_empty_store(empty, name, now, fill_store):
    nothing = EVERY[name](empty, now)
    json.dumps(nothing, allow_nan=False)
    assert nothing["status"] in {"no_data", "no_alerts"}
    fill_store(empty, bad=True)
    json.dumps(EVERY[name](empty, now), allow_nan=False)


class TestStatus:
    def test_has_the_seeds_keys(self, well, now):
        found = views.status(well, now)
        assert found["model"] == {"name": "fraud", "version": "3"}
        assert (found["uptime_seconds"], found["total_predictions"], found["total_errors"]) == (3600.0, 1100, 4)
        assert found["error_rate"] == 0.001
        assert found["predictions"]["latency"] == {"p50": 0.012, "p95": 0.045, "p99": 0.09, "mean": 0.015}
        assert found["slos"]["fast"]["is_meeting"] is True
        assert (found["drift"]["status"], found["quality"]["status"], found["alerts"]["status"]) == ("ok", "ok", "no_alerts")
        assert found["status"] == "healthy"

    def test_an_incident_shows_as_what_it_is(self, ill, now):
        found = views.status(ill, now)
        assert found["status"] == "critical"
        assert found["drift"]["bad_features"] == ["age"]
        assert found["quality"]["bad_features"] == ["temp"]
        assert found["alerts"]["firing"] == 1
        assert [value for _, value in found["history"]["error_rate"]][-1] == 0.06

    def test_the_sidecars_own_model_comes_first_and_others_can_be_asked_for(self, well, now):
        other = {"model": "ranking", "version": "1"}
        well.write_signals([Signal("error_rate", 0.5, now + 10, other)])
        found = views.status(well, now)
        assert found["model"]["name"] == "fraud"
        assert {"name": "ranking", "version": "1"} in found["models"]
        assert views.status(well, now, model="ranking")["error_rate"] == 0.5
        assert views.status(well, now, model="nobody")["last_evaluation"] is None


class TestDrift:
    def test_sums_up_the_reports_of_the_window(self, ill):
        found = views.drift(ill, window=20)
        assert (found["total_samples"], found["drift_detected"], found["drift_rate"]) == (20, 10, 0.5)
        assert found["severity_distribution"] == {"critical": 10, "warning": 0, "none": 10}
        assert found["avg_distribution_drift"] == pytest.approx(0.165)
        assert found["avg_performance_drift"] is None

    def test_ranks_the_features_worst_first_with_the_reason(self, ill):
        state = views.drift(ill)["current"]
        assert state["is_drifting"]
        assert state["drift_severity"] == "critical"
        assert [f["feature"] for f in state["features"]] == ["age", "temp"]
        worst = state["features"][0]
        assert (worst["psi"], worst["ks"], worst["reason"]) == (0.31, 0.2, "PSI 0.31")

    def test_a_verdict_not_known_is_not_called_well(self, empty, now):
        empty.write_signals(
            [Signal("drift.alarm", None, now, {"model": "m", "version": "1"}, Verdict(Outcome.UNKNOWN, "No reference"))]
        )
        state = views.drift(empty)["current"]
        assert (state["outcome"], state["is_drifting"], state["reason"]) == ("unknown", False, "No reference")

    def test_reports_of_the_python_api_that_name_no_model_count_too(self, ill, now):
        ill.add_report(Report("drift", now + 1, "", "", {"is_drifting": False, "drift_severity": "none"}))
        ill.add_report(Report("drift", now + 2, "another", "1", {"is_drifting": True, "drift_severity": "critical"}))
        found = views.drift(ill, window=11)
        assert (found["total_samples"], found["drift_detected"]) == (11, 10)


class TestQuality:
    def test_sums_up_the_reports_of_the_window(self, ill):
        found = views.quality(ill, window=20)
        assert (found["total_reports"], found["healthy_rate"], found["total_warnings"]) == (20, 0.5, 10)
        assert len(found["recent_reports"]) == 10
        assert found["current"]["is_healthy"] is False
        assert found["current"]["features"][0] == {
            "feature": "temp", "missing_rate": 0.12, "outlier_rate": None, "invalid_rate": None, "unseen_rate": None,
            "stale_rate": None, "outcome": "bad", "reason": "12% missing"}  # fmt: skip

    def test_names_the_checks_of_columns_and_rows_and_what_they_found(self, ill):
        now = views.quality(ill)["current"]
        assert list(now["checks"]) == ["schema_violations", "stuck_columns", "shifted_columns", "duplicate_rate", "freshness"]
        assert now["checks"]["freshness"] == {
            "value": 900.0,
            "unit": "s",
            "outcome": "bad",
            "reason": "the newest row is 900 s old",
        }
        assert now["checks"]["duplicate_rate"]["outcome"] == "unknown"
        (found,) = now["findings"]
        assert (found["column"], found["kind"], found["outcome"]) == ("age", "reordered_columns", "bad")
        assert {"count", "rows", "rate", "text", "first_seen", "example"} <= found.keys()

    def test_a_well_model_has_checks_and_no_findings(self, well):
        now = views.quality(well)["current"]
        assert now["findings"] == []
        assert now["checks"]["schema_violations"]["value"] == 0.0


class TestPerformance:
    def test_by_class_the_most_frequent_first_with_intervals(self, ill, now):
        found = views.performance(ill, now)["classes"]
        assert [(one["class"], one["labels"], one["predictions"]) for one in found] == [("no", 200, 190), ("yes", 160, 150)]
        assert found[0]["metrics"]["recall"] == {
            "value": 0.88,
            "interval": [0.84, 0.92],
            "outcome": "ok",
            "reason": "recall of no",
        }

    def test_by_segment_the_worse_first(self, ill, now):
        found = views.performance(ill, now)["segments"]
        assert [(one["segment"], one["outcome"]) for one in found] == [("city=oslo", "bad"), ("city=rome", "ok")]
        assert found[0]["metrics"]["accuracy"]["reason"] == "accuracy of city=oslo"


class TestAlerts:
    def test_counts_what_fired_within_the_hours(self, ill, now):
        found = views.alerts(ill, now, 24, None)
        assert (found["total_alerts"], found["firing"], found["pending"]) == (2, 1, 1)
        assert found["by_severity"] == {"critical": 1, "warning": 1, "info": 0}
        assert found["by_source"] == {"drift.score": 2}
        assert [a["alert_id"] for a in found["alerts"]] == ["a1", "a2"]
        assert [s["silence_id"] for s in found["silences"]] == ["s1"]
        assert found["undelivered"] == {"queued": 1, "dead": 0}
        assert found["dead_letters"] == []
        assert views.alerts(ill, now, 100, None)["total_alerts"] == 3

    def test_dead_letters_say_what_they_told_where_and_why_they_died(self, now):
        store = MemoryStore()
        for number in range(25):
            payload = {"alerts": [{"title": f"alert {number}", "status": "firing"}]}
            store.put_outbox(
                OutboxRow(f"m{number:02}", "a", "slack", payload, "dead", 3, now + number, ambiguous=1, error="404: no_service")
            )
        found = views.alerts(store, now)
        assert found["undelivered"]["dead"] == 25
        assert len(found["dead_letters"]) == 20, "the newest"
        assert found["dead_letters"][0] == {
            "message_id": "m24", "channel": "slack", "alerts": ["alert 24 (firing)"], "attempts": 3, "ambiguous": 1,
            "error": "404: no_service", "created_at": now + 24}  # fmt: skip
        store.close()

    def test_can_be_narrowed_to_a_severity(self, ill, now):
        assert [a["alert_id"] for a in views.alerts(ill, now, 24, "warning")["alerts"]] == ["a2"]

    def test_what_still_fires_is_listed_however_long_ago_it_began(self, empty, now):
        empty.put_alert(AlertRow("old", "f", "r", "critical", "firing", "Old", "", "drift", 0.0, fired_at=1.0, updated_at=1.0))
        assert views.alerts(empty, now, 1, None)["firing"] == 1


class TestSLOs:
    def test_says_how_much_budget_is_left(self, well, now):
        one = views.slos(well, now)["slos"]["fast"]
        assert (one["status"], one["compliance_rate"], one["target"], one["error_budget_remaining"]) == (
            "met",
            0.9995,
            0.99,
            0.95,
        )
        assert (one["burn_rates"], one["burn_alerts"]) == ({"1h": 0.05}, {"page": False})

    def test_a_breach_is_a_breach_and_a_name_nobody_knows_is_said(self, ill, now):
        assert views.slos(ill, now, "fast")["slos"]["fast"]["status"] == "breached"
        assert views.slos(ill, now, "slow")["status"] == "unknown_slo"
        assert views.slos(ill, now, "slow")["known"] == ["fast"]

    def test_past_breaches_are_counted_with_their_time(self, well, now):
        for number, seconds in enumerate((60.0, 300.0)):
            body = {"slo": "fast", "started_at": now - 1000, "ended_at": now - 1000 + seconds, "duration_seconds": seconds}
            well.add_report(Report("slo_breach", now - number, "fraud", "", body))
        one = views.slos(well, now)["slos"]["fast"]
        assert (one["total_breaches"], one["total_breach_duration"], one["max_breach_duration"]) == (2, 360.0, 300.0)

    def test_missing_data_is_no_data_never_met(self, empty, now):
        empty.write_signals([Signal("slo.compliance", None, now, {"model": "m", "version": "1", "slo": "fast"})])
        assert views.slos(empty, now)["slos"]["fast"]["status"] == "no_data"
        assert views.slos(empty, now)["slos"]["fast"]["is_meeting"] is None


class TestHealth:
    def test_is_healthy_when_nothing_is_wrong(self, well, now):
        found = views.health(well, now)
        assert (found["status"], found["issues"]) == ("healthy", [])
        assert {check["name"] for check in found["checks"]} == {"sidecar", "alerts", "drift", "quality", "slo", "capture"}

    def test_without_an_evaluation_it_says_where_requests_are_awaited(self, empty, now):
        empty.put_value("sidecar", {"started_at": now, "listen": ["unix:///run/capture.sock"]})
        for found in (views.health(empty, now), views.status(empty, now)):
            assert found["status"] == "no_data"
            assert found["issues"] == [
                "Nothing has been evaluated yet: requests are awaited at unix:///run/capture.sock (the model server's NEURAL_CAPTURE_ENDPOINT)"
            ]

    def test_names_what_is_wrong_worst_first(self, ill, now):
        found = views.health(ill, now)
        assert found["status"] == "critical"
        assert found["issues"][0] == "1 alert firing: Title 1"
        assert found["issues"][-1] == "12% of temp is missing"

    def test_a_silent_sidecar_is_critical(self, well, now):
        assert views.health(well, now + 100)["status"] == "healthy"
        found = views.health(well, now + 1000)
        assert found["status"] == "critical"
        assert found["issues"][0] == "No evaluation for 1000 s, since 2023-11-14 22:13:20 UTC: is the sidecar running?"

    @pytest.mark.parametrize(("every", "limit"), [(1.0, 15.0), (10.0, 40.0), (60.0, 240.0)])
    def test_silence_is_noticed_after_four_evaluations(self, well, now, every, limit):
        about = well.value("sidecar")
        well.put_value("sidecar", {**about, "evaluate_every_seconds": every})
        assert views.silence_limit_seconds(well) == limit
        assert views.health(well, now + limit)["status"] == "healthy"
        assert views.health(well, now + limit + 1)["status"] == "critical"
        assert views.status(well, now + limit + 1)["issues"][0].startswith("No evaluation for")

    def test_a_sidecar_that_was_stopped_says_so_at_once(self, well, now):
        well.put_value("sidecar", {**well.value("sidecar"), "stopped_at": now + 1})
        for answer in (views.health(well, now + 2), views.status(well, now + 2)):
            assert answer["status"] == "critical"
            assert answer["issues"] == ["The sidecar was stopped at 2023-11-14 22:13:21 UTC: this is how it was then"]
        assert views.status(well, now + 5000)["uptime_seconds"] == 3601.0

    def test_lost_requests_are_a_warning(self, well, now):
        well.put_value("capture", {"ledger": {"seen": 100, "shipped": 90, "dropped": {"ring_full": 10}}})
        assert views.health(well, now)["issues"] == ["10.0% of the requests were lost on the way to the sidecar"]

    def test_a_ledger_that_does_not_add_up_is_a_warning(self, well, now):
        well.put_value("capture", {"ledger": {"seen": 100, "shipped": 90}})
        assert views.health(well, now)["issues"] == ["The loss ledger does not add up"]


class TestCapture:
    def test_sources_add_up(self, empty, now):
        one = {"seen": 10, "shipped": 8, "sampled_out": 1, "dropped": {"ring_full": 1}, "in_flight": 0}
        empty.put_value("capture", {"sources": {"a": one, "b": one}})
        ledger = views.capture(empty, now)["ledger"]
        assert (ledger["seen"], ledger["lost"], ledger["loss_ratio"], ledger["balanced"]) == (20, 2, 0.1, True)

    def test_failures_come_with_their_reason(self, ill, now):
        assert views.capture(ill, now)["failures"][0]["reason"] == "not_json"


class TestSnapshot:
    def test_is_read_back_from_the_store(self, ill, now):
        found = views.Snapshot.from_store(ill, now)
        assert (found.time, found.started_at, found.models) == (now, now - 3600.0, (("fraud", "3"),))
        assert found.ledgers["web:1"].shipped == 990
        assert found.counters["rows"] == 1100.0
        assert {alert.alert_id for alert in found.alerts} == {"a1", "a3"}

    def test_an_empty_store_gives_an_empty_snapshot(self, empty, now):
        assert views.Snapshot.from_store(empty, now) == views.Snapshot(now, now)

    def test_the_board_shows_what_was_published_last(self, now):
        board = views.SnapshotBoard()
        assert board.current() is None
        board.publish(views.Snapshot(now, now))
        assert board.current() == views.Snapshot(now, now)


def test_a_series_that_fell_silent_is_not_part_of_now(well, now):
    well.write_signals([Signal("error_rate", 0.2, now + 1000, {"model": "fraud", "version": "3"})])
    assert views.drift(well)["current"]["features"] == []
    assert views.performance(well, now)["status"] == "no_data"


def test_what_the_python_api_said_stays_true_until_it_says_more(well, now):
    well.put_value("sidecar", {"started_at": now, "model": {"name": "fraud", "version": "3"}, "library": True})
    well.write_signals([Signal("performance.accuracy", 0.9, now + 90_000, {"model": "fraud", "version": "3"})])
    found = views.status(well, now + 100_000)
    assert found["status"] == "healthy"
    assert found["drift"]["status"] == "ok"


def test_what_is_not_watched_for_lack_of_room_is_said(well):
    well.put_value("capture", {**well.value("capture"), "counters": {"rows": 9, "unwatched_rows": 1_200, "unwatched_columns": 3}})
    found = views.health(well, 100)
    assert found["status"] == "warning"
    assert found["issues"] == [
        "1,200 rows of model versions beyond windows.max_models were logged and not watched",
        "3 columns beyond windows.max_columns are logged and not watched",
    ]
