"""Counting rows as they come: rules broken, outliers, and the requests they came in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neural.monitoring.decode.settings import FeatureSettings
from neural.monitoring.quality.outliers import Bounds, outlier_bounds
from neural.monitoring.quality.rules import ColumnRules, rules_of
from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.quality.tally import Field, Tally
from neural.monitoring.records import Column, Kind, RecordBatch
from neural.monitoring.windows.reference import Reference

MAX_COLUMNS = 2_000  # columns counted for one model: memory is bounded by it


class RowCounter:
    """Counts what the panes don't: values that break a rule, and outliers once a reference is known."""

    def __init__(self, settings: QualitySettings, schema: Mapping[str, FeatureSettings]) -> None:
        self._settings = settings
        self._rules: dict[str, ColumnRules] = {name: rules_of(feature) for name, feature in schema.items()}
        self.bounds: dict[str, Bounds] = {}
        self.reference_hash = ""

    def use(self, reference: Reference) -> None:
        """Count outliers against this reference from now on."""
        if reference.hash == self.reference_hash:
            return
        self.reference_hash = reference.hash
        found = {name: outlier_bounds(column, self._settings) for name, column in reference.columns.items()}
        self.bounds = {name: bounds for name, bounds in found.items() if bounds is not None}

    def count(self, batch: RecordBatch, into: Tally) -> None:
        into.rows += len(batch)
        into.requests += 1 + int(np.count_nonzero(np.diff(batch.times))) if len(batch) else 0
        for name, column in batch.features.items():
            if name not in into.columns and len(into.columns) >= MAX_COLUMNS:
                continue
            rules, bounds = self._rules.get(name), self.bounds.get(name)
            if rules:
                checked, broken = rules.broken(column)
                counts = into.of(name)
                counts[Field.RULED] += checked
                counts[Field.BROKEN] += int(np.count_nonzero(broken))
            if bounds is not None and column.kind is Kind.NUMERIC:
                _count_outliers(column, bounds, into)


def _count_outliers(column: Column, bounds: Bounds, into: Tally) -> None:
    values = column.values
    finite = np.isfinite(values)
    counts = into.of(column.name)
    counts[Field.RANGED] += int(np.count_nonzero(finite))
    counts[Field.OUTLIERS] += bounds.count(values)  # comparisons with NaN are false
    counts[Field.OUTLIERS] -= int(np.count_nonzero(np.isinf(values)))  # infinities are invalid, not outliers
