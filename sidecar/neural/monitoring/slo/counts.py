"""Good and total events per slot of time, kept small: single slots for the burn windows, blocks of slots for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_SLOTS = 60
"""Slots in a block: with minute slots, a block is an hour."""


class Counts(NamedTuple):
    """Weighted event counts. ``good`` ≤ ``total``, unless labels were corrected after they had been counted."""

    good: float = 0.0
    total: float = 0.0

    @property
    def bad(self) -> float:
        bad = self.total - self.good
        return max(0.0, bad)

    @property
    def error_rate(self) -> float | None:
        """Bad of total, in [0, 1]; None without events."""
        good, total = self
        if total <= 0:
            return None
        return 0.0 if good >= total else 1.0 if good <= 0 else (total - good) / total

    @property
    def compliance(self) -> float | None:
        """Good of total, in [0, 1]; None without events."""
        rate = self.error_rate
        return None if rate is None else 1.0 - rate


class _Running:
    """Running totals per cell, by absolute index: the sum over any stretch is one subtraction.

    Cells are kept in a buffer a quarter longer than asked for, and moved down when it is full. A late event is added to all cells from
    its own on, so that a stretch without events is exactly zero.
    """

    __slots__ = ("first", "floor_good", "floor_total", "good", "newest", "size", "total")

    def __init__(self, size: int) -> None:
        self.size = size
        capacity = size + size // 4 + 1
        self.good: NDArray[np.float64] = np.zeros(capacity)
        self.total: NDArray[np.float64] = np.zeros(capacity)
        self.floor_good = self.floor_total = 0.0  # what had been counted before the first cell
        self.first = 0
        self.newest = -1  # first - 1: empty

    @property
    def is_empty(self) -> bool:
        return self.newest < self.first

    @property
    def oldest(self) -> int:
        """The oldest cell that counts."""
        return max(self.first, self.newest - self.size + 1)

    def add(self, index: int, good: float, total: float) -> bool:
        """Count into a cell. False when it is older than what is kept."""
        if self.is_empty:
            self._restart(index)
        elif index > self.newest:
            self._extend(index)
        elif index < self.oldest and not self._reach_back(index):
            return False
        at = index - self.first
        end = self.newest - self.first + 1
        self.good[at:end] += good
        self.total[at:end] += total
        return True

    def sum(self, first: int, last: int) -> tuple[float, float]:
        """Good and total of the cells first … last, both included, as far as they are kept."""
        newest, held = self.newest, self.first
        last = min(last, newest)
        oldest = newest - self.size + 1
        oldest = max(oldest, held)
        first = max(first, oldest)
        if first > last:
            return 0.0, 0.0
        end, before = last - held, first - held - 1
        if before < 0:
            return self.good.item(end) - self.floor_good, self.total.item(end) - self.floor_total
        return self.good.item(end) - self.good.item(before), self.total.item(end) - self.total.item(before)

    def tails(self, last: int, lengths: Sequence[int]) -> list[tuple[float, float]]:
        """``sum`` of the last n cells up to ``last``, for each n: many windows in one go."""
        held, newest = self.first, self.newest
        end = min(last, newest) - held
        if newest < held or end < 0:
            return [(0.0, 0.0)] * len(lengths)
        good, total = self.good.item, self.total.item
        last_good, last_total = good(end), total(end)
        oldest = max(newest - self.size + 1 - held, 0) - 1
        found: list[tuple[float, float]] = []
        for length in lengths:
            before = last - held - length
            before = max(before, oldest)
            if before >= end:
                found.append((0.0, 0.0))
            elif before < 0:
                found.append((last_good - self.floor_good, last_total - self.floor_total))
            else:
                found.append((last_good - good(before), last_total - total(before)))
        return found

    def _restart(self, index: int) -> None:
        self.first = self.newest = index
        self.floor_good = self.floor_total = 0.0
        self.good[0] = self.total[0] = 0.0

    def _extend(self, index: int) -> None:
        if index - self.newest >= self.size:
            self._restart(index)
            return
        if index - self.first >= len(self.good):
            self._move_down(index)
        start, end = self.newest - self.first, index - self.first
        self.good[start + 1 : end + 1] = self.good[start]
        self.total[start + 1 : end + 1] = self.total[start]
        self.newest = index

    def _move_down(self, newest: int) -> None:
        """Forget the cells that are too old once ``newest`` is."""
        shift = max(newest - self.size + 1 - self.first, 1)
        kept = self.newest - self.first + 1 - shift
        self.floor_good, self.floor_total = self.good.item(shift - 1), self.total.item(shift - 1)
        self.good[:kept] = self.good[shift : shift + kept].copy()
        self.total[:kept] = self.total[shift : shift + kept].copy()
        self.first += shift

    def _reach_back(self, index: int) -> bool:
        """Make room before the first cell, for late events soon after the start."""
        room = len(self.good) - (self.newest - self.first + 1)
        if index <= self.newest - self.size or self.first - index > room:
            return False
        shift, used = self.first - index, self.newest - self.first + 1
        self.good[shift : shift + used] = self.good[:used].copy()
        self.total[shift : shift + used] = self.total[:used].copy()
        self.good[:shift], self.total[:shift] = self.floor_good, self.floor_total
        self.first = index
        return True


class SlotCounts:
    """Counts of one objective over time.

    ``slot_seconds`` is the slot's width; slots are numbered ``floor(time / width)``. ``fine_slots`` are kept singly,
    ``period_seconds`` as blocks of 60 slots: a window that reaches beyond the fine slots begins at a block's border, up to one
    block early.
    """

    def __init__(self, slot_seconds: float, fine_slots: int, period_seconds: float) -> None:
        self.slot_seconds = slot_seconds
        self._fine = _Running(fine_slots + BLOCK_SLOTS)
        self._blocks = _Running(int(period_seconds // (slot_seconds * BLOCK_SLOTS)) + 2)

    def slot(self, time: float) -> int:
        """The number of the slot that holds ``time``."""
        return int(time // self.slot_seconds)

    def add(self, slot: int, good: float, total: float) -> bool:
        """Count events. False when the slot is older than everything kept."""
        self._fine.add(slot, good, total)
        return self._blocks.add(slot // BLOCK_SLOTS, good, total)

    def put(self, slot: int, good: float, total: float) -> None:
        """Set a slot's counts, as far as it is still kept singly."""
        held = self.get(slot)
        self.add(slot, good - held.good, total - held.total)

    def get(self, slot: int) -> Counts:
        """One slot's counts; zero where unknown or no longer kept singly."""
        return Counts(*self._fine.sum(slot, slot))

    def sum(self, first: int, last: int) -> Counts:
        """The counts of the slots first … last, both included."""
        fine = self._fine
        if first > fine.newest - fine.size or fine.is_empty:
            return Counts(*fine.sum(first, last))
        border = -(-self._fine.oldest // BLOCK_SLOTS)  # the first block whose slots are all kept singly
        old, new = (
            self._blocks.sum(first // BLOCK_SLOTS, min(border - 1, last // BLOCK_SLOTS)),
            self._fine.sum(border * BLOCK_SLOTS, last),
        )
        return Counts(old[0] + new[0], old[1] + new[1])

    def over(self, seconds: float, now: float) -> Counts:
        """The counts of the last ``seconds``, the slot that holds ``now`` included."""
        last = self.slot(now)
        return self.sum(last - self.slots_in(seconds) + 1, last)

    def tails(self, last: int, lengths: Sequence[int]) -> list[tuple[float, float]]:
        """(good, total) of the last n slots up to ``last``, for each n; none may reach beyond the slots that are kept singly."""
        return self._fine.tails(last, lengths)

    def slots_in(self, seconds: float) -> int:
        """How many slots a window of that length has; at least one."""
        return max(round(seconds / self.slot_seconds), 1)

    def since(self, start: float, now: float) -> Counts:
        """The counts from the slot that holds ``start`` on."""
        return self.sum(self.slot(start), self.slot(now))

    @property
    def newest(self) -> int | None:
        """The newest slot with events."""
        return None if self._fine.is_empty else self._fine.newest

    @property
    def bytes(self) -> int:
        """Memory held by the counts."""
        return sum(one.nbytes for run in (self._fine, self._blocks) for one in (run.good, run.total))
