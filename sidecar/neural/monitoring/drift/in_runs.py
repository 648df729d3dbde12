"""How many rows of a table count as one: tables in the order of time are seldom random samples, and p-values take rows for one.

Each side's design effect is read off the order of its own rows, as that of a reference is (``windows.order``). A side too short for that is
taken to be in the order of the other. A column in perfect order was sorted, and a reference in runs where the rows now are not is a matter of
its file: neither says anything of the rows. A table sorted by another column looks as if it came in runs, and is judged mildly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column
from neural.monitoring.windows.columns import as_category
from neural.monitoring.windows.order import BLOCKS, FEWEST_PAIRS, runs_in_quartiles, runs_of_words
from neural.monitoring.windows.usable import usable_numbers, usable_values

FEWEST_ROWS = BLOCKS[0] * (FEWEST_PAIRS + 1)
MUCH_LESS = 0.5
"""Of the reference's design effect, from which its order is not that of the rows now."""


def rows_in_run(column: Column, ordered: NDArray[np.float64] | None) -> float | None:
    """At least 1; None where there are too few rows to say. ``ordered``: its numbers, sorted; None where it holds categories."""
    if ordered is None:
        words = [as_category(value) for value in usable_values(column).values.tolist()]
        names, counts = np.unique(words, return_counts=True) if words else (np.empty(0, dtype=str), np.empty(0))
        lengths = runs_of_words(words, [str(name) for name in names[np.argsort(-counts, kind="stable")]])
        return None if len(words) < FEWEST_ROWS else max((effect for _, effect in lengths), default=1.0)
    if len(ordered) < FEWEST_ROWS:
        return None
    values = usable_numbers(column).values
    steps = np.sign(np.diff(values))
    if len(values) != len(ordered) or not ((steps > 0).any() and (steps < 0).any()):
        return 1.0
    quartiles = ordered[[len(ordered) // 4, len(ordered) // 2, 3 * len(ordered) // 4]]
    return max((effect for _, effect in runs_in_quartiles(values, quartiles)), default=1.0)


def both_sides(reference: float | None, now: float | None) -> tuple[float, float]:
    """What each side's rows are divided by."""
    if reference is not None and now is not None and now < MUCH_LESS * reference:
        return 1.0, now
    return reference or now or 1.0, now or reference or 1.0
