"""Data with a labelled reference and chunks whose labels come later: made up (so that the truth is known), and real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from tests.realdata.deployment import Deployment
from tests.realdata.flights import flights_deployment
from tests.realdata.sets import employment, housing, rain
from tests.realdata.wheels import read_table

CHUNK = 2_000
FEATURES = 8


@dataclass(frozen=True, slots=True)
class Part:
    """n rows. ``probability``: of class 1, None in a regression; ``labels``: 0 and 1, or numbers."""

    features: NDArray[np.float64]
    predictions: NDArray[np.float64]
    probability: NDArray[np.float64] | None
    labels: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: slice) -> Part:
        probability = None if self.probability is None else self.probability[chosen]
        return Part(self.features[chosen], self.predictions[chosen], probability, self.labels[chosen])

    def chunks(self, size: int) -> list[Part]:
        return [self.rows(slice(start, start + size)) for start in range(0, len(self) - size + 1, size)]


@dataclass(frozen=True, slots=True)
class Case:
    """``reference`` is labelled from the start; ``analysis`` in chunks of ``chunk`` rows."""

    reference: Part
    analysis: Part
    chunk: int = CHUNK

    @property
    def regression(self) -> bool:
        return self.reference.probability is None


def _draw(random: np.random.Generator, n: int, shift: float, turn: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs whose mean moved by ``shift``, and outcomes by a relation turned by ``turn`` (0: as in training)."""
    inputs = random.normal(shift, 1.0, (n, FEATURES))
    score = 1.2 * inputs[:, 0] - 0.8 * inputs[:, 1] + 0.6 * inputs[:, 2] * inputs[:, 3] + 0.4 * np.square(inputs[:, 4]) - 0.4
    score = score * np.cos(turn) + (1.2 * inputs[:, 5] - 0.8 * inputs[:, 6]) * np.sin(turn)
    return inputs, (random.random(n) < 1 / (1 + np.exp(-score))).astype(np.float64)


def _made_up(model: Any, shifts: list[float], turns: list[float], seed: int) -> Case:
    random = np.random.default_rng(seed)
    model.fit(*_draw(random, 5_000, 0.0, 0.0))
    reference = _draw(random, 20_000, 0.0, 0.0)
    drawn = [_draw(random, CHUNK, shift, turn) for shift, turn in zip(shifts, turns, strict=True)]
    analysis = np.concatenate([one[0] for one in drawn]), np.concatenate([one[1] for one in drawn])
    return Case(_answered(model, *reference), _answered(model, *analysis))


def _answered(model: Any, inputs: NDArray[np.float64], labels: NDArray[np.float64]) -> Part:
    probability = model.predict_proba(inputs)[:, 1]
    return Part(inputs, (probability > 0.5).astype(np.float64), probability, labels)


def _boosted() -> HistGradientBoostingClassifier:
    """Trees that have learnt 5,000 rows by heart: too sure of themselves."""
    return HistGradientBoostingClassifier(max_iter=300, max_leaf_nodes=31, learning_rate=0.2, random_state=0)


def _of(deployment: Deployment, chunk: int) -> Case:
    """The deployment's labelled rows."""

    def part(features: Mapping[str, NDArray[Any]], answers: Any, labels: NDArray[Any]) -> Part:
        known = np.array([label is not None for label in labels.tolist()])
        numbers = [values for values in features.values() if values.dtype != object]
        return Part(
            np.column_stack(numbers)[known],
            answers.predictions[known].astype(np.float64),
            answers.probability[known],
            labels[known].astype(np.float64),
        )

    return Case(
        part(deployment.reference, deployment.reference_answers, deployment.reference_labels),
        part(deployment.served, deployment.answers, deployment.labels),
        chunk,
    )


def _cars() -> Case:
    """NannyML's own example of a regression."""
    folder = "nannyml/datasets/data/regression_synthetic"
    reference, analysis = (read_table("nannyml", f"{folder}_{part}.csv") for part in ("reference", "analysis"))
    truth = read_table("nannyml", f"{folder}_analysis_targets.csv")["y_true"].to_numpy(np.float64)
    names = ["car_age", "km_driven", "price_new", "accident_count", "door_count"]

    def part(table: Any, labels: NDArray[np.float64]) -> Part:
        words = [table[name].astype("category").cat.codes.to_numpy(np.float64) for name in ("fuel", "transmission")]
        return Part(
            np.column_stack([table[names].to_numpy(np.float64), *words]), table["y_pred"].to_numpy(np.float64), None, labels
        )

    return Case(part(reference, reference["y_true"].to_numpy(np.float64)), part(analysis, truth))


def _loans() -> Case:
    """NannyML's own example of a classification."""
    folder = "nannyml/datasets/data/synthetic_car_loan"
    reference, analysis = (read_table("nannyml", f"{folder}_{part}.csv") for part in ("reference", "analysis"))
    truth = read_table("nannyml", f"{folder}_analysis_target.csv")["repaid"].to_numpy(np.float64)
    names = ["car_value", "debt_to_income_ratio", "loan_length", "driver_tenure"]

    def part(table: Any, labels: NDArray[np.float64]) -> Part:
        numbers = table[names].to_numpy(np.float64)
        return Part(numbers, table["y_pred"].to_numpy(np.float64), table["y_pred_proba"].to_numpy(np.float64), labels)

    return Case(part(reference, reference["repaid"].to_numpy(np.float64)), part(analysis, truth))


SHIFTS = [0.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 0.5, -0.5, -1.0]
CALM = [0.0] * len(SHIFTS)
TURNS = [0.0, 0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3]

CASES: Mapping[str, Callable[[], Case]] = {
    "covariate shift, calibrated model": lambda: _made_up(LogisticRegression(), SHIFTS, CALM, 1),
    "covariate shift, overconfident model": lambda: _made_up(_boosted(), SHIFTS, CALM, 2),
    "concept drift (no estimate can see it)": lambda: _made_up(LogisticRegression(), CALM, TURNS, 3),
    "car loans (NannyML's example)": _loans,
    "US census 2016 to 2018": lambda: _of(employment(), CHUNK),
    "flights, February to December": lambda: _of(flights_deployment(), CHUNK),
    "California housing": lambda: _of(housing(), 500),
    "rain in Bellevue": lambda: _of(rain(), 500),
    "used cars (regression, NannyML's example)": _cars,
}
