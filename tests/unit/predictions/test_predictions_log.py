"""The prediction log: rows survive hours, restarts, broken disks and odd names, once each."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import PredictionLog, PredictionLogSettings, read_predictions
from neural.monitoring.predictions.layout import Hour
from neural.monitoring.predictions.retention import enforce
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.windows import columns_from

HOUR = 3600.0
START = 1_700_000_000.0 // HOUR * HOUR


def rows(ids, start=START, *, model="m", version="1", features=None, predictions=None, probabilities=None):
    n = len(ids)
    return RecordBatch(
        model=model,
        version=version,
        times=start + np.arange(n, dtype=np.float64),
        row_ids=list(ids),
        features=columns_from(features if features is not None else {"x": [float(i) for i in range(n)]}),
        predictions=predictions,
        probabilities=probabilities or {},
        latency_seconds=np.full(n, 0.01),
    )


@pytest.fixture
def clock():
    return ManualClock(START + 10)


@pytest.fixture
def log(tmp_path, clock):
    return PredictionLog(tmp_path, clock=clock)


def ids(path, **query):
    return read_predictions(path, **query)["prediction_id"].to_pylist()


def files(path, suffix):
    return sorted(str(p.relative_to(path)) for p in path.rglob(f"*{suffix}"))


def test_rows_read_back_as_they_were_with_nulls_for_what_is_missing(log, tmp_path):
    made = Column("@prediction", Kind.CATEGORICAL, np.array(["late", None], dtype=object), np.array([False, True]))
    features = {"x": [1.5, None], "carrier": ["AA", None], "flag": [True, False]}
    log.append(rows(["a", "b"], features=features, predictions=made, probabilities={"late": np.array([0.9, np.nan])}))
    log.checkpoint()
    first, second = read_predictions(tmp_path).to_pylist()
    assert first | {"time": None} == {
        "prediction_id": "a", "time": None, "model": "m", "version": "1", "latency_seconds": 0.01, "weight": 1.0,
        "prediction": "late", "prob_late": 0.9, "feature_x": 1.5, "feature_carrier": "AA", "feature_flag": True,
    }  # fmt: skip
    assert first["time"].timestamp() == START
    assert (second["prediction"], second["prob_late"], second["feature_x"], second["feature_carrier"]) == (None,) * 4


def test_a_closed_hour_becomes_parquet_and_reads_the_same(log, tmp_path):
    log.append(rows(["a", "b"]))
    log.append(rows(["c"], start=START + HOUR))
    log.checkpoint()
    before = read_predictions(tmp_path)
    assert log.roll(START + HOUR + 120) == 1
    assert read_predictions(tmp_path).equals(before)
    (file,) = files(tmp_path, ".parquet")
    assert file == "model=m/version=1/date=2023-11-14/hour=22/main-1.parquet"
    assert pq.ParquetFile(tmp_path / file).metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_rolled_segment_goes_two_checkpoints_later(log, tmp_path):
    log.append(rows(["a"]))
    log.checkpoint()
    log.roll(START + 2 * HOUR)
    log.checkpoint()
    assert len(files(tmp_path, ".arrows")) == 1
    log.checkpoint()
    assert files(tmp_path, ".arrows") == []
    assert ids(tmp_path) == ["a"]


def restarted(tmp_path, clock, checkpoint):
    log = PredictionLog(tmp_path, clock=clock)
    log.restore(json.loads(json.dumps(checkpoint)))
    return log


def test_after_a_crash_rows_since_the_checkpoint_come_again_and_are_there_once(log, tmp_path, clock):
    log.append(rows(["a"]))
    checkpoint = log.checkpoint()
    log.append(rows(["b"]))
    log.append(rows(["c"], features={"y": ["other layout"]}))
    log.flush()
    again = restarted(tmp_path, clock, checkpoint)
    assert ids(tmp_path) == ["a"]
    again.append(rows(["b"]))
    again.append(rows(["c"], features={"y": ["other layout"]}))
    again.checkpoint()
    assert sorted(ids(tmp_path)) == ["a", "b", "c"]


def test_a_crash_after_a_roll_but_before_its_checkpoint_loses_and_doubles_nothing(log, tmp_path, clock):
    log.append(rows(["a"]))
    checkpoint = log.checkpoint()
    log.append(rows(["b"]))
    log.roll(START + 2 * HOUR)
    assert sorted(ids(tmp_path)) == ["a", "b"]
    again = restarted(tmp_path, clock, checkpoint)
    assert ids(tmp_path) == ["a"]
    again.append(rows(["b"]))
    again.roll(START + 2 * HOUR)
    again.checkpoint()
    assert sorted(ids(tmp_path)) == ["a", "b"]


def test_a_crash_after_the_checkpoint_after_a_roll_keeps_the_parquet(log, tmp_path, clock):
    log.append(rows(["a"]))
    log.checkpoint()
    log.roll(START + 2 * HOUR)
    checkpoint = log.checkpoint()
    restarted(tmp_path, clock, checkpoint)
    assert ids(tmp_path) == ["a"]
    assert files(tmp_path, ".arrows") == []


def test_a_crash_before_the_first_checkpoint_starts_over(log, tmp_path, clock):
    log.append(rows(["a"]))
    log.flush()
    again = restarted(tmp_path, clock, {})
    again.append(rows(["a"]))
    again.checkpoint()
    assert ids(tmp_path) == ["a"]


def test_a_segment_torn_in_the_middle_of_a_write_reads_up_to_the_tear(log, tmp_path, clock):
    log.append(rows(["a"]))
    checkpoint = log.checkpoint()
    log.append(rows(["b"]))
    log.flush()
    (file,) = tmp_path.rglob("*.arrows")
    os.truncate(file, file.stat().st_size - 40)
    assert ids(tmp_path) == ["a"]
    again = restarted(tmp_path, clock, checkpoint)
    again.append(rows(["b"]))
    again.roll(START + 2 * HOUR)
    assert sorted(ids(tmp_path)) == ["a", "b"]


def test_queries_cut_by_model_time_and_count(log, tmp_path):
    for hour in range(3):
        log.append(rows([f"{hour}{i}" for i in range(3)], start=START + hour * HOUR - 7200))
    log.append(rows(["other"], model="n"))
    log.checkpoint()
    assert ids(tmp_path, model="n") == ["other"]
    assert ids(tmp_path, model="m", limit=4) == ["12", "20", "21", "22"]
    assert ids(tmp_path, model="m", since=START - HOUR + 1, until=START + 1) == ["11", "12", "20"]
    assert ids(tmp_path, since=START + HOUR) == []
    assert read_predictions(tmp_path / "nowhere").num_rows == 0


def test_labels_are_joined_at_read_time(log, tmp_path):
    log.append(rows(["a", "b"]), labels=["1", None])
    log.checkpoint()
    assert read_predictions(tmp_path)["label"].to_pylist() == ["1", None]
    assert read_predictions(tmp_path, labels={"b": 0})["label"].to_pylist() == ["1", "0"]


def test_columns_of_changing_type_read_as_text_or_float(log, tmp_path):
    log.append(rows(["a"], features={"x": [1.0], "b": [True]}))
    log.append(rows(["b"], features={"x": ["one"], "b": [0.5]}))
    log.checkpoint()
    table = read_predictions(tmp_path)
    assert sorted(table["feature_x"].to_pylist()) == ["1", "one"]
    assert sorted(table["feature_b"].to_pylist()) == [0.5, 1.0]


@pytest.mark.parametrize("name", ["", "..", "a/b", "Ü ber", "x" * 400, "=%"], ids=repr)
def test_any_model_name_stays_inside_the_folder(tmp_path, clock, name):
    log = PredictionLog(tmp_path / "log", clock=clock)
    log.append(rows(["a"], model=name, version=name))
    log.checkpoint()
    assert [p for p in tmp_path.iterdir()] == [tmp_path / "log"]
    assert ids(tmp_path / "log", model=name) == ["a"]
    if len(name) < 100:
        assert read_predictions(tmp_path / "log")["model"].to_pylist() == [name]


def test_age_and_size_are_kept(tmp_path, clock):
    log = PredictionLog(tmp_path, PredictionLogSettings(keep=2 * HOUR, max_size=1 << 20), clock)
    for hour in (-4, -3, -1, 0):
        log.append(rows([f"h{hour}"], start=START + hour * HOUR))
    log.checkpoint()
    log.roll(START + 60)
    assert ids(tmp_path) == ["h-1", "h0"]
    assert len([p for p in tmp_path.glob("model=*/version=*/date=*/hour=*")]) == 2
    noise = np.random.default_rng(0).bytes(1_500_000).hex()
    log.append(rows(["big"], start=START - 2 * HOUR + 5, features={"x": [noise]}))
    log.checkpoint()
    log.roll(START + 60)
    assert "big" not in ids(tmp_path)
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.*")) <= 1 << 20


def test_a_disk_that_refuses_is_counted_and_its_rows_wait_until_it_takes_them(tmp_path, clock):
    obstacle = tmp_path / "model=m"
    obstacle.write_text("a file where a folder is due")
    log = PredictionLog(tmp_path, clock=clock)
    log.append(rows(["a", "b"]))
    with pytest.raises(OSError, match="2 rows can't be written"):  # no checkpoint: the journal keeps them
        log.checkpoint()
    log.roll(clock() + 7200)
    assert log.stats() | {"dropped": 0.0, "waiting": 2.0} == log.stats()
    assert log.stats()["write_errors"] >= 1
    obstacle.unlink()
    assert log.checkpoint()["segments"]
    assert read_predictions(tmp_path)["prediction_id"].to_pylist() == ["a", "b"]


def test_times_no_clock_can_mean_are_filed_under_now(log, tmp_path):
    batch = rows(["a", "b", "c"])
    batch.times[:] = [np.nan, 1e18, -5.0]
    log.append(batch)
    log.checkpoint()
    assert {t.timestamp() for t in read_predictions(tmp_path)["time"].to_pylist()} == {START + 10}


def test_rows_are_written_when_enough_wait(tmp_path, clock):
    log = PredictionLog(tmp_path, PredictionLogSettings(batch_rows=3), clock)
    log.append(rows(["a", "b"]))
    assert ids(tmp_path) == []
    log.append(rows(["c", "d"]))
    assert ids(tmp_path) == ["a", "c", "b", "d"]


def test_without_features_only_the_models_own_columns_are_kept(tmp_path, clock):
    log = PredictionLog(tmp_path, PredictionLogSettings(features=False), clock)
    log.append(rows(["a"]))
    log.checkpoint()
    assert not [n for n in read_predictions(tmp_path).column_names if n.startswith("feature_")]


def test_two_writers_share_a_folder(log, tmp_path, clock):
    other = PredictionLog(tmp_path, clock=clock, writer="other")
    log.append(rows(["a"]))
    other.append(rows(["b"]))
    checkpoint = log.checkpoint()
    other.checkpoint()
    restarted(tmp_path, clock, checkpoint)
    assert sorted(ids(tmp_path)) == ["a", "b"]
    assert isinstance(read_predictions(tmp_path), pa.Table)


def test_embeddings_are_lists(log, tmp_path):
    log.append(rows(["a", "b"], features={"e": np.ones((2, 3), dtype=np.float32)}))
    log.checkpoint()
    assert read_predictions(tmp_path)["feature_e"].to_pylist() == [[1.0] * 3] * 2


def test_checkpoints_that_never_became_the_last_one_double_nothing(log, tmp_path, clock):
    log.append(rows(["a"]))
    checkpoint = log.checkpoint()
    log.append(rows(["b"]))
    log.roll(START + 2 * HOUR)
    log.checkpoint()  # asked for, and never stored …
    log.checkpoint()  # … twice: the segment is gone by now
    assert files(tmp_path, ".arrows") == []
    again = restarted(tmp_path, clock, checkpoint)
    assert ids(tmp_path) == ["a"]
    again.append(rows(["b"]))
    again.checkpoint()
    assert sorted(ids(tmp_path)) == ["a", "b"]


def test_a_segment_that_retention_took_begins_again(log, tmp_path):
    log.append(rows(["a"]))
    log.flush()
    next(tmp_path.rglob("*.arrows")).unlink()
    log.append(rows(["b"]))
    log.checkpoint()
    assert ids(tmp_path) == ["b"]


def test_only_folders_that_something_was_taken_from_are_tried(tmp_path, monkeypatch):
    """A log of a week has hundreds of folders: trying each at every roll took longer than the roll."""
    start = int(START)
    for back in range(100):
        folder = tmp_path / Hour(start - back * 3600, "m", "1").folder
        folder.mkdir(parents=True)
        (folder / "w-1.parquet").write_bytes(b"x")
    tried = []
    remove = Path.rmdir
    monkeypatch.setattr(Path, "rmdir", lambda folder: (tried.append(folder), remove(folder)))
    assert enforce(tmp_path, START + HOUR, keep_seconds=99 * HOUR, max_bytes=1 << 20) == 1
    assert len(list(tmp_path.rglob("hour=*"))) == 99
    assert 1 <= len(tried) <= 4


def as_before(path):
    """Names of an earlier release: open segments without an underscore, and no weight where nothing was sampled."""
    for segment in list(path.rglob("_*.arrows")):
        segment.rename(segment.with_name(segment.name.removeprefix("_")))


@pytest.mark.parametrize("rolled", [False, True])
def test_a_log_of_a_release_before_goes_on_after_the_upgrade(log, tmp_path, clock, rolled):
    log.append(rows(["a"]))
    checkpoint = log.checkpoint()
    checkpoint["segments"] = {name.replace("_main", "main"): end for name, end in checkpoint["segments"].items()}
    log.append(rows(["b"]))
    if rolled:
        log.roll(START + 2 * HOUR)
    log.flush()
    as_before(tmp_path)
    assert sorted(ids(tmp_path)) == ["a", "b"]  # readers know both names
    again = restarted(tmp_path, clock, checkpoint)
    assert ids(tmp_path) == ["a"]
    assert {p.name for p in tmp_path.rglob("*.arrows")} == {"_main-1.arrows"}
    again.append(rows(["b"]))
    again.checkpoint()
    again.roll(START + 2 * HOUR)
    assert sorted(ids(tmp_path)) == ["a", "b"]
    again.checkpoint()
    again.checkpoint()
    assert {p.suffix for p in tmp_path.rglob("*.*")} == {".parquet"}


def test_what_is_not_finished_is_what_readers_of_folders_pass_over(log, tmp_path):
    log.append(rows(["a", "b"]))
    log.append(rows(["c"], start=START + HOUR))
    log.checkpoint()
    log.roll(START + HOUR + 120)
    (tmp_path / "model=m/version=1/date=2023-11-14/hour=22/_main-9.tmp").write_bytes(b"a file that is being written")
    assert {p.name[0] for p in tmp_path.rglob("*.*") if p.suffix != ".parquet"} == {"_"}
    whole = pa.dataset.dataset(tmp_path, format="parquet", partitioning="hive").to_table()
    assert sorted(whole["prediction_id"].to_pylist()) == ["a", "b"]


def test_a_weight_is_how_many_predictions_a_row_stands_for_and_never_null(log, tmp_path):
    log.append(rows(["a"]))
    log.append(replace(rows(["b"]), weights=np.array([4.0])))
    log.checkpoint()
    assert read_predictions(tmp_path)["weight"].to_pylist() == [1.0, 4.0]
    (segment,) = tmp_path.rglob("*.arrows")  # a release before wrote null for "itself"
    with pa.ipc.open_stream(segment) as reader:
        table = reader.read_all()
    at = table.column_names.index("weight")
    with pa.OSFile(str(segment), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.set_column(at, "weight", pa.array([None, 4.0], pa.float64())))
    assert read_predictions(tmp_path)["weight"].to_pylist() == [1.0, 4.0]


def test_labels_that_have_come_join_when_an_hour_is_written_as_parquet(log, tmp_path, clock):
    """Rows keep a label they have; the others get theirs; asked a group at a time, whatever the size of the hour."""
    asked = []

    def labels(ids):
        asked.append(len(ids))
        return [None if one == "c" else f"label of {one}" for one in ids]

    log.append(rows(["a", "b", "c"]))
    log.append(rows(["d", "e"]), labels=["its own", None])
    checkpoint = log.checkpoint()
    assert log.roll(START + 2 * HOUR, labels) == 2
    assert asked == [3, 2]
    expected = {"a": "label of a", "b": "label of b", "c": None, "d": "its own", "e": "label of e"}
    table = read_predictions(tmp_path)
    assert dict(zip(table["prediction_id"].to_pylist(), table["label"].to_pylist(), strict=True)) == expected
    assert pq.ParquetFile(tmp_path / files(tmp_path, ".parquet")[0]).schema_arrow.names[:6] == [
        "prediction_id", "time", "latency_seconds", "weight", "prediction", "label",
    ]  # fmt: skip
    again = restarted(tmp_path, clock, checkpoint)  # taken back, and rolled with what is known then
    again.roll(START + 2 * HOUR, lambda ids: ["later"] * len(ids))
    assert read_predictions(tmp_path)["label"].to_pylist().count("later") == 4
