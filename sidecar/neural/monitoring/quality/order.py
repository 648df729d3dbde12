"""Columns that come in another order than the reference's: harmless to who reads names, fatal to who reads positions."""

from __future__ import annotations

from collections.abc import Sequence

from neural.monitoring.quality.findings import Finding
from neural.monitoring.quality.tally import Tally
from neural.monitoring.records import RecordBatch

ORDERED_DECODERS = frozenset({"v2", "v2-grpc", "sagemaker", "seldon", ""})
"""Protocols whose columns stand in a list. The keys of JSON objects have no order, so rows that are objects are not looked at."""
MAX_ORDERS = 256  # different orders remembered


def first_swap(found: Sequence[str], expected: Sequence[str]) -> tuple[str, str] | None:
    """The first column out of place and the one expected there, of those both have; None when they agree."""
    both = set(found) & set(expected)
    mine, theirs = [name for name in found if name in both], [name for name in expected if name in both]
    return next(((a, b) for a, b in zip(mine, theirs, strict=True) if a != b), None)


class ColumnOrder:
    """``expected``: names in the reference's order; empty: nothing to compare with."""

    def __init__(self, expected: Sequence[str] = ()) -> None:
        self.expected = tuple(expected)
        self._known: dict[tuple[str, ...], tuple[str, str] | None] = {}
        self.example: tuple[str, str] | None = None
        self.row_ids: tuple[str, ...] = ()

    def count(self, batch: RecordBatch, into: Tally) -> None:
        if not self.expected or batch.decoder not in ORDERED_DECODERS:
            return
        names = tuple(batch.features)
        if names not in self._known:
            if len(self._known) >= MAX_ORDERS:
                self._known.clear()
            self._known[names] = first_swap(names, self.expected)
        swap = self._known[names]
        into.ordered += len(batch)
        if swap is not None:
            into.reordered += len(batch)
            self.example, self.row_ids = swap, tuple(batch.row_ids[:3])

    def finding(self, window: Tally) -> Finding | None:
        """What the window holds of it."""
        if not window.reordered:
            return None
        found, expected = self.example or ("", "")
        place = f": {found} stands where {expected} is expected" if found else ""
        reason = (
            f"columns come in another order than the reference's in {window.reordered:.0f} of {window.ordered:.0f} rows{place}"
        )
        return Finding(
            found,
            "reordered_columns",
            window.reordered,
            window.ordered,
            reason,
            examples=(f"{found}, not {expected}",),
            row_ids=self.row_ids,
        )
