"""The prediction log without this project's code, as docs/lake.md says it is read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from tests.integration.lake_of_hours import HOURS, ROWS, batch_of, block, conf, make_lake

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # pandas', Spark's and DuckDB's own
ROLLED = 2  # hours in Parquet


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `monitoring_data/predictions` is a log."""
    folder = tmp_path_factory.mktemp("plain")
    log, _ = make_lake(folder)
    (folder / "monitoring_data").mkdir()
    log.rename(folder / "monitoring_data" / "predictions")
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def test_pandas_reads_the_rows_that_were_logged(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Any] = {}
    exec(compile(block("python", "pandas"), "docs/lake.md", "exec"), found)
    rows = found["rows"].set_index("prediction_id")
    assert len(rows) == ROLLED * ROWS
    for hour in range(ROLLED):
        batch = batch_of(hour)
        mine = rows.loc[list(batch.row_ids)]
        x = batch.features["x"].values
        assert np.array_equal(mine["feature_x"].to_numpy(dtype=float), x, equal_nan=True)
        assert mine["feature_kind"].isna().tolist() == batch.features["kind"].missing.tolist()
        assert mine["prediction"].tolist() == batch.predictions.values.tolist()
        assert mine["time"].astype("int64").to_numpy() / 1e6 == pytest.approx(batch.times)
        assert mine["label"].isna().sum() == ROWS // 2
    assert rows["feature_later"].isna().sum() == ROWS  # the first hour has no such column
    assert "late" in capsys.readouterr().out


def test_a_folder_with_an_open_hour_is_read_whole(here: Path) -> None:
    from pandas import read_parquet

    assert list(here.rglob("_*.arrows"))
    rows = read_parquet("monitoring_data/predictions")
    assert (len(rows), rows["weight"].sum()) == (ROLLED * ROWS, ROLLED * ROWS)


def test_duckdb_reads_the_folders_as_partitions(here: Path) -> None:
    found = duckdb.sql(block("sql", "read_parquet")).fetchall()
    assert [(model, str(version), str(date), int(hour), rows) for model, version, date, hour, rows, *_ in found] == [
        ("m", "1", "2023-11-14", 22, ROWS),
        ("m", "1", "2023-11-14", 23, ROWS),
    ]
    assert found[0][5] == ROWS
    assert found[0][6] == pytest.approx(batch_of(0).latency_seconds.mean())


@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed: Spark needs it")
@pytest.mark.timeout(120)
def test_spark_reads_the_folder_and_we_use_a_session_that_is_there(here: Path) -> None:
    """In a process of its own, as a user's script."""
    ours = f"""
from neural.monitoring.lake import profile
assert set(rows.columns) > {{"model", "feature_x", "feature_later"}}
assert profile("monitoring_data/predictions", engine="spark")["rows"] == {HOURS * ROWS}
assert rows.count() == {ROLLED * ROWS}  # the session is still there
spark.stop()
"""
    script = here / "plain.py"
    script.write_text(block("python", "pyspark") + ours)
    submitted = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_SUBMIT_ARGS": f"--master local[1] {' '.join(conf({}))} pyspark-shell"}
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", **submitted}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, env=environment, timeout=100
    )
    assert done.returncode == 0, done.stderr
    found = sorted(re.findall(r"\|\s*m\|2023-11-14\|\s*(\d+)\|\s*(\d+)\|", done.stdout))
    assert found == [("22", str(ROWS)), ("23", str(ROWS))]
