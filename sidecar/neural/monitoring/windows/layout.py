"""Where each column of a model stands in the flat arrays of its panes, and how its values are counted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.block import NumericBlock
from neural.monitoring.windows.columns import as_category
from neural.monitoring.windows.grid import SORT_FROM, count_cells, count_sorted
from neural.monitoring.windows.lookup import Buckets, buckets_of
from neural.monitoring.windows.pane import ColumnPane
from neural.monitoring.windows.reference import ColumnReference, Reference
from neural.monitoring.windows.tally import At, Tally
from neural.monitoring.windows.usable import numbers_in_words, usable_numbers, usable_values
from neural.monitoring.windows.window import Window

log = logging.getLogger(__name__)
_NO_COUNTS: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
_NUMBERS = frozenset({Kind.NUMERIC, Kind.BOOLEAN})
_WORDS = frozenset({str, NoneType})
_MAX_PLANS = 16


@dataclass(slots=True)
class Place:
    """One column's place: row ``at`` of the sums, cells ``first`` to ``first + cells`` of the counts."""

    name: str
    kind: Kind
    at: int
    reference: ColumnReference | None = None
    first: int = 0
    cells: int = 0
    centre: float | None = None  # moments are taken around it; the first value where no reference says better
    codes: Mapping[str, int] = field(default_factory=dict[str, int])  # category → cell
    table: Buckets | None = None  # of a numeric reference, where its edges have one

    def joins(self, column: Column) -> bool:
        """True when the column can be counted together with others."""
        return self.table is not None and column.kind in _NUMBERS and self.kind is not Kind.CATEGORICAL


@dataclass(frozen=True, slots=True)
class Plan:
    """How the columns of one layout of batches are counted: some together, the ``others`` one by one."""

    block: NumericBlock | None
    joined: tuple[str, ...]
    others: tuple[tuple[str, Place], ...]


class Layout:
    """The columns of one model: first those of the reference, then others as they come, at most ``max_columns``."""

    def __init__(self, reference: Reference | None, max_columns: int) -> None:
        self.reference = reference
        self.max_columns = max_columns
        self.places: dict[str, Place] = {}
        self.cells = 0
        self.left_out: set[str] = set()  # columns there was no room for, as many as there was room for others
        self._plans: dict[tuple[tuple[str, ...], tuple[Kind, ...]], Plan] = {}
        for column in reference.columns.values() if reference else ():
            self._place_reference(column)

    def _place_reference(self, column: ColumnReference) -> None:
        codes: dict[str, int] = {}
        if column.is_categorical:
            other = len(column.labels)
            codes = dict.fromkeys(column.categories, other)
            codes.update((name, cell) for cell, name in enumerate(column.labels))
        table = buckets_of(column.edges) if len(column.counts) == len(column.edges) + 1 else None
        place = Place(
            column.name, column.kind, len(self.places), column, self.cells, len(column.counts), column.mean or 0.0, codes, table
        )
        self.places[column.name] = place
        self.cells += place.cells

    def place(self, name: str, kind: Kind) -> Place | None:
        """The column's place, made when it is new; None when there is no room left."""
        found = self.places.get(name)
        if found is None and len(self.places) < self.max_columns:
            found = self.places[name] = Place(name, kind, len(self.places))
        if found is None and len(self.left_out) < self.max_columns:
            if not self.left_out:
                log.warning(
                    "windows.max_columns is %d: the column %r and those that come after it are not watched",
                    self.max_columns,
                    name,
                )
            self.left_out.add(name)
        return found

    def empty(self) -> Tally:
        return Tally.empty(len(self.places), self.cells)

    def count(self, columns: Mapping[str, Column], rows: int) -> Tally:
        """The tally of ``rows`` rows."""
        plan = self._plan(columns)
        tally = self.empty()
        tally.rows = rows
        if plan.block is not None and rows:
            plan.block.count([columns[name] for name in plan.joined], tally)
        for name, place in plan.others:
            if place.kind is Kind.CATEGORICAL:
                _count_categories(columns[name], place, tally)
            else:
                _count_numbers(columns[name], place, tally)
        return tally

    def _plan(self, columns: Mapping[str, Column]) -> Plan:
        key = (tuple(columns), tuple([column.kind for column in columns.values()]))
        plan = self._plans.get(key)
        if plan is None:
            placed = {name: place for name, column in columns.items() if (place := self.place(name, column.kind)) is not None}
            joined = {name: place for name, place in placed.items() if place.joins(columns[name])}
            members = [(one.at, one.centre or 0.0, one.first, one.table) for one in joined.values() if one.table is not None]
            others = tuple((name, place) for name, place in placed.items() if name not in joined)
            plan = Plan(NumericBlock.of(members) if members else None, tuple(joined), others)
            if len(self._plans) < _MAX_PLANS:
                self._plans[key] = plan
        return plan

    def window(self, tally: Tally, start: float, end: float, seasons: Mapping[int, int] | None = None) -> Window:
        """A tally as monitors see it. The tally must not change afterwards. ``seasons``: its rows by hour, if they are needed."""
        tally.widen(len(self.places))
        sums, low, high = tally.sums.tolist(), tally.low.tolist(), tally.high.tolist()
        columns = {
            place.name: _pane(place, sums[place.at], low[place.at], high[place.at], tally) for place in self.places.values()
        }
        return Window(start, end, tally.rows, columns, seasons or {})


def _pane(place: Place, sums: list[float], low: float, high: float, tally: Tally) -> ColumnPane:
    measured = high >= low
    return ColumnPane(
        name=place.name,
        kind=place.kind,
        total=int(sums[At.TOTAL]),
        n=int(sums[At.N]),
        missing=int(sums[At.MISSING]),
        invalid=int(sums[At.INVALID]),
        non_finite=int(sums[At.NON_FINITE]),
        unseen=int(sums[At.UNSEEN]),
        counts=tally.counts[place.first : place.first + place.cells] if place.cells else _NO_COUNTS,
        centre=place.centre or 0.0,
        deviation_sum=sums[At.DEVIATION],
        deviation_squares=sums[At.SQUARES],
        below=sums[At.BELOW],
        above=sums[At.ABOVE],
        minimum=low if measured else None,
        maximum=high if measured else None,
        unseen_values=tally.shown_names(place.at) if place.at in tally.names else {},
    )


def _count_numbers(column: Column, place: Place, tally: Tally) -> None:
    found = numbers_in_words(column) if column.kind is Kind.CATEGORICAL else usable_numbers(column)
    values = found.values
    n = len(values)
    row = tally.sums[place.at]
    row[:6] = (len(column), n, found.missing, found.invalid, found.non_finite, 0)
    if n == 0:
        return
    if place.centre is None:
        place.centre = float(values[0])
    with np.errstate(over="ignore", invalid="ignore"):
        deviations = values - place.centre
        row[At.DEVIATION] = deviations.sum()
        row[At.SQUARES] = deviations @ deviations
    ordered = n >= SORT_FROM
    if ordered:
        values = np.sort(values)
    tally.low[place.at] = values[0] if ordered else values.min()
    tally.high[place.at] = values[-1] if ordered else values.max()
    if place.reference is not None and place.cells:
        edges = place.reference.edges
        counts = count_sorted(values, edges) if ordered else count_cells(values, edges)
        tally.counts[place.first : place.first + place.cells] = counts
        if len(edges) and (counts[0] or counts[-1]):
            with np.errstate(over="ignore"):
                row[At.BELOW] = (edges[0] - values[values <= edges[0]]).sum()
                row[At.ABOVE] = (values[values > edges[-1]] - edges[-1]).sum()


def _count_categories(column: Column, place: Place, tally: Tally) -> None:
    words, invalid = _counted_words(column)
    n = sum(words.values())
    names: dict[str, int] = {}
    if place.reference is not None:
        cells, codes, unseen = tally.counts, place.codes, place.cells - 1
        for word, count in words.items():
            code = codes.get(word, unseen)
            cells[place.first + code] += count
            if code == unseen:
                names[word] = count
    row = tally.sums[place.at]
    row[:6] = (len(column), n, len(column) - n - invalid, invalid, 0, sum(names.values()))
    if names:
        tally.add_names(place.at, names)


def _counted_words(column: Column) -> tuple[Counter[str], int]:
    """How often each category occurs, and how many values are invalid."""
    if column.coding is not None and column.invalid is None:
        found = zip(column.coding.names, column.coding.counts(), strict=True)
        return Counter({name: count for name, count in found if count and name is not None}), 0
    if column.values.dtype == object and column.invalid is None and not column.missing.any():
        words = column.values.tolist()
        if set(map(type, words)) <= _WORDS:  # as it nearly always is: no need to look at each
            counts = Counter(words)
            counts.pop(None, None)
            return counts, 0
    usable = usable_values(column)
    return Counter(_words(column.kind, usable.values)), usable.invalid


def _words(kind: Kind, values: NDArray[Any]) -> list[str]:
    if kind in (Kind.CATEGORICAL, Kind.TEXT):
        return [value if type(value) is str else str(value) for value in values.tolist()]
    if kind is Kind.EMBEDDING:
        return []
    return [as_category(value) for value in values.tolist() if value == value]  # noqa: PLR0124 - NaN is the value unequal to itself
