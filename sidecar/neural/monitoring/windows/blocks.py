"""Adding up a window's panes without touching each of them every time: those of eight neighbours are kept merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from neural.monitoring.windows.tally import Tally

PANES = 8
"""Panes a block. A window of 60 panes is then some 20 additions instead of 60, at an eighth more memory."""


class Blocks:
    """Merged panes of past blocks. A block is merged again when rows came late into one of its panes; only additions, so nothing is lost."""

    def __init__(self) -> None:
        self._merged: dict[int, tuple[tuple[int, ...], Tally]] = {}

    def add_to(self, total: Tally, panes: Mapping[int, Tally], numbers: Iterable[int]) -> None:
        """Add the panes of these numbers to ``total``."""
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for number in numbers:
            groups[number // PANES].append(number)
        newest = max(groups, default=0)
        for block, members in groups.items():
            if block == newest or len(members) < PANES:  # rows still come in, or the window's edge cuts it
                for number in members:
                    total.add(panes[number])
            else:
                total.add(self._block(block, [panes[number] for number in sorted(members)], total))
        for block in [block for block in self._merged if block not in groups]:
            del self._merged[block]

    def _block(self, block: int, members: list[Tally], like: Tally) -> Tally:
        rows = tuple(pane.rows for pane in members)
        known = self._merged.get(block)
        if known is not None and known[0] == rows:
            return known[1]
        merged = Tally.empty(len(like.low), len(like.counts))
        for pane in members:
            merged.add(pane)
        self._merged[block] = rows, merged
        return merged

    def clear(self) -> None:
        self._merged.clear()
