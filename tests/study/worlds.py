"""Distributions to watch: large finite populations from which references and traffic are drawn alike."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins, bins_of
from neural.monitoring.windows import ColumnReference, build_reference, column_of
from neural.monitoring.windows.grid import count_sorted

POPULATION = 300_000

Draw = Callable[[np.random.Generator, int], NDArray]


def _names(values: NDArray) -> NDArray:
    return np.char.add("c", values.astype(int).astype(str))


WORLDS: Mapping[str, Draw] = {
    "normal": lambda random, n: random.normal(size=n),
    "heavy-tailed (Cauchy)": lambda random, n: random.standard_cauchy(n),
    "skewed (log-normal)": lambda random, n: random.lognormal(size=n),
    "whole numbers": lambda random, n: random.normal(0, 30, n).round(),
    "small counts (Poisson 2)": lambda random, n: random.poisson(2.0, n).astype(float),
    "long-tailed counts": lambda random, n: random.geometric(0.01, n).astype(float),
    "nine zeros of ten": lambda random, n: np.where(random.random(n) < 0.9, 0.0, random.exponential(size=n)),
    "constant": lambda random, n: np.ones(n),
    "five categories": lambda random, n: _names(random.integers(0, 5, n)),
    "rare categories": lambda random, n: _names(
        random.choice(10, n, p=[0.5, 0.3, 0.15, 0.049, 5e-4, 2e-4, 1e-4, 1e-4, 5e-5, 5e-5])
    ),
    "a hundred categories": lambda random, n: _names(np.minimum(random.geometric(0.05, n), 100)),
    "ever new ids (Zipf)": lambda random, n: _names(np.minimum(random.zipf(1.3, n), 10**9)),
    "3,000 equal ids": lambda random, n: _names(random.integers(0, 3000, n)),
}


@dataclass(frozen=True)
class World:
    """``population``: sorted numbers, or the counts of categories."""

    name: str
    numbers: NDArray | None
    words: Counter[str] | None

    @classmethod
    @functools.cache
    def of(cls, name: str, seed: int = 0) -> World:
        values = WORLDS[name](np.random.default_rng(seed), POPULATION)
        if values.dtype.kind == "U":
            return cls(name, None, Counter(values.tolist()))
        return cls(name, np.sort(values), None)

    def reference(self, random: np.random.Generator, rows: int) -> ColumnReference:
        return build_reference({"x": column_of("x", self.rows(random, rows))}, source="study", created_at=0.0).columns["x"]

    def rows(self, random: np.random.Generator, rows: int) -> NDArray:
        if self.numbers is not None:
            return self.numbers[random.integers(0, len(self.numbers), rows)]
        assert self.words is not None
        names, counts = np.array(list(self.words), dtype=object), np.array(list(self.words.values()))
        return names[np.searchsorted(np.cumsum(counts), random.integers(0, counts.sum(), rows), side="right")]

    def shares(self, reference: ColumnReference, bins: Bins) -> NDArray[np.float64]:
        """The true shares of the bins."""
        if self.numbers is not None:
            cells = count_sorted(self.numbers, reference.edges).astype(float)
        else:
            assert self.words is not None
            codes = dict.fromkeys(reference.categories, len(reference.labels))
            codes.update((name, at) for at, name in enumerate(reference.labels))
            cells = np.zeros(len(reference.counts))
            for name, count in self.words.items():
                cells[codes.get(name, len(cells) - 1)] += count
        counts = np.bincount(bins.group, weights=cells, minlength=len(bins))
        return counts / counts.sum()


def columns_of(world: World, rows: int, columns: int, seed: int) -> tuple[list[Bins], list[NDArray[np.float64]]]:
    """Independent references of one world: their bins, and the true shares of these."""
    random = np.random.default_rng(seed)
    bins, shares = [], []
    for _ in range(columns):
        reference = world.reference(random, rows)
        found = bins_of(reference)
        assert found is not None
        bins.append(found)
        shares.append(world.shares(reference, found))
    return bins, shares
