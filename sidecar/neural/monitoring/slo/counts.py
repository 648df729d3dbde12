"""Good and total events per slot of time, kept small: single slots for the burn windows, blocks of slots for the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_SLOTS = 60
"""Slots in a block: with minute slots, a block is an hour."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Weighted event counts. ``good`` ≤ ``total``, unless labels were corrected after they had been counted."""

    good: float = 0.0
    total: float = 0.0

    @property
    def bad(self) -> float:
        return max(self.total - self.good, 0.0)

    @property
    def error_rate(self) -> float | None:
        """Bad of total, in [0, 1]; None without events."""
        return min(self.bad / self.total, 1.0) if self.total > 0 else None

    @property
    def compliance(self) -> float | None:
        """Good of total, in [0, 1]; None without events."""
        rate = self.error_rate
        return None if rate is None else 1.0 - rate

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.good + other.good, self.total + other.total)


class _Ring:
    """The newest ``size`` cells of (good, total), by absolute index."""

    __slots__ = ("cells", "newest", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.cells: NDArray[np.float64] = np.zeros((size, 2))
        self.newest: int | None = None

    def holds(self, index: int) -> bool:
        return self.newest is None or index > self.newest - self.size

    def advance(self, index: int) -> None:
        """Make ``index`` the newest cell if it is newer, clearing what falls out."""
        if self.newest is None or index - self.newest >= self.size:
            self.cells[:] = 0.0
        elif index > self.newest:
            self.cells[np.arange(self.newest + 1, index + 1) % self.size] = 0.0
        else:
            return
        self.newest = index

    def add(self, index: int, good: float, total: float) -> bool:
        if not self.holds(index):
            return False
        if self.newest is None or index > self.newest:
            self.advance(index)
        cell = self.cells[index % self.size]
        cell[0] += good
        cell[1] += total
        return True

    def get(self, index: int) -> Counts:
        if self.newest is None or index > self.newest or not self.holds(index):
            return Counts()
        good, total = self.cells[index % self.size]
        return Counts(float(good), float(total))

    def sum(self, first: int, last: int) -> tuple[float, float]:
        """Good and total of the cells first … last, both included, as far as the ring holds them."""
        if self.newest is None:
            return 0.0, 0.0
        first, last = max(first, self.newest - self.size + 1), min(last, self.newest)
        if first > last:
            return 0.0, 0.0
        low, high = first % self.size, last % self.size
        if low <= high:
            good, total = self.cells[low : high + 1].sum(axis=0)
        else:
            good, total = self.cells[low:].sum(axis=0) + self.cells[: high + 1].sum(axis=0)
        return float(good), float(total)


class SlotCounts:
    """Counts of one objective over time.

    ``slot_seconds`` is the slot's width; slots are numbered ``floor(time / width)``. ``fine_slots`` are kept singly,
    ``period_seconds`` as blocks of 60 slots: a window that reaches beyond the fine slots begins at a block's border, up to one
    block early.
    """

    def __init__(self, slot_seconds: float, fine_slots: int, period_seconds: float) -> None:
        self.slot_seconds = slot_seconds
        self._fine = _Ring(fine_slots + BLOCK_SLOTS)
        self._blocks = _Ring(int(period_seconds // (slot_seconds * BLOCK_SLOTS)) + 2)

    def slot(self, time: float) -> int:
        """The number of the slot that holds ``time``."""
        return int(time // self.slot_seconds)

    def add(self, slot: int, good: float, total: float) -> bool:
        """Count events. False when the slot is older than everything kept."""
        self._fine.add(slot, good, total)
        return self._blocks.add(slot // BLOCK_SLOTS, good, total)

    def put(self, slot: int, good: float, total: float) -> None:
        """Set a slot's counts, as far as it is still kept singly."""
        held = self._fine.get(slot)
        self.add(slot, good - held.good, total - held.total)

    def get(self, slot: int) -> Counts:
        """One slot's counts; zero where unknown or no longer kept singly."""
        return self._fine.get(slot)

    def sum(self, first: int, last: int) -> Counts:
        """The counts of the slots first … last, both included."""
        newest = self._fine.newest
        if newest is None or first > last:
            return Counts()
        oldest_fine = newest - self._fine.size + 1
        first_block, last_block = -(-first // BLOCK_SLOTS), (last + 1) // BLOCK_SLOTS - 1  # blocks wholly inside
        if first_block > last_block and first >= oldest_fine:
            return Counts(*self._fine.sum(first, last))
        if first_block * BLOCK_SLOTS > first and first < oldest_fine:
            first_block -= 1  # the head isn't kept singly any more: take its whole block
            first = first_block * BLOCK_SLOTS
        parts = (
            self._fine.sum(first, first_block * BLOCK_SLOTS - 1),
            self._blocks.sum(first_block, last_block),
            self._fine.sum((last_block + 1) * BLOCK_SLOTS, last),
        )
        return Counts(sum(part[0] for part in parts), sum(part[1] for part in parts))

    def over(self, seconds: float, now: float) -> Counts:
        """The counts of the last ``seconds``, the slot that holds ``now`` included."""
        last = self.slot(now)
        return self.sum(last - max(round(seconds / self.slot_seconds), 1) + 1, last)

    def since(self, start: float, now: float) -> Counts:
        """The counts from the slot that holds ``start`` on."""
        return self.sum(self.slot(start), self.slot(now))

    @property
    def newest(self) -> int | None:
        """The newest slot with events."""
        return self._fine.newest

    @property
    def bytes(self) -> int:
        """Memory held by the counts."""
        return self._fine.cells.nbytes + self._blocks.cells.nbytes
