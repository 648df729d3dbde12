"""Do the reference's rows come in runs? How many neighbours, in the order they were given, count as one row.

Rows are cut into blocks of 32, 128, 512 … and each block is compared with the one before by a chi-squared statistic over its null's median:
about 1 for rows in random order, the design effect where neighbours are alike (a month in the order of its days). Numbers are compared at
their quartiles as well, where a slow wave shows most: the larger effect counts. The median over the pairs of blocks is not moved by a single
step, such as a table that is sorted by class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 8
BLOCKS = tuple(32 * 4**power for power in range(8))
QUARTERS = [1, 3, 5]  # of the bins: their upper ends are the quartiles
FEWEST_PAIRS = 12
STANDARD_ERRORS = 5.0  # above 1 before an effect is believed
LEVELS = ((0.457, 2.41), (0.612, 1.59), (0.687, 1.29))
"""Of the mean of one, two or three squared normal gaps at quartiles: the median, and the standard error of a median of n over it, times √n."""

RunLengths = tuple[tuple[int, float], ...]
"""(rows of a block, rows of it that count as one), for every size of which the reference has enough blocks. Empty: random order."""


def runs_of_numbers(values: NDArray[np.float64], edges: NDArray[np.float64], counts: NDArray[np.int64]) -> RunLengths:
    """Of usable values in the order given; ``edges`` and ``counts`` are the column's grid."""
    if len(values) < FEWEST_PAIRS * BLOCKS[0]:
        return ()
    middle = np.cumsum(counts) - counts / 2
    bin_of_cell = np.minimum((middle / max(len(values), 1) * BINS).astype(np.intp), BINS - 1)
    return run_lengths(bin_of_cell[np.searchsorted(edges, values, side="left")], ordered=True)


def runs_in_quartiles(values: NDArray[np.float64], quartiles: NDArray[np.float64]) -> RunLengths:
    """The same of numbers whose three quartiles are known, by these alone."""
    codes = sum((values > quartile).astype(np.intp) for quartile in quartiles) * 2  # a bin between two of QUARTERS stays empty
    return run_lengths(np.asarray(codes, dtype=np.intp), ordered=True)


def runs_of_words(words: list[str], ranked: list[str]) -> RunLengths:
    """The seven most frequent words have a bin each, the others share one."""
    codes = {name: at for at, name in enumerate(ranked[: BINS - 1])}
    return run_lengths(np.array([codes.get(word, BINS - 1) for word in words], dtype=np.intp), ordered=False)


def run_lengths(codes: NDArray[np.intp], *, ordered: bool) -> RunLengths:
    """Of rows whose bins, of ``BINS``, are ``codes``, in order."""
    blocks = len(codes) // BLOCKS[0]
    block = np.repeat(np.arange(blocks), BLOCKS[0])
    counts = np.bincount(block * BINS + codes[: len(block)], minlength=blocks * BINS).reshape(blocks, BINS)
    found: list[tuple[int, float]] = []
    for size in BLOCKS:
        if len(counts) <= FEWEST_PAIRS:
            break
        found.append((size, _effect(counts, ordered=ordered)))
        counts = counts[: len(counts) // 4 * 4].reshape(-1, 4, BINS).sum(axis=1)
    return tuple(found) if any(effect > 1.0 for _, effect in found) else ()


def _effect(counts: NDArray[np.int64], *, ordered: bool) -> float:
    """Of blocks of equal size, (blocks, bins)."""
    before, now = counts[:-1].astype(np.float64), counts[1:].astype(np.float64)
    both = before + now
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = np.where(both > 0, (now - before) ** 2 / both, 0.0).sum(axis=1)
    freedom = np.maximum((both > 0).sum(axis=1) - 1.0, 1.0)
    ratio = statistic / (freedom * (1.0 - 2.0 / (9.0 * freedom)) ** 3)
    found = _believed(ratio, 1.25 * float(np.sqrt(2.0 / freedom.max())))
    if not ordered:
        return found
    size = float(counts[0].sum())
    p = np.cumsum(both, axis=1)[:, QUARTERS] / (2.0 * size)
    gaps = np.cumsum(now - before, axis=1)[:, QUARTERS] / size
    inside = (p > 0.0) & (p < 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.where(inside, gaps**2 / (p * (1.0 - p) * 2.0 / size), np.nan)
    used = squares[:, inside.any(axis=0)]
    if used.shape[1] == 0:
        return found
    median, spread = LEVELS[used.shape[1] - 1]
    return max(found, _believed(np.nan_to_num(used, nan=0.0).mean(axis=1) / median, spread))


def _believed(ratio: NDArray[np.float64], spread: float) -> float:
    """The median, where it is further above 1 than chance takes it."""
    middle = float(np.median(ratio))
    return middle if middle > 1.0 + STANDARD_ERRORS * spread / np.sqrt(len(ratio)) else 1.0
