"""Acknowledging: who has it is seen everywhere, reminders stop, the end is told."""

from __future__ import annotations

import pytest

from neural.monitoring.alerts import AlertEngine, RuleSettings, acknowledge, acknowledgements, build_rule, open_alerts
from neural.monitoring.alerts.channels import DeliveryResult, Policy
from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import DataError
from neural.monitoring.signal import Signal
from neural.monitoring.store import MemoryStore


class Channel:
    kind = "test"

    def __init__(self, resend=None):
        self.name, self.policy = "test", Policy(group_wait=0, group_interval=0, grouped=False, resend=resend)

    def send(self, notification):
        return DeliveryResult(ok=True)

    def close(self):
        pass


class Bench:
    def __init__(self, resend=None, **fields):
        rule = {"name": "Data drift", "metric": "drift.score", "above": 0.2, "repeat": "5m", **fields}
        self.rules, self.resend = [build_rule(RuleSettings.model_validate(rule))], resend
        self.store, self.clock = MemoryStore(), ManualClock(1000.0)
        self.restart()

    def restart(self):
        self.engine = AlertEngine(self.rules, self.store, {"test": Channel(self.resend)}, self.clock, evaluate_every=60)

    def tick(self, score=0.5, times=1):
        for _ in range(times):
            self.clock.advance(60)
            labels = {"model": "flights", "version": "3"}
            rows = self.engine.evaluate([Signal("drift.score", score, self.clock(), labels)], self.clock())
        return rows

    @property
    def told(self):
        entries = [entry for row in self.store.outbox() for entry in row.payload["alerts"]]
        return ["repeat" if entry["repeat"] else entry["status"] for entry in entries]

    @property
    def row(self):
        return self.store.alerts()[0]


def test_reminders_stop_and_the_end_is_told():
    bench = Bench()
    bench.tick(times=7)
    assert bench.told == ["firing", "repeat"]
    acknowledge(bench.store, bench.row.alert_id, author="ada", note="looking", now=bench.clock())
    bench.tick(times=20)
    bench.tick(score=0.1)
    assert bench.told == ["firing", "repeat", "resolved"]


def test_it_stands_in_the_row_and_in_the_evidence_at_once_after_evaluations_and_after_the_end():
    bench = Bench()
    bench.tick()
    said = acknowledge(bench.store, bench.row.alert_id, author="ada", note="looking", now=bench.clock())
    assert (said.acknowledged_by, said.acknowledged_note) == ("ada", "looking")
    [changed] = bench.tick()
    assert changed.evidence["acknowledged"] == {"by": "ada", "at": said.acknowledged_at, "note": "looking"}
    assert bench.tick() == [], "it is news once"
    bench.tick(score=0.1)
    assert (bench.row.state, bench.row.acknowledged_by, bench.row.acknowledged_at) == ("resolved", "ada", said.acknowledged_at)


def test_it_survives_a_restart_and_ends_with_the_episode():
    bench = Bench()
    bench.tick()
    acknowledge(bench.store, bench.row.alert_id, author="ada", now=bench.clock())
    bench.tick()
    bench.restart()
    bench.tick(times=20)
    assert bench.told == ["firing"]
    bench.tick(score=0.1)
    bench.tick()
    bench.tick(times=6)
    assert bench.row.acknowledged_by == ""
    assert bench.told[-1] == "repeat"


def test_a_receiver_that_forgets_is_told_again_all_the_same():
    bench = Bench(resend=60.0)
    bench.tick()
    acknowledge(bench.store, bench.row.alert_id, author="ada", now=bench.clock())
    bench.tick(times=3)
    assert bench.told == ["firing", "repeat", "repeat", "repeat"]


def test_a_later_one_replaces_an_earlier_one():
    bench = Bench()
    bench.tick()
    for author in ("ada", "bob"):
        acknowledge(bench.store, bench.row.alert_id, author=author, now=bench.clock())
    bench.tick()
    assert bench.row.acknowledged_by == "bob"
    assert [one.author for one in acknowledgements(bench.store).values()] == ["bob"]


def test_only_what_fires_can_be_acknowledged():
    bench = Bench()
    with pytest.raises(DataError, match="no alert nothing is firing"):
        acknowledge(bench.store, "nothing", author="ada", now=0.0)
    bench.tick()
    bench.tick(score=0.1)
    with pytest.raises(DataError):
        acknowledge(bench.store, bench.row.alert_id, author="ada", now=bench.clock())


def test_monitors_hear_of_it_by_family_and_version_and_not_before_it_was_said():
    bench = Bench()
    bench.tick()
    at = bench.clock() + 5
    acknowledge(bench.store, bench.row.alert_id, author="ada", now=at)
    assert bench.engine.acknowledged("flights", "3", at) == {"drift": at}
    assert bench.engine.acknowledged("flights", "3", at - 1) == {}, "a replay sees what the first run saw"
    assert bench.engine.acknowledged("flights", "4", at) == {}
    assert bench.engine.acknowledged("other", "3", at) == {}


def test_an_alert_is_found_by_id_beginning_or_rule():
    bench = Bench()
    bench.tick()
    alert_id = bench.row.alert_id
    for wanted in (alert_id, alert_id[:6], "Data drift"):
        assert [row.alert_id for row in open_alerts(bench.store, wanted)] == [alert_id]
    assert open_alerts(bench.store, "") == open_alerts(bench.store, "drift") == []


def test_memory_is_bounded_by_age():
    bench = Bench()
    bench.tick()
    first = bench.row.alert_id
    acknowledge(bench.store, first, author="ada", now=bench.clock())
    bench.tick(score=0.1)
    bench.clock.advance(8 * 86400)
    bench.tick()
    acknowledge(bench.store, bench.row.alert_id, author="ada", now=bench.clock())
    assert first not in acknowledgements(bench.store)
