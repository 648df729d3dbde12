"""All columns of one model over one pane, as a few flat arrays: adding a batch or merging panes is a handful of vector sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.windows.pane import MAX_UNSEEN_NAMES, bounded_names


class At(IntEnum):
    """Where a number stands in a column's row of ``Tally.sums``."""

    TOTAL = 0
    N = 1
    MISSING = 2
    INVALID = 3
    NON_FINITE = 4
    UNSEEN = 5
    DEVIATION = 6
    SQUARES = 7
    BELOW = 8
    ABOVE = 9


@dataclass(slots=True)
class Tally:
    """Additive. ``sums``: float64 of shape (columns, 10), see ``At``; ``counts``: int64 of shape (cells of all columns,);
    ``low``, ``high``: float64 of shape (columns,), infinite where there are no values; ``names``: column → unseen category → count.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rows: int = 0
    names: dict[int, dict[str, int]] = field(default_factory=dict[int, dict[str, int]])

    @classmethod
    def empty(cls, columns: int, cells: int) -> Tally:
        return cls(
            np.zeros((columns, len(At))), np.zeros(cells, dtype=np.int64), np.full(columns, np.inf), np.full(columns, -np.inf)
        )

    def widen(self, columns: int) -> None:
        """Make room for columns that came up since; they have no cells."""
        more = columns - len(self.low)
        if more > 0:
            self.sums = np.vstack([self.sums, np.zeros((more, len(At)))])
            self.low = np.concatenate([self.low, np.full(more, np.inf)])
            self.high = np.concatenate([self.high, np.full(more, -np.inf)])

    def add(self, other: Tally) -> None:
        """``other`` has at most as many columns, and the same cells."""
        columns = len(other.low)
        self.widen(columns)
        self.rows += other.rows
        with np.errstate(over="ignore", invalid="ignore"):  # squares of huge values; the moments are then unknown
            self.sums[:columns] += other.sums
        self.counts += other.counts
        np.minimum(self.low[:columns], other.low, out=self.low[:columns])
        np.maximum(self.high[:columns], other.high, out=self.high[:columns])
        for column, names in other.names.items():
            self.add_names(column, names)

    def add_names(self, column: int, names: Mapping[str, int]) -> None:
        """Four times the names shown are kept, so that the shown ones don't depend on the order unless there are very many."""
        mine = self.names.setdefault(column, {})
        for name, count in names.items():
            if name in mine or len(mine) < 4 * MAX_UNSEEN_NAMES:
                mine[name] = mine.get(name, 0) + count

    def shown_names(self, column: int) -> dict[str, int]:
        return bounded_names(self.names.get(column, {}))
