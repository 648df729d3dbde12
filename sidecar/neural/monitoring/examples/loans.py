"""What the examples share: applicants for a loan, and a model that says who will pay back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

REGIONS = ("north", "south", "east", "west")
_WEIGHTS = {"income": 0.9, "age": 0.3, "debt": -1.1}


@dataclass(frozen=True, slots=True)
class World:
    """How applicants are. ``debt_matters`` is what the truth depends on; the model has learnt that it is 1."""

    income: float = 3.0
    spread: float = 1.0
    regions: tuple[str, ...] = REGIONS
    missing: float = 0.0
    debt_matters: float = 1.0


@dataclass(frozen=True, slots=True)
class Applicants:
    """n applicants in columns, the model's probability that each pays back (n,), and whether they did (n,)."""

    columns: dict[str, list[object]]
    probability: NDArray[np.float64]
    paid_back: NDArray[np.int64]
    world: World = field(default_factory=World)

    def __len__(self) -> int:
        return len(self.probability)

    @property
    def decisions(self) -> NDArray[np.int64]:
        return (self.probability >= 0.5).astype(np.int64)

    @property
    def accuracy(self) -> float:
        return float((self.decisions == self.paid_back).mean())

    def row(self, at: int) -> dict[str, object]:
        return {name: values[at] for name, values in self.columns.items()}


def applicants(n: int, rng: np.random.Generator, world: World | None = None) -> Applicants:
    """Draw n applicants from a world, and let the model judge them."""
    world = world or World()
    income = rng.normal(world.income, world.spread, n)
    age = rng.uniform(18, 75, n)
    debt = rng.exponential(1.0, n)
    score = _WEIGHTS["income"] * (income - 3) + _WEIGHTS["age"] * (age - 45) / 15
    known, actual = score + _WEIGHTS["debt"] * (debt - 1), score + _WEIGHTS["debt"] * world.debt_matters * (debt - 1)
    gone = rng.random(n) < world.missing
    columns: dict[str, list[object]] = {
        "income": [None if lost else float(value) for value, lost in zip(income, gone, strict=True)],
        "age": age.tolist(),
        "debt": debt.tolist(),
        "region": rng.choice(world.regions, n).tolist(),
    }
    paid_back = (rng.random(n) < 1 / (1 + np.exp(-3 * actual))).astype(np.int64)
    return Applicants(columns, 1 / (1 + np.exp(-3 * known)), paid_back, world)
