"""Properties of error budgets and of time."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural.monitoring.slo.budget import budget_remaining, budget_spent, burn_rate, wilson_lower
from neural.monitoring.slo.burn import burn_windows
from neural.monitoring.slo.calendar import PERIODS, months_between, period_end, period_start
from neural.monitoring.slo.counts import Counts, SlotCounts

goals = st.floats(0.5, 0.9999)
slot = st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(lambda pair: (min(pair), max(pair)))  # good, total


@given(goals, st.lists(slot, min_size=1, max_size=200), st.data())
def test_the_burns_of_the_parts_add_up_to_the_budget_spent(goal, slots, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(slots)), max_size=5)))
    edges = [0, *cuts, len(slots)]
    parts = [Counts(sum(g for g, _ in slots[a:b]), sum(t for _, t in slots[a:b])) for a, b in pairwise(edges)]
    whole = Counts(sum(g for g, _ in slots), sum(t for _, t in slots))
    if whole.total == 0:
        assert budget_spent(whole, goal) is None
        return
    share = sum((burn_rate(part, goal) or 0.0) * part.total for part in parts) / whole.total
    assert share == pytest.approx(budget_spent(whole, goal), abs=1e-9)
    assert budget_remaining(whole, goal) == pytest.approx(1 - share, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 450), slot), min_size=1, max_size=300), st.integers(0, 450), st.integers(0, 450))
def test_a_window_is_the_sum_of_its_slots_whatever_the_order_of_arrival(events, one, other):
    counts, plain = SlotCounts(60.0, 500, 90 * 86400.0), {}
    for index, (good, total) in events:
        assert counts.add(index, good, total)
        plain[index] = (plain.get(index, (0, 0))[0] + good, plain.get(index, (0, 0))[1] + total)
    first, last = sorted((one, other))
    inside = [value for index, value in plain.items() if first <= index <= last]
    assert counts.sum(first, last) == Counts(sum(good for good, _ in inside), sum(total for _, total in inside))


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.5, 0.999))
def test_the_lower_bound_is_a_share_below_the_estimate(bad, more, confidence):
    total = bad + more
    bound = wilson_lower(bad, total, confidence)
    assert 0 <= bound <= 1
    if total > 0:
        assert bound <= bad / total + 1e-12


@given(st.floats(600, 366 * 86400), st.sampled_from([1.0, 15.0, 60.0, 300.0]))
def test_a_burn_table_is_sound_for_any_period(period, width):
    for row in burn_windows(period, width):
        assert row.short_seconds <= row.long_seconds
        assert row.long_seconds >= 5 * width
        assert row.factor * row.long_seconds == pytest.approx(row.budget * period)


zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"])
moments = st.floats(
    datetime(2023, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp(), datetime(2033, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()
)


@given(st.sampled_from(sorted(PERIODS)), moments, zones)
def test_a_period_holds_its_moment_and_the_next_begins_where_it_ends(period, at, zone):
    start, end = period_start(period, at, zone), period_end(period, at, zone)
    assert start <= at < end
    assert end - start <= PERIODS[period] + 3600
    assert period_start(period, end, zone) == end
    local = datetime.fromtimestamp(start, ZoneInfo(zone))
    assert (local.hour, local.minute, local.second) == (0, 0, 0)


@given(moments, st.floats(1, 500 * 86400), zones)
def test_months_tile_any_stretch_of_time(since, length, zone):
    until = since + length
    months = months_between(since, until, zone)
    assert (months[0][1], months[-1][2]) == (since, until)
    assert all(a[2] == b[1] for a, b in pairwise(months))
    assert len({name for name, *_ in months}) == len(months)


def test_leap_days_and_changing_clocks():
    berlin = "Europe/Berlin"
    at = lambda *when: datetime(*when, tzinfo=ZoneInfo(berlin)).timestamp()  # noqa: E731
    assert period_end("month", at(2024, 2, 10), berlin) - period_start("month", at(2024, 2, 10), berlin) == 29 * 86400
    assert period_end("day", at(2024, 3, 31, 12), berlin) - period_start("day", at(2024, 3, 31, 12), berlin) == 23 * 3600
    assert period_end("day", at(2024, 10, 27, 12), berlin) - period_start("day", at(2024, 10, 27, 12), berlin) == 25 * 3600
    assert period_end("month", at(2024, 10, 5), berlin) - period_start("month", at(2024, 10, 5), berlin) == 31 * 86400 + 3600
