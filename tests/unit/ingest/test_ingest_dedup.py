from __future__ import annotations

import json
import random

from neural.monitoring.ingest import Deduplicator
from neural.monitoring.ingest.dedup import WINDOW


def test_what_was_added_is_seen_whatever_the_order():
    dedup = Deduplicator()
    numbers = list(range(1, 500))
    random.Random(1).shuffle(numbers)
    for number in numbers:
        assert not dedup.seen("a", number)
        dedup.add("a", number)
        assert dedup.seen("a", number)
    assert not dedup.seen("a", 500)
    assert not dedup.seen("b", 1)


def test_a_source_first_met_in_its_middle_is_not_taken_for_a_repeat():
    dedup = Deduplicator()
    dedup.add("a", 1000)
    assert not dedup.seen("a", 999)
    assert not dedup.seen("a", 1001)


def test_a_snapshot_goes_through_json_and_adds_to_what_is_known():
    dedup = Deduplicator()
    for number in (1, 2, 3, 7):
        dedup.add("a", number)
    state = json.loads(json.dumps(dedup.snapshot()))
    other = Deduplicator()
    other.add("a", 4)
    other.add("b", 1)
    other.restore(state)
    assert [number for number in range(1, 9) if other.seen("a", number)] == [1, 2, 3, 4, 7]
    assert other.seen("b", 1)


def test_memory_is_bounded_in_sources_and_in_disorder():
    dedup = Deduplicator(max_sources=10)
    for number in range(100):
        dedup.add(f"s{number}", 1)
    assert len(dedup) == 10
    assert dedup.seen("s99", 1)
    assert not dedup.seen("s0", 1)
    for number in range(2, 4 * WINDOW, 2):  # every other one missing
        dedup.add("gaps", number)
    (floor, above) = dedup.snapshot()["gaps"]
    assert len(above) <= WINDOW
    assert dedup.seen("gaps", floor)
