"""A profile of a log that was really written equals numpy on the same rows, and opens nothing that was not asked for."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import DataError, NeuralError
from neural.monitoring.lake import profile
from neural.monitoring.lake.engines import engine_of
from neural.monitoring.lake.files import find_files
from neural.monitoring.lake.places import place_of
from neural.monitoring.lake.table import log_table
from neural.monitoring.predictions import PredictionLog, read_predictions
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.windows import columns_from

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis calls DuckDB by an older name
HOUR = 3600.0
START = 1_700_000_000.0 // HOUR * HOUR


def made_of(values):
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return Column("@prediction", Kind.NUMERIC, values, np.isnan(values))
    values = values.astype(object)
    return Column("@prediction", Kind.CATEGORICAL, values, np.array([value is None for value in values]))


def rows(n, start=START, *, model="fraud", version="1", features=None, predictions=None, **more):
    return RecordBatch(
        model=model,
        version=version,
        times=start + np.arange(n, dtype=np.float64),
        row_ids=[f"{start:.0f}-{i}" for i in range(n)],
        features=columns_from(features if features is not None else {"x": [float(i) for i in range(n)]}),
        predictions=None if predictions is None else made_of(predictions),
        **more,
    )


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path, clock=ManualClock(START + 30 * HOUR))
    yield log
    log.close()


def close_hours(log, until):
    """As the sidecar does: hours before ``until`` become Parquet, and their segments go two checkpoints later."""
    log.checkpoint()
    log.roll(until + 120)


@pytest.fixture
def mixed(log):
    """Two closed hours and an open one, with gaps, infinities, labels and weights. Yields what was written."""
    draw = np.random.default_rng(7)
    written = {name: [] for name in ("x", "carrier", "made", "label", "latency", "weight")}
    for hour in range(3):
        n = 400
        x = draw.normal(hour, 2, n)
        x[::17] = np.nan
        x[5] = np.inf
        carrier = draw.choice(np.array(["AA", "UA", "DL", None], dtype=object), n, p=[0.5, 0.25, 0.15, 0.1])
        made = draw.choice(["late", "on time"], n)
        label = [str(one) if i % 3 == 0 else None for i, one in enumerate(draw.choice(["late", "on time"], n))]
        latency, weight = draw.exponential(0.02, n), np.full(n, 2.0)
        features = {
            "x": Column("x", Kind.NUMERIC, x, np.isnan(x)),
            "carrier": Column("carrier", Kind.CATEGORICAL, carrier, np.array([one is None for one in carrier])),
        }
        batch = rows(n, START + hour * HOUR, predictions=made, latency_seconds=latency, weights=weight)
        batch = replace(batch, features=features)
        log.append(batch, labels=label)
        for name, values in zip(written, (x, carrier, made, label, latency, weight), strict=True):
            written[name].extend(values)
    close_hours(log, START + 2 * HOUR)
    return {
        name: np.array(values, dtype=None if name in {"x", "latency", "weight"} else object) for name, values in written.items()
    }


def test_numbers_equal_numpy_on_the_same_rows(mixed, tmp_path):
    found = profile(tmp_path)["features"]["x"]
    finite = mixed["x"][np.isfinite(mixed["x"])]
    assert (found["kind"], found["count"], found["missing"], found["infinite"]) == (
        "numeric", len(finite), int(np.isnan(mixed["x"]).sum()), int(np.isinf(mixed["x"]).sum()),
    )  # fmt: skip
    expected = [finite.mean(), finite.std(), finite.min(), *np.quantile(finite, [0.5, 0.95]), finite.max()]
    assert [found[name] for name in ("mean", "std", "min", "p50", "p95", "max")] == pytest.approx(expected, rel=1e-12)


def test_categories_classes_latency_and_accuracy_equal_numpy_on_the_same_rows(mixed, tmp_path):
    found = profile(tmp_path)
    known = [one for one in mixed["carrier"] if one is not None]
    counts = sorted(((known.count(name), name) for name in set(known)), reverse=True)
    assert found["features"]["carrier"] == {
        "kind": "categorical", "count": len(known), "missing": len(mixed["carrier"]) - len(known), "distinct": 3,
        "top": [{"value": name, "rows": count} for count, name in counts],
    }  # fmt: skip
    made = mixed["made"].tolist()
    assert {one["value"]: one["rows"] for one in found["predictions"]["classes"]} == {
        name: made.count(name) for name in set(made)
    }
    assert [found["latency"][name] for name in ("p50", "p95", "p99")] == pytest.approx(
        np.quantile(mixed["latency"], [0.5, 0.95, 0.99])
    )
    labelled = np.array([one is not None for one in mixed["label"]])
    right = (mixed["made"] == mixed["label"])[labelled].mean()
    assert found["performance"] == {"labelled": int(labelled.sum()), "accuracy": pytest.approx(right)}


def test_rows_of_open_hours_count_and_are_named_and_rolled_ones_count_once(mixed, tmp_path):
    assert len(list(tmp_path.rglob("*.parquet"))) == 2
    assert len(list(tmp_path.rglob("*.arrows"))) == 3  # those of the rolled hours are still there
    found = profile(tmp_path)
    assert (found["status"], found["rows"], found["unrolled_rows"], found["weighted_rows"]) == ("ok", 1200, 400, 2400)
    assert (found["first"], found["last"]) == (START, START + 2 * HOUR + 399)
    assert found["models"] == [{"model": "fraud", "version": "1", "rows": 1200}]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("since", "until"), [(START + 100, None), (None, START + HOUR + 50), (START + HOUR, START + 2 * HOUR + 7)]
)
def test_a_time_range_takes_the_rows_that_the_log_itself_gives(mixed, tmp_path, since, until):
    assert profile(tmp_path, since=since, until=until)["rows"] == read_predictions(tmp_path, since=since, until=until).num_rows


def test_what_is_outside_the_question_is_not_opened(log, tmp_path):
    log.append(rows(10))
    log.append(rows(10, START + HOUR))
    log.append(rows(10, model="other", features={"y": [1.0] * 10}))
    close_hours(log, START + 2 * HOUR)
    hours = sorted(tmp_path.rglob("model=fraud/**/*.parquet"))
    for path in [hours[1], *tmp_path.rglob("model=other/**/*.parquet")]:
        path.write_bytes(b"not Parquet")
    found = profile(tmp_path, model="fraud", version="1", until=START + HOUR)
    assert (found["rows"], list(found["features"])) == (10, ["x"])
    with pytest.raises(NeuralError, match=r"can't be read: .*") as caught:
        profile(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a b/c=d%20é", "", "_", "x" * 100])
def test_a_model_is_found_by_the_name_it_was_written_with(log, tmp_path, name):
    log.append(rows(3, model=name))
    log.append(rows(2, model="another"))
    log.checkpoint()
    written = read_predictions(tmp_path, model=name)["model"].to_pylist()[0]
    assert profile(tmp_path, model=written)["models"] == [{"model": written, "version": "1", "rows": 3}]


def test_versions_with_other_columns_and_types_are_laid_together(log, tmp_path):
    log.append(rows(2, features={"x": [1.0, 2.0], "flag": [True, False]}))
    log.append(rows(3, version="2", features={"x": ["low", "high", "low"], "y": [1.0, 2.0, 3.0]}))
    close_hours(log, START + HOUR)
    found = profile(tmp_path)["features"]
    assert (found["x"]["kind"], found["x"]["distinct"], found["x"]["top"][0]) == ("categorical", 4, {"value": "low", "rows": 2})
    assert (found["y"]["count"], found["y"]["missing"], found["y"]["mean"]) == (3, 2, 2.0)
    assert (found["flag"]["kind"], found["flag"]["count"], found["flag"]["distinct"]) == ("boolean", 2, 2)


def test_numbers_predicted_are_measured_by_their_errors_and_whole_ones_by_hits(log, tmp_path):
    log.append(rows(3, predictions=[1.5, 2.0, 4.0]), labels=["1", "2", "nonsense"])
    log.append(rows(4, model="whole", predictions=[0.0, 1.0, 1.0, 0.0]), labels=["0", "1", "0", None])
    log.checkpoint()
    found = profile(tmp_path, model="fraud")
    assert found["performance"] == {"labelled": 3, "mae": pytest.approx(0.25), "rmse": pytest.approx(np.sqrt(0.125))}
    assert (found["predictions"]["mean"], found["predictions"]["classes"]) == (pytest.approx(2.5), [])
    whole = profile(tmp_path, model="whole")
    assert whole["performance"] == {"labelled": 3, "accuracy": pytest.approx(2 / 3)}
    assert [(float(one["value"]), one["rows"]) for one in whole["predictions"]["classes"]] == [(0.0, 2), (1.0, 2)]


def test_embeddings_are_counted_and_huge_numbers_stay_out_of_the_mean(log, tmp_path):
    vectors = np.ones((3, 2), dtype=np.float32)
    batch = rows(3, features={"x": [1e300, -1e300, 2.0]})
    features = {**batch.features, "vector": Column("vector", Kind.EMBEDDING, vectors, np.array([False, True, False]))}
    log.append(replace(batch, features=features))
    log.checkpoint()
    found = profile(tmp_path)["features"]
    assert found["vector"] == {"kind": "embedding", "count": 2, "missing": 1}
    assert (found["x"]["count"], found["x"]["infinite"], found["x"]["mean"], found["x"]["std"]) == (1, 2, 2.0, 0.0)


def test_a_torn_segment_counts_as_far_as_it_is_whole(log, tmp_path):
    log.append(rows(5))
    log.checkpoint()
    (path,) = tmp_path.rglob("*.arrows")
    path.write_bytes(path.read_bytes() + b"\xff\xff\xff\xff\x40")
    assert profile(tmp_path)["rows"] == 5


def test_hundreds_of_open_hours_are_one_question(log, tmp_path):
    for hour in range(300):
        log.append(rows(1, START - hour * HOUR))
    log.checkpoint()
    found = profile(tmp_path)
    assert (found["rows"], found["unrolled_rows"], found["files"]) == (300, 300, 300)


def test_too_many_models_at_once_asks_for_one(log, tmp_path):
    for index in range(101):
        log.append(rows(1, model=f"m{index}"))
    log.checkpoint()
    with pytest.raises(DataError, match="more than 100 models"):
        profile(tmp_path)
    assert profile(tmp_path, model="m7")["rows"] == 1


def test_an_empty_folder_has_no_data_and_a_missing_one_is_an_error(tmp_path):
    found = profile(tmp_path)
    assert (found["status"], found["rows"], found["message"]) == ("no_data", 0, f"{tmp_path}: no predictions in it")
    with pytest.raises(DataError, match="no such folder"):
        profile(tmp_path / "nowhere")


def test_a_folder_whose_name_looks_like_a_pattern_is_read_as_it_is(tmp_path):
    root = tmp_path / "logs [old] *?"
    log = PredictionLog(root, clock=ManualClock(START + HOUR))
    log.append(rows(4))
    close_hours(log, START + HOUR)
    found = profile(root)
    assert (found["rows"], found["unrolled_rows"]) == (4, 0)


def test_parquet_that_is_no_prediction_log_is_one_line(tmp_path):
    folder = tmp_path / "model=m/version=1/date=2026-01-01/hour=00"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"feature_x": [1.0]}), folder / "part-0.parquet")
    with pytest.raises(NeuralError, match="Column 'time' is not found"):
        profile(tmp_path)


def test_the_time_range_is_pushed_into_the_reading_of_the_files(log, tmp_path):
    log.append(rows(4))
    close_hours(log, START + HOUR)
    engine, place = engine_of("duckdb", str(tmp_path / "spill")), place_of(tmp_path)
    table = log_table(engine, place, find_files(place), START + 2, None)
    plan = engine.connection.con.execute("EXPLAIN " + str(ibis.to_sql(table.count(), dialect="duckdb"))).fetchall()[0][1]
    engine.close()
    scan = plan[plan.index("PARQUET") :]
    assert "Filters:" in scan
    assert "time >=" in scan


def test_folders_of_others_are_left_alone(log, tmp_path):
    log.append(rows(2))
    log.checkpoint()
    for odd in ("model=fraud/version=1/date=someday/hour=99", "model=fraud/elsewhere", "notes"):
        (tmp_path / odd).mkdir(parents=True)
        (tmp_path / odd / "main-1.parquet").write_bytes(b"")
    assert [file.rolled for file in find_files(place_of(tmp_path))] == [False]
    assert profile(tmp_path)["rows"] == 2


@pytest.mark.parametrize("package", ["duckdb", "ibis"])
def test_without_the_extra_one_line_says_what_to_install(monkeypatch, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NeuralError, match=r"pip install 'neural-monitoring\[lake\]'") as caught:
        profile(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "path", "told"),
    [
        ("s3://bucket/logs?region=us-east-1", "bucket/logs/a.parquet", "s3a://bucket/logs/a.parquet"),
        ("gs://anonymous@bucket/logs", "bucket/logs/a.parquet", "gs://bucket/logs/a.parquet"),
        (
            "abfss://box@account.dfs.core.windows.net/logs",
            "box/logs/a.parquet",
            "abfss://box@account.dfs.core.windows.net/logs/a.parquet",
        ),
    ],
)
def test_spark_is_told_of_a_file_as_hadoop_writes_it(url, path, told):
    place = place_of(url)
    assert path.startswith(f"{place.path}/")
    assert place.spark_path(path) == told
