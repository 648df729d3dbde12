"""Panes of all columns, added up over a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neural.monitoring.windows.pane import ColumnPane
from neural.monitoring.windows.seasons import added_rows


@dataclass(frozen=True, slots=True)
class Window:
    """``rows`` rows between ``start`` and ``end`` (Unix seconds). A column absent from some rows has ``total < rows``."""

    start: float
    end: float
    rows: int = 0
    columns: Mapping[str, ColumnPane] = field(default_factory=dict[str, ColumnPane])
    seasons: Mapping[int, int] = field(default_factory=dict[int, int])
    """Hour → rows that came in it, in thousandths, where the reference has seasons (see ``seasons.add_rows``)."""

    def merge(self, other: Window) -> Window:
        """Both together; any order and grouping gives the same counts."""
        merged = dict(self.columns)
        for name, pane in other.columns.items():
            merged[name] = merged[name].merge(pane) if name in merged else pane
        seasons = added_rows(self.seasons, other.seasons)
        return Window(min(self.start, other.start), max(self.end, other.end), self.rows + other.rows, merged, seasons)
