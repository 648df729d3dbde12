"""Small drifts in large traffic, with and without a smallest effect: ``python -m tests.study.floor`` prints the table of docs/effects.md."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from neural.monitoring.drift.bins import bins_of
from neural.monitoring.drift.sequential import SequentialDetector
from neural.monitoring.drift.settings import DriftSettings
from neural.monitoring.windows import build_reference, column_of

COLUMNS, DRIFTING, MINUTES = 20, 3, 240
BETWEEN = DriftSettings().false_alarms.seconds_between * 2  # half of the budget, as in the monitor
SHIFTS = (0.0, 0.02, 0.03, 0.05, 0.07, 0.1, 0.2)
TRAFFIC = ((10_000, 1_000), (10_000, 100_000), (100_000, 100_000), (1_000_000, 1_000), (1_000_000, 100_000))


def shares_of(edges: NDArray[np.float64], group: NDArray[np.intp], shift: float, size: int) -> NDArray[np.float64]:
    """Probability of each bin for a normal column moved by ``shift`` standard deviations."""
    cells = np.diff([0.0, *stats.norm.cdf(edges - shift), 1.0])
    found: NDArray[np.float64] = np.bincount(group, weights=cells, minlength=size)
    return found / found.sum()


def first_alarm(reference_rows: int, rows_a_minute: int, shift: float, smallest: float, seed: int = 0) -> int | None:
    """Minutes until an alarm, with three of twenty normal columns moved from the first row on; None within four hours."""
    random = np.random.default_rng(seed)
    shares, bins = [], []
    for at in range(COLUMNS):
        column = build_reference(
            {"x": column_of("x", random.normal(size=reference_rows))}, source="study", created_at=0.0
        ).columns["x"]
        known = bins_of(column)
        assert known is not None
        bins.append(known)
        shares.append(shares_of(column.edges, known.group, shift if at < DRIFTING else 0.0, len(known)))
    detector = SequentialDetector(bins, smallest=smallest)
    for minute in range(1, MINUTES + 1):
        counts = np.concatenate([random.multinomial(rows_a_minute, one) for one in shares]).astype(np.float64)
        if detector.step(counts, 60.0 * minute, elapsed=60.0, seconds_between=BETWEEN, patience=3600.0).alarm:
            return minute
    return None


def main() -> None:
    """A row a shift, a column for each size of reference and traffic: minutes without the floor, and with it."""
    floor = DriftSettings().smallest_effect
    print("| shift, σ (share of rows) |" + "".join(f" {n:,} rows, {m:,} a minute |" for n, m in TRAFFIC))
    print("|---|" + "---|" * len(TRAFFIC))
    for shift in SHIFTS:
        moved = 2.0 * stats.norm.cdf(shift / 2.0) - 1.0
        cells = []
        for reference_rows, rows in TRAFFIC:
            found = [first_alarm(reference_rows, rows, shift, smallest) for smallest in (0.0, floor)]
            cells.append(" / ".join("-" if one is None else str(one) for one in found))
        print(f"| {shift:g} ({moved:.1%}) | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
