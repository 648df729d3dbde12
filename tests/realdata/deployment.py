"""A model in production: what it was trained on, what it was asked afterwards, and when the truth came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY = 86_400.0
HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What the model says of n rows. ``predictions``: class names (object) or numbers; ``probability``: of class "1", or None."""

    predictions: NDArray[Any]
    probability: NDArray[np.float64] | None = None

    def take(self, rows: NDArray[Any]) -> Answers:
        return Answers(self.predictions[rows], None if self.probability is None else self.probability[rows])


@dataclass(frozen=True, slots=True)
class Deployment:
    """``reference`` and ``served``: features by name, numbers as float64 (NaN: missing) or texts as objects (None: missing).

    ``labels`` and ``reference_labels``: class names, or numbers; None or NaN where the truth never comes. ``times``: Unix seconds of each
    request, ascending; ``delays``: seconds until its label. ``periods``: the rows of the page's table. ``changes_at``: index of the first
    row from the other side of a split made by us; None where time alone decides.
    """

    name: str
    title: str
    about: str
    reference: Mapping[str, NDArray[Any]]
    reference_answers: Answers
    reference_labels: NDArray[Any]
    served: Mapping[str, NDArray[Any]]
    answers: Answers
    labels: NDArray[Any]
    times: NDArray[np.float64]
    delays: NDArray[np.float64]
    periods: NDArray[Any]
    task: str = "classification"
    evaluate_every: float = HOUR
    window: float = DAY
    labels_window: float = 30 * DAY
    labels_within: float = 30 * DAY
    changes_at: int | None = None
    ignore: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.times)

    @property
    def categorical(self) -> list[str]:
        return [name for name, values in self.served.items() if values.dtype == object]

    def first(self, rows: int) -> Deployment:
        """The same, ended early."""
        keep = np.arange(min(rows, len(self)))
        served = {name: values[keep] for name, values in self.served.items()}
        cut = {"labels": self.labels[keep], "times": self.times[keep], "delays": self.delays[keep], "periods": self.periods[keep]}
        kept = {name: getattr(self, name) for name in _SAME}
        return Deployment(served=served, answers=self.answers.take(keep), **cut, **kept)


_SAME = (
    "name", "title", "about", "reference", "reference_answers", "reference_labels", "task", "evaluate_every", "window",
    "labels_window", "labels_within", "changes_at", "ignore",
)  # fmt: skip


def split_at_random(n: int, shares: tuple[float, ...], seed: int) -> list[NDArray[np.int64]]:
    """n rows in random order, cut by shares."""
    order = np.random.default_rng(seed).permutation(n)
    return [np.sort(part) for part in np.split(order, (np.cumsum(shares)[:-1] * n).astype(int))]
