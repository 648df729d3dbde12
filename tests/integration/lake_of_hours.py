"""A small prediction log: two hours in Parquet and one open; a file of reference rows; and what docs/lake.md says of asking it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import PredictionLog
from neural.monitoring.records import PREDICTION, Column, Kind, RecordBatch
from neural.monitoring.windows import columns_from

PAGE = (Path(__file__).parents[2] / "docs" / "lake.md").read_text(encoding="utf-8")
HOUR, ROWS, HOURS = 3600.0, 2_000, 3
START = 1_700_000_000.0 // HOUR * HOUR
KINDS = np.array(["a", "b", "c", "new one"], dtype=object)


def batch_of(hour: int) -> RecordBatch:
    """Shifted by half a standard deviation; with gaps, infinities, categories that are new, and a column that comes later."""
    draw = np.random.default_rng(hour)
    x = draw.normal(0.5, 1, ROWS)
    x[::17], x[5], x[6] = np.nan, np.inf, -np.inf
    kinds = draw.choice(KINDS, ROWS, p=[0.4, 0.3, 0.2, 0.1])
    kinds[::13] = None
    features = columns_from({"x": x, "whole": draw.integers(0, 6, ROWS), "flag": draw.random(ROWS) < 0.4, "kind": kinds.tolist()})
    if hour:
        features |= columns_from({"later": draw.exponential(1, ROWS)})
    made = draw.choice(np.array(["late", "on time"], dtype=object), ROWS)
    return RecordBatch(
        "m",
        "1",
        START + hour * HOUR + np.arange(ROWS) * 0.5,
        [f"{hour}-{i}" for i in range(ROWS)],
        features,
        predictions=Column(PREDICTION, Kind.CATEGORICAL, made, np.zeros(ROWS, dtype=np.bool_)),
        latency_seconds=draw.exponential(0.02, ROWS),
    )


def make_lake(folder: Path) -> tuple[Path, Path]:
    """(the log's folder, the reference's file)."""
    draw = np.random.default_rng(99)
    rows = {
        "x": draw.normal(0, 1, 5_000),
        "whole": draw.integers(0, 6, 5_000),
        "flag": draw.random(5_000) < 0.4,
        "kind": draw.choice(KINDS[:3], 5_000),
        "later": draw.exponential(1, 5_000),
        "prediction": draw.choice(["late", "on time"], 5_000),
    }
    pq.write_table(pa.table(rows), folder / "reference.parquet")
    log = PredictionLog(folder / "log", clock=ManualClock(START + 30 * HOUR))
    for hour in range(HOURS):
        batch = batch_of(hour)
        right = [str(one) if i % 2 else None for i, one in enumerate(batch.predictions.values)]
        log.append(batch, labels=right)
    log.checkpoint()
    log.roll(START + 2 * HOUR + 120)
    log.close()
    return folder / "log", folder / "reference.parquet"


def block(language: str, word: str) -> str:
    """The block of docs/lake.md in which a word stands."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return next(one for one in blocks if word in one)


def conf(more: Mapping[str, str]) -> list[str]:
    """Options of spark-submit: this machine's, soon ready, and more."""
    quick = "'-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'"
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": quick,
        "spark.executor.extraJavaOptions": quick,
        **more,
    }
    return [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
