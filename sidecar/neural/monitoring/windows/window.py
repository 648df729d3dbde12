"""Panes of all columns, added up over a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neural.monitoring.windows.pane import ColumnPane


@dataclass(frozen=True, slots=True)
class Window:
    """``rows`` rows between ``start`` and ``end`` (Unix seconds). A column absent from some rows has ``total < rows``."""

    start: float
    end: float
    rows: int = 0
    columns: Mapping[str, ColumnPane] = field(default_factory=dict[str, ColumnPane])

    def merge(self, other: Window) -> Window:
        """Both together; any order and grouping gives the same counts."""
        merged = dict(self.columns)
        for name, pane in other.columns.items():
            merged[name] = merged[name].merge(pane) if name in merged else pane
        return Window(min(self.start, other.start), max(self.end, other.end), self.rows + other.rows, merged)
