"""Down at once under pressure, up again by itself."""

from __future__ import annotations

import pytest

from neural.capture.ladder import Ladder, Rung
from neural.capture.meter import Meter

CALM = {"fill": 0.0, "overhead_ns": 1000, "pushed_back": False}


def test_without_pressure_everything_is_captured():
    ladder = Ladder(100_000)
    assert [ladder.step(now=t, **CALM) for t in range(5)] == [Rung.FULL] * 5


@pytest.mark.parametrize(
    ("pressure", "rung"),
    [
        ({"fill": 0.49}, Rung.FULL),
        ({"fill": 0.5}, Rung.BODIES_OFF),
        ({"fill": 0.75}, Rung.SAMPLED),
        ({"fill": 0.9}, Rung.COUNTS_ONLY),
        ({"pushed_back": True}, Rung.BODIES_OFF),
        ({"overhead_ns": 100_001}, Rung.BODIES_OFF),
    ],
    ids=["half full", "over half", "three quarters full", "nearly full", "the sidecar says slower", "capture costs too much"],
)
def test_pressure_steps_down_at_once(pressure, rung):
    assert Ladder(100_000).step(now=0, **{**CALM, **pressure}) is rung


def test_it_climbs_rung_by_rung_after_a_calm_time():
    ladder = Ladder(100_000)
    ladder.step(now=0, **{**CALM, "fill": 0.95})
    rungs = [ladder.step(now=t, **CALM) for t in range(1, 9)]
    assert rungs == [3, 3, 2, 2, 1, 1, 0, 0]


def test_it_waits_while_it_is_not_calm():
    ladder = Ladder(100_000)
    ladder.step(now=0, **{**CALM, "fill": 0.6})
    assert ladder.step(now=100, **{**CALM, "fill": 0.4}) is Rung.BODIES_OFF
    assert ladder.step(now=200, **CALM) is Rung.BODIES_OFF
    assert ladder.step(now=203, **CALM) is Rung.FULL


def test_a_machine_on_which_capture_is_dear_does_not_see_saw():
    ladder = Ladder(100_000)
    now, changes, rung = 0.0, 0, Rung.FULL
    for _ in range(6000):
        now += 0.1
        before = rung
        rung = ladder.step(now=now, fill=0.0, overhead_ns=200_000 if rung < Rung.COUNTS_ONLY else 0, pushed_back=False)
        changes += before is not rung
    assert changes < 40  # in ten minutes


def test_rungs_have_the_names_of_the_wire():
    assert [rung.label for rung in Rung] == ["full", "bodies_off", "sampled", "counts_only"]


def test_the_meter_tells_the_median_of_the_last_costs():
    meter = Meter()
    assert meter.median_ns() == 0
    for cost in [5, 1, 9]:
        meter.add(cost)
    assert meter.median_ns() == 5
    for _ in range(500):
        meter.add(7)
    assert meter.median_ns() == 7
    meter.forget()
    assert meter.median_ns() == 0


def test_one_slow_request_decides_nothing():
    """The first request of a server is measured, and runs cold: its bodies must not be shed for that."""
    meter = Meter()
    meter.add(9_000_000)
    assert (meter.median_ns(), meter.proven_ns()) == (9_000_000, 0)
    for _ in range(4):
        meter.add(9_000_000)
    assert meter.proven_ns() == 9_000_000
