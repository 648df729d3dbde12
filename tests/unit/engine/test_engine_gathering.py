"""Rows of many journal entries reach the rooms as few large batches, and never too late."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.decode import Decoding
from neural.monitoring.engine import BATCH, LABELS, EntryClock, Processor, gathering
from neural.monitoring.engine.gathering import Gatherer, joined_rows, joined_traffic, row_layout, row_width, traffic_layout
from neural.monitoring.ingest import Entry, EntryKind
from neural.monitoring.performance import LabelJoiner
from neural.monitoring.records import Column, Kind, RecordBatch, TrafficBatch
from neural.monitoring.windows import PaneStore, WindowSettings, build_reference, columns_from
from neural.wire import CaptureBatch, CaptureEvent, encode_batch

NOW = 1_700_000_000.0


def rows(values, *, words=None, invalid=None, model="m", extra=()) -> RecordBatch:
    n = len(values)
    features = {"x": Column("x", Kind.NUMERIC, np.array(values, dtype=float), np.zeros(n, dtype=bool), invalid)}
    features["v"] = Column("v", Kind.EMBEDDING, np.ones((n, 2), dtype=np.float32), np.zeros(n, dtype=bool))
    features |= {name: Column(name, Kind.NUMERIC, np.zeros(n), np.zeros(n, dtype=bool)) for name in extra}
    made = Column("@prediction", Kind.CATEGORICAL, np.array(words or ["a"] * n, dtype=object), np.zeros(n, dtype=bool))
    return RecordBatch(model, "1", np.full(n, NOW), [f"{model}{v}" for v in values], features, made, {"a": np.full(n, 0.5)})


def test_batches_of_one_layout_are_joined_in_their_order():
    whole = joined_rows([rows([1, 2]), rows([3], words=["b"], invalid=np.array([True]))])
    assert whole.row_ids == ["m1", "m2", "m3"]
    assert whole.features["x"].values.tolist() == [1, 2, 3]
    assert whole.features["x"].invalid.tolist() == [False, False, True]
    assert whole.features["v"].values.shape == (3, 2)
    assert whole.predictions.values.tolist() == ["a", "a", "b"]
    assert whole.probabilities["a"].tolist() == [0.5] * 3
    assert whole.latency_seconds is None


def test_traffic_of_one_model_is_joined():
    def traffic(n, reason):
        return TrafficBatch(
            "m",
            "1",
            np.full(n, NOW),
            np.ones(n),
            np.full(n, 200),
            np.zeros(n, dtype=bool),
            np.ones(n),
            {reason: 1},
            ["t"] * n,
            ["r"] * n,
        )

    whole = joined_traffic([traffic(2, "bad_json"), traffic(1, "bad_json"), traffic(1, "shape")])
    assert len(whole) == len(whole.trace_ids) == len(whole.request_ids) == 4
    assert whole.unparsed == {"bad_json": 2, "shape": 1}
    assert traffic_layout(traffic(1, "x")) == ("m", "1", True, True)


def test_layouts_are_kept_apart_and_let_go_together(monkeypatch):
    monkeypatch.setattr(gathering, "MAX_ROWS", 5)
    taken = []
    gatherer = Gatherer(lambda batch: taken.append(batch.row_ids), row_layout, joined_rows)
    for batch in (rows([1, 2]), rows([3], model="other"), rows([4], extra=["y"])):
        gatherer.add(batch)
    assert taken == []
    gatherer.add(rows([5]))
    assert taken == [["m1", "m2", "m5"], ["other3"], ["m4"]]
    gatherer.settle()
    assert len(taken) == 3


def test_wide_rows_are_let_go_sooner(monkeypatch):
    monkeypatch.setattr(gathering, "MAX_VALUES", 9)
    taken = []
    gatherer = Gatherer(taken.append, row_layout, joined_rows)
    gatherer.add(rows([1]), row_width(rows([1])))
    assert (row_width(rows([1])), taken) == (4, [])
    gatherer.add(rows([1, 2]), row_width(rows([1, 2])))
    assert len(taken) == 1


class Sizes:
    """A monitor that notes how large the batches are that it is shown."""

    name, specs = "sizes", ()

    def __init__(self) -> None:
        self.gathered, self.at_once, self.requests, self.requests_at_once = [], [], [], []

    def evaluate(self, evaluation):
        return ()

    def observe_rows(self, batch):
        self.gathered.append(len(batch))

    def observe_rows_at_once(self, batch):
        self.at_once.append(len(batch))

    def observe_traffic(self, batch):
        self.requests.append(len(batch))

    def observe_traffic_at_once(self, batch):
        self.requests_at_once.append(len(batch))


def entry(sequence: int, events: int = 256) -> Entry:
    made = [
        CaptureEvent(
            f"{sequence}-{at}", int(NOW * 1e9), 1, status=200, path="/v1/models/m:predict", model="m", version="1",
            request_body=b'{"instances": [{"x": 1.5}]}', response_body=b'{"predictions": [1.5]}',
        )
        for at in range(events)
    ]  # fmt: skip
    return Entry(EntryKind(BATCH), encode_batch(CaptureBatch("s", sequence, made)), sequence, NOW)


@pytest.fixture
def sizes():
    return Sizes()


@pytest.fixture
def processor(sizes):
    panes = PaneStore(WindowSettings(), EntryClock(ManualClock(NOW)))
    panes.set_reference(
        "m", "1", build_reference(columns_from({"x": np.random.default_rng(1).normal(size=200)}), source="t", created_at=NOW)
    )
    return Processor(Decoding(), panes, [sizes], LabelJoiner(), None, None)


def test_sixteen_entries_are_one_batch_to_the_rooms(processor, sizes):
    for sequence in range(1, 17):
        processor.apply(entry(sequence), replay=False)
    assert sizes.gathered == sizes.requests == [16 * 256]
    assert sizes.at_once == sizes.requests_at_once == [256] * 16
    assert processor.totals.counts["rows"] == 16 * 256


def test_rows_are_settled_before_labels_come(processor, sizes):
    processor.apply(entry(1, 2), replay=False)
    assert sizes.gathered == []
    labels = json.dumps({"labels": [{"id": "1-0", "label": 1.0, "time": NOW}]}).encode()
    processor.apply(Entry(EntryKind(LABELS), labels, 2, NOW), replay=False)
    assert sizes.gathered == [2]
    assert processor.totals.counts["labels_matched"] == 1


def test_while_a_reference_is_learnt_rows_are_not_held_back(sizes):
    panes = PaneStore(WindowSettings(), EntryClock(ManualClock(NOW)))
    processor = Processor(Decoding(), panes, [sizes], LabelJoiner(), None, None)
    processor.apply(entry(1, 2), replay=False)
    assert sizes.gathered == [2]


def test_a_batch_that_can_not_be_processed_is_counted_and_the_next_one_is(processor, sizes, caplog):
    def refuse(batch):
        raise ValueError("no")

    processor.panes.add_rows, taken = refuse, processor.panes.add_rows
    processor.apply(entry(1), replay=False)
    processor.settle()
    processor.panes.add_rows = taken
    processor.apply(entry(2), replay=False)
    processor.settle()
    assert processor.totals.counts["bad_entries.exception"] == 1
    assert sizes.gathered == [256]
    assert "could not be processed" in caplog.text
