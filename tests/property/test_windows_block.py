"""Counting many columns at once gives what counting them one by one gives, to the last bit where counts are concerned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural.monitoring.records import Column, Kind
from neural.monitoring.windows import build_reference
from neural.monitoring.windows import layout as layout_module
from neural.monitoring.windows.grid import grid_edges
from neural.monitoring.windows.layout import Layout
from neural.monitoring.windows.lookup import Lookup, buckets_of
from neural.monitoring.windows.tally import At

RNG = np.random.default_rng(3)
SHAPES = {
    "normal": RNG.normal(size=700),
    "far away": 1e9 + RNG.normal(size=700),
    "tiny": 1e-300 * RNG.normal(size=700),
    "huge": 1e305 * RNG.normal(size=700),
    "skewed": RNG.lognormal(0, 1, 700),
    "very skewed": RNG.lognormal(0, 4, 700),
    "heavy tails": RNG.standard_cauchy(700),
    "few values": RNG.integers(0, 9, 700).astype(float),
    "mostly zero": np.where(RNG.random(700) < 0.8, 0.0, RNG.exponential(size=700)),
    "constant": np.full(700, 3.0),
}
floats = st.floats(-1e307, 1e307)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(floats, min_size=2, max_size=60), min_size=1, max_size=4), st.lists(floats, min_size=1, max_size=40))
def test_a_look_up_finds_the_cell_that_a_search_finds(samples, values):
    tables = [table for sample in samples if (table := buckets_of(grid_edges(np.sort(np.array(sample)), 16))) is not None]
    if not tables:
        return
    own = np.array([[*values, *(edge for edge in table.edges[:5])][: len(values)] for table in tables])
    beside = np.array([np.nextafter(row, np.inf) if place % 2 else row for place, row in enumerate(own)])
    first = 0
    found = Lookup(tables).cells(beside)
    for table, row, cells in zip(tables, beside, found, strict=True):
        assert (cells == first + np.searchsorted(table.edges, row, side="left")).all()
        first += len(table.edges) + 1


@pytest.mark.parametrize("name", SHAPES)
def test_edges_themselves_and_their_neighbours_lie_where_a_search_puts_them(name):
    edges = grid_edges(np.sort(SHAPES[name]), 256)
    table = buckets_of(edges)
    if table is None:
        assert name in ("very skewed", "tiny")
        return
    row = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), SHAPES[name]])
    row = row[np.isfinite(row)]
    assert (Lookup([table]).cells(row.reshape(1, -1))[0] == np.searchsorted(edges, row, side="left")).all()


def columns(rows: int, seed: int, spoilt: float) -> dict[str, Column]:
    rng = np.random.default_rng(seed)
    made = {}
    for name, sample in SHAPES.items():
        values = rng.choice(sample, rows) * rng.choice([1.0, 1.0, 1.1, -2.0], rows)
        values[rng.random(rows) < spoilt] = np.nan
        values[rng.random(rows) < spoilt / 4] = np.inf
        missing = np.isnan(values) & (rng.random(rows) < 0.7)
        invalid = np.isnan(values) & ~missing if spoilt and rng.random() < 0.5 else None
        made[name] = Column(name, Kind.NUMERIC, values, missing, invalid)
    made["truth"] = Column("truth", Kind.BOOLEAN, rng.integers(0, 2, rows).astype(float), np.zeros(rows, dtype=bool))
    return made


REFERENCE = build_reference(
    {
        **{name: Column(name, Kind.NUMERIC, values, np.zeros(len(values), dtype=bool)) for name, values in SHAPES.items()},
        "truth": Column("truth", Kind.BOOLEAN, RNG.integers(0, 2, 700).astype(float), np.zeros(700, dtype=bool)),
    },
    source="test",
    created_at=0.0,
)


@pytest.mark.parametrize("rows", [1, 2, 63, 300, 5_000])
@pytest.mark.parametrize("spoilt", [0.0, 0.1, 1.0])
def test_a_block_of_columns_counts_as_one_column_after_another(monkeypatch, rows, spoilt):
    together, one_by_one = Layout(REFERENCE, 100), Layout(REFERENCE, 100)
    made = columns(rows, rows, spoilt)
    block = together.count(made, rows)
    with monkeypatch.context() as patch:
        patch.setattr(layout_module, "buckets_of", lambda edges: None)
        one_by_one = Layout(REFERENCE, 100)
        single = one_by_one.count(made, rows)
    assert together._plan(made).block is not None
    assert one_by_one._plan(made).block is None
    assert block.counts.tolist() == single.counts.tolist()
    assert block.low.tolist() == single.low.tolist()
    assert block.high.tolist() == single.high.tolist()
    exact = [At.TOTAL, At.N, At.MISSING, At.INVALID, At.NON_FINITE, At.UNSEEN]
    assert block.sums[:, exact].tolist() == single.sums[:, exact].tolist()
    for measure in (At.DEVIATION, At.SQUARES, At.BELOW, At.ABOVE):
        np.testing.assert_allclose(block.sums[:, measure], single.sums[:, measure], rtol=1e-9, atol=1e-6)


def test_the_columns_of_a_batch_are_looked_at_together(monkeypatch):
    """However many columns, the look-up is one: the cost a batch does not grow with them, but for the values themselves."""
    calls = []
    cells = Lookup.cells
    monkeypatch.setattr(Lookup, "cells", lambda self, values: calls.append(values.shape) or cells(self, values))
    Layout(REFERENCE, 100).count(columns(256, 1, 0.0), 256)
    assert len(calls) == 1
