"""One lake, one expression, two engines: DuckDB here, Spark with two executor processes. Both count what the sidecar's panes count."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs
from tests.integration.lake_of_hours import HOUR, ROWS, START, batch_of, block, conf, make_lake
from tests.integration.object_stores import STORES

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift.over import drift_over
from neural.monitoring.errors import DataError
from neural.monitoring.predictions import read_predictions
from neural.monitoring.records import PREDICTION
from neural.monitoring.views.past import analyze_past, load_reference, thinned, window_of
from neural.monitoring.windows import PaneStore, Reference, WindowSettings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ibis', Spark's and moto's own
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(log with two hours in Parquet and one open, file of reference rows)."""
    return make_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def by_duckdb(lake: tuple[Path, Path]) -> dict[str, Any]:
    return analyze_past(lake[0], reference=lake[1])


def _in_panes(reference: Reference) -> Any:
    now = START + 4 * HOUR
    panes = PaneStore(WindowSettings(length=5 * HOUR), ManualClock(now))
    panes.set_default_reference(reference)
    for hour in range(3):
        panes.add_rows(batch_of(hour))
    return panes.evaluation("m", "1", now).window


def test_the_lakes_counts_are_those_of_the_sidecars_panes(lake: tuple[Path, Path], by_duckdb: dict[str, Any]) -> None:
    full = load_reference(lake[1])
    coarse = thinned(full)
    ours, theirs = window_of(by_duckdb, coarse), _in_panes(coarse)
    assert ours.rows == theirs.rows == 3 * ROWS
    assert set(ours.columns) == {"x", "whole", "flag", "kind", "later", PREDICTION}
    for name, pane in ours.columns.items():
        other = theirs.columns[name]
        assert pane.counts.tolist() == other.counts.tolist(), name
        assert (pane.n, pane.non_finite, pane.unseen) == (other.n, other.non_finite, other.unseen)
        assert pane.missing == other.missing + ours.rows - other.total  # in the log, a column that a row lacks is null
        if name in {"x", "whole", "later"}:
            assert (pane.mean, pane.std) == pytest.approx((other.mean, other.std))


def test_drift_and_psi_are_those_of_the_panes_on_the_full_grid(lake: tuple[Path, Path], by_duckdb: dict[str, Any]) -> None:
    full = load_reference(lake[1])
    expected = {one["column"]: one for one in drift_over(full, _in_panes(full))["columns"]}
    found = {one["column"]: one for one in by_duckdb["drift"]["columns"]}
    assert by_duckdb["drift"]["is_drifting"]
    assert {name for name, one in found.items() if one["drifting"]} == {"x", "kind"}
    assert len(full.columns["x"].counts) > 200 > 35 > len(thinned(full).columns["x"].counts)  # fewer cells …
    for name, one in found.items():
        assert one["psi"] == pytest.approx(expected[name]["psi"], rel=1e-12)  # … and the same PSI
        assert expected[name]["effect"] - 1 / 30 <= one["effect"] <= expected[name]["effect"] + 1e-12
    troubles = {(one["column"], one["kind"]): one["count"] for one in by_duckdb["quality"]["findings"]}
    gaps = 3 * len(range(0, ROWS, 17))
    assert troubles["x", "missing"] == gaps
    assert set(troubles) == {("x", "missing"), ("kind", "missing"), ("kind", "unseen"), ("later", "missing")}


def _close(one: Any, other: Any, where: str = "") -> None:
    """Equal, and floats up to the order they were added in."""
    if isinstance(one, dict):
        assert set(one) == set(other), where
        for key in one:
            _close(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for at, (a, b) in enumerate(zip(one, other, strict=True)):
            _close(a, b, f"{where}[{at}]")
    elif isinstance(one, float) and not isinstance(other, bool) and other is not None:
        assert other == pytest.approx(one, rel=1e-9, abs=1e-12), where
    else:
        assert one == other, where


@pytest.mark.timeout(300)
@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed: Spark needs it")
def test_spark_with_two_executors_gives_the_answer_that_duckdb_gives(
    lake: tuple[Path, Path], by_duckdb: dict[str, Any], tmp_path: Path
) -> None:
    """By the submit recipe of docs/lake.md, as it stands there. Executors get a Python that does not exist, to show that they need none."""
    events = tmp_path / "events"
    events.mkdir()
    submitted = {
        "spark.executor.memory": "700m",
        "spark.pyspark.python": "/no/such/python",
        "spark.pyspark.driver.python": sys.executable,
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": events.as_uri(),
    }
    recipe = block("bash", "spark-submit").replace("--conf spark.executor.memory=4g", " ".join(conf(submitted)))
    assert "700m" in recipe
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_MASTER": "local-cluster[2,1,1024]",  # two executors, a core and a GiB each, in processes of their own
        "LOG": str(lake[0]),
        "REFERENCE": str(lake[1]),
    }
    done = subprocess.run(
        ["sh", "-c", recipe], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment, timeout=280
    )
    assert done.returncode == 1, done.stderr[-4000:]  # the log has drifted from its reference
    said = "".join(file.read_text() for file in events.rglob("events*"))
    assert said.count("SparkListenerExecutorAdded") == 2
    _close(json.loads(json.dumps(by_duckdb)), json.loads((tmp_path / "answer.json").read_text()))


@pytest.fixture(params=sorted(STORES))
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with STORES[request.param](tmp_path) as url:
        yield url


def test_a_log_in_an_object_store_is_read_where_it_is(lake: tuple[Path, Path], bucket: str) -> None:
    store, path = fs.FileSystem.from_uri(bucket)
    for file in lake[0].rglob("*.parquet"):
        with store.open_output_stream(f"{path}/{file.relative_to(lake[0]).as_posix()}") as sink:
            sink.write(file.read_bytes())
    there = analyze_past(bucket, reference=lake[1])
    here = analyze_past(lake[0], reference=lake[1], until=START + 2 * HOUR)
    assert there["path"] == re.sub(r"[?].*|(?<=//).*@", "", bucket)  # without options, where secrets may stand
    assert "sig=" not in json.dumps(there)
    assert (there["rows"], there["unrolled_rows"]) == (2 * ROWS, 0)
    for part in ("features", "predictions", "latency", "performance", "drift", "quality"):
        _close(here[part], there[part], part)
    assert analyze_past(bucket, since=START + HOUR)["files"] == 1
    assert read_predictions(lake[0], until=START + 2 * HOUR).num_rows == 2 * ROWS


def test_a_place_that_is_not_known_is_one_line_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for url in ("s3://key:secret@bucket/x", "ftp://key:secret@host/x"):
        with pytest.raises(DataError) as refused:
            analyze_past(url)
        assert "secret" not in str(refused.value)
        assert "\n" not in str(refused.value)
