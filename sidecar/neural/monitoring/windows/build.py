"""Builds a reference from columns of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.errors import ReferenceDataError
from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.concat import take_rows
from neural.monitoring.windows.derive import SKETCH, Derivation
from neural.monitoring.windows.grid import count_sorted, grid_edges
from neural.monitoring.windows.moments import unix_seconds
from neural.monitoring.windows.order import runs_of_numbers, runs_of_words
from neural.monitoring.windows.reference import ColumnReference, Reference
from neural.monitoring.windows.seasonal import build_seasons
from neural.monitoring.windows.seasons import TIME, Seasonal
from neural.monitoring.windows.usable import usable_numbers, usable_values

DEFAULT_CELLS = 256
DEFAULT_MAX_CATEGORIES = 200
MAX_KNOWN_CATEGORIES = 20_000
"""Names kept of one column: what occurs beyond them counts as unseen, in the reference as in the traffic."""


def build_reference(
    columns: Mapping[str, Column],
    *,
    source: str,
    created_at: float,
    performance: Mapping[str, float] | None = None,
    cells: int = DEFAULT_CELLS,
    max_categories: int = DEFAULT_MAX_CATEGORIES,
    whole_rows: bool = False,
    seasonal: Seasonal | None = None,
) -> Reference:
    """Summarise columns of equal length. ``created_at``: Unix seconds; ``performance``: metric → value on the reference.

    Texts and embeddings get derived columns beside them, and with ``whole_rows`` all features together: see ``derive``. With ``seasonal``
    the column ``@time`` (Unix seconds) says which hour each row belongs to; it is needed then, and no column to watch.
    Raises ReferenceDataError without it, or when it holds no time.
    """
    times = _times(columns) if seasonal is not None else np.empty(0)
    columns = {name: column for name, column in columns.items() if name != TIME}
    derivation = Derivation.fit(columns, whole_rows=whole_rows)
    derived = derivation.derive(take_rows(columns, slice(1, None, 2))) if derivation else {}
    columns = {name: column for name, column in columns.items() if not name.startswith(SKETCH)} | derived
    built = {
        name: _categorical(column, max_categories) if column.kind is Kind.CATEGORICAL else _numeric(column, cells)
        for name, column in columns.items()
    }
    rows = max((len(column) for column in columns.values()), default=0)
    seasons = None
    if seasonal is not None:
        seasons = build_seasons(columns, built, times, frozenset(derived), seasonal)
        built = {name: replace(column, runs=()) for name, column in built.items()}  # an hour is unlike the one before: no run
    return Reference(built, rows, source, created_at, dict(performance or {}), derivation=derivation, seasons=seasons)


def _times(columns: Mapping[str, Column]) -> NDArray[np.float64]:
    times = unix_seconds(columns[TIME]) if TIME in columns else np.empty(0)
    if not np.isfinite(times).any():
        raise ReferenceDataError("the reference is to be seasonal, and no row says when it was")
    return times


def _numeric(column: Column, cells: int) -> ColumnReference:
    found = usable_numbers(column)
    ordered = np.sort(found.values)
    edges = grid_edges(ordered, cells)
    counts = count_sorted(ordered, edges)
    built = ColumnReference(
        name=column.name,
        kind=column.kind,
        n=len(ordered),
        missing=found.missing,
        invalid=found.invalid,
        non_finite=found.non_finite,
        edges=edges,
        counts=counts,
        runs=runs_of_numbers(found.values, edges, counts),
        held=count_sorted(np.sort(found.values[1::2]), edges),
        distinct=len(np.unique(ordered)),
    )
    return replace(built, **_moments(ordered)) if len(ordered) else built


def _moments(ordered: NDArray[np.float64]) -> dict[str, Any]:
    """Of sorted finite values, at least one. Values so large that a moment overflows leave it out."""
    with np.errstate(over="ignore", invalid="ignore"):
        median = float(np.median(ordered))
        q1, q3 = (float(q) for q in np.quantile(ordered, [0.25, 0.75]))
        found = {
            "mean": float(ordered.mean()),
            "std": float(ordered.std()),
            "minimum": float(ordered[0]),
            "maximum": float(ordered[-1]),
            "median": median,
            "mad": float(np.median(np.abs(ordered - median))),
            "q1": q1,
            "q3": q3,
        }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _categorical(column: Column, max_categories: int) -> ColumnReference:
    found = usable_values(column)
    words = [str(value) for value in found.values.tolist()]
    held = Counter(words[1::2])
    ranked = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    known = ranked[:MAX_KNOWN_CATEGORIES]
    labels = tuple(name for name, _ in known[:max_categories])
    own = [count for _, count in known[:max_categories]]
    other = sum(count for _, count in known[max_categories:])
    held_own = [held[name] for name in labels]
    held_other = sum(held[name] for name, _ in known[max_categories:])
    return ColumnReference(
        name=column.name,
        kind=column.kind,
        n=len(words),
        missing=found.missing,
        invalid=found.invalid,
        counts=np.array([*own, other, len(words) - sum(own) - other], dtype=np.int64),
        held=np.array([*held_own, held_other, sum(held.values()) - sum(held_own) - held_other], dtype=np.int64),
        distinct=len(ranked),
        labels=labels,
        runs=runs_of_words(words, [name for name, _ in ranked]),
        categories=dict(known),
        singletons=sum(1 for _, count in ranked if count == 1),
    )
