"""Which values of a column can be counted, and why the others can't."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind


@dataclass(frozen=True, slots=True)
class Usable:
    """``values``: those that count, in order. The rest by reason; a value has one reason only (missing before invalid)."""

    values: NDArray[Any]
    missing: int = 0
    invalid: int = 0
    non_finite: int = 0


def usable_numbers(column: Column) -> Usable:
    """Finite numbers of a numeric or boolean column, lengths of texts, norms of embeddings; float64 of shape (usable,)."""
    kept = usable_values(column)
    numbers = _as_numbers(column.kind, kept.values)
    finite = np.isfinite(numbers)
    if finite.all():
        return Usable(numbers, kept.missing, kept.invalid)
    nan = int(np.isnan(numbers).sum())
    return Usable(numbers[finite], kept.missing + nan, kept.invalid, len(numbers) - int(finite.sum()) - nan)


_TRUTHS = {"true": 1.0, "false": 0.0}


def numbers_in_words(column: Column) -> Usable:
    """Words where the reference has numbers: those that read as finite numbers, or as true and false; the others are invalid."""
    kept = usable_values(column)
    numbers = np.array([_number(str(word)) for word in kept.values.tolist()], dtype=np.float64)
    good = np.isfinite(numbers)
    return Usable(numbers[good], kept.missing, kept.invalid + len(numbers) - int(good.sum()))


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return _TRUTHS.get(word.lower(), math.nan)


def usable_values(column: Column) -> Usable:
    """Values that are neither missing nor invalid. None counts as missing, whatever the mask says."""
    values, missing, invalid = column.values, column.missing, column.invalid
    n_missing = int(np.count_nonzero(missing))
    out = missing
    n_invalid = 0
    if invalid is not None:
        n_invalid = int(np.count_nonzero(invalid & ~missing))
        out = missing | invalid
    kept = values[~out] if n_missing or n_invalid else values
    if kept.dtype == object:
        present = np.array([value is not None for value in kept], dtype=bool)
        if not present.all():
            n_missing += len(kept) - int(present.sum())
            kept = kept[present]
    return Usable(kept, n_missing, n_invalid)


def _as_numbers(kind: Kind, values: NDArray[Any]) -> NDArray[np.float64]:
    if kind is Kind.TEXT:
        return np.array([len(str(text)) for text in values.tolist()], dtype=np.float64)
    if kind is Kind.EMBEDDING:
        rows = np.asarray(values, dtype=np.float64)
        return np.sqrt((rows * rows).sum(axis=1)) if rows.ndim == 2 else np.abs(rows)
    return np.asarray(values, dtype=np.float64)
