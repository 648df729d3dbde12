"""Whatever is killed whenever: every row of the journal is in the prediction log once."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import PredictionLog, PredictionLogSettings, read_predictions
from neural.monitoring.records import RecordBatch
from neural.monitoring.windows import columns_from

HOUR = 3600.0
START = 1_700_000_000.0 // HOUR * HOUR

APPEND = st.tuples(st.just("append"), st.integers(0, 1), st.integers(1, 4), st.sampled_from(["x", "x", "x", "y"]))
CHECKPOINT = st.tuples(st.just("checkpoint"), st.sampled_from([True, True, False]))
ROLL = st.tuples(st.just("roll"), st.integers(0, 3))
FLUSH = st.tuples(st.just("flush"))
CRASH = st.tuples(st.just("crash"))


class Sidecar:
    """A journal, a last checkpoint, and a log that is killed and comes back."""

    def __init__(self, folder: Path):
        self.folder, self.journal, self.saved, self.made = folder, [], ({}, 0), 0
        self.start()

    def start(self):
        self.log = PredictionLog(self.folder, PredictionLogSettings(batch_rows=3), ManualClock(START + 5 * HOUR))
        checkpoint, position = self.saved
        self.log.restore(json.loads(json.dumps(checkpoint)))
        for batch in self.journal[position:]:
            self.log.append(batch)

    def append(self, hour, n, feature):
        ids = [f"id{self.made + at}" for at in range(n)]
        self.made += n
        times = START + hour * HOUR + np.arange(n, dtype=np.float64)
        batch = RecordBatch("m", "1", times, ids, columns_from({feature: [1.0] * n}))
        self.journal.append(batch)
        self.log.append(batch)

    def checkpoint(self, durable):
        found = self.log.checkpoint(), len(self.journal)
        if durable:
            self.saved = found

    def roll(self, hour):
        self.log.roll(START + hour * HOUR + 61)

    def flush(self):
        self.log.flush()

    def crash(self):
        self.start()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(APPEND, CHECKPOINT, ROLL, FLUSH, CRASH), min_size=8, max_size=30))
def test_every_row_is_there_once_after_any_crash(steps):
    with tempfile.TemporaryDirectory() as folder:
        sidecar = Sidecar(Path(folder))
        sidecar.checkpoint(True)
        for name, *arguments in steps:
            getattr(sidecar, name)(*arguments)
        sidecar.crash()
        sidecar.checkpoint(True)
        found = sorted(read_predictions(folder)["prediction_id"].to_pylist())
        assert found == sorted(f"id{at}" for at in range(sidecar.made))
