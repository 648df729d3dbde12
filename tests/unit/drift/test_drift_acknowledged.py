"""After an alarm and an acknowledgement the detector is armed again, and survives a restart that way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.drift import DriftMonitor, DriftSettings

ROWS = 400


@pytest.fixture
def watched(stream):
    """a and b; a has drifted by one standard deviation, and the alarm is on."""
    random = np.random.default_rng(0)
    made = stream({"a": random.normal(size=5_000), "b": random.normal(size=5_000)})

    def send(a=0.0, b=0.0):
        return made.second({"a": random.normal(a, 1.0, ROWS), "b": random.normal(b, 1.0, ROWS)})

    made.send = send
    assert not any(made.send()["drift.alarm", ""].value for _ in range(5))
    while made.send(a=1.0)["drift.alarm", ""].value == 0.0:
        pass
    return made


def test_an_acknowledged_drift_raises_no_alarm_while_it_stays_as_it_is(watched):
    assert watched.monitor.acknowledge("m", "1", watched.clock()) == ["a"]
    for _ in range(40):
        found = watched.send(a=1.0)
        assert found["drift.alarm", ""].value == 0.0
        assert found["drift.acknowledged", ""].value == 1.0
        assert found["drift.features", ""].value == 1.0
    verdict = found["drift.alarm", ""].verdict
    assert "a was acknowledged" in verdict.reason
    assert verdict.evidence["acknowledged"][0]["feature"] == "a"


def test_another_column_raises_it_anew(watched):
    watched.monitor.acknowledge("m", "1", watched.clock())
    found = [watched.send(a=1.0, b=1.0) for _ in range(3)][-1]
    assert [item["feature"] for item in found["drift.alarm", ""].verdict.evidence["features"]] == ["b"]


@pytest.mark.parametrize("further", [2.0, -1.5], ids=["further the same way", "to the other side"])
def test_the_same_column_raises_it_anew_when_it_moves_on(watched, further):
    watched.monitor.acknowledge("m", "1", watched.clock())
    for _ in range(10):
        assert watched.send(a=1.0)["drift.alarm", ""].value == 0.0
    began = watched.clock()
    found = [watched.send(a=further) for _ in range(3)][-1]
    assert found["drift.alarm", ""].value == 1.0
    assert found["drift.acknowledged", ""].value == 0.0
    assert abs(found["drift.alarm", ""].verdict.evidence["features"][0]["since"] - began) <= 2.0
    assert watched.monitor.acknowledge("m", "1", watched.clock()) == ["a"]


def test_a_return_ends_it_and_the_next_drift_alarms(watched):
    watched.monitor.acknowledge("m", "1", watched.clock())
    for _ in range(8):
        found = watched.send()
    assert found["drift.acknowledged", ""].value == 0.0
    assert found["drift.alarm", ""].value == 0.0
    assert [watched.send(a=1.0) for _ in range(3)][-1]["drift.alarm", ""].value == 1.0


def test_only_the_named_columns_are_acknowledged(watched):
    assert watched.monitor.acknowledge("m", "1", watched.clock(), ["b"]) == []
    assert watched.send(a=1.0)["drift.alarm", ""].value == 1.0


def restarted(monitor):
    """From JSON, as after a crash: its states wait for the first evaluation."""
    again = DriftMonitor(DriftSettings())
    again.restore(json.loads(json.dumps(monitor.snapshot())))
    return again


def test_an_acknowledgement_of_the_alert_is_heard_once_even_when_it_comes_during_a_restart(watched):
    watched.monitor = restarted(watched.monitor)
    watched.acknowledged = {"drift": watched.clock()}
    assert watched.send(a=1.0)["drift.alarm", ""].value == 0.0
    watched.monitor = restarted(watched.monitor)
    found = [watched.send(a=3.0) for _ in range(2)]
    assert found[-1]["drift.alarm", ""].value == 1.0


def test_a_restart_loses_no_acknowledgement(watched):
    watched.monitor.acknowledge("m", "1", watched.clock())
    for _ in range(5):
        watched.monitor = restarted(watched.monitor)
        found = watched.send(a=1.0)["drift.alarm", ""]
        assert found.value == 0.0
        assert found.verdict.evidence["acknowledged"]
