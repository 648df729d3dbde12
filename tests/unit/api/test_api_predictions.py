"""The prediction log in pages."""

from __future__ import annotations

import numpy as np
import pytest

from neural.monitoring.predictions import PredictionLog, PredictionLogSettings
from neural.monitoring.records import Column, Kind, RecordBatch


@pytest.fixture
def log_folder(tmp_path, now):
    """Ten requests of three rows each, ten seconds apart."""
    log = PredictionLog(tmp_path / "predictions", PredictionLogSettings(), lambda: now)
    for number in range(10):
        values = np.array([1.0, np.nan, float(number)])
        log.append(
            RecordBatch(
                "fraud", "3", np.full(3, now - 100 + 10.0 * number), [f"p{number}:{row}" for row in range(3)],
                {"age": Column("age", Kind.NUMERIC, values, np.isnan(values))},
                Column("@prediction", Kind.CATEGORICAL, np.array(["yes", "no", "yes"], dtype=object), np.zeros(3, bool)),
                latency_seconds=np.full(3, 0.01),
            )
        )  # fmt: skip
    log.checkpoint()
    yield tmp_path / "predictions"
    log.close()


async def test_pages_cover_every_row_once_and_cut_no_request(serve, log_folder):
    seen, params = [], {"limit": 8}
    async with serve(predictions=log_folder).client() as client:
        while params is not None:
            page = (await client.get("/api/v1/predictions", params=params)).json()
            assert 0 < len(page["predictions"]) <= 8
            seen = [row["prediction_id"] for row in page["predictions"]] + seen
            params = page["next"]
    assert seen == [f"p{number}:{row}" for number in range(10) for row in range(3)]


async def test_rows_are_json_without_nan(serve, log_folder, now):
    async with serve(predictions=log_folder).client() as client:
        rows = (await client.get("/api/v1/predictions", params={"since": now - 15, "model": "fraud"})).json()["predictions"]
    assert [row["feature_age"] for row in rows] == [1.0, None, 9.0]
    assert rows[0]["time"] == now - 10


async def test_peoples_data_is_not_for_strangers(serve, log_folder):
    async with serve(predictions=log_folder).client("10.0.0.7") as client:
        assert (await client.get("/api/v1/predictions")).status_code == 403
    async with serve(predictions=log_folder, token="s3cret").client("10.0.0.7") as client:
        assert (await client.get("/api/v1/predictions")).status_code == 401
        assert (await client.get("/api/v1/predictions", headers={"Authorization": "Bearer s3cret"})).status_code == 200


async def test_no_log_is_an_empty_page(serve, tmp_path):
    async with serve(predictions=tmp_path / "none").client() as client:
        assert (await client.get("/api/v1/predictions")).json() == {"predictions": [], "next": None}
