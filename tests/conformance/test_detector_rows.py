"""Every multivariate method passes these, without being named here."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neural.monitoring.drift.multivariate import ROW_METHODS, RowDrift
from neural.monitoring.errors import DataError
from neural.monitoring.windows import columns_from

ALL = pytest.mark.parametrize("name", ROW_METHODS)


def correlated(random, n, rho, columns=4):
    covariance = np.full((columns, columns), rho) + (1 - rho) * np.eye(columns)
    return columns_from(random.multivariate_normal(np.zeros(columns), covariance, n))


def ask(name, reference, current, alpha=0.05):
    return RowDrift(reference, [name]).compare(current, alpha)[name]


@ALL
def test_columns_that_no_longer_go_together_are_found_though_each_looks_as_before(name):
    random = np.random.default_rng(0)
    found = ask(name, correlated(random, 3000, 0.8), correlated(random, 1500, 0.0))
    assert found.drifting, found.reason


@ALL
def test_no_drift_is_seldom_called_drift(name):
    random = np.random.default_rng(1)
    found = [ask(name, correlated(random, 600, 0.5), correlated(random, 300, 0.5)) for _ in range(30)]
    assert sum(answer.measured.p_value < 0.05 for answer in found) <= 5
    assert sum(answer.drifting for answer in found) <= 4


@ALL
def test_mixed_tables_with_gaps_give_finite_numbers(name):
    random = np.random.default_rng(2)

    def table(n):
        x = np.where(random.random(n) < 0.2, np.nan, random.normal(size=n))
        huge = random.choice([1e308, -1e308, np.inf, 0.0], n)
        words = [None if gone else word for gone, word in zip(random.random(n) < 0.1, random.choice(list("abc"), n), strict=True)]
        return columns_from({"x": x, "constant": np.ones(n), "huge": huge, "nothing": np.full(n, np.nan), "c": words})

    found = ask(name, table(200), table(100))
    assert math.isfinite(found.measured.statistic)
    assert 0.0 <= found.measured.p_value <= 1.0
    assert not found.drifting
    assert found.reason


@ALL
def test_constant_tables_are_no_drift_and_another_constant_is(name):
    assert not ask(name, columns_from({"x": np.ones(100)}), columns_from({"x": np.ones(50)})).drifting
    if name != "pca":  # a single constant column leaves no direction to rebuild
        assert ask(name, columns_from({"x": np.ones(100)}), columns_from({"x": np.full(50, 3.0)})).drifting


@ALL
def test_few_rows_are_not_enough(name):
    found = ask(name, columns_from({"x": np.arange(100.0)}), columns_from({"x": [1.0, 2.0]}))
    assert found.measured.statistic is None
    assert "at least 20 rows" in found.reason


@ALL
def test_columns_that_are_absent_count_as_missing(name):
    random = np.random.default_rng(3)
    reference = correlated(random, 300, 0.0)
    current = {key: column for key, column in correlated(random, 100, 0.0).items() if key != "feature_0"}
    assert math.isfinite(ask(name, reference, current).measured.statistic)


def test_unknown_methods_are_refused_by_name():
    with pytest.raises(DataError, match="choose from mmd"):
        RowDrift(columns_from({"x": [1.0]}), ["mmdd"])
