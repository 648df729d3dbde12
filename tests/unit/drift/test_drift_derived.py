"""Drift that no single feature shows: of texts, embeddings, and features that no longer go together."""

from __future__ import annotations

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import DriftMonitor, DriftSettings
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.signal import Outcome
from neural.monitoring.windows import PaneStore, WindowSettings, build_reference, column_of

NOW = 1_700_000_000.0
WORDS = ["late", "flight", "gate", "weather", "crew", "delay", "again", "board"]


class Watched:
    def __init__(self, make, seed=0):
        self.random, self.make = np.random.default_rng(seed), make
        self.clock = ManualClock(NOW)
        self.panes = PaneStore(WindowSettings(pane="1s", length="10s", evaluate_every="1s"), self.clock)
        reference = build_reference(make(self.random, 4_000), source="test", created_at=NOW, whole_rows=True)
        self.panes.set_default_reference(reference)
        self.monitor = DriftMonitor(DriftSettings())

    def second(self, **how):
        columns = self.make(self.random, 300, **how)
        self.panes.add_rows(RecordBatch("m", "1", np.full(300, self.clock()), [""] * 300, columns))
        self.clock.advance(1.0)
        found = list(self.monitor.evaluate(self.panes.evaluation("m", "1", self.clock())))
        self.panes.expire(self.clock())
        return {(signal.name, signal.labels.get("feature", "")): signal for signal in found}


def pair(random, n, together=True):
    a = random.normal(size=n)
    return {"a": column_of("a", a), "b": column_of("b", a + random.normal(0, 0.3, n) if together else random.permutation(a))}


def vectors(random, n, centre=0.0):
    values = random.normal(size=(n, 32))
    values[:, :8] += centre
    return {"v": Column("v", Kind.EMBEDDING, values.astype(np.float32), np.zeros(n, dtype=bool))}


def notes(random, n, new=False):
    words = [word[::-1] for word in WORDS] if new else WORDS
    return {"note": column_of("note", [" ".join(random.choice(words, 4)) for _ in range(n)], Kind.TEXT)}


@pytest.mark.parametrize(
    ("make", "drifted", "column"),
    [
        (pair, {"together": False}, "@rows:pca"),
        (vectors, {"centre": 1.0}, "@vector:v:"),
        (notes, {"new": True}, "@text:note:new_tokens"),
    ],
    ids=["features that no longer go together", "an embedding that moved", "texts of other words of the same letters"],
)
def test_drift_between_the_columns_is_found_and_named(make, drifted, column):
    watched = Watched(make)
    for _ in range(15):
        found = watched.second()
        assert found["drift.alarm", ""].value == 0.0, found["drift.alarm", ""].verdict.reason
    for _ in range(6):
        found = watched.second(**drifted)
    alarm = found["drift.alarm", ""]
    assert alarm.value == 1.0
    assert any(item["feature"].startswith(column) for item in alarm.verdict.evidence["features"])


def test_the_mean_embedding_distance_of_a_window_is_read_off_its_panes():
    watched = Watched(vectors)
    calm = [watched.second()["drift.mmd", "v"] for _ in range(15)]
    assert {one.verdict.outcome for one in calm} == {Outcome.OK}
    assert np.mean([one.verdict.p_value < 0.05 for one in calm]) < 0.5
    for _ in range(10):
        moved = watched.second(centre=1.0)["drift.mmd", "v"]
    assert moved.verdict.outcome is Outcome.BAD
    assert moved.value > 3 * max(one.value for one in calm[5:])
    assert moved.verdict.evidence["reference"]
    assert moved.verdict.reason


def test_a_window_without_vectors_says_so():
    watched = Watched(vectors)
    watched.clock.advance(100.0)
    found = list(watched.monitor.evaluate(watched.panes.evaluation("m", "1", watched.clock())))
    mmd = next(signal for signal in found if signal.name == "drift.mmd")
    assert mmd.value is None
    assert mmd.verdict.outcome is Outcome.UNKNOWN
    assert "fewer than 30" in mmd.verdict.reason
