"""Maintenance windows that come again: on the wall clock, over changes of the clocks, in leap years."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.alerts import (
    RECURRENCE_PATTERN,
    RuleSettings,
    SilenceSettings,
    build_rule,
    build_silences,
    parse_recurrence,
)
from neural.monitoring.alerts.quieting import Caller, silenced_by
from neural.monitoring.alerts.recurrence import open_since
from neural.monitoring.store import Silence

BERLIN = ZoneInfo("Europe/Berlin")


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def window(every, lasts=3600.0, zone="Europe/Berlin", start=0.0, end=4e9):
    return Silence("s", {"rule": "*"}, start, end, "ada", "patch day", every, lasts, zone)


@pytest.mark.parametrize(
    ("every", "inside", "outside"),
    [
        ("sat 22:00", "2026-11-28T22:30", "2026-11-27T22:30"),
        ("sat,sun 22:00", "2026-11-29T22:00", "2026-11-29T23:00"),
        ("mon-fri 01:30", "2026-11-27T02:29:59", "2026-11-28T01:45"),
        ("fri-mon 01:30", "2026-11-30T01:45", "2026-12-01T01:45"),
        ("daily 02:00", "2026-11-25T02:00", "2026-11-25T01:59"),
        ("1,15 03:00", "2026-12-15T03:10", "2026-12-14T03:10"),
        ("29 03:00", "2028-02-29T03:10", "2027-03-01T03:10"),  # a leap day
        ("31 23:30", "2026-08-01T00:10", "2026-07-01T00:10"),  # over midnight, and only in months that have the day
    ],
)
def test_it_is_open_when_it_says(every, inside, outside):
    assert open_since(window(every), at(inside)) is not None
    assert open_since(window(every), at(outside)) is None


def test_the_length_is_real_time_when_the_clocks_change():
    spring = window("daily 01:00", 3 * 3600.0)  # on 2026-03-29 the clock goes from 2:00 to 3:00
    assert open_since(spring, at("2026-03-29T04:30")) == at("2026-03-29T01:00")
    assert open_since(spring, at("2026-03-28T04:30")) is None
    autumn = window("daily 01:00", 3 * 3600.0)  # on 2026-10-25 it goes from 3:00 back to 2:00
    assert open_since(autumn, at("2026-10-25T03:30")) is None
    assert open_since(autumn, at("2026-10-24T03:30")) is not None


def test_a_begin_that_the_clocks_leave_out_comes_an_hour_later():
    assert open_since(window("daily 02:30"), at("2026-03-29T03:45")) == at("2026-03-29T03:30")


def test_it_has_a_first_and_a_last_time():
    limited = window("daily 02:00", start=at("2026-11-20T00:00"), end=at("2026-11-25T02:30"))
    assert open_since(limited, at("2026-11-25T02:15")) is not None
    assert open_since(limited, at("2026-11-25T02:45")) is None
    assert open_since(limited, at("2026-11-19T02:15")) is None


def test_a_window_longer_than_a_day_is_open_on_the_days_after():
    weekend = window("fri 18:00", 60 * 3600.0)
    assert open_since(weekend, at("2026-11-30T05:59")) == at("2026-11-27T18:00")
    assert open_since(weekend, at("2026-11-30T06:01")) is None


@given(st.floats(1.6e9, 2.2e9), st.sampled_from(["daily 02:30", "sat 22:00", "1 00:00"]), st.floats(60, 7 * 86400))
def test_what_is_open_began_within_its_length(now, every, lasts):
    since = open_since(window(every, lasts), now)
    assert since is None or since <= now < since + lasts


@pytest.mark.parametrize(
    "text",
    ["", "22:00", "sat", "sat 25:00", "sat 22:60", "caturday 10:00", "0 10:00", "32 10:00", "sat-foo 10:00", "sat 22:00 x"],
)
def test_what_is_no_recurrence_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="write for example"):
        parse_recurrence(text)


def test_it_silences_only_while_it_is_open_and_says_who_and_why():
    caller = Caller("Slow", {"rule": "Slow"})
    assert silenced_by(caller, [window("sat 22:00")], at("2026-11-28T22:30")) == "silenced by ada: patch day"
    assert silenced_by(caller, [window("sat 22:00")], at("2026-11-28T21:30")) == ""


def test_the_configuration_says_it_too():
    [made] = build_silences([SilenceSettings.model_validate(
        {"match": {"severity": "warning"}, "every": "sat 22:00", "for": "4h", "time_zone": "Europe/Berlin",
         "ends": "2027-01-01T00:00:00Z", "author": "ada", "reason": "patch day"})])  # fmt: skip
    assert open_since(made, at("2026-11-29T01:30")) == at("2026-11-28T22:00")
    assert build_rule(RuleSettings.model_validate({"name": "a", "when": "x.y > 1"})).name == "a"


@pytest.mark.parametrize(
    "wrong",
    [{"every": "sat 22:00"}, {"for": "1h"}, {"every": "never", "for": "1h"}, {"every": "sat 22:00", "for": "9d"},
     {"every": "sat 22:00", "for": "1h", "time_zone": "Mars"}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError):
        SilenceSettings.model_validate({"match": {"rule": "a"}, "ends": "2027-01-01T00:00:00Z", "author": "ada", **wrong})


@given(st.from_regex(RECURRENCE_PATTERN))
def test_whatever_fits_the_published_pattern_is_read(text):
    assert parse_recurrence(text).at.minute == int(text.strip()[-2:])
