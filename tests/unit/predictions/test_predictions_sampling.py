"""A sample of the log: the same rows whoever asks, weights that add up, and a choice that is as good as chance."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import PredictionLog, PredictionLogger, PredictionLogSettings, read_predictions
from neural.monitoring.predictions.sampling import positions, sampled_places
from neural.monitoring.records import PREDICTION, Coding, Column, Kind, RecordBatch
from neural.monitoring.row_ids import RowIds
from neural.monitoring.windows import columns_from

START = 1_700_000_000.0 // 3600 * 3600
SHARE = 0.25


def batch(ids, *, weights=None):
    n = len(ids)
    words = np.array([f"word{i % 3}" for i in range(n)], dtype=object)
    return RecordBatch(
        "m",
        "1",
        START + np.arange(n) / n,
        ids,
        columns_from({"x": np.arange(n, dtype=float), "word": words.tolist(), "e": np.ones((n, 2), dtype=np.float32)}),
        predictions=Column(PREDICTION, Kind.CATEGORICAL, words, np.zeros(n, dtype=np.bool_), coding=Coding.of(words.tolist())),
        probabilities={"late": np.arange(n) / n},
        latency_seconds=np.arange(n) / 1000,
        weights=weights,
        trace_ids=[f"{i:032x}" for i in range(n)],
    )


def logged(folder, made, share=SHARE, **more):
    log = PredictionLog(folder, PredictionLogSettings(sampling=share), ManualClock(START + 10))
    log.append(made, **more)
    log.checkpoint()
    return log, read_predictions(folder)


def test_a_sampled_row_is_the_row_it_was_and_says_for_how_many_it_stands(tmp_path):
    made = batch(RowIds(["one", "many", "single"], [1, 998, 1]), weights=np.full(1000, 2.0))
    labels = [f"label{i}" for i in range(1000)]
    log, table = logged(tmp_path, made, labels=labels)
    places = {name: at for at, name in enumerate(made.row_ids)}
    assert 180 < table.num_rows < 320
    assert log.stats()["rows"] + log.stats()["sampled_out"] == 1000
    for row in table.to_pylist():
        at = places[row["prediction_id"]]
        assert row["feature_x"] == at
        assert row["prediction"] == row["feature_word"] == f"word{at % 3}"
        assert (row["latency_seconds"], row["prob_late"], row["label"]) == (at / 1000, at / 1000, f"label{at}")
        assert row["weight"] == 2.0 / SHARE


def test_batches_replays_and_other_processes_choose_the_same_rows(tmp_path):
    ids = [f"id{i}" for i in range(2_000)]
    _, whole = logged(tmp_path / "whole", batch(ids))
    log = PredictionLog(tmp_path / "parts", PredictionLogSettings(sampling=SHARE), ManualClock(START + 10))
    for start in range(0, 2_000, 7):
        log.append(batch(ids[start : start + 7]))
    log.checkpoint()
    chosen = set(whole["prediction_id"].to_pylist())
    assert chosen == set(read_predictions(tmp_path / "parts")["prediction_id"].to_pylist())
    half = {ids[at] for at in sampled_places(ids, 0.5)}
    assert chosen < half  # a smaller share is part of a larger one


@pytest.mark.parametrize("kind", ["numbered", "rows of a request", "kept by a server that samples by crc32"])
def test_the_choice_is_as_good_as_chance(kind):
    from zlib import crc32

    ids = [f"request-{i}" for i in range(20_000)] if kind != "rows of a request" else [f"r:{i}" for i in range(20_000)]
    if kind.startswith("kept"):
        ids = [one for one in ids if crc32(one.encode()) < 0.2 * 2**32]
    found = positions(ids, len(ids))
    assert stats.kstest(found, "uniform").pvalue > 1e-3
    assert (
        stats.kstest(found[1:] + found[:-1], stats.triang(0.5, scale=2).cdf).pvalue > 1e-3
    )  # neighbours do not know of each other


@pytest.mark.parametrize("share", [0, -0.1, 1.01, float("nan")])
def test_a_share_is_more_than_nothing_and_at_most_all(share):
    with pytest.raises(ValidationError):
        PredictionLogSettings(sampling=share)


def test_a_share_is_written_as_people_write_it():
    assert PredictionLogSettings(sampling="10%").sampling == 0.1


def test_the_loggers_rate_and_the_settings_share_multiply_and_choose_once(tmp_path):
    settings = PredictionLogSettings(sampling=0.5)
    with PredictionLogger(tmp_path, sampling_rate=0.5, settings=settings, clock=ManualClock(START + 10)) as logger:
        taken = [logger.log_prediction(f"id{i}", {"x": i}, 0.5) for i in range(1_000)]
    table = read_predictions(tmp_path / "predictions")
    assert table.num_rows == sum(taken)
    assert 200 < table.num_rows < 300
    assert set(table["weight"].to_pylist()) == {4.0}
