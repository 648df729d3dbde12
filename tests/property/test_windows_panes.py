"""Panes are additive: however rows are cut, ordered and grouped, the counts are the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural.monitoring.clock import ManualClock
from neural.monitoring.records import RecordBatch
from neural.monitoring.windows import PaneStore, Reference, WindowSettings, build_reference, columns_from
from neural.monitoring.windows.grid import count_cells, grid_edges

NOW = 1_700_000_000.0
numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32), st.integers(-3, 3).map(float))
words = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "new", "", "ä"]))
rows = st.lists(st.tuples(numbers, words, st.floats(0, 900)), min_size=1, max_size=80)

REFERENCE = build_reference(
    columns_from({"x": np.random.default_rng(0).normal(size=500), "w": ["a", "b"] * 250}), source="test", created_at=NOW
)


def batch(part):
    columns = columns_from({"x": np.array([math.nan if x is None else x for x, _, _ in part]), "w": [w for _, w, _ in part]})
    columns["w"] = columns["w"] if columns["w"].kind.value == "categorical" else columns_from({"w": ["a"] * len(part)})["w"]
    return RecordBatch("m", "1", NOW - np.array([t for _, _, t in part]), [""] * len(part), columns)


def counted(parts):
    panes = PaneStore(WindowSettings(length="10m"), ManualClock(NOW))
    panes.set_reference("m", "1", REFERENCE)
    for part in parts:
        if part:
            panes.add_rows(batch(part))
    return panes.evaluation("m", "1", NOW)


def same(a, b):
    assert a.rows == b.rows
    for name, pane in a.columns.items():
        other = b.columns[name]
        assert pane.counts.tolist() == other.counts.tolist()
        for key in ("total", "n", "missing", "invalid", "non_finite", "unseen", "minimum", "maximum", "unseen_values"):
            assert getattr(pane, key) == getattr(other, key), key
        assert (pane.mean is None) == (other.mean is None)
        if pane.mean is not None:
            assert pane.mean == pytest.approx(other.mean, rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(rows, st.lists(st.integers(0, 80), max_size=5), st.randoms())
def test_counts_do_not_depend_on_batches_or_order(data, cuts, random):
    whole = counted([data])
    if any(
        all(w is None for _, w, _ in data[a:b])
        for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True)
        if a < b
    ):
        return  # a batch of nulls only has no kind of its own; decoding gives it one
    shuffled = data.copy()
    same(whole.window, counted([data[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True)]).window)
    random.shuffle(shuffled)
    same(whole.window, counted([shuffled]).window)


@settings(deadline=None)
@given(rows, rows)
def test_windows_of_two_workers_merge_into_that_of_one(a, b):
    together = counted([a, b]).latest
    merged = counted([a]).latest.merge(counted([b]).latest)
    same(together, merged)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=200), st.integers(8, 64))
def test_every_value_of_a_reference_has_one_cell_inside_its_range(values, cells):
    ordered = np.sort(np.array(values))
    edges = grid_edges(ordered, cells)
    assert np.all(np.diff(edges) > 0)
    counts = count_cells(np.array(values), edges)
    assert counts.sum() == len(values)
    assert counts[-1] == 0
    assert counts[0] == 0 or ordered[0] == -np.finfo(float).max


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=70, max_size=200),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_sorting_first_counts_the_same(values, extra):
    edges = grid_edges(np.sort(np.array(values)), 16)
    many = count_cells(np.array([*values, extra]), edges)
    one_by_one = sum(count_cells(np.array([value]), edges) for value in [*values, extra])
    assert many.tolist() == one_by_one.tolist()


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=50), st.lists(words, min_size=1, max_size=50))
def test_a_reference_survives_its_bytes(xs, ws):
    size = min(len(xs), len(ws))
    built = build_reference(
        columns_from({"x": xs[:size], "w": ws[:size]}), source="any", created_at=1.0, performance={"accuracy": 0.9}
    )
    again = Reference.from_bytes(built.to_bytes())
    assert again.to_bytes() == built.to_bytes()
    assert again.hash == built.hash
    for column in again.columns.values():
        for value in (column.mean, column.std, column.median, column.mad, column.q1, column.q3):
            assert value is None or math.isfinite(value)
