"""Performance of the recent predictions that have a ground truth. The stream's metrics are the performance room's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neural.monitoring.predictions.record import PredictionRecord


def performance_of(records: Sequence[PredictionRecord]) -> dict[str, Any] | None:
    """Accuracy, precision, recall, F1 (of class 1, else macro) or MAE, RMSE, R²; None without ground truth."""
    known = [record for record in records if record.ground_truth is not None]
    if not known:
        return None
    head = {"labelled": len(known), "coverage": len(known) / len(records)}
    if any(isinstance(record.prediction, float) and not record.prediction.is_integer() for record in known):
        return head | _regression(known)
    made = [_name(record.prediction) for record in known]
    truth = [_name(record.ground_truth) for record in known]
    return head | _classification(made, truth)


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _classification(made: Sequence[str], truth: Sequence[str]) -> dict[str, Any]:
    classes = sorted({*made, *truth})
    wanted = ["1"] if "1" in classes and len(classes) <= 2 else classes
    pairs = list(zip(made, truth, strict=True))
    rows = []
    for name in wanted:
        hit = sum(a == b == name for a, b in pairs)
        called, actual = made.count(name), truth.count(name)
        rows.append((_ratio(hit, called), _ratio(hit, actual), _ratio(2 * hit, called + actual)))
    precision, recall, f1 = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return {"accuracy": sum(a == b for a, b in pairs) / len(pairs), "precision": precision, "recall": recall, "f1": f1}


def _regression(known: Sequence[PredictionRecord]) -> dict[str, Any]:
    pairs = [(_float(record.prediction), _float(record.ground_truth)) for record in known]
    usable = np.array([pair for pair in pairs if None not in pair], dtype=np.float64).reshape(-1, 2)
    if not len(usable):
        return {"mae": None, "rmse": None, "r2": None}
    made, truth = usable.T
    errors = made - truth
    spread = float(np.square(truth - truth.mean()).sum())
    r2 = 1 - float(errors @ errors) / spread if len(truth) > 1 and spread > 0 else None
    return {"mae": float(np.abs(errors).mean()), "rmse": math.sqrt(float(errors @ errors) / len(errors)), "r2": r2}


def _float(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom else 0.0
