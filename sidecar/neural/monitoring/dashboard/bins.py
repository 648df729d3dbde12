"""Reference and current shares, read out of a drift verdict's evidence.

Evidence is JSON made by another room, perhaps by an older version: whatever can't be understood is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from neural.monitoring.dashboard.words import number

MAX_BINS = 64
MOVED_SHARE = 0.02  # a bin is called moved from two points of a hundred, where the evidence does not say itself
_REFERENCE_KEYS = ("reference", "reference_share", "expected", "ref")
_CURRENT_KEYS = ("current", "current_share", "observed", "actual", "cur")
_LIST_KEYS = ("bins", "moved_bins", "moved", "cells", "categories", "top")


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin or category: shares (0 to 1) in the reference and now, and whether it is part of the finding."""

    label: str
    reference: float
    current: float
    moved: bool


def bins_from(evidence: Mapping[str, Any]) -> list[Bin]:
    """The bins in the order given; empty when the evidence holds none that can be read.

    The drift room writes ``bins`` {labels, reference, current} (shares) for every column, and ``moved`` [{bin, reference, current}],
    the most moved first, for those that drift. Lists of objects and parallel lists under a few other names are understood too.
    """
    whole = evidence.get("bins")
    if isinstance(whole, Mapping):
        return _from_arrays(whole)
    for key in _LIST_KEYS:
        items = evidence.get(key)
        if isinstance(items, Sequence) and not isinstance(items, str):
            found = [item for item in (_from_item(raw) for raw in items[:MAX_BINS]) if item is not None]
            if found:
                return found
    return _from_arrays(evidence)


def _from_item(raw: Any) -> Bin | None:
    if not isinstance(raw, Mapping):
        return None
    reference, current = _first(raw, _REFERENCE_KEYS), _first(raw, _CURRENT_KEYS)
    if reference is None or current is None:
        return None
    moved = raw.get("moved")
    return Bin(_label(raw), reference, current, bool(moved) if moved is not None else _moved(reference, current))


def _label(raw: Mapping[str, Any]) -> str:
    for key in ("label", "category", "value", "name", "bin"):
        if isinstance(raw.get(key), str | int | float):
            return str(raw[key])
    low = _first(raw, ("low", "lower", "from", "left"))
    high = _first(raw, ("high", "upper", "to", "right"))
    return interval(low, high)


def interval(low: float | None, high: float | None) -> str:
    """'10 … 20', '≤ 10', '> 20'."""
    if low is None and high is None:
        return "all"
    if low is None:
        return f"≤ {number(high)}"
    return f"> {number(low)}" if high is None else f"{number(low)} … {number(high)}"


def _from_arrays(evidence: Mapping[str, Any]) -> list[Bin]:
    """Parallel lists: edges (or categories), reference and current counts or shares."""
    reference, current = _numbers(evidence, _REFERENCE_KEYS), _numbers(evidence, _CURRENT_KEYS)
    if not reference or len(reference) != len(current) or len(reference) > MAX_BINS:
        return []
    labels = _array_labels(evidence, len(reference))
    totals = (sum(reference) or 1.0, sum(current) or 1.0)
    shares = [(r / totals[0], c / totals[1]) for r, c in zip(reference, current, strict=True)]
    return [Bin(label, r, c, _moved(r, c)) for label, (r, c) in zip(labels, shares, strict=True)]


def _array_labels(evidence: Mapping[str, Any], count: int) -> list[str]:
    names = evidence.get("labels") or evidence.get("categories")
    if isinstance(names, Sequence) and len(names) == count:
        return [str(name) for name in names]
    edges = _numbers(evidence, ("edges",))
    if len(edges) == count + 1:
        return [interval(a, b) for a, b in pairwise(edges)]
    if len(edges) == count - 1 and edges:
        bounds: list[float | None] = [None, *edges, None]
        return [interval(a, b) for a, b in pairwise(bounds)]
    return [str(i + 1) for i in range(count)]


def _numbers(raw: Mapping[str, Any], keys: Sequence[str]) -> list[float]:
    for key in keys:
        items = raw.get(key)
        if isinstance(items, Sequence) and not isinstance(items, str):
            return [value for value in (_number(item) for item in items) if value is not None]
    return []


def _first(raw: Mapping[str, Any], keys: Sequence[str]) -> float | None:
    return next((value for value in (_number(raw.get(key)) for key in keys) if value is not None), None)


def _number(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _moved(reference: float, current: float) -> bool:
    return abs(current - reference) >= MOVED_SHARE
