"""What a drift method is. A new one is one file with one such object, named in ``registry``; the conformance suite does the rest."""

from __future__ import annotations

from typing import Protocol

from neural.monitoring.drift.pair import CategoricalPair, NumericPair, Pair
from neural.monitoring.drift.sample import Measured, MeasuredMany, Stack


class Method(Protocol):
    """A distance between two distributions of one column.

    ``ordered``: it needs the order of values, so it is for numbers only. ``threshold``: a customary size to call large.
    """

    name: str
    title: str
    ordered: bool
    threshold: float

    def compare(self, pair: Pair) -> Measured:
        """The exact two-sample answer; an empty side gives None."""
        ...

    def from_panes(self, stack: Stack) -> MeasuredMany:
        """The same of many columns at once, from counts in cells."""
        ...


def numeric(pair: Pair) -> NumericPair:
    if isinstance(pair, CategoricalPair):
        raise TypeError("this method needs numbers, not categories")
    return pair


NO_VALUES = Measured(None, note="no values")
