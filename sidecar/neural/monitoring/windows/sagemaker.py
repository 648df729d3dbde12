"""Reads the baseline that SageMaker Model Monitor wrote: ``statistics.json`` as a reference, ``constraints.json`` as feature settings.

A baseline holds no rows, but a sketch of each column. Columns of representative rows are drawn from it: right column by column, knowing
nothing of how columns go together. Of the KLL sketch, an item at level i stands for 2^i rows; where it is absent the ten buckets are filled evenly.

Format: Amazon SageMaker developer guide, "Schema for Statistics" and "Schema for Constraints".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.errors import ReferenceDataError
from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.columns import column_of

MAX_ROWS = 20_000
MAX_BYTES = 256 * 2**20
LARGEST = 1e308  # the upper end of a range that has none: the configuration takes finite numbers


def sagemaker_columns(path: Path) -> dict[str, Column]:
    """Representative rows of a ``statistics.json``, at most 20,000. Raises ReferenceDataError when it is none."""
    body = _read(path)
    try:
        rows = min(int(body["dataset"]["item_count"]), MAX_ROWS)
        features = [item for item in body["features"] if "numerical_statistics" in item or "string_statistics" in item]
        return {str(item["name"]): _column(item, rows, np.random.default_rng(at)) for at, item in enumerate(features)}
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ReferenceDataError(f"{path}: not a SageMaker statistics.json: {error!r}") from error


def sagemaker_features(path: Path) -> dict[str, dict[str, Any]]:
    """The ``features`` section of our configuration, from a ``constraints.json``. Raises ReferenceDataError when it is none."""
    try:
        return {str(item["name"]): _settings(item) for item in _read(path)["features"]}
    except (KeyError, TypeError) as error:
        raise ReferenceDataError(f"{path}: not a SageMaker constraints.json: {error!r}") from error


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReferenceDataError(f"{path}: larger than {MAX_BYTES} bytes")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReferenceDataError(f"{path}: can't be read: {error}") from error


def _settings(item: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": "categorical" if item.get("inferred_type") == "String" else "numeric"}
    if item.get("completeness") == 1.0:
        found["required"] = True
    if (item.get("num_constraints") or {}).get("is_non_negative"):
        found["range"] = [0.0, LARGEST]
    domains = (item.get("string_constraints") or {}).get("domains")
    if domains:
        found["allowed"] = [str(value) for value in domains]
    return found


def _column(item: Mapping[str, Any], rows: int, random: np.random.Generator) -> Column:
    statistics = item.get("numerical_statistics") or item["string_statistics"]
    common = statistics["common"]
    seen = int(common["num_present"]) + int(common["num_missing"])
    present = round(rows * int(common["num_present"]) / seen) if seen else 0
    numeric = "numerical_statistics" in item
    values = _numbers(statistics, present) if numeric else _words(statistics, present)
    whole: list[Any] = [*values, *[None] * (rows - len(values))]
    order = random.permutation(rows)
    return column_of(str(item["name"]), [whole[at] for at in order.tolist()], Kind.NUMERIC if numeric else Kind.CATEGORICAL)


def _numbers(statistics: Mapping[str, Any], count: int) -> list[float]:
    """Values at evenly spread ranks of the sketch, its ends at the true least and greatest value."""
    sketch = statistics["distribution"]["kll"]
    levels = (sketch.get("sketch") or {}).get("data")
    found = _of_levels(levels, count) if levels and any(levels) else _of_buckets(sketch["buckets"], count)
    if count >= 2:
        found[0], found[-1] = float(statistics["min"]), float(statistics["max"])
    return [float(value) for value in found]


def _of_levels(levels: Sequence[Sequence[float]], count: int) -> NDArray[np.float64]:
    values = np.array([value for level in levels for value in level], dtype=np.float64)
    weights = np.repeat(2.0 ** np.arange(len(levels)), [len(level) for level in levels])
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = (np.arange(count) + 0.5) / count * reached[-1]
    found: NDArray[np.float64] = values[order][np.searchsorted(reached, wanted)]
    return found


def _of_buckets(buckets: Sequence[Mapping[str, Any]], count: int) -> NDArray[np.float64]:
    edges = np.array([float(buckets[0]["lower_bound"]), *[float(item["upper_bound"]) for item in buckets]])
    reached = np.cumsum([0.0, *[float(item["count"]) for item in buckets]])
    wanted = (np.arange(count) + 0.5) / count * reached[-1]
    found: NDArray[np.float64] = np.interp(wanted, reached, edges)
    return found


def _words(statistics: Mapping[str, Any], count: int) -> list[str]:
    """Categories in proportion; what the file lists no category for is left out."""
    buckets = statistics["distribution"]["categorical"]["buckets"]
    names = [str(item["value"]) for item in buckets]
    reached = np.cumsum([float(item["count"]) for item in buckets])
    if len(names) == 0:
        return []
    wanted = (np.arange(count) + 0.5) / count * reached[-1]
    return [names[at] for at in np.searchsorted(reached, wanted).tolist()]
