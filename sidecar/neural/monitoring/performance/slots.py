"""Rows by the slot of time they belong to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def slots(starts: NDArray[np.float64]) -> Iterator[tuple[float, slice | NDArray[np.bool_]]]:
    """Each distinct start, ascending, with what chooses its rows. ``starts``: shape (n,)."""
    if not len(starts):
        return
    if starts.min() == starts.max():  # nearly always: nothing to sort, and nothing to choose
        yield float(starts[0]), slice(None)
        return
    for start in np.unique(starts):
        yield float(start), starts == start
