"""The seed's PredictionLogger and PredictionAnalyzer."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import DataError
from neural.monitoring.predictions import PredictionAnalyzer, PredictionLogger, read_predictions


def test_predictions_are_written_in_batches_and_read_back(tmp_path):
    logger = PredictionLogger(storage_path=tmp_path, batch_size=2, sampling_rate=1.0, clock=ManualClock())
    logger.log_prediction(
        "a", {"x": 1.0}, 1, prediction_proba={"0": 0.3, "1": 0.7}, ground_truth=1, latency_ms=25.5, metadata={"k": "v"}
    )
    assert read_predictions(logger.path).num_rows == 0
    logger.log_prediction("b", {"x": None}, 0)
    first, second = read_predictions(logger.path).to_pylist()
    assert (first["prediction_id"], first["prediction"], first["label"], first["prob_1"]) == ("a", 1.0, "1", 0.7)
    assert first["latency_seconds"] == pytest.approx(0.0255)
    assert json.loads(first["metadata"]) == {"k": "v"}
    assert (second["feature_x"], second["label"], second["prob_1"]) == (None, None, None)


@pytest.mark.parametrize("end", ["flush", "close", "exit", "collect"])
def test_what_waits_is_written_at_the_end(tmp_path, end):
    logger = PredictionLogger(storage_path=tmp_path, batch_size=100)
    path = logger.path
    if end == "exit":
        with logger:
            logger.log_prediction("a", {"x": 1}, "yes")
    else:
        logger.log_prediction("a", {"x": 1}, "yes")
        if end == "collect":
            del logger
            gc.collect()
        else:
            getattr(logger, end)()
    assert read_predictions(path)["prediction_id"].to_pylist() == ["a"]
    files = [one.suffix for one in path.rglob("*") if one.is_file()]
    assert files == [".arrows" if end == "flush" else ".parquet"]


def test_a_process_that_exits_leaves_parquet_and_no_segment(tmp_path):
    """An hour that is open then is read by any tool: nobody would write it as Parquet later."""
    program = (
        "from neural.monitoring.predictions import PredictionLogger\n"
        f"logger = PredictionLogger(storage_path={str(tmp_path)!r}, batch_size=2)\n"
        "for at in range(3): logger.log_prediction(str(at), dict(x=at), 1)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert [one.suffix for one in files] == [".parquet"]
    assert pq.read_table(files[0], partitioning=None)["prediction_id"].to_pylist() == ["0", "1", "2"]


def test_what_is_logged_after_close_is_kept_beside_what_was_before(tmp_path):
    logger = PredictionLogger(storage_path=tmp_path, batch_size=1)
    for name in "ab":
        logger.log_prediction(name, {"x": 1}, 1)
        logger.close()
    assert read_predictions(logger.path)["prediction_id"].to_pylist() == ["a", "b"]


def test_sampling_keeps_its_share_chooses_by_id_and_says_the_weight(tmp_path):
    logger = PredictionLogger(storage_path=tmp_path, batch_size=50, sampling_rate=0.25)
    kept = {f"id{i}" for i in range(2000) if logger.log_prediction(f"id{i}", {"x": i}, 0)}
    logger.close()
    assert 400 < len(kept) < 600
    assert logger.total_predictions == 2000
    table = read_predictions(logger.path)
    assert set(table["prediction_id"].to_pylist()) == kept
    assert set(table["weight"].to_pylist()) == {4.0}
    other = PredictionLogger(sampling_rate=0.25)
    assert {f"id{i}" for i in range(2000) if other.log_prediction(f"id{i}", {}, 0)} == kept


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"sampling_rate": 1.5}])
def test_settings_that_can_not_be_meant_are_refused(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        PredictionLogger(**wrong)


def analyzed(records, **arguments):
    logger = PredictionLogger()
    for at, record in enumerate(records):
        logger.log_prediction(f"p{at}", {}, **record)
    return PredictionAnalyzer(logger).analyze_predictions(**arguments)


def finite(value):
    if isinstance(value, dict):
        return all(finite(item) for item in value.values())
    if isinstance(value, list):
        return all(finite(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


def test_features_without_names_are_refused_and_not_counted():
    logger = PredictionLogger()
    with pytest.raises(DataError, match="input_features is list; a dict of features by name is needed"):
        logger.log_prediction("p", [1.0, 2.0], 1)
    assert logger.total_predictions == 0


def test_nothing_logged_is_no_data():
    assert analyzed([])["status"] == "no_data"


def test_the_analysis_has_latency_confidence_and_performance():
    found = analyzed(
        [
            {
                "prediction": i % 2,
                "prediction_proba": [0.1, 0.9],
                "ground_truth": (i % 2) if i < 80 else 1 - i % 2,
                "latency_ms": i,
            }
            for i in range(100)
        ]
    )
    assert found["status"] == "ok"
    assert found["latency"]["p50"] == pytest.approx(49.5)
    assert found["latency"]["p99"] <= found["latency"]["max"] == 99
    assert found["confidence"]["mean"] == pytest.approx(0.9)
    assert found["confidence"]["distribution"]["0.9-1.0"] == 100
    assert found["performance"]["accuracy"] == pytest.approx(0.8)
    assert found["performance"]["coverage"] == 1.0
    assert finite(found)


def test_the_window_is_the_last_predictions():
    found = analyzed([{"prediction": 1, "latency_ms": 1.0}] * 10 + [{"prediction": 1, "latency_ms": 9.0}] * 5, window=5)
    assert found["total_predictions"] == 5
    assert found["latency"]["min"] == 9.0


def test_numbers_are_a_regression():
    found = analyzed([{"prediction": 1.5 * i, "ground_truth": 1.5 * i + 1} for i in range(10)])["performance"]
    assert found["mae"] == pytest.approx(1.0)
    assert found["rmse"] == pytest.approx(1.0)


def test_slow_answers_ties_and_a_changed_class_mix_are_anomalies():
    usual = [{"prediction": "no", "latency_ms": 10.0 + i % 3, "prediction_proba": {"no": 0.9, "yes": 0.1}} for i in range(60)]
    later = [{"prediction": "yes", "latency_ms": 10.0, "prediction_proba": {"no": 0.2, "yes": 0.8}} for _ in range(60)]
    odd = [{"prediction": "yes", "latency_ms": 900.0, "prediction_proba": {"no": 0.495, "yes": 0.505}}]
    kinds = {item["type"] for item in analyzed(usual + later + odd)["anomalies"]}
    assert kinds == {"latency", "confidence", "class_mix", "confidence_shift"}
    assert analyzed(usual)["anomalies"] == []


@pytest.mark.parametrize(
    "record",
    [
        {"prediction": np.array([0.5])},
        {"prediction": [0.1, 0.9], "prediction_proba": np.array([0.1, 0.9])},
        {"prediction": None, "latency_ms": math.nan},
        {"prediction": math.nan, "ground_truth": math.inf, "prediction_proba": {"a": math.nan}},
        {"prediction": {"box": [1, 2]}, "ground_truth": "x"},
    ],
    ids=["array", "list", "nothing", "not finite", "nested"],
)
def test_any_prediction_can_be_logged_and_analyzed(tmp_path, record):
    found = analyzed([record] * 3)
    assert finite(found)
    logger = PredictionLogger(storage_path=tmp_path, batch_size=1)
    logger.log_prediction("a", {"x": object(), "y": [1, 2]}, **record)
    assert read_predictions(logger.path).num_rows == 1


def test_a_late_truth_reaches_the_analyzer_and_the_file(tmp_path):
    logger = PredictionLogger(storage_path=tmp_path)
    logger.log_prediction("a", {}, 1)
    assert logger.update_ground_truth("a", 1)
    assert not logger.update_ground_truth("z", 1)
    assert PredictionAnalyzer(logger).analyze_predictions()["performance"]["accuracy"] == 1.0
    logger.flush()
    assert read_predictions(logger.path)["label"].to_pylist() == ["1"]
