"""Slots of counts: what a window adds up to, and how little memory that takes."""

from __future__ import annotations

import random

import pytest

from neural.monitoring.slo.counts import Counts, SlotCounts


def test_a_window_adds_up_its_slots():
    counts = SlotCounts(60.0, 100, 3600.0)
    for slot, good, total in [(10, 9, 10), (11, 5, 10), (12, 10, 10)]:
        counts.add(slot, good, total)
    assert counts.sum(11, 12) == Counts(15, 20)
    assert counts.over(120, now=12 * 60 + 5) == Counts(15, 20)
    assert counts.sum(13, 20) == Counts()


def test_a_late_event_counts_where_it_belongs():
    counts = SlotCounts(60.0, 100, 3600.0)
    counts.add(50, 1, 1)
    counts.add(20, 0, 1)
    assert counts.sum(20, 20) == Counts(0, 1)
    assert counts.sum(20, 50) == Counts(1, 2)


def test_what_is_older_than_everything_kept_is_refused():
    counts = SlotCounts(60.0, 60, 3600.0)
    assert counts.add(10_000, 1, 1)
    assert not counts.add(5_000, 1, 1)
    assert counts.sum(0, 10_000) == Counts(1, 1)


def test_a_gap_leaves_nothing_behind():
    counts = SlotCounts(60.0, 60, 3600.0)
    counts.add(1, 1, 1)
    counts.add(1 + 10_000, 1, 1)
    assert counts.over(1e6, now=10_001 * 60) == Counts(1, 1)


def test_putting_a_slot_sets_it():
    counts = SlotCounts(60.0, 60, 3600.0)
    counts.add(5, 1, 3)
    counts.put(5, 2, 2)
    assert counts.sum(0, 59) == Counts(2, 2)


@pytest.mark.parametrize("seed", range(5))
def test_every_window_within_the_fine_slots_equals_a_plain_sum(seed):
    pick = random.Random(seed)
    counts, plain = SlotCounts(60.0, 300, 30 * 86400.0), {}
    for _ in range(2000):
        slot = pick.randrange(1000, 1300)
        good = pick.random() < 0.9
        counts.add(slot, good, 1)
        plain[slot] = (plain.get(slot, (0, 0))[0] + good, plain.get(slot, (0, 0))[1] + 1)
    for _ in range(300):
        first = pick.randrange(1000, 1300)
        last = pick.randrange(first, 1300)
        expected = [plain.get(slot, (0, 0)) for slot in range(first, last + 1)]
        assert counts.sum(first, last) == Counts(sum(g for g, _ in expected), sum(t for _, t in expected))


def test_a_window_beyond_the_fine_slots_begins_at_most_one_block_early():
    counts = SlotCounts(60.0, 120, 7 * 86400.0)
    for slot in range(6000):
        counts.add(slot, 1, 1)
    for length in (1000, 3001, 5000):
        assert length <= counts.sum(6000 - length, 5999).total < length + 60


def test_a_month_of_minutes_for_a_hundred_objectives_fits_into_twenty_megabytes():
    one = SlotCounts(60.0, 3 * 1440, 30 * 86400.0)
    assert 100 * one.bytes <= 20e6


def test_no_events_have_no_compliance():
    assert Counts().compliance is None
    assert Counts().error_rate is None
    assert Counts(9, 10).compliance == pytest.approx(0.9)
