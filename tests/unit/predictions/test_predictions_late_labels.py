"""Labels that come after their hour is Parquet: the file is written again with them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import PredictionLog, read_predictions
from neural.monitoring.predictions.late import EVERY_SECONDS
from neural.monitoring.records import RecordBatch
from neural.monitoring.windows import columns_from

HOUR = 3600.0
START = 1_700_000_000.0 // HOUR * HOUR
LATER = START + 2 * HOUR


def rows(ids, start=START):
    n = len(ids)
    columns = columns_from({"x": [float(at) for at in range(n)]})
    return RecordBatch("m", "1", start + np.arange(n, dtype=np.float64), list(ids), columns)


class Known:
    """The joiner: labels by id."""

    def __init__(self):
        self.labels, self.asked = {}, 0

    def __call__(self, ids):
        self.asked += len(ids)
        return [self.labels.get(one) for one in ids]


@pytest.fixture
def known():
    return Known()


@pytest.fixture
def log(tmp_path, known):
    """One hour that is Parquet, its segment gone."""
    log = PredictionLog(tmp_path, clock=ManualClock(START + 10))
    log.append(rows("abc"))
    log.roll(LATER, known)
    log.checkpoint()
    log.checkpoint()
    return log


def labels(path):
    table = read_predictions(path)
    return dict(zip(table["prediction_id"].to_pylist(), table["label"].to_pylist(), strict=True))


def tell(log, known, now, **given):
    known.labels |= given
    log.labelled("m", "1", np.array([START + 1.0]))
    log.roll(now, known)


def test_a_late_label_is_in_the_file_after_the_next_roll_and_a_correction_replaces_it(log, known, tmp_path):
    (path,) = tmp_path.rglob("*.parquet")
    tell(log, known, LATER, b="yes")
    assert labels(tmp_path) == {"a": None, "b": "yes", "c": None}
    tell(log, known, LATER + EVERY_SECONDS, b="no", c="yes")
    assert labels(tmp_path) == {"a": None, "b": "no", "c": "yes"}
    assert [one for one in path.parent.iterdir()] == [path]
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    assert log.stats()["relabelled_files"] == 2


def test_an_hour_is_not_written_again_for_each_label_nor_looked_at_for_none(log, known, tmp_path):
    tell(log, known, LATER, a="1")
    asked = known.asked
    tell(log, known, LATER + EVERY_SECONDS - 1, b="2")
    assert known.asked == asked
    assert labels(tmp_path)["b"] is None
    log.roll(LATER + EVERY_SECONDS, known)
    assert labels(tmp_path) == {"a": "1", "b": "2", "c": None}
    asked = known.asked
    log.roll(LATER + 9 * EVERY_SECONDS, known)
    assert known.asked == asked


def test_while_a_restart_may_write_the_hour_anew_its_labels_wait(tmp_path, known):
    log = PredictionLog(tmp_path, clock=ManualClock(START + 10))
    log.append(rows("ab"))
    log.roll(LATER, known)
    tell(log, known, LATER, a="1")
    assert labels(tmp_path)["a"] is None
    log.checkpoint()
    log.checkpoint()
    log.roll(LATER, known)
    assert labels(tmp_path)["a"] == "1"


def test_hours_that_are_not_done_are_told_to_the_next_process(log, known, tmp_path):
    known.labels["a"] = "1"
    log.labelled("m", "1", np.array([START]))
    checkpoint = json.loads(json.dumps(log.checkpoint()))
    again = PredictionLog(tmp_path, clock=ManualClock(LATER))
    again.restore(checkpoint)
    again.roll(LATER, known)
    assert labels(tmp_path)["a"] == "1"


def test_hours_that_are_gone_are_forgotten(log, known, tmp_path):
    log.labelled("gone", "1", np.array([START]))
    (path,) = tmp_path.rglob("*.parquet")
    path.unlink()
    tell(log, known, LATER, a="1")
    log.roll(LATER, known)
    assert log.checkpoint()["late_labels"] == []


def test_what_the_disk_refuses_is_tried_again(log, known, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("neural.monitoring.predictions.segment._rewrite", full)
        tell(log, known, LATER, a="1")
    assert labels(tmp_path)["a"] is None
    assert log.stats()["write_errors"] == 1
    log.roll(LATER + 1, known)
    assert labels(tmp_path)["a"] == "1"


def test_a_file_that_the_disk_does_not_give_back_holds_up_no_other_and_leaves_nothing_behind(log, known, tmp_path):
    (broken,) = tmp_path.rglob("*.parquet")
    log.append(rows("de", START + HOUR))
    log.roll(LATER + HOUR, known)
    log.checkpoint()
    log.checkpoint()
    whole = broken.read_bytes()
    at = whole.index(b"\x28\xb5\x2f\xfd")  # where zstd begins: the first page
    broken.write_bytes(whole[:at] + bytes(40) + whole[at + 40 :])
    tell(log, known, LATER + HOUR, b="no", e="yes")
    log.labelled("m", "1", np.array([START + HOUR + 1.0]))
    log.roll(LATER + HOUR + 1, known)  # the broken one again, then it waits behind the other
    log.roll(LATER + HOUR + 2, known)
    (good,) = [path for path in tmp_path.rglob("*.parquet") if path != broken]
    assert pq.ParquetFile(good).read()["label"].to_pylist() == [None, "yes"]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted([broken, good])
    assert log.stats()["write_errors"] == 2
    broken.write_bytes(whole)
    log.roll(LATER + HOUR + 3, known)
    assert labels(tmp_path) == {"a": None, "b": "no", "c": None, "d": None, "e": "yes"}
