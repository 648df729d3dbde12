"""What is counted of every column for quality, as one small array that adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Field(IntEnum):
    """Places in a column's counts. ``RULED``: values checked against rules, of which ``BROKEN`` break one.

    ``RANGED``: numbers compared with the reference, of which ``OUTLIERS`` are far outside. ``TIMED``: times told, of which ``STALE`` are
    older than allowed.
    """

    TOTAL = 0
    MISSING = 1
    INVALID = 2  # of another type, or infinite
    UNSEEN = 3
    RULED = 4
    BROKEN = 5
    RANGED = 6
    OUTLIERS = 7
    TIMED = 8
    STALE = 9


Counts = NDArray[np.float64]
"""One column's counts, float64 of shape (10,), indexed by Field."""


class Tally:
    """Counts by column, with the rows and requests they came in. Adds in any order."""

    __slots__ = ("columns", "compared", "duplicates", "first", "ordered", "reordered", "requests", "rows")

    def __init__(self) -> None:
        self.columns: dict[str, Counts] = {}
        self.rows = 0.0
        self.requests = 0.0
        self.compared = 0.0
        self.duplicates = 0.0  # of the rows compared, those that repeat an earlier one
        self.ordered = 0.0  # rows whose columns came in an order that means something …
        self.reordered = 0.0  # … and those where it was another than the reference's
        self.first: dict[tuple[str, str], float] = {}  # column and trouble → when the first bad row came

    def of(self, name: str) -> Counts:
        """The counts of a column, to add to."""
        counts = self.columns.get(name)
        if counts is None:
            counts = self.columns[name] = np.zeros(len(Field))
        return counts

    def add(self, other: Tally) -> None:
        self.rows += other.rows
        self.requests += other.requests
        self.compared += other.compared
        self.duplicates += other.duplicates
        self.ordered += other.ordered
        self.reordered += other.reordered
        for key, time in other.first.items():
            self.first[key] = min(time, self.first.get(key, time))
        for name, counts in other.columns.items():
            mine = self.columns.get(name)
            if mine is None:
                self.columns[name] = counts.copy()
            else:
                mine += counts

    @classmethod
    def summed(cls, many: Iterable[Tally]) -> Tally:
        result = cls()
        for item in many:
            result.add(item)
        return result

    @property
    def rows_per_request(self) -> float:
        """At least 1: rows of one request tend to be alike, so that many count as less evidence than they look."""
        return max(self.rows / self.requests, 1.0) if self.requests > 0 else 1.0

    def to_json(self) -> dict[str, Any]:
        columns = {name: counts.tolist() for name, counts in self.columns.items()}
        sums = [self.rows, self.requests, self.compared, self.duplicates, self.ordered, self.reordered]
        return {"sums": sums, "columns": columns, "first": [[*key, time] for key, time in self.first.items()]}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Tally:
        result = cls()
        sums = [*state["sums"], 0.0, 0.0][:6]
        result.rows, result.requests, result.compared, result.duplicates, result.ordered, result.reordered = sums
        for name, counts in state["columns"].items():
            result.of(name)[: len(counts)] = counts
        result.first = {(column, trouble): float(time) for column, trouble, time in state.get("first", ())}
        return result
