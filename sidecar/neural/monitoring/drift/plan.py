"""What can be worked out once for a reference: which columns are watched, their bins, and where their cells stand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins, bins_of, stack_groups
from neural.monitoring.drift.explain import rounded_shares
from neural.monitoring.drift.sample import Side, Stack, sum_by
from neural.monitoring.records import LATENCY
from neural.monitoring.windows import ColumnPane, ColumnReference, Reference


@dataclass(frozen=True)
class Family:
    """Watched columns of one family (ordered, or categories): their positions among all watched, and their reference side."""

    at: NDArray[np.intp]
    columns: tuple[ColumnReference, ...]
    side: Side

    def stack(self, panes: Mapping[str, ColumnPane]) -> Stack:
        outside = [_outside(panes.get(column.name)) for column in self.columns]
        return Stack(self.side, cell_counts(self.columns, panes), np.array(outside))


@dataclass(frozen=True)
class Plan:
    """``columns``: the watched ones; ``group``: their cells, end to end → bins, end to end."""

    columns: tuple[ColumnReference, ...]
    bins: tuple[Bins, ...]
    group: NDArray[np.intp]
    ordered: Family
    categorical: Family

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def bounds(self) -> list[int]:
        """Column i has bins ``bounds[i]`` to ``bounds[i + 1]``."""
        return [0, *itertools.accumulate(len(item) for item in self.bins)]

    @cached_property
    def reference_shares(self) -> list[list[float]]:
        """Each column's bins in the reference, rounded to what can be seen."""
        return [rounded_shares(item.expected) for item in self.bins]

    def bin_counts(self, panes: Mapping[str, ColumnPane]) -> NDArray[np.float64]:
        """Counts in the bins of all columns, end to end."""
        return sum_by(self.group, cell_counts(self.columns, panes), self.bounds[-1])


def families_of(plan: Plan, expected: Reference) -> tuple[Family, Family]:
    """The ordered and the categorical family with what is expected now on their reference side."""
    columns = tuple(expected.columns[column.name] for column in plan.columns)
    return _family(columns, ordered=True), _family(columns, ordered=False)


def make_plan(reference: Reference, ignore: Sequence[str]) -> Plan:
    """Latency is the service objectives' business; columns without a usable reference value can't drift."""
    left_out = {LATENCY, *ignore}
    found = [(column, bins_of(column)) for name, column in reference.columns.items() if name not in left_out]
    watched = [(column, bins) for column, bins in found if bins is not None]
    columns = tuple(column for column, _ in watched)
    bins = tuple(item for _, item in watched)
    return Plan(columns, bins, stack_groups(bins), _family(columns, ordered=True), _family(columns, ordered=False))


def _family(columns: tuple[ColumnReference, ...], *, ordered: bool) -> Family:
    at = [i for i, column in enumerate(columns) if column.is_categorical is not ordered]
    chosen = tuple(columns[i] for i in at)
    sizes = [len(column.counts) for column in chosen]
    side = Side(
        counts=np.concatenate([column.counts for column in chosen]).astype(np.float64) if chosen else np.zeros(0),
        starts=np.cumsum([0, *sizes[:-1]]).astype(np.intp) if chosen else np.zeros(0, dtype=np.intp),
        widths=np.concatenate([_widths(column) for column in chosen]) if chosen else np.zeros(0),
        scale=np.array([column.std or 0.0 for column in chosen]),
        ordered=ordered,
    )
    return Family(np.array(at, dtype=np.intp), chosen, side)


def _widths(column: ColumnReference) -> NDArray[np.float64]:
    widths = np.zeros(len(column.counts))
    if len(column.edges) > 1:
        with np.errstate(over="ignore"):
            widths[1:-1] = np.nan_to_num(np.diff(column.edges))
    return widths


def cell_counts(columns: Sequence[ColumnReference], panes: Mapping[str, ColumnPane]) -> NDArray[np.float64]:
    """Counts in the cells of the columns, end to end; zeros where a column has none on this reference's grid."""
    parts: list[NDArray[np.int64]] = []
    for column in columns:
        pane = panes.get(column.name)
        fits = pane is not None and len(pane.counts) == len(column.counts)
        parts.append(pane.counts if pane is not None and fits else np.zeros(len(column.counts), dtype=np.int64))
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)


def _outside(pane: ColumnPane | None) -> float:
    return pane.below + pane.above if pane is not None else 0.0
