"""One number for how good the data is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from neural.monitoring.quality.settings import QualityWeights


@dataclass(frozen=True, slots=True)
class ColumnTrouble:
    """A column's rates of trouble, each between 0 and 1, beyond what its reference has."""

    missing: float = 0.0
    invalid: float = 0.0
    unseen: float = 0.0
    outliers: float = 0.0

    def cost(self, weights: QualityWeights) -> float:
        total = (
            weights.missing * self.missing
            + weights.invalid * self.invalid
            + weights.unseen * self.unseen
            + weights.outliers * self.outliers
        )
        return min(max(total, 0.0), 1.0)


def quality_score(columns: Iterable[ColumnTrouble], weights: QualityWeights) -> float | None:
    """1 − the larger of the mean cost over columns and the worst column's share; None without columns.

    The mean alone would hide one dead column among a hundred good ones.
    """
    costs = [column.cost(weights) for column in columns]
    if not costs:
        return None
    return 1.0 - max(sum(costs) / len(costs), weights.worst_column * max(costs))
