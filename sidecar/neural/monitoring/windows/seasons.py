"""Seasons of a reference: its rows by hour of the week (or of the day), so that Monday's noon is compared with Monday's noons.

Every hour has its own counts, on the one grid of the whole reference: panes stay as they are and add as before. What is to be expected of a
window is the mixture of the hours its rows came in, each with as many rows as came; rows of 9:10 are between the hours of 8 and 9 (whose middles
are 8:30 and 9:30), so that a slope within the hour is not taken for drift. Hours are UTC: a pattern that follows a clock with summer time moves by
an hour twice a year.

An hour with fewer than ``FEWEST_ROWS`` reference rows borrows: from the hours around it, to both sides alike, as far as ``FARTHEST_HOURS``;
else from the same hour of all days; and where these are too few, from the whole reference.

Memory: columns x cells x hours x 2 bytes (4 where an hour has more than 65,535 rows in a cell): 9 MB for 100 numeric columns and 168 hours.
"""

from __future__ import annotations

import math
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind

TIME = "@time"
"""The column of reference rows that says when each was; kept only for this."""
Seasonal = Literal["hour_of_week", "hour_of_day"]
HOURS: Mapping[str, int] = {"hour_of_week": 168, "hour_of_day": 24}
FEWEST_ROWS = 50
"""Of an hour, to be compared with on its own: a share of one half is then known to 7 % (one standard error)."""
FARTHEST_HOURS = 2
_MONDAY = 72  # hours from the epoch's Thursday 0:00 to the Monday before it, modulo a week
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MAX_BYTES = 2**31


def hours_at(times: NDArray[np.float64], seasonal: str) -> NDArray[np.int64]:
    """The season of each time (Unix seconds), -1 where there is no time."""
    known = np.isfinite(times)
    hours = np.floor_divide(np.where(known, times, 0.0), 3600.0).astype(np.int64)
    found = (hours + (_MONDAY if seasonal == "hour_of_week" else 0)) % HOURS[seasonal]
    return np.where(known, found, -1)


PARTS = 1000
"""Rows by hour are counted in thousandths, as whole numbers: sums don't depend on the order of what is added."""


def add_rows(into: dict[int, int], rows: int, time: float, seasonal: str) -> None:
    """Count rows of one moment (Unix seconds) in the two hours it lies between, in ``PARTS``."""
    position = time / 3600.0 - 0.5 + (_MONDAY if seasonal == "hour_of_week" else 0)
    first = math.floor(position)
    later = round((position - first) * PARTS)
    for hour, share in ((first, PARTS - later), (first + 1, later)):
        if share:
            at = hour % HOURS[seasonal]
            into[at] = into.get(at, 0) + rows * share


def added_rows(a: Mapping[int, int], b: Mapping[int, int]) -> dict[int, int]:
    return {hour: a.get(hour, 0) + b.get(hour, 0) for hour in sorted({*a, *b})}


def hour_name(hour: int, seasonal: str) -> str:
    """Mon 09:00, or 09:00."""
    clock = f"{hour % 24:02d}:00"
    return f"{_DAYS[hour // 24]} {clock}" if seasonal == "hour_of_week" else clock


@dataclass(frozen=True)
class Seasons:
    """``rows``: reference rows by hour, (hours,). ``counts``: usable values by hour in the cells of all ``columns``, end to end,
    (hours, cells); column i has cells ``starts[i]`` to ``starts[i + 1]``. ``sums``: (hours, columns, 3): missing values, and the sums of x and
    x squared around each column's mean.
    """

    seasonal: str
    rows: NDArray[np.int64]
    columns: tuple[str, ...]
    starts: NDArray[np.intp]
    counts: NDArray[np.unsignedinteger[Any]]
    sums: NDArray[np.float64]

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """For each hour the hours whose rows speak for it: itself, those around it, the same hour of all days, or all."""
        return tuple(self._source(hour) for hour in range(len(self.rows)))

    def _source(self, hour: int) -> tuple[int, ...]:
        size = len(self.rows)
        around = [tuple((hour + by) % size for by in range(-far, far + 1)) for far in range(FARTHEST_HOURS + 1)]
        for hours in (*around, tuple(range(hour % 24, size, 24))):
            if self.rows[list(hours)].sum() >= FEWEST_ROWS:
                return hours
        return tuple(range(size))

    @cached_property
    def lending(self) -> NDArray[np.float64]:
        """(hours, hours): what a row that comes in an hour (first axis) makes each reference row of an hour (second axis) count."""
        found = np.zeros((len(self.rows), len(self.rows)))
        for hour, source in enumerate(self.sources):
            found[hour, list(source)] = 1.0 / max(float(self.rows[list(source)].sum()), 1.0)
        return found

    def by_hour(self, rows: Mapping[int, int]) -> NDArray[np.float64]:
        """Hour → rows in ``PARTS``, as rows, (hours,)."""
        found = np.zeros(len(self.rows))
        for hour, count in rows.items():
            found[hour] = count / PARTS
        return found

    def of(self, name: str) -> NDArray[np.unsignedinteger[Any]]:
        """One column's counts, (hours, its cells)."""
        at = self.columns.index(name)
        return self.counts[:, self.starts[at] : self.starts[at + 1]]

    @cached_property
    def n(self) -> NDArray[np.float64]:
        """Usable values, (hours, columns)."""
        reached = np.zeros((len(self.rows), self.counts.shape[1] + 1))
        np.cumsum(self.counts, axis=1, dtype=np.float64, out=reached[:, 1:])
        found: NDArray[np.float64] = np.diff(reached[:, self.starts], axis=1)
        return found

    def borrowing(self, rows: Mapping[int, int]) -> float:
        """The share of rows by hour that came in hours which have too few of their own in the reference."""
        total = sum(rows.values())
        borrowed = sum(count for hour, count in rows.items() if self.sources[hour] != (hour,))
        return borrowed / total if total else 0.0

    def in_words(self, rows: Mapping[int, int]) -> str:
        """The hours that rows came in: "Mon 09:00 and Mon 10:00 (UTC)"."""
        names = [hour_name(hour, self.seasonal) for hour in sorted(rows)]
        if len(names) <= 2:
            return f"{' and '.join(names)} (UTC)"
        busiest = hour_name(max(rows, key=lambda hour: (rows[hour], -hour)), self.seasonal)
        return f"{len(names)} hours of the {self.seasonal.removeprefix('hour_of_')}, most of them {busiest} (UTC)"

    @cached_property
    def packed(self) -> dict[str, Any]:
        """JSON-able; made once, since a checkpoint asks for it every time."""
        return {
            "seasonal": self.seasonal,
            "rows": self.rows.tolist(),
            "columns": list(self.columns),
            "starts": self.starts.tolist(),
            "bytes": self.counts.dtype.itemsize,
            "counts": _pack(self.counts),
            "sums": _pack(self.sums),
        }

    @classmethod
    def unpack(cls, body: Mapping[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError when the body is of another shape."""
        seasonal, columns = str(body["seasonal"]), tuple(str(name) for name in body["columns"])
        rows, starts = np.array(body["rows"], dtype=np.int64), np.array(body["starts"], dtype=np.intp)
        if len(rows) != HOURS[seasonal] or len(starts) != len(columns) + 1:
            raise ValueError(f"{seasonal} has {HOURS[seasonal]} hours, not {len(rows)}")
        counts = _unpack(body["counts"], f"<u{int(body['bytes'])}").reshape(len(rows), int(starts[-1]))
        sums = _unpack(body["sums"], "<f8").reshape(len(rows), len(columns), 3)
        return cls(seasonal, rows, columns, starts, counts, sums)


def _pack(array: NDArray[Any]) -> str:
    data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return b64encode(zlib.compress(data, 6)).decode()


def _unpack(text: str, dtype: str) -> NDArray[Any]:
    return np.frombuffer(zlib.decompressobj().decompress(b64decode(text), _MAX_BYTES), dtype=dtype)


def smallest_counts(counts: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
    """The same counts in as few bytes as hold them."""
    return counts.astype(np.uint16 if counts.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32)


def numbers_by_row(column: Column) -> NDArray[np.float64]:
    """Each row's number as it is counted (the length of a text, the norm of an embedding); NaN where it is not usable."""
    usable = ~column.missing if column.invalid is None else ~(column.missing | column.invalid)
    if column.values.dtype == object:
        usable = usable & np.array([value is not None for value in column.values], dtype=bool)
    found = np.full(len(column), np.nan)
    kept = column.values[usable]
    if column.kind is Kind.TEXT:
        found[usable] = [len(str(text)) for text in kept.tolist()]
    elif column.kind is Kind.EMBEDDING:
        rows = np.asarray(kept, dtype=np.float64)
        found[usable] = np.sqrt((rows * rows).sum(axis=1)) if rows.ndim == 2 else np.abs(rows)
    else:
        found[usable] = np.asarray(kept, dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def words_by_row(column: Column) -> list[str | None]:
    """Each row's category; None where it is not usable."""
    usable = ~column.missing if column.invalid is None else ~(column.missing | column.invalid)
    return [str(word) if good and word is not None else None for word, good in zip(column.values.tolist(), usable, strict=True)]
