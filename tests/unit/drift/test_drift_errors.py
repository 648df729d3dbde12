from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.drift import DriftMonitor, DriftSettings
from neural.monitoring.records import LabelledBatch
from neural.monitoring.signal import Outcome

START = 1_700_000_000.0


def labelled(random, n, wrong, corrected=None):
    labels = random.choice(["a", "b"], n).astype(object)
    predictions = np.where(random.random(n) < wrong, np.where(labels == "a", "b", "a"), labels).astype(object)
    times = START + np.arange(n)
    return LabelledBatch("m", "1", times, times + 60, [""] * n, predictions, labels, corrected=corrected)


def regression(random, n, spread):
    labels = random.normal(size=n)
    times = START + np.arange(n)
    return LabelledBatch("m", "1", times, times, [""] * n, labels + random.normal(0, spread, n), labels)


def errors(watched, data=None):
    found = watched.second(data)
    return {signal.labels["detector"]: signal for key, signal in found.items() if key[0] == "drift.errors"}


@pytest.fixture
def watched(stream):
    return stream({"x": np.arange(100.0)}, length="1h", errors=("adwin",))


def test_without_labels_it_does_not_know(watched):
    assert errors(watched)["adwin"].value is None
    assert errors(watched)["adwin"].verdict.outcome is Outcome.UNKNOWN


def test_a_model_gone_wrong_is_found_and_the_alarm_ages_away(watched):
    random = np.random.default_rng(0)
    watched.monitor.observe_labels(labelled(random, 1000, 0.1))
    assert errors(watched)["adwin"].value == 0.0
    watched.monitor.observe_labels(labelled(random, 300, 0.5))
    found = errors(watched)["adwin"]
    assert found.value == 1.0
    assert "mean error rose from" in found.verdict.reason
    watched.clock.advance(3 * 3600)
    assert errors(watched)["adwin"].value == 0.0


def test_a_model_that_got_better_is_no_alarm(watched):
    random = np.random.default_rng(1)
    for rate in (0.6, 0.1):
        watched.monitor.observe_labels(labelled(random, 1000, rate))
    assert errors(watched)["adwin"].value == 0.0


def test_regression_errors_are_scaled_by_the_first(watched):
    random = np.random.default_rng(2)
    watched.monitor.observe_labels(regression(random, 50, 1e-6))
    assert errors(watched)["adwin"].verdict.outcome is Outcome.UNKNOWN
    watched.monitor.observe_labels(regression(random, 1000, 1e-6))
    assert errors(watched)["adwin"].value == 0.0
    watched.monitor.observe_labels(regression(random, 500, 1e-5))
    assert errors(watched)["adwin"].value == 1.0


def test_corrected_labels_are_not_read_twice(watched):
    random = np.random.default_rng(3)
    watched.monitor.observe_labels(labelled(random, 200, 0.1, corrected=np.arange(200) < 150))
    assert errors(watched)["adwin"].verdict.sample_size == 50


def test_a_restart_keeps_what_was_read(watched):
    random = np.random.default_rng(4)
    watched.monitor.observe_labels(labelled(random, 1000, 0.1))
    watched.monitor.observe_labels(labelled(random, 300, 0.5))
    state = json.loads(json.dumps(watched.monitor.snapshot(), allow_nan=False))
    watched.monitor = DriftMonitor(DriftSettings())
    watched.monitor.restore(state)
    assert errors(watched)["adwin"].value == 1.0


def test_unknown_detectors_are_refused_by_name():
    with pytest.raises(ValueError, match="choose from adwin, ddm, page_hinkley"):
        DriftSettings(errors=("adwim",))
