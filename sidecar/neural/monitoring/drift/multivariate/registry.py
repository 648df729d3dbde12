"""The multivariate methods by name, and how a table is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.multivariate.classifier import DomainClassifier
from neural.monitoring.drift.multivariate.mmd import MeanEmbedding
from neural.monitoring.drift.multivariate.pca import Reconstruction
from neural.monitoring.drift.sample import Measured
from neural.monitoring.errors import DataError
from neural.monitoring.records import Column
from neural.monitoring.windows.encode import Encoder

FEWEST_ROWS = 20


class RowMethod(Protocol):
    """Fitted on the reference's rows, shape (rows, dimensions). From ``threshold`` on a statistic is large enough to matter."""

    name: str
    threshold: float

    def compare(self, current: NDArray[np.float64]) -> Measured: ...


ROW_METHODS: Mapping[str, Callable[[NDArray[np.float64]], RowMethod]] = {
    MeanEmbedding.name: MeanEmbedding,
    Reconstruction.name: Reconstruction,
    DomainClassifier.name: DomainClassifier,
}


@dataclass(frozen=True, slots=True)
class RowsMoved:
    """One method's answer about whole rows."""

    method: str
    measured: Measured
    drifting: bool
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "statistic": self.measured.statistic,
            "p_value": self.measured.p_value,
            "is_drifting": self.drifting,
            "reason": self.reason,
        }


class RowDrift:
    """Whole rows against the reference's, by the methods named. Raises DataError for an unknown name."""

    def __init__(self, reference: Mapping[str, Column], names: Sequence[str]) -> None:
        unknown = [name for name in names if name not in ROW_METHODS]
        if unknown:
            raise DataError(f"{unknown[0]!r} is not a multivariate method: choose from {', '.join(ROW_METHODS)}")
        self._encoder = Encoder.fit(reference)
        rows = self._encoder.rows(reference)
        usable = len(rows) >= FEWEST_ROWS and rows.shape[1] > 0
        self._methods = [ROW_METHODS[name](rows) for name in names] if usable else []
        self._names = tuple(names)

    def compare(self, current: Mapping[str, Column], alpha: float) -> dict[str, RowsMoved]:
        """Drift: p < alpha over the number of methods, and a statistic at or above the method's threshold."""
        rows = self._encoder.rows(current)
        if not self._methods or len(rows) < FEWEST_ROWS:
            few = Measured(None, note=f"at least {FEWEST_ROWS} rows are needed")
            return {name: RowsMoved(name, few, drifting=False, reason=few.note) for name in self._names}
        level = alpha / len(self._methods)
        return {method.name: _judged(method, method.compare(rows), level) for method in self._methods}


def _judged(method: RowMethod, found: Measured, level: float) -> RowsMoved:
    if found.statistic is None or found.p_value is None:
        return RowsMoved(method.name, found, drifting=False, reason=found.note)
    numbers = f"{method.name} of whole rows is {found.statistic:.3g} (p = {found.p_value:.2g})"
    if found.p_value >= level:
        return RowsMoved(method.name, found, drifting=False, reason=f"{numbers}, which chance explains")
    if found.statistic < method.threshold:
        return RowsMoved(method.name, found, drifting=False, reason=f"{numbers}, less than {method.threshold:g}")
    return RowsMoved(method.name, found, drifting=True, reason=f"{numbers}, at least {method.threshold:g} and not by chance")
