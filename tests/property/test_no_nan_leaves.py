"""Whatever comes in, embeddings too: no verdict, no stored signal, no report and no exported line holds a NaN or an infinity."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import DriftDetector, DriftMonitor, DriftSettings
from neural.monitoring.engine.reports import drift_report, quality_report
from neural.monitoring.errors import NeuralError
from neural.monitoring.export.catalogue import new_families
from neural.monitoring.export.from_signals import add_signals
from neural.monitoring.export.text import render
from neural.monitoring.performance import Label, LabelJoiner, PerformanceMonitor, PerformanceSettings
from neural.monitoring.quality import DataQualityMonitor, QualityMonitor
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.signal import Verdict
from neural.monitoring.windows import PaneStore, WindowSettings, build_reference, column_of

START = 1_700_000_000.0
WIDTH = 3
numbers = st.one_of(st.none(), st.floats(), st.integers(-2, 2).map(float), st.sampled_from([1e308, -1e308, 5e-324]))
words = st.one_of(st.none(), st.sampled_from(["a", "b", "", "ä", "_other", "nan", "inf"]), st.text(max_size=3))
parts = st.one_of(st.floats(width=32), st.sampled_from([0.0, 1.0, 3e38, -3e38, 1e-45]))
vectors = st.one_of(st.just([math.nan] * WIDTH), st.lists(parts, min_size=WIDTH, max_size=WIDTH))


def embedding(rows):
    values = np.array(rows, dtype=np.float32).reshape(-1, WIDTH)
    return Column("v", Kind.EMBEDDING, values, np.isnan(values).all(axis=1))


@st.composite
def tables(draw, most=30):
    """Rows of every kind, with a prediction and a probability; 20 or more of them in half of the tables, so that vectors are fitted."""
    n = draw(st.one_of(st.integers(0, 3), st.integers(20, most)))

    def cells(of):
        few = draw(st.lists(of, min_size=min(n, 1), max_size=min(n, 8)))
        return [few[at % len(few)] for at in range(n)]

    return {
        "x": column_of("x", cells(numbers), Kind.NUMERIC),
        "b": column_of("b", cells(st.one_of(st.none(), st.booleans())), Kind.BOOLEAN),
        "c": column_of("c", cells(words), Kind.CATEGORICAL),
        "t": column_of("t", cells(words), Kind.TEXT),
        "v": embedding(cells(vectors)),
        "@prediction": column_of("@prediction", cells(st.one_of(words, numbers))),
        "@probability:a": column_of("@probability:a", cells(numbers), Kind.NUMERIC),
    }


def assert_finite(verdict: Verdict):
    assert verdict.reason
    for field in fields(verdict):
        value = getattr(verdict, field.name)
        assert not isinstance(value, float) or math.isfinite(value), (field.name, verdict)
    json.dumps(dict(verdict.evidence), allow_nan=False)


class House:
    """The rooms that judge, on one model's rows and labels, a second at a time; restarted between the seconds."""

    def __init__(self, reference):
        self.clock = ManualClock(START)
        self.panes = PaneStore(WindowSettings(pane="1s", length="5s", evaluate_every="1s"), self.clock)
        self.panes.set_default_reference(build_reference(reference, source="test", created_at=START, whole_rows=True))
        self.performance = PerformanceSettings(min_labels=1, segments=("c",))
        self.joiner = LabelJoiner(self.performance)
        self.start()

    def start(self):
        self.monitors = [QualityMonitor(), PerformanceMonitor(self.performance), DriftMonitor(DriftSettings(fewest_rows=1))]

    def restart(self):
        states = [json.loads(json.dumps(monitor.snapshot(), allow_nan=False)) for monitor in self.monitors]
        self.start()
        for monitor, state in zip(self.monitors, states, strict=True):
            monitor.restore(state)

    def second(self, columns, labels):
        now, n = self.clock(), len(columns["x"])
        features = {name: column for name, column in columns.items() if not name.startswith("@")}
        ids = [f"{now}-{at}" for at in range(n)]
        scores = {"a": columns["@probability:a"].values}
        batch = RecordBatch("m", "1", np.full(n, now), ids, features, columns["@prediction"], scores)
        self.panes.add_rows(batch)
        labelled = [
            *self.joiner.observe_rows(batch),
            *self.joiner.add_labels([Label(a, b, now) for a, b in zip(ids, labels, strict=False)]),
        ]
        for monitor in self.monitors:
            for observe, seen in (("observe_rows", [batch]), ("observe_labels", labelled)):
                for one in seen if hasattr(monitor, observe) else ():
                    getattr(monitor, observe)(one)
        self.clock.advance(1.0)
        evaluation, signals = self.panes.evaluation("m", "1", self.clock()), []
        for monitor in self.monitors:
            signals += list(monitor.evaluate(replace(evaluation, earlier=tuple(signals))))
        self.panes.expire(self.clock())
        return signals


def page_of(signals):
    families = new_families()
    add_signals(signals, families)
    return render(families.values())


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables(), st.lists(st.tuples(tables(), st.lists(st.one_of(words, st.floats()), max_size=8)), min_size=1, max_size=3))
def test_no_verdict_report_or_exported_line_is_nan(reference, seconds):
    house = House(reference)
    for columns, labels in seconds:
        signals = house.second(columns, labels)
        assert {signal.name.partition(".")[0] for signal in signals} >= {"drift", "quality"}
        for signal in signals:
            assert signal.value is None or math.isfinite(signal.value)
            if signal.verdict is not None:
                assert_finite(signal.verdict)
        for report in (drift_report(signals, house.clock(), "m", "1"), quality_report(signals, house.clock(), "m", "1")):
            if report is not None:
                json.dumps(report.body, allow_nan=False)
        for family in text_string_to_metric_families(page_of(signals)):
            assert all(math.isfinite(sample.value) for sample in family.samples), family.name
        house.restart()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tables(), tables())
def test_no_answer_of_the_python_api_is_nan(reference, current):
    detector = DriftDetector(multivariate=("mmd", "pca", "domain_classifier"))
    quality = DataQualityMonitor()
    try:
        detector.set_reference(reference, reference["@prediction"].values)
        quality.set_reference_statistics(reference)
        answers = [detector.detect_drift(current, current["@prediction"].values), quality.check_quality(current)]
    except NeuralError:
        return
    for answer in answers:
        json.dumps(answer.to_dict(), allow_nan=False)
