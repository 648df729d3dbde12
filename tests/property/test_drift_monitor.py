"""Whatever comes in, the drift monitor answers with finite numbers and a reason."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.drift.conftest import Stream

from neural.monitoring.drift import METHODS, DriftDetector, DriftMonitor, DriftSettings
from neural.monitoring.errors import NeuralError
from neural.monitoring.records import Kind
from neural.monitoring.windows import column_of

numbers = st.one_of(st.none(), st.floats(width=64), st.integers(-2, 2).map(float), st.sampled_from([1e308, -1e308, 5e-324]))
words = st.one_of(st.none(), st.sampled_from(["a", "b", "", "ä", "_other", "_unseen", "1", "nan"]))
values = st.one_of(
    st.tuples(st.just(Kind.NUMERIC), st.lists(numbers, max_size=40)),
    st.tuples(st.just(Kind.BOOLEAN), st.lists(st.one_of(st.none(), st.booleans()), max_size=40)),
    st.tuples(st.just(Kind.CATEGORICAL), st.lists(words, max_size=40)),
    st.tuples(st.just(Kind.TEXT), st.lists(words, max_size=40)),
)
tables = st.dictionaries(st.sampled_from(["x", "y", "@prediction"]), values, min_size=1, max_size=3)
UNORDERED = [name for name, method in METHODS.items() if not method.ordered]


def table(found):
    rows = min(len(cells) for _, cells in found.values())
    return {name: column_of(name, cells[:rows], kind) for name, (kind, cells) in found.items()}


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(tables, st.lists(tables, min_size=1, max_size=4))
def test_any_stream_gives_finite_signals_with_reasons(reference, seconds):
    watched = Stream(
        table(reference), whole_rows=True, methods={"numeric": list(METHODS), "categorical": UNORDERED}, fewest_rows=1
    )
    for found in seconds:
        data = table(found)
        for signal in watched.second(data if len(next(iter(data.values()))) else None).values():
            assert signal.value is None or math.isfinite(signal.value)
            if signal.verdict is not None:
                assert signal.verdict.reason
                json.dumps(dict(signal.verdict.evidence), allow_nan=False)
                for number in (
                    signal.verdict.statistic,
                    signal.verdict.p_value,
                    signal.verdict.effect_size,
                    signal.verdict.threshold,
                ):
                    assert number is None or math.isfinite(number)
        state = json.loads(json.dumps(watched.monitor.snapshot(), allow_nan=False))
        watched.monitor = DriftMonitor(DriftSettings(methods={"numeric": list(METHODS), "categorical": UNORDERED}, fewest_rows=1))
        watched.monitor.restore(state)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(tables, tables)
def test_any_two_tables_are_compared_or_refused_in_words(reference, current):
    detector = DriftDetector(multivariate=("mmd", "pca", "domain_classifier"))
    try:
        detector.set_reference(table(reference))
        found = detector.detect_drift(table(current))
    except NeuralError:
        return
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.reason


@settings(deadline=None, max_examples=60)
@given(st.lists(numbers, min_size=20, max_size=60), st.lists(numbers, min_size=20, max_size=60))
def test_whole_rows_of_any_numbers_are_compared(a, b):
    detector = DriftDetector(multivariate=("mmd", "pca", "domain_classifier"))
    detector.set_reference({"x": np.array(a, dtype=float), "k": np.ones(len(a))})
    found = detector.detect_drift({"x": np.array(b, dtype=float), "k": np.ones(len(b))})
    json.dumps(found.to_dict(), allow_nan=False)
