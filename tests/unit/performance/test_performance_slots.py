"""Rows by the slot of time they fall into, and by the second."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.performance.coverage import Coverage
from neural.monitoring.performance.slots import slots

TIMES = st.lists(st.floats(1e9, 1e9 + 20) | st.floats(1e9, 1e9 + 1e5) | st.just(1e9), max_size=20)


@given(TIMES)
def test_each_row_is_in_one_slot_and_slots_ascend(times):
    starts = np.floor(np.array(times) / 5.0) * 5.0
    places = np.arange(len(starts))
    found = [(start, places[chosen].tolist()) for start, chosen in slots(starts)]
    assert [start for start, _ in found] == sorted(set(starts.tolist()))
    assert found == [(start, np.flatnonzero(starts == start).tolist()) for start, _ in found]


@given(TIMES)
def test_predictions_are_counted_by_the_second_over_any_span(times):
    coverage = Coverage()
    coverage.add_predictions(np.array(times))
    expected = sorted(Counter(map(int, times)).items())
    assert coverage.to_json()["slots"] == [[second, float(count), 0.0] for second, count in expected]
