"""The demo's model: will this flight arrive more than 15 minutes late, from what is known at its scheduled departure?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.demo.data import CATEGORICAL, NUMERIC, Flights


@dataclass(frozen=True, slots=True)
class FlightModel:
    """A gradient-boosted classifier and the categories it knows. Unknown categories are treated as missing."""

    classifier: Any
    categories: Mapping[str, Mapping[str, int]]

    def matrix(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Columns to the model's (n, features) matrix. Raises KeyError when a feature is absent, as naive servers do."""
        numeric = [np.asarray(columns[name], dtype=np.float64) for name in NUMERIC]
        coded = [
            np.asarray([self.categories[name].get(value, np.nan) for value in columns[name]], dtype=np.float64)
            for name in CATEGORICAL
        ]
        return np.column_stack(numeric + coded)

    def probability(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """P(late) for each row, shape (n,)."""
        scores: NDArray[np.float64] = self.classifier.predict_proba(self.matrix(columns))[:, 1]
        return scores


def train_model(flights: Flights, seed: int) -> FlightModel:
    """Train on the flights whose outcome is known. A few seconds on two cores."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    known = np.flatnonzero(~np.isnan(flights.late))
    flights = flights.take(known)
    categories = {name: {value: code for code, value in enumerate(sorted(set(flights.columns[name])))} for name in CATEGORICAL}
    coded: Any = list(range(len(NUMERIC), len(NUMERIC) + len(CATEGORICAL)))
    classifier = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, categorical_features=coded, random_state=seed)
    model = FlightModel(classifier, categories)
    classifier.fit(model.matrix(flights.columns), flights.late)
    return model
