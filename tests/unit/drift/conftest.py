from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import DriftMonitor, DriftSettings
from neural.monitoring.records import PREDICTION, PROBABILITY_PREFIX, RecordBatch
from neural.monitoring.windows import PaneStore, WindowSettings, build_reference, column_of

START = 1_700_000_000.0


class Stream:
    """A model's traffic, one second at a time, and the drift monitor watching it."""

    def __init__(self, reference, *, length="5s", seed=0, performance=None, whole_rows=False, **settings):
        self.random = np.random.default_rng(seed)
        self.clock = ManualClock(START)
        self.windows = WindowSettings(pane="1s", length=length, evaluate_every="1s")
        self.reference = build_reference(
            self.columns(reference), source="test", created_at=START, performance=performance, whole_rows=whole_rows
        )
        self.panes = PaneStore(self.windows, self.clock)
        self.panes.set_default_reference(self.reference)
        self.monitor = DriftMonitor(DriftSettings(**settings))
        self.earlier = ()
        self.acknowledged = {}

    def columns(self, data):
        return {name: values if hasattr(values, "kind") else column_of(name, values) for name, values in data.items()}

    def second(self, data=None):
        """One second of rows; the signals after it by (name, feature)."""
        if data is not None:
            columns = self.columns(data)
            n = len(next(iter(columns.values())))
            features = {name: column for name, column in columns.items() if not name.startswith("@")}
            probabilities = {
                name.removeprefix(PROBABILITY_PREFIX): column.values
                for name, column in columns.items()
                if name.startswith(PROBABILITY_PREFIX)
            }
            times = np.full(n, self.clock())
            self.panes.add_rows(RecordBatch("m", "1", times, [""] * n, features, columns.get(PREDICTION), probabilities))
        self.clock.advance(1.0)
        evaluation = self.panes.evaluation("m", "1", self.clock())
        evaluation = replace(evaluation, earlier=self.earlier, acknowledged=self.acknowledged)
        self.panes.expire(self.clock())
        return {(signal.name, signal.labels.get("feature", "")): signal for signal in self.monitor.evaluate(evaluation)}

    def alarm(self, data=None):
        return self.second(data)["drift.alarm", ""].value == 1.0


@pytest.fixture
def stream():
    return Stream
