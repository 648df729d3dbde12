"""What a reference says of its features, as the ``features`` section of a configuration: a draft for people to review."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.records import Kind
from neural.monitoring.windows.reference import ColumnReference, Reference

MOST_ALLOWED = 30
"""Categories of which a column may have so many are listed; more are left open."""
MARGIN = 0.5
"""A range is widened by this share of what was seen on either side: a draft must not call the next new extreme invalid."""
LEAST_ROWS = 100  # for what never happened in the reference to say that it must not


@dataclass(frozen=True, slots=True)
class InferredFeature:
    """``settings``: for the configuration; ``seen``: in words, what they were read from."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    seen: str = ""


def infer_features(reference: Reference) -> list[InferredFeature]:
    """One for every feature, in the reference's order."""
    return [_inferred(reference.columns[name]) for name in reference.feature_names]


def _inferred(column: ColumnReference) -> InferredFeature:
    settings: dict[str, Any] = {"kind": column.kind.value}
    enough = column.total >= LEAST_ROWS
    if column.kind is Kind.NUMERIC:
        settings.update(_number_settings(column) if enough else {})
    elif column.kind is Kind.CATEGORICAL and enough and column.distinct <= MOST_ALLOWED and not column.singletons:
        settings["allowed"] = sorted(column.categories)
    if enough and column.missing == 0:
        settings["required"] = True
    return InferredFeature(column.name, settings, _seen(column))


def _number_settings(column: ColumnReference) -> dict[str, Any]:
    low, high = column.minimum, column.maximum
    if low is None or high is None:
        return {}
    if low >= 0.0 and high <= 1.0 and column.distinct > 2:
        return {"constraint": "probability"}
    if (low, high) == (0.0, 1.0) and column.distinct == 2:
        return {"constraint": "binary"}
    around = MARGIN * (high - low)
    smallest = 0.0 if low >= 0.0 else low - around
    if not math.isfinite(around) or high == low:
        return {}
    return {"range": [_round_down(smallest), _round_up(high + around)]}


def _round_down(value: float) -> float:
    return math.floor(value / _step(value)) * _step(value)


def _round_up(value: float) -> float:
    return math.ceil(value / _step(value)) * _step(value)


def _step(value: float) -> float:
    """A tenth of the value's power of ten: ranges are read by people."""
    return 10.0 ** (math.floor(math.log10(abs(value))) - 1) if abs(value) > 1e-200 else 1.0


def _seen(column: ColumnReference) -> str:
    missing = f", {column.missing_rate:.1%} missing" if column.missing else ""
    if column.is_categorical:
        return f"{column.distinct} categories{missing}"
    if column.minimum is None or column.maximum is None:
        return f"no values{missing}"
    return f"{column.minimum:.6g} to {column.maximum:.6g}, {column.distinct} values{missing}"
