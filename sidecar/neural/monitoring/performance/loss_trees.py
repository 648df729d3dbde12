"""The error to expect of a row, from its features and its prediction: boosted trees, learnt once on a labelled reference.

Gradient boosting of squared loss (Friedman 2001) on binned features, with oblivious trees (one split a level, as in Prokhorenkova et al. 2018):
a row's leaf is a number of ``DEPTH`` bits, so a batch is one table look-up a tree. This is NannyML's direct loss estimation without its dependency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import PREDICTION, Column, Kind

BINS = 32
TREES = 120
DEPTH = 5
RATE = 0.15
PSEUDO_ROWS = 20.0  # a leaf believes in itself by half after so many rows
MAX_ROWS = 20_000  # more rows of the reference are thinned evenly: fitting takes about a second
MIN_ROWS = 500
MAX_FEATURES = 200

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Binning:
    """How a column's values become bin numbers: by ``edges``, or for names by ``ranks``. What is missing or unknown is in the last bin."""

    name: str
    edges: NDArray[np.float64]
    ranks: Mapping[str, int] | None = None

    @classmethod
    def of(cls, column: Column, target: NDArray[np.float64]) -> Binning | None:
        """Names are ranked by their mean target. None for what can't be binned."""
        if column.kind in (Kind.NUMERIC, Kind.BOOLEAN):
            known = column.values[np.isfinite(column.values)]
            return cls(column.name, np.unique(np.quantile(known, np.arange(1, BINS - 1) / (BINS - 1)))) if len(known) else None
        if column.kind is not Kind.CATEGORICAL:
            return None
        words = column.values.tolist()
        sums: dict[str, list[float]] = {}
        for word, value in zip(words, target.tolist(), strict=True):
            if word is not None:
                pair = sums.setdefault(str(word), [0.0, 0.0])
                pair[0] += value
                pair[1] += 1.0
        ranked = sorted(sums, key=lambda word: (sums[word][0] / sums[word][1], word))
        share = max(len(ranked), BINS - 1)
        return cls(column.name, np.empty(0), {word: at * (BINS - 1) // share for at, word in enumerate(ranked)})

    def codes(self, column: Column | None, n: int) -> Codes:
        last = BINS - 1
        if column is None:
            return np.full(n, last, dtype=np.int64)
        if self.ranks is not None:
            ranks = self.ranks
            known = {word: ranks.get(str(word), last) for word in set(column.values.tolist())}
            return np.array([known[word] for word in column.values.tolist()], dtype=np.int64)
        if column.kind not in (Kind.NUMERIC, Kind.BOOLEAN):
            return np.full(n, last, dtype=np.int64)
        found = np.searchsorted(self.edges, column.values)
        return np.where(np.isnan(column.values), last, found)


@dataclass(frozen=True, slots=True)
class Forest:
    """``base`` plus, for each tree, the value of the leaf its splits (feature, last bin below) lead to."""

    base: float
    trees: Sequence[tuple[Sequence[tuple[int, int]], NDArray[np.float64]]]

    @classmethod
    def fit(cls, codes: Codes, target: NDArray[np.float64]) -> Forest:
        """``codes``: (features, n); ``target``: (n,)."""
        base = float(target.mean())
        rest = target - base
        trees: list[tuple[list[tuple[int, int]], NDArray[np.float64]]] = []
        for _ in range(TREES):
            splits, leaf = _grow(codes, rest)
            rows = np.bincount(leaf, minlength=1 << DEPTH)
            values = RATE * np.bincount(leaf, weights=rest, minlength=1 << DEPTH) / (rows + PSEUDO_ROWS)
            rest = rest - values[leaf]
            trees.append((splits, values))
        return cls(base, trees)

    def predict(self, codes: Codes) -> NDArray[np.float64]:
        total = np.full(codes.shape[1], self.base)
        for splits, values in self.trees:
            leaf = np.zeros(codes.shape[1], dtype=np.int64)
            for feature, below in splits:
                leaf = leaf * 2 + (codes[feature] > below)
            total += values[leaf]
        return total


def _grow(codes: Codes, rest: NDArray[np.float64]) -> tuple[list[tuple[int, int]], Codes]:
    """The splits of one tree, each the best for all leaves together, and each row's leaf."""
    leaf = np.zeros(codes.shape[1], dtype=np.int64)
    splits: list[tuple[int, int]] = []
    for level in range(DEPTH):
        gains = [_gains(leaf * BINS + code, rest, 1 << level) for code in codes]
        feature = int(np.argmax([gain.max() for gain in gains]))
        below = int(gains[feature].argmax())
        splits.append((feature, below))
        leaf = leaf * 2 + (codes[feature] > below)
    return splits, leaf


def _gains(keys: Codes, rest: NDArray[np.float64], leaves: int) -> NDArray[np.float64]:
    """Of splitting every leaf after each bin, shape (BINS − 1,)."""
    size = leaves * BINS
    sums = np.bincount(keys, weights=rest, minlength=size).reshape(leaves, BINS)
    rows = np.bincount(keys, minlength=size).reshape(leaves, BINS)
    left, left_rows = sums.cumsum(axis=1)[:, :-1], rows.cumsum(axis=1)[:, :-1]
    right, right_rows = sums.sum(axis=1, keepdims=True) - left, rows.sum(axis=1, keepdims=True) - left_rows
    gain: NDArray[np.float64] = (left**2 / (left_rows + PSEUDO_ROWS) + right**2 / (right_rows + PSEUDO_ROWS)).sum(axis=0)
    return gain


@dataclass(frozen=True, slots=True)
class LossTrees:
    """Expected |error| and error² of rows."""

    binnings: Sequence[Binning]
    absolute: Forest
    squared: Forest

    @classmethod
    def fit(
        cls, features: Mapping[str, Column], predictions: NDArray[np.float64], errors: NDArray[np.float64]
    ) -> LossTrees | None:
        """``errors``: |prediction − label| (n,). None below ``MIN_ROWS`` rows, or where nothing can be binned."""
        if len(errors) < MIN_ROWS:
            return None
        thin = np.unique(np.linspace(0, len(errors) - 1, min(len(errors), MAX_ROWS)).astype(np.int64))
        columns = {**features, PREDICTION: _numbers(predictions)}
        picked = [_take(column, thin) for column in list(columns.values())[-MAX_FEATURES:]]
        binnings = [one for one in (Binning.of(column, errors[thin]) for column in picked) if one is not None]
        if not binnings:
            return None
        by_name = {column.name: column for column in picked}
        codes = np.vstack([one.codes(by_name[one.name], len(thin)) for one in binnings])
        return cls(binnings, Forest.fit(codes, errors[thin]), Forest.fit(codes, np.square(errors[thin])))

    def expect(self, features: Mapping[str, Column], predictions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (2, n): expected |error| and error², never below 0."""
        n = len(predictions)
        columns = {**features, PREDICTION: _numbers(predictions)}
        codes = np.vstack([one.codes(columns.get(one.name), n) for one in self.binnings])
        return np.maximum(np.vstack([self.absolute.predict(codes), self.squared.predict(codes)]), 0.0)


def _numbers(values: NDArray[np.float64]) -> Column:
    return Column(PREDICTION, Kind.NUMERIC, values, np.isnan(values))


def _take(column: Column, rows: NDArray[Any]) -> Column:
    return Column(column.name, column.kind, column.values[rows], column.missing[rows])
