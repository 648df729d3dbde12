"""Burn rates: the published table, rescaled, and the guard against too little traffic."""

from __future__ import annotations

import pytest
from scipy import stats

from neural.monitoring.slo.budget import budget_remaining, budget_spent, burn_rate, judge_burn, wilson_lower
from neural.monitoring.slo.burn import burn_windows, highest_burn, why_it_cannot_fire, window_name
from neural.monitoring.slo.counts import Counts
from neural.monitoring.slo.settings import GuardSettings, Severity

DAY = 86400.0
NO_GUARD = GuardSettings(events=0, failures=0)


def rows(period):
    return [
        (str(row.severity), window_name(row.long_seconds), window_name(row.short_seconds), round(row.factor, 3))
        for row in burn_windows(period)
    ]


def test_thirty_days_give_the_workbooks_table():
    assert rows(30 * DAY) == [
        ("page", "1h", "5m", 14.4),
        ("page", "6h", "30m", 6.0),
        ("ticket", "1d", "2h", 3.0),
        ("ticket", "3d", "6h", 1.0),
    ]


def test_twenty_eight_days_keep_the_windows_and_rescale_the_factors():
    assert rows(28 * DAY) == [
        ("page", "1h", "5m", 13.44),
        ("page", "6h", "30m", 5.6),
        ("ticket", "1d", "2h", 2.8),
        ("ticket", "3d", "6h", 0.933),
    ]


def test_a_day_shrinks_the_windows_to_whole_slots():
    assert rows(DAY) == [
        ("page", "5m", "1m", 5.76),
        ("page", "12m", "1m", 6.0),
        ("ticket", "48m", "4m", 3.0),
        ("ticket", "144m", "12m", 1.0),
    ]


@pytest.mark.parametrize("period", [3600.0, DAY, 7 * DAY, 28 * DAY, 30 * DAY, 90 * DAY])
def test_every_row_spends_its_share_of_the_budget_at_its_factor(period):
    for row in burn_windows(period):
        assert row.factor * row.long_seconds / period == pytest.approx(row.budget)
        assert row.short_seconds <= row.long_seconds
        assert row.long_seconds % 60 == row.short_seconds % 60 == 0


def test_one_failure_of_a_hundred_at_three_nines_burns_at_ten():
    assert burn_rate(Counts(99, 100), 0.999) == pytest.approx(10)
    assert budget_spent(Counts(99, 100), 0.999) == pytest.approx(10)
    assert budget_remaining(Counts(99, 100), 0.999) == pytest.approx(-9)
    assert budget_remaining(Counts(), 0.999) is None


def test_both_windows_must_burn():
    page = burn_windows(30 * DAY)[0]
    bad, good = Counts(900, 1000), Counts(1000, 1000)
    assert judge_burn(page, bad, bad, 0.999, NO_GUARD).fires
    stopped = judge_burn(page, bad, good, 0.999, NO_GUARD)
    assert not stopped.fires
    assert "it has stopped" in stopped.reason
    assert not judge_burn(page, good, bad, 0.999, NO_GUARD).fires
    assert not judge_burn(page, Counts(), Counts(), 0.999, NO_GUARD).fires
    assert not judge_burn(page, bad, Counts(), 0.999, NO_GUARD).fires


def test_a_few_failures_in_little_traffic_wake_nobody():
    page, guard = burn_windows(30 * DAY)[0], GuardSettings()
    assert not judge_burn(page, Counts(98, 100), Counts(98, 100), 0.999, guard).fires
    assert not judge_burn(page, Counts(2, 5), Counts(2, 5), 0.999, guard).fires
    assert judge_burn(page, Counts(95, 100), Counts(5, 10), 0.999, guard).fires


def test_the_interval_guards_where_counts_do_not():
    page, guard = burn_windows(30 * DAY)[0], GuardSettings(events=0, failures=0, confidence=0.99)
    assert (
        "may be chance"
        in judge_burn(page, Counts(2, 3), Counts(2, 3), 0.98, GuardSettings(events=0, failures=0, confidence=0.99999)).reason
    )
    assert judge_burn(page, Counts(500, 1000), Counts(500, 1000), 0.98, guard).fires


@pytest.mark.parametrize(("bad", "total"), [(0, 100), (1, 100), (10, 100), (100, 100), (3, 7)])
def test_the_wilson_bound_is_scipys(bad, total):
    reference = stats.binomtest(bad, total).proportion_ci(0.90, method="wilson").low  # two-sided 90 % = one-sided 95 %
    assert wilson_lower(bad, total, 0.95) == pytest.approx(reference, abs=1e-12)


def test_a_page_that_cannot_fire_says_the_arithmetic():
    page = burn_windows(30 * DAY)[0]
    why = why_it_cannot_fire(page, 0.93)
    assert "1 / (1 − 0.93) = 14.29" in why
    assert "above 93.06%" in why
    assert why_it_cannot_fire(page, 0.94) == ""
    assert highest_burn(0.9) == pytest.approx(10)


def test_severities_are_pages_and_tickets():
    assert {row.severity for row in burn_windows(30 * DAY)} == {Severity.PAGE, Severity.TICKET}
