from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.dashboard.bins import Bin, bins_from

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["bins", "reference", "current", "low", "edges", "x"]), inner)
    ),
    max_leaves=12,
)


def test_bins_with_bounds_are_named_by_them():
    found = bins_from({"bins": [{"low": None, "high": 10, "reference": 0.2, "current": 0.7, "moved": True}]})
    assert found == [Bin("≤ 10", 0.2, 0.7, True)]


def test_categories_keep_their_names_and_small_changes_are_not_called_moved():
    found = bins_from({"bins": [{"category": "UA", "reference": 0.31, "current": 0.312}]})
    assert found == [Bin("UA", 0.31, 0.312, False)]


def test_parallel_counts_become_shares():
    found = bins_from({"edges": [0, 1, 2], "reference": [30, 10], "current": [10, 10]})
    assert [(b.label, b.reference, b.current, b.moved) for b in found] == [("0 … 1", 0.75, 0.5, True), ("1 … 2", 0.25, 0.5, True)]


@pytest.mark.parametrize(
    "evidence",
    [{}, {"bins": "abc"}, {"bins": [1, None]}, {"reference": [1], "current": [1, 2]}, {"bins": [{"reference": math.nan}]}],
)
def test_evidence_that_cannot_be_read_gives_no_bins(evidence):
    assert bins_from(evidence) == []


@given(st.dictionaries(st.sampled_from(["bins", "moved_bins", "reference", "current", "edges", "labels"]), json_values))
def test_no_evidence_breaks_the_page(evidence):
    for item in bins_from(evidence):
        assert math.isfinite(item.reference)
        assert math.isfinite(item.current)
