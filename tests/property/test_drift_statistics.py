"""Our statistics equal scipy's on whatever hypothesis builds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from neural.monitoring.drift.multiple import benjamini_hochberg, e_benjamini_hochberg, e_bonferroni
from neural.monitoring.drift.pair import CategoricalPair, NumericPair
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.drift.wasserstein import earth_moved

continuous = st.floats(-1e6, 1e6, allow_nan=False)
tied = st.integers(-5, 5).map(float)
samples = st.one_of(st.lists(continuous, min_size=1, max_size=60), st.lists(tied, min_size=1, max_size=60))
with_infinities = st.lists(st.one_of(tied, st.just(np.inf), st.just(-np.inf)), min_size=1, max_size=40)
tables = st.integers(2, 8).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 50), min_size=k, max_size=k).filter(lambda row: sum(row) > 0) for _ in "ab"])
)


def pair(a, b):
    return NumericPair(np.sort(np.array(a, float)), np.sort(np.array(b, float)))


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@given(samples, samples)
def test_ks_equals_scipy(a, b):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's p-value, which we don't look at, divides by zero for one row
        expected = stats.ks_2samp(a, b, method="asymp").statistic
    assert METHODS["ks"].compare(pair(a, b)).statistic == close(expected)


@given(with_infinities, with_infinities)
def test_ks_equals_scipy_with_infinities(a, b):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.ks_2samp(a, b, method="asymp").statistic
    assert METHODS["ks"].compare(pair(a, b)).statistic == close(expected)


@given(samples, samples)
def test_wasserstein_equals_scipy(a, b):
    assert earth_moved(pair(a, b)) == close(stats.wasserstein_distance(a, b))


@given(samples.filter(lambda a: len(a) > 1), samples.filter(lambda b: len(b) > 1))
def test_cramer_von_mises_equals_scipy(a, b):
    expected = stats.cramervonmises_2samp(a, b, method="asymptotic")
    found = METHODS["cramer_von_mises"].compare(pair(a, b))
    assert found.statistic == close(expected.statistic)
    if len({*a, *b}) == len(a) + len(b):  # with ties scipy's p-value is off: 0 for two equal constants
        assert found.p_value == pytest.approx(expected.pvalue, abs=1e-6)


@given(tables)
def test_chi_squared_equals_scipy(table):
    a, b = (np.array(row, dtype=float) for row in table)
    used = a + b > 0
    if used.sum() < 2:
        return
    expected = stats.chi2_contingency(np.array([a[used], b[used]]), correction=False)
    assert METHODS["chi2"].compare(CategoricalPair(a, b)).statistic == close(expected.statistic)


@given(tables)
def test_jensen_shannon_equals_scipy(table):
    a, b = (np.array(row, dtype=float) for row in table)
    expected = jensenshannon(a, b, base=2)
    assert METHODS["jensen_shannon"].compare(CategoricalPair(a, b)).statistic == pytest.approx(
        float(np.nan_to_num(expected)), abs=2e-8
    )


@given(tables)
def test_hellinger_equals_its_formula(table):
    a, b = (np.array(row, dtype=float) for row in table)
    overlap = np.sqrt(a / a.sum() * (b / b.sum())).sum()
    assert METHODS["hellinger"].compare(CategoricalPair(a, b)).statistic ** 2 == close(max(0.0, 1 - overlap))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_benjamini_hochberg_equals_scipy(p):
    assert benjamini_hochberg(np.array(p)) == close(stats.false_discovery_control(p))


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=50), st.floats(1e-9, 0.5))
def test_e_benjamini_hochberg_rejects_at_least_what_bonferroni_does(log_e, alpha):
    found = e_benjamini_hochberg(np.array(log_e), alpha)
    strict = e_bonferroni(np.array(log_e), alpha)
    assert not (strict & ~found).any()
    if found.any():
        assert np.array(log_e)[found].min() >= np.log(len(log_e) / (found.sum() * alpha)) - 1e-9


@settings(max_examples=200)
@given(with_infinities, with_infinities)
def test_nothing_becomes_nan(a, b):
    for method in METHODS.values():
        found = method.compare(pair(a, b))
        for value in (found.statistic, found.p_value):
            assert value is None or np.isfinite(value)
