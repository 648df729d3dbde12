"""The reference file: held-back winter flights with the model's answers on them, as Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from neural.monitoring.demo.data import CATEGORICAL, NUMERIC, Flights
from neural.monitoring.records import PREDICTION, PROBABILITY_PREFIX


def write_reference(path: Path, flights: Flights, probability: NDArray[np.float64], threshold: float) -> None:
    """One row a flight: the features, ``@prediction`` ("0" or "1") and ``@probability:1``. NaN becomes null. Replaces the file in one step."""
    columns = {name: pa.array(flights.columns[name], from_pandas=True) for name in NUMERIC}
    columns |= {name: pa.array(flights.columns[name].tolist(), pa.string()) for name in CATEGORICAL}
    columns[PREDICTION] = pa.array(np.where(probability > threshold, "1", "0").tolist(), pa.string())
    columns[f"{PROBABILITY_PREFIX}1"] = pa.array(probability.round(6))
    partial = path.with_suffix(".partial")
    pq.write_table(pa.table(columns), partial)
    partial.rename(path)
