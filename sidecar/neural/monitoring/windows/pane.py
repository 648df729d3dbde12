"""A column's additive counts over some time: what is left of rows once they have been counted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Kind

MAX_UNSEEN_NAMES = 50
"""Unseen categories of a column that are named; more are counted without a name."""


@dataclass(frozen=True, slots=True)
class ColumnPane:
    """One column over some time.

    ``total`` values were seen: ``n`` usable, the others ``missing``, ``invalid`` (of another type) or ``non_finite`` (infinite).
    ``counts``: usable values in each cell of the column's reference (int64, aligned with ``ColumnReference.counts``); empty
    when the reference does not have the column. ``unseen``: usable values of categories the reference does not know, by name in
    ``unseen_values`` as far as they are kept.
    ``deviation_sum`` and ``deviation_squares`` are sums of (x - centre) and its square: centred on the reference's mean, so that
    large offsets cost no precision. ``below`` and ``above``: by how much values lie outside the
    reference's range, summed. Counts add exactly; moments up to rounding.
    """

    name: str
    kind: Kind
    total: int = 0
    n: int = 0
    missing: int = 0
    invalid: int = 0
    non_finite: int = 0
    unseen: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    centre: float = 0.0
    deviation_sum: float = 0.0
    deviation_squares: float = 0.0
    below: float = 0.0
    above: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    unseen_values: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def mean(self) -> float | None:
        """None without values."""
        return _finite(self.centre + self.deviation_sum / self.n) if self.n and self.minimum is not None else None

    @property
    def std(self) -> float | None:
        """Population standard deviation; None without values."""
        if not self.n or self.minimum is None:
            return None
        offset = self.deviation_sum / self.n
        return _finite(math.sqrt(max(0.0, self.deviation_squares / self.n - offset * offset)))

    @property
    def missing_rate(self) -> float:
        return self.missing / self.total if self.total else 0.0

    def merge(self, other: ColumnPane) -> ColumnPane:
        """Both together. Panes counted on different grids keep everything but the counts."""
        same_grid = len(self.counts) == len(other.counts)
        every = (*self.unseen_values, *other.unseen_values)
        names = {name: self.unseen_values.get(name, 0) + other.unseen_values.get(name, 0) for name in every}
        shift = other.centre - self.centre
        return ColumnPane(
            name=self.name,
            kind=self.kind,
            total=self.total + other.total,
            n=self.n + other.n,
            missing=self.missing + other.missing,
            invalid=self.invalid + other.invalid,
            non_finite=self.non_finite + other.non_finite,
            unseen=self.unseen + other.unseen,
            counts=self.counts + other.counts if same_grid else np.zeros(0, dtype=np.int64),
            centre=self.centre,
            deviation_sum=self.deviation_sum + other.deviation_sum + other.n * shift,
            deviation_squares=self.deviation_squares
            + other.deviation_squares
            + shift * (2 * other.deviation_sum + other.n * shift),
            below=self.below + other.below,
            above=self.above + other.above,
            minimum=_least(self.minimum, other.minimum),
            maximum=_greatest(self.maximum, other.maximum),
            unseen_values=bounded_names(names),
        )


def bounded_names(names: Mapping[str, int]) -> dict[str, int]:
    """The most frequent names, at most ``MAX_UNSEEN_NAMES``; ties go to the first in the alphabet, so order does not matter."""
    if len(names) <= MAX_UNSEEN_NAMES:
        return dict(names)
    ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    return dict(ranked[:MAX_UNSEEN_NAMES])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _least(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)


def _greatest(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)
