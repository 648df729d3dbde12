"""Quality: the test's bound holds, counts don't depend on the cut, any table gives a finite report."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from neural.monitoring.quality import DataQualityMonitor, QualityMonitor
from neural.monitoring.quality.jump import compare_rates, lower_rate
from neural.monitoring.records import RecordBatch
from neural.monitoring.windows import WindowSettings, build_reference, columns_from
from neural.monitoring.windows.pane_store import PaneStore

START = 1_700_000_000.0
VALUES = st.one_of(st.none(), st.floats(), st.integers(-(10**30), 10**30), st.booleans(), st.text(max_size=5))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_bound_is_never_below_the_exact_p_value(data):
    n, n0 = data.draw(st.integers(1, 400)), data.draw(st.integers(1, 5000))
    x, x0 = data.draw(st.integers(0, n)), data.draw(st.integers(0, n0))
    exact = hypergeom.sf(x - 1, n + n0, x + x0, n)
    bound = compare_rates(x, n, x0, n0).p_value
    assert exact <= bound * (1 + 1e-9) or exact < 1e-290
    assert 0 <= bound <= 1


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_the_lower_rate_lies_between_zero_and_the_rate(count, more):
    n = count + more
    assert 0 <= lower_rate(count, n) <= (count / n if n else 0.0) + 1e-12


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=4), st.lists(VALUES, min_size=3, max_size=3), max_size=4), st.data())
def test_any_table_gives_a_finite_report(table, data):
    types = {
        name: data.draw(st.sampled_from(["positive", "probability", "binary", "integer", "numeric", "categorical"]))
        for name in table
    }
    monitor = DataQualityMonitor(feature_types=types)
    if data.draw(st.booleans()):
        monitor.set_reference_statistics(table)
    report = monitor.check_quality(table)
    json.dumps(report.to_dict(), allow_nan=False)
    assert 0 <= report.quality_score <= 1
    assert all(0 <= rate <= 1 for rate in (report.missing_rate, report.outlier_rate, report.invalid_rate))
    assert report.is_healthy is False or not report.schema_violations


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 199), max_size=6), st.booleans())
def test_signals_do_not_depend_on_the_cut_or_the_order(seed, cuts, backwards):
    rng = np.random.default_rng(seed)
    rows = {"x": rng.normal(size=200), "c": rng.choice(["a", "b", "z"], 200).tolist()}
    rows["x"][rng.random(200) < 0.2] = np.nan
    reference = build_reference(columns_from({"x": rng.normal(size=500), "c": ["a", "b"] * 250}), source="t", created_at=START)
    pieces = [piece for piece in np.split(np.arange(200), sorted(set(cuts))) if len(piece)]

    def signals(parts):
        store = PaneStore(WindowSettings(), lambda: START)
        store.set_reference("m", "1", reference)
        monitor = QualityMonitor()
        list(monitor.evaluate(store.evaluation("m", "1", START)))
        for part in parts:
            columns = columns_from({"x": rows["x"][part], "c": [rows["c"][at] for at in part]})
            batch = RecordBatch("m", "1", START + part / 10, [str(at) for at in part], columns)
            store.add_rows(batch)
            monitor.observe_rows(batch)
        return {signal.key: signal.value for signal in monitor.evaluate(store.evaluation("m", "1", START + 30))}

    whole, cut = signals([np.arange(200)]), signals(pieces[::-1] if backwards else pieces)
    assert whole.keys() == cut.keys()
    for key, value in whole.items():
        assert cut[key] == (value if value is None else pytest.approx(value, abs=1e-12)), key
    assert all(value is None or math.isfinite(value) for value in whole.values())
