"""``analyze`` says in text what it says in JSON, and ends as other commands do."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.predictions import PredictionLog
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.windows import columns_from

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # Ibis calls DuckDB by an older name
START = 1_699_999_200.0  # 2023-11-14 22:00 UTC


@pytest.fixture
def logged(tmp_path):
    log = PredictionLog(tmp_path / "predictions", clock=ManualClock(START + 7200))
    made = np.array(["late", "on time"] * 5, dtype=object)
    for hour in range(2):
        batch = RecordBatch(
            model="fraud",
            version="3",
            times=START + hour * 3600 + np.arange(10.0),
            row_ids=[f"{hour}-{i}" for i in range(10)],
            features=columns_from({"distance": [float(i) for i in range(10)], "carrier": ["AA\x1b[31m"] * 6 + ["[red]UA"] * 4}),
            predictions=Column("@prediction", Kind.CATEGORICAL, made, np.zeros(10, dtype=bool)),
            latency_seconds=np.full(10, 0.02),
        )
        log.append(batch, labels=["late"] * 10)
    log.checkpoint()
    log.roll(START + 3700)
    return tmp_path / "predictions"


def test_text_tells_rows_features_and_what_is_not_rolled(neural, logged):
    said = neural("analyze", logged)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("2023-11-14 22:00:00 to 2023-11-14 23:00:09 UTC  20 rows")
    for expected in (
        "fraud 3 20 (100.0%)",
        "10 rows of open hours",
        "late 10 (50.0%)",
        "p95 20.0 ms",
        "accuracy 50.00%",
        "4.500",
    ):
        assert expected in said.out
    assert "AA\\x1b[31m 12, [red]UA 8" in said.out


def test_json_is_the_profile_and_the_options_narrow_it(neural, logged):
    whole = neural("analyze", logged, "--format", "json").json
    assert (whole["status"], whole["rows"], whole["unrolled_rows"]) == ("ok", 20, 10)
    part = neural("analyze", logged, "--since", "2023-11-14T22:00:04", "--until", "2023-11-14T23:00", "--model", "fraud",
                  "--model-version", "3", "--format", "json").json  # fmt: skip
    assert (part["rows"], part["unrolled_rows"], part["features"]["distance"]["min"]) == (6, 0, 4.0)


def test_no_rows_is_no_data_and_no_error(neural, logged, tmp_path):
    said = neural("analyze", logged, "--model", "nobody")
    assert (said.code, said.out) == (0, f"no_data: {logged}: no predictions with this model\n")
    assert neural("analyze", tmp_path, "--format", "json").json["status"] == "no_data"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no such folder"),
        (("--since", "1d", "--until", "2d"), "--since must be before --until"),
        (("--since", "soon"), "is no moment"),
    ],
)
def test_what_cannot_be_answered_ends_with_two(neural, tmp_path, arguments, says):
    said = neural("analyze", tmp_path / "nowhere", *arguments)
    assert (said.code, said.out) == (2, "")
    assert says in said.err


def test_without_the_extra_it_says_what_to_install(neural, logged, monkeypatch):
    monkeypatch.setitem(sys.modules, "ibis", None)
    said = neural("analyze", logged)
    assert said.code == 2
    assert said.err == "neural monitor: the lake's engine is not installed: pip install 'neural-monitoring[lake]'\n"
