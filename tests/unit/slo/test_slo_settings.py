"""The slos: part of the file: what can be said, and what is refused with a hint."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from neural.monitoring.slo import SLOSettings


def slo(**fields):
    return SLOSettings.model_validate({"name": "x", **fields})


def test_the_examples_of_the_file_read_as_meant():
    fast = slo(type="latency", threshold="100ms", target="99%", window="28d")
    assert (fast.limit, fast.goal, fast.window) == (0.1, 0.99, 28 * 86400.0)
    right = slo(type="accuracy", target="95%", window="24h")
    assert (right.goal, right.window) == (0.95, 86400.0)


def test_defaults_are_filled_in():
    assert slo(type="availability").goal == 0.999
    assert slo(type="error_rate").goal == 0.99
    assert slo(type="error_rate", threshold="0.1%").goal == 0.999
    assert slo(type="throughput", threshold=50).goal == 0.99
    assert slo(type="quality").limit == 0.7


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "latency"}, "needs a threshold, such as 100ms"),
        ({"type": "throughput"}, "needs a threshold"),
        ({"type": "error_rate", "threshold": "1%", "target": "99%"}, "not both"),
        ({"type": "error_rate", "target": "1%"}, "write threshold: 1.00%"),
        ({"type": "error_rate", "threshold": 1.5}, "not a share"),
        ({"type": "availability", "target": 1.0}, "less than 1"),
        ({"type": "availability", "target": 0}, "greater than 0"),
        ({"type": "availability", "window": "fortnight"}, "not a duration"),
        ({"type": "availability", "time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"type": "latency", "threshold": "-1"}, "not a duration"),
        ({"type": "nonsense"}, "availability"),
        ({"type": "availability", "taget": 0.9}, "Extra inputs"),
    ],
)
def test_mistakes_are_named(fields, words):
    with pytest.raises(ValidationError, match=words):
        slo(**fields)


@pytest.mark.parametrize("name", ["", "two words", "a" * 64, "ümlaut"])
def test_a_name_must_do_as_a_label(name):
    with pytest.raises(ValidationError):
        SLOSettings(name=name, type="availability")


def test_calendar_windows_have_a_zone():
    month = slo(type="availability", window="month", time_zone="Europe/Berlin")
    assert month.window == "month"
    assert month.period_seconds >= 31 * 86400
