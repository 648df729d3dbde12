"""Rows that come in runs: what the reference's order says, and what the traffic says later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from neural.monitoring.drift.bins import bins_of
from neural.monitoring.drift.sequential import SequentialDetector
from neural.monitoring.windows import Reference, build_reference, column_of
from neural.monitoring.windows.grid import count_cells


def waves(random, n, rho):
    """AR(1) of variance 1."""
    noise = random.normal(0.0, np.sqrt(1.0 - rho**2), n)
    noise[0] = random.normal()
    return lfilter([1.0], [1.0, -rho], noise)


def built(values):
    return build_reference({"x": column_of("x", values)}, source="test", created_at=0.0).columns["x"]


def alarms(reference, stream, rows=100):
    bins = bins_of(reference)
    detector = SequentialDetector([bins], [reference.runs])
    for step in range(len(stream) // rows):
        cells = count_cells(stream[step * rows : (step + 1) * rows], reference.edges)
        counts = np.bincount(bins.group, weights=cells, minlength=len(bins))
        if detector.step(counts, float(step), elapsed=1.0, seconds_between=43_200.0, patience=1e9).alarm:
            return step
    return None


def test_rows_in_random_order_have_no_runs():
    random = np.random.default_rng(0)
    assert [built(random.normal(size=20_000)).runs for _ in range(10)] == [()] * 10
    assert built(np.array([f"c{k}" for k in random.integers(0, 5, 20_000)], dtype=object)).runs == ()


def test_a_table_sorted_by_class_has_no_runs_within_the_classes():
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(centre, 1.0, 5_000) for centre in (0.0, 3.0, 6.0)])
    assert max((effect for _, effect in built(values).runs), default=1.0) < 2.0


@pytest.mark.parametrize(("rho", "least"), [(0.5, 1.8), (0.9, 7.0), (0.99, 30.0)])
def test_the_design_effect_of_neighbours_that_are_alike(rho, least):
    """For AR(1) it approaches (1 + ρ) / (1 - ρ): 3, 19, 199."""
    random = np.random.default_rng(2)
    found = max(effect for _, effect in built(waves(random, 60_000, rho)).runs)
    assert least <= found <= 1.5 * (1 + rho) / (1 - rho)


def test_runs_are_kept_with_the_reference():
    random = np.random.default_rng(3)
    reference = build_reference({"x": column_of("x", waves(random, 20_000, 0.9))}, source="test", created_at=0.0)
    assert Reference.from_bytes(reference.to_bytes()).columns["x"].runs == reference.columns["x"].runs != ()


@pytest.mark.parametrize("rho", [0.8, 0.9, 0.95])
def test_the_order_of_the_reference_spares_autocorrelated_traffic_most_false_alarms(rho):
    """Of 20 models, over 100 evaluations: all alarm without it. It is an estimate, not a guarantee, so a few still do."""
    random = np.random.default_rng(4)
    told, untold = 0, 0
    for _ in range(20):
        whole = waves(random, 30_000, rho)
        reference = built(whole[:20_000])
        told += alarms(reference, whole[20_000:]) is not None
        untold += alarms(replace(reference, runs=()), whole[20_000:]) is not None
    assert told <= 4
    assert untold >= 18


def test_a_drift_of_such_traffic_is_found_all_the_same():
    random = np.random.default_rng(5)
    whole = waves(random, 40_000, 0.9)
    whole[25_000:] += 2.0
    found = alarms(built(whole[:20_000]), whole[20_000:])
    assert found is not None
    assert 50 <= found <= 75


def test_traffic_in_random_order_against_a_sorted_file_is_seen_in_full_after_64_evaluations():
    random = np.random.default_rng(6)
    reference = built(np.sort(random.normal(size=20_000)) + random.normal(0.0, 0.1, 20_000))
    assert max(effect for _, effect in reference.runs) > 10
    stream = random.normal(0.0, 1.0, 14_000)
    stream[8_000:] += 0.5
    found = alarms(reference, stream)
    assert found is not None
    assert 80 <= found <= 95
