"""The study's parts run, and say what they should on a small scale."""

from __future__ import annotations

from tests.study.delay import run_delay
from tests.study.looks import RULES, rates
from tests.study.worlds import World


def test_a_large_shift_is_found_soon():
    found = run_delay(World.of("normal"), 1.0, 2, features=5, batch_rows=100, reference_rows=2_000, calm=3, limit=1_000, runs=2)
    assert found.median <= 300


def test_rules_are_asked_side_by_side():
    calm = rates(features=10, reference_rows=1_000, rows=100, shift=0.0, shifted=0, looks=5)
    moved = rates(features=10, reference_rows=1_000, rows=500, shift=1.0, shifted=3, looks=3)
    assert set(calm) == set(RULES)
    assert calm["ours: e-values at 1 in 43,200 looks"] == 0.0
    assert set(moved.values()) == {1.0}
