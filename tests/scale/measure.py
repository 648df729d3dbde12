"""Measures what ``costs.Measured`` says, as far as a test can: bytes of an event and of a row, series of a page."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from neural.monitoring.clock import ManualClock
from neural.monitoring.decode import Decoding
from neural.monitoring.predictions import PredictionLog
from neural.wire import CaptureBatch, CaptureEvent, encode_batch
from neural.wire.decode import decode_batch

BATCH = 256  # events: the shipper's default
START = 1_700_000_000 // 3600 * 3600.0
HEADERS = {"content-type": "application/json"}
CATEGORIES = {"c0": "abc", "c1": "xy"}


def event(dice: random.Random, moment: float, features: int = 20) -> CaptureEvent:
    """A request of one row: numbers with six decimals and two categories; the answer is a class and a probability."""
    row = {f"f{i}": round(dice.gauss(0, 1), 6) for i in range(features - len(CATEGORIES))}
    asked = orjson.dumps({"instances": [row | {name: dice.choice(kinds) for name, kinds in CATEGORIES.items()}]})
    answer = {"label": dice.randint(0, 1), "probability": round(dice.random(), 6)}
    answered = orjson.dumps({"predictions": [answer]})
    return CaptureEvent(
        str(uuid.UUID(int=dice.getrandbits(128), version=4)), int(moment * 1e9), 5_000_000, status=200, path="/v1/models/m:predict", model="m", version="1",
        request_body=asked, response_body=answered, request_size=len(asked), response_size=len(answered),
        request_headers=HEADERS, response_headers=HEADERS,
    )  # fmt: skip


def batches(count: int, *, features: int = 20, start: float = START) -> list[bytes]:
    dice = random.Random(7)
    made = [[event(dice, start + (number * BATCH + at) * 0.01, features) for at in range(BATCH)] for number in range(count)]
    return [encode_batch(CaptureBatch("pod:1:x", number + 1, events)) for number, events in enumerate(made)]


def wire_bytes() -> float:
    """Of an event."""
    return len(batches(1)[0]) / BATCH


def log_bytes(folder: Path, count: int = 40) -> tuple[float, float]:
    """Of a row of the prediction log: while its hour is open, and as Parquet."""
    log, decoding = PredictionLog(folder, clock=ManualClock(START + 3600)), Decoding()
    for body in batches(count):
        for rows in decoding.decode(decode_batch(body)).rows:
            log.append(rows)
    log.checkpoint()
    (segment,) = folder.rglob("*.arrows")
    open_bytes = segment.stat().st_size / (count * BATCH)
    log.roll(START + 3600 + 200)
    log.close()
    (parquet,) = folder.rglob("*.parquet")
    return open_bytes, parquet.stat().st_size / (count * BATCH)


def series_by_name(text: str) -> Counter[str]:
    """Of a metrics page."""
    return Counter(line.partition("{")[0].partition(" ")[0] for line in text.splitlines() if line and line[0] != "#")


def reference(path: Path, features: int = 20, rows: int = 5_000) -> None:
    draw = np.random.default_rng(1)
    columns: dict[str, Sequence[object]] = {f"f{i}": draw.normal(size=rows).tolist() for i in range(features - len(CATEGORIES))}
    columns |= {name: draw.choice(list(kinds), rows).tolist() for name, kinds in CATEGORIES.items()}
    pq.write_table(pa.table(columns | {"prediction": draw.choice(["0", "1"], rows).tolist()}), path)
