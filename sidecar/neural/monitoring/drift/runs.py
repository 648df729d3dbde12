"""Do rows come in runs? Near-equal rows that follow each other count for fewer than they are.

Traffic is cut into blocks of 1, 4, 16 and 64 evaluations, and each block compared with the one before by a chi-squared statistic over its
degrees of freedom: about 1 for exchangeable rows, whatever their distribution, and the design effect φ for rows in runs (one
client's burst, an hour of the same weather). Numbers are compared at their quartiles as well, where a slow wave shows most. The median over the
last 32 comparisons is not moved by a drift, which shows in one or two
of them only. A column's φ is the largest over the scales with at least 16 comparisons; below what chance reaches it is 1.

Before a scale has 16 comparisons the order of the reference's rows says what to expect of blocks of as many rows; unless, at the scales that
are known, the traffic shows to be in better order than the reference (a file that was sorted).

Where the reference has seasons, blocks are compared less what their hours lead one to expect, and the ratio is taken down by how
little the reference knows of the difference.

The detector divides the column's counts by φ. What this can't see is a rhythm much longer than 16 blocks of 64 evaluations: a weekly
pattern in hourly evaluations is drift, unless the reference holds whole weeks.

Related: Kish's design effect; McCullagh and Nelder, Generalized linear models, 1989, on quasi-likelihood for overdispersed counts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins
from neural.monitoring.drift.expectation import Expectation
from neural.monitoring.windows.order import LEVELS, RunLengths

SCALES = (1, 4, 16, 64)  # evaluations a block
KEPT = 32  # comparisons a scale
FEWEST = 16  # comparisons before a scale is believed
LEAST_ROWS = 20  # of a column, in either block
STANDARD_ERRORS = 4.0  # above 1 before φ is believed
EVERY = 8  # evaluations between estimates
_NO_HOURS: NDArray[np.float64] = np.zeros(0)
MUCH_LESS = 0.5  # of the reference's φ at a known scale, from which its order is not that of the traffic


class Runs:
    """``effect``: each column's φ, at least 1, shape (columns,)."""

    def __init__(self, columns: Sequence[Bins], expected: Sequence[RunLengths] = (), season: Expectation | None = None) -> None:
        self._sizes = np.array([len(item) for item in columns], dtype=np.intp)
        starts = self._starts = np.cumsum(self._sizes) - self._sizes
        self._expected = [*expected] or [()] * len(starts)
        self._quartiles = Quartiles.of(columns)
        self._rows = 0.0
        bins = int(self._sizes.sum())
        self._now = np.zeros((len(SCALES), bins))
        self._before = np.zeros((len(SCALES), bins))
        self._waves = np.full((len(SCALES), KEPT, len(starts)), np.nan)
        self._found = np.full((len(SCALES), KEPT, len(starts)), np.nan)
        self._count = 0
        self._season = season
        hours = season.hours if season is not None else 0
        self._hours_now, self._hours_before = np.zeros((2, len(SCALES), hours))
        self.effect = np.array([max((effect for _, effect in one), default=1.0) for one in self._expected])

    def step(self, counts: NDArray[np.float64], hours: NDArray[np.float64] = _NO_HOURS, drifting: Collection[int] = ()) -> None:
        """Take in the counts of one evaluation, shape (bins of all columns,), and its rows by hour, none without seasons.

        ``drifting``: columns that have left the reference, and so its seasons: their hours can't be taken away.
        """
        self._count += 1
        self._rows += float(counts.sum()) / max(len(self._starts), 1)
        self._now += counts
        self._hours_now += hours
        for at, scale in enumerate(SCALES):
            if self._count % scale == 0:
                slot = (self._count // scale) % KEPT
                self._found[at, slot], self._waves[at, slot] = self._compared(at)
                if self._season is not None:
                    self._found[at, slot, [*drifting]] = self._waves[at, slot, [*drifting]] = np.nan
                self._before[at], self._now[at] = self._now[at], 0.0
                self._hours_before[at], self._hours_now[at] = self._hours_now[at], 0.0
        if self._count % EVERY == 0:
            self.effect = self._estimate()

    def _compared(self, at: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The last two blocks of a scale: how unlike they are, over all bins, and at the quartiles."""
        a, b = self._before[at], self._now[at]
        if self._season is None:
            return self._compare(a, b, a, b), self._quartiles.compare(a, b, a, b, self._starts)
        hours_a, hours_b = self._hours_before[at], self._hours_now[at]
        n, m = np.add.reduceat(a, self._starts), np.add.reduceat(b, self._starts)
        shares = self._season.pseudo_counts(np.stack([hours_a, hours_b]))
        shares /= np.repeat(np.add.reduceat(shares, self._starts, axis=1), self._sizes, axis=1)
        less = a - np.repeat(n, self._sizes) * (shares[0] - shares[1])  # as if it had come in the hours of b
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = 1.0 / n + 1.0 / m
            known = chance / (chance + self._season.doubt(hours_a, hours_b))
        return self._compare(a, b, less, b) * known, self._quartiles.compare(a, b, less, b, self._starts) * known

    def _compare(
        self, a: NDArray[np.float64], b: NDArray[np.float64], like_a: NDArray[np.float64], like_b: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Chi-squared over its null's median, for each column; NaN where there are too few rows. ``like_a``, ``like_b``: the same counts in
        the same hours."""
        n, m = np.add.reduceat(a, self._starts), np.add.reduceat(b, self._starts)
        both = np.maximum(a + b, like_a + like_b)
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps = (like_a * np.repeat(m, self._sizes) - like_b * np.repeat(n, self._sizes)) ** 2
            terms = np.where(both > 0, gaps / (both * np.repeat(n * m, self._sizes)), 0.0)
            freedom = np.add.reduceat((both > 0).astype(np.float64), self._starts) - 1.0
            ratio = np.add.reduceat(terms, self._starts) / _median_of_chi_squared(freedom)
        return np.where((np.minimum(n, m) >= LEAST_ROWS) & (freedom >= 1.0), ratio, np.nan)

    def _estimate(self) -> NDArray[np.float64]:
        enough, own = _middle(self._found, self._noise())
        _, waves = _middle(self._waves, self._quartiles.noise)
        own = np.maximum(own, waves)
        effect: NDArray[np.float64] = own.max(axis=0)
        for at in [at for at, one in enumerate(self._expected) if one]:
            effect[at] = max(effect[at], self._expect(at, own[:, at], enough[:, at]))
        return effect

    def _expect(self, column: int, own: NDArray[np.float64], known: NDArray[np.bool_]) -> float:
        """What the reference's order says of the scales not known yet."""
        said = [_at_rows(self._expected[column], self._rows / self._count * scale) for scale in SCALES]
        if any(mine < MUCH_LESS * theirs for mine, theirs, sure in zip(own, said, known, strict=True) if sure):
            return 1.0
        return max((theirs for theirs, sure in zip(said, known, strict=True) if not sure), default=1.0)

    def _noise(self) -> NDArray[np.float64]:
        """Standard errors of the median of FEWEST chi-squared ratios with a bin's worth of freedom less than there are bins."""
        freedom = np.maximum(self._sizes - 1.0, 1.0)
        spread = np.sqrt(2.0 * freedom) / _median_of_chi_squared(freedom)
        noise: NDArray[np.float64] = STANDARD_ERRORS * 1.25 * spread / np.sqrt(FEWEST)
        return noise

    def snapshot(self) -> dict[str, Any]:
        return {
            "now": self._now.tolist(),
            "before": self._before.tolist(),
            "found": _plain(self._found),
            "waves": _plain(self._waves),
            "count": self._count,
            "rows": self._rows,
            "hours": [self._hours_now.tolist(), self._hours_before.tolist()],
            "effect": self.effect.tolist(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._now = np.array(state["now"], dtype=np.float64)
        self._before = np.array(state["before"], dtype=np.float64)
        self._found = np.array(state["found"], dtype=np.float64)
        self._waves = np.array(state.get("waves", _plain(self._waves)), dtype=np.float64)
        self._count = int(state["count"])
        self._rows = float(state.get("rows", 0.0))
        if "hours" in state:
            self._hours_now, self._hours_before = (np.array(one, dtype=np.float64) for one in state["hours"])
        self.effect = np.array(state["effect"], dtype=np.float64)


def _median_of_chi_squared(freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wilson and Hilferty's approximation; freedom at least 1."""
    known = np.maximum(freedom, 1.0)
    median: NDArray[np.float64] = known * (1.0 - 2.0 / (9.0 * known)) ** 3
    return median


def _at_rows(runs: RunLengths, rows: float) -> float:
    """φ of blocks of so many rows: of the nearest size measured."""
    return min(runs, key=lambda one: abs(math.log(one[0] / max(rows, 1.0))))[1]


def _middle(found: NDArray[np.float64], noise: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Of each scale and column: whether there are enough comparisons, and their median, 1 where chance reaches it."""
    known = np.count_nonzero(~np.isnan(found), axis=1)
    enough = known >= FEWEST
    ordered = np.sort(found, axis=1)  # NaN last
    middle = np.take_along_axis(ordered, np.minimum(known // 2, KEPT - 1)[:, None, :], axis=1)[:, 0, :]
    effect = np.where(enough, np.nan_to_num(middle, nan=1.0), 1.0)
    return enough, np.where(effect > 1.0 + noise, effect, 1.0)


def _plain(found: NDArray[np.float64]) -> list[list[list[float | None]]]:
    return [[[None if value != value else value for value in row] for row in scale] for scale in found.tolist()]  # noqa: PLR0124 - NaN


@dataclass(frozen=True)
class Quartiles:
    """``last``: flat index of the last bin below each quartile; ``column``: whose it is; ``median``, ``noise``: per column."""

    last: NDArray[np.intp]
    column: NDArray[np.intp]
    median: NDArray[np.float64]
    noise: NDArray[np.float64]

    @classmethod
    def of(cls, columns: Sequence[Bins]) -> Self:
        last: list[int] = []
        owner: list[int] = []
        offset = 0
        for at, item in enumerate(columns):
            if item.ordered:
                reached = np.cumsum(item.expected)[:-1] / item.expected.sum()
                marks = sorted({int(np.argmin(np.abs(reached - quarter))) for quarter in (0.25, 0.5, 0.75)})
                last += [offset + mark for mark in marks]
                owner += [at] * len(marks)
            offset += len(item)
        levels = np.bincount(np.array(owner, dtype=np.intp), minlength=len(columns))
        median, spread = np.array([(1.0, 0.0), *LEVELS])[levels].T
        return cls(
            np.array(last, dtype=np.intp), np.array(owner, dtype=np.intp), median, STANDARD_ERRORS * spread / math.sqrt(FEWEST)
        )

    def compare(
        self,
        a: NDArray[np.float64],
        b: NDArray[np.float64],
        like_a: NDArray[np.float64],
        like_b: NDArray[np.float64],
        starts: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Squared normal gaps between two blocks at the quartiles, averaged, over their null's median; NaN where rows are few."""
        n, m = np.add.reduceat(a, starts), np.add.reduceat(b, starts)
        (below, n_mine), (below_now, m_mine) = self._below(a, n, starts), self._below(b, m, starts)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = (below + below_now) / (n_mine + m_mine)
            apart = self._below(like_a, n, starts)[0] / n_mine - self._below(like_b, m, starts)[0] / m_mine
            gaps = apart**2 / (p * (1.0 - p) * (1.0 / n_mine + 1.0 / m_mine))
        sums = np.bincount(self.column, weights=np.nan_to_num(gaps, posinf=0.0), minlength=len(starts))
        levels = np.bincount(self.column, minlength=len(starts))
        usable = (np.minimum(n, m) >= LEAST_ROWS) & (levels > 0)
        return np.where(usable, sums / np.maximum(levels, 1) / self.median, np.nan)

    def _below(
        self, counts: NDArray[np.float64], total: NDArray[np.float64], starts: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        reached = np.cumsum(counts)
        before = (reached - counts)[starts]
        return reached[self.last] - before[self.column], total[self.column]
