"""Labels find their predictions: late, early, twice, corrected, never."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neural.monitoring.performance import Label, LabelJoiner, PerformanceSettings, class_name
from neural.monitoring.records import Column, Kind, RecordBatch


def rows(ids, predictions, time=100.0, probabilities=None, kind=None):
    if kind is None:
        kind = Kind.CATEGORICAL if isinstance(predictions[0], str) else Kind.NUMERIC
    values = np.array(predictions, dtype=object if kind is Kind.CATEGORICAL else np.float64)
    return RecordBatch(
        model="m",
        version="1",
        times=np.full(len(ids), time),
        row_ids=list(ids),
        features={},
        predictions=Column("@prediction", kind, values, np.zeros(len(ids), dtype=bool)),
        probabilities={k: np.array(v, dtype=np.float64) for k, v in (probabilities or {}).items()},
    )


def test_a_late_label_is_joined_with_its_prediction_and_both_times():
    joiner = LabelJoiner()
    assert joiner.observe_rows(rows(["a", "b"], ["1", "0"], probabilities={"1": [0.9, 0.2]})) == []
    (batch,) = joiner.add_labels([Label("b", 1, 160.0)])
    assert list(batch.row_ids) == ["b"]
    assert list(batch.predictions) == ["0"]
    assert list(batch.labels) == ["1"]
    assert batch.probabilities["1"].tolist() == [0.2]
    assert (batch.times[0], batch.label_times[0]) == (100.0, 160.0)
    assert batch.corrected is None


def test_a_label_before_its_prediction_waits_for_it():
    joiner = LabelJoiner()
    assert joiner.add_labels([Label("a", 2.5, 90.0)]) == []
    (batch,) = joiner.observe_rows(rows(["a"], [2.0]))
    assert batch.labels.tolist() == [2.5]
    assert joiner.stats()["waiting"] == 0


def test_the_same_label_again_changes_nothing_and_another_is_a_correction():
    joiner = LabelJoiner()
    joiner.observe_rows(rows(["a"], ["1"]))
    joiner.add_labels([Label("a", 1, 101.0)])
    assert joiner.add_labels([Label("a", 1, 102.0)]) == []
    (batch,) = joiner.add_labels([Label("a", 0, 103.0)])
    assert batch.corrected.tolist() == [True]
    assert list(batch.previous_labels) == ["1"]
    assert batch.previous_label_times.tolist() == [101.0]
    stats = joiner.stats()
    assert (stats["matched"], stats["repeated"], stats["corrected"]) == (1, 1, 1)


def test_a_label_that_is_no_number_is_rejected_for_a_regression_and_can_be_mended():
    joiner = LabelJoiner()
    joiner.observe_rows(rows(["a"], [2.0]))
    assert joiner.add_labels([Label("a", "late", 101.0)]) == []
    assert joiner.stats()["rejected"] == 1
    (batch,) = joiner.add_labels([Label("a", 3, 102.0)])
    assert batch.labels.tolist() == [3.0]


def test_memory_is_bounded_and_what_leaves_is_counted():
    joiner = LabelJoiner(PerformanceSettings(max_pending=10, max_waiting=3))
    for at in range(5):
        joiner.observe_rows(rows([f"{at}:{i}" for i in range(5)], [1.0] * 5))
    assert joiner.stats()["pending"] == 10
    assert joiner.stats()["evicted"] == 15
    joiner.add_labels([Label(f"x{i}", 1, 100.0) for i in range(5)])
    assert joiner.stats()["waiting"] == 3
    assert joiner.stats()["labels_evicted"] == 2


def test_predictions_and_labels_older_than_labels_within_are_forgotten():
    joiner = LabelJoiner(PerformanceSettings(labels_within=60))
    joiner.observe_rows(rows(["a"], [1.0], time=100.0))
    joiner.add_labels([Label("never", 1, 100.0)])
    assert joiner.add_labels([Label("a", 1, 171.0)]) == []
    assert joiner.stats()["too_late"] == 1
    joiner.expire(170.0)
    joiner.observe_rows(rows(["b"], [1.0], time=165.0))
    stats = joiner.stats()
    assert (stats["pending"], stats["waiting"], stats["expired"], stats["labels_expired"]) == (1, 0, 1, 1)


def test_any_id_finds_its_row_among_many_small_batches_and_layouts():
    joiner = LabelJoiner()
    ids = [f"{i:x}" * (1 + i % 40) for i in range(3000)] + ["ümlaut", "\ud800", "", "x" * 5000, "x" * 5001]
    ids = list(dict.fromkeys(ids))
    for at, row_id in enumerate(ids):
        probabilities = {"p": [0.5]} if at % 3 else None
        joiner.observe_rows(rows([row_id], [float(at)] if at % 3 == 0 else ["p"], probabilities=probabilities, time=float(at)))
    found = {}
    for batch in joiner.add_labels([Label(row_id, 1, 1.0) for row_id in ids]):
        found |= dict(zip(batch.row_ids, batch.times, strict=True))
    assert found == {row_id: float(at) for at, row_id in enumerate(ids)}


def test_labels_stay_with_their_rows_while_blocks_merge():
    joiner = LabelJoiner()
    for at in range(200):
        joiner.observe_rows(rows([f"r{at}", f"s{at}"], [1.0, 2.0]))
        joiner.add_labels([Label(f"r{at}", at, 200.0)])
    repeated = [Label(f"r{at}", at, 201.0) for at in range(200)]
    assert joiner.add_labels(repeated) == []
    assert joiner.stats()["repeated"] == 200


@pytest.mark.parametrize("early", [True, False], ids=["labels waiting", "predictions waiting"])
def test_a_restart_in_between_changes_nothing(early):
    joiner = LabelJoiner()
    batch, label = rows(["a"], ["yes"], probabilities={"yes": [0.7]}), Label("a", "no", 130.0)
    if early:
        joiner.add_labels([label])
    else:
        joiner.observe_rows(batch)
    restored = LabelJoiner()
    restored.restore(json.loads(json.dumps(joiner.snapshot())))
    (found,) = restored.observe_rows(batch) if early else restored.add_labels([label])
    assert (list(found.predictions), list(found.labels)) == (["yes"], ["no"])
    assert found.probabilities["yes"].tolist() == [0.7]


def test_a_repeated_prediction_id_counts_for_the_newest_row():
    joiner = LabelJoiner()
    joiner.observe_rows(rows(["a"], [1.0]))
    joiner.observe_rows(rows(["a"], [2.0]))
    (batch,) = joiner.add_labels([Label("a", 2, 200.0)])
    assert batch.predictions.tolist() == [2.0]


def test_a_score_is_a_class_when_the_task_is_classification():
    joiner = LabelJoiner(PerformanceSettings(task="classification", score_threshold=0.3))
    joiner.observe_rows(rows(["a", "b"], [0.35, 0.1]))
    (batch,) = joiner.add_labels([Label("a", True, 1.0), Label("b", False, 1.0)])
    assert list(batch.predictions) == ["1", "0"]
    assert batch.probabilities["1"].tolist() == [0.35, 0.1]


def test_numbers_with_probabilities_are_classes():
    joiner = LabelJoiner()
    joiner.observe_rows(rows(["a"], [1.0], probabilities={"1": [0.6]}))
    (batch,) = joiner.add_labels([Label("a", "1", 1.0)])
    assert list(batch.predictions) == list(batch.labels) == ["1"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1, "1"),
        (1.0, "1"),
        ("1.0", "1"),
        (True, "1"),
        ("true", "1"),
        (False, "0"),
        (" cat ", "cat"),
        (1.5, "1.5"),
        ("007", "007"),
        ("-0", "0"),
    ],
)
def test_one_class_has_one_spelling(value, name):
    assert class_name(value) == name


@pytest.mark.parametrize(
    ("prediction", "spellings"),
    [("1", [1, "1", True, 1.0, "1.0", "true"]), (2.5, [2, "2", 2.0, "2.0"])],
    ids=["a class", "a number"],
)
def test_a_label_written_another_way_is_the_same_label(prediction, spellings):
    joiner = LabelJoiner()
    joiner.observe_rows(rows(["a"], [prediction]))
    found = [len(joiner.add_labels([Label("a", spelling, 110.0)])) for spelling in spellings]
    assert found == [1] + [0] * (len(spellings) - 1)
    stats = joiner.stats()
    assert (stats["matched"], stats["repeated"], stats["corrected"]) == (1, len(spellings) - 1, 0)


def test_known_labels_are_told_by_id_in_one_spelling_and_asking_costs_nothing_while_there_are_none(monkeypatch):
    joiner = LabelJoiner()
    joiner.observe_rows(rows(["a", "b", "c"], ["1", "0", "1"]))
    monkeypatch.setattr(joiner._pending, "find", lambda ids: pytest.fail("nothing is labelled: nothing to look for"))
    assert joiner.labels_of(["a", "b"]) == [None, None]
    monkeypatch.undo()
    joiner.add_labels([Label("a", True, 101.0), Label("b", "0.0", 101.0)])
    assert joiner.labels_of(["b", "unknown", "c", "a"]) == ["0", None, None, "1"]
    joiner.add_labels([Label("a", 0, 102.0)])
    assert joiner.labels_of(["a"]) == ["0"]  # the correction
