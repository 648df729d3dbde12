r"""Vectors (embeddings, whole rows) as a few numeric columns whose panes add up: random cosines, and the error of a PCA.

A vector x becomes cos(w·x + b) for 16 random w and b. The mean over rows is the mean embedding of their distribution, under a Gaussian kernel
as wide as the reference's median distance; the distance of two means is their MMD. Since every cosine is a column with panes, the mean embedding of
a window is read off its panes, and the sequential detector watches each cosine under the one budget.

Projections are added up dimension by dimension, not by a matrix product, and rounded: a row gives the same bits in any batch.

Source: Rahimi and Recht, Random features for large-scale kernel machines, 2007; Gretton et al., A kernel two-sample test, 2012.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind

COSINES = 16
MEDIAN_ROWS = 500  # for the median distance that sets the kernel's width
KEPT_VARIANCE = 0.8  # of the PCA
DECIMALS = 6


def sketch(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Projections on 16 random directions, which depend on the number of dimensions only; shape (rows, 16)."""
    directions = np.random.default_rng(rows.shape[1]).normal(size=(rows.shape[1], COSINES))
    total = np.zeros((len(rows), COSINES))
    with np.errstate(invalid="ignore", over="ignore"):
        for at, direction in enumerate(directions):
            total += np.asarray(rows[:, at], dtype=np.float64)[:, None] * direction
    return total


def median_distance(sketched: NDArray[np.float64]) -> float:
    """Between two rows, estimated from their projections; 1 where there is none."""
    chosen = sketched[np.random.default_rng(0).permutation(len(sketched))[:MEDIAN_ROWS]]
    half = len(chosen) // 2
    apart = np.sqrt(((chosen[:half] - chosen[half : 2 * half]) ** 2).mean(axis=1))
    median = float(np.median(apart)) if half else 0.0
    return median if np.isfinite(median) and median > 0.0 else 1.0


@dataclass(frozen=True)
class Cosines:
    """``width``: of the kernel. ``trace``, ``trace_of_square``: of the reference's covariance of the cosines, for the p-value."""

    width: float
    trace: float
    trace_of_square: float

    @classmethod
    def fit(cls, sketched: NDArray[np.float64]) -> Self:
        width = median_distance(sketched)
        covariance = np.atleast_2d(np.cov(cosines(sketched, width), rowvar=False)) if len(sketched) > 1 else np.zeros((1, 1))
        return cls(width, float(np.trace(covariance)), float((covariance * covariance).sum()))

    def to_json(self) -> dict[str, Any]:
        return {"width": self.width, "trace": self.trace, "trace_of_square": self.trace_of_square}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        return cls(float(body["width"]), float(body["trace"]), float(body["trace_of_square"]))


def cosines(sketched: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Shape (rows, 16), between -1 and 1; NaN for rows that hold a NaN or an infinity."""
    phases = np.random.default_rng(COSINES).uniform(0.0, 2.0 * np.pi, COSINES)
    angles = sketched / width + phases
    found: Any = np.cos(np.where(np.isfinite(angles), angles, np.nan))
    return np.asarray(np.round(found, DECIMALS), dtype=np.float64)


@dataclass(frozen=True)
class Reconstruction:
    """``mean``: shape (dimensions,); ``directions``: (kept, dimensions), orthonormal."""

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]

    @classmethod
    def fit(cls, rows: NDArray[np.float64]) -> Self:
        mean = rows.mean(axis=0)
        _, sizes, directions = np.linalg.svd(rows - mean, full_matrices=False)
        explained = np.cumsum(sizes**2)
        kept = int(np.searchsorted(explained, KEPT_VARIANCE * explained[-1])) + 1 if len(explained) and explained[-1] > 0 else 0
        return cls(mean, directions[: min(kept, max(directions.shape[0] - 1, 0))])

    def error(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of each row from what the directions rebuild of it, (rows,)."""
        centred = rows - self.mean
        rest = (centred * centred).sum(axis=1)
        for direction in self.directions:
            along = np.zeros(len(rows))
            for at, weight in enumerate(direction):
                along += centred[:, at] * weight
            rest -= along * along
        errors: NDArray[np.float64] = np.round(np.sqrt(np.maximum(rest, 0.0)), DECIMALS)
        return errors

    def to_json(self) -> dict[str, Any]:
        return {"mean": self.mean.tolist(), "directions": self.directions.tolist()}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        mean = np.array(body["mean"], dtype=np.float64)
        return cls(mean, np.array(body["directions"], dtype=np.float64).reshape(-1, len(mean)))


def cosine_columns(prefix: str, values: NDArray[np.float64]) -> dict[str, Column]:
    """``<prefix>:cos0`` and so on."""
    return {f"{prefix}:cos{at}": numeric(f"{prefix}:cos{at}", values[:, at]) for at in range(values.shape[1])}


def numeric(name: str, values: NDArray[np.float64]) -> Column:
    return Column(name, Kind.NUMERIC, values, np.isnan(values))
