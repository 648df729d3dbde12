"""Columns that have said the same thing for too long: a sensor that froze, a default that took over."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neural.monitoring.quality.findings import Finding
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.windows.pane import ColumnPane
from neural.monitoring.windows.reference import ColumnReference, Reference
from neural.monitoring.windows.window import Window


@dataclass(frozen=True, slots=True)
class Run:
    """A column has held one value since ``since``, over ``rows`` rows. ``cell``: the reference cell it lies in."""

    value: float | None
    cell: int
    rows: float
    since: float


class Runs:
    """Follows every column of the reference from evaluation to evaluation."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def add(self, latest: Window, reference: Reference, since: float) -> None:
        """Take the increments since the last evaluation, which began at ``since``."""
        for name, column in reference.columns.items():
            pane = latest.columns.get(name)
            if name.startswith("@") or pane is None or pane.n == 0 or column.distinct < 2:
                continue
            found = _constant(pane)
            if found is None:
                self._runs.pop(name, None)
                continue
            value, cell = found
            run = self._runs.get(name)
            if run is not None and (run.value, run.cell) == (value, cell):
                self._runs[name] = Run(value, cell, run.rows + pane.n, run.since)
            else:
                self._runs[name] = Run(value, cell, float(pane.n), since)

    def findings(self, reference: Reference, settings: QualitySettings, *, before: float, alike: float) -> Iterator[Finding]:
        """Runs that began before ``before`` and that chance does not explain. Rows of one request (``alike``) count once.

        Chance here takes rows as independent. Times of day and such are not: so a finding is told, and no alarm.
        """
        limit = math.log(settings.error_rate / max(len(reference.columns), 1))
        for name, run in self._runs.items():
            column = reference.columns.get(name)
            if column is None or run.since > before or run.rows < settings.min_rows:
                continue
            share = _share(column, run.cell)
            if run.rows / alike * math.log(share) <= limit:
                value = column.cell_label(run.cell) if run.value is None else f"{run.value:g}"
                reason = f"{name}: {value} in all of {run.rows:.0f} rows, {share:.1%} of the reference"
                more = {"value": value, "since": run.since, "reference_rate": share}
                yield Finding(name, "stuck", run.rows, run.rows, reason, run.since, (value,), more=more)

    def to_json(self) -> dict[str, Any]:
        return {name: [run.value, run.cell, run.rows, run.since] for name, run in self._runs.items()}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Runs:
        result = cls()
        result._runs = {name: Run(value, int(cell), rows, since) for name, (value, cell, rows, since) in state.items()}
        return result


def _constant(pane: ColumnPane) -> tuple[float | None, int] | None:
    """The one value and its cell; for categories the value is None, and the cell must be one category's own."""
    filled = np.flatnonzero(pane.counts)
    if len(filled) != 1:
        return None
    if pane.minimum is not None:
        return (pane.minimum, int(filled[0])) if pane.minimum == pane.maximum else None
    is_shared = int(filled[0]) >= len(pane.counts) - 2  # "_other" and "_unseen" hold many
    return None if is_shared else (None, int(filled[0]))


def _share(column: ColumnReference, cell: int) -> float:
    """Of reference values in the cell, never quite 0 or 1."""
    count = float(column.counts[cell]) if cell < len(column.counts) else 0.0
    return (count + 1) / (column.n + 2)
