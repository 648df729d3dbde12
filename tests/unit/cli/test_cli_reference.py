"""``neural monitor reference``: the draft is YAML that the configuration takes, and holds for the rows it was read from."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from neural.monitoring.cli.entry import monitor, run
from neural.monitoring.settings import parse_settings
from neural.monitoring.windows import build_reference, column_of, infer_features


@pytest.fixture
def file(tmp_path):
    random = np.random.default_rng(0)
    rows = {
        "temp": random.normal(10.0, 8.0, 500),
        "delay": random.exponential(20.0, 500),
        "p": random.random(500),
        "late": random.integers(0, 2, 500).astype(float),
        "carrier": random.choice(["AA", "UA", "yes"], 500).tolist(),
        "tail: number": [f"N{at}" for at in range(500)],
        "gone": [None if at % 10 == 0 else float(at) for at in range(500)],
    }
    parquet.write_table(pa.table(rows), tmp_path / "january.parquet")
    return tmp_path / "january.parquet"


def test_the_draft_is_a_configuration(file, capsys):
    assert run(monitor, "neural-monitor", ["reference", str(file)]) == 0
    text = capsys.readouterr().out
    features = parse_settings(text + "model: {name: flights}\n", env={}).features
    assert features["temp"].range is not None
    assert features["delay"].range is not None
    assert features["delay"].range[0] == 0.0
    assert features["p"].constraint == "probability"
    assert features["late"].constraint == "binary"
    assert features["carrier"].allowed == ["AA", "UA", "yes"]
    assert features["tail: number"].allowed is None
    assert features["carrier"].required
    assert not features["gone"].required
    assert "10.0% missing" in text
    assert yaml.safe_load(text)["reference"]["source"] == str(file)


def test_json_names_the_reference(file, capsys):
    assert run(monitor, "neural-monitor", ["reference", str(file), "--format", "json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["rows"] == 500
    assert len(body["hash"]) == 16
    assert body["features"]["carrier"]["allowed"] == ["AA", "UA", "yes"]


def test_constraints_of_sagemaker_count(file, tmp_path, capsys):
    constraints = {
        "version": 0,
        "features": [
            {"name": "temp", "inferred_type": "Fractional", "completeness": 1.0, "num_constraints": {"is_non_negative": True}}
        ],
    }
    (tmp_path / "constraints.json").write_text(json.dumps(constraints))
    assert run(monitor, "neural-monitor", ["reference", str(file), "--constraints", str(tmp_path / "constraints.json")]) == 0
    features = parse_settings(capsys.readouterr().out + "model: {name: flights}\n", env={}).features
    assert features["temp"].range == (0.0, 1e308)


def test_a_missing_file_is_one_line(tmp_path, capsys):
    assert run(monitor, "neural-monitor", ["reference", str(tmp_path / "none.parquet")]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "values", [[], [None] * 200, [1.0] * 200, [float("inf")] * 200, [1e308, -1e308] * 100, [-5e-324, 5e-324] * 100]
)
def test_a_draft_holds_for_its_own_rows_whatever_they_are(values):
    (found,) = infer_features(build_reference({"x": column_of("x", values)}, source="test", created_at=0.0))
    low, high = found.settings.get("range", (-np.inf, np.inf))
    assert all(low <= value <= high for value in values if value is not None and np.isfinite(value))
    assert found.seen
