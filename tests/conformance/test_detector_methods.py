"""Every drift method in the registry passes these, without being named here."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neural.monitoring.drift.pair import NumericPair, categorical_pair
from neural.monitoring.drift.plan import make_plan
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.windows import build_reference, columns_from
from neural.monitoring.windows.layout import Layout

ALL = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
UNORDERED = pytest.mark.parametrize("method", [m for m in METHODS.values() if not m.ordered], ids=lambda m: m.name)
EMPTY = np.empty(0)
AWKWARD = {
    "no current values": (np.arange(10.0), EMPTY),
    "no reference values": (EMPTY, np.arange(10.0)),
    "no values at all": (EMPTY, EMPTY),
    "one value each": (np.array([1.0]), np.array([2.0])),
    "the same constant": (np.ones(50), np.ones(20)),
    "two constants": (np.zeros(50), np.ones(20)),
    "huge values": (np.array([-1.7e308, 0.0, 1.7e308]), np.array([1.7e308])),
    "tiny values": (np.array([5e-324, 0.0]), np.array([0.0, 1e-320])),
    "infinities": (np.array([-np.inf, 0.0, np.inf]), np.array([0.0, np.inf])),
    "only infinities": (np.full(3, np.inf), np.full(3, np.inf)),
    "heavy ties": (np.repeat([0.0, 1.0], [95, 5]), np.repeat([0.0, 1.0], [90, 10])),
}


def numeric(reference, current):
    return NumericPair(np.sort(np.asarray(reference, float)), np.sort(np.asarray(current, float)))


def from_panes(method, reference, current):
    """The statistic of one column by way of a reference and a pane."""
    built = build_reference(columns_from({"x": reference}), source="test", created_at=0.0)
    layout = Layout(built, 10)
    window = layout.window(layout.count(columns_from({"x": current}), len(current)), 0.0, 1.0)
    plan = make_plan(built, ())
    family = plan.ordered if len(plan.ordered.at) else plan.categorical
    many = method.from_panes(family.stack(window.columns))
    return many.statistic[0], None if many.error is None else many.error[0]


@ALL
@pytest.mark.parametrize("case", AWKWARD, ids=AWKWARD.keys())
def test_awkward_samples_give_a_finite_number_or_none(method, case):
    measured = method.compare(numeric(*AWKWARD[case]))
    assert measured.statistic is None or math.isfinite(measured.statistic)
    assert measured.p_value is None or 0.0 <= measured.p_value <= 1.0
    if min(len(side) for side in AWKWARD[case]) == 0:
        assert measured.statistic is None


@ALL
def test_a_sample_against_itself_is_no_distance(method):
    values = np.random.default_rng(0).normal(size=200)
    measured = method.compare(numeric(values, values))
    assert measured.statistic == pytest.approx(0.0, abs=1e-3 if method.name == "cramer_von_mises" else 1e-12)
    assert measured.p_value is None or measured.p_value > 0.99


@ALL
def test_the_same_constant_twice_is_no_drift(method):
    measured = method.compare(numeric(np.ones(200), np.ones(100)))
    assert measured.p_value is None or measured.p_value > 0.5


@ALL
def test_a_larger_shift_is_a_larger_distance(method):
    rng = np.random.default_rng(1)
    reference, current = rng.normal(size=2000), rng.normal(size=1000)
    sizes = [method.compare(numeric(reference, current + shift)).statistic for shift in (0.0, 0.3, 0.8)]
    assert sizes[0] < sizes[1] < sizes[2]


@ALL
def test_rows_in_another_order_are_the_same(method):
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=300), rng.normal(0.2, 1, size=200)
    shuffled = rng.permutation(current)
    assert method.compare(numeric(reference, current)) == method.compare(numeric(reference, shuffled))


@ALL
def test_p_values_are_about_uniform_without_drift(method):
    rng = np.random.default_rng(3)
    found = [method.compare(numeric(rng.normal(size=500), rng.normal(size=300))).p_value for _ in range(300)]
    if found[0] is None:
        pytest.skip("this method has no p-value")
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.10


@ALL
def test_panes_agree_with_the_exact_answer_within_the_stated_error(method):
    rng = np.random.default_rng(4)
    reference = rng.normal(size=5000)
    for current in (
        rng.normal(size=1000),
        rng.normal(0.5, 1, size=1000),
        rng.normal(0, 2, size=1000),
        rng.normal(9, 1, size=100),
    ):
        exact = method.compare(numeric(reference, current)).statistic
        statistic, error = from_panes(method, reference, current)
        allowed = 0.1 * max(exact, 0.1) if error is None else error + 1e-9
        assert abs(statistic - exact) <= allowed


@UNORDERED
def test_categories_need_no_order(method):
    reference, current = list("aaabbbccc"), list("abbbbbccd")
    measured = method.compare(categorical_pair(np.array(reference, dtype=object), np.array(current, dtype=object)))
    renamed = {"a": "z", "b": "y", "c": "x", "d": "w"}
    again = method.compare(
        categorical_pair(
            np.array([renamed[v] for v in reference], dtype=object), np.array([renamed[v] for v in current], dtype=object)
        )
    )
    assert measured.statistic == pytest.approx(again.statistic)
    assert measured.statistic > 0


@UNORDERED
def test_panes_of_categories_are_exact(method):
    rng = np.random.default_rng(5)
    reference, current = rng.choice(list("abcd"), 500), rng.choice(list("abcd"), 300, p=[0.4, 0.2, 0.2, 0.2])
    exact = method.compare(categorical_pair(reference, current)).statistic
    statistic, _ = from_panes(method, reference.tolist(), current.tolist())
    # PSI adds half a row to every cell, and a pane has two more: the other and the unseen
    assert statistic == pytest.approx(exact, rel=0.02 if method.name == "psi" else 1e-9)


@ALL
def test_a_column_without_values_in_the_window_gives_nothing(method):
    statistic, _ = from_panes(method, np.arange(100.0), [])
    assert np.isnan(statistic)


@ALL
def test_thresholds_grow_where_rows_are_few_and_chance_seldom_reaches_them(method):
    rng = np.random.default_rng(6)
    reference = rng.normal(size=2000)
    few, many = (method.compare(numeric(reference, rng.normal(size=n))).threshold for n in (50, 5000))
    if few is None:
        pytest.skip("this method has no corrected threshold")
    assert few > many == method.threshold
    found = [method.compare(numeric(reference, rng.normal(size=50))) for _ in range(500)]
    assert sum(measured.statistic > measured.threshold for measured in found) <= 4


@ALL
def test_it_says_what_it_is(method):
    assert METHODS[method.name] is method
    assert method.title
    assert method.threshold > 0
