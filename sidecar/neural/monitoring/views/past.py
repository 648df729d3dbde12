"""What a lake of prediction logs says of a stretch of time: profile and performance, and beside a reference drift and quality.

The engine counts, in the cells of the reference; the rooms that judge panes judge these counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neural.monitoring.drift.over import drift_over
from neural.monitoring.drift.sample import COARSE, coarse_groups
from neural.monitoring.lake import profile
from neural.monitoring.quality.over import quality_over
from neural.monitoring.records import LATENCY, PREDICTION, PROBABILITY_PREFIX
from neural.monitoring.windows import ColumnPane, ColumnReference, Reference, Window, build_reference, load_reference_file

CELLS = 3 * COARSE
"""Cells of a column, of the reference's 256: PSI's bins are unions of them, so PSI is the sidecar's; KS is at most 1/30 below it. An engine
compares every value with every edge, so that they are most of what a question costs."""


def analyze_past(path: Path | str, *, reference: Path | None = None, **asked: Any) -> dict[str, Any]:
    """``lake.profile`` with ``drift`` and ``quality`` beside it, None without a reference. ``reference``: a file of reference rows, or a
    part of a prediction log. Raises ReferenceDataError when it can't be read, and what ``profile`` raises.
    """
    compared = None if reference is None else thinned(load_reference(reference))
    found = profile(path, reference=compared, **asked)
    if compared is None or found["status"] != "ok":
        return {**found, "drift": None, "quality": None}
    window = window_of(found, compared)
    compared = replace(
        compared, columns={name: one for name, one in compared.columns.items() if _fits(one, window, found["rows"])}
    )
    return {**found, "drift": drift_over(compared, window), "quality": quality_over(compared, window)}


def load_reference(path: Path) -> Reference:
    return build_reference(load_reference_file(path), source=path.name, created_at=0.0)


def thinned(reference: Reference) -> Reference:
    """The same reference on a coarser grid, without the columns that a log does not hold (derived ones)."""
    kept = {name: one for name, one in reference.columns.items() if not name.startswith("@") or _is_logged(name)}
    return replace(reference, columns={name: _thinned(one) for name, one in kept.items()}, hash="")


def _is_logged(name: str) -> bool:
    return name in (PREDICTION, LATENCY) or name.startswith(PROBABILITY_PREFIX)


def _thinned(column: ColumnReference) -> ColumnReference:
    """Neighbours within a bin of PSI are one cell. What is outside the reference's range stays a cell, and so do the few values of a
    discrete column.
    """
    cells = len(column.counts)
    if column.is_categorical or cells <= CELLS + 2 or not column.n:
        return column
    counts = column.counts.astype(np.float64)
    group, _ = coarse_groups(counts, np.zeros(1, dtype=np.intp))
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    part = np.minimum(np.floor(middle * CELLS), CELLS - 1)
    change = (np.diff(group) != 0) | (np.diff(part) != 0)
    change[0] = change[-1] = True
    first = np.concatenate([[0], np.flatnonzero(change) + 1])
    return replace(
        column,
        edges=column.edges[change],
        counts=np.add.reduceat(column.counts, first),
        held=np.add.reduceat(column.held, first) if len(column.held) == cells else column.held,
    )


def window_of(found: Mapping[str, Any], reference: Reference) -> Window:
    """The panes of a profile that was asked with this reference."""
    measured = {
        **found["features"],
        **{PROBABILITY_PREFIX + name: one for name, one in found["probabilities"].items()},
        **({PREDICTION: found["predictions"]} if found["predictions"] else {}),
    }
    panes = {
        name: _pane(name, one, reference.columns[name], found["rows"])
        for name, one in measured.items()
        if name in reference.columns and "cells" in one
    }
    return Window(found["first"], found["last"], found["rows"], panes)


def _pane(name: str, one: Mapping[str, Any], column: ColumnReference, rows: int) -> ColumnPane:
    counts = np.array(one["cells"], dtype=np.int64)
    mean, std, n = one.get("mean"), one.get("std"), one["count"]
    return ColumnPane(
        name=name,
        kind=column.kind,
        total=rows,
        n=n,
        missing=one["missing"],
        non_finite=one.get("infinite", 0),
        unseen=int(counts[-1]) if column.is_categorical else 0,
        counts=counts,
        deviation_sum=(mean or 0.0) * n,
        deviation_squares=((std or 0.0) ** 2 + (mean or 0.0) ** 2) * n,
        minimum=one.get("min"),
        maximum=one.get("max"),
    )


def _fits(column: ColumnReference, window: Window, rows: int) -> bool:
    """A column that the log holds as another kind is not compared; one that it does not hold at all is missing in every row."""
    return column.name in window.columns or not (rows and column.name.startswith("@"))
