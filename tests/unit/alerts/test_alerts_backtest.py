"""Backtest: what these rules would have said over stored history, beside what was said."""

from __future__ import annotations

import json

import pytest

from neural.monitoring.alerts import AlertEngine, RuleSettings, backtest, build_rule
from neural.monitoring.alerts.channels import Policy
from neural.monitoring.clock import ManualClock
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore, Silence

START = 1_700_000_000.0


class Named:
    kind = "named"

    def __init__(self, name, policy):
        self.name, self.policy = name, policy


def rule(name="High", **fields):
    return build_rule(RuleSettings.model_validate({"name": name, "when": "error_rate > 0.05", **fields}))


def history(store, values, every=60.0):
    for i, value in enumerate(values):
        verdict = Verdict(Outcome.BAD, f"{value} is high") if value and value > 0.05 else None
        labels = {"model": "m", "version": "1"}
        store.write_signals(
            [
                Signal("error_rate", value, START + i * every, labels, verdict),
                Signal("requests.count", 100.0, START + i * every, labels),
            ]
        )


VALUES = [0.01] * 10 + [0.2] * 10 + [0.01] * 20 + [0.08] * 3 + [0.01] * 10


@pytest.fixture
def store():
    one = MemoryStore()
    history(one, VALUES)
    return one


def test_it_finds_the_episodes_the_engine_would_have_found(store):
    result = backtest([rule(**{"for": "5m"})], store, since=START, until=START + 3600)
    [alert] = result.alerts
    assert result.evaluations == len(VALUES)
    assert (alert.fired_at - START, alert.resolved_at - START) == (15 * 60, 20 * 60)
    assert "0.2 is high" in alert.message


def test_it_equals_a_live_run(store):
    live, clock = MemoryStore(), ManualClock()
    engine = AlertEngine([rule()], live, {}, clock)
    history(live, VALUES)
    for i, value in enumerate(VALUES):
        clock.now = START + i * 60
        engine.evaluate(
            [signal for signal in live.read_signals(since=clock.now, until=clock.now + 1) if signal.time == clock.now], clock.now
        )
    result = backtest([rule()], live, since=START, until=START + 3600)
    assert [(row.fired_at, row.resolved_at, row.message) for row in result.alerts] == [
        (row.fired_at, row.resolved_at, row.message) for row in result.alerts_then
    ]
    assert len(result.alerts) == 2


def test_messages_are_planned_with_the_channels_policies_and_nothing_is_written(store):
    channels = {"slack": Named("slack", Policy(group_wait=30)), "log": Named("log", Policy(group_wait=0, grouped=False))}
    result = backtest([rule(channels=["slack"])], store, since=START, until=START + 3600, channels=channels)
    assert [(one.time - START, one.channel, one.headline) for one in result.messages][:2] == [
        (630.0, "slack", "[WARNING] High · m"),
        (1230.0, "slack", "[RESOLVED] High · m"),
    ]
    assert store.outbox() == []
    assert store.alerts() == []


def test_the_table_and_the_timeline_stand_beside_what_was_sent(store):
    result = backtest([rule(), rule("Low bar", when="error_rate > 0.07")], store, since=START, until=START + 3600)
    assert result.table() == [
        {"rule": "High", "alerts": 2, "firing_seconds": 780.0, "alerts_then": 0, "firing_seconds_then": 0},
        {"rule": "Low bar", "alerts": 2, "firing_seconds": 780.0, "alerts_then": 0, "firing_seconds_then": 0},
    ]
    times = [entry["time"] for entry in result.timeline()]
    assert times == sorted(times)
    json.dumps(result.to_dict())


def test_silences_hold_back_messages_but_not_alerts(store):
    silence = Silence("s", {"rule": "High"}, 0.0, 9e9, "ana", "")
    result = backtest([rule()], store, since=START, until=START + 3600, silences=[silence])
    assert len(result.alerts) == 2
    assert result.messages == ()


def test_history_across_pieces_is_read_once():
    store = MemoryStore()
    history(store, [0.01] * 100, every=600.0)
    assert backtest([rule()], store, since=START, until=START + 60_000).evaluations == 100
